//! Reading a map of organs from a configuration.

use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{OrganLabels, OrganMap};
use crate::Organ;

impl<'de> Deserialize<'de> for OrganMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableOrList)
    }
}

struct TableOrList;

/// What stands behind an organ's name: `1`, `"kidney_left"` or a list of either.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a label value, a structure's name or a list of them was wanted"
)]
enum OneOrMany {
    One(LabelOrStructure),
    Many(Vec<LabelOrStructure>),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a label value from 1 to 65535 or a structure's name was wanted"
)]
enum LabelOrStructure {
    Label(u16),
    Structure(String),
}

fn sorted_out(organ: Organ, given: OneOrMany) -> OrganLabels {
    let given = match given {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    };
    let (mut labels, mut structures) = (Vec::new(), Vec::new());
    for item in given {
        match item {
            LabelOrStructure::Label(label) => labels.push(label),
            LabelOrStructure::Structure(name) => {
                // `"1"`: a label map has no names, so that a number in quotes is its value; a mask
                // that is called so is meant, too.
                labels.extend(name.trim().parse::<u16>());
                structures.push(name);
            }
        }
    }
    OrganLabels {
        organ,
        labels,
        structures,
    }
}

impl<'de> Visitor<'de> for TableOrList {
    type Value = OrganMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of organs and their label values, as { liver = [1], kidney = [2, 3] }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OrganMap, A::Error> {
        let mut organs = Vec::new();
        while let Some((organ, given)) = map.next_entry::<Organ, OneOrMany>()? {
            organs.push(sorted_out(organ, given));
        }
        OrganMap::from_entries(organs).map_err(de::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OrganMap, A::Error> {
        let mut organs = Vec::new();
        while let Some(entry) = list.next_element()? {
            organs.push(entry);
        }
        OrganMap::from_entries(organs).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_from_a_table_or_a_list_and_keeps_its_order() {
        let table = r#"{"spleen": 4, "kidney": [3, 2, "kidney_left"]}"#;
        let organs: OrganMap = serde_json::from_str(table).unwrap();
        let list = serde_json::to_string(&organs).unwrap();
        assert_eq!(
            list,
            r#"[{"organ":"spleen","labels":[4]},{"organ":"kidney","labels":[2,3],"structures":["kidney_left"]}]"#,
            "written as a list"
        );
        assert_eq!(
            serde_json::from_str::<OrganMap>(&list).unwrap(),
            organs,
            "from a list"
        );
        let toml = "spleen = 4\nkidney = [3, 2, 'kidney_left']";
        assert_eq!(
            toml::from_str::<OrganMap>(toml).unwrap(),
            organs,
            "TOML keeps the order"
        );
    }

    #[test]
    fn a_number_in_quotes_is_the_value_and_the_name_of_a_mask() {
        let organs: OrganMap = toml::from_str("liver = '1'\nkidney = [2, '3']").unwrap();
        assert_eq!(organs.to_string(), "liver = [1], kidney = [2, 3]");
        assert_eq!(organs.store_values()[..4], [0, 1, 2, 2]);
        assert!(
            organs.knows("1") && organs.knows("3"),
            "masks of these names"
        );
        assert!(
            toml::from_str::<OrganMap>("liver = '0'").is_err(),
            "the background"
        );
    }

    #[test]
    fn a_contradiction_is_found_while_reading() {
        let message = |json| {
            serde_json::from_str::<OrganMap>(json)
                .unwrap_err()
                .to_string()
        };
        let shared = message(r#"{"a": [1], "b": [1]}"#);
        assert!(shared.contains("label 1 belongs to both"), "{shared}");
        let negative = message(r#"{"a": [-1]}"#);
        assert!(
            negative.contains("a label value, a structure's name"),
            "{negative}"
        );
    }
}
