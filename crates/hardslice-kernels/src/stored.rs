//! Pixels in the precision in which they are stored.

use burn_std::bf16;

use crate::precision::Precision;
use crate::shared::{Shared, Strided};
use crate::simd::{Element, Kernel, Pixel, PixelOf, Simd};

const ONE_PRECISION: &str = "what one operation reads or writes is stored in one precision";

/// An element as activations store it.
pub(crate) trait Stored: Element {
    /// Rounds a value; a `NaN` stays one.
    fn rounded(x: f32) -> Self;
    /// The value.
    fn widened(self) -> f32;
    /// The pixels of a tensor that is known to be stored so.
    fn pixels(of: Pixels<'_>) -> &[PixelOf<Self>];
    /// The same of one that parallel tasks write to.
    fn shared(of: SharedPixels<'_>) -> Shared<'_, PixelOf<Self>>;
}

impl Stored for f32 {
    #[inline(always)]
    fn rounded(x: f32) -> Self {
        x
    }

    #[inline(always)]
    fn widened(self) -> f32 {
        self
    }

    fn pixels(of: Pixels<'_>) -> &[PixelOf<Self>] {
        match of {
            Pixels::F32(pixels) => pixels,
            Pixels::Bf16(_) => unreachable!("{ONE_PRECISION}"),
        }
    }

    fn shared(of: SharedPixels<'_>) -> Shared<'_, PixelOf<Self>> {
        match of {
            SharedPixels::F32(pixels) => pixels,
            SharedPixels::Bf16(_) => unreachable!("{ONE_PRECISION}"),
        }
    }
}

impl Stored for bf16 {
    #[inline(always)]
    fn rounded(x: f32) -> Self {
        Self::from_f32(x)
    }

    #[inline(always)]
    fn widened(self) -> f32 {
        self.to_f32()
    }

    fn pixels(of: Pixels<'_>) -> &[PixelOf<Self>] {
        match of {
            Pixels::Bf16(pixels) => pixels,
            Pixels::F32(_) => unreachable!("{ONE_PRECISION}"),
        }
    }

    fn shared(of: SharedPixels<'_>) -> Shared<'_, PixelOf<Self>> {
        match of {
            SharedPixels::Bf16(pixels) => pixels,
            SharedPixels::F32(_) => unreachable!("{ONE_PRECISION}"),
        }
    }
}

/// The pixels of a tensor.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pixels<'a> {
    F32(&'a [Pixel]),
    Bf16(&'a [PixelOf<bf16>]),
}

impl Pixels<'_> {
    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::Bf16(_) => Precision::Bf16,
        }
    }
}

/// The pixels of a tensor that is being written.
#[derive(Debug)]
pub(crate) enum PixelsMut<'a> {
    F32(&'a mut [Pixel]),
    Bf16(&'a mut [PixelOf<bf16>]),
}

impl<'a> PixelsMut<'a> {
    /// For reading.
    pub(crate) fn shared(self) -> Pixels<'a> {
        match self {
            Self::F32(pixels) => Pixels::F32(pixels),
            Self::Bf16(pixels) => Pixels::Bf16(pixels),
        }
    }
}

/// The pixels of a tensor that parallel tasks write to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SharedPixels<'a> {
    F32(Shared<'a, Pixel>),
    Bf16(Shared<'a, PixelOf<bf16>>),
}

impl<'a> SharedPixels<'a> {
    pub(crate) fn new(pixels: PixelsMut<'a>) -> Self {
        match pixels {
            PixelsMut::F32(pixels) => Self::F32(Shared::new(pixels)),
            PixelsMut::Bf16(pixels) => Self::Bf16(Shared::new(pixels)),
        }
    }
}

/// Runs an expression on the pixels of a tensor, whatever their precision.
macro_rules! with_pixels {
    ($kind:ident, $pixels:ident = $from:expr => $body:expr) => {
        match $from {
            $crate::stored::$kind::F32($pixels) => $body,
            $crate::stored::$kind::Bf16($pixels) => $body,
        }
    };
}
pub(crate) use with_pixels;

/// Rounds pixels.
#[inline(always)]
pub(crate) fn round<S: Simd, E: Stored>(s: S, from: &[Pixel], to: Strided<'_, PixelOf<E>>) {
    s.run(Round { from, to });
}

struct Round<'a, E> {
    from: &'a [Pixel],
    to: Strided<'a, PixelOf<E>>,
}

impl<E: Stored> Kernel for Round<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (idx, from) in self.from.iter().enumerate() {
            s.write(self.to.get_mut(idx), s.read(from));
        }
    }
}
