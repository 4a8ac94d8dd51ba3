//! Whether the journal is still what was written: a walk along its chain, from the first event to the last.
//!
//! It reads and never writes, beside a daemon at work or without one, and needs no key. Events are read by pages: a
//! walk through millions takes no more memory than one through ten, and holds no snapshot for minutes, behind which the
//! log could not be moved into the database. Since no event is ever changed, pages of different moments are of one
//! journal; what is written after the walk began is left out.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use crate::domain::chain::{EventHash, Head};
use crate::domain::time::Timestamp;

use super::meta::Meta;
use super::open::{self, OpenError};
use super::{Store, StoreError, chain, rows};

/// Events in a page.
const PAGE: i64 = 1_000;

/// The place of the link's hash in a row, behind the event.
const STORED: usize = chain::COLUMNS.len();

/// What came of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every event is what was written, and none is missing; `None` when there is none yet.
    Whole(Option<Stretch>),
    /// One is not, and this is the first.
    Broken(Fault),
    /// Every event up to this one is. Those behind it were written before the journal had a chain, and the daemon has
    /// yet to chain them.
    Unfinished {
        /// The last that is chained; 0 when none is.
        chained: i64,
        /// The last there is.
        last: i64,
    },
}

/// Events without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The number of the first.
    pub first: i64,
    /// The last, and what stands for all of them.
    pub head: Head,
}

impl Stretch {
    /// How many there are.
    pub const fn events(&self) -> u64 {
        self.head.seq.abs_diff(self.first) + 1
    }
}

/// The first event that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number; 0 is what stands before the first.
    pub seq: i64,
    /// Its time, as it says; of a missing one, that of the event before it.
    pub at: Option<Timestamp>,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What is wrong with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It says something else than what was written.
    Altered,
    /// It says what was written; its hash is another.
    HashAltered,
    /// It is gone, and so are all up to this one.
    Missing {
        /// The last that is.
        until: i64,
    },
    /// It has no place in the chain: something else wrote it, or its link was taken out.
    NotChained,
    /// What was written under its number stands elsewhere.
    OutOfOrder {
        /// Under this one.
        stands_at: i64,
    },
    /// All events up to it follow from one another, and yet the head that was written down for it is another: they were
    /// made anew, or an older copy of the database was put back.
    HeadDiffers {
        /// Its hash as it is.
        found: EventHash,
    },
    /// What the chain begins with was altered or taken out.
    Beginning,
}

/// The journal cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the journal cannot be read behind event {after}: {cause}")]
pub struct Unread {
    /// The last event that could be.
    pub after: i64,
    /// SQLite's word.
    pub cause: String,
}

impl Unread {
    fn after(after: i64) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| Self { after, cause: error.to_string() }
    }
}

/// A database that is opened for its journal alone, to be read.
#[derive(Debug)]
pub struct Journal(Connection);

impl Journal {
    /// Opens the journal of the database at `path`, which must be there and of this version.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::must_be_there(path)?;
        open::connect_to_read(path).map(Self)
    }

    /// Begins to walk through the events that there are now. `head` is one that was written down before.
    pub fn walk(&self, head: Option<Head>) -> Result<Walk<'_>, Unread> {
        Walk::begin(&self.0, head)
    }
}

impl Store {
    /// Walks through the journal at once, over the connection that a simulation has: nobody else may open the file.
    pub(crate) async fn walk_journal(&self) -> Result<Verdict, StoreError> {
        let walked = |error: Unread| StoreError::Refused(error.to_string());
        self.readers.read(move |connection| Walk::begin(connection, None).and_then(Walk::finish).map_err(walked)).await
    }
}

/// What there is to walk through, all of one moment.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// The highest number of an event.
    event: i64,
    /// The highest that has a link.
    link: i64,
    /// The highest that was ever given out: SQLite counts it beside the table.
    given_out: i64,
    /// Whether the link of the origin is as it should be.
    has_beginning: bool,
    /// Whether events of before there was a chain wait for their links.
    has_backlog: bool,
}

impl Bounds {
    fn of(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let sql = "SELECT (SELECT coalesce(max(seq), 0) FROM events),
                (SELECT coalesce(max(seq), 0) FROM journal_chain),
                (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'),
                (SELECT hash FROM journal_chain WHERE seq = 0) IS ?1
                    AND NOT EXISTS (SELECT 1 FROM journal_chain WHERE seq < 0),
                EXISTS (SELECT 1 FROM meta WHERE name = ?2)";
        connection.query_row(sql, (EventHash::ORIGIN.as_bytes(), Meta::Unchained.name()), |row| {
            Ok(Self {
                event: row.get(0)?,
                link: row.get(1)?,
                given_out: row.get(2)?,
                has_beginning: row.get(3)?,
                has_backlog: row.get(4)?,
            })
        })
    }

    /// The last event that is looked at.
    fn until(&self) -> i64 {
        if self.has_backlog { self.event.min(self.link) } else { self.event }
    }
}

/// A walk along the chain, up to where it has come.
#[derive(Debug)]
pub struct Walk<'a> {
    connection: &'a Connection,
    bounds: Bounds,
    head: Option<Head>,
    first: Option<i64>,
    /// The last event that is what was written; the origin before the first.
    last: Head,
    last_at: Option<Timestamp>,
}

