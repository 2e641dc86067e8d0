//! What a model lets expect of its predictions.

use std::fs;

use hardslice_train::ModelRecord;
use hardslice_volume::whole_file::write_sealed;

use crate::finished::Finished;
use crate::support::{ended, experiment_of, run, words, workplace};

fn experiment(validation: &str) -> String {
    let text = experiment_of(&["baseline", "hard"]);
    text.replace("validation = 1", validation)
}

#[test]
fn a_model_lets_expect_and_the_run_says_what_came_of_it() {
    let dir = workplace();
    let finished = Finished::of(&experiment("validation = 1"), dir.path());
    let model = "liver/hard/model/model.json";
    let confidence = &finished.json(model)["confidence"];
    assert_eq!(confidence["n_scans"], 1, "{confidence}");
    let validation = finished.split.validation.iter();
    let n: usize = validation
        .map(|case| {
            finished.store.cases()[finished.store.place_of(case.as_str()).unwrap()].n_slices
        })
        .sum();
    assert_eq!(confidence["organs"][0]["n_slices"], n, "every slice of it");
    let rows = finished.lines("liver/hard/confidence.csv");
    let n: usize = finished.slices(&finished.split.test).len();
    assert_eq!(
        rows.len(),
        1 + n,
        "a header, and each slice of the test patients"
    );

    // A scan alone gets the rows that the run has of it, but for the Dice, which nobody knows.
    let case = finished.split.test[0].to_string();
    run(
        &words(&format!(
            "predict --model out/liver/hard/model --input phantoms/images/{case}.nii.gz --out one.nii.gz"
        )),
        dir.path(),
    );
    let alone = fs::read_to_string(dir.path().join("one.confidence.csv")).unwrap();
    let of_run = rows
        .iter()
        .filter(|row| row.starts_with(&format!("{case},")));
    let of_run: Vec<&str> = of_run.map(|row| row.rsplit_once(',').unwrap().0).collect();
    assert_eq!(alone.lines().skip(1).collect::<Vec<_>>(), of_run);
    assert!(
        finished
            .lines("report.html")
            .iter()
            .any(|line| line.contains("How far to trust"))
    );

    // A run of an earlier version gets it afterwards, without being trained again.
    let path = finished.out.join(model);
    let whole = fs::read(&path).unwrap();
    let mut record = ModelRecord::read(path.parent().unwrap()).unwrap().unwrap();
    record.confidence = None;
    write_sealed(&path, &record).unwrap();
    assert!(
        fs::read(&path).unwrap() != whole,
        "as an earlier version wrote it"
    );
    let (code, said) = ended(&["run", "experiment.toml", "--out", "out"], dir.path());
    assert_eq!(code, Some(0), "{said}");
    let trained = said.lines().filter(|line| line.starts_with("train"));
    assert_eq!(
        trained.filter(|line| line.contains(" to do")).count(),
        0,
        "{said}"
    );
    assert!(fs::read(&path).unwrap() == whole, "the same as before");
}

#[test]
fn without_validation_patients_nothing_is_expected_and_that_is_said() {
    let dir = workplace();
    let finished = Finished::of(&experiment("validation = 0"), dir.path());
    assert!(finished.json("liver/hard/model/model.json")["confidence"].is_null());
    assert!(!finished.out.join("liver/hard/confidence.csv").exists());
    let (code, said) = ended(
        &words("predict --model out/liver/hard/model --input phantoms/images --out labels"),
        dir.path(),
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("tells no confidence"), "{said}");
    let tables = fs::read_dir(dir.path().join("labels")).unwrap();
    let tables = tables.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".confidence.csv")
    });
    assert_eq!(tables.count(), 0);
}
