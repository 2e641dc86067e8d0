//! Losses of nnU-Net's probabilities: held against `NumPy`, and archives that are none.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test stop it as the test itself does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hardslice_data::audit::Accepted;
use hardslice_data::manifest::{Case, Layout, Manifest};
use hardslice_data::mining::{ExternalCase, ExternalPredictions};
use hardslice_data::store::{PrepareOptions, Store, prepare};
use hardslice_data::{CaseId, Organ, OrganMap, PatientId};
use rawzip::{CompressionMethod, ZipArchiveWriter};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/probabilities")
        .join(name)
}

fn organs(kidney: &[u16]) -> OrganMap {
    let organ = |name: &str, values: &[u16]| (Organ::new(name).unwrap(), values.to_vec());
    OrganMap::new([organ("liver", &[1]), organ("kidney", kidney)]).unwrap()
}

/// A store of the golden case, on its own pixels.
fn store(dir: &Path) -> Store {
    store_of(dir, organs(&[2, 3]), Vec::new())
}

fn store_of(dir: &Path, organs: OrganMap, ignored_labels: Vec<u16>) -> Store {
    let case = Case {
        id: CaseId::new("case").unwrap(),
        patient: PatientId::new("case").unwrap(),
        image: golden("scan.nii.gz"),
        series_uid: None,
        labels: Some(golden("labels.nii.gz")),
        organs_annotated: organs.organs().cloned().collect(),
    };
    let manifest = Manifest {
        cases: vec![case],
        organs,
        source: PathBuf::from("cohort.csv"),
        layout: Layout::Csv,
        notes: Vec::new(),
        other_channel: None,
        ignored_labels,
    };
    let options = PrepareOptions {
        size: 8,
        ..PrepareOptions::default()
    };
    prepare(&manifest, &options, Accepted::Everything, dir, &|_| {}).unwrap();
    Store::open(dir).unwrap()
}

fn scored(store: &Store, dir: &Path, labels: Option<&OrganMap>) -> Result<ExternalCase, String> {
    let organs: Vec<_> = store.all_organs().collect();
    let predictions = ExternalPredictions {
        store,
        organs: &organs,
        dir,
        labels,
        probabilities: true,
    };
    let mut scores = predictions.scores(&[0], 1, &|| ());
    scores.remove(0).map_err(|error| error.to_string())
}

fn losses(case: &ExternalCase, organ: usize) -> Vec<f64> {
    let of_organ = |slice: &&hardslice_data::mining::ScoredSlice| slice.score.output.idx() == organ;
    let scored = case.scored.iter().filter(of_organ);
    scored.map(|slice| slice.loss.unwrap()).collect()
}

fn expected(of: &str, organ: &str) -> Vec<f64> {
    let text = fs::read(golden("expected.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let losses = json[of][organ].as_array().unwrap().iter();
    losses.map(|loss| loss.as_f64().unwrap()).collect()
}

#[test]
fn losses_are_those_of_numpy_whichever_way_nnu_net_laid_the_voxels() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for (folder, tolerance) in [
        ("in_file_order", 1e-6),
        ("reoriented", 1e-6),
        ("double", 1e-6),
        ("half", 2e-2),
    ] {
        let case = scored(&store, &golden(folder), None).unwrap();
        for (organ, name) in ["liver", "kidney"].into_iter().enumerate() {
            let (found, wanted) = (losses(&case, organ), expected("losses", name));
            assert_eq!(found.len(), 8, "{folder}: slices");
            for (z, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                // The surest of all has no digits of 16 bits.
                let is_near = (found - wanted).abs() <= tolerance * wanted
                    || (folder == "half" && name == "liver" && z == 2);
                assert!(
                    is_near,
                    "{folder}, {name}, slice {z}: {found}, NumPy {wanted}"
                );
            }
        }
    }
}

#[test]
fn losses_are_only_computed_where_they_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let without = store(dir.path());
    let organs: Vec<_> = without.all_organs().collect();
    let predictions = ExternalPredictions {
        store: &without,
        organs: &organs,
        dir: &golden("in_file_order"),
        labels: None,
        probabilities: false,
    };
    let scores = predictions.scores(&[0], 1, &|| ()).remove(0).unwrap();
    assert!(
        scores.scored.iter().all(|slice| slice.loss.is_none()),
        "not read"
    );
}