impl<'a> Walk<'a> {
    fn begin(connection: &'a Connection, head: Option<Head>) -> Result<Self, Unread> {
        let bounds = Bounds::of(connection).map_err(Unread::after(0))?;
        let last = Head { seq: 0, hash: EventHash::ORIGIN };
        Ok(Self { connection, bounds, head, first: None, last, last_at: None })
    }

    /// How many events were found to be what was written.
    pub fn checked(&self) -> u64 {
        self.stretch().map_or(0, |stretch| stretch.events())
    }

    fn stretch(&self) -> Option<Stretch> {
        self.first.map(|first| Stretch { first, head: self.last })
    }

    /// How many there are to look at.
    pub fn total(&self) -> u64 {
        u64::try_from(self.bounds.until()).unwrap_or_default()
    }

    /// Goes on to the verdict.
    pub fn finish(mut self) -> Result<Verdict, Unread> {
        loop {
            if let Some(verdict) = self.step()? {
                return Ok(verdict);
            }
        }
    }

    /// Goes on for a page; the verdict once there is one.
    pub fn step(&mut self) -> Result<Option<Verdict>, Unread> {
        self.take_page().map_err(|error| Unread::after(self.last.seq)(error))
    }

    fn take_page(&mut self) -> Result<Option<Verdict>, rusqlite::Error> {
        // From the very first row there is, which may be one that should not be.
        let after = self.first.map_or(i64::MIN, |_| self.last.seq);
        let mut statement = self.connection.prepare_cached(&events_with_links())?;
        let mut found = statement.query((after, self.bounds.until(), PAGE))?;
        let mut count = 0;
        while let Some(row) = found.next()? {
            if let Some(fault) = self.take(row)? {
                return Ok(Some(Verdict::Broken(fault)));
            }
            count += 1;
        }
        Ok((count < PAGE).then(|| self.verdict_at_the_end()))
    }

    /// Takes the next event for what was written, or says what is wrong with it.
    fn take(&mut self, row: &Row<'_>) -> Result<Option<Fault>, rusqlite::Error> {
        let seq: i64 = row.get(0)?;
        let at = row.get_ref(1)?.as_i64().ok().map(rows::at);
        let expected = self.last.seq.saturating_add(1);
        let fault = |wrong| Ok(Some(Fault { seq, at, wrong }));
        if seq > expected {
            return Ok(Some(self.missing(seq.saturating_sub(1))));
        }
        if seq < expected {
            return fault(Wrong::NotChained);
        }
        if !self.bounds.has_beginning {
            return Ok(Some(Fault { seq: 0, at: None, wrong: Wrong::Beginning }));
        }
        let hash = chain::hash(&self.last.hash, &chain::values(row)?);
        match row.get_ref(STORED)? {
            ValueRef::Null => return fault(Wrong::NotChained),
            ValueRef::Blob(stored) if stored == hash.as_bytes() => {}
            stored => return fault(self.wrong_with(seq, &hash, stored)?),
        }
        if self.head.is_some_and(|head| head.seq == seq && head.hash != hash) {
            return fault(Wrong::HeadDiffers { found: hash });
        }
        self.first = self.first.or(Some(seq));
        (self.last, self.last_at) = (Head { seq, hash }, at);
        Ok(None)
    }

    /// What is wrong with event `seq`, whose row makes `hash` and whose link says `stored`: told by what comes behind
    /// it, all of which is read where nothing nearer tells.
    fn wrong_with(&self, seq: i64, hash: &EventHash, stored: ValueRef<'_>) -> Result<Wrong, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(&events_with_links())?;
        let mut found = statement.query((seq, self.bounds.until(), -1))?;
        let mut is_next = true;
        while let Some(row) = found.next()? {
            let mut event = chain::values(row)?;
            let link = row.get_ref(STORED)?;
            if std::mem::take(&mut is_next) && link == ValueRef::Blob(chain::hash(hash, &event).as_bytes()) {
                return Ok(Wrong::HashAltered);
            }
            let stands_at = row.get(0)?;
            event[0] = ValueRef::Integer(seq);
            let here = chain::hash(&self.last.hash, &event);
            // Its link may have stayed, or have been moved with it.
            if [stored, link].contains(&ValueRef::Blob(here.as_bytes())) {
                return Ok(Wrong::OutOfOrder { stands_at });
            }
        }
        Ok(Wrong::Altered)
    }

    fn verdict_at_the_end(&self) -> Verdict {
        let (bounds, last) = (&self.bounds, self.last);
        if !bounds.has_beginning {
            return Verdict::Broken(Fault { seq: 0, at: None, wrong: Wrong::Beginning });
        }
        if bounds.has_backlog && last.seq == bounds.until() {
            return Verdict::Unfinished { chained: last.seq, last: bounds.event };
        }
        let known = self.head.map_or(0, |head| head.seq).max(bounds.link).max(bounds.given_out);
        if known > last.seq {
            return Verdict::Broken(self.missing(known));
        }
        Verdict::Whole(self.stretch())
    }

    fn missing(&self, until: i64) -> Fault {
        Fault { seq: self.last.seq.saturating_add(1), at: self.last_at, wrong: Wrong::Missing { until } }
    }
}

/// Events behind one, up to another, each with the hash of its link.
fn events_with_links() -> String {
    format!(
        "SELECT {}, hash FROM events LEFT JOIN journal_chain ON journal_chain.seq = events.seq
         WHERE events.seq > ?1 AND events.seq <= ?2 ORDER BY events.seq LIMIT ?3",
        chain::columns()
    )
}
