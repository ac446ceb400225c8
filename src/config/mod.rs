//! The configuration: text in, a [`Config`] or all of its problems out. Pure, except for [`load()`], the only file reader.
//!
//! `check` walks the spanned document instead of letting serde stop at its first complaint, because a person wants every
//! problem at once. Values of secrets cannot occur in it: a secret is named, never written.

mod address;
mod check;
mod display;
mod document;
mod effective;
mod load;
mod notify;
mod problem;
mod slots;
mod suggest;
mod value;

use std::path::PathBuf;

pub use address::{Destination, Loopback};
pub use check::{KEYS, MAX_ACCOUNTS, Parsed, parse};
pub use display::{DISPLAY_FILE, display_rules};
pub use load::{LoadError, Loaded, load};
pub use notify::{Notify, Security, Smtp, Target};
pub use problem::Problem;

use crate::model::ledger::LedgerAccount;
use crate::model::time::Zone;

/// What the surroundings decide where the file is silent: the folders that systemd made for us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `$STATE_DIRECTORY`; `/var/lib/banksyncd` without.
    pub state_dir: Option<PathBuf>,
    /// `$RUNTIME_DIRECTORY`; `/run/banksyncd` without.
    pub runtime_dir: Option<PathBuf>,
}

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A systemd credential of this name.
    Credential(String),
    /// A file of mode 0600 or stricter, by its whole path.
    File(PathBuf),
}

/// The whole configuration, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The provider.
    pub gocardless: GoCardless,
    /// The database.
    pub store: Store,
    /// The control socket.
    pub control: Control,
    /// When to pull.
    pub schedule: Schedule,
    /// How often at most.
    pub limits: Limits,
    /// How far back and how long.
    pub history: History,
    /// The page after the bank's.
    pub linking: Linking,
    /// Time-outs and sizes.
    pub http: Http,
    /// What to log and how.
    pub log: Log,
    /// For a monitoring system.
    pub metrics: Metrics,
    /// How files are written.
    pub export: Export,
    /// How rows are shown.
    pub display: Display,
    /// Backups that are made by themselves.
    pub backup: Backup,
    /// Accounts with names of their own.
    pub accounts: Vec<AccountRule>,
    /// Who is told of what.
    pub notify: Vec<Notify>,
}

/// `[gocardless]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoCardless {
    /// Ends with a slash; https, or http to a loopback address.
    pub api_base: String,
    /// The secret's id.
    pub secret_id: SecretSource,
    /// The secret's key.
    pub secret_key: SecretSource,
    /// Where the browser is sent after consent.
    pub redirect: String,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The database file.
    pub path: PathBuf,
    /// 64 hex digits.
    pub key: SecretSource,
}

/// `[control]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The socket.
    pub socket: PathBuf,
}

/// `[schedule]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// IANA zone of the patterns.
    pub timezone: Zone,
    /// Cron patterns with seconds, validated.
    pub pull: Vec<String>,
    /// Largest random delay of a slot, in seconds.
    pub jitter_s: u32,
    /// Alarm when an account is older, in seconds.
    pub freshness_s: u32,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Successful calls per account and scope in any rolling 24 hours, until the headers say otherwise.
    pub calls_per_day: u32,
    /// Of these, kept for `sync`.
    pub manual_reserve: u32,
    /// The company's limit over all accounts.
    pub accounts_per_minute: u32,
    /// Counted failures in a row before an account is paused.
    pub error_budget: u32,
    /// Never more in a row.
    pub error_hard_limit: u32,
}

/// `[history]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Asked for when linking.
    pub days: u32,
    /// Likewise.
    pub access_days: u32,
    /// How far back a pull looks.
    pub overlap_days: u32,
    /// Days before the end of access at which to warn, largest first.
    pub warn_days: Vec<u32>,
    /// A link whose successor has brought everything is removed at the provider.
    pub remove_replaced: bool,
}

/// `[linking]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linking {
    /// Where the browser is answered when it comes back, while a link is pending; `None`: nowhere.
    pub listen: Option<Loopback>,
}

/// `[http]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Seconds to connect.
    pub connect_timeout_s: u32,
    /// Seconds for the whole call.
    pub total_timeout_s: u32,
    /// Decoded bytes of one answer.
    pub body_limit_bytes: u64,
}

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least level shown.
    pub level: LogLevel,
    /// Where and how.
    pub format: LogFormat,
}

/// Levels of `[log] level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Someone should look.
    Warn,
    /// Runs and changes of state.
    Info,
    /// One line per call.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// All of them, loudest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The word of the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Formats of `[log] format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal under systemd, else text.
    Auto,
    /// Lines for people on stderr.
    Text,
    /// JSON Lines on stderr.
    Json,
}

impl LogFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Text, Self::Json];

    /// The word of the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// `[metrics]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Where they are served besides the control socket; `None`: nowhere.
    pub listen: Option<Loopback>,
}

/// `[display]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Display {
    /// Whether rules fill the `display_*` members.
    pub enabled: bool,
    /// Whether `status` draws how balances went.
    pub trend: bool,
}

/// `[backup]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Where to; `None`: none are made.
    pub folder: Option<PathBuf>,
    /// Cron patterns with seconds, validated, in the zone of `[schedule]`.
    pub schedule: Vec<String>,
    /// So many of the newest are kept, at least one…
    pub keep_last: u32,
    /// …and the newest of so many days…
    pub keep_daily: u32,
    /// …weeks…
    pub keep_weekly: u32,
    /// …and months.
    pub keep_monthly: u32,
}

/// `[export]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// The ledger account that money goes to.
    pub expenses: LedgerAccount,
    /// The ledger account that money comes from.
    pub income: LedgerAccount,
}

/// `[[account]]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRule {
    /// One of our ids, or an IBAN.
    pub matches: String,
    /// A short name.
    pub nickname: Option<String>,
    /// Whether to pull it.
    pub enabled: bool,
    /// Its name in ledgers.
    pub ledger: Option<LedgerAccount>,
}
