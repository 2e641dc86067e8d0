//! Which fragments of compressed pixel data make a frame.

use std::borrow::Cow;

use super::DecodeError;

/// Bytes of an item's tag and length, which offsets count too.
const ITEM_HEADER: u64 = 8;

/// The bytes of frame `index` of `n_frames`.
///
/// One fragment a frame is the usual case. Where a frame spreads over several, the offset table
/// tells where each begins, counted from the first byte of the first item (PS3.5 A.4).
pub(super) fn of_frame<'a>(
    fragments: &'a [Vec<u8>],
    offsets: &[u64],
    index: usize,
    n_frames: usize,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let unclear = DecodeError::Fragments {
        n_fragments: fragments.len(),
        n_frames,
    };
    if fragments.len() == n_frames {
        return fragments
            .get(index)
            .map(|bytes| Cow::Borrowed(&bytes[..]))
            .ok_or(unclear);
    }
    // Several images in a file that announces one: the others would be dropped without a word.
    let begins_image =
        |bytes: &Vec<u8>| bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(&[0xFF, 0x4F]);
    if n_frames == 1 && (offsets.len() > 1 || fragments.iter().all(begins_image)) {
        return Err(unclear);
    }
    if n_frames == 1 && !fragments.is_empty() {
        return Ok(Cow::Owned(fragments.concat()));
    }
    if offsets.len() != n_frames {
        return Err(unclear);
    }
    let Some(&start) = offsets.get(index) else {
        return Err(unclear);
    };
    let end = offsets.get(index + 1).copied().unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let mut at = 0;
    for fragment in fragments {
        if (start..end).contains(&at) {
            bytes.extend_from_slice(fragment);
        }
        at += fragment.len() as u64 + ITEM_HEADER;
    }
    if bytes.is_empty() {
        Err(unclear)
    } else {
        Ok(Cow::Owned(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments() -> Vec<Vec<u8>> {
        vec![b"ab".to_vec(), b"cdef".to_vec(), b"gh".to_vec()]
    }

    #[test]
    fn two_fragments_of_one_frame_are_joined_by_the_offset_table() {
        // Items start at 0, 10 and 22; frame 1 is the second and third.
        let fragments = fragments();
        let frame = |index| of_frame(&fragments, &[0, 10], index, 2).unwrap();
        assert_eq!(&*frame(0), b"ab", "first frame");
        assert_eq!(&*frame(1), b"cdefgh", "second frame");
    }

    #[test]
    fn a_single_frame_needs_no_offset_table() {
        assert_eq!(
            &*of_frame(&fragments(), &[], 0, 1).unwrap(),
            b"abcdefgh",
            "all of them"
        );
    }

    #[test]
    fn more_fragments_than_frames_without_an_offset_table_are_refused() {
        let err = of_frame(&fragments(), &[], 0, 2).unwrap_err();
        assert!(
            err.to_string().starts_with("3 fragments hold 2 frames"),
            "{err}"
        );
    }
}
