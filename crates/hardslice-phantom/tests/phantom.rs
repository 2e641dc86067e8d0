//! Phantoms: the same for the same seed, plausible, and difficult where the truth says so.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hardslice_data::{OrganMap, manifest};
use hardslice_phantom::{
    Control, Difficulty, PhantomCase, PhantomOptions, Phase, PhaseWeights, generate, write_cohort,
};
use hardslice_volume::{Volume, read_nifti_labels, read_nifti_scan};

const LIVER: u8 = 1;
const KIDNEY_RIGHT: u8 = 2;
const KIDNEY_LEFT: u8 = 3;
const SPLEEN: u8 = 4;

/// Small and quick, the whole upper abdomen in 5 mm slices.
fn small() -> PhantomOptions {
    PhantomOptions {
        size: 48,
        n_slices: [40, 52],
        ..PhantomOptions::default()
    }
}

fn without_difficulty() -> PhantomOptions {
    PhantomOptions {
        difficulty_share: 0.0,
        ..small()
    }
}

fn cases(options: &PhantomOptions, n: usize) -> impl Iterator<Item = PhantomCase> {
    (0..n).map(|index| generate(index, options).unwrap())
}

fn count(labels: &[u8], label: u8) -> usize {
    labels.iter().map(|&l| usize::from(l == label)).sum()
}

/// Mean position `[x, y, z]` in millimetres of a label.
fn middle_mm(labels: &Volume<u8>, label: u8) -> [f64; 3] {
    let shape = labels.shape();
    let mut sum = [0.0; 3];
    for (i, _) in labels
        .voxels()
        .iter()
        .enumerate()
        .filter(|(_, l)| **l == label)
    {
        let voxel = [i % shape.x, i / shape.x % shape.y, i / shape.n_pixels()];
        let at = labels.grid().world_mm(voxel.map(|v| v as f64));
        for k in 0..3 {
            sum[k] += at[k];
        }
    }
    sum.map(|v| v / count(labels.voxels(), label) as f64)
}

/// Edges share their pixels with the neighbour; half of an organ's do not.
fn median_hu(case: &PhantomCase, label: u8) -> i16 {
    let labelled = case.image.voxels().iter().zip(case.labels.voxels());
    let mut hu: Vec<i16> = labelled
        .filter(|(_, l)| **l == label)
        .map(|(hu, _)| *hu)
        .collect();
    hu.sort_unstable();
    hu[hu.len() / 2]
}

fn hash(case: &PhantomCase) -> String {
    let mut hash = blake3::Hasher::new();
    for hu in case.image.voxels() {
        hash.update(&hu.to_le_bytes());
    }
    hash.update(case.labels.voxels());
    hash.update(&serde_json::to_vec(&case.truth).unwrap());
    hash.finalize().to_hex()[..16].to_owned()
}

#[test]
fn one_and_four_threads_make_the_same_patient() {
    let options = PhantomOptions {
        n_slices: [12, 12],
        difficulty_share: 0.5,
        ..small()
    };
    let with_threads = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n)
            .build()
            .unwrap();
        pool.install(|| generate(3, &options).unwrap())
    };
    assert_eq!(with_threads(1), with_threads(4), "patient 3");
}

#[test]
fn a_seed_stands_for_the_same_bytes_on_every_machine() {
    // Any change of the phantoms changes these: then say so in the change log.
    let options = PhantomOptions {
        size: 32,
        n_slices: [8, 8],
        seed: 11,
        difficulty_share: 0.22,
        ..PhantomOptions::default()
    };
    let hashes: Vec<String> = cases(&options, 3).map(|case| hash(&case)).collect();
    assert_eq!(
        hashes,
        ["1a7e88df3754e87e", "49ebe04986a4dd71", "6f9c67a1d2ff0f1f"],
        "three patients of 8 slices"
    );
}

#[test]
fn patients_differ_and_do_not_depend_on_how_many_there_are() {
    let few = generate(
        1,
        &PhantomOptions {
            n_patients: 2,
            ..small()
        },
    )
    .unwrap();
    let many = generate(
        1,
        &PhantomOptions {
            n_patients: 200,
            ..small()
        },
    )
    .unwrap();
    assert_eq!(few, many, "patient 1 of 2 and of 200");
    let other = generate(2, &small()).unwrap();
    assert_ne!(
        few.image.grid(),
        other.image.grid(),
        "another field of view"
    );
}

