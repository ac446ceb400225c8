//! The command line: verbs that ask the daemon and show what it says, one file each.
//!
//! A verb takes the [`Ctx`] it works in and its arguments, and ends with an exit [`Code`] or a [`CliError`]. It never opens the
//! database and never talks to the provider. With `--json` the daemon's objects go to stdout as they came, one per line, and
//! nothing else does; progress, advice and errors go to stderr.

use std::io::BufRead;
use std::path::Path;

use serde_json::Value;

use crate::config::Problem;
use crate::daemon::view::VerifyView;
use crate::exit::Code;
use crate::model::port::{BoxFuture, Clock, Method};
use crate::model::shell::quoted_path;
use crate::model::time::{BankDate, Now, Zone};
use crate::store::Backup;

pub mod accounts;
mod archive;
pub mod args;
pub mod backup;
pub mod balances;
mod calendar;
mod check_config;
pub mod client;
mod completions;
mod demo;
mod directly;
mod doctor;
pub mod error;
pub mod events;
pub mod explain;
pub mod export;
pub mod forget;
pub mod history;
mod init;
pub mod institutions;
mod key;
pub mod link;
pub mod links;
mod main;
pub mod notify;
pub mod object;
pub mod output;
pub mod progress;
mod qr;
pub mod quota;
pub mod reconfirm;
mod recovery_key;
mod rekey;
pub mod reload;
pub mod renew;
mod replay;
mod restore;
mod sandbox;
mod simulate;
pub mod status;
pub mod sync;
pub mod table;
pub mod text;
pub mod transactions;
pub mod unlink;
pub mod verify;
mod way;

#[cfg(test)]
mod tests;

pub use main::main;

use args::{ClientVerb, Global};
use client::{Client, Patience, Whole};
use error::CliError;
use object::Object;
use output::Output;
use progress::Progress;

/// What a verb works in.
pub struct Ctx<'a> {
    /// Where it writes.
    pub output: Output,
    /// The way to the daemon.
    pub client: Client<'a>,
    /// What is wrong with the configuration; the daemon may answer all the same.
    pub problems: Vec<Problem>,
    /// The time, and waiting.
    pub clock: &'a dyn Clock,
    /// For times that people read.
    pub zone: Zone,
    /// `--json`.
    pub json: bool,
    /// How this program was called, with the options that lead to the same daemon; commands that are shown begin with it.
    pub program: String,
    /// Where a person answers.
    pub input: Box<dyn BufRead + 'a>,
    /// Resolves when a person presses Ctrl-C; only verbs that leave something behind wait for it.
    pub interrupt: BoxFuture<'a, ()>,
    /// `verify` without the daemon: opens the store and runs the checks.
    pub verify_directly: BoxFuture<'a, Result<VerifyView, CliError>>,
    /// `backup` without the daemon: opens the store and copies it.
    pub backup_directly: BoxFuture<'a, Result<Backup, CliError>>,
}

impl std::fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Ctx<'_> {
    /// The time.
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// A command of ours as a person has to type it here.
    pub fn command(&self, command: &str) -> String {
        command_of(&self.program, command)
    }

    /// Whether there is a person to ask before something that cannot be taken back.
    ///
    /// # Errors
    /// There is none.
    fn can_ask(&self, verb: &str) -> Result<(), CliError> {
        self.output.terminal.input.then_some(()).ok_or_else(|| CliError::Usage {
            message: format!("`{verb}` asks first, and there is no terminal to ask on"),
            hint: Some("add `--yes`".to_owned()),
        })
    }

    /// Asks; after a no nothing is to be done.
    fn agreed(&mut self, question: &str) -> Result<bool, CliError> {
        self.output.ask(question);
        let mut answer = String::new();
        self.input.read_line(&mut answer).map_err(CliError::Input)?;
        let agreed = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
        if !agreed {
            self.output.note("nothing was changed");
        }
        Ok(agreed)
    }

    /// Says that a first day lies in the future, where few rows are: banks date some ahead. Whatever the zone, a day is left.
    fn tell_future(&mut self, from: Option<BankDate>) {
        let today = self.now().wall.utc_date();
        if let Some(from) = from.filter(|from| Some(*from) > today.plus_days(1)) {
            self.output.note(&format!(
                "`--from {from}` lies in the future: only what banks date ahead is there\n\n\
                 hint: today is {today}"
            ));
        }
    }

    /// Asks for one object that may take a while: `text` says what for.
    async fn wait_for(
        &self,
        text: &str,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<Whole, CliError> {
        let asked = self.client.object(method, path, body, Patience::Endless);
        Progress::during(text, self.output.is_watched(), asked).await
    }

    /// Reads a listing whole, for tables. The listings read this way have one object per account, link, scope or bank.
    async fn list(&self, path: &str, patience: Patience) -> Result<Vec<Object>, CliError> {
        let mut lines = self.client.lines(Method::Get, path, None, patience).await?;
        let mut objects = Vec::new();
        while let Some(line) = lines.next().await? {
            if objects.len() >= LISTED_MAX {
                let what = format!("a listing of more than {LISTED_MAX} objects");
                return Err(CliError::NotUnderstood { what, hint: None });
            }
            objects.push(Object::parse(line)?);
        }
        Ok(objects)
    }

    /// Passes a listing through to stdout, line by line.
    async fn pass(&mut self, path: &str, patience: Patience) -> Result<Code, CliError> {
        let mut lines = self.client.lines(Method::Get, path, None, patience).await?;
        while let Some(line) = lines.next().await? {
            self.output.json(line)?;
        }
        Ok(Code::Ok)
    }
}

