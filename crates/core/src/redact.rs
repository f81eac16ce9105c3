//! Words of strangers, such as the answer of a webhook receiver, without what is nobody's business.
//!
//! Threat note. Defends against: a receiver that echoes its own secrets, its users' data or our request into its answer,
//! which then lies in a log that several people read. It looks for forms (tokens, keys, addresses, numbers), so it takes
//! away more than it must, and a secret without a form, such as a short password in a sentence, stays.

/// What stands where something was taken away.
const MARK: &str = "[redacted]";
/// A run of token characters with letters and digits is a secret from this length on.
const MIXED_MIN: usize = 16;
/// A run of token characters in both cases is one from this length on, without a digit in it.
const CASES_MIN: usize = 24;
/// A run of any token characters is one from this length on.
const ANY_MIN: usize = 40;
/// A text of this length may have been cut; its last run counts as the beginning of a longer one.
const CUT_MIN: usize = 1_000;
/// Digits of a phone number, at least (E.164 allows 15; short codes stay).
const PHONE_MIN: usize = 7;
/// Ids of ours: they are no secrets, and lead from the answer to what it is about.
const OWN_IDS: [&str; 7] = ["chn_", "dlv_", "evt_", "med_", "msg_", "tpl_", "whk_"];
/// What follows these and a blank, colon or equals sign is a credential.
const SCHEMES: [&str; 4] = ["bearer", "basic", "digest", "token"];
/// Names whose value is a secret wherever they stand.
const NAMES: [&str; 26] = [
    "access_key",
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "client_secret",
    "credential",
    "credentials",
    "csrf",
    "csrf_token",
    "key",
    "pass",
    "passwd",
    "password",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "signature",
    "token",
];
/// Headers whose whole value goes, with its attributes.
const HEADERS: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "set-cookie2", "x-api-key"];
/// An at sign, as it is written in URLs, HTML and JSON too.
const ATS: [&str; 6] = ["@", "%40", "&#64;", "&#x40;", "&commat;", "\\u0040"];

/// The text with `[redacted]` in the place of credentials, keys, e-mail addresses, phone-like numbers, long tokens and
/// cookies, and without characters that are not seen. A text that was redacted stays as it is.
pub fn redact(text: &str) -> String {
    let chars: Vec<char> = text.chars().filter(|c| !is_unseen(*c)).collect();
    let mut text = Text { marked: vec![false; chars.len()], chars };
    text.marks();
    text.runs();
    text.words();
    text.addresses();
    text.numbers();
    text.written()
}

/// Characters that could cut a secret in two for us and not for a reader.
fn is_unseen(c: char) -> bool {
    crate::text::is_forbidden(c) && !matches!(c, '\n' | '\t' | '\r')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{180e}')
}

const fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '/' | '=' | '~')
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

struct Text {
    chars: Vec<char>,
    marked: Vec<bool>,
}

impl Text {
    fn mark(&mut self, from: usize, to: usize) {
        if let Some(range) = self.marked.get_mut(from..to) {
            range.fill(true);
        }
    }

    /// The end of the run of characters from `at` on that satisfy `is`.
    fn run(&self, at: usize, is: impl Fn(char) -> bool) -> usize {
        at + self.chars.get(at..).unwrap_or_default().iter().take_while(|c| is(**c)).count()
    }

    /// The beginning of the run of characters before `at` that satisfy `is`.
    fn run_back(&self, at: usize, is: impl Fn(char) -> bool) -> usize {
        at - self.chars.get(..at).unwrap_or_default().iter().rev().take_while(|c| is(**c)).count()
    }

    fn lower(&self, from: usize, to: usize) -> String {
        self.chars.get(from..to).unwrap_or_default().iter().collect::<String>().to_ascii_lowercase()
    }

    /// What was taken away before.
    fn marks(&mut self) {
        let mark: Vec<char> = MARK.chars().collect();
        for at in 0..self.chars.len() {
            if self.chars[at..].starts_with(&mark) {
                self.mark(at, at + mark.len());
            }
        }
    }

    /// Long tokens: keys, signatures, hex and base64.
    fn runs(&mut self) {
        let mut at = 0;
        while at < self.chars.len() {
            let end = self.run(at, is_token);
            if end == at {
                at += 1;
                continue;
            }
            if self.is_secret(at, end) {
                self.mark(at, end);
            }
            at = end;
        }
    }

