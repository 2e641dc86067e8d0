//! Organs on the command line, with the label values or the structures that make them:
//! `--label kidney=2,3`, `--label kidney=kidney_left,kidney_right`.

use anyhow::{Context, anyhow};
use hardslice_data::{NameError, Organ, OrganLabels, OrganMap};

/// One organ, by its name.
pub(super) fn organ(name: &str) -> Result<Organ, NameError> {
    Organ::new(name)
}

/// The organs given; `None` when none are.
pub(super) fn organ_map(labels: &[String]) -> anyhow::Result<Option<OrganMap>> {
    if labels.is_empty() {
        return Ok(None);
    }
    let organs = parsed("--label", labels)?;
    Ok(Some(OrganMap::from_entries(organs)?))
}

/// The organs of a map as predictions have them, by `--prediction-label`; `None` where they have them as the
/// truth does.
pub(super) fn predicted_map(
    organs: Option<&OrganMap>,
    labels: &[String],
) -> anyhow::Result<Option<OrganMap>> {
    const OPTION: &str = "--prediction-label";
    let others = parsed(OPTION, labels)?;
    match organs {
        Some(organs) if !labels.is_empty() => Ok(Some(organs.with_labels(others).context(OPTION)?)),
        _ => Ok(None),
    }
}

fn parsed(option: &str, labels: &[String]) -> anyhow::Result<Vec<OrganLabels>> {
    let organs = labels.iter().map(|text| parse(option, text));
    organs.collect()
}

/// `kidney=2,3`, `kidney=kidney_left,kidney_right`, both mixed, or `kidney`, a structure of its own
/// name.
fn parse(option: &str, text: &str) -> anyhow::Result<OrganLabels> {
    let (organ, given) = text.split_once('=').unwrap_or((text, text));
    let wanted = "wanted ORGAN=VALUES as kidney=2,3 (whole numbers up to 65535, with commas between \
         them), or ORGAN=NAMES as \
         kidney=kidney_left,kidney_right";
    let (mut labels, mut structures) = (Vec::new(), Vec::new());
    for item in given.split(',').map(str::trim) {
        // A minus or a point is a value that was mistyped, and no structure's name.
        let is_number = item
            .split_whitespace()
            .all(|part| part.parse::<f64>().is_ok());
        match item.parse::<u16>() {
            Ok(label) => labels.push(label),
            Err(_) if item.is_empty() || is_number => {
                return Err(anyhow!("{option} is `{text}`, {wanted}"));
            }
            Err(_) => structures.push(item.to_owned()),
        }
    }
    Ok(OrganLabels {
        organ: Organ::new(organ)?,
        labels,
        structures,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(labels: &[&str]) -> anyhow::Result<Option<OrganMap>> {
        let labels: Vec<String> = labels.iter().map(|&label| label.to_owned()).collect();
        organ_map(&labels)
    }

    #[test]
    fn organs_are_given_by_values_and_by_names() {
        let organs = read(&["liver", "kidney=kidney_left, kidney_right", "spleen=3,lien"]);
        let text = organs.unwrap().unwrap().to_string();
        assert_eq!(
            text,
            "liver = [liver], kidney = [kidney_left, kidney_right], spleen = [3, lien]"
        );
        assert!(read(&[]).unwrap().is_none(), "none given");
        for wrong in [
            "kidney=",
            "kidney=-1",
            "kidney=1.5",
            "kidney=2,,3",
            "kidney=70000",
            "kidney=2 3",
            "=2",
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
