//! What is read is never written over, and a name that ends like a file is one.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use support::{
    EXPERIMENT, assert_ends, assert_refused, contents, experiment_of, run, with_model, words,
    workplace,
};

fn predict(input: &str, out: &str) -> String {
    format!("predict --model model --input {input} --out {out}")
}

#[test]
fn predict_writes_over_nothing_that_it_reads() {
    let dir = with_model();
    let at = |name: &str| dir.path().join(name);
    for out in ["scans", "scans/", "./scans", "scans/../scans"] {
        let parts = ["label maps among the scans", "name another --out"];
        assert_refused(&predict("scans", out), dir.path(), &parts);
    }
    let scan = "scans/phantom_000.nii.gz";
    for out in [scan, "scans/../scans/phantom_000.nii.gz", "scans"] {
        assert_refused(&predict(scan, out), dir.path(), &["would be written over"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("scans"), at("linked")).unwrap();
        std::os::unix::fs::symlink(at(scan), at("link.nii.gz")).unwrap();
        fs::hard_link(at(scan), at("second.nii.gz")).unwrap();
        for out in ["linked/phantom_000.nii.gz", "link.nii.gz", "second.nii.gz"] {
            assert_refused(&predict(scan, out), dir.path(), &["would be written over"]);
        }
        assert_refused(
            &predict("scans", "linked"),
            dir.path(),
            &["among the scans"],
        );
    }
    // Two scans of one name.
    let plain = hardslice_volume::read_scan(&at(scan)).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "phantoms are i16")]
    let plain = plain.volume.map(|hu| hu as i16);
    hardslice_volume::write_scan(&at("scans/phantom_000.nii"), &plain).unwrap();
    let parts = ["two scans", "rename one of", "phantom_000.nii and"];
    assert_refused(&predict("scans", "labels"), dir.path(), &parts);
    fs::remove_file(at("scans/phantom_000.nii")).unwrap();
    // A file for a folder of scans, and endings of no label map.
    let parts = ["2 scans", "name a folder"];
    assert_refused(&predict("scans", "x.nii.gz"), dir.path(), &parts);
    for out in ["x.txt", "x.dcm", "x.seg.nhdr", "x.foo"] {
        for input in [scan, "scans"] {
            assert_refused(&predict(input, out), dir.path(), &[".nii.gz", out]);
        }
    }
    let parts = ["--series names a series"];
    assert_refused(
        &format!("{} --series 1.2", predict("scans", "o")),
        dir.path(),
        &parts,
    );
}

#[test]
fn predict_takes_volumes_of_every_ending_and_leaves_label_maps_of_every_ending() {
    let dir = with_model();
    let at = |name: &str| dir.path().join(name);
    let scan = hardslice_volume::read_scan(&at("scans/phantom_000.nii.gz")).unwrap();
    #[expect(clippy::cast_possible_truncation, reason = "phantoms are i16")]
    let voxels = scan.volume.clone().map(|hu| hu as i16);
    for name in [
        "mixed/a.NII.GZ",
        "mixed/b.nrrd",
        "mixed/c.MHA",
        "mixed/d.mhd",
    ] {
        hardslice_volume::write_scan(&at(name), &voxels).unwrap();
    }
    fs::write(at("mixed/._a.nii.gz"), "resource fork").unwrap();
    run(&words(&predict("mixed", "labels")), dir.path());
    let mut names: Vec<String> = contents(&at("labels"))
        .into_keys()
        .map(|name| name.display().to_string())
        .collect();
    names.sort();
    let wanted = ["a", "b", "c", "d"]
        .map(|name| [".confidence.csv", ".nii.gz"].map(|end| format!("{name}{end}")));
    assert_eq!(names, wanted.concat());
    let of = |name: &str| {
        hardslice_volume::read_labels(&at(name), &scan, &hardslice_volume::LabelNames::default())
    };
    let first = of("labels/a.nii.gz").unwrap().volume;
    for out in ["o.nii", "o.NRRD", "o.mha", "o.mhd", "o.seg.nrrd"] {
        run(&words(&predict("mixed/b.nrrd", out)), dir.path());
        let labels = of(out).unwrap().volume;
        assert_eq!(labels.voxels(), first.voxels(), "{out}");
    }
    // The voxels of a header are read, too, whatever they are called.
    let text = fs::read_to_string(at("mixed/d.mhd")).unwrap();
    fs::write(at("mixed/e.mhd"), text.replace("d.zraw", "f.zraw")).unwrap();
    fs::rename(at("mixed/d.zraw"), at("mixed/f.zraw")).unwrap();
    fs::remove_file(at("mixed/d.mhd")).unwrap();
    let parts = ["f.zraw", "would be written over"];
    assert_refused(&predict("mixed/e.mhd", "mixed/f.mhd"), dir.path(), &parts);
    // A model's folder holds the model alone.
    let parts = ["lies in a folder that is read"];
    assert_refused(&predict("mixed/b.nrrd", "model"), dir.path(), &parts);
    // DICOM files beside volumes would be left out.
    fs::write(at("mixed/s.dcm"), "").unwrap();
    let parts = ["volumes and 1 DICOM files"];
    assert_ends(&words(&predict("mixed", "o")), dir.path(), 2, &parts);
}

