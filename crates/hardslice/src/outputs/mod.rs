//! Where a command may write: never over what it reads, and into a file or a folder as the name
//! says.

mod of_cohort;
mod of_predictions;
mod of_records;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::builder::{PathBufValueParser, TypedValueParser};
use hardslice_volume::folder::files_below;
use hardslice_volume::same_file::is_same_file;
use hardslice_volume::volume_files;

use crate::layout::provenance_beside;

pub(crate) use of_cohort::{inputs_of_experiment, refuse_over_cohort, refuse_over_experiment};
pub(crate) use of_predictions::{LabelFormat, LabelsOut};
pub(crate) use of_records::{
    refuse_among_records, refuse_in_round, refuse_over_other_json, refuse_over_other_tables,
    refuse_over_others,
};

/// Endings that name a file to everybody: no folder is called so by intent.
const OF_FILES: [&str; 34] = [
    "bmp",
    "csv",
    "dat",
    "dcm",
    "docx",
    "gz",
    "h5",
    "hdf5",
    "hdr",
    "html",
    "img",
    "jpeg",
    "jpg",
    "json",
    "log",
    "mat",
    "md",
    "mha",
    "mhd",
    "nii",
    "npy",
    "nrrd",
    "parquet",
    "pdf",
    "png",
    "pt",
    "safetensors",
    "svg",
    "tex",
    "toml",
    "tsv",
    "txt",
    "xlsx",
    "zip",
];

/// Takes the name of a file with one of some endings, in letters of any case.
pub(crate) fn file_out(endings: &'static [&'static str]) -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(move |out| {
        check_file(&out, endings)?;
        provenance_beside(&out).map_err(|error| error.to_string())?;
        Ok::<_, String>(out)
    })
}

/// Takes the name of a folder: one that is there, or whose name does not end like a file's.
pub(crate) fn folder_out() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|out| {
        check_folder(&out)?;
        Ok::<_, String>(out)
    })
}

/// As [`folder_out`], where provenance is written beside the folder.
pub(crate) fn named_folder_out() -> impl TypedValueParser<Value = PathBuf> {
    folder_out().try_map(|out| provenance_beside(&out).map(|_| out))
}

/// Refuses what is no name of a file with one of some endings.
pub(crate) fn check_file(out: &Path, endings: &[&str]) -> Result<(), String> {
    if out.is_dir() {
        return Err(format!(
            "a folder of this name is there, a file is to be written: {}",
            out.display()
        ));
    }
    let is_one = |ending: &str| {
        extension(out).is_some_and(|extension| extension.eq_ignore_ascii_case(&ending[1..]))
    };
    if endings.iter().any(|ending| is_one(ending)) {
        return check_writable(out);
    }
    Err(format!(
        "the file is written as {}, which its name must end with: {}",
        endings.join(" or "),
        out.display()
    ))
}

/// Refuses what is no name of a folder: one that is there, or whose name does not end like a file's.
pub(crate) fn check_folder(out: &Path) -> Result<(), String> {
    if out.is_dir() || ends_with_separator(out) {
        return check_writable(out);
    }
    if out.exists() {
        return Err(format!(
            "a file of this name is there, a folder is to be written: {}",
            out.display()
        ));
    }
    let is_of_file = extension(out).is_some_and(|extension| {
        let extension = extension.to_lowercase();
        OF_FILES.contains(&extension.as_str())
    });
    if is_of_file {
        return Err(format!(
            "the name ends like a file's, and a folder is to be written; if it is to be called so, \
             put a / behind it: {}",
            out.display()
        ));
    }
    check_writable(out)
}

/// Refuses, before any work, what could not be written in the end. Folders that are not there are made
/// when something is written; here nothing is left.
fn check_writable(out: &Path) -> Result<(), String> {
    // A folder itself, or what a file or a new folder will lie in; the working directory where that has no
    // name.
    let mut places = out.ancestors().skip(usize::from(!out.is_dir()));
    let folder = places.find(|path| path.exists());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(format!(
            "nothing can be written into {}, which is a file: {}",
            folder.display(),
            out.display()
        ));
    }
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "no file can be written into {}: {}",
            folder.display(),
            error.kind()
        )),
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

