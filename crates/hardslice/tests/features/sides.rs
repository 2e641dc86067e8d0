//! An organ with a side whose other side is not in the map.

use std::fs;

use crate::support::{EXPERIMENT, assert_ends, workplace};

#[test]
fn an_organ_whose_other_side_is_not_in_the_map_is_named_before_it_is_trained() {
    let dir = workplace();
    let arms = EXPERIMENT
        .lines()
        .find(|line| line.starts_with("arms"))
        .unwrap();
    let both = EXPERIMENT
        .replace(arms, "arms = [\"b_only\"]")
        .replace("steps = 24", "steps = 2")
        .replace("[\"liver\"]", "[\"kidney_left\"]");
    let left = both.replace("kidney_right = [2], ", "");
    let warning = "slices are not mirrored for a net that finds `kidney_left`";
    let as_stored = left.replace("[train]", "[train]\ncopies = \"none\"");
    for (name, experiment, is_warned) in [
        ("both", both, false),
        ("left", left, true),
        ("as_stored", as_stored, false),
    ] {
        fs::write(dir.path().join("experiment.toml"), experiment).unwrap();
        let args = ["run", "experiment.toml", "--out", name];
        let said = assert_ends(&args, dir.path(), 0, &[]);
        assert_eq!(said.contains(warning), is_warned, "{name}:\n{said}");
        assert_eq!(
            said.contains("`kidney_right`"),
            is_warned,
            "the way out:\n{said}"
        );
    }
}
