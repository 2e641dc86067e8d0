//! A file of slices, mapped into memory.

use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use hardslice_volume::{Action, PerAxis};
use memmap2::Mmap;

use super::StoreError;
use super::npy::{self, Element};

/// A `.npy` file `[z, y, x]`, mapped read-only. Slices are read from disk when they are touched and
/// dropped by the system when memory runs short.
#[derive(Debug)]
pub(super) struct Mapped<T> {
    // Invariant: holds the header of `shape` and then `shape.n_voxels()` elements of T.
    map: Mmap,
    header_bytes: usize,
    shape: PerAxis<usize>,
    path: PathBuf,
    element: PhantomData<T>,
}

impl<T: Element> Mapped<T> {
    /// Maps a file and checks its type, shape and length.
    pub(super) fn open(path: &Path, shape: PerAxis<usize>) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(Action::Read.on(path))?;
        let found = file.metadata().map_err(Action::Read.on(path))?.len();
        let header = npy::header::<T>(shape);
        // A record may say anything: where the number of bytes overflows, no file is as long.
        let n_bytes = [shape.z, shape.y, shape.x, size_of::<T>()]
            .into_iter()
            .fold(1, usize::saturating_mul);
        let wanted = header.len().saturating_add(n_bytes) as u64;
        if found < header.len() as u64 {
            let path = path.to_path_buf();
            return Err(StoreError::Length {
                found,
                wanted,
                path,
            });
        }
        let map = map(&file).map_err(Action::Read.on(path))?;
        if map[..header.len()] != header {
            return Err(StoreError::Header {
                found: readable(&map),
                wanted: readable(&header),
                path: path.to_path_buf(),
            });
        }
        if found != wanted {
            let path = path.to_path_buf();
            return Err(StoreError::Length {
                found,
                wanted,
                path,
            });
        }
        Ok(Self {
            map,
            header_bytes: header.len(),
            shape,
            path: path.to_path_buf(),
            element: PhantomData,
        })
    }

    /// All elements, `[z, y, x]`.
    pub(super) fn elements(&self) -> &[T] {
        // Aligned: a map begins at a page and the header is a multiple of 64 bytes long.
        bytemuck::cast_slice(&self.map[self.header_bytes..])
    }

    /// One slice, `[y, x]`.
    pub(super) fn slice(&self, z: usize) -> &[T] {
        let n = self.shape.n_pixels();
        &self.elements()[z * n..(z + 1) * n]
    }

    /// Compares the file's hash with the recorded one.
    pub(super) fn verify(&self, recorded: &str) -> Result<(), StoreError> {
        let found = blake3::Hasher::new()
            .update_rayon(&self.map)
            .finalize()
            .to_hex();
        if found.as_str() == recorded {
            return Ok(());
        }
        Err(StoreError::Changed {
            found: found.to_string(),
            wanted: recorded.to_owned(),
            path: self.path.clone(),
        })
    }
}

fn map(file: &File) -> std::io::Result<Mmap> {
    #[expect(unsafe_code, reason = "a memory map has no safe constructor")]
    // SAFETY: the map is read-only and lives as long as every slice borrowed from it. Its bytes
    // must not change or vanish meanwhile: files of the store are never written in place, only
    // replaced by a rename, which leaves the mapped file as it was. (A user who truncates one by
    // hand while a program runs stops that program with SIGBUS; no byte is misread.) Any bytes are
    // valid elements, as `Element: Pod`.
    unsafe {
        Mmap::map(file)
    }
}

/// The text of a header, of bytes that are at least as long as one, for a message.
fn readable(bytes: &[u8]) -> String {
    let text = &bytes[10..bytes.len().min(138)];
    let mut lines = text.split(|&byte| byte == b'\n');
    let line = lines.next().expect("what is split has a first part");
    String::from_utf8_lossy(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: PerAxis<usize> = PerAxis::new(2, 3, 4);

    fn saved(elements: &[i16]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image.npy");
        let mut bytes = Vec::new();
        npy::write(&mut bytes, SHAPE, elements).unwrap();
        std::fs::write(&path, bytes).unwrap();
        (dir, path)
    }

    #[test]
    fn a_slice_is_read_where_it_lies() {
        let elements: Vec<i16> = (0..24).collect();
        let (_dir, path) = saved(&elements);
        let mapped = Mapped::<i16>::open(&path, SHAPE).unwrap();
        assert_eq!(mapped.slice(1), &elements[12..], "the second slice");
    }

    #[test]
    fn another_shape_or_type_or_length_is_refused() {
        let (_dir, path) = saved(&[0; 24]);
        let flat = Mapped::<i16>::open(&path, PerAxis::new(1, 3, 4))
            .unwrap_err()
            .to_string();
        assert!(
            flat.contains("(2, 3, 4)") && flat.contains("(1, 3, 4)"),
            "{flat}"
        );
        let bytes = Mapped::<u8>::open(&path, SHAPE).unwrap_err();
        assert!(matches!(bytes, StoreError::Header { .. }), "{bytes}");
        let (_dir, short) = saved(&[0; 23]);
        let err = Mapped::<i16>::open(&short, SHAPE).unwrap_err().to_string();
        assert!(err.starts_with("174 bytes found, 176 wanted"), "{err}");
        std::fs::write(&short, b"").unwrap();
        let empty = Mapped::<i16>::open(&short, SHAPE).unwrap_err();
        assert!(
            matches!(empty, StoreError::Length { found: 0, .. }),
            "{empty}"
        );
    }

    #[test]
    fn a_changed_byte_is_found() {
        let (_dir, path) = saved(&[0; 24]);
        let hash = blake3::hash(&std::fs::read(&path).unwrap()).to_hex();
        Mapped::<i16>::open(&path, SHAPE)
            .unwrap()
            .verify(&hash)
            .unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[150] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let err = Mapped::<i16>::open(&path, SHAPE)
            .unwrap()
            .verify(&hash)
            .unwrap_err();
        assert!(matches!(err, StoreError::Changed { .. }), "{err}");
    }
}
