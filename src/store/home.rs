//! Where a database is at home: the host and the file that it was made in. Anywhere else it is a copy, and its orders
//! may be completed by the original, or may have been.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use ring::digest;

use super::seal::hex;

/// The host's own name for itself.
const MACHINE_ID: &str = "/etc/machine-id";

/// Mixed into the host's id, which is nobody's to read: ours tells the same host, and nothing else.
const SALT: &[u8] = b"reconciled: the host that a database is at home on\n";

/// The host and the file. A part that the system does not tell is `-`, and compared with nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    machine: String,
    inode: String,
    born: String,
}

const UNTOLD: &str = "-";

impl Home {
    /// Of the file at `database`, on this host. The inode alone is not enough: a file system gives the number of a file
    /// that was removed to the next one. A file's birth is its own.
    pub(super) fn of(database: &Path) -> io::Result<Self> {
        let found = fs::metadata(database)?;
        let born = found.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let untold = || UNTOLD.to_owned();
        Ok(Self {
            machine: fs::read(MACHINE_ID).ok().filter(|id| !id.is_empty()).map_or_else(untold, |id| salted(&id)),
            inode: found.ino().to_string(),
            born: born.map_or_else(untold, |born| born.as_nanos().to_string()),
        })
    }

    /// As the database notes it.
    pub(super) fn to_text(&self) -> String {
        format!("{} {} {}", self.machine, self.inode, self.born)
    }

    /// What [`Self::to_text`] noted.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ').map(str::to_owned);
        Some(Self { machine: parts.next()?, inode: parts.next()?, born: parts.next()? })
    }

    /// How `here` differs from this home, in words; `None` when it is the same.
    pub(super) fn differs_from(&self, here: &Self) -> Option<&'static str> {
        let differ = |ours: &str, theirs: &str| ours != UNTOLD && theirs != UNTOLD && ours != theirs;
        if differ(&self.machine, &here.machine) {
            return Some("it was made on another host");
        }
        let is_another_file = differ(&self.inode, &here.inode) || differ(&self.born, &here.born);
        is_another_file.then_some("its file is not the one it was made in")
    }
}

fn salted(machine: &[u8]) -> String {
    let mut salted = SALT.to_vec();
    salted.extend_from_slice(machine);
    hex(&digest::digest(&digest::SHA256, &salted).as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_not_at_home() {
        let home = |text: &str| Home::parse(text).unwrap();
        let table = [
            ("m 7 100", "m 7 100", None),
            ("m 7 100", "n 7 100", Some("it was made on another host")),
            ("m 7 100", "m 8 100", Some("its file is not the one it was made in")),
            ("m 7 100", "m 7 101", Some("its file is not the one it was made in")),
            ("m 7 -", "m 7 100", None),
            ("- 7 100", "m 7 100", None),
            ("m 7 100", "- 7 -", None),
        ];
        for (made, here, differs) in table {
            assert_eq!(home(made).differs_from(&home(here)), differs, "{made} and {here}");
        }
        assert_eq!(Home::parse("m 7"), None);
    }

    #[test]
    fn a_file_is_at_home_until_it_is_copied() {
        let directory = tempfile::tempdir().unwrap();
        let (original, copy) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&original, "x").unwrap();
        let home = Home::of(&original).unwrap();
        fs::copy(&original, &copy).unwrap();
        assert_eq!(Home::parse(&home.to_text()).as_ref(), Some(&home));
        assert_eq!(home.differs_from(&Home::of(&original).unwrap()), None);
        assert!(home.differs_from(&Home::of(&copy).unwrap()).is_some());
    }
}