    fn is_secret(&self, from: usize, to: usize) -> bool {
        let run = &self.chars[from..to];
        let any = |is: fn(&char) -> bool| run.iter().any(is);
        let word: String = run.iter().collect();
        if word.len() == 30 && OWN_IDS.iter().any(|prefix| word.starts_with(prefix)) {
            return false;
        }
        let digits = any(char::is_ascii_digit);
        let (upper, lower) = (any(char::is_ascii_uppercase), any(char::is_ascii_lowercase));
        let key = ["whsec_", "whsk_", "gp_live_", "gp_test_", "sk_", "pk_", "ghp_", "xoxb-", "EAA"];
        key.iter().any(|prefix| word.contains(prefix) && word.len() > prefix.len() + 3)
            || run.len() >= MIXED_MIN && digits && (upper || lower)
            || run.len() >= CASES_MIN && upper && lower
            || run.len() >= ANY_MIN
            || to == self.chars.len() && to >= CUT_MIN && run.len() >= 6 && digits
    }

    /// Credentials after their scheme, values after a telling name, headers with cookies.
    fn words(&mut self) {
        let mut at = 0;
        while at < self.chars.len() {
            let end = self.run(at, is_name);
            if end == at {
                at += 1;
                continue;
            }
            let word = self.lower(at, end);
            let value = self.value_after(end);
            if HEADERS.contains(&word.as_str())
                && let Some(value) = value
            {
                let end = self.run(value, |c| !matches!(c, '\n' | '\r' | '"' | '<' | '}'));
                self.mark(value, end);
            } else if is_telling(&word)
                && let Some(value) = value
            {
                self.mark(value, self.run(value, |c| !is_delimiter(c)));
            } else if SCHEMES.contains(&word.as_str()) {
                let value = self.run(end, |c| c == ' ' || c == ':');
                let stop = self.run(value, |c| !is_delimiter(c));
                // "token expired" is no credential: those have a digit, a sign, both cases or some length.
                let plain = stop - value < 8
                    || stop - value < MIXED_MIN
                        && self.chars[value..stop].iter().all(char::is_ascii_lowercase);
                if value > end && (word == "bearer" || !plain) {
                    self.mark(value, stop);
                }
            }
            at = end;
        }
    }

    /// Where the value of `name: value`, `name=value` or `"name": "value"` begins.
    fn value_after(&self, name: usize) -> Option<usize> {
        let is_quote = |c| matches!(c, '"' | '\'' | '\\' | ' ' | ']');
        let sign = self.run(name, is_quote);
        let escaped = self.lower(sign, sign + 3);
        let after = match self.chars.get(sign) {
            Some(':' | '=') => sign + 1,
            _ if escaped == "%3d" || escaped == "%3a" => sign + 3,
            _ => return None,
        };
        Some(self.run(after, |c| matches!(c, '"' | '\'' | '\\' | ' ' | '>' | '=')))
    }

    fn addresses(&mut self) {
        let is_local = |c: char| c.is_alphanumeric() || "._%+-!#$&'*/=?^`{|}~".contains(c) && c != '/';
        for at in 0..self.chars.len() {
            let sign = ATS.iter().find(|sign| {
                let end = at + sign.chars().count();
                self.chars[at] == sign.chars().next().unwrap_or('@') && self.lower(at, end) == **sign
            });
            let Some(sign) = sign else { continue };
            let after = at + sign.chars().count();
            let start = self.run_back(at, is_local);
            let end = self.run(after, |c| c.is_alphanumeric() || matches!(c, '.' | '-' | '[' | ']' | ':'));
            if start < at && end > after {
                self.mark(start, end);
            }
        }
    }

    /// Digits that a person would dial, with the signs that people write between them.
    fn numbers(&mut self) {
        let mut at = 0;
        while at < self.chars.len() {
            if !self.chars[at].is_numeric() {
                at += 1;
                continue;
            }
            let (mut end, mut digits) = (at, 0);
            let mut gap = 0;
            for (index, c) in self.chars.iter().enumerate().skip(at) {
                if c.is_numeric() {
                    (end, digits, gap) = (index + 1, digits + 1, 0);
                } else if matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{2011}') && gap < 3 {
                    gap += 1;
                } else {
                    break;
                }
            }
            // A number inside a word of another kind, such as an id, was judged with it.
            let inside = at > 0 && is_name(self.chars[at - 1]) && self.chars[at - 1] != '-';
            if digits >= PHONE_MIN && !inside {
                let start = self.run_back(at, |c| matches!(c, '+' | '('));
                self.mark(start, end);
            }
            at = end.max(at + 1);
        }
    }

    fn written(&self) -> String {
        let mut out = String::with_capacity(self.chars.len());
        let mut before = false;
        for (c, marked) in self.chars.iter().zip(&self.marked) {
            match (marked, before) {
                (true, false) => out.push_str(MARK),
                (false, _) => out.push(*c),
                (true, true) => {}
            }
            before = *marked;
        }
        out
    }
}

