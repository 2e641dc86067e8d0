//! Layers: solids with a tissue each, painted one over the other.

use crate::contrast::{AIR, FAT};
use crate::point::Point;
use crate::solid::{Section, Solid};
use crate::texture::{Texture, mix};

/// What a solid is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tissue {
    /// One HU throughout, with a texture of this amplitude in HU and grain in millimetres.
    Even {
        hu: f64,
        texture: f64,
        grain_mm: f64,
    },
    /// A shell of compact bone around marrow.
    Bone {
        shell: f64,
        marrow: f64,
        shell_mm: f64,
    },
    /// A hollow organ: a wall and what it holds.
    Hollow {
        wall: f64,
        wall_mm: f64,
        inside: Contents,
    },
    /// Cortex, pyramids of medulla.
    Kidney { cortex: f64, medulla: f64 },
    /// Heart muscle around blood.
    Heart { muscle: f64, blood: f64 },
    /// Aerated lung: air and what little else there is.
    Lung,
}

/// What a hollow organ holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Contents {
    /// Fluid of one HU.
    Fluid(f64),
    /// Fluid, and gas in front of `y`: the patient lies on the back.
    Level { fluid: f64, gas_from_y: f64 },
    /// Stool with bubbles; `gas` is how much of it, 0 to 1.
    Stool { gas: f64 },
}

impl Tissue {
    /// A tissue of one HU with the faint texture of a parenchyma.
    pub(crate) fn even(hu: f64) -> Self {
        Self::Even {
            hu,
            texture: 6.0,
            grain_mm: 7.0,
        }
    }

    /// HU at a point, `depth_mm` below the surface, seen by a pixel of `pixel_mm`.
    pub(crate) fn hu(&self, at: &Point, depth_mm: f64, pixel_mm: f64, texture: &Texture) -> f64 {
        match *self {
            Self::Even {
                hu,
                texture: amplitude,
                grain_mm,
            } => hu + amplitude * texture.at(at.p, grain_mm),
            Self::Bone {
                shell,
                marrow,
                shell_mm,
            } => {
                let spongy = marrow * (1.0 + 0.5 * texture.at(at.p, 2.6));
                mix(shell, spongy, cover(shell_mm - depth_mm, pixel_mm))
            }
            Self::Hollow {
                wall,
                wall_mm,
                inside,
            } => {
                let inner = cover(wall_mm - depth_mm, pixel_mm);
                if inner > 0.0 {
                    mix(wall, inside.hu(at, pixel_mm, texture), inner)
                } else {
                    wall
                }
            }
            Self::Kidney { cortex, medulla } => {
                // Columns of cortex reach down between the pyramids.
                let column = texture.at(at.p, 11.0);
                let inner = cover(6.5 - 5.0 * column - depth_mm, 3.0 + pixel_mm);
                mix(cortex, medulla, inner) + 5.0 * texture.at(at.p, 5.0)
            }
            Self::Heart { muscle, blood } => {
                let septum = (at.p[0] + 26.0 + 0.35 * (at.p[1] - 62.0)).abs() - 6.0;
                let inner = cover(11.0 - depth_mm, 3.0) * cover(-septum, 3.0);
                mix(muscle, blood, inner) + 6.0 * texture.at(at.p, 9.0)
            }
            Self::Lung => -858.0 + 60.0 * texture.at(at.p, 6.0) + 40.0 * texture.at(at.p, 30.0),
        }
    }
}

impl Contents {
    fn hu(self, at: &Point, pixel_mm: f64, texture: &Texture) -> f64 {
        match self {
            Self::Fluid(hu) => hu + 8.0 * texture.at(at.p, 8.0),
            Self::Level { fluid, gas_from_y } => {
                let food = fluid + 22.0 * texture.at(at.p, 9.0);
                mix(food, AIR + 20.0, cover(gas_from_y - at.p[1], pixel_mm))
            }
            Self::Stool { gas } => {
                let paste = 25.0 + 90.0 * texture.at(at.p, 4.5);
                let bubble = texture.at([at.p[1], at.p[2], at.p[0]], 7.0)
                    + 0.5 * texture.at([at.p[2], at.p[0], at.p[1]], 3.5);
                mix(paste, -850.0, ((bubble - 0.5 + gas) * 3.0).clamp(0.0, 1.0))
            }
        }
    }
}

