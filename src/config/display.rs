//! Display rules: TOML to [`Rules`], or all of its problems. The program's own come first; of a file beside the
//! configuration each entry replaces the program's for the same institutions.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::check::syntax;
use super::document::{Item, Report, Section, Wrong};
use super::problem::Problem;
use super::value;
use crate::display::{DateSource, Extract, Field, Only, Pattern, Rule, Rules, SHIPPED, Sign};

/// Its name beside the configuration.
pub const DISPLAY_FILE: &str = "display.toml";

/// Most entries of a file, and of a list in it.
const ENTRIES_MAX: usize = 1_000;

const KEYS: [&str; 9] = [
    "ids",
    "sign",
    "amount",
    "date",
    "payee",
    "notes",
    "notes-without",
    "escapes",
    "ledger-balance",
];

type Institutions = BTreeMap<String, Arc<Rule>>;

/// The rules in force: the program's, and those of a file (its name and text) if there is one.
///
/// # Errors
/// All problems of the file, in the order of its text.
pub fn display_rules(enabled: bool, file: Option<(&str, &str)>) -> Result<Rules, Vec<Problem>> {
    let mut institutions = parse(SHIPPED, "the program's display rules")?;
    if let Some((name, text)) = file {
        let own = parse(text, name)?;
        let starts: Vec<&str> = own.keys().filter_map(|id| id.strip_suffix('*')).collect();
        institutions.retain(|id, _| !starts.iter().any(|start| id.starts_with(start)));
        institutions.extend(own);
    }
    Ok(Rules::new(enabled, institutions))
}

fn parse(text: &str, file: &str) -> Result<Institutions, Vec<Problem>> {
    let document = DeTable::parse(text).map_err(|error| vec![syntax(text, file, &error)])?;
    let mut report = Report::new(file, text);
    let root = Section::root(document.get_ref());
    root.only(&["institution"], |key| KEYS.contains(&key).then_some("[institution]"), &mut report);
    let institutions = institutions(&root.item("institution"), &mut report);
    let (problems, _) = report.into_parts();
    if problems.is_empty() { Ok(institutions) } else { Err(problems) }
}

fn institutions(item: &Item<'_, '_>, report: &mut Report<'_>) -> Institutions {
    if let Some(DeValue::Table(_)) = item.value() {
        let wrong = Wrong::new("must be a list of tables").hint("write it as `[[institution]]`");
        report.problem(&item.place, wrong);
        return Institutions::new();
    }
    let mut known = Institutions::new();
    for element in elements(item, "a list of tables", report) {
        let section = element.section(report);
        section.only(&KEYS, |_| None, report);
        let ids = ids(&section.item("ids"), report);
        let rule = Arc::new(rule(&section, report));
        for id in ids {
            if known.insert(id, Arc::clone(&rule)).is_some() {
                let wrong = Wrong::new("names an institution that an earlier entry names");
                report
                    .problem(&section.item("ids").place, wrong.hint("an institution has one rule"));
            }
        }
    }
    known
}

fn ids(item: &Item<'_, '_>, report: &mut Report<'_>) -> Vec<String> {
    if item.value().is_none() {
        let hint = "ids = [\"SOMEBANK_SOMEXX00\"]; `banksyncd institutions` lists them";
        report.problem(&item.place, Wrong::new("is missing").hint(hint));
    }
    let id = |given: &DeValue<'_>| {
        let id = value::text(given, "an institution id")?;
        let good = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let plain = id.strip_suffix('*').unwrap_or(id);
        if plain.is_empty() || !plain.chars().all(good) {
            return Err(Wrong::new(
                "must be an institution id such as \"N26_NTSBDEB1\", or its beginning and `*`",
            ));
        }
        Ok(id.to_owned())
    };
    texts(item, id, report)
}

/// The elements that can be read; the others are in the report.
fn texts<T>(
    item: &Item<'_, '_>,
    reader: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
    report: &mut Report<'_>,
) -> Vec<T> {
    let elements = elements(item, "a list", report);
    let read = |element: &Item<'_, '_>| {
        element.read(None, |given| reader(given).map(Some), report).flatten()
    };
    elements.iter().filter_map(read).collect()
}

fn elements<'a, 'i>(
    item: &Item<'a, 'i>,
    expected: &str,
    report: &mut Report<'_>,
) -> Vec<Item<'a, 'i>> {
    let elements = item.elements(expected, report).unwrap_or_default();
    if elements.len() > ENTRIES_MAX {
        let wrong = Wrong::new(format!("must have at most {ENTRIES_MAX} entries"));
        report.problem(&item.place, wrong);
        return Vec::new();
    }
    elements
}

