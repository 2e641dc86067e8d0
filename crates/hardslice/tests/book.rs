//! The book in `docs/`: every command of `hardslice` in it is run as it is printed, page by page, and
//! every link leads somewhere.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hardslice_volume::{Volume, read_nifti_labels, write_label_map};
use rawzip::ZipArchiveWriter;

use support::{experiment_of, run, words};

/// Pages with commands, in an order in which each finds what it needs.
const PAGES: [&str; 10] = [
    "index",
    "first",
    "reading-the-report",
    "formats",
    "nnunet",
    "monai",
    "dicom",
    "review",
    "cluster",
    "audit",
];

/// What takes minutes.
const HAVE_TESTS_OF_THEIR_OWN: [&str; 2] = [
    "hardslice demo --out demo",
    "hardslice compare liver.toml --seeds 5 --splits 3 --out results",
];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn page(name: &str) -> String {
    fs::read_to_string(docs().join(format!("{name}.md"))).unwrap()
}

/// Blocks of a page that are indented by four spaces, and those between fences of `toml` that begin
/// with a preset: an experiment's file.
#[derive(Debug)]
enum Block {
    Commands(Vec<String>),
    Experiment(String),
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    let mut is_within = false;
    while let Some(line) = lines.next() {
        let was_within = std::mem::replace(&mut is_within, line.starts_with("    "));
        if let Some(kind) = line.strip_prefix("```") {
            let fenced: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let text = fenced.join("\n");
            if kind == "toml" && text.starts_with("preset") {
                blocks.push(Block::Experiment(text));
            }
        } else if let Some(command) = line.strip_prefix("    ") {
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command.pop();
                command.push_str(lines.next().unwrap().trim_start());
            }
            match blocks.last_mut() {
                Some(Block::Commands(commands)) if was_within => commands.push(command),
                _ => blocks.push(Block::Commands(vec![command])),
            }
        }
    }
    blocks
}

/// The commands of the program on a page, a note behind `#` left out.
fn commands(page: &str) -> Vec<String> {
    let all = blocks(page).into_iter().filter_map(|block| match block {
        Block::Commands(commands) => Some(commands),
        Block::Experiment(_) => None,
    });
    let named = all
        .flatten()
        .filter(|command| command.starts_with("hardslice "));
    let bare = named.map(|command| command.split(" #").next().unwrap().trim().to_owned());
    bare.collect()
}

/// Runs a line in a shell that finds the program by its name.
fn shell(line: &str, dir: &Path) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_hardslice"));
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("PATH=\"$0:$PATH\"; {line}")])
        .arg(program.parent().unwrap())
        .current_dir(dir);
    command
}

