//! One patient from options to voxels.

use hardslice_data::random::Stream;
use hardslice_volume::{Grid, Orientation, PerAxis, Volume};
use rayon::prelude::*;

use crate::control::{self, Control};
use crate::errors::{self, PlantedError};
use crate::image_grid::ImageGrid;
use crate::liver::LIVER;
use crate::options::{PhantomOptions, PhantomOptionsError, Phase};
use crate::plan;
use crate::plant::{self, Planted, Seen};
use crate::render::View;
use crate::scanner::{RawSlice, Scanner};
use crate::scene::Scene;
use crate::truth::{SliceTruth, TruthRows};
use crate::{LABELS, organ_names};

/// One synthetic patient.
#[derive(Debug, Clone, PartialEq)]
pub struct PhantomCase {
    /// Name of the patient and of the files, `phantom_007`.
    pub id: String,
    /// The scan in HU, canonical `[z, y, x]`, RAS+.
    pub image: Volume<i16>,
    /// 1 liver, 2 right kidney, 3 left kidney, 4 spleen, 0 everything else.
    pub labels: Volume<u8>,
    /// The slices that were made difficult, by slice and organ.
    pub truth: Vec<SliceTruth>,
    /// The slices whose labels are wrong or that are damaged, when asked for.
    pub errors: Vec<PlantedError>,
    /// The contrast phase.
    pub phase: Phase,
    /// How the axes of the patient's files run; the volumes here are canonical all the same.
    pub file_axes: Orientation,
}

/// Makes patient number `index` of a cohort.
///
/// The patient depends on the seed, the index and the options, never on other patients or on
/// threads. Slices are painted in parallel.
///
/// # Errors
///
/// [`PhantomOptionsError`] when no cohort can be made of the options.
///
/// # Panics
///
/// Never: every slice fills its place in the volume.
pub fn generate(
    index: usize,
    options: &PhantomOptions,
) -> Result<PhantomCase, PhantomOptionsError> {
    options.check()?;
    let stream = |part: &str| Stream::new(options.seed, &format!("phantom/{index}/{part}"));
    let troubles = plan::troubles(index, options);
    let odd = plan::oddities(&mut stream("oddities"), &troubles);
    let mut scene = Scene::draw(index, options, &odd);
    let planted = plant::plant(&mut stream("troubles"), &mut scene, &troubles);

    let mut draw = stream("scan");
    let grid = ImageGrid::draw(&mut draw, &scene, options);
    let scanner = Scanner::draw(&mut draw, &scene, &grid, options.noise_hu);
    let file_axes = draw_axes(&mut draw, options.other_axes_share);
    let view = View::new(&scene, &grid, planted.events.len());
    let slices: Vec<RawSlice> = (0..grid.n_slices)
        .into_par_iter()
        .map(|k| {
            // Each slice has a stream of its own, so that threads do not matter.
            let mut noise = stream(&format!("noise/{k}"));
            scanner.take(view.slice(k), k, &planted.artefacts, &mut noise)
        })
        .collect();

    let truth = truth(&scene, &grid, &planted, &slices);
    let (mut image, mut labels) = assemble(&grid, slices);
    let mut errors = errors::plant(&mut stream("errors"), &mut image, &mut labels, options);
    if options.control == Some(Control::Unlearnable)
        && control::role(index, options.n_patients, options.seed).difficult
    {
        let halves = errors::plant_unlearnable(&mut stream("control/halves"), &mut labels, LIVER);
        errors.extend(halves);
    }
    Ok(PhantomCase {
        id: format!("phantom_{index:03}"),
        image,
        labels,
        truth,
        errors,
        phase: scene.contrast.phase,
        file_axes,
    })
}

fn draw_axes(stream: &mut Stream, other_axes_share: f64) -> Orientation {
    let other = stream.chance(other_axes_share);
    let pick = stream.below(48);
    let mut all = Orientation::all();
    if other {
        all.nth(pick).expect("there are 48 orientations")
    } else {
        Orientation::CANONICAL
    }
}

fn truth(
    scene: &Scene,
    grid: &ImageGrid,
    planted: &Planted,
    slices: &[RawSlice],
) -> Vec<SliceTruth> {
    let mut rows = TruthRows::default();
    for (z, slice) in slices.iter().enumerate() {
        let mut areas = [0_usize; LABELS.len() + 1];
        for &label in &slice.labels {
            areas[usize::from(label)] += 1;
        }
        for (event, covered) in planted.events.iter().zip(&slice.covered) {
            for label in LABELS {
                let area = areas[usize::from(label)];
                if area == 0 || event.organ.is_some_and(|organ| organ != label) {
                    continue;
                }
                let severity = match event.seen {
                    Seen::Covered => *covered as f64 / area as f64,
                    Seen::Along(stretch) => stretch.weight(scene.frame.body_z(grid.z_mm(z))),
                };
                rows.add(z, label, event.kind, severity);
            }
        }
    }
    rows.into_truth(&organ_names())
}

fn assemble(grid: &ImageGrid, slices: Vec<RawSlice>) -> (Volume<i16>, Volume<u8>) {
    let shape = PerAxis::new(grid.n_slices, grid.size, grid.size);
    let [first_x, first_y] = [grid.world_mm(0), grid.world_mm(0)];
    let placed = Grid {
        shape,
        world_from_voxel: [
            [grid.pixel_mm, 0.0, 0.0, first_x],
            [0.0, grid.pixel_mm, 0.0, first_y],
            [0.0, 0.0, grid.spacing_z_mm, grid.first_z_mm],
        ],
    };
    let mut image = Vec::with_capacity(shape.n_voxels());
    let mut labels = Vec::with_capacity(shape.n_voxels());
    for slice in slices {
        image.extend_from_slice(&slice.hu);
        labels.extend_from_slice(&slice.labels);
    }
    let filled = "each slice holds size × size pixels";
    (
        Volume::new(placed, image).expect(filled),
        Volume::new(placed, labels).expect(filled),
    )
}
