//! From the text of the file to a [`Config`], or to all of its problems.
//!
//! The document is walked section by section; a syntax error ends the check, everything else is collected. A field that is
//! bad is `None` and leaves its section out; rules over several fields look only at fields that are good, so that one
//! mistake does not cause complaints about others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use croner::Cron;
use toml::de::{DeTable, DeValue};

use crate::model::iban::{self, Iban};
use crate::model::id::AccountId;
use crate::model::time::Zone;

use super::document::{Item, Report, Section, Wrong};
use super::problem::{Problem, position};
use super::slots::{self, Plan};
use super::value;
use super::{
    AccountRule, Config, Control, Defaults, GoCardless, History, Http, Limits, Log, LogFormat,
    LogLevel, Schedule, SecretSource, Store, suggest,
};

/// Every key there is, by section; `account` is a list of tables.
pub const KEYS: [(&str, &[&str]); 9] = [
    ("gocardless", &["api-base", "secret-id", "secret-key", "redirect"]),
    ("store", &["path", "key"]),
    ("control", &["socket"]),
    ("schedule", &["timezone", "pull", "jitter", "freshness"]),
    (
        "limits",
        &[
            "calls-per-day",
            "manual-reserve",
            "accounts-per-minute",
            "error-budget",
            "error-hard-limit",
        ],
    ),
    ("history", &["days", "access-days", "overlap-days", "warn-days"]),
    ("http", &["connect-timeout", "total-timeout", "body-limit"]),
    ("log", &["level", "format"]),
    ("account", &["match", "nickname", "enabled"]),
];

/// Most accounts with rules of their own.
pub const MAX_ACCOUNTS: usize = 1_000;

/// Most patterns of `pull`.
const PULL_PATTERNS_MAX: usize = 24;

/// Most entries of `warn-days`.
const WARN_DAYS_MAX: usize = 20;

/// Longest agreement and longest history that any institution gives (730 days, the provider's institutions list).
const HISTORY_DAYS_MAX: u32 = 730;

/// Never more failures in a row than this: the provider suspends an account at 10 (its knowledge base,
/// article 16671586189212), and calls that we could not settle may be among them.
const ERROR_HARD_LIMIT_MAX: u32 = 8;

/// Most decoded bytes of an answer: memory is bounded.
const BODY_LIMIT_MAX: u64 = 32 << 20;

const NICKNAME_CHARS_MAX: usize = 64;

/// Longest path of a Unix socket with its terminator, `sun_path` in unix(7).
const SOCKET_PATH_BYTES_MAX: usize = 107;

const MINUTE_S: u32 = 60;
const DAY_S: u32 = 86_400;

/// A good file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What it says, defaults filled in.
    pub config: Config,
    /// What is allowed and hardly meant.
    pub warnings: Vec<Problem>,
}

/// Reads a configuration. `file` is only for the messages.
///
/// # Errors
/// All problems, in the order of the text; one problem only when the text is not TOML.
pub fn parse(text: &str, file: &str, defaults: &Defaults) -> Result<Parsed, Vec<Problem>> {
    let document = DeTable::parse(text).map_err(|error| vec![syntax(text, file, &error)])?;
    let mut report = Report::new(file, text);
    let config = config(&Section::root(document.get_ref()), defaults, &mut report);
    let (problems, warnings) = report.into_parts();
    match config {
        Some(config) if problems.is_empty() => Ok(Parsed { config, warnings }),
        _ => Err(problems),
    }
}

/// The error's `message` is made of fixed words; its `Display` would quote the line, which may hold a secret.
fn syntax(text: &str, file: &str, error: &toml::de::Error) -> Problem {
    let (line, column) = position(text, error.span().map_or(text.len(), |span| span.start));
    Problem {
        file: file.to_owned(),
        line,
        column,
        key: String::new(),
        message: format!("is not TOML: {}", error.message()),
        hint: Some("everything after this place is unchecked; see https://toml.io".to_owned()),
    }
}

fn keys(section: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

fn section_of(key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(_, keys)| keys.contains(&key)).map(|(section, _)| *section)
}

fn config(root: &Section<'_, '_>, defaults: &Defaults, report: &mut Report<'_>) -> Option<Config> {
    let names: Vec<&str> = KEYS.iter().map(|(section, _)| *section).collect();
    root.only(&names, section_of, report);
    let mut open = |name: &str| {
        let section = root.item(name).section(report);
        section.only(keys(name), section_of, report);
        section
    };
    let [gocardless_, store_, control_, schedule_, limits_, history_, http_, log_] =
        ["gocardless", "store", "control", "schedule", "limits", "history", "http", "log"]
            .map(&mut open);
    let gocardless = gocardless(&gocardless_, report);
    let store = store(&store_, defaults, report);
    let control = control(&control_, defaults, report);
    if let (Some(store), Some(control)) = (&store, &control)
        && store.path == control.socket
    {
        report.problem(&control_.item("socket").place, Wrong::new("must not be the database"));
    }
    let limits = limits(&limits_, report);
    let schedule = schedule(&schedule_, &limits_, &limits, report);
    let history = history(&history_, report);
    let http = http(&http_, report);
    let log = log(&log_, report);
    let accounts = accounts(&root.item("account"), report);
    Some(Config {
        gocardless: gocardless?,
        store: store?,
        control: control?,
        schedule: schedule?,
        limits: limits.whole()?,
        history: history?,
        http: http?,
        log: log?,
        accounts,
    })
}

