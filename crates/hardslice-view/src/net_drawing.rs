//! Nets as block diagrams, drawn from their list of layers.

use crate::chart::Chart;
use crate::svg::{Anchor, Drawing, text_width};

/// What a layer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// The slices that go in.
    Input,
    /// A convolution, with its norm and activation.
    Convolution,
    /// A maximum over neighbours, which reduces the size.
    Pooling,
    /// A transposed convolution, which enlarges the size.
    Upsampling,
    /// A 1 × 1 convolution to one channel an organ.
    Score,
    /// What arrives over a skip joined with what comes from below (sum or concatenation).
    Join,
    /// The sigmoid that comes out.
    Output,
}

impl LayerKind {
    const ALL: [Self; 7] = [
        Self::Input,
        Self::Convolution,
        Self::Pooling,
        Self::Upsampling,
        Self::Score,
        Self::Join,
        Self::Output,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Convolution => "convolution",
            Self::Pooling => "max pooling",
            Self::Upsampling => "transposed convolution",
            Self::Score => "1 × 1 score",
            Self::Join => "join with skip",
            Self::Output => "output",
        }
    }

    /// Position in the palette of the drawing.
    fn colour(self) -> usize {
        match self {
            Self::Input | Self::Output => 5,
            Self::Convolution => 0,
            Self::Pooling => 1,
            Self::Upsampling => 2,
            Self::Score => 4,
            Self::Join => 3,
        }
    }
}

/// One layer of a net, as its result looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerBox {
    /// The name in the code, for example `conv1_1`.
    pub name: String,
    /// Channels of the result.
    pub channels: usize,
    /// Side of the result in pixels.
    pub size: usize,
    /// What the layer does.
    pub kind: LayerKind,
    /// Position of a later layer in the list that also receives the result.
    pub skip_to: Option<usize>,
}

/// A layer's place in the drawing.
#[derive(Debug, Clone, Copy)]
struct Placed {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Placed {
    fn middle(self) -> f64 {
        self.left + self.width / 2.0
    }