#[test]
fn one_series_of_several_is_predicted_by_its_uid() {
    let dir = with_model();
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../hardslice-volume/tests/golden/dicom");
    for case in ["explicit", "oblique"] {
        let to = dir.path().join("study").join(case);
        fs::create_dir_all(&to).unwrap();
        for k in 0..5 {
            let name = format!("{k}.dcm");
            fs::copy(golden.join(case).join(&name), to.join(&name)).unwrap();
        }
    }
    let series = hardslice_volume::dicom::list_series(&dir.path().join("study")).unwrap();
    let of_all: Vec<&str> = series
        .iter()
        .flat_map(|series| [series.uid.as_str(), series.description.as_str()])
        .chain(["5 slices", "--series"])
        .collect();
    assert_ends(
        &words(&predict("study", "o.nii.gz")),
        dir.path(),
        2,
        &of_all,
    );
    for series in &series {
        let args = format!("{} --series {}", predict("study", "o.nii.gz"), series.uid);
        run(&words(&args), dir.path());
        let labels = hardslice_volume::read_nifti_labels(&dir.path().join("o.nii.gz")).unwrap();
        assert_eq!(
            labels.volume.shape(),
            series.shape,
            "the grid of the series"
        );
    }
    let unknown = format!("{} --series 1.2.3", predict("study", "o.nii.gz"));
    assert_ends(
        &words(&unknown),
        dir.path(),
        2,
        &["no series `1.2.3`", &series[0].uid],
    );
    // The folder is searched with all that is in it.
    let within = format!(
        "{} --series {}",
        predict("study", "study/o.nii.gz"),
        series[0].uid
    );
    assert_ends(
        &words(&within),
        dir.path(),
        2,
        &["lies in a folder that is read"],
    );
}

#[test]
fn tables_lists_and_experiments_are_not_written_over() {
    let dir = workplace();
    let at = |name: &str| dir.path().join(name);
    let label = "--label liver=1";
    for out in ["phantoms/cohort.csv", "phantoms/../phantoms/cohort.csv"] {
        let audit = format!("audit phantoms/cohort.csv {label} --out {out}");
        assert_refused(&audit, dir.path(), &["written over"]);
    }
    fs::write(at("patients.csv"), "case,patient\n").unwrap();
    for out in ["a.txt", "a", "phantoms", "a.csv.gz", "a.json"] {
        let audit = format!("audit phantoms/cohort.csv {label} --out {out}");
        assert_refused(
            &audit,
            dir.path(),
            &[".csv", out].map(|part| {
                // A folder of the name is another fault.
                if out == "phantoms" {
                    "a folder of this name"
                } else {
                    part
                }
            }),
        );
    }
    // A run leaves experiment.toml: not over the one that it is given.
    fs::create_dir(at("own")).unwrap();
    let text = EXPERIMENT.replace("phantoms/cohort.csv", "../phantoms/cohort.csv");
    fs::write(at("own/experiment.toml"), &text).unwrap();
    for command in ["run", "compare", "sweep"] {
        let args = format!("{command} own/experiment.toml --out own");
        assert_refused(&args, dir.path(), &["experiment.toml", "written over"]);
        let args = format!("{command} experiment.toml --out out.csv");
        assert_refused(&args, dir.path(), &["ends like a file's", "out.csv"]);
        let args = format!("{command} experiment.toml --out experiment.toml");
        assert_refused(&args, dir.path(), &["a file of this name is there"]);
    }
    // Weights to begin with, where a net of the run's own would stand.
    fs::create_dir_all(at("first/liver/hard/model")).unwrap();
    fs::write(at("first/liver/hard/model/weights.safetensors"), "weights").unwrap();
    let init = "init = \"first/liver/hard/model/weights.safetensors\"\n";
    fs::write(at("init.toml"), format!("{init}{EXPERIMENT}")).unwrap();
    for command in ["run", "compare", "sweep"] {
        let args = format!("{command} init.toml --out ./first");
        assert_refused(&args, dir.path(), &["holds what is read here", "weights"]);
    }
    // The store beside or over the scans.
    for out in ["phantoms", "phantoms/images"] {
        let args = format!("prepare experiment.toml --out {out}");
        assert_refused(
            &args,
            dir.path(),
            &["a part of the cohort itself lies there"],
        );
    }
    // Phantoms are not written into somebody's cohort.
    fs::create_dir_all(at("mine/images")).unwrap();
    fs::write(at("mine/images/patient_0.nii.gz"), "a scan").unwrap();
    let args = "phantom --patients 1 --size 32 --out mine";
    assert_refused(args, dir.path(), &["a cohort already"]);
    fs::remove_dir_all(at("mine/images")).unwrap();
    fs::write(at("mine/cohort.csv"), "image,labels\n").unwrap();
    assert_refused(args, dir.path(), &["a cohort already", "cohort.csv"]);
    // What was stopped is no cohort.
    fs::remove_file(at("mine/cohort.csv")).unwrap();
    fs::create_dir(at("mine/images")).unwrap();
    fs::write(at("mine/images/phantom_000.nii.gz"), "half a scan").unwrap();
    run(&words(args), dir.path());
    run(&words("prepare experiment.toml --out store"), dir.path());
    for out in ["experiment.toml", "folds.csv", "folds"] {
        let args = format!("split experiment.toml --store store --out {out}");
        assert_refused(&args, dir.path(), &[".json"]);
    }
    let args = "split experiment.toml --store store --out store/store.json";
    assert_refused(args, dir.path(), &["store.json"]);
}

