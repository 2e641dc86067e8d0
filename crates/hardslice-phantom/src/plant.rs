//! Plants lesions, bright neighbours and artefacts in a scene, and knows afterwards where they are.

use hardslice_data::random::Stream;

use crate::artefacts::{Artefact, ArtefactKind};
use crate::contrast::Contrast;
use crate::kidneys::Kidney;
use crate::layer::{Layer, Mark, Tissue};
use crate::liver::{LIVER, Liver};
use crate::oddities::{self, Stretch};
use crate::plan::Trouble;
use crate::point::Point;
use crate::scene::Scene;
use crate::solid::{Ellipsoid, Rect, Shape};
use crate::spleen::SPLEEN;
use crate::truth::Difficulty;

/// One planted difficulty and how to see in which slices it is.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: Difficulty,
    /// The organ made difficult; `None`: whichever is in the slice.
    pub(crate) organ: Option<u8>,
    pub(crate) seen: Seen,
}

/// Where an event is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen {
    /// Where its layers cover pixels.
    Covered,
    /// Over a stretch of the body.
    Along(Stretch),
}

/// What was planted in one patient.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planted {
    pub(crate) events: Vec<Event>,
    pub(crate) artefacts: Vec<Artefact>,
}

/// Plants a patient's troubles.
pub(crate) fn plant(stream: &mut Stream, scene: &mut Scene, troubles: &[Trouble]) -> Planted {
    let mut planted = Planted::default();
    for trouble in troubles {
        let event = planted.events.len();
        let (kind, organ, seen) = match *trouble {
            Trouble::LiverMetastases | Trouble::LiverCysts => {
                liver_lesions(stream, scene, event, *trouble == Trouble::LiverCysts);
                (Difficulty::Lesion, Some(LIVER), Seen::Covered)
            }
            Trouble::IodisedOil => {
                iodised_oil(stream, scene, event);
                (Difficulty::Lesion, Some(LIVER), Seen::Covered)
            }
            Trouble::GutLikeLiver | Trouble::LungLikeLiver => {
                neighbour(stream, scene, event, *trouble == Trouble::LungLikeLiver);
                (Difficulty::LowContrast, Some(LIVER), Seen::Covered)
            }
            Trouble::Metal | Trouble::BeamHardening | Trouble::Motion | Trouble::NoiseBurst => {
                let artefact = artefact(stream, *trouble);
                planted.artefacts.push(artefact);
                (Difficulty::Artefact, None, Seen::Along(artefact.stretch))
            }
            Trouble::RiedelLobe => {
                probe(scene, event, LIVER, oddities::riedel_lobe());
                (Difficulty::OddAnatomy, Some(LIVER), Seen::Covered)
            }
            Trouble::LeftLobeToSpleen => {
                probe(scene, event, LIVER, oddities::tail_of_left_lobe());
                (Difficulty::OddAnatomy, Some(LIVER), Seen::Covered)
            }
            Trouble::LiverInAscites => {
                let Some(stretch) = ascites(scene) else {
                    continue;
                };
                (Difficulty::OddAnatomy, Some(LIVER), Seen::Along(stretch))
            }
            Trouble::KidneyCysts(side) => {
                let kidney = scene.kidneys[usize::from(side < 0.0)];
                kidney_cysts(stream, scene, event, &kidney);
                (Difficulty::Lesion, Some(kidney.label()), Seen::Covered)
            }
            Trouble::AtrophicKidney(side) => {
                let kidney = scene.kidneys[usize::from(side < 0.0)];
                let [low, high] = kidney.z_range();
                let stretch = Stretch {
                    middle_z: 0.5 * (low + high),
                    half_mm: high - low,
                };
                (
                    Difficulty::OddAnatomy,
                    Some(kidney.label()),
                    Seen::Along(stretch),
                )
            }
            Trouble::HorseshoeKidney => {
                for kidney in scene.kidneys {
                    let stretch = Stretch {
                        middle_z: kidney.bridge_z(),
                        half_mm: 16.0,
                    };
                    planted.events.push(Event {
                        kind: Difficulty::OddAnatomy,
                        organ: Some(kidney.label()),
                        seen: Seen::Along(stretch),
                    });
                }
                continue;
            }
            Trouble::SplenicInfarcts => {
                infarcts(stream, scene, event);
                (Difficulty::Lesion, Some(SPLEEN), Seen::Covered)
            }
        };
        planted.events.push(Event { kind, organ, seen });
    }
    planted
}

