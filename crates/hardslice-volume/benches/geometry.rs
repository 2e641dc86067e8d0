//! Reordering axes, components and fitting slices, on a scan of usual size:
//! `cargo bench -p hardslice-volume --bench geometry`.
//!
//! Each line gives the fastest of five runs and the rate. The masks are blobs with speckle, as an
//! early network predicts them.

use std::hint::black_box;
use std::time::Instant;

use hardslice_volume::components::keep_largest;
use hardslice_volume::plane::PlaneFit;
use hardslice_volume::{Grid, Orientation, PerAxis, Placement};

/// An abdominal CT at 1 mm.
const SHAPE: PerAxis<usize> = PerAxis::new(300, 512, 512);
/// Side of the squares that a small network takes.
const SIZE: usize = 192;
const N_RUNS: usize = 5;

#[expect(clippy::print_stdout, reason = "a benchmark program")]
fn report<T>(what: &str, n_voxels: usize, mut setup: impl FnMut() -> T, mut run: impl FnMut(T)) {
    let seconds = (0..N_RUNS)
        .map(|_| {
            let input = setup();
            let begin = Instant::now();
            run(input);
            begin.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min);
    let rate = n_voxels as f64 / seconds / 1e6;
    println!(
        "{what}: {:.1} ms, {rate:.0} million voxels a second",
        seconds * 1e3
    );
}

/// An ellipsoid and speckle: one voxel of `sparsity` outside it.
fn mask(sparsity: usize) -> Vec<bool> {
    let mut state = 1_u64;
    let mut voxels = Vec::with_capacity(SHAPE.n_voxels());
    for i in 0..SHAPE.n_voxels() {
        let [x, y, z] = [i % SHAPE.x, i / SHAPE.x % SHAPE.y, i / SHAPE.n_pixels()];
        let offset = |at: usize, n: usize| (at as f64 / n as f64 - 0.5).powi(2);
        let inside = offset(x, SHAPE.x) + offset(y, SHAPE.y) + offset(z, SHAPE.z) < 0.06;
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        voxels.push(inside || (state >> 33).is_multiple_of(sparsity as u64));
    }
    voxels
}

fn main() {
    let n = SHAPE.n_voxels();
    for orientation in Orientation::all()
        .filter(|o| ["RAS", "LPS", "ASR", "SRA", "PIR", "IPL"].contains(&o.to_string().as_str()))
    {
        let mut world_from_voxel = [[0.0; 4]; 3];
        for (row, source) in world_from_voxel.iter_mut().zip(orientation.sources_xyz()) {
            row[source.axis] = if source.reversed { -1.0 } else { 1.0 };
        }
        let native = Grid {
            shape: SHAPE,
            world_from_voxel,
        };
        let Ok(placement) = Placement::new(native) else {
            continue;
        };
        report(
            &format!("{orientation} to canonical, f32"),
            n,
            || vec![1.0_f32; n],
            |voxels| drop(black_box(placement.to_canonical(voxels))),
        );
    }
    for sparsity in [1000, 10] {
        let mask = mask(sparsity);
        report(
            &format!("largest component, speckle 1/{sparsity}"),
            n,
            || mask.clone(),
            |mut mask| {
                keep_largest(&mut mask, SHAPE);
                black_box(mask);
            },
        );
    }
    let Ok(fit) = PlaneFit::new([SHAPE.y, SHAPE.x], [0.75, 0.8], SIZE) else {
        return;
    };
    let slice = vec![1.0_f32; SHAPE.n_pixels()];
    let labels: Vec<u8> = mask(1000)[150 * SHAPE.n_pixels()..][..SHAPE.n_pixels()]
        .iter()
        .map(|inside| u8::from(*inside))
        .collect();
    let mut square = vec![0.0; SIZE * SIZE];
    let mut square_labels = vec![0; SIZE * SIZE];
    let mut restored = vec![0.0; SHAPE.n_pixels()];
    let mut scratch = Vec::new();
    report(
        "one slice to a square",
        slice.len(),
        || (),
        |()| fit.image_into(black_box(&slice), 0.0, &mut scratch, &mut square),
    );
    report(
        "its labels",
        slice.len(),
        || (),
        |()| fit.labels_into(black_box(&labels), 2, &mut square_labels),
    );
    report(
        "and back",
        slice.len(),
        || (),
        |()| fit.restore_into(black_box(&square), &mut scratch, &mut restored),
    );
}
