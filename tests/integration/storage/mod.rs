//! The store on a disk that fails: power cuts, errors of input and output, no room. The real `Store` runs on real
//! files; a shim below SQLite writes down what it does to them, and a second disk is built of that as a failure leaves
//! it.

mod checker;
mod disk;
mod errors;
mod full_disk;
mod intent;
mod power_cut;
mod script;
#[expect(unsafe_code, reason = "SQLite's file layer is an interface of C; a shim over it cannot be written without")]
mod vfs;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use disk::Disk;

/// Memory where there is some to write files in: nothing here asks the host's disk to remember anything.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// The key of the rows' seals is no file of SQLite's, and was there long before: every disk has the same.
fn put_key(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let key = directory.join("reconciled.db.key");
    std::fs::write(&key, format!("{}\n", "5e".repeat(32))).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// A place for a database, under watch.
struct Bench {
    disk: Arc<Disk>,
    _watch: vfs::Watch,
    directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let (directory, disk) = (directory(), Arc::new(Disk::default()));
        put_key(directory.path());
        Self { _watch: vfs::watch(directory.path(), &disk), disk, directory }
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("reconciled.db")
    }
}

/// Places to put the disk as a power cut left it: one after the other, none twice, since a store that was dropped may
/// still be closing its files in the one before.
struct Images {
    directory: TempDir,
    count: usize,
}

impl Images {
    fn new() -> Self {
        Self { directory: directory(), count: 0 }
    }

    fn put(&mut self, files: &[(&str, Vec<u8>)]) -> Image {
        self.count += 1;
        let place = self.directory.path().join(self.count.to_string());
        std::fs::create_dir(&place).unwrap();
        put_key(&place);
        for (name, bytes) in files {
            std::fs::write(place.join(name), bytes).unwrap();
        }
        Image(place)
    }
}

/// Cleared away when it is dropped.
struct Image(PathBuf);

impl Image {
    fn database(&self) -> PathBuf {
        self.0.join("reconciled.db")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Whoever still closes a file there may remove it first; the last of them goes with the directory of all.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
