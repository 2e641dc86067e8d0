//! Organs and their label values on the command line: `--label kidney=2,3`.

use anyhow::{Context, anyhow};
use hardslice_data::{NameError, Organ, OrganMap};

/// One organ, by its name.
pub(super) fn organ(name: &str) -> Result<Organ, NameError> {
    Organ::new(name)
}

/// The organs given; `None` when none are.
pub(super) fn organ_map(labels: &[String]) -> anyhow::Result<Option<OrganMap>> {
    if labels.is_empty() {
        return Ok(None);
    }
    let organs = labels
        .iter()
        .map(|text| parse(text))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Some(OrganMap::new(organs)?))
}

fn parse(text: &str) -> anyhow::Result<(Organ, Vec<u16>)> {
    let (organ, values) = text
        .split_once('=')
        .ok_or_else(|| anyhow!("--label is `{text}`, wanted ORGAN=VALUES as kidney=2,3"))?;
    let values = values.split(',').map(|value| value.trim().parse::<u16>());
    let values = values
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("--label is `{text}`, wanted whole numbers after `=`"))?;
    Ok((Organ::new(organ)?, values))
}