/// Balls at the rim of the liver within a stretch of about a third of its height.
fn liver_lesions(stream: &mut Stream, scene: &mut Scene, event: usize, cysts: bool) {
    let middle_z = stream.uniform_in(20.0, 92.0);
    let n = if cysts { 2 } else { 3 + stream.below(2) };
    let hu = lesion_hu(stream, &scene.contrast, cysts);
    let mut lesions = Vec::new();
    for _ in 0..n {
        let radius = if cysts {
            stream.uniform_in(36.0, 48.0)
        } else {
            stream.uniform_in(24.0, 36.0)
        };
        let z = middle_z + stream.uniform_in(-7.0, 7.0);
        let at = rim_point(stream, scene, z, 0.2 * radius);
        lesions.push(lesion(stream, at, radius, hu, LIVER).counted(event));
    }
    let at = scene.liver_layers[1];
    insert(scene, at, lesions);
}

fn lesion_hu(stream: &mut Stream, contrast: &Contrast, cyst: bool) -> f64 {
    if cyst {
        stream.uniform_in(2.0, 14.0)
    } else {
        // A little brighter than water, always darker than the liver around.
        stream.uniform_in(12.0, 38.0).min(contrast.liver - 25.0)
    }
}

fn lesion(stream: &mut Stream, at: [f64; 3], radius: f64, hu: f64, organ: u8) -> Layer {
    let mut stretch = || radius * stream.uniform_in(0.85, 1.15);
    let ball = Ellipsoid::new(at, [stretch(), stretch(), stretch()]);
    let bumpy = Shape {
        rect: Rect {
            x: [at[0] - 1.3 * radius, at[0] + 1.3 * radius],
            y: [at[1] - 1.3 * radius, at[1] + 1.3 * radius],
        },
        z: [at[2] - 1.3 * radius, at[2] + 1.3 * radius],
        distance_mm: move |p: &Point| ball.distance_mm(p.p) + 1.6 * p.bumps[1],
    };
    Layer::new(
        bumpy,
        Tissue::Even {
            hu,
            texture: 14.0,
            grain_mm: 6.0,
        },
    )
    .marked(Mark::Within(organ))
}

/// A stretch of the liver as white as bone, as after chemoembolisation with iodised oil.
fn iodised_oil(stream: &mut Stream, scene: &mut Scene, event: usize) {
    let stretch = Stretch {
        middle_z: stream.uniform_in(35.0, 85.0),
        half_mm: stream.uniform_in(20.0, 25.0),
    };
    let filled = Shape {
        rect: Rect::EVERYWHERE,
        z: stretch.ends(),
        distance_mm: move |at: &Point| {
            (at.p[2] - stretch.middle_z).abs() - stretch.half_mm + 2.0 * at.bumps[1].abs()
        },
    };
    let oil = Tissue::Even {
        hu: stream.uniform_in(350.0, 600.0),
        texture: 60.0,
        grain_mm: 8.0,
    };
    let layer = Layer::new(filled, oil)
        .marked(Mark::Within(LIVER))
        .counted(event);
    let at = scene.liver_layers[1];
    insert(scene, at, vec![layer]);
}

/// A point of the liver at this height and this deep below its surface, in a random direction.
fn rim_point(stream: &mut Stream, scene: &Scene, z: f64, depth_mm: f64) -> [f64; 3] {
    let liver = &scene.liver;
    let start = [stream.uniform_in(60.0, 90.0), stream.uniform_in(20.0, 50.0)];
    // Most face the gut, whose loops look like them.
    let turns = if stream.chance(0.75) {
        stream.uniform_in(0.24, 0.68)
    } else {
        stream.uniform()
    };
    let angle = std::f64::consts::TAU * turns;
    let direction = [libm::cos(angle), libm::sin(angle)];
    let mut at = [start[0], start[1], z];
    for step in 0..80 {
        let way = 2.0 * f64::from(step);
        let next = [
            start[0] + way * direction[0],
            start[1] + way * direction[1],
            z,
        ];
        if step > 0 && !liver.holds(&scene.frame, next, depth_mm) {
            break;
        }
        at = next;
    }
    at
}

