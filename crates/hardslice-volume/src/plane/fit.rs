//! The fit of one slice geometry to a square.

use thiserror::Error;

use super::axis::{Axis, Between, Line};
use super::resample::{majority, resample};

/// How the slices of a scan are brought to squares of `size × size` pixels, and back.
///
/// Made once a scan; the weights are worked out then. The methods take `&self` and can run on many
/// slices at the same time.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneFit {
    native_yx: [usize; 2],
    size: usize,
    pixel_mm: f64,
    image: [Axis; 2],
    labels: [Axis; 2],
    back: [Axis; 2],
}

/// A slice that cannot be fitted to a square.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "slices of {} × {} pixels (x × y) of {} × {} mm cannot be brought to {size} × {size} pixels: \
     sizes and spacings above 0 were wanted", native_yx[1], native_yx[0], spacing_yx_mm[1],
    spacing_yx_mm[0]
)]
pub struct PlaneFitError {
    /// Pixels of a slice, `[y, x]`.
    pub native_yx: [usize; 2],
    /// Distance between their centres, `[y, x]`, millimetres.
    pub spacing_yx_mm: [f64; 2],
    /// Side of the square, pixels.
    pub size: usize,
}

impl PlaneFit {
    /// Works out how slices of `native_yx` pixels go onto squares of `size` pixels.
    ///
    /// # Errors
    ///
    /// [`PlaneFitError`] when a size or a spacing is 0, negative, infinite or NaN.
    pub fn new(
        native_yx: [usize; 2],
        spacing_yx_mm: [f64; 2],
        size: usize,
    ) -> Result<Self, PlaneFitError> {
        let sizes_are_fine = size > 0 && native_yx.iter().all(|n| *n > 0);
        if !sizes_are_fine || !spacing_yx_mm.iter().all(|mm| mm.is_normal() && *mm > 0.0) {
            return Err(PlaneFitError {
                native_yx,
                spacing_yx_mm,
                size,
            });
        }
        let extent_mm = [0, 1].map(|a| native_yx[a] as f64 * spacing_yx_mm[a]);
        let side_mm = extent_mm[0].max(extent_mm[1]);
        let pixel_mm = side_mm / size as f64;
        let square = Line {
            n: size,
            pixel_mm,
            begin_mm: 0.0,
        };
        let native = [0, 1].map(|a| Line {
            n: native_yx[a],
            pixel_mm: spacing_yx_mm[a],
            begin_mm: centred((side_mm - extent_mm[a]) / 2.0, spacing_yx_mm[a], pixel_mm),
        });
        Ok(Self {
            native_yx,
            size,
            pixel_mm,
            image: native.map(|native| Axis::new(native, square, Between::Linear)),
            labels: native.map(|native| Axis::new(native, square, Between::Nearest)),
            back: native.map(|native| Axis::new(square, native, Between::Linear)),
        })
    }

    /// Side of a pixel of the square, in millimetres.
    pub fn pixel_mm(&self) -> f64 {
        self.pixel_mm
    }

    /// Side of the square, in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Pixels of a slice, `[y, x]`.
    pub fn native_yx(&self) -> [usize; 2] {
        self.native_yx
    }

    /// Whether the square is the slice, pixel by pixel.
    pub fn is_identity(&self) -> bool {
        self.image.iter().all(Axis::is_identity)
    }

    /// Brings a slice `[y, x]` to the square `[size, size]`; outside the field of view stands
    /// `pad`.
    ///
    /// # Panics
    ///
    /// When `slice` is not as long as the fit's slices.
    pub fn image(&self, slice: &[f32], pad: f32) -> Vec<f32> {
        let mut square = vec![0.0; self.size * self.size];
        self.image_into(slice, pad, &mut Vec::new(), &mut square);
        square
    }

    /// As [`image`](Self::image), into a square that is there; `scratch` saves allocations from
    /// one slice to the next.
    ///
    /// # Panics
    ///
    /// When `slice` or `square` has another length than the fit's.
    pub fn image_into(&self, slice: &[f32], pad: f32, scratch: &mut Vec<f32>, square: &mut [f32]) {
        resample(slice, &self.image, pad, scratch, square);
    }

    /// Brings a plane of labels `[y, x]` to the square `[size, size]`; outside the field of view
    /// stands 0.
    ///
    /// A pixel of the square gets the label with the largest share of its area, of equal shares (to
    /// 10⁻⁵ of the area) the lowest label; padding counts as 0. Where the square is finer than the
    /// slice it gets the label of the pixel that its centre lies in.
    ///
    /// # Panics
    ///
    /// When `labels` is not as long as the fit's slices, or holds a value of `n_values` or more.
    pub fn labels(&self, labels: &[u8], n_values: usize) -> Vec<u8> {
        let mut square = vec![0; self.size * self.size];
        self.labels_into(labels, n_values, &mut square);
        square
    }

