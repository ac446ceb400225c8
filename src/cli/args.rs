//! The command line. Wrong usage ends with 64, help and version with 0; nothing here does any work.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::ArgPredicate;
use clap::{ArgAction, Parser, Subcommand};

use super::output::ColorChoice;
use crate::config::LogLevel;
use crate::exit::Code;
use crate::export::Format;
use crate::model::time::BankDate;
use crate::systemd::unit::{INSTANCE_CHARS_MAX, is_instance};

/// Where the configuration is when nobody says otherwise.
pub const CONFIG_DEFAULT: &str = "/etc/banksyncd/config.toml";

/// More days than any institution or agreement gives; larger numbers are typing errors.
const DAYS_MAX: i64 = 3650;

/// Keeps bank data fresh in an encrypted file, and tells you when something needs you
#[derive(Debug, Parser)]
#[command(name = "banksyncd", version, propagate_version = false, max_term_width = 100)]
pub struct Args {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every verb takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// The configuration file
    #[arg(long, global = true, value_name = "PATH", env = "BANKSYNCD_CONFIG", default_value = CONFIG_DEFAULT)]
    pub config: PathBuf,
    /// The daemon's control socket [default: as configured]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print JSON Lines: one object per item, nothing else
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Say on stderr what is done: each request to the daemon and its answer, the log of level debug; twice for all of it
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say only what is asked for, and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// `-v`.
    pub fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// The level of the log that `-v` or `-q` asks for, in place of the usual one.
    pub fn log_level(&self) -> Option<LogLevel> {
        match self.verbose {
            0 => self.quiet.then_some(LogLevel::Error),
            1 => Some(LogLevel::Debug),
            _ => Some(LogLevel::Trace),
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the daemon in the foreground
    Run,
    /// Show everything against a built-in bank: no credentials, no root, no network
    Demo(Demo),
    /// Run the built-in bank alone, over HTTP on a loopback address
    Sandbox(Sandbox),
    /// Try every promise for years on a virtual clock, against the built-in bank
    Simulate(Simulate),
    /// Report every problem of the configuration
    CheckConfig,
    /// Look at everything that can be wrong, and say which command cures it
    Doctor(Doctor),
    /// Put a backup in the place of the database; the daemon must be stopped
    Restore(Restore),
    /// Encrypt the database with another key; the daemon must be stopped
    Rekey(Rekey),
    /// Print the database key to be written down, for the day on which the machine is lost
    RecoveryKey(RecoveryKey),
    /// Match all stored answers anew and show what would differ
    Replay(Replay),
    /// Make what a daemon needs: configuration, database key, API secrets
    Init(Init),
    /// Print what a shell needs to complete verbs and options
    Completions(Completions),
    /// What the daemon is asked for.
    #[command(flatten)]
    Client(ClientVerb),
}

/// The verbs that ask the daemon.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientVerb {
    /// Find the id of a bank
    Institutions(Institutions),
    /// Link a bank: opens its consent page for you and waits until it is done
    Link(Link),
    /// List links, their state and the days left
    Links(Links),
    /// End a link at the provider; stored data stays
    Unlink(Unlink),
    /// Renew a link while the old one works; accounts keep their id and history
    Renew(Renew),
    /// Confirm that access goes on, as Great Britain asks every 90 days
    Reconfirm(Reconfirm),
    /// List accounts; say which two are one, or take them apart again
    Accounts(Accounts),
    /// Erase everything of an account, for good
    Forget(Forget),
    /// Show balances
    Balances(Balances),
    /// List transactions
    Transactions(Transactions),
    /// Write transactions to a file for another program
    Export(Export),
    /// Show every version of a transaction
    History(History),
    /// Tell why a transaction is one row
    Explain(Explain),
    /// List or follow events
    Events(Events),
    /// List who is told of events, and try whether a message arrives
    Notify(Notify),
    /// Show what is going on, and what needs you
    Status(Status),
    /// Show the calls left, and when the next one is allowed
    Quota,
    /// Ask for a pull now
    Sync(Sync),
    /// Check the integrity of the database
    Verify,
    /// Copy the whole database into a file
    Backup(Backup),
    /// Make the running daemon read its configuration again
    Reload,
}

/// `demo`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Without options it tells a story of a few weeks in a few seconds, on a clock of its own, and removes everything at the end.
With --json it prints the events of that story instead, one object per line.
It ends with 0 if all of it happened as told, else with 1 and the step that did not happen.")]
pub struct Demo {
    /// Keep everything (config, secrets, database, log) in this folder, which must be new or empty
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Skip the story: link a bank and stay in the foreground with bank and daemon up, in real time, until Ctrl-C
    #[arg(long)]
    pub serve: bool,
}

/// `sandbox`
#[derive(Clone, Debug, clap::Args)]
pub struct Sandbox {
    /// A loopback address; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: std::net::SocketAddr,
}

/// `doctor`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = super::doctor::HELP)]
pub struct Doctor {
    /// Make no call to the provider, and ask no name server
    #[arg(long)]
    pub offline: bool,
}

/// `replay`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Every answer of the bank is kept. This carries them out once more, from the first on, by the rules of this version, and
lists each stored row that would be another one. Nothing changes without --apply; with it all of it does, or nothing.
With the rules by which the rows were made there is no difference.")]
pub struct Replay {
    /// Make the stored rows what the rules make of the answers
    #[arg(long)]
    pub apply: bool,
}

/// `init`
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
As root it sets the packaged service up: /etc/banksyncd/config.toml, and encrypted credentials where systemd-creds is at hand,
else files of mode 0600. With --config it makes a folder for a daemon that is started by hand.
The secret id and the secret key are asked for without echo; without a terminal they are the first two lines of standard
input. What is there already is kept: run again, it changes nothing.")]
pub struct Init {
    /// Read the secret id from this file
    #[arg(long, value_name = "PATH")]
    pub secret_id_file: Option<PathBuf>,
    /// Read the secret key from this file
    #[arg(long, value_name = "PATH")]
    pub secret_key_file: Option<PathBuf>,
    /// Ask for the API secrets anew and replace those that are there; never the database key
    #[arg(long)]
    pub replace_secrets: bool,
    /// Another server that speaks the provider's API
    #[arg(long, value_name = "URL")]
    pub api_base: Option<String>,
    /// Set up banksyncd@NAME.service, with folders of its own, in place of banksyncd.service
    #[arg(long, value_name = "NAME", value_parser = instance)]
    pub instance: Option<String>,
}

/// `completions`
#[derive(Clone, Debug, clap::Args)]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `simulate`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The real engine, client and encrypted store run against the built-in bank in this process; no configuration, network or
database of yours is touched. The same seed gives the same run, down to the contents of the database.
It ends with 1 if any promise was broken, and then says the seed, the virtual instant and the last twenty effects.
The database is in memory (/dev/shm) where there is such a place; TMPDIR names another.")]
pub struct Simulate {
    /// Virtual days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub days: u32,
    /// What decides everything that chance decides
    #[arg(long, value_name = "S", default_value_t = 1, conflicts_with = "seeds")]
    pub seed: u64,
    /// All seeds from A to B
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<(u64, u64)>,
    /// Accounts to link
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=12_000))]
    pub accounts: u32,
    /// How much goes wrong
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = Weather::Default)]
    pub faults: Weather,
    /// Put the bank into a process of its own, and say what the daemon takes without it
    #[arg(long)]
    pub bank_apart: bool,
    /// Be that bank
    #[arg(long, hide = true, conflicts_with = "bank_apart")]
    pub bank: bool,
}