/// What a person sees who waits for the provider.
const ASKING: &str = "asking the provider";

/// Most objects that a table is made of; the provider lists a few thousand banks.
const LISTED_MAX: usize = 100_000;

/// `banksyncd`, with the options that someone gave to reach this daemon.
pub fn program(global: &Global) -> String {
    let mut program = vec!["banksyncd".to_owned()];
    let mut option = |name: &str, path: &Path| {
        program.extend([name.to_owned(), quoted_path(path)]);
    };
    let from_environment = std::env::var_os("BANKSYNCD_CONFIG");
    let config = global.config.as_os_str();
    if config != args::CONFIG_DEFAULT && Some(config) != from_environment.as_deref() {
        option("--config", &global.config);
    }
    if let Some(socket) = &global.socket {
        option("--socket", socket);
    }
    program.join(" ")
}

/// A command with every call of ours as a person has to type it, who calls the program like this.
fn command_of(program: &str, command: &str) -> String {
    let word = |part: &str| match part.strip_prefix("banksyncd ") {
        Some(rest) => format!("{program} {rest}"),
        None => part.to_owned(),
    };
    command.split(" && ").map(word).collect::<Vec<_>>().join(" && ")
}

/// Runs a verb to its end, tells a failure on stderr, and gives the exit code.
pub async fn run(verb: &ClientVerb, ctx: &mut Ctx<'_>) -> Code {
    let result = dispatch(verb, ctx).await.and_then(|code| ctx.output.flush().map(|()| code));
    let result = blame_configuration(verb, result, ctx);
    result.unwrap_or_else(|error| {
        // What was printed before the failure is still worth having; the failure itself is what is told.
        drop(ctx.output.flush());
        if !error.is_closed_pipe() {
            // Commands in it are to be typed as this one was.
            let report = error.report().replace("`banksyncd ", &format!("`{} ", ctx.program));
            ctx.output.error(&report);
        }
        error.code()
    })
}

/// With a bad configuration: where nobody answers, its problems are what a person has to know. Where the daemon answers, it
/// goes on with another one, and that is worth a word.
fn blame_configuration(
    verb: &ClientVerb,
    result: Result<Code, CliError>,
    ctx: &mut Ctx<'_>,
) -> Result<Code, CliError> {
    if ctx.problems.is_empty() {
        return result;
    }
    match result {
        Err(CliError::Unreachable { .. } | CliError::Failed { exit: Code::Config, .. }) => {
            ctx.output.error(&broken_configuration(&ctx.problems));
            Ok(Code::Config)
        }
        // `reload` has told what the daemon makes of the file.
        answered if !matches!(verb, ClientVerb::Reload) => {
            let check = ctx.command("banksyncd check-config");
            ctx.output.note(&format!(
                "\nwarning: the configuration file is bad, and the daemon goes on with what it read before\n\n\
                 hint: `{check}` shows every problem"
            ));
            answered
        }
        answered => answered,
    }
}

/// Every problem with its place and cure, and what it has to do with the verb.
fn broken_configuration(problems: &[Problem]) -> String {
    let mut listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
    listed.push(String::new());
    let listed = listed.join("\n");
    format!(
        "{listed}error: the configuration is broken, and no daemon was found without it\n\n\
         hint: mend it, or name the daemon's socket with `--socket PATH`"
    )
}

async fn dispatch(verb: &ClientVerb, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    match verb {
        ClientVerb::Institutions(args) => institutions::run(args, ctx).await,
        ClientVerb::Link(args) => link::run(args, ctx).await,
        ClientVerb::Links(args) => links::run(args, ctx).await,
        ClientVerb::Unlink(args) => unlink::run(args, ctx).await,
        ClientVerb::Renew(args) => renew::run(args, ctx).await,
        ClientVerb::Reconfirm(args) => reconfirm::run(args, ctx).await,
        ClientVerb::Accounts(args) => accounts::run(args, ctx).await,
        ClientVerb::Forget(args) => forget::run(args, ctx).await,
        ClientVerb::Balances(args) => balances::run(args, ctx).await,
        ClientVerb::Transactions(args) => transactions::run(args, ctx).await,
        ClientVerb::Backup(args) => backup::run(args, ctx).await,
        ClientVerb::Export(args) => export::run(args, ctx).await,
        ClientVerb::History(args) => history::run(args, ctx).await,
        ClientVerb::Explain(args) => explain::run(args, ctx).await,
        ClientVerb::Events(args) => events::run(args, ctx).await,
        ClientVerb::Notify(args) => notify::run(args, ctx).await,
        ClientVerb::Status(args) => status::run(args, ctx).await,
        ClientVerb::Quota => quota::run(ctx).await,
        ClientVerb::Sync(args) => sync::run(args, ctx).await,
        ClientVerb::Verify => verify::run(ctx).await,
        ClientVerb::Reload => reload::run(ctx).await,
    }
}