fn rule(section: &Section<'_, '_>, report: &mut Report<'_>) -> Rule {
    let neutral = Rule::default();
    let sign = |given: &DeValue<'_>| value::word(given, &Sign::ALL, Sign::as_str);
    let plain = |given: &DeValue<'_>| value::text(given, "a text").map(str::to_owned);
    let list = |key: &str, report: &mut Report<'_>| extracts(&section.item(key), report);
    let dates = section.item("date");
    let ledger = section.item("ledger-balance");
    Rule {
        sign: section.item("sign").read(Sign::AsGiven, sign, report).unwrap_or(Sign::AsGiven),
        amount: amount(&section.item("amount"), report),
        dates: match dates.value() {
            None => neutral.dates,
            Some(_) => date_sources(&dates, report),
        },
        payees: list("payee", report),
        notes: list("notes", report),
        notes_without: texts(&section.item("notes-without"), plain, report),
        escapes: section.item("escapes").read(false, value::boolean, report).unwrap_or(false),
        ledger_balance: match ledger.value() {
            None => neutral.ledger_balance,
            Some(_) => texts(&ledger, plain, report),
        },
    }
}

fn amount(item: &Item<'_, '_>, report: &mut Report<'_>) -> Option<(Extract, String)> {
    item.value()?;
    let section = item.section(report);
    section.only(&["from", "pattern", "only", "currency"], |_| None, report);
    let extract = extract(&section, report);
    let currency = section.item("currency");
    if currency.value().is_none() {
        report.problem(&currency.place, Wrong::new("is missing").hint("such as \"SEK\""));
    }
    let code = |given: &DeValue<'_>| value::text(given, "a currency").map(str::to_owned);
    Some((extract?, currency.read(String::new(), code, report)?))
}

fn date_sources(item: &Item<'_, '_>, report: &mut Report<'_>) -> Vec<DateSource> {
    const WORDS: [&str; 4] = ["booking-date", "value-date", "booking-date-time", "value-date-time"];
    let source = |element: &Item<'_, '_>, report: &mut Report<'_>| {
        if let Some(DeValue::Table(_)) = element.value() {
            return text_of(element, report).map(DateSource::Text);
        }
        let word = |given: &DeValue<'_>| value::word(given, &WORDS, |word| word);
        Some(match element.read("booking-date", word, report)? {
            "value-date" => DateSource::Value,
            "booking-date-time" => DateSource::BookingTime,
            "value-date-time" => DateSource::ValueTime,
            _ => DateSource::Booking,
        })
    };
    let elements = elements(item, "a list", report);
    elements.iter().filter_map(|element| source(element, report)).collect()
}

fn extracts(item: &Item<'_, '_>, report: &mut Report<'_>) -> Vec<Extract> {
    let one = |element: &Item<'_, '_>, report: &mut Report<'_>| {
        if let Some(DeValue::Table(_)) = element.value() {
            return text_of(element, report);
        }
        let from = element.read(None, |given| field(given).map(Some), report).flatten()?;
        Some(Extract { from, pattern: None, only: None })
    };
    let elements = elements(item, "a list", report);
    elements.iter().filter_map(|element| one(element, report)).collect()
}

/// A table that names a text.
fn text_of(element: &Item<'_, '_>, report: &mut Report<'_>) -> Option<Extract> {
    let section = element.section(report);
    section.only(&["from", "pattern", "only"], |_| None, report);
    extract(&section, report)
}

fn field(given: &DeValue<'_>) -> Result<Field, Wrong> {
    value::word(given, &Field::ALL, Field::as_str)
}

fn extract(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Extract> {
    let from = section.item("from");
    if from.value().is_none() {
        let wrong = Wrong::new("is missing").hint("such as from = \"unstructured\"");
        report.problem(&from.place, wrong);
    }
    let from = from.read(None, |given| field(given).map(Some), report).flatten();
    let pattern = |given: &DeValue<'_>| {
        let text = value::text(given, "a regular expression")?;
        Pattern::parse(text).map(Some).map_err(|wrong| {
            Wrong::new(wrong)
                .hint("write it between single quotes, with the text that is meant in ( )")
        })
    };
    let pattern = section.item("pattern").read(None, pattern, report);
    let only = |given: &DeValue<'_>| value::word(given, &Only::ALL, Only::as_str).map(Some);
    let only = section.item("only").read(None, only, report);
    Some(Extract { from: from?, pattern: pattern?, only: only? })
}
