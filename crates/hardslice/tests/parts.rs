//! `mine` and `predict` in parts: joined, they leave the bytes of one run.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use support::{
    assert_ends, assert_refused, assert_same, ended, finish, hardslice, printed, run, with_model,
    words,
};

/// The parts of a command, the last of them two at once; each ends well, with this status.
fn run_in_parts(line: &str, of: usize, code: i32, dir: &Path) {
    let part = |k: usize| format!("{line} --part {k}/{of}");
    for k in (3..=of).rev() {
        let said = printed(&words(&part(k)), dir);
        assert!(said.contains("not there are 1/"), "{said}");
    }
    let spawned: Vec<_> = (1..=2)
        .map(|k| hardslice(&words(&part(k)), dir).spawn().unwrap())
        .collect();
    let codes: Vec<Option<i32>> = spawned
        .into_iter()
        .map(finish)
        .map(|(code, said)| {
            assert!(matches!(code, Some(0 | 1)), "{said}");
            code
        })
        .collect();
    assert!(codes.contains(&Some(code)), "{codes:?}");
}

/// Files beside an output whose names begin as its own do.
fn beside(name: &str, dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|other| other.starts_with(name)).collect();
    names.sort();
    names
}

fn assert_same_with_provenance(one: &str, parts: &str, dir: &Path) {
    assert_same(&dir.join(one), &dir.join(parts), "one run and parts");
    let of = |name: &str| fs::read(dir.join(format!("{name}.provenance.json"))).unwrap();
    assert!(of(one) == of(parts), "the provenance of {parts} differs");
    let left = beside(parts, dir);
    assert_eq!(
        left,
        [parts.to_owned(), format!("{parts}.provenance.json")],
        "nothing of the parts stays"
    );
}

#[test]
fn scans_predicted_in_parts_are_those_of_one_run() {
    let dir = with_model();
    let dir = dir.path();
    for k in 2..5 {
        let name = format!("phantom_00{k}.nii.gz");
        fs::copy(
            dir.join("phantoms/images").join(&name),
            dir.join("scans").join(name),
        )
        .unwrap();
    }
    let line = "predict --model model --input scans --threads 1 --out";
    run(&words(&format!("{line} one")), dir);
    for of in [2, 3, 5, 7] {
        let out = format!("parts{of}");
        run_in_parts(&format!("{line} {out}"), of, 0, dir);
        assert_same_with_provenance("one", &out, dir);
    }
    // One part does its own scans alone.
    run(&words(&format!("{line} alone --part 2/5")), dir);
    let found = support::contents(&dir.join("alone"));
    assert_eq!(
        found.len(),
        2,
        "a label map and its confidence: {:?}",
        found.keys()
    );
    // What was left with other settings is none of these.
    let other = printed(
        &words(&format!("{line} alone --largest-component --part 1/2")),
        dir,
    );
    assert!(other.contains("not there are 2/2"), "{other}");
    let other = printed(&words(&format!("{line} alone --part 2/2")), dir);
    assert!(
        other.contains("with other settings, or of other inputs, 1/2"),
        "{other}"
    );

    // What a part left is joined only where it is as it was, and so are its scans.
    for (out, name, change) in [
        ("gone-a", "gone-a/phantom_000.nii.gz", None),
        (
            "gone-b",
            "gone-b/phantom_000.confidence.csv",
            Some("changed"),
        ),
        ("gone-c", "scans/phantom_000.nii.gz", Some("changed")),
    ] {
        run(&words(&format!("{line} {out} --part 1/2")), dir);
        let path = dir.join(name);
        let before = fs::read(&path).unwrap();
        match change {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let refused = ["phantom_000", "part 1/2", "predict that part again"];
        assert_ends(
            &words(&format!("{line} {out} --part 2/2")),
            dir,
            2,
            &refused,
        );
        assert!(!dir.join(format!("{out}.provenance.json")).exists());
        fs::write(&path, before).unwrap();
    }

    // A scan that cannot be read is told of, by its part and whoever joins them.
    fs::write(dir.join("scans/phantom_001.nii.gz"), "no scan").unwrap();
    let (code, _) = ended(&words(&format!("{line} broken")), dir);
    assert_eq!(code, Some(1));
    run_in_parts(&format!("{line} broken-parts"), 3, 1, dir);
    let names = |out: &str| {
        support::contents(&dir.join(out))
            .into_keys()
            .collect::<Vec<_>>()
    };
    assert_eq!(names("broken"), names("broken-parts"));
}

#[test]
fn slices_mined_in_parts_are_those_of_one_run() {
    let dir = with_model();
    let dir = dir.path();
    let common = "mine short.toml --store out/store --threads 1";
    let by_model = format!("{common} --split out/split.json --model model");
    run(
        &words("predict --model model --input phantoms/images --out maps"),
        dir,
    );
    let by_maps = format!("{common} --predictions maps --label liver=1");
    let with_split = format!("{by_maps} --split out/split.json --tau validation");
    for (name, line) in [
        ("model", by_model),
        ("maps", by_maps),
        ("split", with_split),
    ] {
        let one = format!("mined-by-{name}");
        run(&words(&format!("{line} --out {one}")), dir);
        for of in [2, 5, 40] {
            let out = format!("{of}-by-{name}");
            run_in_parts(&format!("{line} --out {out}"), of, 0, dir);
            assert_same_with_provenance(&one, &out, dir);
        }
    }
}

#[test]
fn what_cannot_be_a_part_is_refused() {
    let dir = with_model();
    let line = "predict --model model --input scans --out out2 --part";
    for part in ["0/3", "4/3", "3", "a/b"] {
        assert_refused(&format!("{line} {part}"), dir.path(), &["is no part"]);
    }
    let one = "predict --model model --input scans/phantom_000.nii.gz --out one.nii.gz --part 1/2";
    assert_refused(one, dir.path(), &["divides a folder of scans"]);
    // Parts share the folder, and nobody holds it alone meanwhile.
    assert_ends(
        &words("mine short.toml --store out/store --predictions maps --out m --part 1/0"),
        dir.path(),
        2,
        &["is no part"],
    );
}
