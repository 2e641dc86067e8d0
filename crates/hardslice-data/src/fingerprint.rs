//! Content hashes of scans and of the files that they come from.

use std::fs;
use std::path::{Path, PathBuf};

use blake3::{Hash, Hasher};
use hardslice_volume::{Action, FileError, PerAxis, Volume};
use rayon::prelude::*;

/// Adds the content of a file, or of every visible file under a folder with its name.
///
/// Of a header whose voxels lie in a file beside it (`.hdr`, `.nhdr`) all files of the same name
/// before the ending are taken.
pub(crate) fn add_content(hasher: &mut Hasher, path: &Path) -> Result<(), FileError> {
    if path.is_dir() {
        for entry in sorted_entries(path)? {
            add_text(hasher, name_bytes(&entry));
            add_content(hasher, &entry)?;
        }
        return Ok(());
    }
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    if matches!(ending.as_deref(), Some("hdr" | "nhdr")) {
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let stem = path.file_stem().expect("what has an ending has a name");
        // A path without a folder lies in the one that the program was started in.
        for entry in sorted_entries(folder.unwrap_or(Path::new(".")))? {
            let end = name_bytes(&entry).strip_prefix(stem.as_encoded_bytes());
            if entry.is_file() && end.is_some_and(|end| end.starts_with(b".")) {
                add_file(hasher, &entry)?;
            }
        }
        return Ok(());
    }
    add_file(hasher, path)
}

/// Adds text so that two texts do not run together.
pub(crate) fn add_text(hasher: &mut Hasher, text: &[u8]) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text);
}

/// BLAKE3 of a scan's shape and canonical voxels: the same for one scan in two files, whatever
/// their formats, compression and axis order.
pub(crate) fn voxels_blake3(scan: &Volume<f32>) -> String {
    let slices = (0..scan.shape().z).into_par_iter();
    let slices: Vec<Hash> = slices.map(|z| slice_blake3(scan.slice(z))).collect();
    of_slices(scan.shape(), &slices)
}

/// BLAKE3 of one slice's voxels.
pub(crate) fn slice_blake3(voxels: &[f32]) -> Hash {
    blake3::hash(bytemuck::cast_slice(voxels))
}

/// [`voxels_blake3`] from the hashes of the slices, from the feet up: they may be computed in any
/// order.
pub(crate) fn of_slices(shape: PerAxis<usize>, slices: &[Hash]) -> String {
    let mut hasher = Hasher::new();
    for n in shape.zyx() {
        hasher.update(&(n as u64).to_le_bytes());
    }
    for slice in slices {
        hasher.update(slice.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn add_file(hasher: &mut Hasher, path: &Path) -> Result<(), FileError> {
    let mut file = Hasher::new();
    // Through the mapped file: scans of a gigabyte are hashed at the disk's speed.
    file.update_mmap_rayon(path)
        .map_err(Action::Read.on(path))?;
    hasher.update(file.finalize().as_bytes());
    Ok(())
}

/// The name of an entry of a folder; as UTF-8 where it is that, and else so that no two names are the
/// same.
fn name_bytes(entry: &Path) -> &[u8] {
    let name = entry.file_name().expect("an entry of a folder has a name");
    name.as_encoded_bytes()
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(Action::List.on(dir))? {
        let path = entry.map_err(Action::List.on(dir))?.path();
        if !name_bytes(&path).starts_with(b".") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: &Path) -> String {
        let mut hasher = Hasher::new();
        add_content(&mut hasher, path).unwrap();
        hasher.finalize().to_hex().to_string()
    }

    #[test]
    fn a_folder_is_recognised_by_the_names_and_contents_of_its_files() {
        let dir = tempfile::tempdir().unwrap();
        let series = dir.path().join("series");
        fs::create_dir(&series).unwrap();
        fs::write(series.join("1.dcm"), "one").unwrap();
        fs::write(series.join("2.dcm"), "two").unwrap();
        let before = content(&series);
        fs::write(series.join(".DS_Store"), "x").unwrap();
        assert_eq!(content(&series), before, "hidden files do not count");
        let moved = dir.path().join("moved");
        fs::rename(&series, &moved).unwrap();
        assert_eq!(content(&moved), before, "where it lies does not count");
        fs::rename(moved.join("2.dcm"), moved.join("3.dcm")).unwrap();
        assert_ne!(content(&moved), before, "names count");
    }

    #[test]
    fn voxels_beside_a_header_count() {
        let dir = tempfile::tempdir().unwrap();
        let header = dir.path().join("a.hdr");
        fs::write(&header, "header").unwrap();
        fs::write(dir.path().join("a.img"), "voxels").unwrap();
        let before = content(&header);
        fs::write(dir.path().join("ab.img"), "another scan").unwrap();
        assert_eq!(content(&header), before, "a file of another name");
        fs::write(dir.path().join("a.img"), "other voxels").unwrap();
        assert_ne!(content(&header), before, "its own voxels");
    }
}
