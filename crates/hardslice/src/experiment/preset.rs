//! The presets: what an experiment's file leaves open.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

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
}

/// Fills an experiment's own table in from its preset; `laptop` where it names none.
pub(super) fn with_preset(own: Table) -> Result<Table, String> {
    let named = |value: &Value| {
        let mut presets = Preset::ALL.into_iter();
        let preset = presets.find(|preset| value.as_str() == Some(preset.name()));
        preset.ok_or_else(|| {
            let found = value.as_str().map_or(value.to_string(), str::to_owned);
            let known = Preset::ALL.map(Preset::name).join(", ");
            format!("there is no preset `{found}`; the presets are {known}")
        })
    };
    let preset = own.get("preset").map_or(Ok(Preset::Laptop), named)?;
    let mut merged: Table = toml::from_str(preset.text()).map_err(|error| error.to_string())?;
    merged.insert("preset".to_owned(), Value::from(preset.name()));
    merge(&mut merged, own);
    // One seed for all of it, where the file does not give the split one of its own.
    let seed = merged.get("seed").cloned().unwrap_or(Value::from(0));
    let split = merged.entry("split").or_insert_with(|| Table::new().into());
    // What is no table is refused with all else that is wrong.
    if let Some(split) = split.as_table_mut() {
        split.entry("seed").or_insert(seed);
    }
    Ok(merged)
}

/// Tables are merged key by key, all else is replaced. A table that chooses between kinds (`loss`,
/// `rule`) is replaced as a whole: the keys of one kind mean nothing to another.
fn merge(base: &mut Table, own: Table) {
    const CHOICES: [&str; 2] = ["loss", "rule"];
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(own)) if !CHOICES.contains(&key.as_str()) => {
                merge(base, own);
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
