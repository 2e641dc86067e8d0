//! What a small file may ask of a large scan, and of the time of a reader.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may panic as tests do"
)]

use std::fmt::Write;

use hardslice_volume::{Grid, LabelNames, PerAxis, Placement, read_labels_on};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Segments of one voxel each in the corner of a scan, every one in a layer of its own.
fn segmentation(n_segments: usize) -> Vec<u8> {
    let mut header = format!(
        "NRRD0004\ntype: uint8\ndimension: 4\nspace: right-anterior-superior\nsizes: {n_segments} 1 1 1\n\
         space directions: none (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\nencoding: raw\n"
    );
    for n in 0..n_segments {
        writeln!(header, "Segment{n}_Name:=s{n}\nSegment{n}_Layer:={n}").unwrap();
    }
    header.push('\n');
    let mut file = header.into_bytes();
    file.resize(file.len() + n_segments, 1);
    file
}

// One test, as memory is counted for the whole process.
#[test]
fn layers_take_their_own_memory_and_headers_are_looked_through_once() {
    let grid = Grid {
        shape: PerAxis::new(64, 256, 256),
        world_from_voxel: [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ],
    };
    let placement = Placement::new(grid).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.seg.nrrd");
    let of = |n_segments| {
        std::fs::write(&path, segmentation(n_segments)).unwrap();
        read_labels_on(&path, &placement, &LabelNames::default(), 0.1)
    };

    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let labels = of(200).unwrap();
    let taken = MEMORY.peak_usage() - before;
    assert_eq!(labels.volume.voxels()[..2], [1, 0], "all in the corner");
    // The ranks, the labels made from them, and buffers: not the scan times the layers.
    let label_map = 2 * grid.shape.n_voxels();
    assert!(
        taken < 3 * label_map,
        "{taken} bytes for a label map of {label_map}"
    );

    // A header of three megabytes; looking each of its keys up from the top would take an hour.
    let refused = of(70_000).unwrap_err().to_string();
    assert!(
        refused.contains("65535"),
        "too many for a label map: {refused}"
    );
}
