//! A CSV file, taken apart into records.

use std::{fmt, fs, io};

use csv::{ErrorKind, Position, ReaderBuilder, StringRecord};
use shared::import::Record;

/// Why a file cannot be read. What stands in it is not said.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It is not there, or closed to us.
    Unreadable(io::ErrorKind),
    /// A line has something else in it than UTF-8.
    NoText { line: u64 },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(kind) => write!(f, "the file cannot be read: {kind}"),
            Self::NoText { line } => write!(f, "line {line}: must be UTF-8 text"),
        }
    }
}

/// The first record of a file, and the others.
pub(crate) fn open(path: &str) -> Result<(Record, Vec<Record>), FileError> {
    taken_apart(&fs::read(path).map_err(|error| FileError::Unreadable(error.kind()))?)
}

fn taken_apart(file: &[u8]) -> Result<(Record, Vec<Record>), FileError> {
    // What some editors put before a text, to say that it is UTF-8.
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        // That a line has too many fields, or too few, is a fault like others.
        .flexible(true)
        .from_reader(file);
    let mut lines = Lines { file, at: 0, line: 1 };
    let mut records = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(|error| FileError::Unreadable(io_kind(&error)))?;
        let line = lines.at(record.position());
        let record = StringRecord::from_byte_record(record).map_err(|_| FileError::NoText { line })?;
        let cells = record.iter().map(str::to_owned).collect();
        records.push(Record { line, cells });
    }
    let nothing = Record {
        line: 1,
        cells: Vec::new(),
    };
    let mut records = records.into_iter();
    Ok((records.next().unwrap_or(nothing), records.collect()))
}

fn io_kind(error: &csv::Error) -> io::ErrorKind {
    match error.kind() {
        ErrorKind::Io(error) => error.kind(),
        _ => io::ErrorKind::InvalidData,
    }
}

/// Where records begin, as an editor counts lines. The reader's own count is behind after blank lines, and where lines end
/// as on Windows.
struct Lines<'a> {
    file: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record, which comes after those asked for before.
    fn at(&mut self, position: Option<&Position>) -> u64 {
        let reached = position.and_then(|position| usize::try_from(position.byte()).ok());
        let reached = reached.unwrap_or(self.at).clamp(self.at, self.file.len());
        let breaks = self.file[reached..]
            .iter()
            .take_while(|byte| b"\r\n".contains(byte));
        let begins = reached + breaks.count();
        let passed = self.file[self.at..begins].iter().filter(|byte| **byte == b'\n');
        self.line += passed.map(|_| 1).sum::<u64>();
        self.at = begins;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Vec<String>)> {
        let (header, records) = taken_apart(bytes).unwrap();
        let records = [vec![header], records].concat();
        records
            .into_iter()
            .map(|record| (record.line, record.cells))
            .collect()
    }

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn what_psql_writes_is_taken_apart_and_lines_count_as_an_editor_counts_them() {
        let file = "\u{feff}a,b\r\n\"one, \"\"two\"\"\nthree\",\r\n\n4\n";
        assert_eq!(
            read(file.as_bytes()),
            [
                (1, cells(&["a", "b"])),
                (2, cells(&["one, \"two\"\nthree", ""])),
                (5, cells(&["4"]))
            ]
        );
        assert_eq!(read(b""), [(1, Vec::new())]);
    }

    #[test]
    fn what_is_no_text_is_told_by_its_line_alone() {
        let error = taken_apart(b"a,b\nA. Khan,\xff\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: must be UTF-8 text");
        let error = open("/no/such/file.csv").unwrap_err();
        assert_eq!(error.to_string(), "the file cannot be read: entity not found");
    }
}
