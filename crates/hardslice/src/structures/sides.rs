//! Names of organs as they are compared, and their sides.

use hardslice_volume::Side;
use hardslice_volume::spelling::folded;

/// A name without what spellings differ in: the case of letters, and all that is neither letter nor
/// digit (`Spinal-Cord` is `spinalcord`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn of(text: &str) -> Self {
        let text = folded(text);
        Self(
            text.chars()
                .filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric())
                .collect(),
        )
    }
}

/// The name of an organ without its side, and the side: `kidney_left`, `l-kidney` and `LeftKidney`
/// are `kidney` and the left. `None` where it has none, or both.
pub(super) fn without_side(organ: &str) -> Option<(Name, Side)> {
    let organ = folded(organ);
    let (mut name, mut sides) = (String::new(), Vec::new());
    for word in organ.split(|c: char| !c.is_alphanumeric()) {
        let (rest, side) = word_without_side(word);
        name.push_str(rest);
        sides.extend(side);
    }
    match sides[..] {
        [side] if !name.is_empty() => Some((Name(name), side)),
        _ => None,
    }
}

fn word_without_side(word: &str) -> (&str, Option<Side>) {
    match word {
        "l" => return ("", Some(Side::Left)),
        "r" => return ("", Some(Side::Right)),
        _ => {}
    }
    for (text, side) in [("left", Side::Left), ("right", Side::Right)] {
        if let Some(rest) = word.strip_prefix(text).or_else(|| word.strip_suffix(text)) {
            return (rest, Some(side));
        }
    }
    (word, None)
}