#[test]
fn pixels_to_be_ignored_have_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_of(dir.path(), organs(&[2]), vec![3]);
    let case = scored(&store, &golden("reoriented"), None).unwrap();
    for (organ, name) in ["liver", "kidney"].into_iter().enumerate() {
        let wanted = expected("losses_where_3_is_ignored", name);
        for (found, wanted) in losses(&case, organ).iter().zip(&wanted) {
            assert!(
                (found - wanted).abs() <= 1e-6 * wanted,
                "{name}: {found}, NumPy {wanted}"
            );
        }
    }
}

/// An archive with one array, as `numpy.savez` would write it.
fn archive(array: &str, header: &str, elements: &[u8]) -> Vec<u8> {
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend(elements);
    packed(&[(array, &npy)], CompressionMethod::STORE)
}

fn packed(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ZipArchiveWriter::new(&mut bytes);
    for (name, content) in files {
        let file = writer.new_file(name).compression_method(method);
        let (mut entry, config) = file.start().unwrap();
        let mut wrapped = config.wrap(&mut entry);
        std::io::Write::write_all(&mut wrapped, content).unwrap();
        let (_, descriptor) = wrapped.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

const HEADER: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 8, 8, 8), }\n";

/// Probabilities of four classes, of which the first has nearly all.
fn elements() -> Vec<f32> {
    let mut elements = vec![0.01; 4 * 512];
    elements[..512].fill(0.97);
    elements
}

fn bytes(elements: &[f32]) -> Vec<u8> {
    elements
        .iter()
        .flat_map(|element| element.to_le_bytes())
        .collect()
}

fn with(place: usize, value: f32) -> Vec<u8> {
    let mut changed = elements();
    changed[place] = value;
    archive("probabilities.npy", HEADER, &bytes(&changed))
}

/// What is said of predictions with this archive beside the label map.
fn refused(content: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let folder = dir.path().join("predictions");
    fs::create_dir(&folder).unwrap();
    let label_map = folder.join("case.nii.gz");
    fs::copy(golden("in_file_order/case.nii.gz"), label_map).unwrap();
    fs::write(folder.join("case.npz"), content).unwrap();
    let error = scored(&store, &folder, None).unwrap_err();
    assert!(error.contains("case.npz"), "names the file: {error}");
    error
}

