//! Sizes and places in pixels.

/// Size of a picture, or of the mask or image beneath it, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Size {
    /// `width` by `height` pixels.
    pub const fn new(width: usize, height: usize) -> Self {
        Self { width, height }
    }
}

/// Where the upper left corner of something lies on a picture, in pixels from the picture's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corner {
    /// Pixels from the left.
    pub left: usize,
    /// Pixels from the top.
    pub top: usize,
}

impl Corner {
    /// The picture's own upper left corner.
    pub const ORIGIN: Self = Self::new(0, 0);

    /// `left` pixels from the left, `top` from the top.
    pub const fn new(left: usize, top: usize) -> Self {
        Self { left, top }
    }
}
