//! Images small enough to compare many.

/// Rows and columns of a [`Thumbnail`].
const THUMBNAIL: usize = 32;

/// A slice of a scan at 32 × 32 pixels, each the mean of those that it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Thumbnail {
    hu: Vec<f32>,
}

impl Thumbnail {
    /// Means of the pixels of a square slice.
    pub(super) fn of(image: &[i16], size: usize) -> Self {
        let edge = |at: usize| at * size / THUMBNAIL;
        let mut hu = Vec::with_capacity(THUMBNAIL * THUMBNAIL);
        for y in 0..THUMBNAIL {
            for x in 0..THUMBNAIL {
                let rows = edge(y)..edge(y + 1).max(edge(y) + 1);
                let columns = edge(x)..edge(x + 1).max(edge(x) + 1);
                let n = (rows.len() * columns.len()) as f32;
                let sum: i32 = rows
                    .flat_map(|row| &image[row * size..][columns.clone()])
                    .map(|hu| i32::from(*hu))
                    .sum();
                hu.push(sum as f32 / n);
            }
        }
        Self { hu }
    }

    /// Mean absolute difference, Hounsfield units.
    pub(super) fn difference_hu(&self, other: &Self) -> f64 {
        let pairs = self.hu.iter().zip(&other.hu);
        let sum: f64 = pairs.map(|(a, b)| f64::from((a - b).abs())).sum();
        sum / self.hu.len() as f64
    }

    /// Whether nothing is to be seen: all pixels within one Hounsfield unit.
    pub(super) fn is_blank(&self) -> bool {
        let lowest = self.hu.iter().copied().fold(f32::INFINITY, f32::min);
        let highest = self.hu.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        highest - lowest < 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_are_means_and_differ_by_as_many_units() {
        let image: Vec<i16> = (0..64 * 64).map(|at| 2 * (at % 2)).collect();
        let brighter: Vec<i16> = image.iter().map(|hu| hu + 7).collect();
        let (plain, brighter) = (Thumbnail::of(&image, 64), Thumbnail::of(&brighter, 64));
        assert!(
            (plain.difference_hu(&brighter) - 7.0).abs() < 1e-6,
            "everywhere"
        );
        assert!(plain.is_blank(), "each mean is 1");
    }

    #[test]
    fn a_slice_smaller_than_its_thumbnail_is_repeated() {
        let image: Vec<i16> = (0..16 * 16).collect();
        let thumbnail = Thumbnail::of(&image, 16);
        assert!(!thumbnail.is_blank(), "16 pixels make 32");
    }
}
