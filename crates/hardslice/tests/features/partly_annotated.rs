//! One net for two organs of which one is not annotated in every patient, another net in the end,
//! copies `mirrored`, and predictions that are finished.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hardslice_volume::components::keep_largest;
use hardslice_volume::read_nifti_labels;

use crate::finished::{Finished, Slice};
use crate::support::{EXPERIMENT, workplace};

const ORGANS: [&str; 2] = ["liver", "spleen"];
const ARMS: [&str; 2] = ["baseline", "hard"];

/// A cohort of which every second patient has no spleen annotated.
struct Cohort {
    table: PathBuf,
}

impl Cohort {
    fn of(dir: &Path) -> Self {
        let table = dir.join("phantoms/cohort.csv");
        let text = fs::read_to_string(&table).unwrap();
        let partly = text.lines().enumerate().map(|(i, line)| match i % 2 {
            1 => line.replace(" spleen", ""),
            _ => line.to_owned(),
        });
        fs::write(&table, partly.collect::<Vec<_>>().join("\n")).unwrap();
        Self { table }
    }

    /// Whether an organ is annotated in a case, which is called by its patient.
    fn is_annotated(&self, case: &str, organ: &str) -> bool {
        let text = fs::read_to_string(&self.table).unwrap();
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("{case},")));
        let organs = row.unwrap().split(',').next_back().unwrap();
        organs.split(' ').any(|one| one == organ)
    }
}

#[test]
fn a_patient_takes_no_part_in_an_organ_that_nobody_annotated_and_another_net_begins_anew() {
    let dir = workplace();
    let cohort = Cohort::of(dir.path());
    let arms = EXPERIMENT.lines().find(|line| line.starts_with("arms"));
    let experiment = EXPERIMENT
        .replace(
            arms.unwrap(),
            "arms = [\"baseline\", \"hard\"]\none_net = true",
        )
        .replace("[\"liver\"]", "[\"liver\", \"spleen\"]")
        .replace("test = 2", "test = 3")
        .replace("[train]", "[train]\ncopies = \"mirrored\"");
    let experiment = format!(
        "{experiment}\n[final_net]\nkind = \"fcn8s\"\nwidth = 4\nnorm = \"batch\"\n\
         [predict]\nflip_averaging = true\nlargest_component = true\n"
    );
    let found = Finished::of(&experiment, dir.path());
    annotated_patients_alone_are_scored(&found, &cohort);
    annotated_patients_alone_are_mined(&found, &cohort);
    the_final_net_begins_anew(&found);
    largest_components_alone_are_predicted(&found);
}

fn annotated_patients_alone_are_scored(found: &Finished, cohort: &Cohort) {
    let scores = found.lines("scores.csv");
    let cells = |row: &String| -> [String; 3] {
        let mut cells = row.split(',').map(str::to_owned);
        std::array::from_fn(|_| cells.next().unwrap())
    };
    let scored: BTreeSet<[String; 3]> = scores[1..].iter().map(cells).collect();
    let mut wanted = BTreeSet::new();
    for case in &found.split.test {
        for organ in ORGANS {
            if cohort.is_annotated(case.as_str(), organ) {
                wanted.extend(ARMS.map(|arm| [case.as_str(), arm, organ].map(str::to_owned)));
            }
        }
    }
    assert_eq!(scored, wanted, "annotated patients alone");
}

fn annotated_patients_alone_are_mined(found: &Finished, cohort: &Cohort) {
    let ledger = found.ledger("liver+spleen/mining/ledger.parquet");
    let mining = found.json("liver+spleen/mining/mining.json");
    for (place, organ) in ORGANS.into_iter().enumerate() {
        let annotated = found.split.a.iter();
        let annotated = annotated.filter(|case| cohort.is_annotated(case.as_str(), organ));
        let annotated: Vec<_> = annotated.cloned().collect();
        let slices = found.slices(&annotated);
        let rows = ledger.iter().filter(|row| row.organ.as_str() == organ);
        let seen: BTreeSet<Slice> = rows.map(|row| (row.case.to_string(), row.z)).collect();
        assert_eq!(seen, slices, "{organ}");
        let n_scored = mining["taus"][place]["n_scored"].as_u64().unwrap();
        assert_eq!(n_scored, slices.len() as u64, "{organ}");
    }
}

/// From scratch over all 24 steps, by its own schedule from step 1.
fn the_final_net_begins_anew(found: &Finished) {
    let model = found.json("liver+spleen/hard/model/model.json");
    assert_eq!(model["net"]["kind"], "fcn8s", "what is evaluated");
    let pretrained = found.json("liver+spleen/pretrained/model/model.json");
    assert_eq!(pretrained["net"]["kind"], "unet", "what mines");
    assert_eq!(model["steps"], 24, "all of them");
    for arm in ARMS {
        let log = found.lines(&format!("liver+spleen/{arm}/train.csv"));
        assert_eq!(log.len(), 25, "{arm}: a line for each step");
        for (i, line) in log[1..].iter().enumerate() {
            let mut cells = line
                .split(',')
                .map(|cell| cell.parse::<f64>().unwrap_or(-1.0));
            let [step, lr] = std::array::from_fn(|_| cells.next().unwrap());
            assert!((step - (i as f64 + 1.0)).abs() < 1e-12, "{arm}: {line}");
            let wanted = 0.1 * (1.0 - i as f64 / 24.0).powf(0.9);
            assert!((lr - wanted).abs() < 1e-12, "{arm}: {line}");
        }
    }
}

fn largest_components_alone_are_predicted(found: &Finished) {
    let mut n_voxels = 0;
    for arm in ARMS {
        for case in &found.split.test {
            let path = format!("liver+spleen/{arm}/predictions/{case}.nii.gz");
            let labels = read_nifti_labels(&found.out.join(path)).unwrap().volume;
            for value in [1, 4] {
                let mask: Vec<bool> = labels.voxels().iter().map(|v| *v == value).collect();
                let mut largest = mask.clone();
                keep_largest(&mut largest, labels.shape());
                assert!(mask == largest, "{arm} {case} {value}");
                n_voxels += mask.iter().filter(|is_in| **is_in).count();
            }
        }
    }
    assert!(n_voxels > 0, "something is predicted");
}