/// `--faults`
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Weather {
    /// Nothing, and everybody is in time
    None,
    /// What happens to everybody in a year
    Default,
    /// Everything that can happen, often
    Storm,
}

/// `institutions`
#[derive(Clone, Debug, clap::Args)]
pub struct Institutions {
    /// Words of its name or parts of them, its BIC, or its id
    pub query: Vec<String>,
    /// Two letters, such as DE
    #[arg(long, value_name = "CC", value_parser = country)]
    pub country: Option<String>,
}

/// `link`
#[derive(Clone, Debug, clap::Args)]
pub struct Link {
    /// Its id, as `banksyncd institutions` shows it
    pub institution: String,
    /// Days of history to ask for [default: as configured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub history_days: Option<u32>,
    /// Days of access to ask for [default: as configured]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=DAYS_MAX))]
    pub access_days: Option<u32>,
    /// Print the URL and end
    #[arg(long)]
    pub no_wait: bool,
}

/// `links`
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Links {
    /// Write the ends of access as a calendar file (iCalendar) instead; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub ics: Option<PathBuf>,
}

/// `unlink`
#[derive(Clone, Debug, clap::Args)]
pub struct Unlink {
    /// Its id or the beginning of it
    pub link: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `renew`
#[derive(Clone, Debug, clap::Args)]
pub struct Renew {
    /// Its id or the beginning of it
    pub link: String,
    /// Print the URL and end
    #[arg(long)]
    pub no_wait: bool,
}

/// `reconfirm`
#[derive(Clone, Debug, clap::Args)]
pub struct Reconfirm {
    /// Its id or the beginning of it
    pub link: String,
}

/// `accounts`
#[derive(Clone, Debug, clap::Args)]
pub struct Accounts {
    /// What to do with them; nothing: list them
    #[command(subcommand)]
    pub verb: Option<AccountsVerb>,
}

/// What can be done with accounts.
#[derive(Clone, Debug, Subcommand)]
pub enum AccountsVerb {
    /// Make two accounts one: the first keeps its id and gets the second's rows, balances, quota and connection
    Merge(Merge),
    /// Take an account apart again that was merged or paired last, exactly as it was
    Split(Split),
}

/// `accounts merge`
#[derive(Clone, Debug, clap::Args)]
pub struct Merge {
    /// Keeps its id: id, the beginning of it, nickname or IBAN
    #[arg(value_name = "A")]
    pub kept: String,
    /// Becomes part of it
    #[arg(value_name = "B")]
    pub absorbed: String,
}

/// `accounts split`
#[derive(Clone, Debug, clap::Args)]
pub struct Split {
    /// Id, the beginning of it, nickname or IBAN
    #[arg(value_name = "A")]
    pub account: String,
}

/// `notify`
#[derive(Clone, Debug, clap::Args)]
pub struct Notify {
    /// What to do with the targets; nothing: list them
    #[command(subcommand)]
    pub verb: Option<NotifyVerb>,
}

/// What can be done with targets of messages.
#[derive(Clone, Debug, Subcommand)]
pub enum NotifyVerb {
    /// Send a message to a target, or to all of them, now and whatever their filters and quiet hours say
    Test(NotifyTest),
}

/// `notify test`
#[derive(Clone, Debug, clap::Args)]
pub struct NotifyTest {
    /// Its name in the configuration [default: all]
    pub target: Option<String>,
}

/// `forget`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Its rows, balances, answers and calls, what events say of it beyond code and time: all of it goes, and the file is written
anew so that nothing stays in it. What backups and exports have is yours to delete. The account is not pulled any more; a
renewal does not bring it back, a new `link` does. A link that no other account goes by is ended at the provider.")]
pub struct Forget {
    /// Id, the beginning of it, nickname or IBAN
    pub account: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `balances`
#[derive(Clone, Debug, clap::Args)]
pub struct Balances {
    /// Id, the beginning of it, nickname or IBAN [default: all]
    pub account: Option<String>,
    /// Every change, not only the newest answer
    #[arg(long)]
    pub history: bool,
}

/// `transactions`
#[derive(Clone, Debug, clap::Args)]
pub struct Transactions {
    /// Id, the beginning of it, nickname or IBAN [default: all]
    pub account: Option<String>,
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Option<BankDate>,
    /// Last day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub to: Option<BankDate>,
    /// Also what is announced but not booked
    #[arg(long)]
    pub pending: bool,
    /// Every row in every state
    #[arg(long)]
    pub all: bool,
    /// With the bank's own row (in --json)
    #[arg(long)]
    pub raw: bool,
}

/// `backup`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The copy has the database's key, and nothing else opens it. It can be made while the daemon runs. Beside it stands
FILE.keycheck, by which `restore` tells a wrong key from a damaged file.")]
pub struct Backup {
    /// Where to; a file that is there is replaced when the new one is whole
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `restore`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The backup is checked whole before anything is replaced, and what was there is kept beside it. The calls of the last day
are taken over, so that the banks' quotas are kept.
With --recovery-key a backup opens that was made with another key than the present one, on another machine or before a
`rekey`. The key is asked for line by line; without a terminal it is read from standard input, as `recovery-key` prints it
or as 64 hexadecimal digits. The restored database has the present key.")]
pub struct Restore {
    /// What `backup` has written
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Open the backup with the key that `recovery-key` has printed, or with any other
    #[arg(long)]
    pub recovery_key: bool,
}

/// `rekey`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
A copy with the new key is made beside the database and compared with it; then the new key takes the old one's place in its
file or credential, and the copy the database's. After a crash at any moment the database opens with the key that is in
place, and nothing has to be done; if the key is still the old one, type `rekey` again.
The old key is kept beside the new one: backups that were made before open with it only. It needs as much space as the
database.")]
pub struct Rekey {
    /// Take this key (a file of mode 0600 with 64 hexadecimal digits) instead of making one
    #[arg(long, value_name = "PATH")]
    pub new_key_file: Option<PathBuf>,
}

/// `recovery-key`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Whoever has these lines and a backup reads everything in it. Write them on paper and keep that where the machine is not.
`restore FILE --recovery-key` takes them.")]
pub struct RecoveryKey {
    /// Print it although standard output is not a terminal
    #[arg(long)]
    pub force: bool,
}

/// `export`
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The same data gives the same bytes, and every entry carries its transaction id where the format has a place for it, so that
importing a file twice adds nothing. A file that grows has a companion, FILE.cursor, that says what it has.")]
pub struct Export {
    /// csv, jsonl, hledger, beancount, ofx, qif or camt053
    #[arg(long, value_name = "FORMAT", value_parser = format, required = false, required_unless_present = "all")]
    #[arg(default_value_if("all", ArgPredicate::IsPresent, "jsonl"))]
    pub format: ExportFormat,
    /// Everything that is stored, as a folder of JSON Lines, a table and a manifest
    #[arg(long, requires = "output")]
    #[arg(conflicts_with_all = ["format", "account", "from", "to", "pending", "append", "follow"])]
    pub all: bool,
    /// Only of this account: id, the beginning of it, nickname or IBAN
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// First day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub from: Option<BankDate>,
    /// Last day, YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub to: Option<BankDate>,
    /// Also what is announced but not booked
    #[arg(long)]
    pub pending: bool,
    /// The file [default: standard output]; with --all the folder, which must be new or empty
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Add what the file lacks
    #[arg(long)]
    pub append: bool,
    /// Go on with new rows as they come, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
}

/// A format on the command line.
#[derive(Clone, Copy, Debug)]
pub struct ExportFormat(pub Format);

/// `history`
#[derive(Clone, Debug, clap::Args)]
pub struct History {
    /// Its id, as `banksyncd transactions --json` shows it
    pub transaction: String,
    /// With the bank's own row (in --json)
    #[arg(long)]
    pub raw: bool,
}

/// `explain`
#[derive(Clone, Debug, clap::Args)]
pub struct Explain {
    /// Its id, as `banksyncd transactions --json` shows it
    pub transaction: String,
}

/// `events`
#[derive(Clone, Debug, clap::Args)]
pub struct Events {
    /// Go on with new ones until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// RFC 3339, a date (from midnight UTC), or a time ago such as 30m, 2h, 3d
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only this code, such as `access_expiring`
    #[arg(long, value_name = "CODE")]
    pub code: Option<String>,
    /// Only of this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
}

/// `status`
#[derive(Clone, Debug, clap::Args)]
pub struct Status {
    /// Do not draw how the balances of the last 30 days went (also `display.trend = false`)
    #[arg(long)]
    pub no_trend: bool,
}

/// `sync`
#[derive(Clone, Debug, clap::Args)]
pub struct Sync {
    /// Id, the beginning of it, nickname or IBAN [default: all]
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// Wait until it is done and print a result per account
    #[arg(long)]
    pub wait: bool,
    /// Also try paused accounts, within the hard limit
    #[arg(long)]
    pub force: bool,
}

/// A parse that ends the program: with help, or with a complaint.
#[derive(Debug)]
pub struct Stop {
    /// How to end.
    pub code: Code,
    /// What to print, newline included, without styles.
    pub text: String,
    /// The same with styles.
    pub styled: String,
}

/// Understands the command line; the first argument is the program's name. Text of [`Stop`] belongs on stdout if its code
/// is 0, else on stderr.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, Stop> {
    let args = Args::try_parse_from(arguments).map_err(|error| stop(&error))?;
    let days = match &args.verb {
        Verb::Client(ClientVerb::Transactions(args)) => args.from.zip(args.to),
        Verb::Client(ClientVerb::Export(args)) => args.from.zip(args.to),
        _ => None,
    };
    if let Some((from, to)) = days
        && from > to
    {
        return Err(complaint(&format!(
            "error: `--from {from}` is after `--to {to}`\n\nhint: swap them\n"
        )));
    }
    Ok(args)
}

fn complaint(text: &str) -> Stop {
    Stop { code: Code::Usage, text: text.to_owned(), styled: text.to_owned() }
}

fn stop(error: &clap::Error) -> Stop {
    let text = error.render();
    Stop {
        code: if error.use_stderr() { Code::Usage } else { Code::Ok },
        text: text.to_string(),
        styled: text.ansi().to_string(),
    }
}

fn day(text: &str) -> Result<BankDate, String> {
    // The lenient parser also takes date-times, as banks write them.
    match BankDate::parse(text) {
        Some(date) if text.len() == "YYYY-MM-DD".len() => Ok(date),
        _ => Err("expected a day that exists, as YYYY-MM-DD".to_owned()),
    }
}

fn instance(text: &str) -> Result<String, String> {
    let wrong = || format!("expected up to {INSTANCE_CHARS_MAX} letters, digits and `_`");
    is_instance(text).then(|| text.to_owned()).ok_or_else(wrong)
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| text.parse::<u64>().ok();
    text.split_once("..")
        .and_then(|(first, last)| Some((number(first)?, number(last)?)))
        .ok_or_else(|| "expected two seeds, such as 1..20".to_owned())
}

fn format(text: &str) -> Result<ExportFormat, String> {
    let known = || format!("expected one of {}", Format::ALL.map(Format::as_str).join(", "));
    Format::from_word(text).map(ExportFormat).ok_or_else(known)
}

fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_alphabetic()) {
        Ok(text.to_ascii_uppercase())
    } else {
        Err("expected two letters of ISO 3166, such as DE".to_owned())
    }
}
