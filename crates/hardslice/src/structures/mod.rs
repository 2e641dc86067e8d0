//! What organs are in a terminology and how viewers should show them: a table of our own, and one
//! that may be given.

mod sides;
mod table;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hardslice_data::Organ;
use hardslice_train::ModelRecord;
use hardslice_volume::{Anatomy, Structure};

use self::sides::{Name, without_side};
use self::table::Row;

/// Colours of organs that no table knows, one after the other.
const OTHERS: [[u8; 3]; 8] = [
    [0xd7, 0x5f, 0x5f],
    [0x5f, 0x87, 0xd7],
    [0x5f, 0xaf, 0x5f],
    [0xd7, 0xaf, 0x5f],
    [0x87, 0x5f, 0xaf],
    [0x5f, 0xaf, 0xaf],
    [0xd7, 0x87, 0xaf],
    [0x87, 0x87, 0x87],
];

/// Codes and colours of organs, by their names.
#[derive(Debug)]
pub(crate) struct StructureTable {
    own: Vec<Row>,
    own_file: Option<PathBuf>,
    known: Vec<Row>,
    /// What had to be assumed of one's own table, for people.
    pub(crate) notes: Vec<String>,
}

impl StructureTable {
    /// The program's table, and before it one's own where a file is given.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a row of it says what cannot be; the row is named.
    pub(crate) fn read(own: Option<&Path>) -> anyhow::Result<Self> {
        let nothing = Ok(<(Vec<Row>, Vec<String>)>::default());
        let (rows, notes) = own.map_or(nothing, Row::read_all)?;
        Ok(Self {
            own: rows,
            own_file: own.map(Path::to_owned),
            known: Row::known(),
            notes,
        })
    }

    /// The structures of a model's label maps, in the order of its outputs.
    pub(crate) fn of_model(&self, record: &ModelRecord) -> Vec<Structure> {
        let outputs = record.outputs().zip(record.organ_names());
        let structures = outputs.enumerate().map(|(place, (output, organ))| {
            let (anatomy, color) = self.find(organ);
            Structure {
                name: organ.to_string(),
                value: record.label_value(output),
                color: color.unwrap_or(OTHERS[place % OTHERS.len()]),
                anatomy,
            }
        });
        structures.collect()
    }

    /// One's own row for an organ; else the program's for it, or for what it is without its side.
    fn find(&self, organ: &Organ) -> (Option<Anatomy>, Option<[u8; 3]>) {
        let name = Name::of(organ.as_str());
        let row = |rows: &[Row], name: &Name| rows.iter().find(|row| row.name == *name).cloned();
        let own = row(&self.own, &name);
        let known = row(&self.known, &name).or_else(|| {
            let (name, side) = without_side(organ.as_str())?;
            let mut row = row(&self.known, &name)?;
            if let Some(anatomy) = &mut row.anatomy {
                anatomy.side = Some(side);
            }
            Some(row)
        });
        let rows = || own.iter().chain(&known);
        (
            rows().find_map(|row| row.anatomy.clone()),
            rows().find_map(|row| row.color),
        )
    }