/// A finished run of `baseline` and `hard` in `out`.
fn with_run() -> tempfile::TempDir {
    let dir = workplace();
    let text = experiment_of(&["baseline", "hard"]);
    let text = text.replace("steps = 24", "steps = 4");
    fs::write(dir.path().join("short.toml"), text).unwrap();
    run(&words("run short.toml --out out"), dir.path());
    dir
}

const OF_OTHERS: &str = "is nothing that this command has written";
const RECORDS: &str = "keeps its own records";

/// A run, and beside it what somebody else may have written.
fn with_files_of_others() -> tempfile::TempDir {
    let dir = with_run();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("folds.csv"), "case,fold\nphantom_000,test\n").unwrap();
    fs::write(at("errors.csv"), "case,z,label,kind\n").unwrap();
    fs::write(
        at("datalist.json"),
        "{\"name\": \"mine\", \"training\": []}",
    )
    .unwrap();
    fs::create_dir(at("Dataset001_Liver")).unwrap();
    fs::write(at("Dataset001_Liver/dataset.json"), "{\"name\": \"mine\"}").unwrap();
    for (folder, file) in [("theirs", "metadata.json"), ("samples", "samples.json")] {
        fs::create_dir(at(folder)).unwrap();
        fs::write(at(folder).join(file), "{\"name\": \"mine\"}").unwrap();
    }
    dir
}