#[test]
fn organs_have_plausible_volumes_and_lie_where_they_belong() {
    for case in cases(&without_difficulty(), 12) {
        let id = &case.id;
        let voxel_ml = case.image.grid().voxel_ml();
        let ml = |label| count(case.labels.voxels(), label) as f64 * voxel_ml;
        for (label, range) in [
            (LIVER, 1000.0..2500.0),
            (KIDNEY_RIGHT, 90.0..250.0),
            (KIDNEY_LEFT, 90.0..250.0),
            (SPLEEN, 100.0..500.0),
        ] {
            assert!(
                range.contains(&ml(label)),
                "{id}: label {label} has {} ml",
                ml(label)
            );
        }
        let [liver, right, left, spleen] =
            [LIVER, KIDNEY_RIGHT, KIDNEY_LEFT, SPLEEN].map(|l| middle_mm(&case.labels, l));
        // RAS+: x to the right, y to the front, z to the head.
        assert!(
            liver[0] > 15.0 && right[0] > 30.0,
            "{id}: liver and right kidney on the right"
        );
        assert!(
            left[0] < -30.0 && spleen[0] < -60.0,
            "{id}: left kidney and spleen on the left"
        );
        assert!(
            liver[1] > right[1] + 10.0,
            "{id}: the liver in front of the kidney"
        );
        assert!(
            liver[2] > right[2] + 25.0,
            "{id}: the liver above the kidney"
        );
        assert!(
            spleen[2] > left[2] + 25.0,
            "{id}: the spleen above the kidney"
        );
        assert!(case.truth.is_empty(), "{id}: nothing was planted");
    }
}

#[test]
fn tissues_have_the_hu_of_their_phase() {
    for (phase, liver, kidney, spleen) in [
        (Phase::Native, 46..64, 22..38, 36..52),
        (Phase::Arterial, 60..85, 75..160, 85..130),
        (Phase::Venous, 88..120, 140..215, 95..130),
    ] {
        let weight = |of| f64::from(u8::from(of == phase));
        let options = PhantomOptions {
            phase_weights: PhaseWeights {
                native: weight(Phase::Native),
                arterial: weight(Phase::Arterial),
                venous: weight(Phase::Venous),
            },
            size: 96,
            n_slices: [40, 46],
            ..without_difficulty()
        };
        for case in cases(&options, 3) {
            assert_eq!(case.phase, phase, "{}", case.id);
            for (label, range) in [
                (LIVER, &liver),
                (KIDNEY_RIGHT, &kidney),
                (KIDNEY_LEFT, &kidney),
                (SPLEEN, &spleen),
            ] {
                let hu = median_hu(&case, label);
                assert!(
                    range.contains(&hu),
                    "{}, {phase:?}: label {label} {hu} HU",
                    case.id
                );
            }
            let air = case.image.voxels()[0];
            assert!(
                (-1024..-900).contains(&air),
                "{}: {air} HU in the corner",
                case.id
            );
            // Real scans have 3 to 8 % of the body above 200 HU.
            let above = |limit: i16| case.image.voxels().iter().filter(|&&hu| hu > limit).count();
            let share = above(200) as f64 / above(-200) as f64;
            assert!(
                (0.01..0.1).contains(&share),
                "{}: {share:.3} is as bright as bone",
                case.id
            );
        }
    }
}

#[test]
fn about_the_share_asked_for_is_difficult_and_every_kind_comes() {
    let options = small();
    let (mut n_liver, mut n_difficult) = (0, 0);
    let mut kinds = std::collections::BTreeSet::new();
    for case in cases(&options, 40) {
        let slices = (0..case.labels.shape().z).map(|z| case.labels.slice(z));
        n_liver += slices.filter(|slice| slice.contains(&LIVER)).count();
        let of_liver = case
            .truth
            .iter()
            .filter(|row| row.organ.as_str() == "liver");
        for row in of_liver {
            n_difficult += 1;
            kinds.extend(row.kinds.iter().copied());
        }
    }
    let share = f64::from(n_difficult) / n_liver as f64;
    assert!(
        (0.08..0.17).contains(&share),
        "{share:.3} of the liver's slices, 0.12 asked for"
    );
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        [
            Difficulty::Lesion,
            Difficulty::LowContrast,
            Difficulty::Artefact,
            Difficulty::OddAnatomy
        ],
        "all four"
    );
}

