//! Spaces and vectors as NRRD writes them.

/// Signs that bring a space to RAS; `None` for a space that says nothing about the patient.
pub(super) fn to_ras(name: &str) -> Option<[f64; 3]> {
    Some(match name.to_lowercase().as_str() {
        "right-anterior-superior" | "ras" => [1.0, 1.0, 1.0],
        "left-anterior-superior" | "las" => [-1.0, 1.0, 1.0],
        "left-posterior-superior" | "lps" => [-1.0, -1.0, 1.0],
        _ => return None,
    })
}

/// Vectors such as `none (0.8,0,0) (0, 0.8, 0) (0,0,5)`; `None` when the text is something else.
pub(super) fn vectors(text: &str) -> Option<Vec<Option<[f64; 3]>>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("none") {
            found.push(None);
            rest = behind.trim_start();
            continue;
        }
        let (inside, behind) = rest.strip_prefix('(')?.split_once(')')?;
        let numbers: Vec<f64> = inside
            .split(',')
            .map(|number| number.trim().parse())
            .collect::<Result<_, _>>()
            .ok()?;
        found.push(Some(numbers.try_into().ok()?));
        rest = behind.trim_start();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_with_and_without_spaces() {
        let want = Some(vec![None, Some([0.5, 0.0, 0.0]), Some([0.0, -1e-3, 2.0])]);
        assert_eq!(
            vectors("none (0.5,0,0) (0, -1e-3, 2)"),
            want,
            "layers first"
        );
        assert_eq!(
            vectors(" (1,2,3)"),
            Some(vec![Some([1.0, 2.0, 3.0])]),
            "one"
        );
        for wrong in ["(1,2)", "(1,2,3", "1,2,3", "(a,b,c)"] {
            assert_eq!(vectors(wrong), None, "`{wrong}`");
        }
    }
}
