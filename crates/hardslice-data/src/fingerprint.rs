//! Content hashes of scans and of the files that they come from.

use std::fs;
use std::path::{Path, PathBuf};

use blake3::{Hash, Hasher};
use hardslice_volume::folder::visible_paths;
use hardslice_volume::{Action, FileError, PerAxis, Volume, volume_files};
use rayon::prelude::*;

/// Adds the content of a file, or of every visible file under a folder with its name.
///
/// Of a scan whose voxels lie in other files than its header (`.hdr` and `.img`, `.nhdr`, `.mhd`) all
/// are taken, whatever they are called.
pub(crate) fn add_content(hasher: &mut Hasher, path: &Path) -> Result<(), FileError> {
    add_below(hasher, path, &mut Vec::new())
}

/// `around` are the folders that it lies in: a link back into one of them holds nothing new.
fn add_below(hasher: &mut Hasher, path: &Path, around: &mut Vec<PathBuf>) -> Result<(), FileError> {
    if path.is_dir() {
        let folder = fs::canonicalize(path).map_err(Action::List.on(path))?;
        if around.contains(&folder) {
            return Ok(());
        }
        around.push(folder);
        for entry in visible_paths(path)? {
            add_text(hasher, name_bytes(&entry));
            add_below(hasher, &entry, around)?;
        }
        around.pop();
        return Ok(());
    }
    // Where the header cannot be read, nothing is read from the other files either.
    let files = volume_files(path).unwrap_or_else(|_unread| vec![path.to_path_buf()]);
    for file in files.iter().filter(|file| *file == path || file.exists()) {
        add_file(hasher, file)?;
    }
    Ok(())
}

/// Adds text so that two texts do not run together.
pub(crate) fn add_text(hasher: &mut Hasher, text: &[u8]) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text);
}

/// BLAKE3 of a scan's shape and canonical voxels: the same for one scan in two files, whatever
/// their formats, compression and axis order.
pub fn voxels_blake3(scan: &Volume<f32>) -> String {
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

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn voxels_beside_a_header_count_whatever_their_file_is_called() {
        let nrrd = |file: &str| format!("NRRD0004\ntype: short\ndata file: {file}\n\n");
        let meta = |file: &str| format!("ObjectType = Image\nElementDataFile = {file}\n");
        let pair = String::from("header");
        for (header, text, voxels) in [
            ("a.hdr", pair.clone(), "a.img"),
            ("a.HDR", pair.clone(), "a.IMG"),
            ("a.hdr.gz", pair.clone(), "a.img.gz"),
            ("a.img", pair, "a.hdr"),
            ("a.nhdr", nrrd("a.raw.gz"), "a.raw.gz"),
            ("a.seg.nhdr", nrrd("voxels"), "voxels"),
            ("a.nrrd", nrrd("b.raw"), "b.raw"),
            ("a.mhd", meta("a.zraw"), "a.zraw"),
            ("a.MHD", meta("other name.bin"), "other name.bin"),
            ("a.mha", meta("voxels.raw"), "voxels.raw"),
            ("a.mhd", meta("LIST\none.raw\ntwo.raw"), "two.raw"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(header);
            fs::write(&path, &text).unwrap();
            fs::write(dir.path().join(voxels), "voxels").unwrap();
            let before = content(&path);
            fs::write(dir.path().join("ab.img"), "another scan").unwrap();
            fs::write(dir.path().join("a.txt"), "notes").unwrap();
            assert_eq!(content(&path), before, "{header}: other files");
            fs::write(dir.path().join(voxels), "other voxels").unwrap();
            assert_ne!(content(&path), before, "{header}: its own voxels");
        }
    }
}
