//! `sweep` and `compare`: many rounds side by side give the bytes of one after the other, after a kill
//! too, and nothing is changed after the test set was opened.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use hardslice_volume::whole_file::{read_sealed, write_sealed};
use support::{EXPERIMENT, assert_same, ended, finish, hardslice, printed, run, words, workplace};

const SWEEP: [&str; 6] = ["sweep", "experiment.toml", "--net", "unet", "--seeds", "2"];
const COMPARE: [&str; 4] = ["compare", "experiment.toml", "--seeds", "2"];

/// Few arms: what is tested here is what lies around a round.
fn small_workplace() -> tempfile::TempDir {
    let dir = workplace();
    let arms = "arms = [\"baseline\", \"hard\", \"random_matched\"]";
    let mut lines: Vec<&str> = EXPERIMENT.lines().collect();
    for line in &mut lines {
        if line.starts_with("arms") {
            *line = arms;
        }
    }
    fs::write(dir.path().join("experiment.toml"), lines.join("\n")).unwrap();
    dir
}

/// The minimum of each arm, worked out here from the scores, is that of every output: the mean of
/// both trainings' lowest test patients.
#[track_caller]
fn assert_one_minimum(out: &Path) {
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let mut lowest: BTreeMap<(String, String), f64> = BTreeMap::new();
    let scores = text("scores.csv");
    let header: Vec<&str> = scores.lines().next().unwrap().split(',').collect();
    let place = |name: &str| header.iter().position(|cell| *cell == name).unwrap();
    for row in scores.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let key = (
            cells[place("arm")].to_owned(),
            cells[place("seed")].to_owned(),
        );
        let dice: f64 = cells[place("dice")].parse().unwrap();
        let of_training = lowest.entry(key).or_insert(dice);
        *of_training = of_training.min(dice);
    }
    let comparison: serde_json::Value = serde_json::from_str(&text("comparison.json")).unwrap();
    let report = text("report.html");
    for arm in ["baseline", "hard", "random_matched"] {
        let of_arm = lowest.iter().filter(|((of, _), _)| of == arm);
        let of_arm: Vec<f64> = of_arm.map(|(_, dice)| *dice).collect();
        assert_eq!(of_arm.len(), 2, "{arm}: two trainings");
        let minimum = f64::midpoint(of_arm[0], of_arm[1]);
        let estimates = comparison["liver"]["estimates"].as_array().unwrap();
        let estimate = estimates
            .iter()
            .find(|found| found["arm"] == arm && found["end_point"] == "min");
        let found = estimate.unwrap()["estimate"].as_f64().unwrap();
        assert!(
            (found - minimum).abs() < 1e-12,
            "{arm}: {found} for {minimum}"
        );
        // The table of test scores in the report: arm, organ, n, mean, SD, min, max.
        let shown = format!("{minimum:.3}");
        for (name, text) in [
            ("comparison.md", text("comparison.md")),
            ("comparison.tex", text("comparison.tex")),
            ("comparison.html", text("comparison.html")),
            ("report.html", report.clone()),
        ] {
            assert!(text.contains(&shown), "{name}: {arm}'s minimum {shown}");
        }
        let estimates = text("estimates.csv");
        let row = estimates
            .lines()
            .find(|row| row.contains(&format!("minimum,{arm},")));
        let found: f64 = row.unwrap().split(',').nth(3).unwrap().parse().unwrap();
        assert!((found - minimum).abs() < 1e-12, "estimates.csv: {arm}");
    }
    for name in [
        "comparison.json",
        "comparison.md",
        "comparison.html",
        "report.html",
    ] {
        let rule = "the minimum is the mean of the trainings";
        assert!(text(name).contains(rule), "{name} says what it is");
    }
}

fn with<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, more].concat()
}

#[test]
fn a_dry_run_leaves_nothing() {
    let dir = small_workplace();
    for command in [&SWEEP[..], &COMPARE[..]] {
        run(&with(command, &["--out", "dry", "--dry-run"]), dir.path());
        assert!(!dir.path().join("dry").exists(), "{command:?}");
    }
}