#[test]
fn truth_rows_name_slices_that_hold_the_organ() {
    let options = PhantomOptions {
        difficulty_share: 0.5,
        ..small()
    };
    let mut n_rows = 0;
    for case in cases(&options, 8) {
        for row in &case.truth {
            let label = match row.organ.as_str() {
                "liver" => LIVER,
                "kidney_right" => KIDNEY_RIGHT,
                "kidney_left" => KIDNEY_LEFT,
                _ => SPLEEN,
            };
            assert!(
                case.labels.slice(row.z).contains(&label),
                "{}: {row:?}",
                case.id
            );
            assert!(!row.kinds.is_empty(), "{}: {row:?}", case.id);
            assert!((0.2..=1.0).contains(&row.severity), "{}: {row:?}", case.id);
            n_rows += 1;
        }
    }
    assert!(
        n_rows > 60,
        "only {n_rows} rows in 8 patients with much difficulty"
    );
}

#[test]
fn what_is_planted_changes_the_slices_it_names_and_lesions_keep_the_label() {
    let mut n_lesions = 0;
    for index in 0..40 {
        let case = generate(index, &small()).unwrap();
        let is_lesion_only = !case.truth.is_empty()
            && case
                .truth
                .iter()
                .all(|row| row.kinds == [Difficulty::Lesion]);
        if !is_lesion_only {
            continue;
        }
        n_lesions += 1;
        let plain = generate(index, &without_difficulty()).unwrap();
        // Vessels and fat beside the organ's rim are painted after it in either.
        assert_eq!(
            case.labels, plain.labels,
            "{}: the label holds the lesion",
            case.id
        );
        for row in &case.truth {
            let (got, was) = (case.image.slice(row.z), plain.image.slice(row.z));
            assert_ne!(got, was, "{}: slice {}", case.id, row.z);
        }
    }
    assert!(
        n_lesions >= 3,
        "only {n_lesions} patients have lesions alone"
    );
}

#[test]
fn thin_slices_and_few_slices_are_cut_around_the_liver() {
    let options = PhantomOptions {
        n_slices: [20, 20],
        slice_spacing_mm: [0.45, 1.0],
        size: 48,
        ..PhantomOptions::default()
    };
    let case = generate(0, &options).unwrap();
    assert_eq!(case.image.shape().z, 20, "as many as allowed");
    let spacing = case.image.grid().spacing_mm().z;
    assert!(
        (spacing - 1.0).abs() < 1e-12,
        "{spacing} mm: the widest allowed"
    );
    for z in 0..20 {
        assert!(
            case.labels.slice(z).contains(&LIVER),
            "slice {z} holds liver"
        );
    }
}

