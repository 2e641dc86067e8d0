//! A datalist as MONAI and the Medical Segmentation Decathlon have it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, anyhow};
use hardslice_data::balance::PlanEntry;
use hardslice_data::split::Fold;
use hardslice_data::store::StoredCase;
use hardslice_volume::dicom::list_series;
use hardslice_volume::{Action, describe_labels};
use serde_json::{Map, Value, json};

use super::{Export, label_placement, write_json};

/// `training` has an item for each slice of the plan: the scan and its labels, where the slice lies
/// in them (`axis`, `index`), and its `weight`, as `WeightedRandomSampler` takes it. `validation`
/// and `test` have one for each scan.
pub(super) fn write(export: &Export, out: &Path) -> anyhow::Result<()> {
    export.check_annotations()?;
    let listed = export.plan.entries().iter();
    let mut listed: BTreeSet<usize> = listed.map(|entry| entry.slice.case()).collect();
    listed.extend(
        [Fold::Validation, Fold::Test]
            .into_iter()
            .flat_map(|fold| export.cases_of(fold)),
    );
    for place in listed {
        check_readable(&export.store.cases()[place])?;
    }
    let mut labels = Map::new();
    labels.insert("0".to_owned(), json!("background"));
    for entry in export
        .organs
        .iter()
        .map(|organ| &export.store.organs().entries()[organ.idx()])
    {
        for value in &entry.labels {
            labels.insert(value.to_string(), json!(entry.organ.to_string()));
        }
    }
    for value in export.store.ignored_labels() {
        labels.insert(value.to_string(), json!("ignore"));
    }
    let slice = |entry: &PlanEntry| {
        let mut item = files(export.case(entry.slice))?;
        let place = export.file_slice(entry.slice);
        item.insert("z".to_owned(), json!(entry.slice.z));
        item.insert("axis".to_owned(), json!(place.axis));
        item.insert("index".to_owned(), json!(place.index));
        item.insert("weight".to_owned(), json!(entry.weight));
        item.insert("reason".to_owned(), json!(entry.reason.name()));
        Ok(item)
    };
    let scans = |fold: Fold| {
        let cases = export.cases_of(fold).into_iter();
        let scans = cases.map(|place| files(&export.store.cases()[place]));
        scans.collect::<anyhow::Result<Vec<_>>>()
    };
    let training = export.plan.entries().iter().map(slice);
    let training: Vec<_> = training.collect::<anyhow::Result<_>>()?;
    write_json(
        out,
        &json!({
            "name": NAME,
            "description": DESCRIPTION,
            "tensorImageSize": "3D",
            "modality": {"0": "CT"},
            "labels": labels,
            "numTraining": training.len(),
            "training": training,
            "validation": scans(Fold::Validation)?,
            "test": scans(Fold::Test)?,
        }),
    )
}

/// Whether a datalist was written here: any other may be the list of somebody's cohort.
pub(super) fn is_own(datalist: &Value) -> bool {
    datalist["name"] == NAME && datalist["description"] == DESCRIPTION
}

const NAME: &str = "hardslice";
const DESCRIPTION: &str = "slices of a sampling plan with their weights";

/// Refuses what a reader of files would take for something else than the store does.
fn check_readable(case: &StoredCase) -> anyhow::Result<()> {
    let refused = |what: &str| {
        anyhow!(
            "{what}, which MONAI would read otherwise: export --format nnunet, whose slices are written \
             anew (`{}`: {})",
            case.id,
            case.source
                .labels
                .as_ref()
                .unwrap_or(&case.source.image)
                .display()
        )
    };
    let image = &case.source.image;
    let is_one_of_several = case.source.series_uid.is_some()
        || image.is_dir() && list_series(image).is_ok_and(|series| series.len() > 1);
    if is_one_of_several {
        return Err(refused("the scan is one of several series in its folder"));
    }
    let Some(path) = &case.source.labels else {
        return Ok(());
    };
    if describe_labels(path)?.has_names {
        return Err(refused("the labels go by the names of structures"));
    }
    let placement = label_placement(case)?;
    if placement.is_some_and(|labels| labels.orientation != case.placement.orientation) {
        return Err(refused("the labels have other axes than the scan"));
    }
    Ok(())
}

/// A scan and its labels.
fn files(case: &StoredCase) -> anyhow::Result<Map<String, Value>> {
    let mut files = Map::new();
    files.insert("case".to_owned(), json!(case.id.as_str()));
    files.insert("image".to_owned(), absolute(&case.source.image)?);
    if let Some(labels) = &case.source.labels {
        files.insert("label".to_owned(), absolute(labels)?);
    }
    Ok(files)
}

fn absolute(path: &Path) -> anyhow::Result<Value> {
    let absolute = std::path::absolute(path).map_err(Action::Read.on(path))?;
    let text = absolute.to_str();
    let text = text.with_context(|| format!("the path is not UTF-8: {}", absolute.display()))?;
    Ok(json!(text))
}
