//! Reading a witness: is its chain whole, and what does it know that the database does not?

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use super::line::{Entry, Hash, LINE_MAX, Sent};

/// What the database knows of its witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Known {
    /// The highest number it gave out.
    pub(in super::super) counter: i64,
    /// The hash of a line that was there.
    pub(in super::super) witnessed: Option<Hash>,
}

/// What a witness says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Chain {
    /// Sends whose numbers the database has not given out.
    pub(in super::super) beyond: Vec<Sent>,
    /// The hash of the last whole line.
    pub(in super::super) last: Hash,
    /// Where the last whole line ends, in bytes.
    pub(in super::super) length: u64,
    /// How it ends.
    pub(in super::super) end: End,
    /// Whether the line that the database knows of is there.
    has_witnessed: bool,
    /// The number with which the file begins, and those of its sends that the database gave out.
    base: i64,
    given: BTreeSet<i64>,
}

/// How a witness ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    /// With a whole line.
    Whole,
    /// In the middle of one.
    Torn,
    /// A line, counted from 1, does not follow from the one before it. Whatever comes after it is not proven.
    Broken(usize),
}

/// What is wrong between a database and its witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Wrong {
    /// The witness knows sends that the database does not.
    Ahead,
    /// The witness lacks what the database knows it had.
    Shorter,
    /// The chain is broken at this line.
    Broken(usize),
}

impl Chain {
    /// Reads a witness to its end.
    pub(in super::super) fn read(mut from: impl BufRead, known: &Known) -> io::Result<Self> {
        let mut chain = Self {
            beyond: Vec::new(),
            last: Hash::of_nothing(),
            length: 0,
            end: End::Whole,
            has_witnessed: false,
            base: 0,
            given: BTreeSet::new(),
        };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            let is_last = from.fill_buf()?.is_empty();
            chain.take(&line, number, is_last, known);
        }
        Ok(chain)
    }

    fn take(&mut self, line: &[u8], number: usize, is_last: bool, known: &Known) {
        let text = line.strip_suffix(b"\n").and_then(|text| std::str::from_utf8(text).ok());
        let proven = text.and_then(Entry::parse).filter(|(_, before, _)| *before == self.last);
        match (self.end, proven) {
            (End::Whole, Some((entry, _, own))) => {
                self.length += line.len() as u64;
                self.has_witnessed |= known.witnessed.as_ref() == Some(&own);
                self.last = own;
                self.note(entry, number, known);
            }
            // What a crash leaves of a line, or a power cut of its sectors, is the last there is.
            (End::Whole, None) if is_last => {
                self.end = End::Torn;
                if let Some(Entry::Sent(sent)) = text.and_then(Entry::parse_unproven)
                    && sent.seq > known.counter
                {
                    self.beyond.push(sent);
                }
            }
            (end, _) => {
                self.end = if end == End::Whole { End::Broken(number) } else { end };
                // Not proven, and yet better named to a person than left out.
                if let Some(entry) = text.and_then(Entry::parse_unproven) {
                    self.note(entry, number, known);
                }
            }
        }
    }

    fn note(&mut self, entry: Entry, number: usize, known: &Known) {
        match entry {
            Entry::Begun { seq, .. } | Entry::Adopted { seq, .. } if number == 1 => self.base = seq,
            Entry::Begun { .. } | Entry::Adopted { .. } => {}
            Entry::Sent(sent) if sent.seq > known.counter => self.beyond.push(sent),
            Entry::Sent(sent) => {
                self.given.insert(sent.seq);
            }
        }
    }

    /// What is wrong between this and a database that knows `known`.
    pub(in super::super) fn wrong(&self, known: &Known) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if !self.beyond.is_empty() {
            wrong.push(Wrong::Ahead);
        }
        // A database that has not given out a number yet takes a witness as it finds it.
        if known.counter > 0 && !self.has_witnessed {
            wrong.push(Wrong::Shorter);
        }
        match self.end {
            End::Broken(line) => wrong.push(Wrong::Broken(line)),
            End::Torn if !self.lacks_a_number(known) => wrong.push(Wrong::Shorter),
            End::Torn | End::Whole => {}
        }
        wrong.dedup();
        wrong
    }

    /// A line is torn by a crash in the middle of writing it, and its number had been given out by then.
    fn lacks_a_number(&self, known: &Known) -> bool {
        let given = self.given.iter().filter(|seq| **seq > self.base).count();
        i64::try_from(given).is_ok_and(|given| given < known.counter - self.base)
    }
}
