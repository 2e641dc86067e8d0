//! What the pages of a Parquet file say of their sizes, checked before anything is unpacked.
//!
//! The parquet crate (60) makes room for as many bytes as a page's header announces: two gigabytes for
//! a damaged file of a few kilobytes.
//!
//! # Sources
//!
//! [Apache Parquet's file format](https://github.com/apache/parquet-format), `parquet.thrift`
//! (`PageHeader`), and Thrift's compact protocol.

use std::io::{self, Read};

use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

/// The most that Snappy packs into a byte: a copy of 64 bytes takes three.
const MOST_PACKED: i64 = 22;
/// Headers nest a few levels deep.
const DEEPEST: u32 = 16;

/// Checks the sizes of all pages of a file.
pub(super) fn check_pages<R: ChunkReader>(
    file: &R,
    metadata: &ParquetMetaData,
) -> Result<(), ParquetError> {
    let groups = metadata.row_groups().iter();
    for column in groups.flat_map(RowGroupMetaData::columns) {
        let packs = match column.compression() {
            Compression::SNAPPY => MOST_PACKED,
            Compression::UNCOMPRESSED => 1,
            other => {
                let found = format!("a column is packed by {other}, wanted Snappy");
                return Err(ParquetError::General(found));
            }
        };
        check_column(file, column, packs)?;
    }
    Ok(())
}

fn check_column<R: ChunkReader>(
    file: &R,
    column: &ColumnChunkMetaData,
    packs: i64,
) -> Result<(), ParquetError> {
    let (start, length) = column.byte_range();
    let mut at = start;
    while at < start.saturating_add(length) {
        let mut header = Header {
            from: file.get_read(at)?,
            n_read: 0,
        };
        let [unpacked, packed] = header.sizes()?;
        let most = packed.saturating_mul(packs).saturating_add(64);
        if packed < 0 || unpacked < 0 || unpacked > most {
            return Err(ParquetError::General(format!(
                "a page of {packed} bytes announces {unpacked}, at most {most} can be in it"
            )));
        }
        at += header.n_read + packed.cast_unsigned();
    }
    Ok(())
}

/// A page's header, as it is read.
struct Header<R> {
    from: R,
    n_read: u64,
}

impl<R: Read> Header<R> {
    /// The page's size unpacked and as it lies in the file: the fields 2 and 3.
    fn sizes(&mut self) -> io::Result<[i64; 2]> {
        let mut sizes = [None; 2];
        let mut field = 0;
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            match (id, kind) {
                (2 | 3, 5) => sizes[usize::from(id == 3)] = Some(self.signed()?),
                _ => self.skip(kind, 0)?,
            }
        }
        match sizes {
            [Some(unpacked), Some(packed)] => Ok([unpacked, packed]),
            _ => Err(damaged("a page's header has no sizes")),
        }
    }

    /// Number and type of the next field of a struct; `None` at its end.
    fn field(&mut self, last: i64) -> io::Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 15);
        Ok(match (step, kind) {
            (_, 0) => None,
            (0, _) => Some((self.signed()?, kind)),
            _ => Some((last.saturating_add(i64::from(step)), kind)),
        })
    }

    /// Passes over a value of this type.
    fn skip(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(damaged("a page's header is nested too deeply"));
        }
        match kind {
            // A field's truth is its type.
            1 | 2 => Ok(()),
            3 => self.pass(1),
            4..=6 => self.unsigned().map(drop),
            7 => self.pass(8),
            8 => {
                let n = self.unsigned()?;
                self.pass(n)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let n = match byte >> 4 {
                    15 => self.unsigned()?,
                    n => u64::from(n),
                };
                // Within a list a truth is a byte.
                let kind = if byte & 15 <= 2 { 3 } else { byte & 15 };
                (0..n).try_for_each(|_| self.skip(kind, depth + 1))
            }
            12 => {
                let mut field = 0;
                while let Some((id, kind)) = self.field(field)? {
                    field = id;
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(damaged("a page's header has a field of no known type")),
        }
    }

    /// A zigzag number of variable length.
    fn signed(&mut self) -> io::Result<i64> {
        let bits = self.unsigned()?;
        Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed())
    }

    /// A number of variable length, seven bits a byte.
    fn unsigned(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(damaged("a page's header has a number without an end"))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        self.n_read += 1;
        Ok(byte[0])
    }

    fn pass(&mut self, n: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.from.by_ref().take(n), &mut io::sink())?;
        self.n_read += passed;
        if passed < n {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[u8]) -> io::Result<([i64; 2], u64)> {
        let mut header = Header {
            from: bytes,
            n_read: 0,
        };
        let sizes = header.sizes()?;
        Ok((sizes, header.n_read))
    }

    #[test]
    fn a_header_worked_by_hand_gives_its_sizes_and_its_length() {
        // Type 0, unpacked 300, packed 40; statistics in a struct with a text, a list and a truth.
        let header = [
            0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x50, 0x2c, 0x15, 0x06, 0x18, 0x02, b'a', b'b',
            0x19, 0x25, 0x02, 0x04, 0x11, 0x00, 0x00, 0xff,
        ];
        assert_eq!(sizes(&header).unwrap(), ([300, 40], 21));
    }

    #[test]
    fn a_header_that_makes_no_sense_is_an_error() {
        for bytes in [
            &[][..],
            &[0x00],
            &[0x15, 0x00, 0x15],
            &[0x15, 0x00, 0x15, 0x02, 0x00],
            &[0x1d, 0x00],
            &[
                0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
            ],
            &[0x18, 0xff, 0xff, 0x03, b'a'],
            &[0x1c; 40],
        ] {
            assert!(sizes(bytes).is_err(), "{bytes:x?}");
        }
    }
}
