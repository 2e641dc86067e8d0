//! One slice with outlines and fills on it.

use thiserror::Error;

use super::{Layer, PanelStyle};
use crate::palette::{PAPER, Rgb};
use crate::picture::{
    Corner, Coverage, Picture, Size, TextStyle, outline_coverage, scale_linear, text_height,
    text_width, wrap,
};
use crate::section::Section;

/// One slice to draw. All values are `[row, column]` as the section stores them, not yet hung.
#[derive(Debug, Clone)]
pub struct SlicePanel<'a, T> {
    /// Size of the slice.
    pub section: Section,
    /// The scan in Hounsfield units.
    pub image_hu: &'a [T],
    /// Masks, the lowest first.
    pub layers: Vec<Layer<'a>>,
    /// Text below the picture; empty for none.
    pub caption: &'a str,
}

/// A slice and what is to be drawn on it do not fit.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PanelError {
    /// An image or a mask has too few or too many pixels.
    #[error("a section of {n_rows} × {n_columns} pixels (rows × columns) needs {} values, the {what} has {got}", n_rows * n_columns)]
    PixelCount {
        /// Image, truth, prediction or organ.
        what: String,
        /// Rows of the section.
        n_rows: usize,
        /// Columns of the section.
        n_columns: usize,
        /// Values given.
        got: usize,
    },
    /// A label map or a list has another length than the scan wants.
    #[error("the scan has {wanted} {unit}, the {what} has {got}")]
    Length {
        /// Label map, truth, prediction or scores.
        what: &'static str,
        /// Voxels or slices.
        unit: &'static str,
        /// Values the scan wants.
        wanted: usize,
        /// Values given.
        got: usize,
    },
    /// The section has no pixels or no extent.
    #[error(
        "a section of {n_rows} × {n_columns} pixels of {row_mm} × {column_mm} mm cannot be drawn"
    )]
    Empty {
        /// Rows of the section.
        n_rows: usize,
        /// Columns of the section.
        n_columns: usize,
        /// Row spacing in millimetres.
        row_mm: String,
        /// Column spacing in millimetres.
        column_mm: String,
    },
}

/// Draws one slice with its truth (blue), its prediction (red) and a caption.
///
/// The slice hangs in the radiological convention (see [`Section`]) and its pixels are square in
/// millimetres. Where both outlines coincide the truth shows on either side of the prediction.
///
/// # Errors
///
/// [`PanelError`] when a mask or the image has another size than the section, or the section is
/// empty.
pub fn slice_panel<T: Copy + Into<f32>>(
    panel: &SlicePanel<'_, T>,
    style: &PanelStyle,
) -> Result<Picture, PanelError> {
    panel.check()?;
    let section = panel.section;
    let from = section.size();
    let size = Size::new(style.width_px, panel.height_px(style.width_px));
    let greys: Vec<f32> = Section::hung(panel.image_hu)
        .into_iter()
        .map(|hu| style.window.grey(hu.into()))
        .collect();
    let mut picture =
        Picture::from_grey(size.width, size.height, &scale_linear(&greys, from, size));
    let masks: Vec<Vec<bool>> = panel
        .layers
        .iter()
        .map(|layer| Section::hung(&layer.mask))
        .collect();
    for (layer, mask) in panel.layers.iter().zip(&masks) {
        if layer.fill > 0.0 {
            let fill = fill_coverage(mask, from, size);
            picture.blend_coverage(Corner::ORIGIN, &fill, layer.colour, layer.fill);
        }
    }
    for (layer, mask) in panel.layers.iter().zip(&masks) {
        if layer.line > 0.0 {
            let line = outline_coverage(mask, from, size, layer.line * style.line_px);
            picture.blend_coverage(Corner::ORIGIN, &line, layer.colour, 1.0);
        }
    }
    draw_marks(&mut picture, &section, style);
    Ok(with_caption(&picture, panel.caption, style))
}

