//! The spooler: queues the orders of files that a shop lays into a directory.
//!
//! A file is taken whole: once nobody has written to it for a while, under a name that is meant to be taken. Its lines
//! are queued as `reconciled order import` queues them, each on disk before the next are read; then it is moved to
//! `done`, or to `failed` where a line was refused, with a report beside it. What a crash or a full disk cuts short
//! lies where it lay and is taken again: adding an order again changes nothing.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::tally::Summary;
use super::{AFTER_STORE_ERROR, HEART_LIMIT, Shared, told_to_stop};
use crate::config::Config;
use crate::domain::event::Cause;
use crate::domain::order::NewOrder;
use crate::domain::time::Timestamp;
use crate::intake::{Format, Line, OrderFile};
use crate::progress::Heart;
use crate::store::StoreError;

/// A file that has not changed for so long is whole, if whoever writes it does not give it its name last.
const QUIET: Duration = Duration::from_secs(5);

/// Files seen in one round; the others have their turn in the next.
const FILES_MAX: usize = 1_000;

/// Orders in one transaction, for which the daemon's own writes wait.
const BATCH: usize = 1_000;

/// Works until told to stop.
pub(super) async fn run(shared: Shared, config: watch::Receiver<Arc<Config>>, mut stop: watch::Receiver<bool>) {
    let heart = shared.progress.heart("spooler".to_owned(), HEART_LIMIT);
    let mut spooler = Spooler { shared, heart, stop: stop.clone(), seen: HashMap::new(), complaint: None };
    loop {
        spooler.heart.beat();
        let config = Arc::clone(&config.borrow());
        if let Some(directory) = &config.spool {
            spooler.round(&config, directory).await;
        }
        tokio::select! {
            biased;
            () = told_to_stop(&mut stop) => return,
            () = tokio::time::sleep(spooler.shared.setting.rhythm.looks) => {}
        }
    }
}

struct Spooler {
    shared: Shared,
    heart: Heart,
    stop: watch::Receiver<bool>,
    /// How each file was found, and since when it has been so.
    seen: HashMap<PathBuf, Seen>,
    /// What was said of the directory last: once, and not every two seconds.
    complaint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    state: FileState,
    since: Instant,
    /// It was read, and could not be moved: it is read again only once it is another file.
    is_stuck: bool,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

/// What is written beside a file that was taken.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a str,
    taken_at: String,
    /// Why nothing more of it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Why a file stays where it is.
#[derive(Debug)]
enum Stays {
    /// The daemon stops; the next one takes it.
    Stopping,
    /// The database would not take it.
    Store(StoreError),
}

impl Spooler {
    async fn round(&mut self, config: &Arc<Config>, directory: &Path) {
        let of = directory.to_owned();
        let found = self.shared.setting.errands.run(move || candidates(&of)).await;
        let found = found.unwrap_or_else(|error| Err(io::Error::other(error)));
        let found = match found {
            Ok(found) => found,
            Err(error) => return self.complain(format!("Cannot read the spool {}: {error}", directory.display())),
        };
        self.complaint = None;
        let now = Instant::now();
        let before = std::mem::take(&mut self.seen);
        for (path, state) in found {
            let as_before = before.get(&path).filter(|seen| seen.state == state).copied();
            let seen = as_before.unwrap_or(Seen { state, since: now, is_stuck: false });
            self.seen.insert(path, seen);
        }
        let mut ready: Vec<PathBuf> = self
            .seen
            .iter()
            .filter(|(_, seen)| !seen.is_stuck && now.saturating_duration_since(seen.since) >= QUIET)
            .map(|(path, _)| path.clone())
            .collect();
        // By name, since that is how people number them.
        ready.sort();
        for path in ready {
            match self.take(config, directory, &path).await {
                Ok(()) => {}
                Err(Stays::Stopping) => return,
                Err(Stays::Store(error)) => {
                    tracing::error!(%error, file = %path.display(), "Cannot queue the orders of {}; it stays where it is", path.display());
                    self.shared.metrics.store_error("spooler");
                    tokio::time::sleep(AFTER_STORE_ERROR).await;
                    return;
                }
            }
        }
    }

    fn complain(&mut self, words: String) {
        if self.complaint.as_ref() != Some(&words) {
            tracing::error!("{words}");
            self.complaint = Some(words);
        }
    }