/// A name whose value is a secret: one of the table, alone or at the end of a longer one (`DB_PASSWORD`, `x-auth-token`).
fn is_telling(word: &str) -> bool {
    NAMES
        .iter()
        .any(|name| word.strip_suffix(name).is_some_and(|head| head.is_empty() || head.ends_with(['_', '-'])))
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';' | '&' | '}' | ']' | ')' | '|' | '\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_go() {
        for (text, secret) in [
            ("Authorization: Bearer abc", "abc"),
            ("bad bearer  s3cr3t!", "s3cr3t"),
            ("WWW-Authenticate got Basic dXNlcjpodW50ZXIy", "dXNl"),
            ("signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, wrong", "MfKQ"),
            ("whsec_short1", "short1"),
            ("key gp_live_abcdef", "abcdef"),
            ("stripe sk_live_abcd", "abcd"),
            (r#"{"user":"ada@example.com"}"#, "ada@"),
            ("mailto:ada%40example.com", "ada"),
            ("ada&#64;example.com", "ada"),
            (r#"{"m":"ada\u0040example.com"}"#, "example"),
            ("https://admin:hunter2@db.example.com/x", "hunter2"),
            ("call +1 202-555-0123 now", "555"),
            ("call (202) 555.0123", "0123"),
            ("wa_id 4915112345678", "4915"),
            ("number ٠١٢٣٤٥٦٧٨٩", "٣٤٥"),
            ("digest 0f1e2d3c4b5a69788796a5b4c3d2e1f0", "4b5a"),
            ("blob SGVsbG8gV29ybGQhIQ==", "SGVs"),
            ("opaque AbCdEfGhIjKlMnOpQrStUvWx", "GhIj"),
            ("Set-Cookie: sid=abc; Path=/; HttpOnly", "abc"),
            ("cookie=a=b; c=d", "c=d"),
            (r#"{"password": "hunter2"}"#, "hunter2"),
            (r#"{\"password\":\"hunter2\"}"#, "hunter2"),
            ("DB_PASSWORD=hunter2", "hunter2"),
            ("?access_token=abc&x=1", "abc"),
            ("x-auth-token : abc", "abc"),
            ("pass\u{200b}word=hunter2", "hunter2"),
            (
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
                "dozj",
            ),
            ("id 7d9f1c1e-9e3b-4b4e-8a51-3f2f6f0c2b11", "9e3b"),
        ] {
            let clean = redact(text);
            assert!(clean.contains(MARK) && !clean.contains(secret), "{text}: {clean}");
            assert_eq!(redact(&clean), clean, "again: {text}");
        }
    }

    #[test]
    fn words_stay() {
        for text in [
            "ok",
            "",
            "Internal Server Error",
            "<html><body><h1>502 Bad Gateway</h1></body></html>",
            "no handler for message.delivered (evt_01kagq5rh8e5htqh9sk95d3x4w)",
            "content-security-policy-report-only is missing",
            "token expired",
            "took 1234 ms at line 567",
            "müssen wir später noch einmal versuchen",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn a_token_that_was_cut_goes_too() {
        let text = format!("{}abc123", "lorem ipsum, ".repeat(80));
        assert!(!redact(&text).contains("abc123"));
        assert_eq!(redact("lorem abc123"), "lorem abc123", "a short answer was not cut");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_nothing_is_added(text in ".{0,200}") {
            let clean = redact(&text);
            let kept: String = clean.replace(MARK, "");
            let mut rest = text.chars();
            prop_assert!(kept.chars().all(|c| rest.any(|o| o == c)), "{}", clean);
        }

        #[test]
        fn a_key_goes_wherever_it_stands(before in "[ -~]{0,40}", key in "[A-Za-z0-9]{40,64}", after in "[ -~]{0,40}") {
            let clean = redact(&format!("{before}{key}{after}"));
            prop_assert!(!clean.contains(&key), "{}", clean);
        }

        #[test]
        fn an_address_goes_wherever_it_stands(before in "[ -~]{0,40}", name in "[a-z]{3,12}", after in "[ -~]{0,40}") {
            let address = format!("{name}@example.com");
            let clean = redact(&format!("{before} {address} {after}"));
            prop_assert!(!clean.contains(&address), "{}", clean);
        }
    }
}