#[test]
fn two_jobs_leave_the_bytes_of_one_and_the_papers_tables() {
    let dir = small_workplace();
    run(&with(&SWEEP, &["--out", "one", "--jobs", "1"]), dir.path());
    run(&with(&SWEEP, &["--out", "two", "--jobs", "2"]), dir.path());
    assert_same(
        &dir.path().join("one"),
        &dir.path().join("two"),
        "1 and 2 jobs",
    );
    let table = fs::read_to_string(dir.path().join("one/tables/table-a3.csv")).unwrap();
    assert_eq!(table.lines().count(), 7, "a header and six arms:\n{table}");
    let row = table.lines().last().unwrap();
    assert!(
        row.starts_with("proposed model,0.9604,"),
        "printed beside ours: {row}"
    );
    assert!(!row.ends_with(','), "ours is there: {row}");
}

/// The rows of a table, each by the names of its columns.
fn rows_of(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let cells = |record: csv::StringRecord| {
        let cells = header.iter().zip(record.iter());
        let cells = cells.map(|(name, cell)| (name.to_owned(), cell.to_owned()));
        cells.collect()
    };
    reader
        .records()
        .map(|record| cells(record.unwrap()))
        .collect()
}

/// Cases in some folds of a ratio's split.
fn n_cases(out: &Path, ratio: &str, folds: &[&str]) -> usize {
    let text = fs::read_to_string(out.join(format!("split-{ratio}.json"))).unwrap();
    let split: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = folds
        .iter()
        .flat_map(|fold| split[fold].as_array().unwrap());
    cases.count()
}

#[test]
fn an_organ_that_the_paper_does_not_have_is_swept_with_a_table_and_a_learning_curve() {
    let dir = small_workplace();
    let table = dir.path().join("phantoms/cohort.csv");
    let sweep = with(&SWEEP, &["--organ", "kidney_right", "--out", "out"]);
    // One patient of whom nobody looked for the right kidney.
    let text = fs::read_to_string(&table).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[8] = lines[8].replace("kidney_right ", "");
    fs::write(&table, lines.join("\n")).unwrap();
    let said = printed(&sweep, dir.path());
    let out = dir.path().join("out");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    for ending in ["csv", "md", "tex", "html"] {
        for stem in ["table-kidney_right-unet", "learning-curve"] {
            assert!(
                !read(&format!("tables/{stem}.{ending}")).is_empty(),
                "{stem}.{ending}"
            );
        }
    }

    // Mean over seeds of the test patients' mean, from the scores; patients from the splits.
    let scores = rows_of(&read("scores.csv"));
    let mean_of = |arm: &str, ratio: &str| {
        let of_arm = scores
            .iter()
            .filter(|row| row["arm"] == arm && row["ratio"] == ratio);
        let dice: Vec<f64> = of_arm.map(|row| row["dice"].parse().unwrap()).collect();
        assert_eq!(dice.len(), 2 * 2, "{arm} {ratio}: two seeds, two patients");
        dice.iter().sum::<f64>() / dice.len() as f64
    };
    let n_of = |ratio: &str, folds: &[&str]| n_cases(&out, ratio, folds);
    let rows = rows_of(&read("tables/table-kidney_right-unet.csv"));
    let wanted = [
        ("baseline", "0.5", n_of("0.5", &["a", "b"])),
        ("b_only", "0.8", n_of("0.8", &["b"])),
        ("b_only", "0.5", n_of("0.5", &["b"])),
        ("b_only", "0.3", n_of("0.3", &["b"])),
        ("b_only", "0.2", n_of("0.2", &["b"])),
        ("hard", "0.5", n_of("0.5", &["a", "b"])),
    ];
    assert_eq!(rows.len(), wanted.len());
    for (row, (arm, ratio, n)) in rows.iter().zip(wanted) {
        assert_eq!(row["n_training_patients"], n.to_string(), "{arm} {ratio}");
        let mean: f64 = row["mean"].parse().unwrap();
        assert!((mean - mean_of(arm, ratio)).abs() < 1e-12, "{arm} {ratio}");
        assert!(!row["worst_of_five"].is_empty(), "{arm} {ratio}");
    }
    assert_eq!(
        rows[0]["n_training_patients"], "4",
        "seven, two tested, one validated"
    );

    let points = rows_of(&read("tables/learning-curve-points.csv"));
    let of_baseline = points
        .iter()
        .filter(|row| row["arm"] == "ratio 1" && row["end_point"] == "mean");
    let values: Vec<f64> = of_baseline
        .map(|row| row["value"].parse().unwrap())
        .collect();
    assert_eq!(values.len(), 2, "a point of each seed");
    let mean = values.iter().sum::<f64>() / 2.0;
    assert!((mean - mean_of("baseline", "0.5")).abs() < 1e-12);
    assert!(
        points
            .iter()
            .any(|row| row["arm"] == "proposed" && row["on_line"] == "no")
    );
    let answer = "With 2 test patients nothing can be concluded: it takes 6.";
    let report = read("report.html");
    for text in [&said, &report, &read("tables/learning-curve.md")] {
        assert!(text.contains("Mean Dice: 1 more patients: "), "{text}");
        assert!(text.contains(answer), "{text}");
    }
    let figure = out.join("report/figures/learning-curve-kidney_right-unet.png");
    assert!(figure.exists(), "the figure");
    assert!(
        !report.contains("Beside the paper's tables"),
        "it has none of the kidney's sides"
    );
}

