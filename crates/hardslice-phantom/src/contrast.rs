//! How bright each tissue is, in HU, by contrast phase.

use hardslice_data::random::Stream;

use crate::options::{Phase, PhaseWeights};

/// Fat, wherever it lies.
pub(crate) const FAT: f64 = -104.0;
/// Air.
pub(crate) const AIR: f64 = -1000.0;

/// Mean HU of the tissues of one patient in one scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contrast {
    pub(crate) phase: Phase,
    pub(crate) liver: f64,
    pub(crate) spleen: f64,
    /// How mottled the spleen is: amplitude in HU.
    pub(crate) spleen_mottle: f64,
    pub(crate) renal_cortex: f64,
    pub(crate) renal_medulla: f64,
    pub(crate) aorta: f64,
    pub(crate) vena_cava: f64,
    pub(crate) portal_vein: f64,
    pub(crate) hepatic_vein: f64,
    pub(crate) muscle: f64,
    pub(crate) pancreas: f64,
    pub(crate) gut_wall: f64,
    pub(crate) heart_blood: f64,
    pub(crate) heart_muscle: f64,
    pub(crate) marrow: f64,
    pub(crate) bone: f64,
}

impl Contrast {
    pub(crate) fn draw(stream: &mut Stream, weights: &PhaseWeights) -> Self {
        let phase = draw_phase(stream.uniform(), weights);
        // One injection: what is bright is bright together.
        let dose = stream.uniform_in(-1.0, 1.0);
        let mut around = |middle: f64, spread: f64| {
            middle + spread * (0.6 * dose + 0.4 * stream.uniform_in(-1.0, 1.0))
        };
        let [liver, spleen, cortex, medulla] = match phase {
            Phase::Native => [around(56.0, 6.0), around(46.0, 4.0), 32.0, 29.0],
            Phase::Arterial => [
                around(73.0, 8.0),
                around(112.0, 14.0),
                around(190.0, 25.0),
                around(82.0, 10.0),
            ],
            Phase::Venous => [
                around(106.0, 11.0),
                around(116.0, 10.0),
                around(192.0, 20.0),
                around(172.0, 20.0),
            ],
        };
        let [aorta, vena_cava, portal_vein, hepatic_vein] = match phase {
            Phase::Native => [around(42.0, 4.0), 41.0, 42.0, 42.0],
            Phase::Arterial => [
                around(310.0, 45.0),
                around(105.0, 20.0),
                around(112.0, 15.0),
                around(62.0, 6.0),
            ],
            Phase::Venous => [
                around(150.0, 14.0),
                around(138.0, 14.0),
                around(165.0, 15.0),
                around(152.0, 14.0),
            ],
        };
        let [pancreas, gut_wall, heart_blood, heart_muscle] = match phase {
            Phase::Native => [around(38.0, 5.0), around(38.0, 4.0), 42.0, 44.0],
            Phase::Arterial => [
                around(95.0, 12.0),
                around(85.0, 12.0),
                around(260.0, 30.0),
                around(105.0, 10.0),
            ],
            Phase::Venous => [
                around(92.0, 10.0),
                around(84.0, 10.0),
                around(145.0, 12.0),
                around(112.0, 10.0),
            ],
        };
        Self {
            phase,
            liver,
            spleen,
            spleen_mottle: if phase == Phase::Arterial { 45.0 } else { 3.0 },
            renal_cortex: cortex,
            renal_medulla: medulla,
            aorta,
            vena_cava,
            portal_vein,
            hepatic_vein,
            muscle: if phase == Phase::Native {
                around(50.0, 5.0)
            } else {
                around(58.0, 6.0)
            },
            pancreas,
            gut_wall,
            heart_blood,
            heart_muscle,
            marrow: stream.uniform_in(130.0, 240.0),
            bone: stream.uniform_in(520.0, 900.0),
        }
    }
}

fn draw_phase(uniform: f64, weights: &PhaseWeights) -> Phase {
    let total = weights.native + weights.arterial + weights.venous;
    let at = uniform * total;
    if at < weights.native {
        Phase::Native
    } else if at < weights.native + weights.arterial {
        Phase::Arterial
    } else {
        Phase::Venous
    }
}
