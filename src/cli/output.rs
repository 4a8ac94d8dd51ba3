//! What a command prints: lines, tables and JSON, fit for a terminal or for a pipe.
//!
//! On a terminal tables fold to its width and states have colours (not with `NO_COLOR`); in a pipe there is plain
//! aligned text without any drawing, so that `grep` and `awk` have an easy life. Texts of the shop's and of the bank's
//! are made inert first: no order number may move the cursor.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::Style;
use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement, LineStyle, TableStyle};
use serde::Serialize;

use super::failure::{Failure, unwritten};
use crate::domain::order::State;

/// Space between two columns.
const GAP: u16 = 2;

/// The standard output.
#[derive(Debug)]
pub(super) struct Output {
    is_terminal: bool,
    /// Whether a terminal reads colours here and nobody has forbidden them; decided once.
    colours: ColorChoice,
}

impl Output {
    /// The standard output of this process.
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        Self { is_terminal: stdout.is_terminal(), colours: AutoStream::choice(&stdout) }
    }

    /// Prints a line.
    pub(super) fn line(&self, words: impl Display) -> Result<(), Failure> {
        self.write(&format!("{}\n", inert(&words.to_string())))
    }

    /// Prints a line that stands above others.
    pub(super) fn heading(&self, words: impl Display) -> Result<(), Failure> {
        let bold = Style::new().bold();
        self.write(&format!("{bold}{}{bold:#}\n", inert(&words.to_string())))
    }

    /// Prints a table.
    pub(super) fn table(&self, table: Table) -> Result<(), Failure> {
        self.write(&format!("{}\n", table.render(self.is_terminal)))
    }

    /// Prints one JSON document.
    pub(super) fn json<T: Serialize>(&self, document: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::failed(format!("cannot write JSON: {error}")))?;
        self.write(&format!("{text}\n"))
    }

    /// Prints a text as it is. Colours are taken out unless a terminal reads them.
    pub(super) fn write(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = AutoStream::new(io::stdout(), self.colours);
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| unwritten(&error))
    }
}

/// Says on stderr what a person may want to know and a script need not read.
pub(super) fn remark(words: &str) {
    // Nobody to tell is no failure.
    let _ = writeln!(anstream::stderr(), "{}", inert(words));
}

/// What a colour means; with `NO_COLOR` nothing is lost, since the words say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tint {
    /// Nothing in particular.
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Needs a person.
    Bad,
    /// Beside the point.
    Faint,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    words: String,
    tint: Tint,
}

/// A cell with `words` in it.
pub(super) fn cell(words: impl Display) -> Cell {
    tinted(words, Tint::Plain)
}

/// A cell whose colour means something.
pub(super) fn tinted(words: impl Display, tint: Tint) -> Cell {
    Cell { words: one_line(&words.to_string()), tint }
}

/// A cell with a state in it.
pub(super) fn state_cell(state: State) -> Cell {
    let tint = match state {
        State::Pending | State::Held => Tint::Plain,
        State::Deposited => Tint::Good,
        State::Reversed | State::Refunded | State::Declined => Tint::Faint,
        State::Review => Tint::Bad,
    };
    tinted(state, tint)
}

/// Rows of aligned columns.
#[derive(Debug)]
pub(super) struct Table {
    header: Vec<&'static str>,
    right: Vec<usize>,
    whole: Vec<usize>,
    indent: u16,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with a header.
    pub(super) fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), right: Vec::new(), whole: Vec::new(), indent: 0, rows: Vec::new() }
    }

    /// Names and what belongs to each: no header, indented.
    pub(super) fn facts() -> Self {
        Self { header: Vec::new(), right: Vec::new(), whole: Vec::new(), indent: GAP, rows: Vec::new() }
    }

    /// Aligns these columns to the right, as numbers are read.
    pub(super) fn align_right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    /// Keeps these columns in one piece where a terminal is too narrow for all of them.
    pub(super) fn unfolded(mut self, columns: &[usize]) -> Self {
        self.whole = columns.to_vec();
        self
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether it has no rows yet.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many rows it has.
    pub(super) const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a name and what belongs to it.
    pub(super) fn fact(&mut self, name: &str, words: impl Display) {
        self.row(vec![tinted(name, Tint::Faint), cell(words)]);
    }

    /// The table as text.
    pub(super) fn render(self, is_terminal: bool) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(if is_terminal && !self.header.is_empty() { RULED } else { TableStyle::new() });
        if is_terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic).enforce_styling();
        } else {
            table.set_content_arrangement(ContentArrangement::Disabled).force_no_tty();
        }
        if !self.header.is_empty() {
            table.set_header(self.header.iter().map(|title| drawn(&cell(title)).add_attribute(Attribute::Bold)));
        }
        table.add_rows(self.rows.iter().map(|row| row.iter().map(drawn).collect::<Vec<_>>()));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((if index == 0 { self.indent } else { 0 }, GAP));
            if self.whole.contains(&index) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
            if self.right.contains(&index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.trim_fmt()
    }
}

/// A line under the header and nothing else.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

fn drawn(cell: &Cell) -> comfy_table::Cell {
    let drawn = comfy_table::Cell::new(&cell.words);
    match cell.tint {
        Tint::Plain => drawn,
        Tint::Good => drawn.fg(Color::Green),
        Tint::Warning => drawn.fg(Color::Yellow),
        Tint::Bad => drawn.fg(Color::Red).add_attribute(Attribute::Bold),
        Tint::Faint => drawn.add_attribute(Attribute::Dim),
    }
}

/// `1 order`, `2 orders`.
pub(super) fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// `text` with everything that a terminal would obey, and nobody could see, written as its escape; lines stay.
pub(super) fn inert(text: &str) -> String {
    escaped(text, |c| c != '\n' && is_obeyed(c))
}

/// Likewise, and on one line.
fn one_line(text: &str) -> String {
    escaped(text, is_obeyed)
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, and marks that turn the text around them.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["ORDER", "AMOUNT"]).align_right(&[1]);
        table.row(vec![cell("A-1"), cell("1.00 RUB")]);
        table.row(vec![tinted("B\u{1b}[31m\n1", Tint::Bad), cell("1 000.00 RUB")]);
        table
    }

    #[test]
    fn a_pipe_gets_plain_aligned_text() {
        let expected = "\
ORDER                    AMOUNT
A-1                    1.00 RUB
B\\u{1b}[31m\\u{a}1  1 000.00 RUB";
        assert_eq!(sample().render(false), expected);
    }

    #[test]
    fn a_terminal_gets_a_rule_and_colours_but_no_command_of_a_strangers() {
        let drawn = sample().render(true);
        assert!(drawn.contains('─') && drawn.contains("\u{1b}["), "{drawn:?}");
        assert!(!drawn.contains("B\u{1b}"), "{drawn:?}");
    }
}
