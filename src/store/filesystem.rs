//! Network file systems are refused: their locks and their fsync are promises of somebody else's.
//!
//! The lock that makes one mouth (R0) holds on one host alone, SQLite's log lives in memory that hosts do not share,
//! and what a server acknowledged may be gone when it restarts. There is no way around this on purpose.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The kinds of file system that another host, or another system, may write too, by the number statfs(2) gives them.
const SHARED: &[(u32, &str)] = &[
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x7375_7245, "Coda"),
    (0x0000_564c, "NCP"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0xaad7_aaea, "PanFS"),
    (0xbacb_acbc, "a VMware shared folder"),
    (0x786f_4256, "a VirtualBox shared folder"),
];

/// Programs that are file systems: whatever they like, most of them elsewhere.
const FUSE: u32 = 0x6573_5546;

/// The ones among them that keep their files on a disk of this host.
const LOCAL_FUSE: &[&str] = &["fuseblk", "fuse.fuse-overlayfs"];

/// The name of the shared file system that `directory` is on; `None` when it is on one of this host's own.
pub(super) fn shared(directory: &Path) -> io::Result<Option<String>> {
    // The kernel's word is as wide as the machine's, and the number in it 32 bits wide.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the numbers have 32 bits")]
    let number = rustix::fs::statfs(directory)?.f_type as u32;
    Ok(judge(number, || mount_kind(directory)))
}

fn judge(number: u32, mount_kind: impl FnOnce() -> Option<String>) -> Option<String> {
    if number == FUSE {
        let kind = mount_kind().unwrap_or_else(|| "FUSE".to_owned());
        return (!LOCAL_FUSE.contains(&kind.as_str())).then_some(kind);
    }
    SHARED.iter().find(|(shared, _)| *shared == number).map(|(_, name)| (*name).to_owned())
}

/// The kind of the mount that `directory` is on, as /proc/self/mountinfo names it.
fn mount_kind(directory: &Path) -> Option<String> {
    let device = fs::metadata(directory).ok()?.dev();
    let device = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    kind_of(&fs::read_to_string("/proc/self/mountinfo").ok()?, &device)
}

fn kind_of(mounts: &str, device: &str) -> Option<String> {
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(device))?;
    line.split_once(" - ")?.1.split(' ').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_hosts_may_write_too_is_refused() {
        let table: [(u32, &str, Option<&str>); 16] = [
            (0xef53, "ext4", None),
            (0x5846_5342, "xfs", None),
            (0x9123_683e, "btrfs", None),
            (0x2fc1_2fc1, "zfs", None),
            (0xf2f5_2010, "f2fs", None),
            (0x0102_1994, "tmpfs", None),
            (0x794c_7630, "overlay", None),
            (0x6969, "nfs4", Some("NFS")),
            (0xff53_4d42, "cifs", Some("CIFS")),
            (0xfe53_4d42, "smb3", Some("SMB2")),
            (0x0102_1997, "9p", Some("9P")),
            (0x00c3_6400, "ceph", Some("Ceph")),
            (FUSE, "fuse.sshfs", Some("fuse.sshfs")),
            (FUSE, "fuse.glusterfs", Some("fuse.glusterfs")),
            (FUSE, "virtiofs", Some("virtiofs")),
            (FUSE, "fuseblk", None),
        ];
        for (number, mounted_as, refused) in table {
            let found = judge(number, || Some(mounted_as.to_owned()));
            assert_eq!(found.as_deref(), refused, "{mounted_as}");
        }
        assert_eq!(judge(FUSE, || None).as_deref(), Some("FUSE"), "what nobody can name is not trusted");
    }

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                      40 22 0:45 / /mnt/shop rw,nosuid - fuse.sshfs shop@host:/ rw,user_id=0\n";
        assert_eq!(kind_of(mounts, "0:45").as_deref(), Some("fuse.sshfs"));
        assert_eq!(kind_of(mounts, "8:1").as_deref(), Some("ext4"));
        assert_eq!(kind_of(mounts, "9:9"), None);
    }

    #[test]
    fn a_directory_of_this_host_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(shared(directory.path()).unwrap(), None);
    }
}
