//! A picture of pixels, and what is drawn on it.

use std::io;
use std::path::Path;

use hardslice_volume::whole_file::write_whole;
use hardslice_volume::{Action, FileError};

use crate::palette::Rgb;

mod contour;
mod coverage;
mod font;
mod place;
mod scale;
mod text;

pub use contour::{outline, outline_coverage};
pub use coverage::Coverage;
pub use place::{Corner, Size};
pub use scale::scale_linear;
pub(crate) use text::text_strokes;
pub use text::{TextStyle, text_height, text_width, wrap};

/// A picture: rows from the top, pixels from the left, three bytes each (sRGB).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    // Invariant: `pixels.len() == width * height`.
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Picture {
    /// A picture of one colour. A side of 0 is drawn as 1: an empty picture cannot be stored.
    pub fn filled(width: usize, height: usize, colour: Rgb) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// A grey picture from levels between 0 (black) and 1 (white), `[height, width]`, top row first.
    ///
    /// Levels outside are clipped; a level that is not a number is black. Levels that are missing
    /// at the end stay black and those too many are left out.
    pub fn from_grey(width: usize, height: usize, levels: &[f32]) -> Self {
        let mut picture = Self::filled(width, height, Rgb::grey(0));
        for (pixel, &level) in picture.pixels.iter_mut().zip(levels) {
            *pixel = Rgb::grey(byte(level * 255.0));
        }
        picture
    }

    /// A picture from its pixels, top row first.
    ///
    /// # Panics
    ///
    /// When there are not `width` times `height` pixels, or none.
    pub(crate) fn from_pixels(width: usize, height: usize, pixels: Vec<Rgb>) -> Self {
        assert_eq!(pixels.len(), width * height, "a pixel for each place");
        assert!(!pixels.is_empty(), "an empty picture cannot be stored");
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Pixels from left to right.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Colour of a pixel, counted from the upper left corner; `None` beyond the picture.
    pub fn pixel(&self, x: usize, y: usize) -> Option<Rgb> {
        (x < self.width && y < self.height).then(|| self.pixels[y * self.width + x])
    }

    /// Lays a colour over a pixel, from `opacity` 0 (nothing happens) to 1 (replaced). Pixels beyond
    /// the picture are left alone.
    pub fn blend(&mut self, x: usize, y: usize, colour: Rgb, opacity: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        let below = &mut self.pixels[y * self.width + x].0;
        let opacity = opacity.clamp(0.0, 1.0);
        for (channel, above) in below.iter_mut().zip(colour.0) {
            *channel = byte(f32::from(*channel) * (1.0 - opacity) + f32::from(above) * opacity);
        }
    }

    /// Lays a colour over the picture, as much as `coverage` says, times `opacity`.
    ///
    /// The coverage is placed with its upper left corner at `at`.
    pub fn blend_coverage(&mut self, at: Corner, coverage: &Coverage, colour: Rgb, opacity: f32) {
        for y in 0..coverage.height() {
            for x in 0..coverage.width() {
                let share = coverage.share(x, y);
                if share > 0.0 {
                    self.blend(at.left + x, at.top + y, colour, share * opacity);
                }
            }
        }
    }

    /// Fills a rectangle; what lies beyond the picture is left out.
    pub fn fill_rect(&mut self, at: Corner, size: Size, colour: Rgb) {
        for y in at.top.min(self.height)..(at.top + size.height).min(self.height) {
            for x in at.left.min(self.width)..(at.left + size.width).min(self.width) {
                self.pixels[y * self.width + x] = colour;
            }
        }
    }

    /// Copies another picture into this one with its upper left corner at `at`; what lies beyond
    /// this picture is left out.
    pub fn paste(&mut self, at: Corner, other: &Picture) {
        let width = other.width.min(self.width.saturating_sub(at.left));
        if width == 0 {
            return;
        }
        for y in 0..other.height.min(self.height.saturating_sub(at.top)) {
            let to = (at.top + y) * self.width + at.left;
            let from = y * other.width;
            self.pixels[to..to + width].copy_from_slice(&other.pixels[from..from + width]);
        }
    }

    /// Each pixel as a square of `factor` × `factor` equal pixels.
    #[must_use]
    pub fn enlarged(&self, factor: usize) -> Self {
        let factor = factor.max(1);
        let (width, height) = (self.width * factor, self.height * factor);
        let pixels = (0..width * height)
            .map(|i| self.pixels[i / width / factor * self.width + i % width / factor])
            .collect();
        Self {
            width,
            height,
            pixels,
        }
    }

    /// The picture as a PNG file's bytes: 8-bit RGB, the same bytes every time.
    ///
    /// # Errors
    ///
    /// What the encoder says, for example that a side is longer than PNG allows.
    pub fn to_png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.encode_png(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes the picture as a PNG file, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the path and the cause.
    pub fn write_png(&self, path: &Path) -> Result<(), FileError> {
        write_whole(path, |file| self.encode_png(file)).map_err(Action::Write.on(path))
    }

    /// A picture that is grey, as the bytes of a PNG file with one byte a pixel: of each pixel the
    /// green.
    ///
    /// # Errors
    ///
    /// As [`Picture::to_png`].
    pub fn to_grey_png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let levels: Vec<u8> = self
            .pixels
            .iter()
            .map(|Rgb([_, level, _])| *level)
            .collect();
        self.encode(&mut bytes, png::ColorType::Grayscale, &levels)?;
        Ok(bytes)
    }

    fn encode_png(&self, to: impl io::Write) -> io::Result<()> {
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|pixel| pixel.0).collect();
        self.encode(to, png::ColorType::Rgb, &bytes)
    }

    fn encode(&self, to: impl io::Write, colour: png::ColorType, bytes: &[u8]) -> io::Result<()> {
        let side = |n: usize| u32::try_from(n).map_err(io::Error::other);
        let mut encoder = png::Encoder::new(to, side(self.width)?, side(self.height)?);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(io::Error::other)?;
        writer.write_image_data(bytes).map_err(io::Error::other)?;
        writer.finish().map_err(io::Error::other)
    }
}

