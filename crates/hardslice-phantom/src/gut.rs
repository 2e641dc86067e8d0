//! Stomach, duodenum, pancreas, small bowel, colon.

use hardslice_data::random::Stream;

use crate::body::Frame;
use crate::contrast::Contrast;
use crate::layer::{Contents, Layer, Tissue};
use crate::solid::{Node, Tube, smooth_line};

/// The layers of the gut, from back to front.
pub(crate) fn layers(stream: &mut Stream, frame: &Frame, contrast: &Contrast) -> Vec<Layer> {
    let mut layers = small_bowel(stream, frame, contrast);
    layers.extend(colon(stream, contrast));
    layers.extend(pancreas_and_duodenum(stream, contrast));
    layers.push(stomach(stream, contrast));
    layers
}

fn stomach(stream: &mut Stream, contrast: &Contrast) -> Layer {
    let full = stream.uniform_in(0.62, 1.08);
    let mut node = |x: f64, y: f64, z: f64, r: f64| -> Node {
        let mut jitter = |half: f64| stream.uniform_in(-half, half);
        (
            [x + jitter(5.0), y + jitter(5.0), z + jitter(5.0)],
            r * full + 3.0,
        )
    };
    let path = [
        node(-56.0, 14.0, 108.0, 20.0),
        node(-62.0, 22.0, 90.0, 32.0),
        node(-66.0, 42.0, 66.0, 30.0),
        node(-52.0, 64.0, 44.0, 26.0),
        node(-20.0, 76.0, 30.0, 22.0),
        node(10.0, 72.0, 28.0, 16.0),
        node(30.0, 62.0, 32.0, 8.0),
    ];
    // Water, food, or swallowed contrast medium.
    let fluid = match stream.below(5) {
        0 | 1 => stream.uniform_in(4.0, 18.0),
        2 | 3 => stream.uniform_in(20.0, 55.0),
        _ => stream.uniform_in(130.0, 240.0),
    };
    let inside = Contents::Level {
        fluid,
        gas_from_y: stream.uniform_in(48.0, 92.0),
    };
    let wall_mm = stream.uniform_in(3.0, 5.5);
    Layer::new(
        Tube::smooth(&path, 3),
        Tissue::Hollow {
            wall: contrast.gut_wall,
            wall_mm,
            inside,
        },
    )
    .in_fat(2.5)
}

fn pancreas_and_duodenum(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    let mut node = |x: f64, y: f64, z: f64, r: f64| -> Node {
        let mut jitter = |half: f64| stream.uniform_in(-half, half);
        (
            [x + jitter(3.0), y + jitter(3.0), z + jitter(4.0)],
            r * (1.0 + jitter(0.12)),
        )
    };
    let pancreas = [
        node(24.0, 44.0, -4.0, 9.0),
        node(26.0, 46.0, 12.0, 13.0),
        node(8.0, 56.0, 24.0, 9.0),
        node(-18.0, 54.0, 32.0, 9.5),
        node(-48.0, 34.0, 42.0, 10.0),
        node(-78.0, 14.0, 54.0, 8.0),
    ];
    let duodenum = [
        node(34.0, 62.0, 30.0, 10.0),
        node(46.0, 48.0, 20.0, 11.0),
        node(44.0, 34.0, -8.0, 11.0),
        node(34.0, 30.0, -34.0, 10.0),
        node(4.0, 42.0, -40.0, 9.0),
        node(-28.0, 42.0, -24.0, 10.0),
    ];
    // Lobules: the pancreas's edge is feathery.
    let mut lobules: Vec<Node> = smooth_line(&pancreas, 5);
    for (i, (_, r)) in lobules.iter_mut().enumerate() {
        *r *= if i % 2 == 0 { 1.08 } else { 0.88 };
    }
    let inside = Contents::Fluid(stream.uniform_in(8.0, 40.0));
    vec![
        Layer::new(
            Tube::smooth(&duodenum, 3),
            Tissue::Hollow {
                wall: contrast.gut_wall,
                wall_mm: 2.6,
                inside,
            },
        )
        .in_fat(1.5),
        Layer::new(
            Tube::straight(&lobules),
            Tissue::Even {
                hu: contrast.pancreas,
                texture: 45.0,
                grain_mm: 4.0,
            },
        )
        .in_fat(1.5),
    ]
}

