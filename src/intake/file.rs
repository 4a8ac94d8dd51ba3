//! A file of orders, line by line: JSON lines, or CSV with a header.
//!
//! It is never loaded whole: a line is read, checked and handed out before the next. That is also why a quoted value
//! cannot go on in the next line; nothing of an order has several lines, and a stray quote spoils one row, not the rest
//! of the file.

use std::io::{self, BufRead, Read};

use super::problem::{Problem, ProblemCode, shown};
use super::raw::{FIELDS, Field, RawOrder};
use super::{Rejection, check, from_json};
use crate::config::Config;
use crate::domain::order::NewOrder;

/// The longest line in bytes: an order has some hundreds.
const LINE_MAX: u64 = 16 * 1024;

/// What spreadsheets put between values: the comma, the semicolon of Russian ones, and the tab.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// How a file of orders is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    JsonLines,
    /// A header with the names of the fields in any order, then one row per order; `,`, `;` or a tab between values.
    Csv,
}

/// Under which names the columns of somebody else's file stand.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Fields whose columns have another name than ours.
    pub columns: Vec<(Field, String)>,
    /// Whether columns that are nothing of an order's are passed over, rather than refused: one that is misspelt would
    /// be, too.
    pub ignores_others: bool,
}

impl Mapping {
    /// The field of a column; `None` where it is nothing of an order's.
    fn field(&self, column: &str) -> Option<Field> {
        let mapped = self.columns.iter().find(|(_, name)| name == column).map(|(field, _)| *field);
        let ours = || Field::parse(column).filter(|field| !self.columns.iter().any(|(mapped, _)| mapped == field));
        mapped.or_else(ours)
    }
}

/// One line of the file that holds an order, or should.
#[derive(Debug)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u64,
    /// The order, or everything that is wrong with it.
    pub order: Result<NewOrder, Rejection>,
}

/// Why no line of a file can be read: its header.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The system's word.
    #[error("cannot read the first line: {0}")]
    Io(io::Error),
    /// There is no header, or one with columns that are unknown, missing or there twice.
    #[error("the header (line {line}) is not usable: {rejection}")]
    Columns {
        /// Its line.
        line: u64,
        /// Everything that is wrong with it.
        rejection: Rejection,
    },
}

/// The orders of a file, one at a time. Blank lines are passed over. After an error of the system,
/// stop: what comes then may begin in the middle of a line.
#[derive(Debug)]
pub struct OrderFile<'a, R> {
    lines: Lines<R>,
    layout: Layout,
    config: &'a Config,
}

/// How a line is read.
#[derive(Debug)]
enum Layout {
    JsonLines,
    /// The field of each column; `None` of one that is passed over.
    Csv {
        columns: Vec<Option<Field>>,
        delimiter: u8,
    },
}

impl<'a, R: BufRead> OrderFile<'a, R> {
    /// Orders from `reader`. The header of a CSV file is read, and refused, here.
    pub fn new(reader: R, format: Format, config: &'a Config) -> Result<Self, HeadError> {
        Self::mapped(reader, format, &Mapping::default(), config)
    }

    /// The same of a file whose columns have names of their own.
    pub fn mapped(reader: R, format: Format, mapping: &Mapping, config: &'a Config) -> Result<Self, HeadError> {
        let mut lines = Lines { reader, number: 0, bytes: Vec::new() };
        let layout = match format {
            Format::JsonLines => Layout::JsonLines,
            Format::Csv => header(&mut lines, mapping)?,
        };
        Ok(Self { lines, layout, config })
    }

    /// Passes over the lines before line `number`, counted from 1, without reading what they say.
    pub fn skip_to(&mut self, number: u64) -> io::Result<()> {
        while self.lines.number + 1 < number && self.lines.skip()? {}
        Ok(())
    }
}

impl<R: BufRead> Iterator for OrderFile<'_, R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = match self.lines.next_filled().transpose()? {
            Ok(line) => line,
            Err(error) => return Some(Err(error)),
        };
        let order = match line {
            Ok(text) => self.layout.read(text, self.config),
            Err(problem) => Err(Rejection::unread(problem)),
        };
        Some(Ok(Line { number: self.lines.number, order }))
    }
}

impl Layout {
    fn read(&self, text: &str, config: &Config) -> Result<NewOrder, Rejection> {
        match self {
            Self::JsonLines => from_json(text, config),
            Self::Csv { columns, delimiter } => {
                let values = split(text, *delimiter).map_err(Rejection::unread)?;
                if values.len() != columns.len() {
                    return Err(Rejection::unread(uneven(values.len(), columns.len())));
                }
                let texts =
                    columns.iter().zip(values.iter()).filter_map(|(column, text)| column.map(|field| (field, text)));
                check(&RawOrder::from_texts(texts), config)
            }
        }
    }
}

fn uneven(values: usize, columns: usize) -> Problem {
    let sentence = format!(
        "{values} values stand under {columns} columns, so it is not sure which is which; quote values that contain the \
         separator"
    );
    Problem::of_line(ProblemCode::NotARow, sentence)
}

