//! Reads scans and prints what they hold: `cargo run --release --example scan_info -- FILE...`
//!
//! One line a scan: name, orientation of the file, shape, spacing, range, mean and seconds, then
//! the canonical affine.

use std::path::PathBuf;
use std::time::Instant;

use hardslice_volume::read_scan;

#[expect(clippy::print_stdout, reason = "an example program")]
fn main() -> Result<(), hardslice_volume::ReadError> {
    for path in std::env::args_os().skip(1).map(PathBuf::from) {
        let begin = Instant::now();
        let scan = read_scan(&path)?;
        let seconds = begin.elapsed().as_secs_f64();
        let voxels = scan.volume.voxels();
        let sum: f64 = voxels.iter().copied().map(f64::from).sum();
        let low = voxels.iter().copied().fold(f32::INFINITY, f32::min);
        let high = voxels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        println!(
            "{} {} {} voxels of {:.4} mm, {low} to {high}, mean {:.9}, {seconds:.3} s",
            path.display(),
            scan.placement.orientation,
            scan.volume.shape(),
            scan.volume.grid().spacing_mm(),
            sum / voxels.len() as f64,
        );
        println!("{:?}", scan.volume.grid().world_from_voxel);
    }
    Ok(())
}
