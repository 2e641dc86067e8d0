//! `plan.csv`.

use std::fs;
use std::path::Path;

use hardslice_data::balance::Plan;

use crate::target::names_the_file;

pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("plan.csv");
    fs::write(&path, input).expect("a folder to write to");
    let read = || {
        Plan::read_csv(
            &path,
            |name| ["a", "b"].iter().position(|n| *n == name),
            |_| 10,
        )
    };
    match read() {
        Ok(plan) => {
            let name = |case_idx| ["a", "b"][case_idx as usize].to_owned();
            plan.write_csv(&path, false, name)
                .expect("what was read can be written");
            assert_eq!(
                read().expect("what was written can be read"),
                plan,
                "every digit"
            );
        }
        Err(error) => names_the_file(&error, "plan.csv"),
    }
}
