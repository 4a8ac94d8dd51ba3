//! Files that appear whole or not at all: a temp file in the same directory, synced, renamed, and the directory synced.
//!
//! A rename replaces a symlink and never follows one, and the temp file is created under a random name that must not
//! exist; so a link somebody left in the directory cannot make us write elsewhere. The directories themselves may be
//! links, since an operator may keep reports on another disk.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::NamedTempFile;

use super::WriteError;

/// The group may read reports, the world may not: they name orders and sums.
const DIRECTORY_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o640;

/// Puts every content in place under its path in `directory`, in this order. Nothing is renamed before all is on disk,
/// so a full disk leaves the earlier files together as they were.
pub(super) fn replace_all(directory: &Path, contents: &[(&Path, String)]) -> Result<(), WriteError> {
    create(directory)?;
    let stage_one = |(path, content): &(&Path, String)| stage(directory, content).map_err(failed("write", path));
    let staged = contents.iter().map(stage_one).collect::<Result<Vec<_>, _>>()?;
    for (file, (path, _)) in staged.into_iter().zip(contents) {
        file.persist(path).map_err(|error| failed("rename", path)(error.error))?;
    }
    sync(directory)
}

/// Creates `directory` and what is missing above it. Each is synced into its parent: a report in a directory that a
/// power cut takes away was not written.
fn create(directory: &Path) -> Result<(), WriteError> {
    if directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or_else(|| Path::new("."));
    create(parent)?;
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        // The umask may have taken from the mode what the group needs.
        Ok(()) => fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE))
            .map_err(failed("set the permissions of", directory))?,
        // Another process was faster; if it is a file, the write says so.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", directory)(error)),
    }
    sync(parent)
}

/// The content on disk under a name that no reader looks for; removed again when it is dropped.
fn stage(directory: &Path, content: &str) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let mut file = builder.prefix(".").suffix(".tmp").tempfile_in(directory)?;
    file.write_all(content.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn sync(directory: &Path) -> Result<(), WriteError> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(failed("sync", directory))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    move |cause| WriteError::File { doing, path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn directories_and_files_are_for_the_group_and_not_for_the_world() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("reports/shop");
        let path = directory.join("day.csv");
        replace_all(&directory, &[(&path, "a".to_owned())]).unwrap();
        let modes = [mode(&root.path().join("reports")), mode(&directory), mode(&path)];
        assert_eq!(modes, [0o750, 0o750, 0o640]);
    }

    #[test]
    fn a_link_in_the_files_place_is_replaced_and_what_it_points_to_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        let path = directory.path().join("day.csv");
        std::os::unix::fs::symlink(elsewhere.path(), &path).unwrap();
        replace_all(directory.path(), &[(&path, "a".to_owned())]).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");
        assert_eq!(fs::read_to_string(elsewhere.path()).unwrap(), "");
    }

    #[test]
    fn written_twice_is_the_later_one_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("day.csv");
        for content in ["a", "b"] {
            replace_all(directory.path(), &[(&path, content.to_owned())]).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(names(directory.path()), ["day.csv"]);
    }

    #[test]
    fn what_cannot_be_put_in_place_is_named_and_leaves_no_temp_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("day.csv");
        fs::create_dir(&path).unwrap();
        let error = replace_all(directory.path(), &[(&path, "a".to_owned())]).unwrap_err();
        let words = error.to_string();
        assert!(words.starts_with(&format!("cannot rename {}: ", path.display())), "{words}");
        assert_eq!(names(directory.path()), ["day.csv"]);
    }
}
