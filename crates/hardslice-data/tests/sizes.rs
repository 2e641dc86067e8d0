//! Cohorts at the ends of what is possible: very many organs, slices and rows, and hardly any.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::path::Path;

use hardslice_data::audit::{Accepted, Kind};
use hardslice_data::balance::{Plan, PlanEntry, Reason};
use hardslice_data::manifest::{self, Layout, Manifest};
use hardslice_data::split::{Amount, Lists, Rule, Split, SplitOptions, facts, listed_facts};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{MOST_ORGANS, Organ, OrganMap, SliceRef};
use hardslice_volume::{Grid, PerAxis, Placement, Volume, write_label_map, write_scan};

fn grid(shape: PerAxis<usize>) -> Grid {
    Grid {
        shape,
        world_from_voxel: [
            [0.8, 0.0, 0.0, 0.0],
            [0.0, 0.8, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ],
    }
}

/// A scan whose voxels run through the values of a CT.
fn write_ct(path: &Path, shape: PerAxis<usize>) {
    let hu = (0..shape.n_voxels()).map(|at| i16::try_from(at * 37 % 1200).unwrap() - 1000);
    write_scan(path, &Volume::new(grid(shape), hu.collect()).unwrap()).unwrap();
}

fn write_labels(path: &Path, shape: PerAxis<usize>, label: impl Fn(usize) -> u8) {
    let labels = (0..shape.n_voxels()).map(label).collect();
    let volume = Volume::new(grid(shape), labels).unwrap();
    write_label_map(path, &volume, &Placement::new(grid(shape)).unwrap()).unwrap();
}

fn stored(manifest: &Manifest, accepted: &[Kind], out: &Path) -> Option<Store> {
    let options = PrepareOptions {
        size: 16,
        ..PrepareOptions::default()
    };
    let accepted = Accepted::Kinds(accepted);
    prepare(manifest, &options, accepted, out, &|_| {}).unwrap();
    Store::open(out).ok()
}

fn liver() -> OrganMap {
    OrganMap::new([(Organ::new("liver").unwrap(), vec![1])]).unwrap()
}

#[test]
fn a_hundred_and_four_masks_become_as_many_organs() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(10, 16, 16);
    let case = dir.path().join("d/s0011");
    fs::create_dir_all(case.join("segmentations")).unwrap();
    write_ct(&case.join("ct.nii.gz"), shape);
    let name = |n: usize| format!("structure_{n:03}");
    for n in 0..104 {
        let path = case.join("segmentations").join(name(n) + ".nii.gz");
        write_labels(&path, shape, |at| u8::from(at / 4 == n));
    }
    let table: Vec<String> = (0..104)
        .map(|n| format!("{0} = \"{0}\"", name(n)))
        .collect();
    let organs: OrganMap = toml::from_str(&table.join("\n")).unwrap();
    let manifest = manifest::read(&dir.path().join("d"), Layout::Auto, Some(&organs)).unwrap();
    let store = stored(&manifest, &[], &dir.path().join("store")).unwrap();
    let native = store.native_labels(0).unwrap();
    for organ in store.all_organs() {
        let value = store.label_of(organ);
        let n = native
            .iter()
            .fold(0, |n, label| n + usize::from(*label == value));
        assert_eq!(n, 4, "{}", store.organ(organ));
    }
    let reopened = Store::open(dir.path().join("store")).unwrap();
    assert_eq!(reopened.organs(), &organs, "all of them read back");
}

#[test]
fn as_many_organs_as_a_byte_tells_apart_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(10, 16, 16);
    write_ct(&dir.path().join("a.nii.gz"), shape);
    write_labels(&dir.path().join("a_seg.nii.gz"), shape, |at| {
        u8::try_from(at % 255).unwrap()
    });
    let organ = |n: usize| {
        let label = u16::try_from(n).unwrap();
        (Organ::new(format!("organ_{n}")).unwrap(), vec![label])
    };
    let organs = OrganMap::new((1..=MOST_ORGANS).map(organ)).unwrap();
    let manifest = manifest::read(dir.path(), Layout::Auto, Some(&organs)).unwrap();
    let store = stored(&manifest, &[], &dir.path().join("store")).unwrap();
    let native = store.native_labels(0).unwrap();
    for (at, label) in native.iter().enumerate() {
        assert_eq!(usize::from(*label), at % 255, "voxel {at}");
    }
}