#[test]
fn tables_are_written_over_no_list_and_no_record_of_a_run() {
    let dir = with_files_of_others();
    let export = |format: &str| format!("export --in out --organ liver --format {format}");
    let evaluate = "evaluate --truth phantoms/labels --predictions phantoms/labels";
    let audit = "audit phantoms/cohort.csv --label liver=1";
    for (command, out, part) in [
        (
            export("csv").as_str(),
            "phantoms/cohort.csv",
            "written over",
        ),
        (&export("csv"), "out/liver/hard/plan.csv", "is read here"),
        (&export("csv"), "out/liver/baseline/plan.csv", OF_OTHERS),
        (&export("csv"), "out/liver/hard/train.csv", OF_OTHERS),
        (&export("csv"), "out/scores.csv", RECORDS),
        (&export("csv"), "out/store/new.csv", RECORDS),
        (&export("csv"), "out/pictures/new.csv", RECORDS),
        (&export("csv"), "folds.csv", OF_OTHERS),
        (&export("monai"), "out/split.json", "is read here"),
        (&export("monai"), "out/summary.json", RECORDS),
        (&export("monai"), "out/liver/hard/plan.json", OF_OTHERS),
        (&export("monai"), "out/liver/hard/model/new.json", RECORDS),
        (&export("monai"), "datalist.json", OF_OTHERS),
        (&export("nnunet"), "Dataset001_Liver", OF_OTHERS),
        (
            &export("nnunet"),
            "out/liver/hard/Dataset002_Liver",
            "belongs to a run",
        ),
        (&export("fiftyone"), "theirs", OF_OTHERS),
        (&export("fiftyone"), "samples", OF_OTHERS),
        (&export("fiftyone"), "phantoms", "holds what is read here"),
        (
            &export("fiftyone"),
            "out/store/slices",
            "that is read with all",
        ),
        (
            &export("fiftyone"),
            "out/liver/hard/slices",
            "belongs to a run",
        ),
        ("triage --in out", "out/liver/hard/plan.csv", OF_OTHERS),
        ("triage --in out", "out/liver/mining/plan.csv", OF_OTHERS),
        ("triage --in out", "out/scores.csv", RECORDS),
        ("triage --in out", "phantoms/cohort.csv", OF_OTHERS),
        (
            "triage --in out --store out/store --truth errors.csv",
            "errors.csv",
            "is read here",
        ),
        (audit, "out/store/audit.csv", RECORDS),
        (audit, "folds.csv", OF_OTHERS),
        (evaluate, "out/scores.csv", RECORDS),
        (evaluate, "phantoms/cohort.csv", OF_OTHERS),
    ] {
        let parts = [part, "name another --out"];
        assert_refused(&format!("{command} --out {out}"), dir.path(), &parts);
    }
    // What a command has written itself is written again.
    for _ in 0..2 {
        for (command, out) in [
            (export("csv").as_str(), "weights.csv"),
            (&export("monai"), "slices.json"),
            (&export("nnunet"), "Dataset003_Liver"),
            (&export("fiftyone"), "slices"),
            (audit, "audit.csv"),
            (evaluate, "s.csv"),
            ("triage --in out", "out/found.csv"),
        ] {
            let line = format!("{command} --out {out}");
            let (code, said) = support::ended(&words(&line), dir.path());
            assert!(matches!(code, Some(0 | 1)), "{line}: {said}");
        }
    }
}

#[test]
fn trainings_minings_and_predictions_are_written_over_nothing_that_is_read_or_kept() {
    let dir = with_run();
    let at = |name: &str| dir.path().join(name);
    let common = "short.toml --store out/store --split out/split.json";
    fs::create_dir_all(at("first")).unwrap();
    fs::create_dir_all(at("planned")).unwrap();
    fs::copy(at("out/liver/hard/plan.csv"), at("planned/train.csv")).unwrap();
    fs::create_dir_all(at("predicted/mining")).unwrap();
    fs::create_dir_all(at("linked/deep")).unwrap();
    let model = "--model out/liver/baseline/model";
    for (line, part) in [
        (
            format!("train {common} --out out/liver/hard"),
            "belongs to a run",
        ),
        (
            format!("train {common} --out out/liver"),
            "belongs to a run",
        ),
        (format!("train {common} --out out/store/new"), RECORDS),
        (
            format!("train {common} --half second --from first --out ./first"),
            "holds the training that is gone on from",
        ),
        (
            format!("train {common} --plan planned/train.csv --out planned"),
            "is read here",
        ),
        (
            format!("mine {common} {model} --out out/liver"),
            "belongs to a run",
        ),
        (
            format!("mine {common} --predictions predicted --out predicted"),
            "lies in a folder that is read",
        ),
        (
            "predict --model out/liver/hard/model --input phantoms/images/phantom_000.nii.gz \
             --out out/store/new.nii.gz"
                .to_owned(),
            RECORDS,
        ),
        (
            "predict --model out/liver/hard/model --input phantoms/images/phantom_000.nii.gz \
             --out out/liver/hard/predictions/phantom_000.nii.gz"
                .to_owned(),
            RECORDS,
        ),
    ] {
        assert_refused(&line, dir.path(), &[part, "name another --out"]);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", at("linked/deep/gone.nii.gz")).unwrap();
        let line = format!("mine {common} --predictions linked --out mined");
        let (code, said) = support::ended(&words(&line), dir.path());
        assert_eq!(code, Some(2), "{said}");
        for part in ["linked/deep/gone.nii.gz", "mend this one, or take it out"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!at("mined").exists(), "refused before anything is scored");
    }
}