fn ends_with_separator(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// Refuses to write where something lies that the command reads: the same file under another
/// spelling, through a link, or by a second name (a hard link).
///
/// Inputs may be folders, whose files count one by one. Files that are not there yet are no inputs.
pub(crate) fn refuse_over_inputs(
    outputs: impl IntoIterator<Item = PathBuf>,
    inputs: impl IntoIterator<Item = PathBuf>,
) -> anyhow::Result<()> {
    let outputs: Vec<PathBuf> = outputs.into_iter().filter(|out| out.exists()).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let mut files = Vec::new();
    for input in inputs {
        if input.is_dir() {
            files.extend(files_below(&input)?);
        } else {
            // A header's voxels may be called otherwise. One that cannot be read names none.
            files.extend(volume_files(&input).unwrap_or_default());
            files.push(input);
        }
    }
    for out in &outputs {
        if let Some(input) = files.iter().find(|input| is_same_file(input, out)) {
            let spelt = if input == out {
                String::new()
            } else {
                format!(" (as {})", input.display())
            };
            return Err(anyhow!(
                "{}{spelt} is read here and would be written over: name another --out",
                out.display()
            ));
        }
    }
    Ok(())
}

/// Refuses a folder to write into that lies within one which is read with all that is in it.
pub(crate) fn refuse_within(out: &Path, searched: &Path) -> anyhow::Result<()> {
    let Ok(searched_path) = fs::canonicalize(searched) else {
        return Ok(());
    };
    if resolved(out).starts_with(&searched_path) {
        return Err(anyhow!(
            "the output lies in a folder that is read with all that is in it: name another --out \
             than {} (input: {})",
            out.display(),
            searched.display()
        ));
    }
    Ok(())
}

/// Refuses the folder of scans for their label maps, which would be scans the next time.
pub(crate) fn refuse_among(out: &Path, scans: &Path) -> anyhow::Result<()> {
    if resolved(out) == resolved(scans) {
        return Err(anyhow!(
            "label maps among the scans would be taken for scans the next time: name another --out \
             than {}",
            out.display()
        ));
    }
    Ok(())
}

/// Refuses a folder to write into in which an input lies.
pub(crate) fn refuse_around(out: &Path, input: &Path) -> anyhow::Result<()> {
    let out_path = resolved(out);
    // A link lies there as much as what it leads to.
    let link = input.parent().map(resolved);
    if resolved(input).starts_with(&out_path) || link.is_some_and(|dir| dir.starts_with(&out_path))
    {
        return Err(anyhow!(
            "{} holds what is read here: name another --out ({})",
            out.display(),
            input.display()
        ));
    }
    Ok(())
}

/// A path without links and detours, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    match (parent, path.file_name()) {
        (Some(parent), Some(name)) if parent != path => resolved(parent).join(name),
        (None, Some(name)) => fs::canonicalize(".").map_or(name.into(), |dir| dir.join(name)),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_ends_like_a_file_is_no_folders_and_the_other_way_round() {
        let dir = tempfile::tempdir().unwrap();
        let made = dir.path().join("made.nii.gz");
        fs::create_dir(&made).unwrap();
        assert!(check_folder(&dir.path().join("x.nii.gz")).is_err());
        assert!(check_folder(&dir.path().join("run.2")).is_ok());
        assert!(check_folder(&made).is_ok(), "it is one");
        assert!(check_file(&dir.path().join("s.CSV"), &[".csv"]).is_ok());
        for wrong in ["s", "s.txt", "s.csv.gz", "csv"] {
            assert!(check_file(&dir.path().join(wrong), &[".csv"]).is_err());
        }
        assert!(check_file(&made, &[".gz"]).is_err(), "a folder");
    }

    #[test]
    fn what_could_not_be_written_is_refused_before_the_work_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("notes"), "of somebody").unwrap();
        for below_a_file in ["notes/s.csv", "notes/deep/s.csv"] {
            let said = check_file(&at(below_a_file), &[".csv"]).unwrap_err();
            assert!(said.contains("notes, which is a file"), "{said}");
        }
        assert!(check_folder(&at("notes/out")).is_err(), "below a file");
        assert_eq!(check_file(&at("new/deep/s.csv"), &[".csv"]), Ok(()));
        assert_eq!(check_folder(&at("new/out")), Ok(()));
        assert_eq!(check_folder(Path::new("out")), Ok(()), "here");
        #[cfg(target_os = "linux")]
        for no_disk in ["/proc/s.csv", "/proc/new/s.csv"] {
            let said = check_file(Path::new(no_disk), &[".csv"]).unwrap_err();
            assert!(said.contains("no file can be written into /proc"), "{said}");
        }
        let names = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 1, "nothing but the notes");
    }

    #[test]
    fn an_input_is_recognised_in_every_disguise() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("scans/deep")).unwrap();
        fs::write(at("scans/a.nii"), "scan").unwrap();
        fs::write(at("scans/deep/b.nii"), "scan").unwrap();
        let refused = |out: &str| refuse_over_inputs([at(out)], [at("scans")]).is_err();
        assert!(refused("scans/a.nii"));
        assert!(refused("scans/../scans/./a.nii"), "another spelling");
        assert!(refused("scans/deep/b.nii"), "below");
        assert!(!refused("scans/c.nii"), "not there");
        fs::write(at("c.nii"), "scan").unwrap();
        assert!(!refused("c.nii"), "another file of the same content");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(at("scans/a.nii"), at("link.nii")).unwrap();
            std::os::unix::fs::symlink(at("scans"), at("folder")).unwrap();
            fs::hard_link(at("scans/a.nii"), at("hard.nii")).unwrap();
            assert!(refused("link.nii"), "a link");
            assert!(refused("folder/a.nii"), "through a linked folder");
            assert!(refused("hard.nii"), "a second name");
            assert!(refuse_within(&at("folder/new/out"), &at("scans")).is_err());
        }
        assert!(refuse_within(&at("scans/new/out"), &at("scans")).is_err());
        assert!(refuse_within(&at("scans"), &at("scans")).is_err());
        assert!(refuse_within(&at("scans2"), &at("scans")).is_ok());
    }
}
