//! What commands say: words for a person, or JSON lines for a program.
//!
//! Standard output carries answers, standard error carries failures and logs. Writing to a pipe that was closed is no
//! failure of the command, so errors of writing are left aside.

use std::fmt;
use std::io::{IsTerminal, Write};

use serde_json::Value;

use crate::environment;
use crate::failure::Failure;

/// Where a command's answers go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
    color: bool,
}

/// A restrained palette; without a terminal (or with `NO_COLOR`) it is no colour at all.
#[derive(Debug, Clone, Copy)]
pub enum Tint {
    Dim,
    Bold,
    Green,
    Yellow,
    Red,
    Cyan,
}

impl Tint {
    const fn code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Cyan => "36",
        }
    }
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json, color: !json && std::io::stdout().is_terminal() && !environment::no_color() }
    }

    /// Whether a program is listening.
    pub const fn is_json(self) -> bool {
        self.json
    }

    /// One line for a person; nothing where a program listens.
    pub fn say(self, text: impl fmt::Display) {
        if !self.json {
            let _ = writeln!(std::io::stdout().lock(), "{text}");
        }
    }

    /// One line for a program; nothing where a person reads.
    pub fn data(self, value: &Value) {
        if self.json {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{value}");
            let _ = out.flush();
        }
    }

    /// A text that is the answer itself, whoever reads.
    #[expect(clippy::unused_self, reason = "whoever may say something holds an output")]
    pub fn raw(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
    }

    /// A question to a person, without a line end; on standard error, so that answers stay clean.
    #[expect(clippy::unused_self, reason = "whoever may say something holds an output")]
    pub fn ask(self, text: &str) {
        let mut out = std::io::stderr().lock();
        let _ = write!(out, "{text}");
        let _ = out.flush();
    }

    /// Something a person should know that is no answer; on standard error.
    #[expect(clippy::unused_self, reason = "whoever may say something holds an output")]
    pub fn note(self, text: impl fmt::Display) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// How a command failed.
    pub fn failure(self, failure: &Failure) {
        let mut out = std::io::stderr().lock();
        let _ = if self.json {
            writeln!(out, "{}", failure.to_json())
        } else {
            writeln!(out, "gatepost: {failure}")
        };
    }

    /// `text` in a colour, where there are colours.
    pub fn tint(self, tint: Tint, text: impl fmt::Display) -> String {
        if self.color { format!("\x1b[{}m{text}\x1b[0m", tint.code()) } else { text.to_string() }
    }

    /// Rows in aligned columns under a head; a remark where there are none.
    pub fn table(self, head: &[&str], rows: &[Vec<String>], none: &str) {
        if self.json {
            return;
        }
        if rows.is_empty() {
            self.say(none);
            return;
        }
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain(head.get(column).map(|h| h.chars().count())).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> =
                cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            padded.join("  ").trim_end().to_owned()
        };
        self.say(self.tint(Tint::Dim, line(&mut head.iter().copied())));
        for row in rows {
            self.say(line(&mut row.iter().map(String::as_str)));
        }
    }
}

/// A phone number as people may see it over a shoulder: its country and its last digits.
pub fn masked(phone: &str) -> String {
    let count = phone.chars().count();
    if count <= 7 {
        return "·".repeat(count);
    }
    phone.chars().enumerate().map(|(at, c)| if (2..count - 4).contains(&at) { '·' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_masked() {
        assert_eq!(masked("+12025550101"), "+1······0101");
        assert_eq!(masked("+1202"), "·····");
    }
}
