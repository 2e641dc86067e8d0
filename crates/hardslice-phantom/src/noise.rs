//! Noise as a scanner makes it, and the table the patient lies on.

use hardslice_data::random::Stream;

use crate::image_grid::ImageGrid;

/// A plane of noise with standard deviation 1, `[y, x]`, correlated over about 1.5 mm.
///
/// White noise is smoothed where pixels are smaller than the grain of the reconstruction; filtered
/// back-projection also takes away the lowest frequencies, so a wider mean is subtracted.
pub(crate) fn plane(stream: &mut Stream, grid: &ImageGrid) -> Vec<f64> {
    let n = grid.size;
    let mut white: Vec<f64> = (0..n * n).map(|_| nearly_normal(stream.bits())).collect();
    let passes = if grid.pixel_mm < 0.8 {
        3
    } else if grid.pixel_mm < 1.6 {
        2
    } else {
        1
    };
    let side = if grid.pixel_mm < 2.4 { 0.25 } else { 0.16 };
    for _ in 0..passes {
        smooth_rows(&mut white, n, side);
        smooth_columns(&mut white, n, side);
    }
    let mut wide = white.clone();
    for _ in 0..4 {
        smooth_rows(&mut wide, n, 0.25);
        smooth_columns(&mut wide, n, 0.25);
    }
    for (v, w) in white.iter_mut().zip(&wide) {
        *v -= 0.7 * w;
    }
    to_unit_sd(&mut white);
    white
}

/// Scales a plane of noise to standard deviation 1.
pub(crate) fn to_unit_sd(plane: &mut [f64]) {
    let squares: f64 = plane.iter().map(|v| v * v).sum();
    let scale = 1.0 / (squares / plane.len() as f64).sqrt().max(1e-9);
    for v in plane {
        *v *= scale;
    }
}

/// The sum of four uniform numbers from one draw: mean 0, standard deviation 1, within ±3.5.
///
/// A million pixels want it fast; the tails of the normal distribution do not show.
fn nearly_normal(bits: u64) -> f64 {
    let quarters = (0..4)
        .map(|i| (bits >> (16 * i) & 0xffff) as f64)
        .sum::<f64>();
    // Four uniform numbers in 0..65536: mean 131070, variance 4 · 65536² / 12.
    (quarters - 131_070.0) / 37_837.227
}

/// Each pixel takes this share from both neighbours of its row.
pub(crate) fn smooth_rows(image: &mut [f64], n: usize, side: f64) {
    for row in image.chunks_mut(n) {
        let mut before = row[0];
        for i in 0..n {
            let here = row[i];
            let after = row[(i + 1).min(n - 1)];
            row[i] = (1.0 - 2.0 * side) * here + side * (before + after);
            before = here;
        }
    }
}

/// Each pixel takes this share from both neighbours of its column.
pub(crate) fn smooth_columns(image: &mut [f64], n: usize, side: f64) {
    let mut before = image[..n].to_vec();
    for y in 0..n {
        let (this, rest) = image[y * n..].split_at_mut(n);
        for x in 0..n {
            let here = this[x];
            let after = if rest.is_empty() { here } else { rest[x] };
            this[x] = (1.0 - 2.0 * side) * here + side * (before[x] + after);
            before[x] = here;
        }
    }
}
