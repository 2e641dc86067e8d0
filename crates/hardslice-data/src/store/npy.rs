//! The header of a `.npy` file that holds one case.

use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::Path;

use blake3::Hasher;
use bytemuck::Pod;
use hardslice_volume::PerAxis;
use hardslice_volume::whole_file::WholeFile;

use super::holes;

/// What a `.npy` file of the store can hold.
pub(super) trait Element: Pod + Send + Sync {
    /// numpy's name of the type: byte order, kind, bytes.
    const DESCR: &'static str;
}

impl Element for i16 {
    const DESCR: &'static str = "<i2";
}

impl Element for u8 {
    const DESCR: &'static str = "|u1";
}

// The files are little-endian and are read where they lie.
const _: () = assert!(
    cfg!(target_endian = "little"),
    "the store needs a little-endian machine"
);

/// The header, version 1.0, of an array in C order: what `numpy.save` writes, byte for byte.
///
/// It is padded to a multiple of 64 bytes, so that what follows is aligned for any element.
pub(super) fn header<T: Element>(shape: PerAxis<usize>) -> Vec<u8> {
    const ALIGNMENT: usize = 64;
    const PREFIX: &[u8] = b"\x93NUMPY\x01\x00";
    let PerAxis { z, y, x } = shape;
    let mut text = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({z}, {y}, {x}), }}",
        T::DESCR
    );
    // numpy leaves room for the first length to grow to 21 digits in place.
    let room = 21 - z.to_string().len().min(21);
    text.push_str(&" ".repeat(room));
    let unpadded = PREFIX.len() + 2 + text.len() + 1;
    text.push_str(&" ".repeat(unpadded.next_multiple_of(ALIGNMENT) - unpadded));
    text.push('\n');
    let mut header = PREFIX.to_vec();
    let n_bytes = u16::try_from(text.len());
    let n_bytes = n_bytes.expect("three numbers of 20 digits each take fewer than 192 bytes");
    header.extend(n_bytes.to_le_bytes());
    header.extend(text.as_bytes());
    header
}

/// Writes header and elements.
#[cfg(test)]
pub(super) fn write<T: Element>(
    out: &mut impl Write,
    shape: PerAxis<usize>,
    elements: &[T],
) -> io::Result<()> {
    out.write_all(&header::<T>(shape))?;
    out.write_all(bytemuck::cast_slice(elements))
}

/// Writes an array slice by slice, in any order, leaving holes in the file where it is zero.
///
/// Label maps are mostly background: on file systems that know holes they take a quarter of the
/// room. What is read is the same. Where a hole would take room as soon as somebody reads it
/// ([`holes`]), the file is written out in full.
#[derive(Debug)]
pub(super) struct SliceWriter<T> {
    whole: WholeFile,
    header_bytes: usize,
    n_pixels: usize,
    element: PhantomData<T>,
}

impl<T: Element> SliceWriter<T> {
    /// Begins a file whose elements are all zero.
    pub(super) fn create(path: &Path, shape: PerAxis<usize>) -> io::Result<Self> {
        let mut whole = WholeFile::create(path)?;
        let header = header::<T>(shape);
        whole.file.write_all(&header)?;
        let n_bytes = header.len() + shape.n_voxels() * size_of::<T>();
        if holes::stay_free(&whole.file) {
            whole.file.set_len(n_bytes as u64)?;
        } else {
            let zeros = (n_bytes - header.len()) as u64;
            let mut file = BufWriter::with_capacity(1 << 20, &whole.file);
            io::copy(&mut io::repeat(0).take(zeros), &mut file)?;
            file.flush()?;
        }
        Ok(Self {
            whole,
            header_bytes: header.len(),
            n_pixels: shape.n_pixels(),
            element: PhantomData,
        })
    }

