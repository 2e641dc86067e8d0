//! How panels look.

/// The range of Hounsfield units shown from black to white.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Shown black, in HU.
    pub lower_hu: f32,
    /// Shown white, in HU.
    pub upper_hu: f32,
}

impl Default for Window {
    /// -150 to 250 HU: what the nets see.
    fn default() -> Self {
        Self {
            lower_hu: -150.0,
            upper_hu: 250.0,
        }
    }
}

impl Window {
    /// Grey of a value, from 0 (black) to 1 (white); a value that is not a number is black.
    pub fn grey(self, hu: f32) -> f32 {
        let grey = (hu - self.lower_hu) / (self.upper_hu - self.lower_hu);
        if grey.is_nan() {
            0.0
        } else {
            grey.clamp(0.0, 1.0)
        }
    }
}

/// How panels look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PanelStyle {
    /// Range of the greys.
    pub window: Window,
    /// Width of a panel in pixels; its height follows from the section's millimetres.
    pub width_px: usize,
    /// Width of outlines in pixels.
    pub line_px: f32,
    /// Which side of the patient is at the viewer's left: `R`, or `A` (front) of a sagittal section.
    pub left: &'static str,
    /// Height of a capital letter in captions, in pixels.
    pub cap_height_px: f32,
}

impl Default for PanelStyle {
    fn default() -> Self {
        Self::of_width(420)
    }
}

impl PanelStyle {
    /// Lines and letters that suit panels of this width.
    pub fn of_width(width_px: usize) -> Self {
        Self {
            window: Window::default(),
            width_px: width_px.max(1),
            left: "R",
            line_px: (width_px as f32 / 240.0).clamp(1.1, 3.0),
            cap_height_px: (width_px as f32 / 38.0).clamp(8.0, 14.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_black_below_and_white_above() {
        let window = Window::default();
        let cases = [
            (-1000.0, 0.0),
            (-150.0, 0.0),
            (50.0, 0.5),
            (3000.0, 1.0),
            (f32::NAN, 0.0),
        ];
        for (hu, want) in cases {
            let grey = window.grey(hu);
            assert!(
                (grey - want).abs() < 1e-6,
                "{hu} HU gives {grey}, expected {want}"
            );
        }
    }
}
