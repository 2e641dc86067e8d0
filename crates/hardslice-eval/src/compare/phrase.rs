//! Numbers in sentences.

/// `1 seed`, `3 seeds`.
pub fn counted(n: usize, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// A number with its sign, and none on what is rounded to 0.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if shows_0(digits) => digits.to_owned(),
        Some(digits) => format!("\u{2212}{digits}"),
        None => text,
    }
}

/// Decimals, `least` or more, that leave no end of an interval rounded to 0: they show on which side
/// of 0 it lies.
pub(crate) fn decimals_beside_0(least: usize, ends: [f64; 2]) -> usize {
    let hides_side = |decimals: usize| {
        let mut texts = ends.iter().map(|end| format!("{:.decimals$}", end.abs()));
        texts.any(|text| shows_0(&text))
    };
    (least..12)
        .find(|decimals| !hides_side(*decimals))
        .unwrap_or(least)
}

fn shows_0(digits: &str) -> bool {
    digits.chars().all(|c| matches!(c, '0' | '.'))
}

/// A share in per cent, with one decimal where it takes one, and with more where it would be rounded
/// to 100 that is less.
pub fn percent(share: f64) -> String {
    let rounded = |decimals: i32| {
        let scale = 10_f64.powi(decimals);
        (100.0 * share * scale).round() / scale
    };
    let is_whole = |percent: &f64| *percent >= 100.0 && share < 1.0;
    let mut found = (1..12).map(rounded).skip_while(is_whole);
    found.next().unwrap_or(100.0 * share).to_string()
}

/// A sentence's beginning: the text with its first letter in upper case.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
