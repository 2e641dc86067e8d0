//! Content hashes of scans and of the files that they come from.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use blake3::{Hash, Hasher};
use hardslice_volume::{PerAxis, Volume};
use rayon::prelude::*;

/// Adds the content of a file, or of every visible file under a folder with its name.
///
/// Of a header whose voxels lie in a file beside it (`.hdr`, `.nhdr`) all files of the same name
/// before the ending are taken.
pub(crate) fn add_content(hasher: &mut Hasher, path: &Path) -> Result<(), (PathBuf, io::Error)> {
    if path.is_dir() {
        for entry in sorted_entries(path)? {
            add_name(hasher, &entry);
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
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for entry in sorted_entries(folder.unwrap_or(Path::new(".")))? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if entry.is_file()
                && name
                    .strip_prefix(&stem)
                    .is_some_and(|end| end.starts_with('.'))
            {
                add_file(hasher, &entry)?;
            }
        }
        return Ok(());
    }
    add_file(hasher, path)
}

/// Adds text so that two texts do not run together.
pub(super) fn add_text(hasher: &mut Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// BLAKE3 of a scan's shape and canonical voxels: the same for one scan in two files, whatever
/// their formats, compression and axis order.
pub fn voxels_blake3(scan: &Volume<f32>) -> String {
    let slices = (0..scan.shape().z).into_par_iter();
    let slices: Vec<Hash> = slices.map(|z| slice_blake3(scan.slice(z))).collect();
    of_slices(scan.shape(), &slices)
}

/// BLAKE3 of one slice's voxels.
pub(super) fn slice_blake3(voxels: &[f32]) -> Hash {
    blake3::hash(bytemuck::cast_slice(voxels))
}

/// [`voxels_blake3`] from the hashes of the slices, from the feet up: they may be computed in any
/// order.
pub(super) fn of_slices(shape: PerAxis<usize>, slices: &[Hash]) -> String {
    let mut hasher = Hasher::new();
    for n in shape.zyx() {
        hasher.update(&(n as u64).to_le_bytes());
    }
    for slice in slices {
        hasher.update(slice.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn add_file(hasher: &mut Hasher, path: &Path) -> Result<(), (PathBuf, io::Error)> {
    let mut file = Hasher::new();
    // Through the mapped file: scans of a gigabyte are hashed at the disk's speed.
    file.update_mmap_rayon(path)
        .map_err(|source| (path.to_path_buf(), source))?;
    hasher.update(file.finalize().as_bytes());
    Ok(())
}

fn add_name(hasher: &mut Hasher, path: &Path) {
    add_text(
        hasher,
        &path.file_name().unwrap_or_default().to_string_lossy(),
    );
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let failed = |source| (dir.to_path_buf(), source);
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
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
