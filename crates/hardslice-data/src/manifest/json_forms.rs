//! The forms that one thing takes in the `dataset.json` of different programs.
//!
//! Each says at its own line and column what was found and what was wanted.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A whole number: `20`, `20.0` or `"20"`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number(pub(super) u64);

/// What stands behind a label's name: its value, several, or, where the key is the value, the name.
#[derive(Debug)]
pub(super) enum Labels {
    Values(Vec<u16>),
    Name(String),
}

/// Names in order: of a table by its keys' numbers, of a list, or one alone.
#[derive(Debug, Default)]
pub(super) struct Names(pub(super) Vec<String>);

/// Entries of a table in order, no key twice; of a list with their places as keys.
#[derive(Debug)]
pub(super) struct Named<T>(pub(super) Vec<(String, T)>);

/// A path, or a list of them.
#[derive(Debug)]
pub(super) struct Files(pub(super) Vec<String>);

/// A scan of a list: a path, or an object with `image` and, where it has some, `label`.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) image: Files,
    pub(super) label: Option<Files>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// A whole number that went through floating point or text.
fn whole(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked"
    )]
    let whole = ((0.0..9e15).contains(&number)).then_some(number as u64)?;
    ((whole as f64) - number).abs().le(&0.0).then_some(whole)
}

fn whole_text(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneNumber;
        impl Visitor<'_> for OneNumber {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number(number))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Number, E> {
                let found = de::Unexpected::Float(number);
                whole(number)
                    .map(Number)
                    .ok_or_else(|| E::invalid_value(found, &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                let found = de::Unexpected::Str(text);
                whole_text(text)
                    .map(Number)
                    .ok_or_else(|| E::invalid_value(found, &self))
            }
        }
        deserializer.deserialize_any(OneNumber)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesOrName;
        impl<'de> Visitor<'de> for ValuesOrName {
            type Value = Labels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label value from 0 to 65535, a list of them, or a name")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Labels, E> {
                let found = de::Unexpected::Unsigned(number);
                u16::try_from(number)
                    .map(|value| Labels::Values(vec![value]))
                    .map_err(|_too_large| E::invalid_value(found, &self))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Labels, E> {
                match whole(number) {
                    Some(number) => self.visit_u64(number),
                    None => Err(E::invalid_value(de::Unexpected::Float(number), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Labels, E> {
                match whole_text(text) {
                    Some(number) => self.visit_u64(number),
                    None => Ok(Labels::Name(text.to_owned())),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Labels, A::Error> {
                let mut values = Vec::new();
                while let Some(Number(number)) = list.next_element()? {
                    let found = de::Unexpected::Unsigned(number);
                    let value = u16::try_from(number)
                        .map_err(|_too_large| de::Error::invalid_value(found, &self))?;
                    values.push(value);
                }
                Ok(Labels::Values(values))
            }
        }
        deserializer.deserialize_any(ValuesOrName)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableListOrOne;
        impl<'de> Visitor<'de> for TableListOrOne {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a channel's name, or a table or a list of names")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Names)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Names, A::Error> {
                let mut names: Vec<(String, String)> = Vec::new();
                while let Some(entry) = table.next_entry()? {
                    names.push(entry);
                }
                names.sort();
                Ok(Names(names.into_iter().map(|(_, name)| name).collect()))
            }
        }
        deserializer.deserialize_any(TableListOrOne)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableOrList<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for TableOrList<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table, or a list whose places are the keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Named<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(key) = table.next_key::<String>()? {
                    // JSON lets a key stand twice, and readers take the last: one entry is lost.
                    if entries.iter().any(|(other, _)| *other == key) {
                        return Err(de::Error::custom(format!("`{key}` stands twice")));
                    }
                    entries.push((key, table.next_value()?));
                }
                Ok(Named(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Named<T>, A::Error> {
                let mut entries: Vec<(String, T)> = Vec::new();
                while let Some(entry) = list.next_element()? {
                    entries.push((entries.len().to_string(), entry));
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_any(TableOrList(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path or a list of paths")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<Files, E> {
                Ok(Files(vec![path.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Files, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Files)
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Object {
            image: Files,
            label: Option<Files>,
        }
        struct PathOrObject;
        impl<'de> Visitor<'de> for PathOrObject {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or an object with `image` and `label`")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<Listed, E> {
                Ok(Listed {
                    image: Files(vec![path.to_owned()]),
                    label: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Listed, A::Error> {
                let Object { image, label } =
                    Object::deserialize(MapAccessDeserializer::new(table))?;
                Ok(Listed { image, label })
            }
        }
        deserializer.deserialize_any(PathOrObject)
    }
}