    /// The organs of one's own table that a model does not find: spelt otherwise than there, or of
    /// another model's.
    pub(crate) fn unused<'t>(&'t self, record: &ModelRecord) -> impl Iterator<Item = &'t str> {
        let names: Vec<Name> = record.organ_names().map(|o| Name::of(o.as_str())).collect();
        let unused = self
            .own
            .iter()
            .filter(move |row| !names.contains(&row.name));
        unused.map(|row| row.organ.as_str())
    }

    /// Refuses structures without a code, which formats of archives cannot be without.
    ///
    /// # Errors
    ///
    /// Says which and what to do.
    pub(crate) fn refuse_without_code(&self, structures: &[Structure]) -> anyhow::Result<()> {
        let without = structures
            .iter()
            .filter(|structure| structure.anatomy.is_none());
        let names: Vec<&str> = without.map(|structure| structure.name.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let table = match &self.own_file {
            Some(file) => format!("give them a row in {}", file.display()),
            None => "name a table of your own with --structures FILE.csv".to_owned(),
        };
        Err(anyhow!(
            "a DICOM segmentation says what each structure is by a code of a terminology, and none \
             is known for {}: {table} (organ,scheme,code,meaning,side,color, as \
             liver_tumour,SCT,108369006,Neoplasm,,#ff0000; codes of your own have a scheme that \
             begins with 99)",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use hardslice_data::OrganMap;
    use hardslice_train::ModelRecord;
    use hardslice_train::net::NetConfig;
    use hardslice_volume::Side;

    use super::*;

    fn record(names: &[&str]) -> ModelRecord {
        let organs = (1..)
            .zip(names)
            .map(|(label, name)| (Organ::new(name).unwrap(), vec![label]));
        let organs = OrganMap::new(organs).unwrap();
        ModelRecord::new(NetConfig::default(), organs, 32, [-150, 250])
    }

    fn codes(table: &StructureTable, names: &[&str]) -> Vec<Option<(String, Option<Side>)>> {
        let structures = table.of_model(&record(names)).into_iter();
        let code = |structure: Structure| {
            let anatomy = structure.anatomy?;
            Some((anatomy.code.value, anatomy.side))
        };
        structures.map(code).collect()
    }

    #[test]
    fn organs_are_found_in_every_spelling_of_their_names_and_sides() {
        let table = StructureTable::read(None).unwrap();
        let kidney = |side| Some(("64033007".to_owned(), side));
        let parotid = |side| Some(("45289007".to_owned(), side));
        let names = [
            "Liver",
            "kidney",
            "Kidney Left",
            "r-kidney",
            "LeftParotid",
            "parotid_right",
        ];
        assert_eq!(
            codes(&table, &names),
            [
                Some(("10200004".to_owned(), None)),
                kidney(None),
                kidney(Some(Side::Left)),
                kidney(Some(Side::Right)),
                parotid(Some(Side::Left)),
                parotid(Some(Side::Right)),
            ]
        );
        assert_eq!(
            codes(&table, &["SpinalCord", "gall_bladder", "Brainstem"]).len(),
            3
        );
        assert!(
            codes(&table, &["SpinalCord", "gall_bladder"])
                .iter()
                .all(Option::is_some)
        );
        assert_eq!(
            codes(&table, &["liver_tumour", "left", "live r"]),
            [None, None, codes(&table, &["liver"])[0].clone()]
        );
    }

    #[test]
    fn a_table_of_ones_own_goes_before_and_says_no_more_than_it_must() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("structures.csv");
        std::fs::write(
            &file,
            "organ,color,code,scheme,meaning,side\nkidney_left,#010203,,,,\n\
             Tumour,,T-1,99LOCAL,\"Tumour, any\",right\n",
        )
        .unwrap();
        let table = StructureTable::read(Some(&file)).unwrap();
        let record = record(&["kidney left", "tumour", "x"]);
        assert_eq!(table.unused(&record).count(), 0, "all are the model's");
        let structures = table.of_model(&record);
        assert_eq!(structures[0].color, [1, 2, 3], "of one's own");
        let anatomy = structures[0].anatomy.as_ref().unwrap();
        assert_eq!(
            (anatomy.code.value.as_str(), anatomy.side),
            ("64033007", Some(Side::Left))
        );
        let anatomy = structures[1].anatomy.as_ref().unwrap();
        assert_eq!(anatomy.code.scheme, "99LOCAL");
        assert_eq!(
            (anatomy.code.meaning.as_str(), anatomy.side),
            ("Tumour, any", Some(Side::Right))
        );
        let refused = table
            .refuse_without_code(&structures)
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("none is known for x: give them a row in"),
            "{refused}"
        );
        assert!(table.refuse_without_code(&structures[..2]).is_ok());
        let other = self::record(&["tumour", "liver"]);
        assert_eq!(table.unused(&other).collect::<Vec<_>>(), ["kidney_left"]);
    }
}
