//! The presets: what an experiment's file leaves open.

use serde::{Deserialize, Serialize};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// A set of values that fit each other and a kind of machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Minutes on two cores; for the demonstration on phantoms.
    Demo,
    /// An evening on a laptop's CPU.
    Laptop,
    /// A day on a graphics card or a server.
    Workstation,
    /// The paper's own values: a million steps, no norm.
    Paper,
}

impl Preset {
    /// All presets, the smallest first.
    pub const ALL: [Self; 4] = [Self::Demo, Self::Laptop, Self::Workstation, Self::Paper];

    /// The preset's name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Laptop => "laptop",
            Self::Workstation => "workstation",
            Self::Paper => "paper",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Demo => include_str!("presets/demo.toml"),
            Self::Laptop => include_str!("presets/laptop.toml"),
            Self::Workstation => include_str!("presets/workstation.toml"),
            Self::Paper => include_str!("presets/paper.toml"),
        }
    }

    fn table(self) -> DeTable<'static> {
        let table = DeTable::parse(self.text()).expect("the presets are TOML, as tests see");
        table.into_inner()
    }
}

/// Fills an experiment's own table in from its preset; `laptop` where it names none. What the file
/// says keeps its place in the file, so that an error points at it.
///
/// # Errors
///
/// In words, when there is no such preset.
pub(super) fn with_preset(own: Spanned<DeTable<'_>>) -> Result<Spanned<DeTable<'_>>, String> {
    let shown = own
        .get_ref()
        .get("preset")
        .map(|name| match name.get_ref() {
            DeValue::Integer(number) => number.to_string(),
            other => other
                .as_str()
                .map_or_else(|| format!("{other:?}"), str::to_owned),
        });
    let name = shown.as_deref().unwrap_or("laptop");
    let preset = Preset::ALL
        .into_iter()
        .find(|preset| preset.name() == name)
        .ok_or_else(|| {
            let known = Preset::ALL.map(Preset::name).join(", ");
            format!("there is no preset `{name}`; the presets are {known}")
        })?;
    let span = own.span();
    let mut merged = placed(preset.table(), &span);
    set(
        &mut merged,
        "preset",
        DeValue::String(preset.name().into()),
        &span,
    );
    merge(&mut merged, own.into_inner());
    // One seed for all of it, where the file does not give the split one of its own.
    if !merged.contains_key("split") {
        set(&mut merged, "split", DeValue::Table(DeTable::new()), &span);
    }
    let seed = merged
        .get("seed")
        .map(|seed| (seed.span(), seed.get_ref().clone()));
    if let Some(DeValue::Table(split)) = merged.get_mut("split").map(Spanned::get_mut)
        && !split.contains_key("seed")
    {
        let (place, seed) = seed.unwrap_or((span.clone(), DeValue::Integer(DeInteger::default())));
        set(split, "seed", seed, &place);
    }
    Ok(Spanned::new(span, merged))
}

fn set<'t>(table: &mut DeTable<'t>, key: &'static str, value: DeValue<'t>, span: &Range<usize>) {
    table.insert(
        Spanned::new(span.clone(), key.into()),
        Spanned::new(span.clone(), value),
    );
}

/// A preset's table with every place in it replaced: it stands in no line of the user's file.
fn placed(table: DeTable<'static>, span: &Range<usize>) -> DeTable<'static> {
    let entries = table.into_iter().map(|(key, value)| {
        let value = match value.into_inner() {
            DeValue::Table(table) => DeValue::Table(placed(table, span)),
            value => value,
        };
        (
            Spanned::new(span.clone(), key.into_inner()),
            Spanned::new(span.clone(), value),
        )
    });
    entries.collect()
}

/// Tables are merged key by key, all else is replaced. A table that chooses between kinds (`loss`,
/// `rule`) is replaced as a whole: the keys of one kind mean nothing to another.
fn merge<'t>(base: &mut DeTable<'t>, own: DeTable<'t>) {
    const CHOICES: [&str; 2] = ["loss", "rule"];
    for (key, value) in own {
        let span = value.span();
        let is_choice = CHOICES.contains(&key.get_ref().as_ref());
        let value = match (base.remove(key.get_ref().as_ref()), value.into_inner()) {
            (Some(of_preset), DeValue::Table(own)) if !is_choice => match of_preset.into_inner() {
                DeValue::Table(mut merged) => {
                    merge(&mut merged, own);
                    DeValue::Table(merged)
                }
                _ => DeValue::Table(own),
            },
            (_, value) => value,
        };
        base.insert(key, Spanned::new(span, value));
    }
}