/// Rounds to a byte; below 0 and what is not a number give 0, above 255 gives 255.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, which is the clipping wanted here"
)]
fn byte(level: f32) -> u8 {
    (level + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(png: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        (info.width, info.height, bytes)
    }

    #[test]
    fn a_png_reads_back_as_the_pixels_written() {
        let mut picture = Picture::filled(3, 2, Rgb([1, 2, 3]));
        picture.blend(2, 1, Rgb([200, 100, 50]), 1.0);
        let (width, height, bytes) = decode(&picture.to_png().unwrap());
        assert_eq!((width, height), (3, 2), "width and height");
        assert_eq!(bytes[..3], [1, 2, 3], "upper left pixel");
        assert_eq!(bytes[15..], [200, 100, 50], "lower right pixel");
    }

    #[test]
    fn grey_levels_are_clipped_and_not_a_number_is_black() {
        let picture = Picture::from_grey(4, 1, &[-1.0, 0.5, 7.0, f32::NAN]);
        let levels: Vec<u8> = (0..4).map(|x| picture.pixel(x, 0).unwrap().0[0]).collect();
        assert_eq!(levels, [0, 128, 255, 0], "clipped at both ends");
    }

    #[test]
    fn half_opacity_lands_half_way() {
        let mut picture = Picture::filled(1, 1, Rgb([0, 100, 200]));
        picture.blend(0, 0, Rgb([100, 100, 100]), 0.5);
        assert_eq!(
            picture.pixel(0, 0),
            Some(Rgb([50, 100, 150])),
            "mean of the two"
        );
    }

    #[test]
    fn a_paste_over_the_edge_keeps_what_fits() {
        let mut picture = Picture::filled(3, 3, Rgb::grey(0));
        picture.paste(Corner::new(2, 2), &Picture::filled(5, 5, Rgb::grey(9)));
        picture.paste(Corner::new(7, 0), &Picture::filled(5, 5, Rgb::grey(9)));
        let n_pasted = picture
            .pixels
            .iter()
            .filter(|p| **p == Rgb::grey(9))
            .count();
        assert_eq!(n_pasted, 1, "one corner fits");
    }

    #[test]
    fn enlarging_repeats_each_pixel_as_a_square() {
        let picture = Picture::from_grey(2, 1, &[0.0, 1.0]).enlarged(2);
        assert_eq!(
            (picture.width(), picture.height()),
            (4, 2),
            "twice each side"
        );
        let row: Vec<u8> = (0..4).map(|x| picture.pixel(x, 1).unwrap().0[0]).collect();
        assert_eq!(row, [0, 0, 255, 255], "second row");
    }

    #[test]
    fn a_failed_write_names_the_path() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), b"").unwrap();
        let path = dir.path().join("file/picture.png");
        let err = Picture::filled(1, 1, Rgb::grey(0))
            .write_png(&path)
            .unwrap_err();
        assert!(err.to_string().contains("file/picture.png"), "{err}");
    }
}
