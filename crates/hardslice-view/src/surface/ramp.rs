//! Colours of distances.

use crate::palette::Rgb;

/// From too little predicted (blue) over the truth (pale) to too much (burnt orange), evenly spaced.
///
/// Blue and orange stay apart for every kind of colour vision, and both ends are equally dark. After
/// C. Brewer's scheme `PuOr` (2003), the purple end made blue.
pub const RAMP: [Rgb; 7] = [
    Rgb([0x0b, 0x40, 0x8c]),
    Rgb([0x33, 0x7d, 0xc7]),
    Rgb([0x99, 0xc4, 0xe8]),
    Rgb([0xed, 0xed, 0xe8]),
    Rgb([0xfa, 0xbf, 0x73]),
    Rgb([0xde, 0x78, 0x1f]),
    Rgb([0x94, 0x42, 0x05]),
];

/// The colour of a signed distance where `limit_mm` and beyond have the ends' colours.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place on the ramp, clamped to it, and levels between those of two colours"
)]
pub fn colour_of(distance_mm: f32, limit_mm: f32) -> Rgb {
    let share = (distance_mm / limit_mm.max(f32::MIN_POSITIVE)).clamp(-1.0, 1.0);
    let share = if share.is_nan() { 0.0 } else { share };
    let at = f32::midpoint(share, 1.0) * (RAMP.len() - 1) as f32;
    let low = (at.floor() as usize).min(RAMP.len() - 2);
    let along = at - low as f32;
    let (Rgb(from), Rgb(to)) = (RAMP[low], RAMP[low + 1]);
    Rgb(std::array::from_fn(|channel| {
        let [from, to] = [from[channel], to[channel]].map(f32::from);
        (from * (1.0 - along) + to * along).round() as u8
    }))
}

/// The smallest of 2, 3, 5, 10, 15, 20, 30, 50 mm that is not passed by more than a fiftieth of the distances.
pub fn nice_limit_mm(distances_mm: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = distances_mm.iter().map(|distance| distance.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let most = sizes.get(sizes.len() * 49 / 50).copied().unwrap_or(0.0);
    let limits = [2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0];
    limits
        .into_iter()
        .find(|limit| *limit >= most)
        .unwrap_or(50.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_pale_and_the_ends_are_blue_and_orange() {
        let (Rgb(low), Rgb(middle), Rgb(high)) = (
            colour_of(-30.0, 10.0),
            colour_of(0.0, 10.0),
            colour_of(10.0, 10.0),
        );
        assert!(low[2] > low[0] + 90, "{low:?} is blue");
        assert!(high[0] > high[2] + 90, "{high:?} is orange");
        assert!(
            middle.iter().all(|level| *level > 225),
            "{middle:?} is pale"
        );
        assert_eq!(
            colour_of(f32::NAN, 10.0),
            colour_of(0.0, 10.0),
            "no distance is pale"
        );
    }

    #[test]
    fn the_limit_covers_all_but_a_few_distances() {
        assert!((nice_limit_mm(&[]) - 2.0).abs() < 1e-6, "nothing");
        let mut distances = vec![-4.0; 99];
        distances.push(80.0);
        assert!(
            (nice_limit_mm(&distances) - 5.0).abs() < 1e-6,
            "one outlier"
        );
        assert!(
            (nice_limit_mm(&[70.0; 5]) - 50.0).abs() < 1e-6,
            "the largest"
        );
    }
}
