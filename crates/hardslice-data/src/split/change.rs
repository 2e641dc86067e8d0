//! What differs between a split that was made and the one that is asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{CaseFacts, Fold, Lists, Split, SplitError, SplitOptions};
use crate::CaseId;

/// Names in a message, at most.
const MOST_NAMED: usize = 8;

pub(super) fn changes(
    split: &Split,
    cases: &[CaseFacts],
    options: &SplitOptions,
    store_blake3: &str,
) -> Result<Vec<String>, SplitError> {
    let mut changes = Vec::new();
    if split.store_blake3 != store_blake3 {
        changes.push(of_store(split, cases));
    }
    changes.extend(of_options(&split.options, options));
    if split.options.rule == options.rule {
        let lists = options.rule.lists_of_file()?;
        match (&split.lists, &lists) {
            (Some(before), Some(now)) => changes.extend(of_lists(before, now)),
            (None, Some(_)) => {
                changes.push("it does not say which lists it was made from".to_owned());
            }
            (_, None) => {}
        }
    }
    Ok(changes)
}

fn of_store(split: &Split, cases: &[CaseFacts]) -> String {
    let of_folds = Fold::ALL.into_iter().flat_map(|fold| split.cases(fold));
    let before: BTreeSet<&str> = of_folds
        .chain(&split.left_out)
        .map(CaseId::as_str)
        .collect();
    let now: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    difference("the cases", &before, &now)
        .unwrap_or_else(|| "the store: scans, labels, patients, organs or [prepare]".to_owned())
}

/// The settings that differ, by their names in the experiment.
fn of_options(before: &SplitOptions, now: &SplitOptions) -> Vec<String> {
    let json = |options: &SplitOptions| {
        serde_json::to_value(options).expect("the options of a split have a JSON form")
    };
    let (before, now) = (json(before), json(now));
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        unreachable!("the options are a table")
    };
    // A setting that is left out, as `division` is where one is made, is absent.
    let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let named = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    let differ = keys
        .into_iter()
        .map(|key| (key, before.get(key), now.get(key)))
        .filter(|(_, before, now)| before != now);
    differ
        .map(|(key, before, now)| {
            let (before, now) = (named(before), named(now));
            format!("`{key}` in [split]: {before} then, {now} now")
        })
        .collect()
}

fn of_lists(before: &Lists, now: &Lists) -> Vec<String> {
    fn names(list: &[String]) -> BTreeSet<&str> {
        list.iter().map(String::as_str).collect()
    }
    let lists = before.named().into_iter().zip(now.named());
    lists
        .filter_map(|((name, before), (_, now))| {
            difference(&format!("the list `{name}`"), &names(before), &names(now))
        })
        .collect()
}

/// What came and what went; `None` where both are the same.
fn difference(what: &str, before: &BTreeSet<&str>, now: &BTreeSet<&str>) -> Option<String> {
    let parts: Vec<String> = [("without", before - now), ("with", now - before)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word} {}", named(&names)))
        .collect();
    (!parts.is_empty()).then(|| format!("{what}: now {}", parts.join(" and ")))
}

fn named(names: &BTreeSet<&str>) -> String {
    let first: Vec<&str> = names.iter().take(MOST_NAMED).copied().collect();
    match names.len().saturating_sub(MOST_NAMED) {
        0 => first.join(", "),
        n => format!("{} and {n} more", first.join(", ")),
    }
}
