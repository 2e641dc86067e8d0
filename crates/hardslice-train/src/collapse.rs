//! Collapse: a net that answers everything, the whole body or nothing in place of an organ.

use std::fmt;

/// How a net answers that has learnt nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Collapse {
    /// It predicts no pixel.
    AllBackground,
    /// It predicts pixels that are hardly more often right than an answer that takes no net.
    NoBetterThanTrivial {
        /// Its mean Dice on slices that it is trained on and that show the organ.
        dice: f64,
        /// That of taking every pixel, the body or the air for the organ, whichever is best.
        trivial: f64,
    },
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllBackground => f.write_str(
                "the net predicts nothing anywhere, on training slices neither: it has collapsed to \
                 all-background",
            ),
            Self::NoBetterThanTrivial { dice, trivial } => write!(
                f,
                "the net has learnt nothing: on slices that it is trained on its Dice is {dice:.3}, \
                 that of taking the whole body, everything or the air for the organ is {trivial:.3}",
            ),
        }
    }
}
