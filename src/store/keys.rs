//! The key beside the database: made when none is configured, found again by whoever may write the database.
//!
//! It guards against flipped bits and hand edits. Against somebody who may write the directory only a key from
//! elsewhere does: the configuration's `[integrity] keys`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::open::OpenError;
use super::seal::{SealKey, hex};

/// The length of a made key, in bytes: that of the MAC, above which nothing is gained.
const KEY_LENGTH: usize = 32;

/// The longest key file read, in bytes: twice the key in hexadecimal, and a line's end.
const FILE_MAX: u64 = 256;

/// Where the key of `database` is.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// The key beside `database`; `None` when there is none.
pub(super) fn find(database: &Path) -> Result<Option<SealKey>, OpenError> {
    let path = path_of(database);
    let unreadable = |cause: io::Error| OpenError::Key { path: path.clone(), cause };
    let mut text = String::new();
    match File::open(&path) {
        Ok(file) => {
            let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
            if mode & 0o037 != 0 {
                let words = format!("its mode is {mode:03o}, so others than its owner may use it; chmod 600 it");
                return Err(unreadable(io::Error::other(words)));
            }
            file.take(FILE_MAX).read_to_string(&mut text).map_err(unreadable)?;
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(unreadable(cause)),
    }
    let secret = text.trim_end();
    if secret.len() < KEY_LENGTH * 2 {
        return Err(unreadable(io::Error::other("it is cut short; restore it from where it was kept")));
    }
    Ok(Some(SealKey::new(secret)))
}

/// Makes the key beside `database`, or finds the one that another process made in the meantime. `file` is where the
/// database is just now.
pub(super) fn make(database: &Path, file: &Path) -> Result<SealKey, OpenError> {
    let path = path_of(database);
    write_new(file, &path).map_err(|cause| OpenError::Key { path: path.clone(), cause })?;
    match find(database)? {
        Some(key) => Ok(key),
        None => Err(OpenError::Key { path, cause: io::ErrorKind::NotFound.into() }),
    }
}

/// Written whole under another name first: a key that a crash cut short would make every row an altered one.
fn write_new(database: &Path, path: &Path) -> io::Result<()> {
    let mut bytes = [0; KEY_LENGTH];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let new = path.with_extension(format!("key.{}", std::process::id()));
    // Whoever may write the database seals its rows.
    let group_writes = fs::metadata(database).is_ok_and(|found| found.permissions().mode() & 0o020 != 0);
    let mode = if group_writes { 0o640 } else { 0o600 };
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(format!("{}\n", hex(&bytes)).as_bytes())?;
    file.sync_all()?;
    give_to_owner_of(database, &file)?;
    let linked = match fs::hard_link(&new, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    };
    fs::remove_file(&new)?;
    linked.and_then(|()| sync_directory(path))
}

/// What an administrator makes beside a database is for its owner to use.
fn give_to_owner_of(database: &Path, file: &File) -> io::Result<()> {
    let (owner, made) = (fs::metadata(database)?, file.metadata()?);
    if owner.uid() == made.uid() {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()))
}

/// A new name is on disk once its directory is.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