#[test]
fn the_files_hold_the_volumes_whatever_their_axes() {
    let dir = tempfile::tempdir().unwrap();
    let options = PhantomOptions {
        n_patients: 4,
        size: 32,
        n_slices: [10, 12],
        other_axes_share: 1.0,
        nnunet_layout: true,
        ..PhantomOptions::default()
    };
    let told = std::sync::Mutex::new(Vec::new());
    write_cohort(dir.path(), &options, &|done, of| {
        told.lock().unwrap().push((done, of));
    })
    .unwrap();
    assert_eq!(
        told.into_inner().unwrap(),
        [(1, 4), (2, 4), (3, 4), (4, 4)],
        "progress"
    );
    let mut axes = std::collections::BTreeSet::new();
    for case in cases(&options, 4) {
        let file = |folder: &str| dir.path().join(folder).join(format!("{}.nii.gz", case.id));
        let scan = read_nifti_scan(&file("images")).unwrap();
        let labels = read_nifti_labels(&file("labels")).unwrap();
        axes.insert(scan.placement.orientation.to_string());
        assert_eq!(scan.placement.orientation, case.file_axes, "{}", case.id);
        let apart = scan.volume.grid().corner_distance_mm(case.image.grid());
        assert!(apart < 1e-3, "{}: the grid is off by {apart} mm", case.id);
        let image = scan.volume.voxels().iter().zip(case.image.voxels());
        assert!(
            image
                .clone()
                .all(|(a, b)| (f64::from(*a) - f64::from(*b)).abs() < 1e-6),
            "{}",
            case.id
        );
        let same = labels.volume.voxels().iter().zip(case.labels.voxels());
        assert!(
            same.clone().all(|(a, b)| *a == u16::from(*b)),
            "{}",
            case.id
        );
    }
    assert!(axes.len() > 1, "more than one order of axes: {axes:?}");
    let record = std::fs::read_to_string(dir.path().join("phantom.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let again: PhantomOptions = serde_json::from_value(record["options"].clone()).unwrap();
    assert_eq!(again, options, "phantom.json holds the options");
}

#[test]
fn the_manifest_and_nnunets_layout_read_the_cohort() {
    let dir = tempfile::tempdir().unwrap();
    let options = PhantomOptions {
        n_patients: 2,
        size: 32,
        n_slices: [6, 6],
        nnunet_layout: true,
        ..PhantomOptions::default()
    };
    write_cohort(dir.path(), &options, &|_, _| {}).unwrap();
    let organs: OrganMap =
        toml::from_str("liver = [1]\nkidney_right = [2]\nkidney_left = [3]\nspleen = [4]\n")
            .unwrap();
    let table = dir.path().join("cohort.csv");
    let cohort = manifest::read(&table, manifest::Layout::Csv, Some(&organs)).unwrap();
    assert_eq!(cohort.cases.len(), 2, "patients in the table");
    assert_eq!(
        cohort.cases[1].organs_annotated.len(),
        4,
        "all organs are annotated"
    );
    let nnunet =
        manifest::read(&dir.path().join("nnunet"), manifest::Layout::NnUnet, None).unwrap();
    assert_eq!(nnunet.cases.len(), 2, "patients in nnU-Net's layout");
}

/// The fold of each patient of a control cohort that was written, in order.
fn folds(dir: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("folds.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("patient,fold"), "the header");
    lines
        .enumerate()
        .map(|(index, line)| {
            let (patient, fold) = line.split_once(',').unwrap();
            assert_eq!(patient, format!("phantom_{index:03}"), "each in its line");
            fold.to_owned()
        })
        .collect()
}

#[test]
fn of_a_control_cohort_a_and_test_alone_have_the_difficulty() {
    for control in [Control::Learnable, Control::Unlearnable] {
        let dir = tempfile::tempdir().unwrap();
        let options = PhantomOptions {
            n_patients: 20,
            size: 32,
            control: Some(control),
            ..small()
        };
        write_cohort(dir.path(), &options, &|_, _| {}).unwrap();
        let folds = folds(dir.path());
        let n_of = |fold: &str| folds.iter().filter(|of| *of == fold).count();
        assert_eq!(
            ["test", "validation", "b", "a"].map(n_of),
            [6, 1, 4, 9],
            "{control:?}"
        );
        let mut n_difficult = [0, 0];
        for (case, fold) in cases(&options, 20).zip(&folds) {
            let is_difficult = match control {
                Control::Learnable => !case.truth.is_empty(),
                Control::Unlearnable => !case.errors.is_empty(),
            };
            if is_difficult {
                assert!(["a", "test"].contains(&fold.as_str()), "{control:?} {fold}");
                n_difficult[usize::from(fold == "test")] += 1;
            }
            let other = match control {
                Control::Learnable => case.errors.len(),
                Control::Unlearnable => case.truth.len(),
            };
            assert_eq!(other, 0, "{control:?}: nothing else");
        }
        assert_eq!(n_difficult, [1, 2], "{control:?}: of A and of test");
    }
}

#[test]
fn iodised_oil_is_white_and_what_is_not_labelled_is_another_half_in_each_slice() {
    let of = |control| PhantomOptions {
        n_patients: 20,
        control: Some(control),
        ..small()
    };
    let oil = of(Control::Learnable);
    let case = cases(&oil, 20).find(|case| !case.truth.is_empty()).unwrap();
    let full = case.truth.iter().filter(|row| row.severity > 0.9);
    let mut n_full = 0;
    for row in full {
        let liver = case.labels.slice(row.z).iter().zip(case.image.slice(row.z));
        let mut hu: Vec<i16> = liver
            .filter(|(l, _)| **l == LIVER)
            .map(|(_, hu)| *hu)
            .collect();
        hu.sort_unstable();
        assert!(
            hu[hu.len() / 2] > 250,
            "slice {}: {}",
            row.z,
            hu[hu.len() / 2]
        );
        n_full += 1;
    }
    assert!(n_full >= 4, "a stretch of {n_full} slices");

    let halves = of(Control::Unlearnable);
    let index = (0..20)
        .find(|index| !generate(*index, &halves).unwrap().errors.is_empty())
        .unwrap();
    let whole = without_difficulty();
    let [halved, whole] = [halves, whole].map(|options| generate(index, &options).unwrap());
    assert_eq!(halved.image, whole.image, "the scan does not tell");
    for error in &halved.errors {
        let areas = [&halved, &whole].map(|case| count(case.labels.slice(error.z), LIVER));
        let share = areas[0] as f64 / areas[1] as f64;
        assert!((0.25..0.8).contains(&share), "slice {}: {share}", error.z);
    }
}
