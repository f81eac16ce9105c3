//! A file of people as it comes in: rows are read and judged at once, and kept sealed in parts until they are done.

use std::collections::HashSet;

use gatepost_core::Recipient;
use serde::{Deserialize, Serialize};

use super::csv::{CsvReader, CsvRow};
use super::suppression_reason;

/// Largest file.
pub const FILE_MAX: usize = 10 * 1024 * 1024;
/// Rows of one part, which one transaction takes.
const PART_ROWS: usize = 500;
/// Bad rows that are told of one by one.
pub const FAULTS_MAX: usize = 100;
/// Names of a first column that say what it is.
const HEADERS: [&str; 9] =
    ["to", "phone", "number", "phone_number", "recipient", "contact", "msisdn", "mobile", "bsuid"];

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub line: u64,
    pub code: String,
    pub detail: String,
}

/// A person of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// A file that is being read.
pub struct ImportFile {
    reader: CsvReader,
    rows: Rows,
}

#[derive(Default)]
struct Rows {
    first: bool,
    parts: Vec<Vec<Row>>,
    open: Vec<Row>,
    seen: HashSet<String>,
    total: i64,
    bad: i64,
    faults: Vec<Fault>,
}

/// A file that was read.
pub(super) struct Read {
    pub parts: Vec<Vec<Row>>,
    pub total: i64,
    pub bad: i64,
    pub faults: Vec<Fault>,
}

impl Default for ImportFile {
    fn default() -> Self {
        Self { reader: CsvReader::new(), rows: Rows { first: true, ..Rows::default() } }
    }
}

impl ImportFile {
    /// Reads a piece.
    pub fn read(&mut self, piece: &[u8]) {
        let rows = &mut self.rows;
        self.reader.read(piece, &mut |row| rows.take(row));
    }

    pub(super) fn end(self) -> Read {
        let Self { reader, mut rows } = self;
        reader.end(&mut |row| rows.take(row));
        if !rows.open.is_empty() {
            rows.parts.push(std::mem::take(&mut rows.open));
        }
        Read { parts: rows.parts, total: rows.total, bad: rows.bad, faults: rows.faults }
    }
}

impl Rows {
    fn take(&mut self, row: CsvRow) {
        let first = std::mem::take(&mut self.first);
        let (line, cells) = match row {
            CsvRow::Cells(line, cells) => (line, cells),
            CsvRow::Bad(line) => {
                return self.fault(line, "unreadable", "the row is too long, or no text in UTF-8".to_owned());
            }
        };
        let to = cells.first().map_or("", |cell| cell.trim());
        if first && HEADERS.contains(&to.to_ascii_lowercase().as_str()) {
            return;
        }
        // Our own tables guard a plus sign, which would calculate, with an apostrophe.
        let to = match Recipient::parse(to.trim_start_matches('\'')) {
            Ok(to) => match &to {
                Recipient::Phone(phone) => phone.as_e164().to_owned(),
                Recipient::Bsuid(bsuid) => bsuid.as_str().to_owned(),
            },
            Err(error) => return self.fault(line, "recipient_invalid", error.to_string()),
        };
        let reason = match cells.get(1).map(|cell| cell.trim()).filter(|cell| !cell.is_empty()) {
            None => None,
            Some(reason) => match suppression_reason(reason) {
                Ok(reason) => Some(reason),
                Err(error) => return self.fault(line, "reason_invalid", format!("the reason: {error}")),
            },
        };
        self.total += 1;
        // Twice in the file is once.
        if !self.seen.insert(to.clone()) {
            return;
        }
        self.open.push(Row { to, reason });
        if self.open.len() == PART_ROWS {
            self.parts.push(std::mem::take(&mut self.open));
        }
    }

    fn fault(&mut self, line: u64, code: &str, detail: String) {
        self.bad += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { line, code: code.to_owned(), detail });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_becomes_people_and_faults() {
        let mut file = ImportFile::default();
        file.read(b"Phone,Reason\n+1 202 555 0101,asked on the phone\n'+12025550102\nnobody\n");
        file.read(b"12025550101\nUS.13491208655302741918,\n+12025550103,\"a\nb\"\n");
        let read = file.end();
        let row =
            |to: &str, reason: Option<&str>| Row { to: to.to_owned(), reason: reason.map(str::to_owned) };
        assert_eq!(
            read.parts,
            vec![vec![
                row("+12025550101", Some("asked on the phone")),
                row("+12025550102", None),
                row("US.13491208655302741918", None),
            ]]
        );
        assert_eq!((read.total, read.bad), (4, 2));
        let told: Vec<(u64, &str)> = read.faults.iter().map(|f| (f.line, f.code.as_str())).collect();
        assert_eq!(told, vec![(4, "recipient_invalid"), (7, "reason_invalid")]);
    }

    #[test]
    fn many_rows_lie_in_parts_and_many_faults_are_counted() {
        let mut file = ImportFile::default();
        for n in 0..1_201 {
            file.read(format!("+1202555{n:04}\n").as_bytes());
        }
        for _ in 0..150 {
            file.read(b"x\n");
        }
        let read = file.end();
        assert_eq!(read.parts.iter().map(Vec::len).collect::<Vec<_>>(), vec![500, 500, 201]);
        assert_eq!((read.total, read.bad, read.faults.len()), (1_201, 150, FAULTS_MAX));
    }
}
