//! Rows of comma-separated values (RFC 4180), read as their bytes come.
//!
//! Threat note. Files come from customers, and from programs of all kinds. Defends against: rows, cells and quotes that
//! never end (a row is at most [`ROW_MAX`] bytes), bytes that are no text (the row is bad, not the file). Linear in what
//! it reads.

/// Longest row, in bytes.
pub(super) const ROW_MAX: usize = 4_096;

/// A row of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CsvRow {
    /// The number of its first line, from 1, and its cells.
    Cells(u64, Vec<String>),
    /// It is too long, or no text.
    Bad(u64),
}

/// Where the reader is in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first byte of a cell.
    Begin,
    Plain,
    Quoted,
    /// After a quote within quotes: the end, or half of a doubled one.
    Quote,
}

/// Reads rows from pieces of a file.
pub(super) struct CsvReader {
    at: At,
    /// `,`, or `;` or a tab where the first row has one of them outside quotes before any comma.
    separator: Option<u8>,
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    /// Bytes of the row.
    length: usize,
    /// The line that is being read, and that the row began on.
    line: u64,
    begun: u64,
    /// The bytes of a mark of byte order that were seen.
    mark: usize,
}

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl CsvReader {
    pub fn new() -> Self {
        Self {
            at: At::Begin,
            separator: None,
            cells: Vec::new(),
            cell: Vec::new(),
            length: 0,
            line: 1,
            begun: 1,
            mark: 0,
        }
    }

    /// Reads a piece; `take` gets each row that ends in it. Empty rows are left out.
    pub fn read(&mut self, piece: &[u8], take: &mut impl FnMut(CsvRow)) {
        for &byte in piece {
            if self.mark < BYTE_ORDER_MARK.len() {
                if byte == BYTE_ORDER_MARK[self.mark] {
                    self.mark += 1;
                    continue;
                }
                self.mark = BYTE_ORDER_MARK.len();
            }
            self.byte(byte, take);
        }
    }

    /// The file is over: what was begun is a row.
    pub fn end(mut self, take: &mut impl FnMut(CsvRow)) {
        if self.length > 0 {
            self.row(take);
        }
    }

    fn byte(&mut self, byte: u8, take: &mut impl FnMut(CsvRow)) {
        let separates = match self.separator {
            Some(separator) => byte == separator,
            None if matches!(byte, b',' | b';' | b'\t') && self.at != At::Quoted => {
                self.separator = Some(byte);
                true
            }
            None => false,
        };
        match (self.at, byte) {
            (At::Quoted, b'"') => self.at = At::Quote,
            (At::Quoted, _) => self.push(byte),
            (At::Quote, b'"') => {
                self.at = At::Quoted;
                self.push(byte);
            }
            (_, b'\n') => self.row(take),
            // Part of the line's end, or of nothing.
            (_, b'\r') => {}
            (_, _) if separates => {
                let cell = std::mem::take(&mut self.cell);
                self.length += 1;
                if self.length <= ROW_MAX {
                    self.cells.push(cell);
                }
                self.at = At::Begin;
            }
            (At::Begin, b'"') => {
                self.length += 1;
                self.at = At::Quoted;
            }
            (_, _) => {
                self.at = At::Plain;
                self.push(byte);
            }
        }
        if byte == b'\n' {
            self.line += 1;
            if self.length == 0 {
                self.begun = self.line;
            }
            // A quote that nobody closed would swallow the rest of the file.
            if self.at == At::Quoted && self.length > ROW_MAX {
                self.row(take);
                self.begun = self.line;
            }
        }
    }

    fn push(&mut self, byte: u8) {
        self.length += 1;
        if self.length <= ROW_MAX {
            self.cell.push(byte);
        }
    }

    fn row(&mut self, take: &mut impl FnMut(CsvRow)) {
        let (begun, length) = (self.begun, self.length);
        let mut cells = std::mem::take(&mut self.cells);
        cells.push(std::mem::take(&mut self.cell));
        (self.at, self.length) = (At::Begin, 0);
        if length == 0 {
            return;
        }
        if length > ROW_MAX {
            return take(CsvRow::Bad(begun));
        }
        let texts: Result<Vec<String>, _> = cells.into_iter().map(String::from_utf8).collect();
        take(texts.map_or(CsvRow::Bad(begun), |cells| CsvRow::Cells(begun, cells)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<CsvRow> {
        let mut rows = Vec::new();
        let mut reader = CsvReader::new();
        for piece in pieces {
            reader.read(piece, &mut |row| rows.push(row));
        }
        reader.end(&mut |row| rows.push(row));
        rows
    }

    fn row(line: u64, cells: &[&str]) -> CsvRow {
        CsvRow::Cells(line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn rows_as_programs_write_them() {
        let file = b"\xef\xbb\xbfphone,reason\r\n+12025550101,\"said \"\"no\"\", twice\"\r\n\r\n\"+1\n2\"\n3";
        let expected = vec![
            row(1, &["phone", "reason"]),
            row(2, &["+12025550101", "said \"no\", twice"]),
            row(4, &["+1\n2"]),
            row(6, &["3"]),
        ];
        assert_eq!(read(&[file]), expected);
        let bytes: Vec<&[u8]> = file.chunks(1).collect();
        assert_eq!(read(&bytes), expected, "byte by byte");
        assert_eq!(read(&[b"1;a,b\n2;c"]), vec![row(1, &["1", "a,b"]), row(2, &["2", "c"])]);
        assert_eq!(read(&[b""]), vec![]);
    }

    #[test]
    fn bad_rows_spoil_no_others() {
        let mut file = b"1\n\xff\xfe\n".to_vec();
        file.extend(vec![b'x'; ROW_MAX + 1]);
        file.extend(b"\n4\n\"");
        file.extend(vec![b'y'; ROW_MAX + 1]);
        file.extend(b"\n6\n");
        let expected = vec![
            row(1, &["1"]),
            CsvRow::Bad(2),
            CsvRow::Bad(3),
            row(4, &["4"]),
            CsvRow::Bad(5),
            row(6, &["6"]),
        ];
        assert_eq!(read(&[&file]), expected);
    }

    proptest! {
        /// Whatever the bytes and however they are cut: the same rows, none longer than it may be.
        #[test]
        fn any_bytes(file in prop::collection::vec(prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), any::<u8>()], 0..300), cut in 1_usize..40) {
            let whole = read(&[&file]);
            let pieces: Vec<&[u8]> = file.chunks(cut).collect();
            prop_assert_eq!(&whole, &read(&pieces));
            for row in whole {
                if let CsvRow::Cells(_, cells) = row {
                    prop_assert!(cells.iter().map(String::len).sum::<usize>() <= ROW_MAX);
                }
            }
        }
    }
}
