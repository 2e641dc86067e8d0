//! The program among others in a shell: completions, manual pages, JSON, quiet.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use support::{ended, printed, run, words, workplace};

/// The names of the commands, as `--help` lists them.
fn commands(dir: &Path) -> BTreeSet<String> {
    let help = printed(&["--help"], dir);
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let (listed, _) = listed.split_once("\n\n").unwrap();
    let named = listed.lines().filter(|line| !line.starts_with("   "));
    let names = named.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn json(args: &[&str], dir: &Path) -> Value {
    serde_json::from_str(&printed(args, dir)).unwrap()
}

#[test]
fn every_command_has_a_manual_page_and_is_completed_by_every_shell() {
    let dir = tempfile::tempdir().unwrap();
    run(&["man", "--out", "man1"], dir.path());
    let commands = commands(dir.path());
    assert!(commands.len() > 15, "{commands:?}");
    let pages = fs::read_dir(dir.path().join("man1")).unwrap();
    let pages: BTreeSet<String> = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = commands.iter().map(|name| format!("hardslice-{name}.1"));
    let wanted = wanted.chain(["hardslice.1".to_owned()]).collect();
    assert_eq!(pages, wanted);
    let page = fs::read_to_string(dir.path().join("man1/hardslice-run.1")).unwrap();
    let example = page
        .split_once(".nf\n")
        .unwrap()
        .1
        .split_once("\n.fi")
        .unwrap()
        .0;
    assert!(example.contains("\n[cohort]\n"), "{example}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = printed(&["completions", shell], dir.path());
        for name in &commands {
            assert!(script.contains(name), "{shell} does not know {name}");
        }
        assert!(script.contains("seeds"), "{shell} does not know options");
    }
}

#[test]
fn quiet_a_command_says_what_is_wrong_and_its_results_alone() {
    let dir = workplace();
    let quiet = ["prepare", "experiment.toml", "--out", "store", "--quiet"];
    let (code, said) = ended(&quiet, dir.path());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning: pixel_spacing"), "{said}");
    let others: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with("warning: "))
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let split = words("split experiment.toml --store store --out split.json -q");
    assert_eq!(ended(&split, dir.path()), (Some(0), String::new()));
    let table = printed(&split, dir.path());
    assert!(
        table.contains("| A and B |"),
        "results are printed: {table}"
    );
    let balance = printed(&[split, vec!["--json"]].concat(), dir.path());
    let balance: serde_json::Value = serde_json::from_str(&balance).unwrap();
    assert_eq!(balance["a"]["organs"].as_array().unwrap().len(), 1);
    let (code, said) = ended(&["-q", "report", "nowhere"], dir.path());
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: "), "{said}");
}

#[test]
fn what_a_script_would_parse_is_printed_as_json() {
    let dir = workplace();
    let dir = dir.path();
    let audit = json(
        &words("audit phantoms/cohort.csv --label liver=1 --json"),
        dir,
    );
    assert_eq!(audit["cases"].as_array().unwrap().len(), 8);
    assert_eq!(audit["n_errors"], 0);
    assert!(audit["n_warnings"].as_u64().unwrap() > 0);

    fs::create_dir(dir.join("predicted")).unwrap();
    let labels = |n| format!("phantom_00{n}.nii.gz");
    for n in 1..8 {
        fs::copy(
            dir.join("phantoms/labels").join(labels(n)),
            dir.join("predicted").join(labels(n)),
        )
        .unwrap();
    }
    let line =
        "evaluate --truth phantoms/labels --predictions predicted --label liver=1 --out s.csv";
    let scores = json(&words(&format!("{line} --json")), dir);
    let dice = &scores["summary"][0];
    assert_eq!(
        (&dice["metric"], &dice["organ"]),
        (&"dice".into(), &"liver".into())
    );
    assert_eq!(
        (dice["mean"].as_f64(), dice["n"].as_u64()),
        (Some(1.0), Some(7))
    );
    let missing = &scores["not_scored"][0];
    assert_eq!(
        (&missing["case"], &missing["because"]),
        (&"phantom_000".into(), &"prediction_missing".into())
    );

    fs::write(
        dir.join("t.csv"),
        "mean,sd,min,max,n\n0.9,0.5,0.8,1.0,40\n0.9,0.05,0.8,1.0,40\n",
    )
    .unwrap();
    let rows = json(&words("check-table t.csv --json"), dir);
    assert_eq!(
        (&rows[0]["is_possible"], &rows[1]["is_possible"]),
        (&false.into(), &true.into())
    );
    assert!(rows[0]["findings"][0].as_str().unwrap().contains("SD"));

    run(&words("run experiment.toml --out out --threads 1"), dir);
    let why = json(&words("why phantom_000:9 --in out --json"), dir);
    let in_words = printed(&words("why phantom_000:9 --in out"), dir);
    let arms = why[0]["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 10, "the arms of the experiment");
    for arm in arms {
        let (name, weight) = (
            arm["arm"].as_str().unwrap(),
            arm["weight"].as_f64().unwrap(),
        );
        let said = match weight {
            0.0 => format!("{name}: not shown"),
            weight => format!("{name}: shown {weight:.2} times"),
        };
        assert!(in_words.contains(&said), "{said}\n{in_words}");
    }
    let case = json(&words("why phantom_000 --in out --json"), dir);
    let lines = printed(&words("why phantom_000 --in out"), dir);
    // The name of the round, and a line for each slice or one that says that there are none.
    let n_mined = case[0]["mined"].as_array().unwrap().len();
    assert_eq!(lines.lines().count() - 1, n_mined.max(1), "{lines}");

    let triage = json(&words("triage --in out --out found.csv --json"), dir);
    let table = fs::read_to_string(dir.join("found.csv")).unwrap();
    let findings = triage["findings"].as_array().unwrap();
    assert_eq!(findings.len(), table.lines().count() - 1);
    assert!(triage["n_hard"].as_u64().unwrap() > 0);
}
