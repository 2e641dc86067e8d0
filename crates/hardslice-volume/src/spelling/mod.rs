//! Names that people take for one, though their bytes differ.
//!
//! # Sources
//!
//! The Unicode Standard, 3.11 (canonical decomposition) and 3.12 (Hangul); the table is that of
//! Unicode 14.0.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A character and the one or two that it stands for.
static DECOMPOSITIONS: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let lines = include_str!("decompositions.txt").lines();
    let entries = lines.filter(|line| !line.starts_with('#')).map(|line| {
        let mut characters = line.split(' ').map(|hex| {
            let code = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
            code.expect("the table holds characters as hexadecimal numbers")
        });
        let composed = characters.next().expect("no line of the table is empty");
        (composed, characters.collect())
    });
    entries.collect()
});

/// A name in the form in which names are compared: without regard to the case of letters and to
/// whether an accent stands in its letter or behind it.
///
/// macOS gives the names of files with accents behind their letters (NFD), nearly all others with
/// one character for both (NFC). Characters are taken apart as Unicode's canonical decomposition
/// does, marks (U+0300 to U+036F) that follow each other are put in one order, and capitals become
/// small letters. Letters with and without accents stay different. Empty where the name is.
///
/// ```
/// use hardslice_volume::spelling::folded;
///
/// assert_eq!(folded("M\u{fc}ller"), folded("Mu\u{308}LLER"));
/// assert_ne!(folded("M\u{fc}ller"), folded("Muller"));
/// ```
pub fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let mut parts = Vec::new();
    name.chars().for_each(|c| take_apart(c, &mut parts));
    let small = parts.into_iter().flat_map(char::to_lowercase);
    // The sigma at the end of a word has a small letter of its own.
    let mut small: Vec<char> = small.map(|c| if c == 'ς' { 'σ' } else { c }).collect();
    for marks in small.chunk_by_mut(|a, b| is_mark(*a) && is_mark(*b)) {
        marks.sort_unstable();
    }
    small.into_iter().collect()
}

/// A name as a message shows it beside another one of the same look: with the numbers of its
/// characters beyond ASCII, where it has some.
///
/// ```
/// use hardslice_volume::spelling::shown;
///
/// assert_eq!(shown("M\u{fc}ller"), "`M\u{fc}ller` (U+00FC)");
/// assert_eq!(shown("p1"), "`p1`");
/// ```
pub fn shown(name: &str) -> String {
    let beyond = name.chars().filter(|c| !c.is_ascii());
    let codes: Vec<String> = beyond.map(|c| format!("U+{:04X}", u32::from(c))).collect();
    if codes.is_empty() {
        format!("`{name}`")
    } else {
        format!("`{name}` ({})", codes.join(" "))
    }
}

fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn take_apart(c: char, parts: &mut Vec<char>) {
    if let Some(syllable) = u32::from(c).checked_sub(0xAC00)
        && syllable < 11_172
    {
        let jamo = |code| char::from_u32(code).expect("Hangul's parts are characters");
        parts.push(jamo(0x1100 + syllable / 588));
        parts.push(jamo(0x1161 + syllable % 588 / 28));
        if !syllable.is_multiple_of(28) {
            parts.push(jamo(0x11A7 + syllable % 28));
        }
        return;
    }
    match DECOMPOSITIONS.get(&c) {
        Some(inner) => inner.iter().for_each(|c| take_apart(*c, parts)),
        None => parts.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second of each is what `unicodedata.normalize("NFD", ...)` of Python 3.11 gives for the
    /// first.
    #[test]
    fn names_in_the_two_forms_of_unicode_are_one() {
        for (composed, taken_apart) in [
            ("M\u{fc}ller", "Mu\u{308}ller"),
            ("\u{c5}ngstr\u{f6}m", "A\u{30a}ngstro\u{308}m"),
            ("Nguy\u{1ec5}n", "Nguye\u{302}\u{303}n"),
            ("b\u{1ec7}nh", "be\u{323}\u{302}nh"),
            ("\u{439}", "\u{438}\u{306}"),
            ("\u{30ac}", "\u{30ab}\u{3099}"),
            (
                "\u{d55c}\u{ae00}",
                "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}",
            ),
            ("\u{ac00}", "\u{1100}\u{1161}"),
            ("\u{3ac}", "\u{3b1}\u{301}"),
            ("\u{212b}", "A\u{30a}"),
        ] {
            assert_eq!(folded(composed), folded(taken_apart), "{composed}");
        }
        assert_eq!(
            folded("e\u{302}\u{323}"),
            folded("\u{1ec7}"),
            "any order of marks"
        );
    }

    #[test]
    fn names_that_differ_by_more_than_case_and_form_stay_different() {
        assert_eq!(folded("P0"), folded("p0"));
        assert_eq!(folded("M\u{dc}LLER"), folded("mu\u{308}ller"));
        assert_eq!(folded("ΟΔΟΣ"), folded("οδος"));
        for (one, other) in [
            ("M\u{fc}ller", "Muller"),
            ("e\u{301}", "e\u{300}"),
            ("p1", "p01"),
        ] {
            assert_ne!(folded(one), folded(other), "{one}, {other}");
        }
    }
}