#[test]
fn what_is_no_archive_of_probabilities_is_refused_in_words() {
    let good = fs::read(golden("in_file_order/case.npz")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0x40;
    let cases = [
        (Vec::new(), "no archive that numpy.savez"),
        (b"no archive at all".to_vec(), "no archive that numpy.savez"),
        (good[..good.len() / 2].to_vec(), "only a part of one"),
        (good[good.len() / 2..].to_vec(), ""),
        (flipped, ""),
        (packed(&[], CompressionMethod::STORE), "it holds nothing"),
        (
            archive("logits.npy", HEADER, &bytes(&elements())),
            "it holds logits.npy, and no array",
        ),
        (
            archive("probabilities", HEADER, &bytes(&elements())),
            "it holds probabilities, and no array",
        ),
        (
            packed(
                &[("probabilities.npy", b"\x93NUMP")],
                CompressionMethod::STORE,
            ),
            "ends too early",
        ),
        (
            packed(
                &[("probabilities.npy", b"text, and no array")],
                CompressionMethod::STORE,
            ),
            "no header as numpy",
        ),
        (
            packed(&[("probabilities.npy", b"BZh")], CompressionMethod::BZIP2),
            "method 12",
        ),
    ];
    for (content, said) in cases {
        let error = refused(&content);
        assert!(error.contains(said), "wanted {said}: {error}");
    }
}

#[test]
fn arrays_that_are_no_probabilities_of_the_case_are_refused_in_words() {
    let plain = |header: &str| archive("probabilities.npy", header, &bytes(&elements()));
    let header = |from: &str, to: &str| plain(&HEADER.replace(from, to));
    let short = bytes(&elements())[..7000].to_vec();
    let long = [bytes(&elements()), vec![0; 4]].concat();
    let cases = [
        (header("'<f4'", "'<i4'"), "of type `<i4`, wanted float16"),
        (header("'<f4'", "'>f4'"), "of type `>f4`"),
        (header("'<f4'", "'|O'"), "of type `|O`"),
        (header("False", "True"), "order of Fortran"),
        (
            header("(4, 8, 8, 8)", "(8, 8, 8)"),
            "has the shape [8, 8, 8]",
        ),
        (
            header("(4, 8, 8, 8)", "(4, 8, 8, 7)"),
            "wanted (classes, 8, 8, 8)",
        ),
        (
            header("(4, 8, 8, 8)", "(0, 8, 8, 8)"),
            "has the shape [0, 8, 8, 8]",
        ),
        (
            header("(4, 8, 8, 8)", "(4, 99999999, 99999999, 99999999)"),
            "has the shape",
        ),
        (
            header("(4, 8, 8, 8)", "(4000000000, 8, 8, 8)"),
            "ends too early",
        ),
        (
            header("(4, 8, 8, 8)", "(3, 8, 8, 8)"),
            "later than its header says",
        ),
        (plain("{}"), "no header as numpy"),
        (
            archive("probabilities.npy", HEADER, &short),
            "ends too early",
        ),
        (
            archive("probabilities.npy", HEADER, &long),
            "later than its header says",
        ),
        (
            with(700, f32::NAN),
            "class 1 is NaN at (z, y, x) = [2, 7, 4]",
        ),
        (
            with(3, f32::INFINITY),
            "class 0 is inf at (z, y, x) = [0, 0, 3]",
        ),
        (with(2047, -0.5), "class 3 is -0.5 at (z, y, x) = [7, 7, 7]"),
        (with(512, 3.0), "class 1 is 3 at"),
        (with(512, 0.6), "sum to 1.5"),
        (with(0, 0.5), "sum to 0.53"),
    ];
    for (content, said) in cases {
        let error = refused(&content);
        assert!(error.contains(said), "wanted {said}: {error}");
    }
}

#[test]
fn probabilities_of_another_case_contradict_the_label_map() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let folder = dir.path().join("predictions");
    fs::create_dir(&folder).unwrap();
    fs::copy(
        golden("in_file_order/case.nii.gz"),
        folder.join("case.nii.gz"),
    )
    .unwrap();
    let background = archive("probabilities.npy", HEADER, &bytes(&elements()));
    fs::write(folder.join("case.npz"), background).unwrap();
    let error = scored(&store, &folder, None).unwrap_err();
    assert!(error.contains("contradict one another in"), "{error}");
    fs::remove_file(folder.join("case.npz")).unwrap();
    let error = scored(&store, &folder, None).unwrap_err();
    assert!(
        error.contains("no probabilities case.npz") && error.contains("--npz"),
        "{error}"
    );
}

#[test]
fn a_class_is_a_label_value_and_an_organ_without_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir.path().join("store"));
    let organ = |name: &str, values: &[u16]| (Organ::new(name).unwrap(), values.to_vec());
    let beyond = OrganMap::new([organ("liver", &[1]), organ("kidney", &[2, 4])]).unwrap();
    let error = scored(&store, &golden("in_file_order"), Some(&beyond)).unwrap_err();
    assert!(
        error.contains("`kidney` is label 4, and there are 4 classes"),
        "{error}"
    );
    let missing = OrganMap::new([organ("liver", &[1])]).unwrap();
    let error = scored(&store, &golden("in_file_order"), Some(&missing)).unwrap_err();
    assert!(
        error.contains("`kidney`") && error.contains("--label kidney=VALUES"),
        "{error}"
    );
}