fn gocardless(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<GoCardless> {
    let api_base = "https://bankaccountdata.gocardless.com/api/v2/".to_owned();
    let api_base = section.item("api-base").read(api_base, value::api_base, report);
    let secret_id = secret(section, "secret-id", "gocardless-secret-id", report);
    let secret_key = secret(section, "secret-key", "gocardless-secret-key", report);
    let redirect = "http://localhost:8437/linked".to_owned();
    let redirect = section.item("redirect").read(redirect, value::redirect, report);
    Some(GoCardless {
        api_base: api_base?,
        secret_id: secret_id?,
        secret_key: secret_key?,
        redirect: redirect?,
    })
}

fn secret(
    section: &Section<'_, '_>,
    key: &str,
    credential: &str,
    report: &mut Report<'_>,
) -> Option<SecretSource> {
    let default = SecretSource::Credential(credential.to_owned());
    section.item(key).read(default, |given| value::secret(given, credential), report)
}

fn store(section: &Section<'_, '_>, defaults: &Defaults, report: &mut Report<'_>) -> Option<Store> {
    let folder = defaults.state_dir.clone().unwrap_or_else(|| PathBuf::from("/var/lib/banksyncd"));
    let path = section.item("path").read(folder.join("banksyncd.db"), value::path, report);
    let key = secret(section, "key", "database-key", report);
    Some(Store { path: path?, key: key? })
}

fn control(
    section: &Section<'_, '_>,
    defaults: &Defaults,
    report: &mut Report<'_>,
) -> Option<Control> {
    let folder = defaults.runtime_dir.clone().unwrap_or_else(|| PathBuf::from("/run/banksyncd"));
    let socket = section.item("socket").read(folder.join("control.sock"), socket_path, report);
    Some(Control { socket: socket? })
}

fn socket_path(given: &DeValue<'_>) -> Result<PathBuf, Wrong> {
    let path = value::path(given)?;
    if path.as_os_str().len() > SOCKET_PATH_BYTES_MAX {
        let message = format!(
            "is longer than {SOCKET_PATH_BYTES_MAX} bytes, the most that a socket's path can be"
        );
        return Err(Wrong::new(message));
    }
    Ok(path)
}

/// The fields of `[limits]`, each as far as it is good.
struct LimitFields {
    calls_per_day: Option<u32>,
    manual_reserve: Option<u32>,
    accounts_per_minute: Option<u32>,
    error_budget: Option<u32>,
    error_hard_limit: Option<u32>,
}

impl LimitFields {
    fn whole(&self) -> Option<Limits> {
        Some(Limits {
            calls_per_day: self.calls_per_day?,
            manual_reserve: self.manual_reserve?,
            accounts_per_minute: self.accounts_per_minute?,
            error_budget: self.error_budget?,
            error_hard_limit: self.error_hard_limit?,
        })
    }

    /// What is left for the schedule: at least one pull.
    fn scheduled(&self) -> Option<u32> {
        self.calls_per_day?.checked_sub(self.manual_reserve?).filter(|pulls| *pulls > 0)
    }
}

fn limits(section: &Section<'_, '_>, report: &mut Report<'_>) -> LimitFields {
    let mut number = |key: &str, default: u32, least: u32, most: u32| {
        section.item(key).read(default, |given| value::number(given, least..=most), report)
    };
    let fields = LimitFields {
        calls_per_day: number("calls-per-day", 4, 1, 10_000),
        manual_reserve: number("manual-reserve", 1, 0, 9_999),
        accounts_per_minute: number("accounts-per-minute", 100, 1, 1_000_000),
        error_budget: number("error-budget", 3, 1, ERROR_HARD_LIMIT_MAX),
        error_hard_limit: number("error-hard-limit", 8, 1, ERROR_HARD_LIMIT_MAX),
    };
    if let (Some(calls), Some(reserve)) = (fields.calls_per_day, fields.manual_reserve)
        && reserve >= calls
    {
        let message =
            format!("keeps all of the {calls} calls per day and leaves none for the schedule");
        let hint = "lower `manual-reserve` or raise `calls-per-day`";
        report.problem(&section.item("manual-reserve").place, Wrong::new(message).hint(hint));
    }
    if let (Some(budget), Some(hard)) = (fields.error_budget, fields.error_hard_limit)
        && budget > hard
    {
        let message = format!("must not be above `error-hard-limit`, which is {hard}");
        report.problem(&section.item("error-budget").place, Wrong::new(message));
    }
    fields
}

fn schedule(
    section: &Section<'_, '_>,
    limits_section: &Section<'_, '_>,
    limits: &LimitFields,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let timezone = section.item("timezone").read(Zone::UTC, zone, report);
    let jitter = section.item("jitter");
    let jitter_s = jitter.read(10 * MINUTE_S, |given| value::duration(given, 0..=DAY_S), report);
    let freshness = section.item("freshness");
    let freshness_s =
        freshness.read(26 * 3_600, |given| value::duration(given, MINUTE_S..=400 * DAY_S), report);
    let pull = section.item("pull");
    let patterns = match pull.value() {
        Some(_) => patterns(&pull, report),
        None => limits.scheduled().map(|pulls| compiled(slots::spread(pulls))),
    };
    if let (Some(patterns), Some(allowed)) = (&patterns, limits.scheduled()) {
        let crons: Vec<Cron> = patterns.iter().map(|(_, cron)| cron.clone()).collect();
        let plan = slots::measure(&crons, allowed);
        if plan.too_many {
            let place =
                if pull.value().is_some() { &pull } else { &limits_section.item("manual-reserve") };
            report.problem(&place.place, too_many(limits));
        }
        fits(&plan, (&jitter, jitter_s), (&freshness, freshness_s), report);
    }
    Some(Schedule {
        timezone: timezone?,
        pull: patterns?.into_iter().map(|(text, _)| text).collect(),
        jitter_s: jitter_s?,
        freshness_s: freshness_s?,
    })
}

fn too_many(limits: &LimitFields) -> Wrong {
    let (calls, reserve) = (limits.calls_per_day.unwrap_or(0), limits.manual_reserve.unwrap_or(0));
    Wrong::new(format!(
        "more pulls fall into 24 hours than `calls-per-day` = {calls} less `manual-reserve` = {reserve} allows"
    ))
    .hint("leave out some pulls, lower `manual-reserve`, or raise `calls-per-day` if the bank grants more")
}

/// Jitter must not let one slot overtake the next; an objective that every plan day breaks is hardly meant.
fn fits(
    plan: &Plan,
    (jitter, jitter_s): (&Item<'_, '_>, Option<u32>),
    (freshness, freshness_s): (&Item<'_, '_>, Option<u32>),
    report: &mut Report<'_>,
) {
    let jitter_s = jitter_s.map(i64::from);
    if let (Some(jitter_s), Some(gap_s)) = (jitter_s, plan.shortest_gap_s)
        && jitter_s >= gap_s
    {
        let gap = value::show_duration(u32::try_from(gap_s).unwrap_or(u32::MAX));
        let message =
            format!("must be shorter than the shortest time between two pulls, which is {gap}");
        report.problem(&jitter.place, Wrong::new(message));
    }
    if let (Some(jitter_s), Some(freshness_s), Some(gap_s)) =
        (jitter_s, freshness_s, plan.longest_gap_s)
        && !plan.too_many
        && i64::from(freshness_s) < gap_s.saturating_add(jitter_s)
    {
        let message = "is shorter than the longest time between two pulls: healthy accounts will raise the alarm";
        report.warning(
            &freshness.place,
            Wrong::new(message).hint("raise `freshness` or pull more often"),
        );
    }
}

fn zone(given: &DeValue<'_>) -> Result<Zone, Wrong> {
    let name = value::text(given, "a text with the name of a time zone")?;
    name.parse().map_err(|()| {
        let hint = match suggest::zone(name, Zone::names().collect::<Vec<_>>().into_iter()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "IANA names look like \"Europe/Berlin\" or \"UTC\"".to_owned(),
        };
        Wrong::new("is not the name of a time zone").hint(hint)
    })
}

fn patterns(item: &Item<'_, '_>, report: &mut Report<'_>) -> Option<Vec<(String, Cron)>> {
    let elements = item.elements("a list of cron patterns", report)?;
    if elements.is_empty() || elements.len() > PULL_PATTERNS_MAX {
        let message = format!("must have from 1 to {PULL_PATTERNS_MAX} patterns");
        report.problem(&item.place, Wrong::new(message));
        return None;
    }
    let mut read = |element: &Item<'_, '_>| {
        let pattern = |given: &DeValue<'_>| {
            let text = value::text(given, "a text with a cron pattern")?.trim();
            Ok(Some((text.to_owned(), slots::pattern(text)?)))
        };
        element.read(None, pattern, report).flatten()
    };
    let read: Vec<Option<(String, Cron)>> = elements.iter().map(&mut read).collect();
    read.into_iter().collect()
}

