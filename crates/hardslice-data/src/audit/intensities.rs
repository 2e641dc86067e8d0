//! Whether the values look like Hounsfield units.

use rayon::prelude::*;

use super::finding::{Finding, Kind, error, warning};

/// Air is far below this; lung, bowel gas and the air around the patient are in every abdominal CT.
const AIR_BELOW_HU: f32 = -150.0;
/// Soft tissue: fat to contrast-filled liver.
const TISSUE_HU: [f32; 2] = [-150.0, 200.0];
/// Fewest voxels that must be air, share of all.
const LEAST_AIR: f64 = 0.001;
/// Fewest voxels that must be soft tissue, share of all.
const LEAST_TISSUE: f64 = 0.02;
/// Voxels at the lowest or highest value, share of all, from which on it was cut there.
const CLIPPED: f64 = 0.0005;

/// Minima, maxima and counts over the voxels of a scan, gathered part by part: the order of the
/// parts does not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stats {
    pub(super) min_hu: f32,
    pub(super) max_hu: f32,
    window_hu: [f32; 2],
    n: usize,
    n_at_min: usize,
    n_at_max: usize,
    n_air: usize,
    n_tissue: usize,
}

/// What is odd about the values of a scan, as an [audit](super::audit()) finds it; `window_hu` is what a net
/// sees of them.
pub fn intensity_findings(voxels: &[f32], window_hu: [i16; 2]) -> Vec<Finding> {
    Stats::of(voxels, window_hu.map(f32::from)).findings()
}

impl Stats {
    pub(crate) fn new(window_hu: [f32; 2]) -> Self {
        Self {
            min_hu: f32::INFINITY,
            max_hu: f32::NEG_INFINITY,
            window_hu,
            n: 0,
            n_at_min: 0,
            n_at_max: 0,
            n_air: 0,
            n_tissue: 0,
        }
    }

    /// Of all voxels of a scan.
    pub(super) fn of(voxels: &[f32], window_hu: [f32; 2]) -> Self {
        let parts = voxels.par_chunks(1 << 18).map(|part| {
            let mut stats = Self::new(window_hu);
            stats.add(part);
            stats
        });
        parts.reduce(|| Self::new(window_hu), Self::merged)
    }

    /// Adds a part of the voxels.
    pub(crate) fn add(&mut self, voxels: &[f32]) {
        let min_hu = voxels.iter().copied().fold(f32::INFINITY, f32::min);
        let max_hu = voxels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let count = |is_one: &dyn Fn(f32) -> bool| voxels.iter().filter(|hu| is_one(**hu)).count();
        *self = self.merged(Self {
            min_hu,
            max_hu,
            window_hu: self.window_hu,
            n: voxels.len(),
            n_at_min: count(&|hu| hu <= min_hu),
            n_at_max: count(&|hu| hu >= max_hu),
            n_air: count(&|hu| hu < AIR_BELOW_HU),
            n_tissue: count(&|hu| (TISSUE_HU[0]..TISSUE_HU[1]).contains(&hu)),
        });
    }

    fn merged(self, other: Self) -> Self {
        let (min_hu, max_hu) = (self.min_hu.min(other.min_hu), self.max_hu.max(other.max_hu));
        let both = [self, other];
        // Of the parts that do not reach so far none lies there.
        let at_min = both.iter().filter(|part| part.min_hu <= min_hu);
        let at_max = both.iter().filter(|part| part.max_hu >= max_hu);
        Self {
            min_hu,
            max_hu,
            window_hu: self.window_hu,
            n: self.n + other.n,
            n_at_min: at_min.map(|part| part.n_at_min).sum(),
            n_at_max: at_max.map(|part| part.n_at_max).sum(),
            n_air: self.n_air + other.n_air,
            n_tissue: self.n_tissue + other.n_tissue,
        }
    }

