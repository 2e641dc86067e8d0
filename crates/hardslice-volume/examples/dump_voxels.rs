//! Prints where the voxels of a scan lie, and writes them to a file.
//!
//!     dump_voxels scan PATH OUT [SERIES_UID]
//!     dump_voxels labels PATH OUT
//!     dump_voxels labels_on PATH OUT SCAN
//!
//! On standard output: one line of JSON with the canonical shape `[z, y, x]`, the affine and the
//! notes. In OUT: the voxels `[z, y, x]`, little-endian `f32`. `benches/peer/public_files.py` holds
//! them against what other tools read. A file that cannot be read is exit status 2 and the chain of
//! errors on standard error.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "printing is what the program is for"
)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use hardslice_volume::{
    LabelNames, Scan, read_labels, read_nifti_labels, read_scan, read_scan_series,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dump(&arguments) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(err) => {
            let mut message = err.to_string();
            let mut source = err.source();
            while let Some(err) = source {
                message = format!("{message}: {err}");
                source = err.source();
            }
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn dump(arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let [kind, path, out, rest @ ..] = arguments else {
        return Err("dump_voxels scan|labels|labels_on PATH OUT [SERIES_UID|SCAN]".into());
    };
    let path = Path::new(path);
    let more = rest.first().map(String::as_str);
    let scan = match (kind.as_str(), more) {
        ("labels", _) => of_labels(read_nifti_labels(path)?),
        ("labels_on", Some(scan)) => {
            let scan = read_scan(Path::new(scan))?;
            of_labels(read_labels(path, &scan, &LabelNames::default())?)
        }
        _ => read_scan_series(path, more)?,
    };
    let bytes: Vec<u8> = scan
        .volume
        .voxels()
        .iter()
        .flat_map(|voxel| voxel.to_le_bytes())
        .collect();
    std::fs::write(out, bytes)?;
    let notes: Vec<_> = scan.notes.iter().map(ToString::to_string).collect();
    Ok(serde_json::json!({
        "shape_zyx": scan.volume.shape().zyx(),
        "affine": scan.volume.grid().world_from_voxel,
        "notes": notes,
    })
    .to_string())
}

fn of_labels(labels: Scan<u16>) -> Scan<f32> {
    Scan {
        volume: labels.volume.map(f32::from),
        placement: labels.placement,
        frame_of_reference: labels.frame_of_reference,
        notes: labels.notes,
    }
}
