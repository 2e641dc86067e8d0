//! Which organ is another one's mirror image, by name.

/// The lower-case name with left and right exchanged, the same name where it has no side.
pub(super) fn other_side(name: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric();
    let mut swapped = String::with_capacity(name.len() + 1);
    let mut rest = name;
    while !rest.is_empty() {
        let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        swapped.push_str(&other_side_of_word(word));
        rest = &rest[word.len()..];
        let gap = &rest[..rest.find(is_word).unwrap_or(rest.len())];
        swapped.push_str(gap);
        rest = &rest[gap.len()..];
    }
    swapped
}

/// `left`, `l`, `leftkidney` and `kidneyleft` to the right, and back.
fn other_side_of_word(word: &str) -> String {
    match word {
        "l" => return "r".to_owned(),
        "r" => return "l".to_owned(),
        _ => {}
    }
    for (side, other) in [("left", "right"), ("right", "left")] {
        if let Some(rest) = word.strip_prefix(side) {
            return format!("{other}{rest}");
        }
        if let Some(rest) = word.strip_suffix(side) {
            return format!("{rest}{other}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_side_is_exchanged() {
        for (name, other) in [
            ("kidney_left", "kidney_right"),
            ("left_kidney", "right_kidney"),
            ("kidney_l", "kidney_r"),
            ("l-kidney", "r-kidney"),
            ("left kidney", "right kidney"),
            ("lung_upper_lobe_left", "lung_upper_lobe_right"),
            ("leftkidney", "rightkidney"),
            ("kidneyleft", "kidneyright"),
        ] {
            assert_eq!(other_side(name), other, "to the other side");
            assert_eq!(other_side(other), name, "and back");
        }
        for name in ["liver", "gall_bladder", "lr", "l4"] {
            assert_eq!(other_side(name), name, "no side");
        }
    }
}
