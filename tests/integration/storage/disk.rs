//! A disk that remembers: what was written, what was synced since, and what may be left of it when the power goes.
//!
//! A write lasts once its file was synced; a name lasts once its directory was. SQLite syncs the directory with the
//! first sync of a new journal or log, and with a deletion that asks for it. Shared memory is not on any disk.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

pub(super) type FileId = usize;

/// What SQLite asks of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    Delete,
    SharedMemory,
}

/// Whether it is done.
pub(super) enum Verdict {
    Go,
    /// It fails with SQLite's `code`; of a write, this many quarters are done before.
    Fail {
        code: c_int,
        share: usize,
    },
}

/// The `nth` access of a kind fails, and every one after it when it is `lasting`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) access: Access,
    pub(super) code: c_int,
    pub(super) nth: u64,
    pub(super) lasting: bool,
}

/// What happened to the files, in order.
#[derive(Debug)]
pub(super) enum Op {
    Created {
        name: String,
        file: FileId,
    },
    Written {
        file: FileId,
        at: usize,
        bytes: Box<[u8]>,
    },
    Truncated {
        file: FileId,
        size: usize,
    },
    Synced {
        file: FileId,
        directory: bool,
    },
    SyncFailed {
        file: FileId,
    },
    Deleted {
        name: String,
        synced: bool,
    },
    /// A new database took its own name, and the directory was synced: the store does both itself, past SQLite.
    Renamed {
        from: String,
        to: String,
        file: FileId,
    },
}

#[derive(Default)]
pub(super) struct Disk {
    inner: Mutex<Inner>,
    all_closed: Condvar,
}

#[derive(Default)]
struct Inner {
    log: Vec<Op>,
    names: BTreeMap<String, FileId>,
    /// By file: whether it is a journal or log whose directory is still to be synced.
    fresh: Vec<bool>,
    open: usize,
    fault: Option<Fault>,
    asked: u64,
    failed: u64,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// From now on the `fault` happens.
    pub(super) fn arm(&self, fault: Fault) {
        let mut inner = self.lock();
        (inner.fault, inner.asked, inner.failed) = (Some(fault), 0, 0);
    }

    /// No fault happens any more; how many did.
    pub(super) fn heal(&self) -> u64 {
        let mut inner = self.lock();
        inner.fault = None;
        inner.failed
    }

    pub(super) fn failed(&self) -> u64 {
        self.lock().failed
    }

    /// A file that lies there from before, of which `lasting` is on the disk, whatever the kernel shows.
    pub(super) fn found(&self, name: &str, lasting: &[u8]) {
        let file = self.opened(name);
        self.closed();
        self.written(file, 0, lasting);
        self.lock().log.push(Op::Synced { file, directory: true });
    }

    /// How much has happened so far.
    pub(super) fn position(&self) -> usize {
        self.lock().log.len()
    }

    /// Takes out what happened.
    pub(super) fn take_log(&self) -> Vec<Op> {
        std::mem::take(&mut self.lock().log)
    }

    /// Waits until nobody has a file open: a store that is dropped closes its own when its thread has ended.
    pub(super) fn wait_closed(&self) {
        let waited =
            self.all_closed.wait_timeout_while(self.lock(), Duration::from_secs(30), |inner| inner.open > 0).unwrap();
        assert!(!waited.1.timed_out(), "a file was never closed");
    }

    pub(super) fn ask(&self, access: Access) -> Verdict {
        let mut inner = self.lock();
        let Some(fault) = inner.fault.filter(|fault| fault.access == access) else { return Verdict::Go };
        inner.asked += 1;
        if inner.asked < fault.nth || (inner.asked > fault.nth && !fault.lasting) {
            return Verdict::Go;
        }
        inner.failed += 1;
        Verdict::Fail { code: fault.code, share: usize::try_from(inner.asked % 4).unwrap() }
    }