#[test]
fn what_another_command_or_somebody_left_is_not_written_over() {
    let dir = workplace();
    let dir = dir.path();
    fs::write(dir.join("e.toml"), experiment_of(&["baseline", "hard"])).unwrap();
    let at = |name: &str| dir.join(name);
    for (left_by, round) in [
        ("run", "liver"),
        ("compare", "seed-0/liver"),
        ("sweep", "unet/seed-0/ratio-0.5/liver"),
    ] {
        fs::create_dir_all(at(left_by).join(round).join("hard/model")).unwrap();
        for command in ["run", "compare", "sweep"] {
            if command != left_by {
                let line = format!("{command} e.toml --out {left_by}");
                let parts = [&format!("what `{left_by}` left"), "name another --out"];
                assert_ends(&words(&line), dir, 2, &parts.map(|part: &str| part));
            }
        }
    }
    fs::create_dir(at("own")).unwrap();
    fs::write(at("own/scores.csv"), "of,a,year\n").unwrap();
    let parts = ["own/scores.csv is there", "name another --out"];
    assert_ends(&words("compare e.toml --seeds 1 --out own"), dir, 2, &parts);
    assert_eq!(fs::read(at("own/scores.csv")).unwrap(), b"of,a,year\n");
}

#[test]
fn a_report_shows_the_arms_that_its_scores_list() {
    let dir = workplace();
    let dir = dir.path();
    for (name, arms) in [
        ("first.toml", ["baseline", "hard", "random"]),
        ("second.toml", ["baseline", "hard", "random_matched"]),
    ] {
        fs::write(dir.join(name), experiment_of(&arms)).unwrap();
        run(&words(&format!("run {name} --out out --threads 1")), dir);
    }
    run(&words("run first.toml --out out --threads 1"), dir);
    let report = fs::read_to_string(dir.join("out/report.html")).unwrap();
    assert!(
        report.contains("arms baseline, hard, random \u{b7}"),
        "of the last"
    );
}

#[test]
fn a_prepared_cohort_that_results_rest_on_stays_what_it_is() {
    let dir = workplace();
    let text = experiment_of(&["b_only"]);
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let labels = text
        .lines()
        .find(|line| line.starts_with("labels"))
        .unwrap();
    let other_organ = text.replace(labels, "labels = { liver = [2] }");
    let other_window = text.replace("[prepare]\n", "[prepare]\nwindow_hu = [-100, 200]\n");
    assert!(other_organ != text && other_window != text, "{text}");
    write("e.toml", &text);
    write("organ.toml", &other_organ);
    write("window.toml", &other_window);
    run(&words("run e.toml --out out"), dir.path());
    run(&words("prepare e.toml --out store"), dir.path());
    run(
        &words("split e.toml --store store --out split.json"),
        dir.path(),
    );
    for (other, said) in [("organ", "liver = [2]"), ("window", "window_hu was")] {
        let refused = |args: &str| assert_refused(args, dir.path(), &[said]);
        refused(&format!("run {other}.toml --out out"));
        refused(&format!("prepare {other}.toml --out store"));
        refused(&format!("split {other}.toml --store store --out s.json"));
        refused(&format!(
            "train {other}.toml --store store --split split.json --out t"
        ));
        refused(&format!(
            "mine {other}.toml --store store --predictions phantoms/labels --tau 0.5 --out m"
        ));
    }
    // Folds of another cohort.
    run(&words("prepare window.toml --out other"), dir.path());
    let said = ["split.json was made for another prepared cohort"];
    let train = "train window.toml --store other --split split.json --out t";
    assert_refused(train, dir.path(), &said);
    // A scan that is gone: nothing of the results changes, and the folds' own store may.
    let table = fs::read_to_string(dir.path().join("phantoms/cohort.csv")).unwrap();
    let fewer: Vec<&str> = table.lines().collect();
    write(
        "phantoms/cohort.csv",
        &(fewer[..fewer.len() - 1].join("\n") + "\n"),
    );
    assert_refused("run e.toml --out out", dir.path(), &["1 cases are gone"]);
    run(&words("prepare e.toml --out store"), dir.path());
}

#[test]
fn a_label_map_that_was_edited_is_not_predicted_over() {
    let dir = with_model();
    let at = |name: &str| dir.path().join(name);
    run(&words(&predict("scans", "out")), dir.path());
    run(&words(&predict("scans", "out")), dir.path());
    let edited = at("out/phantom_000.nii.gz");
    fs::copy(at("phantoms/labels/phantom_000.nii.gz"), edited).unwrap();
    let said = [
        "phantom_000.nii.gz is not what `predict` left there",
        "--overwrite",
    ];
    assert_refused(&predict("scans", "out"), dir.path(), &said);
    run(
        &words(&(predict("scans", "out") + " --overwrite")),
        dir.path(),
    );
    run(&words(&predict("scans", "out")), dir.path());
    // What is no CT is said to be none.
    let said = ["not_hu", "grey levels"];
    let of_labels = predict("phantoms/labels", "of_labels");
    assert_ends(&words(&of_labels), dir.path(), 1, &said);
}