/// What lies beside the liver gets its HU, and the fat between them goes.
fn neighbour(stream: &mut Stream, scene: &mut Scene, event: usize, above: bool) {
    let stretch = if above {
        let top = scene.liver.z_range()[1].min(132.0);
        Stretch {
            middle_z: top - 22.0,
            half_mm: stream.uniform_in(18.0, 25.0),
        }
    } else {
        Stretch {
            middle_z: stream.uniform_in(30.0, 85.0),
            half_mm: stream.uniform_in(18.0, 25.0),
        }
    };
    let width_mm = stream.uniform_in(34.0, 48.0);
    let liver: Liver = scene.liver.clone();
    let tissue = Tissue::Even {
        hu: scene.contrast.liver - 3.0,
        texture: 6.0,
        grain_mm: 9.0,
    };
    let near = Shape {
        rect: Rect::EVERYWHERE,
        z: stretch.ends(),
        distance_mm: move |at: &Point| {
            let width = width_mm * stretch.weight(at.p[2]) - 2.0;
            let beside = liver.distance_mm(at) - width - 3.0 * at.bumps[0];
            let room = if above {
                (at.cavity_mm + 1.5).max(-at.dome_mm - 4.0)
            } else {
                at.abdomen_mm.max(at.p[0] - 40.0)
            };
            beside.max(room)
        },
    };
    let layer = Layer::new(near, tissue)
        .marked(Mark::Within(0))
        .counted(event);
    let at = scene.liver_layers[1];
    insert(scene, at, vec![layer]);
}

fn ascites(scene: &mut Scene) -> Option<Stretch> {
    let ascites = scene.liver.ascites()?;
    let fluid = Shape {
        rect: Rect::EVERYWHERE,
        z: ascites.stretch.ends(),
        distance_mm: move |at: &Point| {
            let inner = at.abdomen_mm + 5.0 + ascites.thickness_mm(at.p[2]);
            (at.abdomen_mm + 1.0).max(-inner).max(-30.0 - at.p[0])
        },
    };
    let hu = 0.5 * (scene.contrast.liver + 20.0);
    let layer = Layer::new(
        fluid,
        Tissue::Even {
            hu,
            texture: 6.0,
            grain_mm: 12.0,
        },
    )
    .marked(Mark::Within(0));
    // After the liver, over the fat around it.
    let at = scene.liver_layers[1];
    insert(scene, at, vec![layer]);
    Some(ascites.stretch)
}

fn kidney_cysts(stream: &mut Stream, scene: &mut Scene, event: usize, kidney: &Kidney) {
    let hu = stream.uniform_in(2.0, 14.0);
    let layers = (0..2)
        .map(|_| {
            let radius = stream.uniform_in(13.0, 20.0);
            let at = kidney.pole(stream);
            lesion(stream, at, radius, hu, kidney.label()).counted(event)
        })
        .collect();
    let at = scene.layers.len();
    insert(scene, at, layers);
}

fn infarcts(stream: &mut Stream, scene: &mut Scene, event: usize) {
    let hu = stream.uniform_in(20.0, 40.0);
    let [low, high] = scene.spleen.z_range();
    let z = stream.uniform_in(0.65 * low + 0.35 * high, 0.35 * low + 0.65 * high);
    let layers = (0..2)
        .map(|_| {
            let at = [
                stream.uniform_in(-122.0, -104.0),
                stream.uniform_in(-34.0, 22.0),
                z,
            ];
            let radius = stream.uniform_in(18.0, 26.0);
            lesion(stream, at, radius, hu, SPLEEN).counted(event)
        })
        .collect();
    let at = scene.liver_layers[0];
    insert(scene, at, layers);
}

/// Counts the pixels of an organ in its odd part.
fn probe(scene: &mut Scene, event: usize, organ: u8, part: Ellipsoid) {
    let layer = Layer::new(part, Tissue::even(0.0))
        .marked(Mark::Probe(organ))
        .counted(event);
    let at = scene.layers.len();
    insert(scene, at, vec![layer]);
}

fn artefact(stream: &mut Stream, trouble: Trouble) -> Artefact {
    let stretch = Stretch {
        middle_z: stream.uniform_in(5.0, 95.0),
        half_mm: stream.uniform_in(18.0, 25.0),
    };
    let kind = match trouble {
        Trouble::Metal => ArtefactKind::Metal {
            at: [
                stream.uniform_in(-10.0, 70.0),
                stream.uniform_in(-40.0, 40.0),
            ],
        },
        Trouble::BeamHardening => ArtefactKind::BeamHardening {
            y: stream.uniform_in(-5.0, 35.0),
        },
        Trouble::Motion => {
            let way = stream.uniform_in(15.0, 24.0);
            let side = if stream.chance(0.5) { 0.5 } else { -0.5 };
            ArtefactKind::Motion {
                shift_mm: [side * way, way],
            }
        }
        _ => ArtefactKind::NoiseBurst {
            times: stream.uniform_in(4.0, 6.0),
        },
    };
    Artefact { stretch, kind }
}

fn insert(scene: &mut Scene, at: usize, layers: Vec<Layer>) {
    let n = layers.len();
    scene.layers.splice(at..at, layers);
    let [from, to] = &mut scene.liver_layers;
    if at <= *from {
        *from += n;
    }
    if at < *to {
        *to += n;
    }
}