    pub(super) fn opened(&self, name: &str) -> FileId {
        let mut inner = self.lock();
        inner.open += 1;
        if let Some(file) = inner.names.get(name) {
            return *file;
        }
        let unfinished = format!("{name}.new");
        if let Some(file) = inner.names.remove(&unfinished) {
            inner.names.insert(name.to_owned(), file);
            inner.log.push(Op::Renamed { from: unfinished, to: name.to_owned(), file });
            return file;
        }
        let file = inner.fresh.len();
        inner.fresh.push(name.ends_with("-wal") || name.ends_with("-journal"));
        inner.names.insert(name.to_owned(), file);
        inner.log.push(Op::Created { name: name.to_owned(), file });
        file
    }

    pub(super) fn closed(&self) {
        let mut inner = self.lock();
        inner.open -= 1;
        if inner.open == 0 {
            self.all_closed.notify_all();
        }
    }

    pub(super) fn deleted(&self, name: &str, synced: bool) {
        let mut inner = self.lock();
        inner.names.remove(name);
        inner.log.push(Op::Deleted { name: name.to_owned(), synced });
    }

    pub(super) fn written(&self, file: FileId, at: i64, bytes: &[u8]) {
        self.lock().log.push(Op::Written { file, at: usize::try_from(at).unwrap(), bytes: bytes.into() });
    }

    pub(super) fn truncated(&self, file: FileId, size: i64) {
        self.lock().log.push(Op::Truncated { file, size: usize::try_from(size).unwrap() });
    }

    pub(super) fn synced(&self, file: FileId) {
        let mut inner = self.lock();
        let directory = std::mem::take(&mut inner.fresh[file]);
        inner.log.push(Op::Synced { file, directory });
    }

    pub(super) fn sync_failed(&self, file: FileId) {
        self.lock().log.push(Op::SyncFailed { file });
    }
}

/// What became of sectors that were written and not synced.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sectors {
    pub(super) kept: u64,
    pub(super) lost: u64,
    pub(super) torn: u64,
}

/// How a power cut treats what was not synced.
struct Weather {
    /// What is written whole or not at all, if it is not torn.
    sector: usize,
    /// Of 100 sectors, how many are kept, and how many of the others are torn.
    kept: u8,
    torn: u8,
}

impl Weather {
    fn draw(rng: &mut fastrand::Rng) -> Self {
        Self {
            sector: if rng.bool() { 512 } else { 4096 },
            kept: [0, 10, 50, 90, 99, 100][rng.usize(..6)],
            torn: [0, 10, 50][rng.usize(..3)],
        }
    }
}

/// The disk as it stood after the first so many operations: what lasts, and what may.
pub(super) struct Replay<'a> {
    log: &'a [Op],
    at: usize,
    files: Vec<FileOnDisk>,
    names: BTreeMap<&'a str, NameOnDisk>,
}

#[derive(Default)]
struct FileOnDisk {
    lasting: Vec<u8>,
    /// Writes and truncations since the last sync, by their place in the log.
    pending: Vec<usize>,
}

#[derive(Default)]
struct NameOnDisk {
    lasting: Option<FileId>,
    pending: Vec<Option<FileId>>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(log: &'a [Op]) -> Self {
        Self { log, at: 0, files: Vec::new(), names: BTreeMap::new() }
    }

    /// Goes on to operation `at`.
    pub(super) fn advance(&mut self, at: usize, rng: &mut fastrand::Rng) {
        while self.at < at {
            self.perform(self.at, rng);
            self.at += 1;
        }
    }

    fn perform(&mut self, index: usize, rng: &mut fastrand::Rng) {
        match &self.log[index] {
            Op::Created { name, file } => {
                self.files.resize_with(self.files.len().max(file + 1), FileOnDisk::default);
                self.names.entry(name).or_default().pending.push(Some(*file));
            }
            Op::Written { file, .. } | Op::Truncated { file, .. } => self.files[*file].pending.push(index),
            Op::Synced { file, directory } => {
                self.settle(*file, |_| Fate::Kept);
                if *directory {
                    self.settle_names();
                }
            }
            Op::Renamed { from, to, file } => {
                self.settle_names();
                self.names.remove(from.as_str());
                self.names.insert(to, NameOnDisk { lasting: Some(*file), pending: Vec::new() });
            }
            // The kernel takes the pages for clean after this: no later sync writes what was lost here.
            Op::SyncFailed { file } => {
                let weather = Weather::draw(rng);
                self.settle(*file, |length| weather.fate(length, rng));
            }
            Op::Deleted { name, synced } => {
                self.names.entry(name).or_default().pending.push(None);
                if *synced {
                    self.settle_names();
                }
            }
        }
    }