#[test]
fn a_killed_comparison_goes_on_and_its_plan_cannot_change() {
    let dir = small_workplace();
    let started = std::time::Instant::now();
    run(&with(&COMPARE, &["--out", "unbroken"]), dir.path());
    let whole = started.elapsed();
    for attempt in 1..=3_u32 {
        let args = with(&COMPARE, &["--out", "killed", "--jobs", "2"]);
        let mut child = hardslice(&args, dir.path()).spawn().unwrap();
        std::thread::sleep((whole * attempt / 6).max(Duration::from_millis(20)));
        child.kill().unwrap();
        drop(finish(child));
    }
    run(&with(&COMPARE, &["--out", "killed"]), dir.path());
    assert_same(
        &dir.path().join("unbroken"),
        &dir.path().join("killed"),
        "killed and resumed",
    );
    assert_one_minimum(&dir.path().join("killed"));
    let markdown = fs::read_to_string(dir.path().join("killed/comparison.md")).unwrap();
    assert!(
        markdown.starts_with("## liver\n\n**"),
        "the verdict first:\n{markdown}"
    );

    // The test set is open now: another number of seeds would be another plan.
    let args = [
        "compare",
        "experiment.toml",
        "--seeds",
        "3",
        "--out",
        "killed",
    ];
    let (code, said) = ended(&args, dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the test set was opened for another plan"),
        "{said}"
    );
}

#[test]
fn leave_one_out_scores_every_patient_once() {
    let dir = small_workplace();
    let experiment = fs::read_to_string(dir.path().join("experiment.toml")).unwrap();
    let rule = "rule = { leave_one_out = { patient = \"0\" } }";
    let experiment = experiment.replace("rule = { random = { test = 2 } }", rule);
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    let compare = words("compare experiment.toml --seeds 1 --out folds");
    let planned = printed(&with(&compare, &["--dry-run"]), dir.path());
    assert!(planned.contains("\n8 rounds, "), "{planned}");
    run(&with(&compare, &["--jobs", "2"]), dir.path());
    let scores = fs::read_to_string(dir.path().join("folds/scores.csv")).unwrap();
    let of_hard = scores.lines().filter(|line| line.contains(",hard,"));
    let mut cases: Vec<&str> = of_hard.filter_map(|line| line.split(',').next()).collect();
    cases.sort_unstable();
    cases.dedup();
    assert_eq!(cases.len(), 8, "each of eight patients:\n{scores}");
    assert_eq!(
        scores.lines().count(),
        1 + 3 * 8,
        "once for each of three arms"
    );

    let table = fs::read_to_string(dir.path().join("folds/comparison.csv")).unwrap();
    let rows: Vec<usize> = table.lines().map(|line| line.split(',').count()).collect();
    assert!(
        rows.len() > 1 && rows.iter().all(|n| *n == rows[0]),
        "one table:\n{table}"
    );
    // Six slices of test patients are shown, the worst of each patient first.
    let figure = dir
        .path()
        .join("folds/report/figures/same-slices-liver.svg");
    let figure = fs::read_to_string(figure).unwrap();
    let is_shown = |case: &&&str| figure.contains(&format!(">{case}, slice "));
    let shown = cases.iter().filter(is_shown).count();
    assert!(shown >= 6, "patients of several folds, not {shown}");
}

