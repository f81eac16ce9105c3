//! The table that is printed, and how numbers are written in it.

use std::fmt::Write as _;

use crate::samples::Samples;

/// One line: what was measured, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    /// The median, or the only value.
    pub value: String,
    /// Smallest and largest of the repetitions; empty where there was one.
    pub range: String,
    pub note: String,
}

impl Row {
    /// The median of repetitions with their range.
    pub fn of(name: impl Into<String>, samples: &Samples, unit: &str, note: impl Into<String>) -> Self {
        let range = if samples.min() < samples.max() {
            format!("{}–{}", number(samples.min()), number(samples.max()))
        } else {
            String::new()
        };
        Self {
            name: name.into(),
            value: format!("{} {unit}", number(samples.median())),
            range,
            note: note.into(),
        }
    }

    /// One value without repetitions.
    pub fn single(name: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), range: String::new(), note: note.into() }
    }
}

/// A title and lines under headings.
#[derive(Debug, Default)]
pub struct Table {
    lines: Vec<Line>,
}

#[derive(Debug)]
enum Line {
    Heading(String),
    Row(Row),
}

impl Table {
    pub fn heading(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Heading(text.into()));
    }

    pub fn push(&mut self, row: Row) {
        self.lines.push(Line::Row(row));
    }

    /// The table as text, columns aligned.
    pub fn render(&self, title: &str) -> String {
        let width = |pick: fn(&Row) -> &str| {
            let rows = self.lines.iter().filter_map(|line| match line {
                Line::Row(row) => Some(pick(row).chars().count()),
                Line::Heading(_) => None,
            });
            rows.max().unwrap_or(0)
        };
        let (name, value, range) = (width(|r| &r.name), width(|r| &r.value), width(|r| &r.range));
        let mut out = format!("{title}\n{}\n", "=".repeat(title.chars().count()));
        for line in &self.lines {
            let written = match line {
                Line::Heading(text) => writeln!(out, "\n{text}"),
                Line::Row(row) => {
                    let text = format!(
                        "  {:<name$}  {:>value$}  {:<range$}  {}",
                        row.name, row.value, row.range, row.note
                    );
                    writeln!(out, "{}", text.trim_end())
                }
            };
            // Writing to a String does not fail.
            let _ = written;
        }
        out
    }
}

/// A number with as many digits as mean something: `12,345`, `345`, `34.5`, `3.45`.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 99.95 => grouped(value),
        size if size >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Whole, with a comma every three digits.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut out = String::new();
    if value < 0.0 {
        out.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as milliseconds, for latencies.
pub fn millis(micros: f64) -> String {
    format!("{} ms", number(micros / 1_000.0))
}

/// Kibibytes as megabytes (2^20 bytes), as `ps` and `top` mean them.
pub fn megabytes(kib: f64) -> f64 {
    kib / 1_024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (value, text) in [
            (0.0, "0.00"),
            (3.456, "3.46"),
            (9.999, "10.0"),
            (34.56, "34.6"),
            (99.99, "100"),
            (345.6, "346"),
            (999.6, "1,000"),
            (12_345.6, "12,346"),
            (-1_234_567.0, "-1,234,567"),
        ] {
            assert_eq!(number(value), text, "{value}");
        }
        assert_eq!(millis(1_500.0), "1.50 ms");
    }

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::default();
        table.heading("Accepts");
        table.push(Row::of("one", &Samples::from_iter([1.0, 2.0, 3.0]), "/s", "a note"));
        table.push(Row::of("a longer name", &Samples::from_iter([12_000.0]), "/s", "another"));
        table.push(Row::single("alone", "yes", ""));
        let expected = "\
SQLite
======

Accepts
  one              2.00 /s  1.00–3.00  a note
  a longer name  12,000 /s             another
  alone                yes
";
        assert_eq!(table.render("SQLite"), expected);
    }
}
