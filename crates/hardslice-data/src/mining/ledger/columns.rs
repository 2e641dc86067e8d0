//! The columns of a Parquet file from the fields of a struct: one list for schema, writer and reader.
//!
//! `parquet_derive` does this for plain numbers and text; here fields have the types of the domain, and
//! older files may lack the last columns.

use std::io;

use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::record::Field;

use crate::mining::triage::Triage;
use crate::mining::{Decision, ScoreRule, Tau};
use crate::{CaseId, Organ, PatientId, SliceKind};

/// What a field of a row is in the file.
pub(super) trait Value: Sized {
    /// The column's physical type.
    type Physical: DataType;
    /// Whether it may be absent.
    const IS_OPTIONAL: bool = false;
    /// The column's type as schemas call it.
    const TYPE: &'static str;
    /// What follows the column's name in the schema.
    const ANNOTATION: &'static str = "";

    /// The value as it stands in the file; `None` where it is absent.
    fn to_file(&self) -> Option<<Self::Physical as DataType>::T>;

    /// The value from the file; `None` where it makes no sense.
    fn from_file(field: &Field) -> Option<Self>;
}

impl Value for u32 {
    type Physical = Int32Type;
    const TYPE: &'static str = "INT32";

    fn to_file(&self) -> Option<i32> {
        Some(i32::try_from(*self).expect("counts of slices and pixels stay far below 2^31"))
    }

    fn from_file(field: &Field) -> Option<Self> {
        match field {
            Field::Int(value) => Self::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl Value for f64 {
    type Physical = DoubleType;
    const TYPE: &'static str = "DOUBLE";

    fn to_file(&self) -> Option<f64> {
        Some(*self)
    }

    fn from_file(field: &Field) -> Option<Self> {
        match field {
            Field::Double(value) => Some(*value),
            _ => None,
        }
    }
}

/// Values that stand in the file as text, written by `Display` and read by a function.
macro_rules! text_values {
    ($($type:ty: $read:expr),+ $(,)?) => {$(
        impl Value for $type {
            type Physical = ByteArrayType;
            const TYPE: &'static str = "BYTE_ARRAY";
            const ANNOTATION: &'static str = " (STRING)";

            fn to_file(&self) -> Option<ByteArray> {
                Some(ByteArray::from(self.to_string().into_bytes()))
            }

            fn from_file(field: &Field) -> Option<Self> {
                match field {
                    Field::Str(text) => $read(text.as_str()).ok(),
                    _ => None,
                }
            }
        }
    )+};
}

text_values! {
    String: |text: &str| Ok::<_, std::convert::Infallible>(text.to_owned()),
    CaseId: CaseId::new,
    PatientId: PatientId::new,
    Organ: Organ::new,
    SliceKind: str::parse::<SliceKind>,
    ScoreRule: str::parse::<ScoreRule>,
    Decision: str::parse::<Decision>,
    Triage: str::parse::<Triage>,
    Tau: str::parse::<Tau>,
}

impl<V: Value> Value for Option<V> {
    type Physical = V::Physical;
    const IS_OPTIONAL: bool = true;
    const TYPE: &'static str = V::TYPE;
    const ANNOTATION: &'static str = V::ANNOTATION;

    fn to_file(&self) -> Option<<V::Physical as DataType>::T> {
        self.as_ref().and_then(V::to_file)
    }

    fn from_file(field: &Field) -> Option<Self> {
        match field {
            Field::Null => Some(None),
            field => V::from_file(field).map(Some),
        }
    }
}

/// A column's line in the schema.
pub(super) fn schema_line<V: Value>(name: &str) -> String {
    let repetition = if V::IS_OPTIONAL {
        "OPTIONAL"
    } else {
        "REQUIRED"
    };
    format!("{repetition} {} {name}{};", V::TYPE, V::ANNOTATION)
}

/// Writes the next column of a row group.
pub(super) fn write_column<V: Value, W: io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<<V::Physical as DataType>::T>>,
) -> Result<(), ParquetError> {
    let values: Vec<Option<_>> = values.collect();
    let is_present: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<<V::Physical as DataType>::T> = values.into_iter().flatten().collect();
    let mut column = group
        .next_column()?
        .expect("the schema is made from the same list as the columns");
    let levels = V::IS_OPTIONAL.then_some(is_present.as_slice());
    column
        .typed::<V::Physical>()
        .write_batch(&values, levels, None)?;
    column.close()
}

/// Reads a column of a row; one that the file lacks is absent.
pub(super) fn read_column<V: Value>(name: &str, field: Option<&Field>) -> Result<V, ParquetError> {
    V::from_file(field.unwrap_or(&Field::Null)).ok_or_else(|| {
        let found = field.map_or("nothing".to_owned(), ToString::to_string);
        ParquetError::General(format!("the column `{name}` holds {found}"))
    })
}

/// Makes a struct whose fields are the columns of a Parquet file, with `schema_lines`, `write_columns`
/// and `from_fields`.
macro_rules! columns {
    (
        $(#[$doc:meta])*
        pub struct $row:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $row {
            $($(#[$field_doc])* pub $field: $type),+
        }

        impl $row {
            /// The columns in the words of Parquet's schemas.
            pub(super) fn schema_lines() -> Vec<String> {
                vec![$(super::columns::schema_line::<$type>(stringify!($field))),+]
            }

            /// Writes rows as one row group.
            pub(super) fn write_columns<W: std::io::Write + Send>(
                group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, W>,
                rows: &[Self],
            ) -> Result<(), parquet::errors::ParquetError> {
                use super::columns::Value as _;
                $(super::columns::write_column::<$type, W>(
                    group,
                    rows.iter().map(|row| row.$field.to_file()),
                )?;)+
                Ok(())
            }

            /// A row from its fields, in the order of the columns; the last ones may be missing.
            pub(super) fn from_fields<'f>(
                mut fields: impl Iterator<Item = &'f parquet::record::Field>,
            ) -> Result<Self, parquet::errors::ParquetError> {
                Ok(Self {
                    $($field: super::columns::read_column(stringify!($field), fields.next())?),+
                })
            }
        }
    };
}

pub(super) use columns;