#[test]
fn why_tells_what_became_of_a_slice() {
    let dir = small_workplace();
    run(&["run", "experiment.toml", "--out", "out"], dir.path());
    let plan = fs::read_to_string(dir.path().join("out/liver/hard/plan.csv")).unwrap();
    let hard = plan.lines().find(|line| line.ends_with(",hard")).unwrap();
    let [case, z]: [&str; 2] = hard
        .split(',')
        .take(2)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let what = format!("{case}:{z}");
    let said = printed(&["why", &what, "--in", "out"], dir.path());
    for part in [
        "its patient is in A, which is mined",
        "hard for the liver: ",
        "hard: shown 2.00 times an epoch: it is hard",
        "baseline: shown 1.00 times an epoch",
    ] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    let beyond = format!("{case}:999");
    for (args, part) in [
        (["why", "nobody:1"].as_slice(), "no case `nobody`"),
        (&["why", &beyond], "not 999"),
        (
            &["why", case, "--organ", "spleen"],
            "nothing was scored of `spleen`",
        ),
        (&["why", &what, "--organ", "spleen"], "there is liver"),
        (&["why", &what, "--arm", "easy"], "`easy` was not trained"),
        (
            &["triage", "--organ", "spleen"],
            "nothing was scored of `spleen`",
        ),
    ] {
        let (code, said) = ended(&with(args, &["--in", "out"]), dir.path());
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let (_, said) = ended(&["why", &what], dir.path());
    assert!(said.contains("with --in"), "{said}");
}

#[test]
fn a_round_that_fails_does_not_stop_the_others() {
    let dir = small_workplace();
    run(&with(&COMPARE, &["--out", "out"]), dir.path());
    let path = |name: &str| dir.path().join("out").join(name);
    // A mining of another experiment in the first seed, and work to do in the second.
    let mined = path("seed-0/liver/mining/mining.json");
    let json = fs::read(&mined).unwrap();
    let mut record: serde_json::Value = read_sealed(&mined).unwrap();
    record["identity"] = "another".into();
    write_sealed(&mined, &record).unwrap();
    fs::remove_dir_all(path("seed-1/liver/hard")).unwrap();
    let again = with(&COMPARE, &["--out", "out"]);
    let (code, said) = ended(&again, dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("the trainings failed") && said.contains("seed-0/liver"),
        "{said}"
    );
    assert!(
        path("seed-1/liver/hard/model").exists(),
        "the other went on"
    );
    fs::write(&mined, json).unwrap();
    run(&again, dir.path());
}

#[test]
fn an_arm_whose_training_fails_stops_no_other_and_is_named_with_what_it_reads() {
    let dir = small_workplace();
    let experiment = fs::read_to_string(dir.path().join("experiment.toml")).unwrap();
    // After a step of this size nothing is a number any more.
    let experiment = experiment
        .replace("\"hard\", ", "\"hard\", \"baseline_focal\", ")
        .replace("n_validations = 2", "n_validations = 2\nfocal_lr0 = 1e30");
    fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
    let (code, said) = ended(&["run", "experiment.toml", "--out", "ran"], dir.path());
    assert_eq!(code, Some(2), "{said}");
    for part in [
        "`baseline_focal` has no scores",
        "focal_lr0",
        "all others are done",
    ] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    assert!(!said.contains("loss ="), "it reads no loss:\n{said}");
    let summary = fs::read_to_string(dir.path().join("ran/summary.json")).unwrap();
    for arm in ["\"baseline\"", "\"hard\"", "\"random_matched\""] {
        assert!(summary.contains(arm), "{arm} is scored:\n{summary}");
    }
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["arms"]["baseline_focal"], serde_json::Value::Null);
    let because = summary["failed"]["liver"]["baseline_focal"].as_str();
    assert!(because.unwrap().contains("focal_lr0"), "{summary}");
    let (code, said) = ended(
        &with(&COMPARE, &["--out", "compared", "--jobs", "2"]),
        dir.path(),
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("seed-1/liver: the arm `baseline_focal`"),
        "{said}"
    );
    let comparison = fs::read_to_string(dir.path().join("compared/comparison.json")).unwrap();
    assert!(
        comparison.contains("The arm `baseline_focal` has no scores in seed-0/liver"),
        "{comparison}"
    );
    assert!(
        dir.path().join("compared/report.html").exists(),
        "to the end"
    );
    // Another rate is another training of that arm alone.
    let changed = fs::read_to_string(dir.path().join("experiment.toml")).unwrap();
    let changed = changed.replace("focal_lr0 = 1e30", "focal_lr0 = 0.5");
    fs::write(dir.path().join("experiment.toml"), changed).unwrap();
    fs::remove_dir_all(dir.path().join("ran/liver/baseline_focal")).unwrap();
    let (code, said) = ended(&["run", "experiment.toml", "--out", "ran"], dir.path());
    assert_eq!(code, Some(0), "{said}");
    let summary = fs::read_to_string(dir.path().join("ran/summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert!(
        summary["arms"]["baseline_focal"].is_object(),
        "scored now:\n{summary}"
    );
    assert_eq!(summary["failed"], serde_json::json!({}));
}

#[test]
fn several_divisions_have_the_same_test_patients_and_the_same_division_twice_is_refused() {
    let dir = small_workplace();
    let compare = words("compare experiment.toml --seeds 1 --splits 2 --out two");
    // Five training patients have ten divisions: the best of all would be taken each time.
    let (code, said) = ended(&compare, dir.path());
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("put the same patients into B"), "{said}");

    let experiment = fs::read_to_string(dir.path().join("experiment.toml")).unwrap();
    let few = experiment.replace("[split]", "[split]\nn_candidates = 1");
    fs::write(dir.path().join("experiment.toml"), few).unwrap();
    fs::remove_dir_all(dir.path().join("two")).unwrap();
    run(&compare, dir.path());
    let split = |division: u64| -> serde_json::Value {
        let path = format!("two/split-division-{division}.json");
        serde_json::from_slice(&fs::read(dir.path().join(path)).unwrap()).unwrap()
    };
    let [first, second] = [split(0), split(1)];
    for list in ["test", "validation"] {
        assert_eq!(first[list], second[list], "{list}");
    }
    assert_ne!(first["b"], second["b"], "two divisions");
    // The baseline trains on the same slices in both, and is another net: one net would stand for two.
    let weights = |division: u64| {
        let baseline = format!("two/seed-0/division-{division}/liver/baseline");
        fs::read(dir.path().join(baseline).join("model/weights.safetensors")).unwrap()
    };
    assert_ne!(weights(0), weights(1));
    let scores = fs::read_to_string(dir.path().join("two/scores.csv")).unwrap();
    let n_of = |division: &str| {
        let column = format!(",{division},phantom_");
        scores.lines().filter(|line| line.contains(&column)).count()
    };
    assert_eq!(
        (n_of("0"), n_of("1")),
        (3 * 2, 3 * 2),
        "three arms:\n{scores}"
    );
    let table = fs::read_to_string(dir.path().join("two/comparison.csv")).unwrap();
    let first = table.lines().nth(1).unwrap();
    assert!(
        first.ends_with(",2,2,2"),
        "patients, trainings, splits: {first}"
    );
}

