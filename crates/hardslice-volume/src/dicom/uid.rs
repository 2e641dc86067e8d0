//! UIDs that follow from what they name, so that the same input gives the same file.

use blake3::Hasher;

/// A UID for something that `parts` decide together: the decimal form of a UUID below 2.25 (PS3.5
/// B.2), whose bits are a hash of them. Parts in another order, or cut otherwise, give another UID.
pub(super) fn derived_uid<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Hasher::new_derive_key("hardslice 2026 UIDs of DICOM objects");
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    // Version 8 (a hash of one's own) and the variant of RFC 9562.
    uuid[6] = uuid[6] & 0x0F | 0x80;
    uuid[8] = uuid[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(uuid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_well_formed_and_follows_from_its_parts_alone() {
        let of = |parts: &[&str]| derived_uid(parts.iter().map(|part| part.as_bytes()));
        let uid = of(&["a", "bc"]);
        assert_eq!(uid, of(&["a", "bc"]));
        for other in [of(&["ab", "c"]), of(&["bc", "a"]), of(&["a", "bc", ""])] {
            assert_ne!(uid, other);
        }
        let number: u128 = uid.strip_prefix("2.25.").unwrap().parse().unwrap();
        let hex = format!("{number:032x}");
        assert_eq!(&hex[12..13], "8", "the version");
        assert!("89ab".contains(&hex[16..17]), "the variant");
        assert!(uid.len() <= 64, "PS3.5 9.1");
    }
}
