//! The words before TLS: greeting, EHLO and STARTTLS (RFC 3207).
//!
//! Threat: somebody in between who answers in the server's place, or slips words in before the handshake that count after
//! it (CVE-2011-0411 and its kin). STARTTLS is required, never opportunistic; each answer must end where it should, so
//! that nothing waits in a buffer when TLS begins; and what the server offered before it is forgotten.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::error::{MailError, MailFault, MailStage};

/// Longest answer, bytes: a server's list of what it can do is a few hundred.
const ANSWER_MAX: usize = 8 * 1024;

const READY: u16 = 220;
const DONE: u16 = 250;

/// One answer: its code and its lines without code.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    code: u16,
    lines: Vec<String>,
}

/// Brings the connection to where the TLS handshake begins.
pub(super) async fn begin(stream: &mut TcpStream, hello: &str) -> Result<(), MailError> {
    expect(READY, answer(stream).await?)?;
    say(stream, &format!("EHLO {hello}\r\n")).await?;
    let offers = expect(DONE, answer(stream).await?)?;
    // The first line is the server's name.
    if !offers.iter().skip(1).any(|line| line.trim().eq_ignore_ascii_case("STARTTLS")) {
        return Err(MailError::new(
            MailFault::Misconfigured,
            MailStage::Connect,
            "the mail server does not offer STARTTLS, or somebody in between hides it",
        ));
    }
    say(stream, "STARTTLS\r\n").await?;
    expect(READY, answer(stream).await?)?;
    Ok(())
}

fn expect(code: u16, answer: Answer) -> Result<Vec<String>, MailError> {
    if answer.code == code {
        return Ok(answer.lines);
    }
    Err(MailError::reply(MailStage::Connect, answer.code, &answer.lines.join(" ")))
}

fn lost() -> MailError {
    MailError::new(MailFault::TryAgain, MailStage::Connect, "the connection to the mail server was lost")
}

async fn say(stream: &mut TcpStream, words: &str) -> Result<(), MailError> {
    stream.write_all(words.as_bytes()).await.map_err(|_| lost())
}

async fn answer(stream: &mut TcpStream) -> Result<Answer, MailError> {
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await.map_err(|_| lost())?;
        if count == 0 {
            return Err(lost());
        }
        heard.extend_from_slice(&buffer[..count]);
        match parse(&heard) {
            Some(Ok(answer)) => return Ok(answer),
            None if heard.len() <= ANSWER_MAX => {}
            Some(Err(NotSmtp)) | None => {
                return Err(MailError::new(
                    MailFault::TryAgain,
                    MailStage::Connect,
                    "what the mail server said before TLS is not SMTP, or more than was asked for",
                ));
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct NotSmtp;

/// The answer, once it is complete and nothing follows it (RFC 5321 section 4.2.1).
fn parse(heard: &[u8]) -> Option<Result<Answer, NotSmtp>> {
    let mut lines = Vec::new();
    let mut rest = heard;
    loop {
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let Some((code, last, words)) = line.strip_suffix(b"\r").and_then(parse_line) else {
            return Some(Err(NotSmtp));
        };
        lines.push(words);
        if last {
            return Some(if after.is_empty() { Ok(Answer { code, lines }) } else { Err(NotSmtp) });
        }
        rest = after;
    }
}

fn parse_line(line: &[u8]) -> Option<(u16, bool, String)> {
    let text = std::str::from_utf8(line).ok()?;
    let (code, rest) = text.split_at_checked(3)?;
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (last, words) = match rest.as_bytes().first() {
        None => (true, ""),
        Some(b' ') => (true, &rest[1..]),
        Some(b'-') => (false, &rest[1..]),
        Some(_) => return None,
    };
    Some((code.parse().ok()?, last, words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_end_where_they_end() {
        let good = |text: &str| match parse(text.as_bytes()) {
            Some(Ok(answer)) => Some((answer.code, answer.lines.len())),
            _ => None,
        };
        assert_eq!(good("220 mail.example.com ESMTP\r\n"), Some((220, 1)));
        assert_eq!(good("250-mail.example.com\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"), Some((250, 3)));
        assert_eq!(good("220\r\n"), Some((220, 1)));
        for unfinished in ["", "220", "220 mail", "220 mail\r", "250-mail\r\n250-SIZE\r\n"] {
            assert_eq!(parse(unfinished.as_bytes()), None, "{unfinished:?}");
        }
        for wrong in [
            "hello\r\n",
            "22 ready\r\n",
            "2200 ready\r\n",
            "220 ready\n",
            "220_ready\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
            "220 ready\r\n250 injected\r\n",
            "220 ready\r\n2",
            "250-a\r\n250 b\r\n250 c\r\n",
        ] {
            assert_eq!(parse(wrong.as_bytes()), Some(Err(NotSmtp)), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_is_all_there_was(heard in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(Ok(answer)) = parse(&heard) {
                prop_assert_eq!(heard.split(|b| *b == b'\n').count(), answer.lines.len() + 1);
                prop_assert_eq!(heard.last(), Some(&b'\n'));
            }
        }
    }
}
