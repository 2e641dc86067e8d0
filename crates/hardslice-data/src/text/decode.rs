//! From bytes to text.

use std::io;

/// Text, and the encoding where the bytes do not say it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    pub(super) assumed: Option<&'static str>,
}

/// What Windows-1252 has in the place of the control characters 0x80 to 0x9F of Latin-1; five are
/// not in use.
///
/// # Sources
///
/// - WHATWG, Encoding Standard, index windows-1252.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

/// What the spreadsheets' own formats begin with: a ZIP archive, and a file of OLE 2.
const SPREADSHEETS: [&[u8]; 2] = [b"PK\x03\x04", b"\xD0\xCF\x11\xE0"];

/// Decodes text; a byte order mark decides, else zeros at every other place (UTF-16), else UTF-8
/// where the bytes are that, else Windows-1252.
pub(super) fn decoded(bytes: &[u8]) -> io::Result<Decoded> {
    if SPREADSHEETS.iter().any(|start| bytes.starts_with(start)) {
        return Err(no_text(
            "it is a spreadsheet or an archive, wanted text: save it as CSV (UTF-8)",
        ));
    }
    let plain = |text: String| Decoded {
        text,
        assumed: None,
    };
    let decoded = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => match std::str::from_utf8(rest) {
            Ok(text) => plain(text.to_owned()),
            Err(error) => {
                let at = error.valid_up_to() + 3;
                return Err(no_text(&format!(
                    "it begins as UTF-8 and byte {at} is not: save it as UTF-8 again"
                )));
            }
        },
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => {
            return Err(no_text("it is UTF-32: save it as UTF-8"));
        }
        [0xFF, 0xFE, rest @ ..] => plain(utf_16(rest, u16::from_le_bytes)?),
        [0xFE, 0xFF, rest @ ..] => plain(utf_16(rest, u16::from_be_bytes)?),
        _ => match zeros(bytes) {
            Some(Zeros::Odd) => Decoded {
                text: utf_16(bytes, u16::from_le_bytes)?,
                assumed: Some("UTF-16 (little endian)"),
            },
            Some(Zeros::Even) => Decoded {
                text: utf_16(bytes, u16::from_be_bytes)?,
                assumed: Some("UTF-16 (big endian)"),
            },
            None => match std::str::from_utf8(bytes) {
                Ok(text) => plain(text.to_owned()),
                Err(_not_utf_8) => Decoded {
                    text: windows_1252(bytes)?,
                    assumed: Some("Windows-1252 (Latin-1)"),
                },
            },
        },
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{85}');
    match decoded.text.chars().find(|c| control(*c)) {
        // What DOS ended its files with.
        Some('\u{1a}') if decoded.text.trim_end().ends_with('\u{1a}') => {
            let text = decoded.text.trim_end().trim_end_matches('\u{1a}');
            Ok(Decoded {
                text: text.to_owned(),
                ..decoded
            })
        }
        Some(c) => Err(no_text(&format!(
            "it is no text: it holds the control character {:#04x}",
            u32::from(c)
        ))),
        None => Ok(decoded),
    }
}

/// Where zeros stand that ASCII written as UTF-16 has.
enum Zeros {
    Even,
    Odd,
}

/// Whether every other byte is zero, for at least half of the pairs.
fn zeros(bytes: &[u8]) -> Option<Zeros> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() || pairs.is_empty() {
        return None;
    }
    let half =
        |is_one: fn(&&[u8; 2]) -> bool| 2 * pairs.iter().filter(is_one).count() >= pairs.len();
    if half(|pair| pair[0] != 0 && pair[1] == 0) {
        Some(Zeros::Odd)
    } else if half(|pair| pair[0] == 0 && pair[1] != 0) {
        Some(Zeros::Even)
    } else {
        None
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> io::Result<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(no_text("it is UTF-16 cut off within a character"));
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units)
        .map_err(|_half| no_text("it is broken UTF-16: it holds half a character"))
}

fn windows_1252(bytes: &[u8]) -> io::Result<String> {
    let one = |&byte: &u8| match byte {
        0x80..=0x9F => WINDOWS_1252[usize::from(byte - 0x80)].ok_or_else(|| {
            no_text(&format!(
                "it is neither UTF-8 nor UTF-16 nor Windows-1252 (byte {byte:#04x}): save it as \
                 UTF-8"
            ))
        }),
        // Latin-1 is the beginning of Unicode.
        _ => Ok(char::from(byte)),
    };
    bytes.iter().map(one).collect()
}

fn no_text(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "patient,image\nMüller,a.nii.gz\n";

    fn utf_16_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn one_text_is_read_in_every_encoding() {
        let latin_1: Vec<u8> = TEXT.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let le = utf_16_bytes(TEXT, u16::to_le_bytes);
        let be = utf_16_bytes(TEXT, u16::to_be_bytes);
        for (name, bytes, is_assumed) in [
            ("UTF-8", TEXT.as_bytes().to_vec(), false),
            (
                "UTF-8 with a mark",
                [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat(),
                false,
            ),
            ("UTF-16 LE", [b"\xFF\xFE".as_slice(), &le].concat(), false),
            ("UTF-16 BE", [b"\xFE\xFF".as_slice(), &be].concat(), false),
            ("UTF-16 LE without a mark", le, true),
            ("UTF-16 BE without a mark", be, true),
            ("Latin-1", latin_1, true),
        ] {
            let read = decoded(&bytes).unwrap();
            assert_eq!(read.text, TEXT, "{name}");
            assert_eq!(read.assumed.is_some(), is_assumed, "{name}");
        }
        let euro = decoded(b"\x80 \xE9").unwrap();
        assert_eq!(euro.text, "€ é", "Windows-1252");
        assert_eq!(decoded(b"").unwrap().text, "", "an empty file");
        assert_eq!(
            decoded(b"a,b\r\n\x1a").unwrap().text,
            "a,b\r\n",
            "the end mark of DOS"
        );
    }

    #[test]
    fn what_is_no_text_is_refused_with_the_way_out() {
        for (bytes, part) in [
            (b"PK\x03\x04rest".as_slice(), "save it as CSV"),
            (b"a\x00b\x00c", "control character"),
            (b"\xFF\xFEa", "cut off"),
            (b"\xFF\xFE\x00\xD8", "half a character"),
            (b"\xFF\xFE\x00\x00a\x00\x00\x00", "UTF-32"),
            (b"\xEF\xBB\xBFa\xFF", "byte 4"),
            (b"caf\xE9 \x81", "Windows-1252"),
        ] {
            let message = decoded(bytes).unwrap_err().to_string();
            assert!(message.contains(part), "{bytes:?}: {message}");
        }
    }
}