    fn centre(self) -> f64 {
        self.top + self.height / 2.0
    }
}

const MARGIN: f64 = 28.0;
const GAP: f64 = 14.0;
/// Room for the sizes at the left.
const SIZES: f64 = 46.0;
/// Room above a row for its skip and the numbers of channels.
const HEAD: f64 = 40.0;
const TOP: f64 = 44.0;
const NAME_PX: f64 = 10.5;

/// Draws a net from the left to the right: a box a layer, as high as its size, as wide as its
/// channels (both on a logarithmic scale), one row a size; skips are dashed.
///
/// Above each box stands its number of channels, below it its name, at the left of each row its size. A
/// `skip_to` that names no later layer is left out.
///
/// # Sources
///
/// The layout follows Figure 1 of O. Ronneberger, P. Fischer and T. Brox (2015), "U-Net",
/// MICCAI.
pub fn draw_net(title: &str, layers: &[LayerBox]) -> Chart {
    let sizes = sizes_from_large(layers);
    let placed = place(layers, &sizes);
    let right = placed.last().map_or(300.0, |last| last.left + last.width);
    let feet = layers
        .iter()
        .zip(&placed)
        .map(|(layer, place)| place.top + place.height + foot(layer));
    let bottom = feet.fold(TOP, f64::max);
    let width = (right + MARGIN)
        .max(2.0 * MARGIN + text_width(title, 15.0))
        .max(560.0);
    let legend = legend_places(layers, width);
    let legend_height = legend.last().map_or(0.0, |(_, [_, y])| y + 24.0);
    let mut drawing = Drawing::new(width, bottom + 20.0 + legend_height);
    drawing.text("title", [MARGIN, 28.0], Anchor::Start, title);
    for (size, centre) in row_centres(layers, &placed) {
        drawing.line("grid", [SIZES, centre], [right, centre]);
        let at = [SIZES - 8.0, centre + 4.0];
        drawing.text("small quiet", at, Anchor::End, &format!("{size} px"));
    }
    for pair in placed.windows(2) {
        draw_flow(&mut drawing, pair[0], pair[1]);
    }
    for (i, layer) in layers.iter().enumerate() {
        let target = layer
            .skip_to
            .filter(|target| *target > i)
            .and_then(|to| placed.get(to));
        if let Some(target) = target {
            draw_skip(&mut drawing, placed[i], *target);
        }
    }
    for (layer, place) in layers.iter().zip(&placed) {
        draw_layer(&mut drawing, layer, *place);
    }
    for (kind, [x, y]) in legend {
        let y = y + bottom + 24.0;
        drawing.rect(&format!("fill{}", kind.colour()), [x, y], [11.0, 11.0]);
        drawing.text("label", [x + 17.0, y + 10.0], Anchor::Start, kind.title());
    }
    let n_channels = layers.iter().map(|layer| layer.channels).max().unwrap_or(0);
    let description = format!(
        "{} layers in {} sizes, at most {n_channels} channels.",
        layers.len(),
        sizes.len()
    );
    Chart {
        drawing,
        title: title.to_owned(),
        description,
    }
}

fn sizes_from_large(layers: &[LayerBox]) -> Vec<usize> {
    let mut sizes: Vec<usize> = layers.iter().map(|layer| layer.size).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes
}

fn place(layers: &[LayerBox], sizes: &[usize]) -> Vec<Placed> {
    let largest = sizes.first().copied().unwrap_or(1).max(1) as f64;
    let height_of = |size: usize| {
        let halvings = (largest / size.max(1) as f64).log2();
        (104.0 * 0.78_f64.powf(halvings)).max(16.0)
    };
    let mut tops = Vec::new();
    let mut top = TOP;
    for &size in sizes {
        tops.push(top + HEAD);
        let of_size = layers.iter().filter(|layer| layer.size == size);
        top += HEAD + height_of(size) + of_size.map(foot).fold(0.0, f64::max);
    }
    let mut left = SIZES + 10.0;
    let place = |layer: &LayerBox| {
        let width = 7.0 + 2.2 * (layer.channels.max(1) as f64).log2();
        let row = sizes
            .iter()
            .position(|size| *size == layer.size)
            .expect("the sizes are those of all layers");
        let placed = Placed {
            left,
            top: tops[row],
            width,
            height: height_of(layer.size),
        };
        left += width + GAP;
        placed
    };
    layers.iter().map(place).collect()
}

/// Room for a name below its box.
fn foot(layer: &LayerBox) -> f64 {
    12.0 + text_width(&layer.name, NAME_PX)
}

/// Each size once, with the height of its row's middle.
fn row_centres(layers: &[LayerBox], placed: &[Placed]) -> Vec<(usize, f64)> {
    let mut rows: Vec<(usize, f64)> = Vec::new();
    for (layer, place) in layers.iter().zip(placed) {
        if rows.iter().all(|(size, _)| *size != layer.size) {
            rows.push((layer.size, place.centre()));
        }
    }
    rows
}

fn draw_layer(drawing: &mut Drawing, layer: &LayerBox, place: Placed) {
    let class = format!("layer fill{}", layer.kind.colour());
    drawing.rect(&class, [place.left, place.top], [place.width, place.height]);
    let above = [place.middle(), place.top - 5.0];
    drawing.text("small", above, Anchor::Middle, &layer.channels.to_string());
    let below = [place.middle() - 3.5, place.top + place.height + 6.0];
    drawing.turned_text("small quiet", below, Anchor::Start, 90.0, &layer.name);
}

/// The way from a layer to the next: straight along a row, or down and up between rows.
fn draw_flow(drawing: &mut Drawing, from: Placed, to: Placed) {
    let (start, end) = (
        [from.left + from.width, from.centre()],
        [to.left, to.centre()],
    );
    let bend = to.left - GAP / 2.0;
    let is_level = (start[1] - end[1]).abs() < 0.5;
    let path = if is_level {
        vec![start, end]
    } else {
        vec![start, [bend, start[1]], [bend, end[1]], end]
    };
    drawing.polyline("flow", &path);
    arrow(drawing, end, [1.0, 0.0]);
}

/// The way over the boxes between, from above one number of channels to above another.
fn draw_skip(drawing: &mut Drawing, from: Placed, to: Placed) {
    let above = 16.0;
    let y = from.top.min(to.top) - HEAD + 8.0;
    let (start, end) = (
        [from.middle(), from.top - above],
        [to.middle(), to.top - above],
    );
    drawing.polyline("skip", &[start, [start[0], y], [end[0], y], end]);
    arrow(drawing, end, [0.0, 1.0]);
}

fn arrow(drawing: &mut Drawing, [x, y]: [f64; 2], [dx, dy]: [f64; 2]) {
    let back = [x - 6.0 * dx, y - 6.0 * dy];
    let side = [2.8 * dy, 2.8 * dx];
    let corners = [
        [x, y],
        [back[0] + side[0], back[1] + side[1]],
        [back[0] - side[0], back[1] - side[1]],
    ];
    drawing.polygon("arrow", &corners);
}

/// The kinds that occur, and where their swatches stand from the left and from the legend's top.
fn legend_places(layers: &[LayerBox], width: f64) -> Vec<(LayerKind, [f64; 2])> {
    let (mut x, mut y) = (MARGIN, 0.0);
    let occurs = |kind: &LayerKind| layers.iter().any(|layer| layer.kind == *kind);
    let mut places = Vec::new();
    for kind in LayerKind::ALL.into_iter().filter(occurs) {
        let entry = 17.0 + text_width(kind.title(), 12.0) + 18.0;
        if x > MARGIN && x + entry > width {
            (x, y) = (MARGIN, y + 18.0);
        }
        places.push((kind, [x, y]));
        x += entry;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str, channels: usize, size: usize, skip_to: Option<usize>) -> LayerBox {
        LayerBox {
            name: name.to_owned(),
            channels,
            size,
            kind: LayerKind::Convolution,
            skip_to,
        }
    }

    #[test]
    fn every_layer_has_a_box_and_smaller_sizes_lie_lower() {
        let layers = [
            layer("a", 1, 64, Some(2)),
            layer("b", 8, 32, None),
            layer("c", 4, 64, None),
        ];
        let placed = place(&layers, &sizes_from_large(&layers));
        assert!(
            placed[1].top > placed[0].top + placed[0].height,
            "32 below 64"
        );
        assert!(
            (placed[2].top - placed[0].top).abs() < 1e-9,
            "back in the first row"
        );
        assert!(
            placed[1].left > placed[0].left + placed[0].width,
            "boxes never overlap"
        );
        let svg = draw_net("net", &layers).to_svg();
        assert_eq!(svg.matches(r#"class="layer"#).count(), 3, "{svg}");
        assert_eq!(svg.matches(r#"class="skip""#).count(), 1, "{svg}");
    }

    #[test]
    fn a_skip_to_nowhere_or_backwards_is_left_out() {
        let layers = [layer("a", 1, 64, Some(9)), layer("b", 8, 64, Some(0))];
        assert_eq!(
            draw_net("net", &layers)
                .to_svg()
                .matches(r#"class="skip""#)
                .count(),
            0,
            "none drawn"
        );
    }

    #[test]
    fn a_net_without_layers_and_odd_numbers_still_draw() {
        for layers in [vec![], vec![layer("a", 0, 0, None), layer("b", 0, 7, None)]] {
            let svg = draw_net("", &layers).to_svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
