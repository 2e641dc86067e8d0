//! Where a file may have holes.

use std::fs::File;

/// Whether a hole in a file stays one when it is read through a memory map.
///
/// In memory (tmpfs) it does not: the first touch takes room for a page of zeros, and where there is
/// none left the program is stopped by a signal, in the midst of a training. File systems on disks and
/// in networks that are known to read a hole as zeros are named here; on any other, files are written
/// out in full.
pub(super) fn stay_free(file: &File) -> bool {
    kind_of_file_system(file).is_none_or(|kind| KNOWN.contains(&kind.as_str()))
}

/// As `/proc/self/mountinfo` calls them.
const KNOWN: [&str; 14] = [
    "bcachefs", "btrfs", "ceph", "ext2", "ext3", "ext4", "f2fs", "gpfs", "jfs", "lustre", "nfs",
    "nfs4", "xfs", "zfs",
];

/// What kind of file system a file lies on; `None` where the system has no list of them (beside
/// Linux, whose file systems in memory this is about).
#[cfg(target_os = "linux")]
fn kind_of_file_system(file: &File) -> Option<String> {
    use std::os::linux::fs::MetadataExt;
    let device = file.metadata().ok()?.st_dev();
    let list = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    // On a file system that is not listed, nothing is known of holes.
    Some(kind_in(&list, device).unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
fn kind_of_file_system(_file: &File) -> Option<String> {
    None
}

/// The kind of a device's file system in `mountinfo`: `ID PARENT MAJOR:MINOR ... - KIND SOURCE OPTIONS`.
#[cfg(any(target_os = "linux", test))]
fn kind_in(list: &str, device: u64) -> Option<String> {
    // How Linux packs the two numbers of a device into one.
    let major = (device >> 8 & 0xfff) | (device >> 32 & 0xffff_f000);
    let minor = (device & 0xff) | (device >> 12 & 0xffff_ff00);
    let numbers = format!("{major}:{minor}");
    let line = list
        .lines()
        .find(|line| line.split(' ').nth(2) == Some(&numbers))?;
    let (_, described) = line.split_once(" - ")?;
    described.split(' ').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_stands_behind_the_dash_of_the_devices_line() {
        let list = "22 27 0:20 / /proc rw,relatime shared:12 - proc proc rw\n\
            27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
            41 27 0:38 / /data\\040of\\040all rw master:2 - tmpfs tmpfs rw,size=1024k\n";
        let kind = |device| kind_in(list, device);
        assert_eq!(kind(254 << 8 | 1).as_deref(), Some("ext4"), "254:1");
        assert_eq!(kind(38).as_deref(), Some("tmpfs"), "0:38");
        assert_eq!(kind(99), None, "not listed");
        // Minor numbers beyond a byte lie above the major one: 0x3e8 is 1000.
        let far = "1 2 259:1000 / /x rw - xfs /dev/nvme rw\n";
        let device = 259 << 8 | (0x3e8 & 0xff) | (0x3e8 & !0xff) << 12;
        assert_eq!(kind_in(far, device).as_deref(), Some("xfs"), "259:1000");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_in_memory_is_written_out() {
        let shared_memory = std::path::Path::new("/dev/shm");
        let Ok(file) = tempfile::tempfile_in(shared_memory) else {
            return;
        };
        assert_eq!(kind_of_file_system(&file).as_deref(), Some("tmpfs"));
        assert!(!stay_free(&file), "its holes take room when they are read");
    }
}
