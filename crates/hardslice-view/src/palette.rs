//! Colours that stay apart for every kind of colour vision.
//!
//! # Sources
//!
//! - M. Okabe and K. Ito (2008), "Color Universal Design": the order of [`ORGANS`] and the hues of
//!   [`TRUTH`] and [`PREDICTED`]. Both are lightened where they lie on grey CT, and the organs' are
//!   reordered so that neighbours in the abdomen differ most.

/// A colour of the screen: red, green, blue, 0 to 255 each, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// A grey from 0 (black) to 255 (white).
    pub const fn grey(level: u8) -> Self {
        Self([level; 3])
    }

    /// The colour as CSS writes it, `#rrggbb`.
    pub fn css(self) -> String {
        let [r, g, b] = self.0;
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Outline of the truth: blue.
pub const TRUTH: Rgb = Rgb([0x2b, 0x9d, 0xff]);

/// Outline of a prediction: vermilion.
pub const PREDICTED: Rgb = Rgb([0xff, 0x6a, 0x13]);

/// Paper around pictures.
pub const PAPER: Rgb = Rgb([0xff, 0xff, 0xff]);

/// Captions and headings on paper.
pub const INK: Rgb = Rgb([0x1f, 0x23, 0x28]);

/// Quieter text on paper.
pub const FAINT_INK: Rgb = Rgb([0x59, 0x63, 0x6e]);

/// Lines, bars and outlines that tell arms, organs or series apart, in order of use.
pub const ORGANS: [Rgb; 8] = [
    Rgb([0xe6, 0x9f, 0x00]), // orange
    Rgb([0x56, 0xb4, 0xe9]), // sky blue
    Rgb([0x00, 0x9e, 0x73]), // bluish green
    Rgb([0xcc, 0x79, 0xa7]), // reddish purple
    Rgb([0xf0, 0xe4, 0x42]), // yellow
    Rgb([0xd5, 0x5e, 0x00]), // vermilion
    Rgb([0x00, 0x72, 0xb2]), // blue
    Rgb([0xb0, 0xb0, 0xb0]), // grey
];

/// Colour of the organ at a position in the organ list; the palette repeats after eight.
pub const fn organ_colour(organ_idx: usize) -> Rgb {
    ORGANS[organ_idx % ORGANS.len()]
}