/// Share of a pixel that lies inside a surface at this distance from the pixel's middle.
pub(crate) fn cover(distance_mm: f64, pixel_mm: f64) -> f64 {
    (0.5 - distance_mm / pixel_mm).clamp(0.0, 1.0)
}

/// What a layer does to the labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The layer is this organ (0: none of the labelled ones).
    Organ(u8),
    /// The layer lies within this organ and stays part of it: vessels and lesions.
    Within(u8),
    /// Nothing is painted; the layer only counts this organ's pixels, to say where it is odd.
    Probe(u8),
}

/// A solid, what it is made of, and what it means.
pub(crate) struct Layer {
    pub(crate) solid: Box<dyn Solid>,
    pub(crate) tissue: Tissue,
    /// Width of the fat around it.
    pub(crate) fat_mm: f64,
    pub(crate) mark: Mark,
    /// The planted event to which the pixels of this layer are counted.
    pub(crate) event: Option<usize>,
}

impl Layer {
    /// A structure that is not labelled, without fat of its own.
    pub(crate) fn new(solid: impl Solid + 'static, tissue: Tissue) -> Self {
        Self {
            solid: Box::new(solid),
            tissue,
            fat_mm: 0.0,
            mark: Mark::Organ(0),
            event: None,
        }
    }

    /// With fat around it, which keeps it apart from what was painted before.
    pub(crate) fn in_fat(mut self, fat_mm: f64) -> Self {
        self.fat_mm = fat_mm;
        self
    }

    /// With another meaning.
    pub(crate) fn marked(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }

    /// Counted to a planted event.
    pub(crate) fn counted(mut self, event: usize) -> Self {
        self.event = Some(event);
        self
    }

    /// Paints one pixel; returns whether the layer covers it.
    pub(crate) fn paint(
        &self,
        section: &Section<'_>,
        at: &Point,
        pixel: &mut Pixel<'_>,
        brush: &Brush<'_>,
    ) -> bool {
        let distance = (section.distance_mm)(at);
        let width = brush.pixel_mm;
        if distance >= self.fat_mm + width {
            return false;
        }
        let mut covered = cover(distance, width);
        match self.mark {
            Mark::Probe(organ) => return covered > 0.5 && *pixel.label == organ,
            Mark::Within(organ) if *pixel.label != organ => return false,
            Mark::Within(_) | Mark::Organ(_) => {}
        }
        if self.fat_mm > 0.0 {
            let fat = cover((distance - self.fat_mm).max(at.abdomen_mm + 1.6), width);
            *pixel.hu = mix(*pixel.hu, FAT, fat);
            if fat > 0.5 {
                *pixel.label = 0;
            }
        }
        if covered <= 0.0 {
            return false;
        }
        let hu = self.tissue.hu(at, -distance, width, brush.texture);
        *pixel.hu = mix(*pixel.hu, hu, covered);
        if let Mark::Organ(organ) = self.mark {
            if covered > 0.5 {
                *pixel.label = organ;
            }
        } else {
            // Within an organ the event is what is seen of it.
            covered = if distance < 0.0 { covered } else { 0.0 };
        }
        covered > 0.5
    }
}

/// A pixel while it is painted.
pub(crate) struct Pixel<'a> {
    pub(crate) hu: &'a mut f64,
    pub(crate) label: &'a mut u8,
}

/// What all pixels share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brush<'a> {
    /// Width of the soft edge: the pixel and the scanner's blur.
    pub(crate) pixel_mm: f64,
    pub(crate) texture: &'a Texture,
}
