//! A share of a piece of work, which several processes do side by side: `2/5`.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use hardslice_volume::FileError;
use hardslice_volume::whole_file::{read_sealed_if_there, remove_if_there, write_sealed};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One of several shares of a piece of work; as text `2/5`, the second of five.
///
/// Shares are runs of neighbours, and differ in length by one at most:
///
/// ```
/// use hardslice_data::Share;
///
/// let shares: Vec<Share> = (1..=3).map(|k| format!("{k}/3").parse()).collect::<Result<_, _>>()?;
/// let ranges: Vec<_> = shares.iter().map(|share| share.range(7)).collect();
/// assert_eq!(ranges, [0..2, 2..4, 4..7]);
/// # Ok::<(), hardslice_data::ShareError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// Counted from 1.
    number: usize,
    of: usize,
}

/// Most shares of one piece of work: whoever comes last looks for each.
const MOST_SHARES: usize = 10_000;

/// A text is no share.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{got}` is no part of anything: wanted two whole numbers from 1 to {MOST_SHARES}, as 2/5, the second \
     of five"
)]
pub struct ShareError {
    /// What was written.
    pub got: String,
}

/// What was found when a share was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left<T> {
    /// What each of the shares found, in their order: the last one is there.
    All(Vec<T>),
    /// Some are not there yet.
    Missing(Missing),
}

/// Shares that are not there yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Of which there is nothing.
    pub absent: Vec<Share>,
    /// In whose place lies what was found in other work: with other settings, or of other inputs.
    pub of_other_work: Vec<Share>,
}

/// What a share leaves for whoever comes last.
#[derive(Debug, Serialize, Deserialize)]
struct Record<T> {
    identity: String,
    found: T,
}

impl Share {
    /// The places of `n` items that are in this share; none where there are fewer items than shares and
    /// this one goes without.
    pub fn range(self, n: usize) -> Range<usize> {
        (self.number - 1) * n / self.of..self.number * n / self.of
    }

    /// The ending of a file's name that only this share has: `part-2-of-5`.
    pub fn suffix(self) -> String {
        format!("part-{}-of-{}", self.number, self.of)
    }

    /// All shares of the same work, this one among them.
    pub fn all(self) -> impl Iterator<Item = Self> {
        let of = self.of;
        (1..=of).map(move |number| Self { number, of })
    }

    /// Leaves what this share found, and gives what all of them did where none is missing. Of two that
    /// come last at once both may see all.
    ///
    /// `identity` is the hash of all that decides what every share finds. `path` says where each lies.
    ///
    /// # Errors
    ///
    /// [`FileError`] when it cannot be written, or another cannot be read.
    pub fn leave<T: Serialize + DeserializeOwned>(
        self,
        identity: &str,
        found: T,
        path: impl Fn(Self) -> PathBuf,
    ) -> Result<Left<T>, FileError> {
        let record = Record {
            identity: identity.to_owned(),
            found,
        };
        write_sealed(&path(self), &record)?;
        let (mut all, mut missing) = (Vec::new(), Missing::default());
        for share in self.all() {
            match read_sealed_if_there::<Record<T>>(&path(share))? {
                Some(record) if record.identity == identity => all.push(record.found),
                Some(_) => missing.of_other_work.push(share),
                None => missing.absent.push(share),
            }
        }
        Ok(if missing == Missing::default() {
            Left::All(all)
        } else {
            Left::Missing(missing)
        })
    }

    /// Removes what the shares left, when it is joined.
    ///
    /// # Errors
    ///
    /// [`FileError`] when one is there and cannot be removed.
    pub fn clear(self, path: impl Fn(Self) -> PathBuf) -> Result<(), FileError> {
        for share in self.all() {
            // Another who saw all may have removed it.
            remove_if_there(&path(share))?;
        }
        Ok(())
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let parsed = text.split_once('/').and_then(|(number, of)| {
            let number = number.trim().parse().ok()?;
            let of = of.trim().parse().ok()?;
            let is_one = (1..=of).contains(&number) && of <= MOST_SHARES;
            is_one.then_some(Self { number, of })
        });
        parsed.ok_or_else(|| ShareError {
            got: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_all_items_once_and_differ_by_one_at_most() {
        for of in 1..=9 {
            for n in 0..=25 {
                let shares = Share { number: 1, of }.all();
                let ranges: Vec<Range<usize>> = shares.map(|share| share.range(n)).collect();
                let items: Vec<usize> = ranges.iter().cloned().flatten().collect();
                assert_eq!(items, (0..n).collect::<Vec<_>>(), "{n} in {of}");
                let lengths = ranges.iter().map(ExactSizeIterator::len);
                let (least, most) = (lengths.clone().min(), lengths.max());
                assert!(most.unwrap() - least.unwrap() <= 1, "{n} in {of}");
            }
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        assert_eq!("2/5".parse(), Ok(Share { number: 2, of: 5 }));
        for wrong in [
            "", "2", "1/10001", "0/5", "6/5", "1/0", "-1/5", "2/5/7", "a/b", "1.5/3", "/",
        ] {
            let refused = wrong.parse::<Share>().unwrap_err().to_string();
            assert!(refused.starts_with(&format!("`{wrong}`")), "{refused}");
        }
    }

    #[test]
    fn the_last_one_gets_what_all_found_in_order_and_other_work_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let path = |share: Share| dir.path().join(share.suffix());
        let share = |number| Share { number, of: 3 };
        let leave = |number, work: &str| share(number).leave(work, number * 10, path).unwrap();
        let missing = |absent: &[usize], of_other_work: &[usize]| {
            let shares = |numbers: &[usize]| numbers.iter().map(|number| share(*number)).collect();
            Left::Missing(Missing {
                absent: shares(absent),
                of_other_work: shares(of_other_work),
            })
        };
        assert_eq!(leave(3, "a"), missing(&[1, 2], &[]));
        assert_eq!(leave(1, "other"), missing(&[2], &[3]));
        assert_eq!(leave(2, "a"), missing(&[], &[1]));
        assert_eq!(leave(1, "a"), Left::All(vec![10, 20, 30]));
        share(2).clear(path).unwrap();
        share(2).clear(path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "cleared");
    }
}
