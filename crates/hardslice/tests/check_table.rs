//! Tables of statistics that can and cannot be true, through the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::fs;
use std::path::Path;

use support::{assert_ends, ended, printed};

/// The paper's 36 rows; the source stands in the file.
const PAPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tables/zhang-2019.csv");

/// A table of one's own, and what the program prints of it.
fn checked(text: &str, more: &[&str]) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.csv"), text).unwrap();
    let args = [&["check-table", "t.csv"], more].concat();
    let (code, said) = ended(&args, dir.path());
    (code, format!("{}{said}", printed(&args, dir.path())))
}

#[test]
fn of_the_papers_36_rows_these_eleven_are_impossible() {
    let args = ["check-table", PAPER, "--n", "40", "--scale", "unit"];
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_ends(&args, here, 1, &["standard deviation `sd`"]);
    let text = printed(&args, here);
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.pop(), Some("11 of 36 rows cannot be true"), "{text}");
    // Line 12 of the file is the kidney's baseline. By the bound of Bhatia and Davis, worked out
    // with Python's decimals: which rows, and the largest SD at n - 1.
    let wanted = [
        ("line 12 (Table A1, kidney, fcn, 1.0)", "SD 0.13 ", "0.0702"),
        ("line 13 (Table A1, kidney, fcn, 0.8)", "SD 0.089", "0.0739"),
        ("line 14 (Table A1, kidney, fcn, 0.5)", "SD 0.114", "0.0736"),
        (
            "line 17 (Table A1, kidney, fcn, proposed)",
            "SD 0.067",
            "0.0563",
        ),
        ("line 21 (Table A2, spleen, fcn, 0.3)", "SD 0.035", "0.0306"),
        ("line 22 (Table A2, spleen, fcn, 0.2)", "SD 0.139", "0.1126"),
        (
            "line 30 (Table A4, kidney, unet, 1.0)",
            "SD 0.073",
            "0.0682",
        ),
        (
            "line 31 (Table A4, kidney, unet, 0.8)",
            "SD 0.092",
            "0.0679",
        ),
        (
            "line 32 (Table A4, kidney, unet, 0.5)",
            "SD 0.113",
            "0.0710",
        ),
        (
            "line 33 (Table A4, kidney, unet, 0.3)",
            "SD 0.127",
            "0.0959",
        ),
        (
            "line 34 (Table A4, kidney, unet, 0.2)",
            "SD 0.153",
            "0.0993",
        ),
    ];
    assert_eq!(lines.len(), wanted.len(), "{text}");
    for (line, (place, sd, largest)) in lines.iter().zip(wanted) {
        assert!(line.starts_with(place), "{place}: {line}");
        assert!(line.contains(sd), "{sd}: {line}");
        let bound = format!("= {largest} with n - 1 in the denominator");
        assert!(line.contains(&bound), "{largest}: {line}");
    }
    assert!(
        lines[0].contains("√((0.9698 - 0.9167) · (0.9167 - 0.8262) · 40/39) = 0.0702"),
        "{}",
        lines[0]
    );
}

#[test]
fn a_table_that_can_be_true_ends_with_0_and_one_without_statistics_with_2() {
    let (code, said) = checked("arm,n,mean,sd,min,max\nhard,3,0.90,0.10,0.80,1.00\n", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("0 of 1 row cannot be true"), "{said}");
    let (code, said) = checked("arm,dice\nhard,0.9\n", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("arm, dice") && said.contains("`mean ± sd`"),
        "{said}"
    );
    let (code, said) = checked("arm,mean,sd\n", &[]);
    assert_eq!((code, said.contains("no rows")), (Some(2), true), "{said}");
    let (code, said) = checked("arm,mean,average,sd\nx,1,1,1\n", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`mean` and `average`"), "{said}");
    let (code, said) = checked("arm,mean,sd\nx,1,1\ny,1.2x,1\n", &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("line 3, column `mean`: `1.2x`"), "{said}");
}

#[test]
fn the_same_row_is_found_however_the_table_is_written() {
    // 0.12 is more than √(0.05 · 0.10 · 10/9) = 0.0745, and than that of the nearest rounding, 0.083.
    for (text, more) in [
        ("n,mean,sd,min,max\n10,0.90,0.12,0.80,0.95\n", &[][..]),
        ("n;Mean;SD;Min;Max\n10;0,90;0,12;0,80;0,95\n", &[]),
        (
            "N\tAverage\tStd. Dev.\tMinimum\tMaximum\n10\t0.90\t0.12\t0.80\t0.95\n",
            &[],
        ),
        ("Cases,Mean ± SD,Range\n10,0.90 ± 0.12,0.80–0.95\n", &[]),
        ("mean,range\n0.90 (0.12),\"[0.80, 0.95]\"\n", &["--n", "10"]),
        ("n_cases,mean,min,max\n10.0,0.90+/-0.12,0.80,0.95\n", &[]),
        (
            "n,dice_mean,dice_sd,dice_min,dice_max,hd95_mean,hd95_sd\n10,90 %,12.0 %,80.5 %,95.4 %,3,1\n",
            &[],
        ),
        (
            "\u{feff}model,n,mean,sd,min,max,p\nus,10,0.90,0.12,0.80,0.95,<0.01\nold,,,,,,\n",
            &[],
        ),
    ] {
        let (code, said) = checked(text, more);
        assert_eq!(code, Some(1), "{text}{said}");
        assert!(
            said.contains("SD 0.12 is larger") || said.contains("SD 12.0 % is larger"),
            "{text}{said}"
        );
        assert!(said.contains("1 of "), "{text}{said}");
    }
}

#[test]
fn scores_beyond_their_scale_and_sums_of_counts_are_found() {
    let (code, said) = checked(
        "metric,n,mean,max\nDice,5,0.97,1.02\nDice,5,0.96,0.99\n",
        &[],
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("max 1.02 is outside [0, 1]"), "{said}");
    assert!(
        said.contains("`dice` is taken for a score from 0 to 1"),
        "{said}"
    );
    let percent = "metric,n,mean,max\nDice,5,97.1,100\nDice,5,96,101\nHD95,5,4.1,250\n";
    let (code, said) = checked(percent, &[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("line 3") && said.contains("max 101 is outside [0, 100]"),
        "{said}"
    );
    assert!(said.contains("1 of 3 rows"), "{said}");
    let counts = "what,n,mean,sd\nlesions,28,5.19,1.00\n";
    assert_eq!(checked(counts, &[]).0, Some(0), "5.19 is fine as a length");
    let (code, said) = checked(counts, &["--step", "1"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("28 · 5.19 = 145.32"), "{said}");
}

#[test]
fn what_the_numbers_are_over_trainings_stands_on_its_page_as_it_stands_below_tables() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scores.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(hardslice_eval::OVER_TRAININGS), "{page}");
}
