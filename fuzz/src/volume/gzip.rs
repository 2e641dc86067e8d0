//! Gzip: whatever the input is, or a good file of members made from it.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use hardslice_volume::{Note, Scan, read_nifti_scan};

use super::scan_both_ways;
use crate::target::names_the_file;

pub(crate) fn run(input: &[u8], folder: &Path) {
    let path = folder.join("packed.nii.gz");
    if let Some((b'm', rest)) = input.split_first() {
        of_members(rest, &path);
    } else {
        fs::write(&path, input).expect("a folder to write to");
        scan_both_ways(&path, "packed.nii.gz");
    }
}

/// A scan of one row whose bytes are parted into members, with padding between them and whatever is
/// left of the input behind them: it reads as it would unpacked.
///
/// The input: the number of voxels, then for each member its bytes of the scan and the zeros behind it.
fn of_members(input: &[u8], path: &Path) {
    let Some((&[n_voxels, n_members], mut rest)) = input.split_first_chunk() else {
        return;
    };
    let scan = scan_of(n_voxels);
    let (mut packed, mut left) = (Vec::new(), &scan[..]);
    for _ in 0..n_members % 8 {
        let Some((&[n_bytes, n_zeros], behind)) = rest.split_first_chunk() else {
            break;
        };
        rest = behind;
        let (member, others) = left.split_at(usize::from(n_bytes).min(left.len()));
        left = others;
        add_member(&mut packed, member);
        // Up to 65,280 zeros, more than any buffer.
        packed.resize(packed.len() + usize::from(n_zeros) * 256, 0);
    }
    add_member(&mut packed, left);
    packed.extend_from_slice(rest);
    fs::write(path, &packed).expect("a folder to write to");
    let garbage = rest.iter().position(|byte| *byte != 0);
    match read_nifti_scan(path) {
        Ok(Scan { volume, notes, .. }) => {
            let wanted = (0..n_voxels.max(1)).map(f32::from).collect::<Vec<_>>();
            assert_eq!(volume.voxels(), wanted, "as it is unpacked");
            let n_behind = notes.iter().find_map(|note| match note {
                Note::BytesBehind { n_bytes, .. } => Some(*n_bytes),
                _ => None,
            });
            if garbage.is_none() {
                assert_eq!(n_behind, None, "padding is nothing to speak of");
            }
        }
        Err(error) => {
            names_the_file(&error, "packed.nii.gz");
            let begins_member = garbage.is_some_and(|at| rest[at..].starts_with(&[0x1f, 0x8b]));
            assert!(
                begins_member,
                "only a broken member is refused, not {error}"
            );
        }
    }
}

fn add_member(packed: &mut Vec<u8>, bytes: &[u8]) {
    let mut member = GzEncoder::new(packed, Compression::fast());
    let written = member.write_all(bytes).and_then(|()| member.try_finish());
    written.expect("memory takes what is written");
}

/// A NIfTI-1 file of one row of bytes that count up.
fn scan_of(n_voxels: u8) -> Vec<u8> {
    let mut file = vec![0; 352];
    file[..4].copy_from_slice(&348_i32.to_le_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    for (axis, length) in [3, i16::from(n_voxels.max(1)), 1, 1]
        .into_iter()
        .enumerate()
    {
        file[40 + 2 * axis..][..2].copy_from_slice(&length.to_le_bytes());
    }
    // Bytes of 8 bits.
    file[70] = 2;
    file[72] = 8;
    for axis in 0..4 {
        file[76 + 4 * axis..][..4].copy_from_slice(&1_f32.to_le_bytes());
        file[280 + 20 * axis.min(2)..][..4].copy_from_slice(&1_f32.to_le_bytes());
    }
    file[108..112].copy_from_slice(&352_f32.to_le_bytes());
    // The pose stands in the sform.
    file[254] = 1;
    file.extend(0..n_voxels.max(1));
    file
}
