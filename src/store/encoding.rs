//! Rows as bytes, for whatever is computed over them: the seals of money rows, and the journal's chain.
//!
//! An encoding is the table's name and then, for each column that is not NULL, its name, a byte for the kind of its
//! value (`i`, `r`, `t`, `b`) and the value. A name and a value have their length before them, eight bytes with the
//! highest first, as integers and the bits of a real have; so no two rows have one encoding. A NULL is left out, so a
//! column that is added later, NULL at first, changes no encoding.

use rusqlite::types::ValueRef;

/// Room for most rows, so that an encoding seldom has to grow.
const USUAL_BYTES: usize = 512;

/// A row, encoded as far as its columns were added.
#[derive(Debug)]
pub(super) struct Encoding(Vec<u8>);

impl Encoding {
    /// A row of `table`, without a column.
    pub(super) fn of(table: &str) -> Self {
        let mut encoding = Self(Vec::with_capacity(USUAL_BYTES));
        encoding.push(table.as_bytes());
        encoding
    }

    /// Adds a column.
    pub(super) fn add(&mut self, column: &str, value: ValueRef<'_>) {
        let number;
        let (kind, value) = match value {
            ValueRef::Null => return,
            ValueRef::Integer(integer) => {
                number = integer.to_be_bytes();
                (b'i', number.as_slice())
            }
            ValueRef::Real(real) => {
                number = real.to_bits().to_be_bytes();
                (b'r', number.as_slice())
            }
            ValueRef::Text(text) => (b't', text),
            ValueRef::Blob(blob) => (b'b', blob),
        };
        self.push(column.as_bytes());
        self.0.push(kind);
        self.push(value);
    }

    /// All of it.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn push(&mut self, part: &[u8]) {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn encoded(table: &str, columns: &[(&str, ValueRef<'_>)]) -> Vec<u8> {
        let mut encoding = Encoding::of(table);
        for (column, value) in columns {
            encoding.add(column, *value);
        }
        encoding.into_bytes()
    }

    /// Seals and hashes that stand in databases were computed over this.
    #[test]
    fn an_encoding_is_what_it_was() {
        let bytes =
            encoded("ab", &[("n", ValueRef::Integer(-2)), ("no", ValueRef::Null), ("t", ValueRef::Text(b"xyz"))]);
        let expected: &[u8] = b"\0\0\0\0\0\0\0\x02ab\
            \0\0\0\0\0\0\0\x01ni\0\0\0\0\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe\
            \0\0\0\0\0\0\0\x01tt\0\0\0\0\0\0\0\x03xyz";
        assert_eq!(bytes, expected);
    }

    /// Values that run into one another, change columns or kinds, or are no value at all.
    #[test]
    fn no_two_rows_are_encoded_alike() {
        let text = |text: &'static str| ValueRef::Text(text.as_bytes());
        let rows = [
            encoded("t", &[]),
            encoded("u", &[]),
            encoded("t", &[("a", text("")), ("b", text("xy"))]),
            encoded("t", &[("a", text("x")), ("b", text("y"))]),
            encoded("t", &[("a", text("xy")), ("b", text(""))]),
            encoded("t", &[("a", text("xy")), ("b", ValueRef::Null)]),
            encoded("t", &[("a", ValueRef::Null), ("b", text("xy"))]),
            encoded("t", &[("a", ValueRef::Blob(b"xy"))]),
            encoded("t", &[("ax", text("y"))]),
            encoded("t", &[("a", ValueRef::Integer(0))]),
            encoded("t", &[("a", ValueRef::Real(0.0))]),
            encoded("t", &[("a", ValueRef::Text(&[0; 8]))]),
        ];
        assert_eq!(rows.iter().collect::<HashSet<_>>().len(), rows.len());
    }
}
