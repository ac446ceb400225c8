//! From the text of the file to a [`Config`], or to all of its problems.
//!
//! The document is walked section by section; a syntax error ends the check, everything else is collected. A field that is
//! bad is `None` and leaves its section out; rules over several fields look only at fields that are good, so that one
//! mistake does not cause complaints about others.

mod account;
mod notify;
mod schedule;

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::document::{Item, Report, Section, Wrong};
use super::problem::{Problem, position};
use super::{
    Backup, Config, Control, Defaults, Destination, Display, Export, GoCardless, History, Http,
    Limits, Linking, Log, LogFormat, LogLevel, Metrics, SecretSource, Store,
};
use super::{address, value};
use crate::model::ledger::LedgerAccount;

/// Every key there is, by section; `account` and `notify` are lists of tables.
pub const KEYS: [(&str, &[&str]); 15] = [
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
    ("history", &["days", "access-days", "overlap-days", "warn-days", "remove-replaced"]),
    ("linking", &["listen"]),
    ("http", &["connect-timeout", "total-timeout", "body-limit"]),
    ("log", &["level", "format"]),
    ("metrics", &["listen"]),
    ("display", &["enabled", "trend"]),
    ("backup", &["folder", "schedule", "keep-last", "keep-daily", "keep-weekly", "keep-monthly"]),
    ("export", &["expenses", "income"]),
    ("account", &["match", "nickname", "enabled", "ledger"]),
    (
        "notify",
        &[
            "name", "type", "level", "codes", "accounts", "quiet", "urgent", "personal", "timeout",
            "command", "url", "secret", "topic", "token", "server", "port", "security", "username",
            "password", "from", "to",
        ],
    ),
];

/// Most accounts with rules of their own.
pub const MAX_ACCOUNTS: usize = 1_000;

/// Most entries of `warn-days`.
const WARN_DAYS_MAX: usize = 20;

/// Longest agreement and longest history that any institution gives (730 days, the provider's institutions list).
const HISTORY_DAYS_MAX: u32 = 730;

/// Never more failures in a row than this: the provider suspends an account at 10 (its knowledge base,
/// article 16671586189212), and calls that we could not settle may be among them.
const ERROR_HARD_LIMIT_MAX: u32 = 8;

/// Most decoded bytes of an answer: memory is bounded.
const BODY_LIMIT_MAX: u64 = 32 << 20;

/// Longest path of a Unix socket in bytes: `sun_path` of unix(7) without its terminator.
const SOCKET_PATH_BYTES_MAX: usize = 107;

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

/// Where the daemon listens, if a text says so, whatever else is wrong with it: enough to ask a daemon that goes on with an
/// older text.
pub(super) fn control_socket(text: &str) -> Option<PathBuf> {
    let document = DeTable::parse(text).ok()?;
    let mut report = Report::new("", text);
    let section = Section::root(document.get_ref()).item("control").section(&mut report);
    let socket = section.item("socket");
    socket.value()?;
    socket.read(None, |given| socket_path(given).map(Some), &mut report).flatten()
}

