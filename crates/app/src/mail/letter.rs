//! A letter: paragraphs, a link, facts; written as text and as HTML from one source, so that both say the same.

use std::fmt::Write as _;

/// Where lines of text end; links are longer and stay whole.
const WIDTH: usize = 76;
/// Longest name that somebody chose, characters, in a mail.
const NAME_SHOWN: usize = 64;

/// A mail's words.
pub(crate) struct Letter {
    pub subject: String,
    pub parts: Vec<Part>,
}

pub(crate) enum Part {
    Text(String),
    /// Stands on a line of its own.
    Link(String),
    /// Label and value, one a line.
    Facts(Vec<(String, String)>),
}

/// A name that somebody chose, quoted: one line, not too long, and nothing in it that a mail program makes a link of.
///
/// An invitation carries the names of a workspace and of a person to whomever the inviter likes. Without this it would
/// be a way to send "Visit evil.example now" in our name.
pub(crate) fn quoted(name: &str) -> String {
    let line = gatepost_net::MailName::new(name);
    let mut shown: String = line.as_str().chars().take(NAME_SHOWN).collect();
    if shown.len() < line.as_str().len() {
        shown.push('…');
    }
    format!("“{}”", unlinked(&shown.replace(['“', '”'], "\"")))
}

/// The same text for people, with nothing that looks like an address to a mail program: a dot inside a word becomes
/// U+2024, an `@` U+FF20, and `://` loses its meaning.
fn unlinked(text: &str) -> String {
    let text = text.replace("://", ":").replace('@', "\u{ff20}");
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = c == '.' && chars.peek().is_some_and(|next| !next.is_whitespace());
        out.push(if inside { '\u{2024}' } else { c });
    }
    out
}

impl Letter {
    /// Plain text; lines end in `\n`.
    pub fn text(&self, public_url: &str) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => wrap(&mut out, text),
                Part::Link(link) => out.push_str(link),
                Part::Facts(facts) => {
                    for (index, (label, value)) in facts.iter().enumerate() {
                        let end = if index + 1 < facts.len() { "\n" } else { "" };
                        let _ = write!(out, "  {label}: {value}{end}");
                    }
                }
            }
            out.push_str("\n\n");
        }
        let _ = writeln!(out, "-- \nGatepost at {public_url}");
        out
    }

    /// A page without images, scripts or anything from elsewhere.
    pub fn html(&self, public_url: &str) -> String {
        let mut out =
            String::from("<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>");
        escape(&mut out, &self.subject);
        out.push_str("</title></head>\n<body>\n");
        for part in &self.parts {
            match part {
                Part::Text(text) => {
                    out.push_str("<p>");
                    escape(&mut out, text);
                    out.push_str("</p>\n");
                }
                Part::Link(link) => {
                    out.push_str("<p><a href=\"");
                    escape(&mut out, link);
                    out.push_str("\">");
                    escape(&mut out, link);
                    out.push_str("</a></p>\n");
                }
                Part::Facts(facts) => {
                    out.push_str("<table>\n");
                    for (label, value) in facts {
                        out.push_str("<tr><th align=\"left\">");
                        escape(&mut out, label);
                        out.push_str("</th><td>");
                        escape(&mut out, value);
                        out.push_str("</td></tr>\n");
                    }
                    out.push_str("</table>\n");
                }
            }
        }
        out.push_str("<hr>\n<p><small>Gatepost at ");
        escape(&mut out, public_url);
        out.push_str("</small></p>\n</body>\n</html>\n");
        out
    }
}

/// Breaks at blanks; a word that is longer than a line stays whole.
fn wrap(out: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_names_and_nothing_else() {
        for (name, shown) in [
            ("Example Ltd.", "“Example Ltd.”"),
            ("booking.com", "“booking\u{2024}com”"),
            (
                "Your account is locked: https://evil.example/x",
                "“Your account is locked: https:evil\u{2024}example/x”",
            ),
            ("write to eve@evil.example", "“write to eve\u{ff20}evil\u{2024}example”"),
            ("a\r\n\r\nDear customer,\r\nb", "“a Dear customer, b”"),
            ("”, who says “pay", "“\", who says \"pay”"),
            ("\u{202e}elpmaxe", "“elpmaxe”"),
        ] {
            assert_eq!(quoted(name), shown);
        }
        assert_eq!(quoted(&"x".repeat(500)).chars().count(), NAME_SHOWN + 3);
    }

    #[test]
    fn lines_are_short_and_links_are_whole() {
        let link = format!("https://gatepost.example.com/reset/{}", "a".repeat(120));
        let letter = Letter {
            subject: "s".to_owned(),
            parts: vec![Part::Text("word ".repeat(60)), Part::Link(link.clone())],
        };
        let text = letter.text("https://gatepost.example.com");
        assert!(
            text.lines().filter(|line| *line != link).all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        assert!(text.lines().any(|line| line == link));
    }

    proptest! {
        #[test]
        fn html_is_inert_whatever_is_in_it(text in any::<String>()) {
            let letter = Letter {
                subject: quoted(&text),
                parts: vec![Part::Text(text.clone()), Part::Facts(vec![("Name".to_owned(), quoted(&text))])],
            };
            let html = letter.html("https://gatepost.example.com");
            let tags: Vec<&str> = html.split('<').skip(1).filter_map(|rest| rest.split(['>', ' ']).next()).collect();
            let known = [
                "!doctype", "html", "head", "meta", "title", "/title", "/head", "body", "p", "/p", "table", "tr", "th",
                "/th", "td", "/td", "/tr", "/table", "hr", "small", "/small", "/body", "/html",
            ];
            prop_assert!(tags.iter().all(|tag| known.contains(tag)), "{tags:?}");
        }
    }
}
