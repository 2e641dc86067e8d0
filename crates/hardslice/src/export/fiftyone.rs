//! A dataset of slices for FiftyOne, to look through what a mining decided.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hardslice_data::mining::Decision;
use hardslice_data::mining::ledger::{self, LedgerRow};
use hardslice_data::store::{IGNORED, Store};
use hardslice_data::{CaseId, Organ};
use hardslice_view::picture::Picture;
use hardslice_view::section::Section;
use hardslice_volume::Action;
use hardslice_volume::whole_file::write_whole_bytes;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::write_json;
use crate::bars::Bars;
use crate::folder_lock::FolderLock;
use crate::outputs;

/// A ledger, and the slices that it is of.
#[derive(Debug)]
pub(crate) struct LedgerExport {
    store: Store,
    ledger: PathBuf,
    rows: Vec<LedgerRow>,
}

/// The slices of a ledger, with a row for each organ.
type Slices<'a> = BTreeMap<(&'a CaseId, u32), Vec<&'a LedgerRow>>;

/// What FiftyOne calls the field of the labels, and the folder of their masks.
const TRUTH: &str = "truth";

impl LedgerExport {
    /// Reads the rows of some organs.
    pub(crate) fn read(store: &Path, ledger: &Path, organs: &[Organ]) -> anyhow::Result<Self> {
        let store = Store::open(store)?;
        let mut rows = ledger::read(ledger)?;
        rows.retain(|row| organs.contains(&row.organ));
        if rows.is_empty() {
            return Err(anyhow!(
                "the ledger has no slice that was scored for {}: {}",
                organs
                    .iter()
                    .map(Organ::as_str)
                    .collect::<Vec<_>>()
                    .join(" or "),
                ledger.display()
            ));
        }
        Ok(Self {
            store,
            ledger: ledger.to_owned(),
            rows,
        })
    }

    /// Writes the layout of FiftyOne's `LegacyFiftyOneDataset`, which knows no version of its database:
    /// `data/` with each slice as it hangs on a light box, `fields/truth/` with its labels,
    /// `samples.json` with what the ledger says of it, and `metadata.json`.
    pub(crate) fn write(&self, out: &Path, bars: &Bars) -> anyhow::Result<()> {
        outputs::refuse_within(out, self.store.dir())?;
        let scans = self
            .store
            .cases()
            .iter()
            .flat_map(|case| case.source.inputs());
        let mut read = scans
            .map(PathBuf::as_path)
            .chain([self.store.dir(), self.ledger.as_path()]);
        read.try_for_each(|path| outputs::refuse_around(out, path))?;
        outputs::refuse_in_round(out)?;
        let metadata = out.join("metadata.json");
        outputs::refuse_over_other_json(&metadata, is_own)?;
        if !metadata.exists() {
            // Samples without a description of ours are somebody's.
            outputs::refuse_over_other_json(&out.join("samples.json"), |_| false)?;
        }
        let prefixes = self.prefixes()?;
        let slices = self.slices()?;
        let _lock = FolderLock::of(out)?;
        let n_slices = slices.len();
        bars.begin("export", n_slices as u64, 0);
        let done = std::sync::atomic::AtomicU64::new(0);
        let samples = slices.par_iter().map(|((case, z), rows)| {
            let sample = self.sample(case, *z, rows, &prefixes, out)?;
            bars.advance(1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(sample)
        });
        let samples: Vec<Value> = samples.collect::<anyhow::Result<_>>()?;
        bars.end();
        let mut targets = Map::new();
        for (value, organ) in (1_u8..).zip(self.store.organs().organs()) {
            targets.insert(value.to_string(), json!(organ.as_str()));
        }
        targets.insert(IGNORED.to_string(), json!("not judged"));
        write_json(&out.join("samples.json"), &json!({ "samples": samples }))?;
        write_json(
            &out.join("metadata.json"),
            &json!({
                "name": "hardslice",
                "media_type": "image",
                "sample_fields": fields(prefixes.values().map(String::as_str)),
                "info": { "made_by": MADE_BY, "mask_targets": { TRUTH: targets } },
            }),
        )?;
        bars.line(
            "next: fiftyone.Dataset.from_dir(DIR, dataset_type=fiftyone.types.LegacyFiftyOneDataset)",
        );
        Ok(())
    }

    /// What the fields of each organ begin with: letters, digits and underscores, as FiftyOne wants.
    fn prefixes(&self) -> anyhow::Result<BTreeMap<&Organ, String>> {
        let mut prefixes: BTreeMap<&Organ, String> = BTreeMap::new();
        for row in &self.rows {
            let plain = |letter: char| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '_'
                }
            };
            let prefix: String = row.organ.as_str().chars().map(plain).collect();
            let prefix = prefix.trim_start_matches('_').to_owned();
            let other = prefixes
                .iter()
                .find(|(organ, taken)| **organ != &row.organ && **taken == prefix);
            if let Some((other, _)) = other {
                return Err(anyhow!(
                    "fields of FiftyOne would be called alike for `{other}` and `{}`: export one organ \
                     at a time",
                    row.organ
                ));
            }
            prefixes.insert(&row.organ, prefix);
        }
        Ok(prefixes)
    }

    /// The rows of each slice.
    fn slices(&self) -> anyhow::Result<Slices<'_>> {
        let mut slices = Slices::new();
        for row in &self.rows {
            let place = self.store.place_of(row.case.as_str());
            let n_slices = place.map_or(0, |place| self.store.cases()[place].n_slices);
            if row.z as usize >= n_slices {
                return Err(anyhow!(
                    "the ledger is of another cohort: slice {} of `{}` is not in {} ({})",
                    row.z,
                    row.case,
                    self.store.dir().display(),
                    self.ledger.display()
                ));
            }
            slices.entry((&row.case, row.z)).or_default().push(row);
        }
        Ok(slices)
    }

    /// Writes a slice's pictures and gives its record.
    fn sample(
        &self,
        case: &CaseId,
        z: u32,
        rows: &[&LedgerRow],
        prefixes: &BTreeMap<&Organ, String>,
        out: &Path,
    ) -> anyhow::Result<Value> {
        let place = self.store.place_of(case.as_str());
        let place = place.expect("`slices` has looked for it");
        let (z_place, size) = (z as usize, self.store.size());
        let preprocessing = self.store.options().preprocessing();
        let hu = self.store.image(place, z_place).iter();
        let levels: Vec<f32> = hu.map(|hu| preprocessing.to_unit(f32::from(*hu))).collect();
        let labels = self.store.labels(place, z_place).iter();
        let values: Vec<f32> = labels.map(|value| f32::from(*value) / 255.0).collect();
        let name = format!("{case}_z{z:04}.png");
        let image = format!("data/{name}");
        let mask = format!("fields/{TRUTH}/{name}");
        for (file, levels) in [(&image, &levels), (&mask, &values)] {
            let path = out.join(file);
            let picture = Picture::from_grey(size, size, &Section::hung(levels));
            let png = picture.to_grey_png();
            let png = png.with_context(|| format!("cannot draw {}", path.display()))?;
            write_whole_bytes(&path, &png).map_err(Action::Write.on(&path))?;
        }
        let first = rows.first().expect("a slice of the ledger has a row");
        let mut tags: Vec<&str> = Vec::new();
        if rows.iter().any(|row| row.decision == Decision::Hard) {
            tags.push("hard");
        }
        for found in rows.iter().filter_map(|row| row.triage) {
            if !tags.contains(&found.name()) {
                tags.push(found.name());
            }
        }
        let mut sample = Map::new();
        let mut put = |name: &str, value: Value| sample.insert(name.to_owned(), value);
        put("filepath", json!(image));
        put("tags", json!(tags));
        put("case", json!(case.as_str()));
        put("patient", json!(first.patient.as_str()));
        put("z", json!(z));
        put("slice_spacing_mm", json!(first.slice_spacing_mm));
        put("weight", json!(first.weight));
        put(
            TRUTH,
            json!({ "_cls": "Segmentation", "tags": [], "mask_path": mask }),
        );
        for row in rows {
            let values = [
                class(row.decision.name()),
                class(row.kind.name()),
                class(row.rule.name()),
                row.triage.map_or(Value::Null, |found| class(found.name())),
                json!(row.dice),
                json!(row.tau),
                json!(row.loss),
                json!(row.truth_px),
                json!(row.predicted_px),
                json!(row.shared_px),
                json!(row.reason),
                json!(row.triage_reason),
            ];
            for ((field, _), value) in OF_ORGAN.iter().zip(values) {
                put(&format!("{}_{field}", prefixes[&row.organ]), value);
            }
        }
        Ok(Value::Object(sample))
    }
}