#[test]
fn a_dry_run_says_how_likely_a_gain_would_be_found() {
    let dir = small_workplace();
    let compare = words("compare experiment.toml --seeds 1 --out dry --dry-run");
    let planned = printed(&compare, dir.path());
    assert!(
        planned.contains("liver: none, with 2 test patients; a test takes 6"),
        "{planned}"
    );
    let experiment = fs::read_to_string(dir.path().join("experiment.toml")).unwrap();
    let all = experiment.replace("random = { test = 2 }", "k_fold = { k = 2, fold = 0 }");
    fs::write(dir.path().join("experiment.toml"), all).unwrap();
    let planned = printed(&compare, dir.path());
    assert!(
        planned.contains("over `baseline` and `random_matched`: 1 seed, 1 split, 1 claim")
            && planned.contains("liver, 8 test patients:")
            && planned.contains("of fewer than 3 trainings nothing is concluded"),
        "{planned}"
    );
}

#[test]
fn a_dry_run_takes_the_spread_of_an_earlier_comparison() {
    let dir = small_workplace();
    let path = dir.path().join("experiment.toml");
    let experiment = fs::read_to_string(&path).unwrap();
    let all = experiment.replace("random = { test = 2 }", "k_fold = { k = 2, fold = 0 }");
    fs::write(&path, all).unwrap();
    let header = "case,arm,organ,seed,net,ratio,division,patient,dice,status";
    let scores = |dice: &dyn Fn(usize, usize) -> f64, net: &str| {
        let mut table = header.to_owned();
        for arm in ["hard", "baseline", "random_matched"] {
            for (seed, patient) in (0..4).flat_map(|seed| (0..8).map(move |p| (seed, p))) {
                let dice = dice(seed, patient);
                let row =
                    format!("p{patient},{arm},liver,{seed},{net},0.5,0,p{patient},{dice},scored");
                table = format!("{table}\n{row}");
            }
            table = format!("{table}\np9,{arm},liver,0,unet,0.5,0,p9,,no_reference");
        }
        table
    };
    let earlier = dir.path().join("earlier");
    fs::create_dir(&earlier).unwrap();
    let compare = [
        "compare",
        "experiment.toml",
        "--out",
        "dry",
        "--dry-run",
        "--seeds",
        "4",
        "--like",
    ];
    let power = |table: String| {
        fs::write(earlier.join("scores.csv"), table).unwrap();
        let said = printed(&with(&compare, &["earlier"]), dir.path());
        let line = said
            .lines()
            .find(|line| line.contains("every patient gains 0.01"));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        let (_, percent) = line.split_once(": ").unwrap();
        percent.split_once(' ').unwrap().0.parse::<u32>().unwrap()
    };
    // Nets that are alike find it, nets that differ do not.
    assert!(power(scores(&|_, patient| 0.8 + 0.01 * patient as f64, "unet")) > 95);
    let wild = |seed: usize, patient: usize| 0.5 + 0.1 * ((seed * 7 + patient * 5) % 4) as f64;
    assert!(power(scores(&wild, "unet")) < 20);

    let refused = |table: &str| {
        fs::write(dir.path().join("other.csv"), table).unwrap();
        let (code, said) = ended(&with(&compare, &["other.csv"]), dir.path());
        assert_ne!(code, Some(0), "{said}");
        assert!(said.contains("other.csv"), "{said}");
        said
    };
    refused("");
    assert!(refused("case,arm,organ,seed\nx,hard,liver,0").contains("no column net, ratio, "));
    let percent = scores(&|_, patient| 80.0 + patient as f64, "unet");
    assert!(refused(&percent).contains("a number from 0 to 1"));
    let excel = scores(&wild, "unet").replace(',', ";");
    assert!(power(excel) < 20, "any separator");
    refused(header);
    let both = scores(&wild, "unet") + &scores(&wild, "fcn8s").replace(header, "");
    assert!(refused(&both).contains("as a sweep has them"));
    let twice = scores(&wild, "unet") + &scores(&wild, "unet").replace(header, "");
    assert!(refused(&twice).contains("two scores for arm"));
    let (code, _) = ended(&with(&compare, &["nowhere"]), dir.path());
    assert_ne!(code, Some(0));
    let without_dry_run = [
        "compare",
        "experiment.toml",
        "--out",
        "dry",
        "--like",
        "earlier",
    ];
    assert_eq!(ended(&without_dry_run, dir.path()).0, Some(2));

    let spleen = scores(&wild, "unet").replace("liver", "spleen");
    fs::write(earlier.join("scores.csv"), spleen).unwrap();
    let said = printed(&with(&compare, &["earlier"]), dir.path());
    assert!(said.contains("nothing can be said: "), "{said}");
}