/// The error's `message` is made of fixed words; its `Display` would quote the line, which may hold a secret.
pub(super) fn syntax(text: &str, file: &str, error: &toml::de::Error) -> Problem {
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

/// The tables of a list of at most so many; none if it is no list.
fn tables<'a, 'i>(item: &Item<'a, 'i>, most: usize, report: &mut Report<'_>) -> Vec<Item<'a, 'i>> {
    if let Some(DeValue::Table(_)) = item.value() {
        let wrong = Wrong::new("must be a list of tables");
        report.problem(&item.place, wrong.hint(format!("write it as `[[{}]]`", item.path())));
        return Vec::new();
    }
    let elements = item.elements("a list of tables", report).unwrap_or_default();
    if elements.len() > most {
        report.problem(&item.place, Wrong::new(format!("must have at most {most} entries")));
        return Vec::new();
    }
    elements
}

/// Says that a key is missing from a table that is one.
fn required(item: &Item<'_, '_>, table: &Item<'_, '_>, hint: &str, report: &mut Report<'_>) {
    if item.value().is_none() && matches!(table.value(), Some(DeValue::Table(_))) {
        report.problem(&item.place, Wrong::new("is missing").hint(hint));
    }
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
    let [
        gocardless_,
        store_,
        control_,
        schedule_,
        limits_,
        history_,
        linking_,
        http_,
        log_,
        metrics_,
        display_,
        backup_,
        export_,
    ] = [
        "gocardless",
        "store",
        "control",
        "schedule",
        "limits",
        "history",
        "linking",
        "http",
        "log",
        "metrics",
        "display",
        "backup",
        "export",
    ]
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
    let schedule = schedule::schedule(&schedule_, &limits, report);
    let history = history(&history_, report);
    let linking = linking(&linking_, gocardless.as_ref(), report);
    let http = http(&http_, report);
    let log = log(&log_, report);
    let metrics = metrics(&metrics_, linking, report);
    let display = display(&display_, report);
    let backup = backup(&backup_, report);
    let export = export(&export_, report);
    let accounts = account::accounts(&root.item("account"), report);
    let notify = notify::targets(&root.item("notify"), &accounts, report);
    Some(Config {
        gocardless: gocardless?,
        store: store?,
        control: control?,
        schedule: schedule?,
        limits: limits.whole()?,
        history: history?,
        linking: linking?,
        http: http?,
        log: log?,
        metrics: metrics?,
        display: display?,
        backup: backup?,
        export: export?,
        accounts,
        notify,
    })
}

fn gocardless(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<GoCardless> {
    let api_base = "https://bankaccountdata.gocardless.com/api/v2/".to_owned();
    let api_base = section.item("api-base").read(api_base, address::api_base, report);
    let secret_id = secret(section, "secret-id", "gocardless-secret-id", report);
    let secret_key = secret(section, "secret-key", "gocardless-secret-key", report);
    let redirect = "http://localhost:8437/linked".to_owned();
    let redirect = section.item("redirect").read(redirect, address::redirect, report);
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
    let number = |key: &str, default: u32, range: RangeInclusive<u32>, report: &mut Report<'_>| {
        section.item(key).read(default, |given| value::number(given, range), report)
    };
    let failures = |key: &str, default: u32, report: &mut Report<'_>| {
        let reader = |given: &DeValue<'_>| {
            value::number(given, 1..=ERROR_HARD_LIMIT_MAX).map_err(|wrong| {
                wrong.hint("the provider suspends an account at ten failures in a row")
            })
        };
        section.item(key).read(default, reader, report)
    };
    let fields = LimitFields {
        calls_per_day: number("calls-per-day", 4, 1..=10_000, report),
        manual_reserve: number("manual-reserve", 1, 0..=9_999, report),
        accounts_per_minute: number("accounts-per-minute", 100, 1..=1_000_000, report),
        error_budget: failures("error-budget", 3, report),
        error_hard_limit: failures("error-hard-limit", 8, report),
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

fn history(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<History> {
    let days = |given: &DeValue<'_>| value::number(given, 1..=HISTORY_DAYS_MAX);
    let history_days = section.item("days").read(90, days, report);
    let access_days = section.item("access-days").read(180, days, report);
    let overlap_days = section.item("overlap-days").read(30, days, report);
    let warn_days = warn_days(&section.item("warn-days"), report);
    let remove_replaced = section.item("remove-replaced").read(true, value::boolean, report);
    Some(History {
        days: history_days?,
        access_days: access_days?,
        overlap_days: overlap_days?,
        warn_days: warn_days?,
        remove_replaced: remove_replaced?,
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

fn linking(
    section: &Section<'_, '_>,
    gocardless: Option<&GoCardless>,
    report: &mut Report<'_>,
) -> Option<Linking> {
    let item = section.item("listen");
    let listen = item.read(None, address::listen, report)?;
    let sent_to = gocardless.and_then(|own| Destination::of(&own.redirect)?.local_port);
    if let (Some(listen), Some(port)) = (listen, sent_to)
        && listen.socket().port() != port
    {
        let message = format!("the browser is sent to port {port} by `gocardless.redirect`");
        let hint = "use one port for both, unless another program passes it on";
        report.warning(&item.place, Wrong::new(message).hint(hint));
    }
    Some(Linking { listen })
}

fn metrics(
    section: &Section<'_, '_>,
    linking: Option<Linking>,
    report: &mut Report<'_>,
) -> Option<Metrics> {
    let item = section.item("listen");
    let listen = item.read(None, address::listen, report)?;
    if listen.is_some() && linking.is_some_and(|linking| linking.listen == listen) {
        report.problem(&item.place, Wrong::new("must not be the address of `linking.listen`"));
    }
    Some(Metrics { listen })
}

fn display(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Display> {
    let mut switch = |key: &str| section.item(key).read(true, value::boolean, report);
    let (enabled, trend) = (switch("enabled"), switch("trend"));
    Some(Display { enabled: enabled?, trend: trend? })
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

/// At half past three, when the banks' own night is over and nobody waits.
const BACKUP_SCHEDULE: &str = "0 30 3 * * *";

/// Most backups of a kind.
const KEEP_MAX: u32 = 10_000;

fn backup(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Backup> {
    let folder = |given: &DeValue<'_>| match given {
        DeValue::String(text) if text.is_empty() => Ok(None),
        given => value::path(given).map(Some),
    };
    let folder = section.item("folder").read(None, folder, report);
    let schedule = section.item("schedule");
    let schedule = match schedule.value() {
        Some(_) => schedule::patterns(&schedule, report)
            .map(|patterns| patterns.into_iter().map(|(text, _)| text).collect()),
        None => Some(vec![BACKUP_SCHEDULE.to_owned()]),
    };
    let mut keep = |key: &str, default: u32, least: u32| {
        section.item(key).read(default, |given| value::number(given, least..=KEEP_MAX), report)
    };
    let (last, daily) = (keep("keep-last", 3, 1), keep("keep-daily", 7, 0));
    let (weekly, monthly) = (keep("keep-weekly", 4, 0), keep("keep-monthly", 6, 0));
    Some(Backup {
        folder: folder?,
        schedule: schedule?,
        keep_last: last?,
        keep_daily: daily?,
        keep_weekly: weekly?,
        keep_monthly: monthly?,
    })
}

fn export(section: &Section<'_, '_>, report: &mut Report<'_>) -> Option<Export> {
    let mut account = |key: &str, default: &str| {
        let default = LedgerAccount::parse(default);
        section.item(key).read(default, |given| value::ledger(given).map(Some), report).flatten()
    };
    let (expenses, income) =
        (account("expenses", "Expenses:Unknown"), account("income", "Income:Unknown"));
    Some(Export { expenses: expenses?, income: income? })
}