    /// Writes slice `z`, which was not written before.
    pub(super) fn put(&mut self, z: usize, slice: &[T]) -> io::Result<()> {
        /// Of the file systems that know holes.
        const BLOCK: usize = 4096;
        let bytes: &[u8] = bytemuck::cast_slice(slice);
        let begin = self.header_bytes + z * self.n_pixels * size_of::<T>();
        // Up to the first boundary between blocks of the file, then block by block; blocks that
        // follow one another are written at once.
        let is_zero = |block: &[u8]| block.iter().all(|byte| *byte == 0);
        let mut at = 0;
        while at < bytes.len() {
            let mut end = at;
            while end < bytes.len() {
                let next = bytes.len().min(end + BLOCK - (begin + end) % BLOCK);
                if is_zero(&bytes[end..next]) {
                    break;
                }
                end = next;
            }
            if end > at {
                self.whole.file.seek(SeekFrom::Start((begin + at) as u64))?;
                self.whole.file.write_all(&bytes[at..end])?;
            }
            at = bytes.len().min(end + BLOCK - (begin + end) % BLOCK);
        }
        Ok(())
    }

    /// Puts the file into place and gives its hash.
    pub(super) fn finish(mut self) -> io::Result<String> {
        // Read, not mapped: what a disk no longer gives is an error then, and no signal.
        let mut hasher = Hasher::new();
        self.whole.file.seek(SeekFrom::Start(0))?;
        hasher.update_reader(&self.whole.file)?;
        self.whole.finish()?;
        Ok(hasher.finalize().to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_numpy() {
        let images: Vec<i16> = (0..24).map(|i| i * 100 - 1000).collect();
        let labels: Vec<u8> = (0..24).collect();
        let shape = PerAxis::new(2, 3, 4);
        let mut written = Vec::new();
        write(&mut written, shape, &images).unwrap();
        assert_eq!(
            written,
            include_bytes!("../../tests/golden/image.npy"),
            "int16"
        );
        written.clear();
        write(&mut written, shape, &labels).unwrap();
        assert_eq!(
            written,
            include_bytes!("../../tests/golden/labels.npy"),
            "uint8"
        );
    }

    #[test]
    fn a_file_with_holes_reads_as_one_without() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("labels.npy");
        let n = 40_000;
        for organ in [0..0, 0..1, 5_000..5_010, 30_000..n, n - 1..n, 0..n] {
            let mut labels = vec![0_u8; n];
            labels[organ.clone()].fill(3);
            let shape = PerAxis::new(4, 100, 100);
            let mut file = SliceWriter::create(&path, shape).unwrap();
            for z in [3, 0, 1, 2] {
                file.put(z, &labels[z * 10_000..(z + 1) * 10_000]).unwrap();
            }
            let hash = file.finish().unwrap();
            let mut whole = Vec::new();
            write(&mut whole, shape, &labels).unwrap();
            assert!(std::fs::read(&path).unwrap() == whole, "organ at {organ:?}");
            assert_eq!(hash, blake3::hash(&whole).to_hex().as_str(), "hash of it");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn in_memory_a_file_takes_its_whole_room_before_it_is_read() {
        use std::os::unix::fs::MetadataExt;
        let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let path = dir.path().join("labels.npy");
        let shape = PerAxis::new(4, 100, 100);
        let file = SliceWriter::<u8>::create(&path, shape).unwrap();
        let hash = file.finish().unwrap();
        let found = std::fs::metadata(&path).unwrap();
        assert!(
            found.blocks() * 512 >= found.len(),
            "{} blocks of 512 bytes for {} bytes",
            found.blocks(),
            found.len()
        );
        let mut whole = Vec::new();
        write(&mut whole, shape, &vec![0_u8; 40_000]).unwrap();
        assert_eq!(hash, blake3::hash(&whole).to_hex().as_str(), "hash of it");
    }

    #[test]
    fn the_elements_begin_at_a_multiple_of_64() {
        for z in [1, 12, 123, 123_456_789] {
            for x in [1, 10, 100, 1_000, 10_000, 100_000] {
                let length = header::<i16>(PerAxis::new(z, x, x)).len();
                assert_eq!(length % 64, 0, "{z} slices of {x} × {x}");
            }
        }
    }
}