impl<T: Copy + Into<f32>> SlicePanel<'_, T> {
    pub(super) fn check(&self) -> Result<(), PanelError> {
        let Section {
            n_rows,
            n_columns,
            row_mm,
            column_mm,
        } = self.section;
        let extent = row_mm > 0.0 && column_mm > 0.0 && (row_mm + column_mm).is_finite();
        if self.section.n_pixels() == 0 || !extent {
            return Err(PanelError::Empty {
                n_rows,
                n_columns,
                row_mm: row_mm.to_string(),
                column_mm: column_mm.to_string(),
            });
        }
        let masks = self
            .layers
            .iter()
            .map(|layer| (layer.name, layer.mask.len()));
        for (what, got) in std::iter::once(("image", self.image_hu.len())).chain(masks) {
            if got != self.section.n_pixels() {
                let what = what.to_owned();
                return Err(PanelError::PixelCount {
                    what,
                    n_rows,
                    n_columns,
                    got,
                });
            }
        }
        Ok(())
    }

    /// Height in pixels that keeps millimetres square, between 1 and 4 times the width.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of pixels, clamped"
    )]
    fn height_px(&self, width_px: usize) -> usize {
        let height = width_px as f64 * self.section.height_mm() / self.section.width_mm();
        (height.round() as usize).clamp(1, 4 * width_px)
    }
}

/// Checks that a list is as long as the scan wants.
pub(super) fn check_length(
    what: &'static str,
    unit: &'static str,
    wanted: usize,
    got: usize,
) -> Result<(), PanelError> {
    if wanted == got {
        return Ok(());
    }
    Err(PanelError::Length {
        what,
        unit,
        wanted,
        got,
    })
}

/// The inside of a mask with a soft edge where linear interpolation passes one half.
fn fill_coverage(mask: &[bool], from: Size, size: Size) -> Coverage {
    let levels: Vec<f32> = mask
        .iter()
        .map(|&inside| f32::from(u8::from(inside)))
        .collect();
    let mut coverage = Coverage::empty(size.width, size.height);
    for (i, level) in scale_linear(&levels, from, size).into_iter().enumerate() {
        if level > 0.0 {
            coverage.raise(i % size.width, i / size.width, (level - 0.5) * 3.0 + 0.5);
        }
    }
    coverage
}

/// A letter for the patient's right at the viewer's left, and a bar of 5 cm at the lower right.
/// Pictures too small to hold them stay bare.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "lengths within the picture"
)]
fn draw_marks(picture: &mut Picture, section: &Section, style: &PanelStyle) {
    const BAR_MM: f64 = 50.0;
    let (width, height) = (picture.width(), picture.height());
    let letter = TextStyle {
        colour: Rgb::grey(235),
        halo: Some(Rgb::grey(0)),
        ..TextStyle::caption(style.cap_height_px)
    };
    if width < 160 || height < 3 * text_height(letter) {
        return;
    }
    let margin = width / 50;
    let letter_top = (height - text_height(letter)) / 2;
    picture.draw_text(Corner::new(margin, letter_top), style.left, letter);
    let bar = (width as f64 * BAR_MM / section.width_mm()) as usize;
    if bar + 2 * margin > width {
        return;
    }
    let (left, right) = ((width - margin - bar) as f32, (width - margin) as f32);
    let (y, tick) = ((height - margin) as f32 - 1.0, style.cap_height_px * 0.45);
    for (line_px, colour) in [(3.6, Rgb::grey(0)), (1.2, letter.colour)] {
        let mut lines = Coverage::empty(width, height);
        lines.add_line([left, y], [right, y], line_px);
        for x in [left, right] {
            lines.add_line([x, y], [x, y - tick], line_px);
        }
        picture.blend_coverage(Corner::ORIGIN, &lines, colour, 0.9);
    }
    let text = TextStyle {
        cap_height_px: style.cap_height_px * 0.8,
        ..letter
    };
    let text_left = (f32::midpoint(left, right) - text_width("5 cm", text) / 2.0) as usize;
    // The words stand on the bar, between its ends.
    let text_top = (y - 4.0 - 1.2 * text.cap_height_px).max(0.0) as usize;
    picture.draw_text(Corner::new(text_left, text_top), "5 cm", text);
}