/// A value that FiftyOne shows as a class, and filters by.
fn class(label: &str) -> Value {
    json!({ "_cls": "Classification", "tags": [], "label": label })
}

const CLASS: &str =
    "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Classification)";
const FLOAT: &str = "fiftyone.core.fields.FloatField";
const INTEGER: &str = "fiftyone.core.fields.IntField";
const TEXT: &str = "fiftyone.core.fields.StringField";

/// The fields of an organ, and their types in FiftyOne.
const OF_ORGAN: [(&str, &str); 12] = [
    ("decision", CLASS),
    ("kind", CLASS),
    ("rule", CLASS),
    ("triage", CLASS),
    ("dice", FLOAT),
    ("tau", FLOAT),
    ("loss", FLOAT),
    ("truth_px", INTEGER),
    ("predicted_px", INTEGER),
    ("shared_px", INTEGER),
    ("reason", TEXT),
    ("triage_reason", TEXT),
];

/// All fields with their types, so that one which is empty in the first slice has one, too.
fn fields<'a>(prefixes: impl Iterator<Item = &'a str>) -> Value {
    let of_slice = [
        ("filepath", TEXT),
        (
            "tags",
            "fiftyone.core.fields.ListField(fiftyone.core.fields.StringField)",
        ),
        ("case", TEXT),
        ("patient", TEXT),
        ("z", INTEGER),
        ("slice_spacing_mm", FLOAT),
        ("weight", FLOAT),
        (
            TRUTH,
            "fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.labels.Segmentation)",
        ),
    ];
    let mut fields = Map::new();
    for (name, kind) in of_slice {
        fields.insert(name.to_owned(), json!(kind));
    }
    for prefix in prefixes {
        for (field, kind) in OF_ORGAN {
            fields.insert(format!("{prefix}_{field}"), json!(kind));
        }
    }
    Value::Object(fields)
}

const MADE_BY: &str = "hardslice";

/// Whether a dataset's description was written here.
fn is_own(metadata: &Value) -> bool {
    metadata["info"]["made_by"] == MADE_BY
}