#[test]
fn a_dry_run_is_none_of_a_job() {
    let dir = small_workplace();
    for with in [["--job", "1"].as_slice(), &["--write-jobs"]] {
        let dry = ["compare", "experiment.toml", "--out", "dry", "--dry-run"];
        assert_eq!(
            ended(&[&dry, with].concat(), dir.path()).0,
            Some(2),
            "{with:?}"
        );
    }
}

#[test]
fn a_control_that_is_nearly_the_arm_itself_is_said_to_answer_nothing() {
    let dir = small_workplace();
    let path = dir.path().join("experiment.toml");
    let text = fs::read_to_string(&path).unwrap();
    // So many are hard that at most a quarter of what a control draws can be others.
    let text = text.replace("hardest 20 %", "hardest 80 %");
    fs::write(&path, text.replace("steps = 24", "steps = 8")).unwrap();
    let command = with(&COMPARE, &["--out", "out"]);
    let (code, said) = ended(&command, dir.path());
    assert_eq!(code, Some(0), "{said}");
    let warning = "the control `random_matched` has too few other slices to draw from: ";
    for seed in 0..2 {
        let of_seed = format!("warning: seed-{seed}/liver: {warning}");
        assert_eq!(said.matches(&of_seed).count(), 1, "{said}");
    }
    let drawn = |seed: u64| {
        let path = format!("out/seed-{seed}/liver/random_matched/plan.json");
        let text = fs::read(dir.path().join(path)).unwrap();
        let plan: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let n = |value: &serde_json::Value| value.as_u64().unwrap();
        let of_control = &plan["reasons"]["random_matched"]["n_slices"];
        (n(&plan["n_hard_in_control"]), n(of_control))
    };
    let (n_hard, n_slices) = [0, 1]
        .map(drawn)
        .into_iter()
        .fold((0, 0), |sum, (hard, all)| (sum.0 + hard, sum.1 + all));
    assert!(2 * n_hard > n_slices, "{n_hard} of {n_slices}");
    let read = |name: &str| fs::read_to_string(dir.path().join("out").join(name)).unwrap();
    let note = format!(
        "In 2 of 2 trainings the matched random control shares slices with hard slices: \
         {n_hard} of {n_slices} slices, more than 50 %, so that nothing is concluded from it."
    );
    for name in [
        "comparison.json",
        "comparison.md",
        "comparison.html",
        "report.html",
    ] {
        let text = read(name);
        assert!(text.contains(&note), "{name} lacks: {note}");
        assert!(text.contains("cannot answer whether"), "{name}");
        assert!(
            !text.contains("between hard slices and the matched random control could be shown"),
            "{name}"
        );
    }
    let by_hand = "mine experiment.toml --store out/store --split out/split.json \
                   --model out/seed-0/liver/pretrained/model --out mined";
    let (code, said) = ended(&by_hand.split_whitespace().collect::<Vec<_>>(), dir.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(warning), "{said}");
}
