//! How much memory the process has held at most.

use std::fs;

/// The most memory that the process has held, 10⁶ bytes; absent where the system does not tell it
/// in `/proc`, as Linux does.
pub(crate) fn peak_rss_mb() -> Option<f64> {
    in_status(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Lets [`peak_rss_mb`] begin anew, from what is held now. Where the system refuses that, it goes on
/// telling of the whole process, which is more.
pub(crate) fn forget_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// `VmHWM:  123456 kB`, where a kB is 1024 bytes.
fn in_status(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_from_the_status() {
        let status = "Name:\thardslice\nVmPeak:\t  900000 kB\nVmHWM:\t  123456 kB\nThreads:\t3\n";
        let mb = in_status(status).unwrap();
        assert!((mb - 126.418_944).abs() < 1e-9, "{mb}");
        assert_eq!(in_status("Name:\tx\n"), None, "another system");
    }
}
