//! The nightly report as files: one page for people, two sheets for a spreadsheet, one document for programs.
//!
//! Everything shown is in the [`Report`] value; nothing is counted, compared or decided here, and no store and no clock
//! is reached. A file appears whole or not at all: whoever reads the directory at any moment, or after a crash at any
//! moment, finds the old file or the new one. Old reports are not removed; how long they are kept is the operator's
//! choice.
//!
//! Read in this order: this file (which files, and when they count as written), [`html()`], [`csv()`] with
//! [`totals_csv()`], [`json()`], then `text` (what makes a hostile name inert) and `files` (temp file, sync, rename).

mod csv;
mod files;
#[cfg(test)]
mod golden;
mod html;
mod json;
mod text;

use std::io;
use std::path::{Path, PathBuf};

pub use csv::{csv, totals_csv};
pub use html::html;
pub use json::json;

use crate::domain::reconciliation::Report;

/// Where a report was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// A row for every line.
    pub csv: PathBuf,
    /// A row for every total.
    pub totals_csv: PathBuf,
    /// All of it, for programs.
    pub json: PathBuf,
}

/// Why a report was not written. What had been written before is still whole.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It could not be put into words.
    #[error("cannot render the report as {format}: {cause}")]
    Render {
        /// The format.
        format: &'static str,
        /// Why.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file system refused.
    #[error("cannot {doing} {}: {cause}", path.display())]
    File {
        /// What was tried: `create`, `write`, `rename`, `sync`.
        doing: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

/// Writes `report` to `<directory>/<merchant>/<date>.html`, `.csv`, `-totals.csv` and `.json`, replacing what stands
/// there. Both parts of the name were checked where they came from: a merchant's name has neither dots nor slashes.
///
/// All is rendered before anything is written, and the page is put in place last: where the page is, the rest is.
pub fn write(report: &Report, directory: &Path) -> Result<Written, WriteError> {
    let directory = directory.join(report.merchant.as_str());
    let named = |ending: &str| directory.join(format!("{}{ending}", report.day.date));
    let written =
        Written { html: named(".html"), csv: named(".csv"), totals_csv: named("-totals.csv"), json: named(".json") };
    let contents = [
        (written.json.as_path(), json(report).map_err(unrendered("JSON"))?),
        (written.totals_csv.as_path(), totals_csv(report).map_err(unrendered("CSV"))?),
        (written.csv.as_path(), csv(report).map_err(unrendered("CSV"))?),
        (written.html.as_path(), html(report).map_err(unrendered("HTML"))?),
    ];
    files::replace_all(&directory, &contents)?;
    Ok(written)
}

fn unrendered<E>(format: &'static str) -> impl FnOnce(E) -> WriteError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |cause| WriteError::Render { format, cause: Box::new(cause) }
}