/// The picture with its caption on paper below.
fn with_caption(picture: &Picture, caption: &str, style: &PanelStyle) -> Picture {
    if caption.is_empty() {
        return picture.clone();
    }
    let text = TextStyle::caption(style.cap_height_px);
    let lines = wrap(caption, picture.width() as f32 - 4.0, text);
    let line_height = text_height(text);
    let gap = line_height / 3;
    let height = picture.height() + gap + lines.len() * line_height;
    let mut whole = Picture::filled(picture.width(), height, PAPER);
    whole.paste(Corner::ORIGIN, picture);
    for (i, line) in lines.iter().enumerate() {
        let top = picture.height() + gap + i * line_height;
        whole.draw_text(Corner::new(0, top), line, text);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: Section = Section {
        n_rows: 40,
        n_columns: 60,
        row_mm: 2.0,
        column_mm: 1.0,
    };

    fn style(width_px: usize) -> PanelStyle {
        PanelStyle::of_width(width_px)
    }

    fn panel<'a>(image_hu: &'a [i16], layers: Vec<Layer<'a>>) -> SlicePanel<'a, i16> {
        SlicePanel {
            section: SECTION,
            image_hu,
            layers,
            caption: "",
        }
    }

    /// A block of 10 × 10 pixels at the front right of the patient.
    fn front_right<T: Copy>(inside: T, outside: T) -> Vec<T> {
        let is_inside = |i: usize| i / 60 >= 30 && i % 60 >= 50;
        (0..SECTION.n_pixels())
            .map(|i| if is_inside(i) { inside } else { outside })
            .collect()
    }

    #[test]
    fn what_lies_at_the_front_right_appears_at_the_upper_left() {
        let image = front_right(1000_i16, -1000);
        let picture = slice_panel(&panel(&image, Vec::new()), &style(60)).unwrap();
        assert_eq!(
            (picture.width(), picture.height()),
            (60, 80),
            "2 mm rows are twice as high"
        );
        assert_eq!(
            picture.pixel(2, 2),
            Some(Rgb::grey(255)),
            "upper left is bright"
        );
        for (x, y) in [(57, 2), (2, 77), (57, 77)] {
            assert_eq!(picture.pixel(x, y), Some(Rgb::grey(0)), "{x}, {y} is dark");
        }
    }

    #[test]
    fn the_outline_and_the_fill_lie_where_the_organ_is_shown() {
        let (image, mask) = (front_right(1000_i16, -1000), front_right(true, false));
        let picture = slice_panel(
            &panel(&image, vec![Layer::organ("liver", 0, mask)]),
            &style(120),
        )
        .unwrap();
        let is_grey = |Rgb([r, g, b]): Rgb| r == g && g == b;
        for y in 0..picture.height() {
            for x in 0..picture.width() {
                let coloured = !is_grey(picture.pixel(x, y).unwrap());
                assert!(
                    !coloured || (x < 24 && y < 44),
                    "colour away from the organ at {x}, {y}"
                );
            }
        }
        assert!(
            !is_grey(picture.pixel(8, 16).unwrap()),
            "the organ is filled"
        );
    }

    #[test]
    fn two_outlines_that_coincide_both_stay_visible() {
        let image = vec![0_i16; SECTION.n_pixels()];
        let mask: Vec<bool> = (0..SECTION.n_pixels())
            .map(|i| (10..30).contains(&(i / 60)) && (20..40).contains(&(i % 60)))
            .collect();
        let layers = vec![Layer::truth(&mask), Layer::predicted(&mask)];
        let picture = slice_panel(&panel(&image, layers), &style(480)).unwrap();
        let count = |wanted: &dyn Fn(i16, i16) -> bool| {
            let all = (0..picture.height()).flat_map(|y| (0..picture.width()).map(move |x| (x, y)));
            all.filter(|&(x, y)| {
                let Rgb([r, _, b]) = picture.pixel(x, y).unwrap();
                wanted(i16::from(r), i16::from(b))
            })
            .count()
        };
        let (n_red, n_blue) = (count(&|r, b| r > b + 60), count(&|r, b| b > r + 60));
        assert!(
            n_red > 500 && n_blue > 500,
            "{n_red} red and {n_blue} blue pixels"
        );
    }

    #[test]
    fn a_mask_of_another_size_is_refused_by_name() {
        let image = vec![0_i16; SECTION.n_pixels()];
        let err =
            slice_panel(&panel(&image, vec![Layer::truth(&[true; 7])]), &style(60)).unwrap_err();
        assert_eq!(
            err.to_string(),
            "a section of 40 × 60 pixels (rows × columns) needs 2400 values, the truth has 7",
            "the message must name the mask and both sizes"
        );
    }

    #[test]
    fn a_section_without_extent_is_refused() {
        let flat = SlicePanel {
            section: Section {
                row_mm: f64::NAN,
                ..SECTION
            },
            ..panel(&[], Vec::new())
        };
        let err = slice_panel(&flat, &style(60)).unwrap_err();
        assert_eq!(
            err.to_string(),
            "a section of 40 × 60 pixels of NaN × 1 mm cannot be drawn",
            "the message must show the spacing"
        );
    }
}