/// Loops of small bowel, each painted over the last with a little fat around it.
fn small_bowel(stream: &mut Stream, frame: &Frame, contrast: &Contrast) -> Vec<Layer> {
    const N_LOOPS: usize = 54;
    // Swallowed contrast medium fills the loops in one patient of five.
    let bright = stream.chance(0.2);
    (0..N_LOOPS)
        .map(|_| {
            let mut p = [
                stream.uniform_in(-100.0, 84.0),
                stream.uniform_in(34.0, 112.0),
                stream.uniform_in(-120.0, 16.0),
            ];
            let r = stream.uniform_in(9.0, 15.0);
            let mut direction = [
                stream.normal(),
                0.6 * stream.normal(),
                0.8 * stream.normal(),
            ];
            let mut nodes: Vec<Node> = Vec::new();
            for _ in 0..4 {
                nodes.push((p, r * stream.uniform_in(0.85, 1.15)));
                direction = direction.map(|v| 0.5 * v + stream.normal());
                let length = direction.iter().map(|v| v * v).sum::<f64>().sqrt().max(0.1);
                let next: [f64; 3] = std::array::from_fn(|k| p[k] + direction[k] / length * 24.0);
                // Turn back at the wall, the spine and the kidneys.
                let inside = frame.straight_point(next).cavity_mm < -r - 3.0
                    && next[1] > 36.0
                    && next[2] < 24.0;
                if inside {
                    p = next;
                } else {
                    direction = direction.map(|v| -v);
                }
            }
            let fluid = if bright {
                stream.uniform_in(120.0, 260.0)
            } else {
                stream.uniform_in(8.0, 38.0)
            };
            let inside = if stream.chance(0.12) {
                Contents::Level {
                    fluid,
                    gas_from_y: p[1] + stream.uniform_in(-2.0, 6.0),
                }
            } else {
                Contents::Fluid(fluid)
            };
            let wall = contrast.gut_wall + stream.uniform_in(-8.0, 12.0);
            Layer::new(
                Tube::smooth(&nodes, 3),
                Tissue::Hollow {
                    wall,
                    wall_mm: 2.8,
                    inside,
                },
            )
            .in_fat(1.6)
        })
        .collect()
}

fn colon(stream: &mut Stream, contrast: &Contrast) -> Vec<Layer> {
    let sag = stream.uniform_in(-30.0, 6.0);
    let right = [
        ([88.0, 30.0, -130.0], 22.0),
        ([96.0, 22.0, -90.0], 21.0),
        ([98.0, 18.0, -50.0], 19.0),
        ([90.0, 34.0, -16.0], 18.0),
        ([76.0, 62.0, -8.0], 16.0),
    ];
    let across = [
        ([76.0, 66.0, -10.0], 16.0),
        ([46.0, 88.0, -16.0 + 0.5 * sag], 17.0),
        ([8.0, 92.0, -12.0 + sag], 17.0),
        ([-36.0, 88.0, 0.0 + 0.6 * sag], 16.0),
        ([-78.0, 66.0, 26.0], 16.0),
        ([-100.0, 38.0, 48.0], 16.0),
    ];
    let left = [
        ([-102.0, 34.0, 48.0], 15.0),
        ([-110.0, 12.0, 22.0], 13.0),
        ([-108.0, 4.0, -20.0], 12.0),
        ([-106.0, 8.0, -60.0], 12.0),
        ([-100.0, 20.0, -130.0], 13.0),
    ];
    [&right[..], &across[..], &left[..]]
        .into_iter()
        .map(|path| {
            let wide = stream.uniform_in(0.75, 1.1);
            let mut jittered = path.to_vec();
            for (p, r) in &mut jittered {
                for v in p.iter_mut() {
                    *v += stream.uniform_in(-5.0, 5.0);
                }
                *r *= wide;
            }
            // Haustra: the bowel is drawn in every other piece.
            let mut line = smooth_line(&jittered, 6);
            for (i, (_, r)) in line.iter_mut().enumerate() {
                *r *= [1.08, 1.0, 0.84][i % 3];
            }
            let inside = Contents::Stool {
                gas: stream.uniform_in(0.05, 0.42),
            };
            Layer::new(
                Tube::straight(&line),
                Tissue::Hollow {
                    wall: contrast.gut_wall,
                    wall_mm: 2.6,
                    inside,
                },
            )
            .in_fat(3.0)
        })
        .collect()
}