    fn settle(&mut self, file: FileId, fate: impl FnMut(usize) -> Fate) {
        let FileOnDisk { lasting, pending } = &mut self.files[file];
        apply(self.log, pending, lasting, 4096, fate);
        pending.clear();
    }

    fn settle_names(&mut self) {
        for name in self.names.values_mut() {
            name.lasting = name.pending.last().copied().unwrap_or(name.lasting);
            name.pending.clear();
        }
    }

    /// What is sure to be found after a power cut at this moment, by name.
    pub(super) fn lasting(&self) -> impl Iterator<Item = (&'a str, &[u8])> {
        let file = |name: &NameOnDisk| name.lasting.map(|file| self.files[file].lasting.as_slice());
        self.names.iter().filter_map(move |(name, known)| Some((*name, file(known)?)))
    }

    /// What is found after a power cut at this moment, by name.
    pub(super) fn cut(&self, rng: &mut fastrand::Rng, sectors: &mut Sectors) -> Vec<(&'a str, Vec<u8>)> {
        let weather = Weather::draw(rng);
        let mut found = Vec::new();
        for (name, known) in &self.names {
            let choice = rng.usize(..=known.pending.len());
            let Some(file) = choice.checked_sub(1).map_or(known.lasting, |index| known.pending[index]) else {
                continue;
            };
            let mut bytes = self.files[file].lasting.clone();
            apply(self.log, &self.files[file].pending, &mut bytes, weather.sector, |length| {
                let fate = weather.fate(length, rng);
                match fate {
                    Fate::Kept => sectors.kept += 1,
                    Fate::Lost { .. } => sectors.lost += 1,
                    Fate::TornAfter(_) | Fate::TornBefore(_) => sectors.torn += 1,
                }
                fate
            });
            found.push((*name, bytes));
        }
        found
    }
}

/// What became of one sector's worth of a write.
enum Fate {
    Kept,
    /// Gone; its room in the file may have been made all the same.
    Lost {
        grown: bool,
    },
    /// New up to here, old behind.
    TornAfter(usize),
    /// Old up to here, new behind.
    TornBefore(usize),
}

impl Weather {
    fn fate(&self, length: usize, rng: &mut fastrand::Rng) -> Fate {
        if rng.u8(..100) < self.kept {
            Fate::Kept
        } else if rng.u8(..100) >= self.torn {
            Fate::Lost { grown: rng.u8(..4) == 0 }
        } else if rng.bool() {
            Fate::TornAfter(rng.usize(..length))
        } else {
            Fate::TornBefore(rng.usize(..length))
        }
    }
}

/// Writes `pending` into `bytes`, sector by sector, each as its `fate` will have it.
fn apply(log: &[Op], pending: &[usize], bytes: &mut Vec<u8>, sector: usize, mut fate: impl FnMut(usize) -> Fate) {
    for index in pending {
        match &log[*index] {
            Op::Written { at, bytes: new, .. } => {
                let mut done = 0;
                while done < new.len() {
                    let from = at + done;
                    let length = (sector - from % sector).min(new.len() - done);
                    put(bytes, from, &new[done..done + length], &fate(length));
                    done += length;
                }
            }
            Op::Truncated { size, .. } => match fate(1) {
                Fate::Kept => bytes.resize(*size, 0),
                Fate::Lost { .. } | Fate::TornAfter(_) | Fate::TornBefore(_) => {}
            },
            other => unreachable!("{other:?} is never pending"),
        }
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8], fate: &Fate) {
    let (from, until) = match *fate {
        Fate::Kept => (0, new.len()),
        Fate::TornAfter(until) => (0, until),
        Fate::TornBefore(from) => (from, new.len()),
        Fate::Lost { grown } => {
            if grown && bytes.len() < at + new.len() {
                bytes.resize(at + new.len(), 0);
            }
            return;
        }
    };
    if bytes.len() < at + until {
        bytes.resize(at + until, 0);
    }
    bytes[at + from..at + until].copy_from_slice(&new[from..until]);
}