    async fn take(&mut self, config: &Arc<Config>, directory: &Path, path: &Path) -> Result<(), Stays> {
        let taken_at = self.shared.clock().now();
        let (batches, mut read) = mpsc::channel(1);
        let (of, file) = (Arc::clone(config), path.to_owned());
        let reading = tokio::task::spawn_blocking(move || read_file(&file, &of, &batches));
        let mut summary = Summary::default();
        while let Some(batch) = read.recv().await {
            self.heart.beat();
            if *self.stop.borrow() {
                return Err(Stays::Stopping);
            }
            self.queue(batch, &mut summary).await.map_err(Stays::Store)?;
        }
        let unreadable = match reading.await {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why),
            Err(error) => Some(error.to_string()),
        };
        let is_whole = unreadable.is_none() && summary.refused == 0;
        let moved = self.put_away(directory, path, taken_at, unreadable, &summary).await;
        let Summary { added, exists, refused, .. } = summary;
        match moved {
            Ok(to) if is_whole => {
                tracing::info!(file = %to.display(), added, exists, "Took {} from the spool: {added} added, {exists} queued before", to.display());
            }
            Ok(to) => {
                tracing::warn!(file = %to.display(), added, exists, refused, "Not all of {} could be queued: {added} added, {exists} queued before, {refused} refused; its report says why", to.display());
            }
            Err(error) => {
                tracing::error!(%error, file = %path.display(), "The orders of {} are queued, but it cannot be moved away; it is left alone until it changes", path.display());
                if let Some(seen) = self.seen.get_mut(path) {
                    seen.is_stuck = true;
                }
            }
        }
        Ok(())
    }

    async fn queue(&self, batch: Vec<Line>, summary: &mut Summary) -> Result<(), StoreError> {
        let orders: Vec<NewOrder> = batch.iter().filter_map(|line| line.order.as_ref().ok()).cloned().collect();
        let merchants: Vec<_> = orders.iter().map(|order| order.merchant.clone()).collect();
        let added = self.shared.store.add_orders(orders, Cause::Shop, self.shared.clock().now()).await?;
        for (merchant, _) in merchants.iter().zip(&added).filter(|(_, added)| added.is_new()) {
            self.shared.metrics.orders_added(merchant, 1);
        }
        let mut added = added.into_iter();
        for line in batch {
            let added = if line.order.is_ok() { added.next() } else { None };
            // All of it stands in the report.
            let _ = summary.count(line, added.as_ref());
        }
        Ok(())
    }

    /// Writes the report, then moves the file beside it: in between, it would be taken again.
    async fn put_away(
        &self,
        directory: &Path,
        path: &Path,
        taken_at: Timestamp,
        unreadable: Option<String>,
        summary: &Summary,
    ) -> io::Result<PathBuf> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_whole = unreadable.is_none() && summary.refused == 0;
        let report = Report { file: &name, taken_at: taken_at.to_string(), unreadable, summary };
        let text = serde_json::to_string_pretty(&report).map_err(io::Error::other)?;
        let (to, from) = (directory.join(if is_whole { "done" } else { "failed" }), path.to_owned());
        let moved = self.shared.setting.errands.run(move || move_away(&from, &to, &text, taken_at)).await;
        moved.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// The files that are meant to be taken, as they are now. The directory is made where there is none.
fn candidates(directory: &Path) -> io::Result<Vec<(PathBuf, FileState)>> {
    fs::create_dir_all(directory)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if found.len() == FILES_MAX {
            break;
        }
        if format_of(&path).is_some()
            && let Some(state) = state_of(&path)
        {
            found.push((path, state));
        }
    }
    Ok(found)
}

/// How a file is written, by the ending of its name; `None` of one that is not meant to be taken.
fn format_of(path: &Path) -> Option<Format> {
    let is_hidden = path.file_name().and_then(OsStr::to_str).is_none_or(|name| name.starts_with('.'));
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    match ending.as_str() {
        _ if is_hidden => None,
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" => Some(Format::JsonLines),
        _ => None,
    }
}

/// Of a plain file; links are not followed, since the report would show whoever laid one what it leads to.
fn state_of(path: &Path) -> Option<FileState> {
    let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some(FileState { inode: found.ino(), length: found.len(), modified: found.modified().ok() })
}

/// Hands the lines of a file over, a batch at a time. The error says, for people, why not all of it could be read.
fn read_file(path: &Path, config: &Config, batches: &mpsc::Sender<Vec<Line>>) -> Result<(), String> {
    let words = |error: io::Error| format!("it cannot be read: {error}");
    let file = File::open(path).map_err(words)?;
    let is_the_same = file.metadata().is_ok_and(|opened| state_of(path).is_some_and(|seen| seen.inode == opened.ino()));
    let format = format_of(path).filter(|_| is_the_same).ok_or("it became another file while it was taken")?;
    let lines = OrderFile::new(BufReader::new(file), format, config).map_err(|error| error.to_string())?;
    let mut batch = Vec::with_capacity(BATCH);
    for line in lines {
        batch.push(line.map_err(words)?);
        if batch.len() == BATCH && batches.blocking_send(std::mem::take(&mut batch)).is_err() {
            // Whoever queues them has given up, and says why.
            return Ok(());
        }
    }
    let _ = batches.blocking_send(batch);
    Ok(())
}

fn move_away(from: &Path, directory: &Path, report: &str, taken_at: Timestamp) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let name = from.file_name().unwrap_or_default();
    let mut to = directory.join(name);
    if to.exists() {
        // One of the same name was taken before; both are kept.
        let mut dated = std::ffi::OsString::from(format!("{}-", taken_at.as_millis()));
        dated.push(name);
        to = directory.join(dated);
    }
    let mut beside = to.clone().into_os_string();
    beside.push(".report.json");
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(report.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(beside).map_err(|error| error.error)?;
    fs::rename(from, &to)?;
    Ok(to)
}