fn assert_runs(line: &str, page: &str, dir: &Path) {
    if line.starts_with("hardslice review ") {
        return assert_opens(line, page, dir);
    }
    let output = shell(line, dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{page}: {line}\n{said}");
}

/// A desk prints its address, and goes on until it is told to end.
fn assert_opens(line: &str, page: &str, dir: &Path) {
    let mut desk = shell(&format!("exec {line} --no-open"), dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(desk.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    desk.kill().unwrap();
    let output = desk.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        first.contains("http://127.0.0.1:"),
        "{page}: {line}\n{first}{said}"
    );
}

/// What pages take for granted: a short experiment and what `run` left of it, models, scans, a series,
/// and predictions as nnU-Net leaves them.
fn prepared(dir: &Path) {
    run(
        &words("phantom --out phantoms --patients 12 --size 48"),
        dir,
    );
    let text = experiment_of(&["baseline", "hard", "random_matched"]);
    fs::write(
        dir.join("short.toml"),
        text.replace("steps = 24", "steps = 12"),
    )
    .unwrap();
    run(&words("run short.toml --out results"), dir);
    for (from, to) in [
        ("results/liver/hard/model", "model"),
        ("results/liver/hard/model", "some/model"),
        ("results/store", "store"),
        ("phantoms/images", "scans"),
    ] {
        copy_folder(&dir.join(from), &dir.join(to));
    }
    fs::copy(
        dir.join("scans/phantom_000.nii.gz"),
        dir.join("scan.nii.gz"),
    )
    .unwrap();
    let golden = docs().join("../crates/hardslice-volume/tests/golden/dicom/oblique");
    fs::create_dir(dir.join("series")).unwrap();
    for k in 0..5 {
        let name = format!("{k}.dcm");
        fs::copy(golden.join(&name), dir.join("series").join(&name)).unwrap();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A page's own beginnings, where it has others than most.
fn prepare_page(page: &str, dir: &Path) {
    match page {
        "formats" => {
            let table = page_block(page, "organ,scheme,code");
            let table = table.replace("liver_tumour", "liver");
            fs::write(dir.join("mine.csv"), table).unwrap();
        }
        "first" => {
            fs::remove_dir_all(dir.join("results")).unwrap();
            fs::remove_dir_all(dir.join("phantoms")).unwrap();
        }
        "nnunet" => {
            // Of another cohort.
            fs::remove_dir_all(dir.join("store")).unwrap();
            as_nnunet(dir);
        }
        "cluster" => {
            // A few phantoms can be divided in a few ways alone.
            let short = fs::read_to_string(dir.join("short.toml")).unwrap();
            let drawn = short.replace("[split]\n", "[split]\nn_candidates = 1\n");
            fs::write(dir.join("liver.toml"), drawn).unwrap();
            fs::remove_dir_all(dir.join("results")).unwrap();
        }
        "dicom" => {
            // The page's table has the paths of an archive; its commands are tried on phantoms whose
            // labels are structures, too.
            fs::write(dir.join("cohort.csv"), with_structures(dir)).unwrap();
            fs::remove_dir_all(dir.join("results")).unwrap();
        }
        "review" => {
            let mine = "mine short.toml --store store --split results/split.json \
                        --model results/liver/pretrained/model --out mined";
            fs::remove_dir_all(dir.join("results")).unwrap();
            fs::remove_dir_all(dir.join("mined")).unwrap();
            run(&words("run short.toml --out results"), dir);
            fs::remove_dir_all(dir.join("store")).unwrap();
            copy_folder(&dir.join("results/store"), &dir.join("store"));
            run(&words(mine), dir);
            fs::copy(dir.join("short.toml"), dir.join("liver.toml")).unwrap();
            // A person has been at the desk.
            let review = dir.join("results/review");
            fs::create_dir_all(&review).unwrap();
            let header = "case,z,organ,verdict,note,reviewer,time,shown,blind\n";
            fs::write(review.join("verdicts.csv"), header).unwrap();
        }
        _ => {}
    }
}

/// The lines of the indented block that begins so.
fn page_block(name: &str, begins: &str) -> String {
    let found = blocks(&page(name))
        .into_iter()
        .find_map(|block| match block {
            Block::Commands(lines) => {
                let from = lines.iter().position(|line| line.starts_with(begins))?;
                Some(lines[from..].join("\n"))
            }
            Block::Experiment(_) => None,
        });
    found.unwrap()
}

/// A table of the phantoms with a folder of masks for each.
fn with_structures(dir: &Path) -> String {
    let mut table = "patient,image,labels\n".to_owned();
    for path in sorted(&dir.join("phantoms/labels")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let case = name.strip_suffix(".nii.gz").unwrap();
        let labels = read_nifti_labels(&path).unwrap();
        let liver = labels
            .volume
            .voxels()
            .iter()
            .map(|label| u8::from(*label == 1));
        let liver = Volume::new(*labels.volume.grid(), liver.collect()).unwrap();
        let masks = dir.join("masks").join(case);
        fs::create_dir_all(&masks).unwrap();
        write_label_map(&masks.join("Leber.nii.gz"), &liver, &labels.placement).unwrap();
        table = format!("{table}{case},phantoms/images/{name},masks/{case}\n");
    }
    table
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A raw dataset, and a trainer's folder with the validation predictions of five folds: the truth with
/// every third slice left empty, and probabilities of 0.9.
fn as_nnunet(dir: &Path) {
    run(
        &words("phantom --out of_nnunet --patients 12 --size 48 --nnunet"),
        dir,
    );
    let dataset = dir.join("nnUNet_raw/Dataset500_Liver");
    copy_folder(&dir.join("of_nnunet/nnunet"), &dataset);
    let trainer = "nnUNet_results/Dataset500_Liver/nnUNetTrainer__nnUNetPlans__2d";
    for (case, path) in sorted(&dataset.join("labelsTr")).iter().enumerate() {
        let validation = dir.join(format!("{trainer}/fold_{}/validation", case % 5));
        fs::create_dir_all(&validation).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let truth = read_nifti_labels(path).unwrap();
        let shape = truth.volume.shape();
        let n_pixels = shape.n_pixels();
        let voxels = truth.volume.voxels().iter().enumerate();
        let predicted =
            voxels.map(|(i, label)| u8::from(*label == 1 && !(i / n_pixels).is_multiple_of(3)));
        let predicted: Vec<u8> = predicted.collect();
        let of_liver = predicted
            .iter()
            .map(|label| if *label == 1 { 0.9 } else { 0.1 });
        let of_liver: Vec<f32> = of_liver.collect();
        let background = of_liver.iter().map(|p| 1.0 - p);
        let both: Vec<f32> = background.chain(of_liver.iter().copied()).collect();
        let stem = name.strip_suffix(".nii.gz").unwrap();
        let archive = npz(&[2, shape.z, shape.y, shape.x], &both);
        fs::write(validation.join(format!("{stem}.npz")), archive).unwrap();
        let predicted = Volume::new(*truth.volume.grid(), predicted).unwrap();
        write_label_map(&validation.join(name), &predicted, &truth.placement).unwrap();
    }
}

/// An archive of `numpy.savez` with the array `probabilities`.
fn npz(shape: &[usize; 4], values: &[f32]) -> Vec<u8> {
    let [c, z, y, x] = shape;
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({c}, {z}, {y}, {x}), }}");
    let header = format!("{header:<117}\n");
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    let mut zip = ZipArchiveWriter::new(Vec::new());
    let (mut entry, config) = zip.new_file("probabilities.npy").start().unwrap();
    let mut writer = config.wrap(&mut entry);
    writer.write_all(&npy).unwrap();
    let (_, descriptor) = writer.finish().unwrap();
    entry.finish(descriptor).unwrap();
    zip.finish().unwrap()
}

/// The net is small and short: what the tutorials train for hours is trained for a moment.
fn shortened(experiment: &str) -> String {
    let mut short = experiment.to_owned();
    for (table, settings) in [
        ("[prepare]", "size = 32"),
        ("[net]", "width = 4"),
        ("[train]", "batch = 4\nn_validations = 1"),
    ] {
        if let Some(at) = short.find(table) {
            short.insert_str(at + table.len(), &format!("\n{settings}"));
        } else {
            short = format!("{short}\n{table}\n{settings}\n");
        }
    }
    if short.contains("steps =") {
        short.replace("steps = 60", "steps = 12")
    } else {
        short.replace("[train]", "[train]\nsteps = 12")
    }
}

#[test]
fn every_command_of_the_book_works_as_it_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    prepared(dir);
    let mut n_run = 0;
    for name in PAGES {
        prepare_page(name, dir);
        for block in blocks(&page(name)) {
            match block {
                Block::Experiment(text) => {
                    fs::write(dir.join("liver.toml"), shortened(&text)).unwrap();
                }
                Block::Commands(lines) => {
                    let lines = lines.iter().filter(|line| line.starts_with("hardslice "));
                    for line in lines {
                        let line = line.split(" #").next().unwrap().trim();
                        if HAVE_TESTS_OF_THEIR_OWN.contains(&line) {
                            continue;
                        }
                        assert_runs(line, name, dir);
                        n_run += 1;
                    }
                }
            }
        }
    }
    assert!(n_run >= 30, "only {n_run}");
}

#[test]
fn no_page_with_commands_is_passed_over() {
    for name in pages() {
        let is_tried = PAGES.contains(&name.as_str());
        assert!(is_tried || commands(&page(&name)).is_empty(), "{name}");
    }
}

#[test]
fn every_link_of_the_book_leads_to_a_page_and_a_heading_of_it() {
    let pages = pages();
    for name in &pages {
        for target in links(&page(name)) {
            let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
            let own = format!("{name}.md");
            let file = if file.is_empty() { &own } else { file };
            assert!(
                !file.contains('/'),
                "{name} leads out of the book: {target}"
            );
            let to = docs().join(file);
            assert!(to.is_file(), "{name}: {target}");
            if !heading.is_empty() {
                let there = headings(&fs::read_to_string(&to).unwrap());
                assert!(
                    there.contains(heading),
                    "{name}: {target}; there are {there:?}"
                );
            }
        }
    }
    let summary = page("SUMMARY");
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    let wanted = pages.iter().filter(|name| *name != "SUMMARY");
    let wanted: BTreeSet<String> = wanted.map(|name| format!("{name}.md")).collect();
    assert_eq!(listed, wanted, "every page is in the summary");
}

/// The names of all pages.
fn pages() -> BTreeSet<String> {
    let names = sorted(&docs()).into_iter();
    let names = names.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names
        .filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()))
        .collect()
}

/// The targets of a page's links and pictures, but for those of the web.
fn links(page: &str) -> Vec<String> {
    let after = page.split("](").skip(1);
    let targets = after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target);
    let own = targets.filter(|target| !target.starts_with("http"));
    own.map(str::to_owned).collect()
}

/// The names that headings are linked by.
fn headings(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let name = |line: &str| -> String {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(name).collect()
}