    fn share(&self, count: usize) -> f64 {
        count as f64 / self.n.max(1) as f64
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let (min, max) = (self.min_hu, self.max_hu);
        if min >= max {
            return vec![error(
                Kind::IntensitiesConstant,
                format!("all voxels are {min} HU"),
                "export the scan again: it holds no image",
            )];
        }
        if min >= 0.0 && max <= 255.0 {
            return vec![error(
                Kind::NotHu,
                format!(
                    "values run from {min} to {max}: grey levels of 8 bits, not Hounsfield units"
                ),
                "take the original scan, or write the window's slope and intercept into the header",
            )];
        }
        let mut findings = Vec::new();
        findings.extend(self.clipped());
        if self.share(self.n_air) < LEAST_AIR {
            findings.push(warning(
                Kind::NoAir,
                format!(
                    "no air: values run from {min} to {max}, hardly one below {AIR_BELOW_HU} HU"
                ),
                "check that the rescale intercept (often -1024) was kept",
            ));
        }
        if self.share(self.n_tissue) < LEAST_TISSUE {
            findings.push(warning(
                Kind::NoTissue,
                format!(
                    "hardly any soft tissue: {:.2} % of the voxels lie between {} and {} HU",
                    100.0 * self.share(self.n_tissue),
                    TISSUE_HU[0],
                    TISSUE_HU[1]
                ),
                "check slope and intercept, and that it is a CT of the body",
            ));
        }
        findings
    }

    /// Values cut inside the window: beyond it training would cut them anyway.
    fn clipped(&self) -> Option<Finding> {
        let [low, high] = self.window_hu;
        let ends = [
            (self.min_hu > low, self.min_hu, self.n_at_min),
            (self.max_hu < high, self.max_hu, self.n_at_max),
        ];
        let cut: Vec<String> = ends
            .into_iter()
            .filter(|(is_inside, _, n)| *is_inside && self.share(*n) >= CLIPPED)
            .map(|(_, hu, n)| format!("{hu:.1} HU ({:.2} % of the voxels)", 100.0 * self.share(n)))
            .collect();
        let fix = "take the original scan where there is one; its slices look duller or brighter \
                   than those of the others";
        (!cut.is_empty()).then(|| {
            let cut = cut.join(" and ");
            let message = format!("values are cut at {cut}, inside the window {low} to {high} HU");
            warning(Kind::IntensitiesClipped, message, fix)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(voxels: &[f32]) -> Vec<Kind> {
        let stats = Stats::of(voxels, [-150.0, 250.0]);
        stats.findings().iter().map(|found| found.kind).collect()
    }

    /// From `low` to `high` in steps of 1, cut at `cut`.
    fn ramp(low: i16, high: i16, cut: [f32; 2]) -> Vec<f32> {
        (low..=high)
            .map(|hu| f32::from(hu).clamp(cut[0], cut[1]))
            .collect()
    }

    #[test]
    fn a_ct_is_not_complained_of() {
        assert!(
            kinds(&ramp(-1024, 1500, [-1024.0, 1500.0])).is_empty(),
            "whole"
        );
        assert!(
            kinds(&ramp(-1024, 3000, [-1024.0, 1023.0])).is_empty(),
            "cut far above the window"
        );
        assert!(
            kinds(&ramp(-1024, 1500, [-160.0, 260.0])).is_empty(),
            "cut beyond the window"
        );
    }

    #[test]
    fn values_that_are_no_hounsfield_units_are_found() {
        assert_eq!(kinds(&[7.0; 100]), [Kind::IntensitiesConstant], "constant");
        assert_eq!(kinds(&ramp(0, 255, [0.0, 255.0])), [Kind::NotHu], "8 bits");
        let cut = kinds(&ramp(-1024, 1500, [-160.0, 240.0]));
        assert_eq!(cut, [Kind::IntensitiesClipped], "cut inside the window");
        let no_intercept = kinds(&ramp(0, 3000, [0.0, 3000.0]));
        assert_eq!(no_intercept, [Kind::NoAir], "the intercept was lost");
        let times_ten = kinds(&ramp(-30_000, 30_000, [-30_000.0, 30_000.0]));
        assert_eq!(times_ten, [Kind::NoTissue], "a slope too many");
    }
}
