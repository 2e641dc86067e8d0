//! One patient from options to voxels.

use hardslice_volume::{Grid, Orientation, PerAxis, Volume};
use rayon::prelude::*;

use super::artefacts::add_noise;
use super::options::{PhantomOptions, PhantomOptionsError, Phase};
use super::plan;
use super::plant::{self, Planted, Seen};
use super::render::{CleanSlice, ImageGrid, View};
use super::scene::Scene;
use super::table::Table;
use super::truth::{SliceTruth, TruthRows};
use super::{LABELS, organ_names};
use crate::random::Stream;

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
    /// The contrast phase.
    pub phase: Phase,
    /// How the axes of the patient's files run; the volumes here are canonical all the same.
    pub file_axes: Orientation,
}

/// Height of the body, in its own frame, over which a whole scan reaches.
const BOTTOM_MM: [f64; 2] = [-92.0, -64.0];
const TOP_MM: [f64; 2] = [138.0, 158.0];
/// The middle of the liver, around which a short scan is cut.
const LIVER_MIDDLE_MM: [f64; 2] = [25.0, 75.0];

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

    let mut scan = stream("scan");
    let grid = draw_grid(&mut scan, &scene, options);
    let thick = (5.0 / grid.spacing_z_mm).sqrt().min(2.0);
    let noise_hu = thick * scan.uniform_in(options.noise_hu[0], options.noise_hu[1]);
    let table = Table::draw(&mut scan, &scene);
    let file_axes = draw_axes(&mut scan, options.other_axes_share);

    let view = View::new(&scene, &grid, planted.events.len());
    let slices: Vec<CleanSlice> = (0..grid.n_slices)
        .into_par_iter()
        .map(|k| {
            let mut slice = view.slice(k);
            table.paint(&mut slice.hu, &grid);
            let mut artefacts = stream(&format!("artefact/{k}"));
            let mut times = 1.0;
            for artefact in &planted.artefacts {
                let weight = artefact.stretch.weight(scene.frame.body_z(grid.z_mm(k)));
                if weight > 0.0 {
                    artefact.apply(&mut slice.hu, &scene, &grid, weight, &mut artefacts);
                    times *= artefact.noise_times(weight);
                }
            }
            add_noise(
                &mut slice.hu,
                &grid,
                noise_hu,
                times,
                &mut stream(&format!("noise/{k}")),
            );
            slice
        })
        .collect();

    let truth = truth(&scene, &grid, &planted, &slices);
    let (image, labels) = assemble(&grid, slices);
    Ok(PhantomCase {
        id: format!("phantom_{index:03}"),
        image,
        labels,
        truth,
        phase: scene.contrast.phase,
        file_axes,
    })
}

/// Draws the field of view and the slices; see [`PhantomOptions::slice_spacing_mm`].
fn draw_grid(stream: &mut Stream, scene: &Scene, options: &PhantomOptions) -> ImageGrid {
    let field = scene.frame.build.width_mm() * stream.uniform_in(1.06, 1.2);
    // 0.6 to 0.95 mm at 512 pixels.
    let pixel_mm = field.clamp(0.6 * 512.0, 0.95 * 512.0) / options.size as f64;
    let world = |range: [f64; 2], stream: &mut Stream| {
        scene.frame.world_z(stream.uniform_in(range[0], range[1]))
    };
    let bottom = world(BOTTOM_MM, stream);
    let height = world(TOP_MM, stream) - bottom;
    let liver = world(LIVER_MIDDLE_MM, stream);
    let [fewest, most] = options.n_slices;
    let [smallest, largest] = options.slice_spacing_mm;
    // Spacings that cover the whole height within the slices allowed.
    let low = smallest.max(height / most as f64);
    let high = largest.min(height / fewest as f64);
    // Even in the logarithm: thin slices are as common as thick ones, factor for factor.
    let part = stream.uniform();
    let even = |low: f64, high: f64| low * libm::exp(part * libm::log(high / low));
    let (spacing_z_mm, n_slices) = if low <= high {
        let spacing = even(low, high);
        (spacing, round(height / spacing).clamp(fewest, most))
    } else if low > largest {
        (largest, most)
    } else {
        (smallest, fewest)
    };
    let covered = spacing_z_mm * (n_slices as f64 - 1.0);
    let first_z_mm = if covered < height - 1.5 * spacing_z_mm {
        (liver - 0.5 * covered).clamp(bottom, bottom + height - covered)
    } else {
        bottom
    };
    ImageGrid {
        size: options.size,
        pixel_mm,
        n_slices,
        spacing_z_mm,
        first_z_mm,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a height over a spacing, both positive and checked"
)]
fn round(v: f64) -> usize {
    v.round() as usize
}

fn draw_axes(stream: &mut Stream, other_axes_share: f64) -> Orientation {
    let other = stream.chance(other_axes_share);
    let pick = stream.below(48);
    let mut all = Orientation::all();
    if other {
        all.nth(pick).unwrap_or(Orientation::CANONICAL)
    } else {
        Orientation::CANONICAL
    }
}

fn truth(
    scene: &Scene,
    grid: &ImageGrid,
    planted: &Planted,
    slices: &[CleanSlice],
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

fn assemble(grid: &ImageGrid, slices: Vec<CleanSlice>) -> (Volume<i16>, Volume<u8>) {
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
        image.extend(slice.hu.iter().map(|v| stored(*v)));
        labels.extend_from_slice(&slice.labels);
    }
    let filled = "each slice holds size × size pixels";
    (
        Volume::new(placed, image).expect(filled),
        Volume::new(placed, labels).expect(filled),
    )
}

/// HU as scanners store them: whole numbers from -1024 to 3071.
fn stored(hu: f64) -> i16 {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to twelve bits")]
    let hu = hu.round().clamp(-1024.0, 3071.0) as i16;
    hu
}