#[test]
fn a_scan_of_seven_hundred_slices_is_stored_from_the_feet_up() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(700, 16, 16);
    write_ct(&dir.path().join("a.nii.gz"), shape);
    write_labels(&dir.path().join("a_seg.nii.gz"), shape, |at| {
        u8::from(at / shape.n_pixels() >= 650)
    });
    let manifest = manifest::read(dir.path(), Layout::Auto, Some(&liver())).unwrap();
    let store = stored(&manifest, &[], &dir.path().join("store")).unwrap();
    let organ = store.all_organs().next().unwrap();
    let areas = store.cases()[0].areas_px(organ);
    let first = areas.iter().position(|area| *area > 0);
    assert_eq!((areas.len(), first), (700, Some(650)));
}

#[test]
fn a_scan_of_one_voxel_is_refused_and_can_be_stored_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(1, 1, 1);
    write_ct(&dir.path().join("a.nii.gz"), shape);
    write_labels(&dir.path().join("a_seg.nii.gz"), shape, |_| 1);
    let manifest = manifest::read(dir.path(), Layout::Auto, Some(&liver())).unwrap();
    let out = dir.path().join("store");
    assert!(stored(&manifest, &[], &out).is_none(), "no image");
    let store = stored(&manifest, &[Kind::IntensitiesConstant], &out).unwrap();
    assert_eq!(store.native_labels(0).unwrap(), [1]);
    assert_eq!(store.image(0, 0).len(), 16 * 16);
}

#[test]
fn one_patient_is_refused_before_a_scan_is_read_and_can_be_trained_on_alone() {
    let dir = tempfile::tempdir().unwrap();
    let shape = PerAxis::new(12, 16, 16);
    write_ct(&dir.path().join("a.nii.gz"), shape);
    write_labels(&dir.path().join("a_seg.nii.gz"), shape, |at| {
        u8::from(at % 3 == 0)
    });
    let manifest = manifest::read(dir.path(), Layout::Auto, Some(&liver())).unwrap();
    let organs = [Organ::new("liver").unwrap()];
    let listed = listed_facts(&manifest, &organs);
    let refused = Split::make(&listed, &SplitOptions::default(), "").unwrap_err();
    let said = refused.to_string();
    assert!(said.contains("takes 1 of 1 patients"), "{said}");
    let alone = SplitOptions {
        rule: Rule::Random {
            test: Amount::Patients(0),
        },
        validation: Amount::Patients(0),
        ratio: 1.0,
        ..SplitOptions::default()
    };
    let store = stored(&manifest, &[], &dir.path().join("store")).unwrap();
    let split = Split::make(&facts(&store, &organs), &alone, "").unwrap();
    assert_eq!((split.b.len(), split.a.len(), split.test.len()), (1, 0, 0));
}

#[test]
fn forty_thousand_slices_are_split_and_planned_within_seconds() {
    let organ = Organ::new("liver").unwrap();
    let facts: Vec<_> = (0..800)
        .map(|n| hardslice_data::split::CaseFacts {
            id: hardslice_data::CaseId::new(format!("c{n}")).unwrap(),
            patient: hardslice_data::PatientId::new(format!("p{n}")).unwrap(),
            voxels_blake3: n.to_string(),
            n_slices: 50,
            n_positive: vec![(organ.clone(), Some(1 + n % 40))],
        })
        .collect();
    let begun = std::time::Instant::now();
    let options = SplitOptions {
        n_candidates: 200,
        ..SplitOptions::default()
    };
    let split = Split::make(&facts, &options, "").unwrap();
    assert_eq!(split.test.len(), 160, "a fifth");
    let names = split.test.iter().map(ToString::to_string).collect();
    let lists = Lists {
        test: names,
        ..Lists::default()
    };
    let options = SplitOptions {
        rule: Rule::Lists(lists),
        ..options
    };
    assert_eq!(Split::make(&facts, &options, "").unwrap().test, split.test);

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.csv");
    let entries = (0..40_000_u32).map(|n| PlanEntry {
        slice: SliceRef {
            case_idx: n / 50,
            z: n % 50,
        },
        weight: 1.0 + f64::from(n) / 100.0,
        reason: Reason::Hard,
    });
    let plan = Plan::new(entries).unwrap();
    plan.write_csv(&path, false, |case| format!("c{case}"))
        .unwrap();
    let case_idx = |name: &str| name.strip_prefix('c')?.parse().ok();
    let read = Plan::read_csv(&path, case_idx, |_| 50).unwrap();
    assert_eq!(read, plan, "every row");
    let took = begun.elapsed();
    assert!(took.as_secs() < 20, "{took:?}");
}