    /// As [`labels`](Self::labels), into a square that is there.
    ///
    /// # Panics
    ///
    /// As [`labels`](Self::labels); also when `square` has another length than the fit's.
    pub fn labels_into(&self, labels: &[u8], n_values: usize, square: &mut [u8]) {
        majority(labels, &self.labels, n_values, square);
    }

    /// Brings a square `[size, size]`, such as a plane of probabilities, back to the pixels of the
    /// slice `[y, x]`: linear interpolation, or the average where the square is the finer one.
    ///
    /// # Panics
    ///
    /// When `square` is not as long as the fit's squares.
    pub fn restore(&self, square: &[f32]) -> Vec<f32> {
        let mut slice = vec![0.0; self.native_yx[0] * self.native_yx[1]];
        self.restore_into(square, &mut Vec::new(), &mut slice);
        slice
    }

    /// As [`restore`](Self::restore), into a slice that is there.
    ///
    /// # Panics
    ///
    /// When `square` or `slice` has another length than the fit's.
    pub fn restore_into(&self, square: &[f32], scratch: &mut Vec<f32>, slice: &mut [f32]) {
        resample(square, &self.back, 0.0, scratch, slice);
    }
}

/// Where the slice begins in the square. Where the pixels of both are equal, half a pixel off the
/// middle is better than an image blurred by half a pixel.
fn centred(margin_mm: f64, spacing_mm: f64, pixel_mm: f64) -> f64 {
    let pixels_are_equal = (spacing_mm - pixel_mm).abs() < 1e-9 * pixel_mm;
    if pixels_are_equal {
        (margin_mm / pixel_mm + 1e-6).floor() * pixel_mm
    } else {
        margin_mm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Slices that are wider than high, higher than wide, anisotropic, finer and coarser than the
    /// square.
    const CASES: [([usize; 2], [f64; 2], usize); 6] = [
        ([40, 56], [0.8, 0.8], 32),
        ([56, 40], [0.7, 0.7], 64),
        ([30, 50], [1.5, 0.6], 37),
        ([50, 30], [0.5, 1.5], 48),
        ([33, 33], [0.9, 0.9], 16),
        ([17, 64], [0.8, 0.8], 64),
    ];

    fn fits() -> impl Iterator<Item = PlaneFit> {
        CASES
            .into_iter()
            .map(|(native, spacing, size)| PlaneFit::new(native, spacing, size).unwrap())
    }

    /// A smooth function of the position in millimetres, the same for every sampling of it.
    fn smooth(native_yx: [usize; 2], spacing_yx_mm: [f64; 2]) -> Vec<f32> {
        let mut slice = Vec::new();
        for y in 0..native_yx[0] {
            for x in 0..native_yx[1] {
                let (y_mm, x_mm) = (y as f64 * spacing_yx_mm[0], x as f64 * spacing_yx_mm[1]);
                #[expect(clippy::cast_possible_truncation, reason = "a test image")]
                slice.push((100.0 * (y_mm / 15.0).sin() * (x_mm / 12.0).cos()) as f32);
            }
        }
        slice
    }

    #[test]
    fn a_constant_stays_constant_there_and_back() {
        for fit in fits() {
            let slice = vec![-37.5; fit.native_yx.iter().product()];
            let square = fit.image(&slice, -37.5);
            assert_eq!(square.len(), fit.size * fit.size, "{fit:?}");
            for value in square.iter().chain(&fit.restore(&square)) {
                assert!(
                    (value + 37.5).abs() < 1e-4,
                    "{value} from {:?}",
                    fit.native_yx
                );
            }
        }
    }

    #[test]
    fn averaging_preserves_the_integral_over_the_field_of_view() {
        for (native, spacing, size) in [([40, 56], [0.8, 0.8], 32), ([96, 60], [0.5, 0.7], 25)] {
            let fit = PlaneFit::new(native, spacing, size).unwrap();
            let slice = smooth(native, spacing);
            let integral = |values: &[f32], area: f64| -> f64 {
                values.iter().map(|v| f64::from(*v) * area).sum()
            };
            let before = integral(&slice, spacing[0] * spacing[1]);
            let after = integral(&fit.image(&slice, 0.0), fit.pixel_mm().powi(2));
            assert!(
                (before - after).abs() < 1e-4 * before.abs(),
                "{before} became {after}"
            );
        }
    }

    #[test]
    fn a_square_slice_of_the_squares_size_is_not_touched() {
        let fit = PlaneFit::new([48, 48], [0.703_125; 2], 48).unwrap();
        let slice = smooth([48, 48], [0.703_125; 2]);
        assert!(fit.is_identity(), "nothing to do");
        assert_eq!(fit.image(&slice, -1000.0), slice, "bit by bit");
        assert_eq!(fit.restore(&slice), slice, "and back");
        let labels: Vec<u8> = (0..48 * 48_u32).map(|i| (i % 5).to_le_bytes()[0]).collect();
        assert_eq!(fit.labels(&labels, 5), labels, "labels too");
    }

    #[test]
    fn a_slice_that_only_needs_padding_is_copied_into_the_square() {
        // 3 pixels of 4 are missing: one above, two below.
        let fit = PlaneFit::new([1, 4], [0.8, 0.8], 4).unwrap();
        let square = fit.image(&[1.0, 2.0, 3.0, 4.0], -9.0);
        let pad = [-9.0; 4];
        let want = [pad, [1.0, 2.0, 3.0, 4.0], pad, pad].concat();
        assert_eq!(square, want, "no blur");
        assert_eq!(fit.restore(&square), [1.0, 2.0, 3.0, 4.0], "and back");
        let labels = fit.labels(&[1, 2, 3, 0], 4);
        assert_eq!(
            labels,
            [[0; 4], [1, 2, 3, 0], [0; 4], [0; 4]].concat(),
            "labels too"
        );
    }

    #[test]
    fn two_by_two_pixels_become_their_mean_and_their_majority() {
        let fit = PlaneFit::new([2, 4], [1.0, 1.0], 2).unwrap();
        let square = fit.image(&[1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0], 0.0);
        // The slice covers the middle half of the square: each pixel is half padding.
        assert_eq!(
            square,
            [0.75, 2.75, 1.75, 3.75],
            "half of the mean of two pixels"
        );
        let fit = PlaneFit::new([2, 4], [2.0, 1.0], 2).unwrap();
        let labels = fit.labels(&[3, 3, 2, 1, 1, 2, 0, 4], 5);
        assert_eq!(labels, [3, 1, 1, 0], "of equal shares the lowest label");
    }

    #[test]
    fn labels_are_never_invented_and_areas_are_kept() {
        for fit in fits() {
            let [n_y, n_x] = fit.native_yx;
            let mut native = vec![0_u8; n_y * n_x];
            let mut n_inside = 0;
            for (i, label) in native.iter_mut().enumerate() {
                let (y, x) = (i / n_x, i % n_x);
                if (n_y / 4..3 * n_y / 4).contains(&y) && (n_x / 4..3 * n_x / 4).contains(&x) {
                    *label = if x < n_x / 2 { 7 } else { 200 };
                    n_inside += 1;
                }
            }
            let square = fit.labels(&native, 201);
            assert!(
                square.iter().all(|l| [0, 7, 200].contains(l)),
                "{:?}",
                fit.native_yx
            );
            let native_mm2 = f64::from(n_inside)
                * CASES
                    .iter()
                    .find(|c| c.0 == fit.native_yx)
                    .map_or(0.0, |c| c.1[0] * c.1[1]);
            let inside = square.iter().filter(|l| **l > 0).count() as f64;
            let ratio = inside * fit.pixel_mm().powi(2) / native_mm2;
            assert!(
                (0.85..1.15).contains(&ratio),
                "area × {ratio} for {:?}",
                fit.native_yx
            );
        }
    }

    #[test]
    fn a_smooth_image_survives_the_way_there_and_back() {
        for ((native, spacing, _), fit) in CASES.into_iter().zip(fits()) {
            let slice = smooth(native, spacing);
            let back = fit.restore(&fit.image(&slice, 0.0));
            let n_x = native[1];
            let inner = |i: usize| {
                let (y, x) = (i / n_x, i % n_x);
                (4..native[0] - 4).contains(&y) && (4..n_x - 4).contains(&x)
            };
            let worst = (0..slice.len())
                .filter(|i| inner(*i))
                .map(|i| (slice[i] - back[i]).abs())
                .fold(0.0, f32::max);
            assert!(
                worst < 3.0,
                "{worst} of 100 lost for {native:?} pixels of {spacing:?} mm"
            );
        }
    }

    #[test]
    fn what_is_no_plane_is_refused() {
        for (native, spacing, size) in [
            ([0, 4], [1.0, 1.0], 8),
            ([4, 4], [1.0, -1.0], 8),
            ([4, 4], [f64::NAN, 1.0], 8),
            ([4, 4], [1.0, 1.0], 0),
        ] {
            assert!(
                PlaneFit::new(native, spacing, size).is_err(),
                "{native:?} {spacing:?} {size}"
            );
        }
        let err = PlaneFit::new([4, 3], [1.0, 0.0], 8).unwrap_err();
        assert_eq!(
            err.to_string(),
            "slices of 3 × 4 pixels (x × y) of 0 × 1 mm cannot be brought to 8 × 8 pixels: sizes \
             and spacings above 0 were wanted",
            "all is named"
        );
    }
}