fn compiled(patterns: Vec<String>) -> Vec<(String, Cron)> {
    patterns
        .into_iter()
        .filter_map(|text| slots::pattern(&text).ok().map(|cron| (text, cron)))
        .collect()
}

fn history(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<History> {
    let days = |given: &DeValue<'_>| value::number(given, 1..=HISTORY_DAYS_MAX);
    let history_days = section.item("days").read(90, days, report);
    let access_days = section.item("access-days").read(180, days, report);
    let overlap_days = section.item("overlap-days").read(30, days, report);
    let warn_days = warn_days(&section.item("warn-days"), report);
    Some(History {
        days: history_days?,
        access_days: access_days?,
        overlap_days: overlap_days?,
        warn_days: warn_days?,
    })
}

fn warn_days(item: &Item<'_, '_>, report: &mut Report<'_>) -> Option<Vec<u32>> {
    if item.value().is_none() {
        return Some(vec![14, 7, 3, 1]);
    }
    let elements = item.elements("a list of days", report)?;
    if elements.len() > WARN_DAYS_MAX {
        report
            .problem(&item.place, Wrong::new(format!("must have at most {WARN_DAYS_MAX} entries")));
        return None;
    }
    let mut seen: Vec<u32> = Vec::new();
    let mut good = true;
    for element in elements {
        let Some(days) =
            element.read(0, |given| value::number(given, 1..=HISTORY_DAYS_MAX), report)
        else {
            good = false;
            continue;
        };
        if seen.contains(&days) {
            report.problem(&element.place, Wrong::new("is in the list twice"));
            good = false;
        }
        seen.push(days);
    }
    seen.sort_unstable_by(|left, right| right.cmp(left));
    good.then_some(seen)
}

fn http(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Http> {
    let connect = section.item("connect-timeout");
    let connect_timeout_s = connect.read(10, |given| value::duration(given, 1..=120), report);
    let total_timeout_s =
        section.item("total-timeout").read(120, |given| value::duration(given, 1..=600), report);
    if let (Some(connect_s), Some(total_s)) = (connect_timeout_s, total_timeout_s)
        && connect_s > total_s
    {
        report.problem(&connect.place, Wrong::new("must not be longer than `total-timeout`"));
    }
    let body_limit_bytes = section.item("body-limit").read(
        BODY_LIMIT_MAX,
        |given| value::size(given, 1_024..=BODY_LIMIT_MAX),
        report,
    );
    Some(Http {
        connect_timeout_s: connect_timeout_s?,
        total_timeout_s: total_timeout_s?,
        body_limit_bytes: body_limit_bytes?,
    })
}

fn log(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Log> {
    let level = |given: &DeValue<'_>| value::word(given, &LogLevel::ALL, LogLevel::as_str);
    let level = section.item("level").read(LogLevel::Info, level, report);
    let format = |given: &DeValue<'_>| value::word(given, &LogFormat::ALL, LogFormat::as_str);
    let format = section.item("format").read(LogFormat::Auto, format, report);
    Some(Log { level: level?, format: format? })
}

/// The good rules; bad ones are in the report, which refuses the file as a whole.
fn accounts(item: &Item<'_, '_>, report: &mut Report<'_>) -> Vec<AccountRule> {
    let elements = match item.value() {
        Some(DeValue::Table(_)) => {
            report.problem(
                &item.place,
                Wrong::new("must be a list of tables").hint("write it as `[[account]]`"),
            );
            None
        }
        _ => item.elements("a list of tables", report),
    };
    let elements = elements.unwrap_or_default();
    if elements.len() > MAX_ACCOUNTS {
        report
            .problem(&item.place, Wrong::new(format!("must have at most {MAX_ACCOUNTS} entries")));
        return Vec::new();
    }
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
    if item.value().is_none() && matches!(element.value(), Some(DeValue::Table(_))) {
        let hint = "match = \"acc_…\" (see `banksyncd accounts`) or an IBAN";
        report.problem(&item.place, Wrong::new("is missing").hint(hint));
    }
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
    Some(AccountRule { matches: matches?, nickname: nickname?, enabled: enabled? })
}

/// One of our ids as we write it, or an IBAN without blanks and in capitals.
fn account_match(given: &DeValue<'_>) -> Result<String, Wrong> {
    const EXPECTED: &str = "an account id (acc_…) or an IBAN";
    let text = value::text(given, EXPECTED)?.trim();
    if let Ok(id) = text.to_ascii_lowercase().parse::<AccountId>() {
        return Ok(id.to_string());
    }
    match Iban::new(text) {
        Some(number) if number.is_full() => Ok(iban::normalise(text)),
        _ => Err(Wrong::new(format!("must be {EXPECTED}"))),
    }
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
