//! Label maps of new scans in every format, and what is refused before anything is predicted.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use hardslice_volume::{LabelNames, Scan, read_labels, read_scan};

use support::{assert_ends, assert_refused, run, with_model, words};

/// A model of the liver, and a golden DICOM series in `series`.
fn with_series() -> tempfile::TempDir {
    let dir = with_model();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = golden.join("../hardslice-volume/tests/golden/dicom/oblique");
    fs::create_dir(dir.path().join("series")).unwrap();
    for k in 0..5 {
        let name = format!("{k}.dcm");
        fs::copy(golden.join(&name), dir.path().join("series").join(&name)).unwrap();
    }
    dir
}

fn labels(dir: &Path, scan: &str, path: &str) -> Scan<u16> {
    let scan = read_scan(&dir.join(scan)).unwrap();
    let names = LabelNames::new([("liver", 1)]).unwrap();
    read_labels(&dir.join(path), &scan, &names).unwrap()
}

#[test]
fn every_format_holds_the_same_voxels_and_the_same_bytes_again() {
    let dir = with_series();
    let predict = "predict --model model --threads 1 --input series --out";
    run(&words(&format!("{predict} plain.nii.gz")), dir.path());
    let plain = labels(dir.path(), "series", "plain.nii.gz");
    for (format, ending) in [
        ("nifti", "nii.gz"),
        ("nrrd", "nrrd"),
        ("seg-nrrd", "seg.nrrd"),
        ("mha", "mha"),
        ("dicom-seg", "dcm"),
        ("rtstruct", "dcm"),
    ] {
        let into = |out: &str| {
            let args = format!("{predict} {out} --format {format}");
            run(&words(&args), dir.path());
        };
        into("one");
        let path = format!("one/series.{ending}");
        let read = labels(dir.path(), "series", &path);
        assert_eq!(read.volume.voxels(), plain.volume.voxels(), "{format}");
        let bytes = fs::read(dir.path().join(&path)).unwrap();
        into(&format!("again.{ending}"));
        let again = fs::read(dir.path().join(format!("again.{ending}"))).unwrap();
        assert!(bytes == again, "{format}: not the same bytes");
    }
}

#[test]
fn what_a_format_cannot_be_made_of_is_refused_before_anything_is_predicted() {
    let dir = with_series();
    let at = |name: &str| dir.path().join(name);
    let predict = |input: &str, rest: &str| {
        format!("predict --model model --threads 1 --input {input} --out {rest}")
    };
    let seg = |input: &str, out: &str| predict(input, &format!("{out} --format dicom-seg"));
    assert_refused(
        &predict("series", "o.dcm"),
        dir.path(),
        &["as .dcm with --format dicom-seg or rtstruct"],
    );
    assert_refused(
        &predict("series", "o.nii.gz --format rtstruct"),
        dir.path(),
        &["--format asks for files that end with .dcm"],
    );
    for format in ["dicom-seg", "rtstruct"] {
        assert_refused(
            &predict("scans", &format!("o --format {format}")),
            dir.path(),
            &["derived from a DICOM series, and scans holds other volumes"],
        );
    }
    assert_refused(
        &seg("scans/phantom_000.nii.gz", "o.dcm"),
        dir.path(),
        &["one DICOM CT series was wanted", "phantom_000.nii.gz"],
    );
    // The output lies among the series, which is read with all that is in it.
    assert_refused(
        &seg("series", "series/o.dcm"),
        dir.path(),
        &["series/o.dcm"],
    );
    fs::write(at("own.csv"), "organ,color\nliver,red\n").unwrap();
    assert_refused(
        &predict("series", "o.seg.nrrd --structures own.csv"),
        dir.path(),
        &["cannot use the table own.csv", "line 2", "color is `red`"],
    );
    assert_refused(
        &predict("series", "o.seg.nrrd --structures none.csv"),
        dir.path(),
        &["none.csv"],
    );
    // An organ of one's own has no code that the program knows.
    let record = fs::read_to_string(at("model/model.json")).unwrap();
    let (record, _) = record.rsplit_once(",\n  \"blake3\"").unwrap();
    let record: serde_json::Value = serde_json::from_str(&format!("{record}}}")).unwrap();
    let mut record = record;
    record["organs"][0]["organ"] = "flap".into();
    hardslice_volume::whole_file::write_sealed(&at("model/model.json"), &record).unwrap();
    assert_refused(
        &seg("series", "o.dcm"),
        dir.path(),
        &["none is known for flap", "--structures FILE.csv"],
    );
    fs::write(
        at("own.csv"),
        "organ,scheme,code,meaning\nFlap,99OWN,F-1,Flap\n",
    )
    .unwrap();
    let with_own = seg("series", "o.dcm --structures own.csv");
    run(&words(&with_own), dir.path());
    assert!(at("o.dcm").exists());
    fs::write(
        at("own.csv"),
        "organ,scheme,code,meaning\nflap,99OWN,F-1,Flap\nflop,,,\n",
    )
    .unwrap();
    let parts = ["the model does not find flop, so these rows play no part"];
    assert_ends(&words(&with_own), dir.path(), 0, &parts);
}

#[test]
fn a_model_is_exported_as_one_file_and_over_nothing_else() {
    let dir = with_model();
    let at = |name: &str| dir.path().join(name);
    let export = |rest: &str| format!("export --format onnx {rest}");
    run(&words(&export("--model model --out a.onnx")), dir.path());
    let bytes = fs::read(at("a.onnx")).unwrap();
    run(&words(&export("--model model --out a.onnx")), dir.path());
    assert!(bytes == fs::read(at("a.onnx")).unwrap(), "the same bytes");
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    for text in [
        "window_hu",
        "[-150,250]",
        "{\"label\":1,\"organ\":\"liver\"}",
    ] {
        assert!(holds(text), "{text}");
    }
    fs::create_dir_all(at("out/liver/hard")).unwrap();
    fs::rename(at("model"), at("out/liver/hard/model")).unwrap();
    run(
        &words(&export("--in out --organ liver --out b.onnx")),
        dir.path(),
    );
    assert!(bytes == fs::read(at("b.onnx")).unwrap(), "of an arm");
    fs::write(at("other.onnx"), "somebody's").unwrap();
    let model = "--model out/liver/hard/model";
    for (rest, part) in [
        (
            format!("{model} --out other.onnx"),
            "nothing that this command has written",
        ),
        (format!("{model} --out a.pb"), "written as .onnx"),
        (
            format!("{model} --out out/liver/hard/model/a.onnx"),
            "lies in a folder that is read",
        ),
        (
            format!("{model} --organ liver --out c.onnx"),
            "cannot be used with",
        ),
        (
            "--in out --organ liver --plan p.csv --out c.onnx".to_owned(),
            "leave them out",
        ),
        (
            "--in out --organ spleen --out c.onnx".to_owned(),
            "there is no model ",
        ),
        ("--out c.onnx".to_owned(), "--organ <ORGANS>"),
    ] {
        assert_refused(&export(&rest), dir.path(), &[part]);
    }
    let csv = format!("export --format csv {model} --out c.csv");
    assert_refused(&csv, dir.path(), &["--model is for --format onnx"]);
}
