//! `[[account]]`: rules for single accounts, none of them twice.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::model::iban::{self, Iban};
use crate::model::id::AccountId;

use super::{MAX_ACCOUNTS, keys, required, section_of, tables};
use crate::config::document::{Item, Report, Wrong};
use crate::config::{AccountRule, value};

const NICKNAME_CHARS_MAX: usize = 64;

/// The good rules; bad ones are in the report, which refuses the file as a whole.
pub(super) fn accounts(item: &Item<'_, '_>, report: &mut Report<'_>) -> Vec<AccountRule> {
    let elements = tables(item, MAX_ACCOUNTS, report);
    let mut seen = Seen::default();
    elements.iter().filter_map(|element| account(element, &mut seen, report)).collect()
}

/// What earlier rules named, with the path of the rule.
#[derive(Default)]
struct Seen {
    matches: BTreeMap<String, usize>,
    nicknames: BTreeMap<String, usize>,
    rules: usize,
}

fn account(
    element: &Item<'_, '_>,
    seen: &mut Seen,
    report: &mut Report<'_>,
) -> Option<AccountRule> {
    let rule = seen.rules;
    seen.rules += 1;
    let section = element.section(report);
    section.only(keys("account"), section_of, report);
    let item = section.item("match");
    let hint = "match = \"acc_…\" (see `banksyncd accounts`) or an IBAN";
    required(&item, element, hint, report);
    let matches = item.read(None, |given| account_match(given).map(Some), report).flatten();
    if let Some(matches) = &matches
        && let Some(other) = seen.matches.insert(matches.clone(), rule)
    {
        report
            .problem(&item.place, Wrong::new(format!("is the same account as `account[{other}]`")));
    }
    let item = section.item("nickname");
    let nickname = item.read(None, |given| nickname(given).map(Some), report);
    if let Some(Some(name)) = &nickname
        && let Some(other) = seen.nicknames.insert(name.to_lowercase(), rule)
    {
        report.problem(
            &item.place,
            Wrong::new(format!("is the same name as `account[{other}]` has")),
        );
    }
    let enabled = section.item("enabled").read(true, value::boolean, report);
    let ledger = section.item("ledger").read(None, |it| value::ledger(it).map(Some), report);
    Some(AccountRule { matches: matches?, nickname: nickname?, enabled: enabled?, ledger: ledger? })
}

/// One of our ids as we write it, or an IBAN without blanks and in capitals.
fn account_match(given: &DeValue<'_>) -> Result<String, Wrong> {
    const EXPECTED: &str = "an account id (acc_…) or an IBAN";
    let text = value::text(given, EXPECTED)?.trim();
    id_or_iban(text).ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))
}

/// The same of a text; `None` if it is neither.
pub(super) fn id_or_iban(text: &str) -> Option<String> {
    if let Ok(id) = text.to_ascii_lowercase().parse::<AccountId>() {
        return Some(id.to_string());
    }
    Iban::new(text).filter(Iban::is_full).map(|_| iban::normalise(text))
}

fn nickname(given: &DeValue<'_>) -> Result<String, Wrong> {
    let name = value::text(given, "a text")?;
    let length = name.chars().count();
    if length == 0 || length > NICKNAME_CHARS_MAX {
        return Err(Wrong::new(format!("must have from 1 to {NICKNAME_CHARS_MAX} characters")));
    }
    if name.chars().any(char::is_control) || name.trim() != name || name.starts_with('-') {
        return Err(Wrong::new(
            "must not begin with `-` or a blank, end with a blank or hold control characters",
        ));
    }
    let looks_like_id = ["acc_", "lnk_", "txn_", "run_"]
        .iter()
        .any(|prefix| name.to_ascii_lowercase().starts_with(prefix));
    if looks_like_id || Iban::new(name).is_some_and(|number| number.is_full()) {
        return Err(Wrong::new("must not look like an id or an IBAN"));
    }
    Ok(name.to_owned())
}