fn header<R: BufRead>(lines: &mut Lines<R>, mapping: &Mapping) -> Result<Layout, HeadError> {
    let read = lines.next_filled().map_err(HeadError::Io)?;
    let columns = match read {
        Some(Ok(text)) => columns(text, mapping),
        Some(Err(problem)) => Err(vec![problem]),
        None => Err(vec![Problem::of_line(
            ProblemCode::NotARow,
            "the file is empty; a header with column names comes first",
        )]),
    };
    columns.map_err(|problems| HeadError::Columns {
        line: lines.number.max(1),
        rejection: Rejection { order_number: None, problems },
    })
}

fn columns(text: &str, mapping: &Mapping) -> Result<Layout, Vec<Problem>> {
    let delimiter = delimiter_of(text);
    let names = split(text, delimiter).map_err(|problem| vec![problem])?;
    let (mut columns, mut problems) = (Vec::new(), Vec::new());
    for name in &names {
        match mapping.field(name.trim()) {
            Some(field) if columns.contains(&Some(field)) => problems.push(Problem::duplicate(field)),
            None if !mapping.ignores_others => problems.push(unknown_column(name)),
            found => columns.push(found),
        }
    }
    for (field, name) in mapping.columns.iter().filter(|(field, _)| !columns.contains(&Some(*field))) {
        problems.push(Problem::missing(*field, format!("the header has no column {}", shown(name))));
    }
    let is_mapped = |field: Field| mapping.columns.iter().any(|(mapped, _)| *mapped == field);
    for field in [Field::OrderNumber, Field::Amount] {
        if !columns.contains(&Some(field)) && !is_mapped(field) {
            problems.push(Problem::missing(field, "the header needs a column of this name"));
        }
    }
    if problems.is_empty() { Ok(Layout::Csv { columns, delimiter }) } else { Err(problems) }
}

fn unknown_column(name: &str) -> Problem {
    let known = FIELDS.map(Field::as_str).join(", ");
    let sentence = format!(
        "the column {} is not known; remove it, say what it is (--column FIELD={}), pass over such columns \
         (--ignore-other-columns), or name it one of: {known}",
        shown(name),
        name.trim().chars().filter(|c| !c.is_control()).take(32).collect::<String>()
    );
    Problem { sentence, ..Problem::unknown_field(name) }
}

/// The separator that the header uses most; none of them can stand in a column's name.
fn delimiter_of(header: &str) -> u8 {
    let count = |delimiter: &u8| header.bytes().filter(|byte| byte == delimiter).count();
    DELIMITERS.into_iter().rev().max_by_key(count).unwrap_or(b',')
}

/// Nearly all rows have no quotes, and to set up a CSV reader for each costs many times what its reading does.
fn split(text: &str, delimiter: u8) -> Result<csv::StringRecord, Problem> {
    if text.contains('"') { split_quoted(text, delimiter) } else { Ok(text.split(char::from(delimiter)).collect()) }
}

fn split_quoted(text: &str, delimiter: u8) -> Result<csv::StringRecord, Problem> {
    // A row is one line: what goes on in the next one would be queued as far as it has come, and the rest refused.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        let sentence = "a quote is not closed on its line; a value cannot go over several lines, and a quote within it is \
                        written twice";
        return Err(Problem::of_line(ProblemCode::NotARow, sentence));
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .buffer_capacity(text.len().max(1))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => Ok(record),
        Ok(false) => Err(Problem::of_line(ProblemCode::NotARow, "no values stand here")),
        Err(error) => Err(Problem::of_line(ProblemCode::NotARow, format!("this is no row of CSV: {error}"))),
    }
}

/// Numbered lines of bounded length.
#[derive(Debug)]
struct Lines<R> {
    reader: R,
    /// Of the latest line, from 1.
    number: u64,
    /// Its bytes; one buffer for the whole file.
    bytes: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Passes over a line; false at the end.
    fn skip(&mut self) -> io::Result<bool> {
        let is_there = self.reader.skip_until(b'\n')? > 0;
        self.number += u64::from(is_there);
        Ok(is_there)
    }

    /// The next line that is not blank, without its end, or why it cannot be read as text. `None` at the end.
    fn next_filled(&mut self) -> io::Result<Option<Result<&str, Problem>>> {
        loop {
            self.bytes.clear();
            if (&mut self.reader).take(LINE_MAX).read_until(b'\n', &mut self.bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.bytes.len() as u64 == LINE_MAX && !self.bytes.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
                return Ok(Some(Err(too_long())));
            }
            if self.number == 1 && self.bytes.starts_with(b"\xEF\xBB\xBF") {
                self.bytes.drain(..3);
            }
            if !self.bytes.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(str::from_utf8(line).map_err(|error| not_utf8(error.valid_up_to()))))
    }
}

fn too_long() -> Problem {
    let sentence = format!("the line is longer than {LINE_MAX} bytes, and no order is; is this a file of orders?");
    Problem::of_line(ProblemCode::LineTooLong, sentence)
}

fn not_utf8(valid_bytes: usize) -> Problem {
    let position = valid_bytes + 1;
    let sentence = format!(
        "byte {position} of the line is not UTF-8; the file is likely in Windows-1251: convert it with `iconv -f \
         WINDOWS-1251 -t UTF-8`, or save it as UTF-8"
    );
    Problem::of_line(ProblemCode::NotUtf8, sentence)
}
