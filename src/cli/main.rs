//! The command line as a whole: which verb, in which surroundings, and how the process ends.

use std::ffi::OsString;
use std::io::{self, BufReader};
use std::sync::Arc;

use super::args::{self, Args, ClientVerb, Global, Verb};
use super::client::Client;
use super::error::CliError;
use super::output::{Output, Terminal, local_zone};
use super::way::{Way, way};
use super::{Ctx, check_config, directly, doctor, program, restore, sandbox, simulate};
use crate::config::{Log, LogFormat};
use crate::daemon::clock::OsClock;
use crate::daemon::run::runtime;
use crate::daemon::{DaemonError, run as daemon};
use crate::exit::Code;
use crate::observe::{self, Chain};

/// Understands the arguments, runs the verb, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Code {
    let Args { global, verb } = match args::parse(arguments) {
        Ok(args) => args,
        Err(stop) => return tell(&stop),
    };
    let mut output = Output::standard(Terminal::detect(global.color), global.quiet);
    if let Err(error) = log(&verb, &global) {
        output.error(&format!("error: {}", Chain(&error)));
        return error.exit_code();
    }
    let ended = match verb {
        Verb::Run => return run_daemon(&global, &mut output),
        Verb::CheckConfig => check_config::run(&global, &mut output),
        Verb::Rekey(args) => super::rekey::run(&args, &global, &mut output),
        Verb::RecoveryKey(args) => super::recovery_key::run(&args, &global, &mut output),
        Verb::Replay(args) => super::replay::run(&args, &global, &mut output),
        Verb::Sandbox(args) => sandbox::run(&args, &global, &mut output),
        Verb::Init(args) => super::init::run(&args, &global, &mut output),
        Verb::Doctor(args) => doctor::run(&args, &global, &mut output),
        Verb::Completions(args) => super::completions::run(&args, &mut output),
        Verb::Simulate(args) => simulate::run(&args, &global, &mut output),
        Verb::Restore(args) => restore::run(&args, &global, &mut output),
        Verb::Demo(args) => super::demo::run(&args, &global, &mut output),
        Verb::Client(verb) => return run_client(&verb, &global, output),
    };
    let ended = ended.and_then(|code| output.flush().map(|()| code));
    ended.unwrap_or_else(|error| {
        if !error.is_closed_pipe() {
            output.error(&error.report());
        }
        error.code()
    })
}

/// The log on stderr that `-v` asks for; daemons have their own.
fn log(verb: &Verb, global: &Global) -> Result<(), DaemonError> {
    let has_own = matches!(verb, Verb::Run | Verb::Demo(_));
    let Some(level) = global.log_level().filter(|_| global.is_verbose() && !has_own) else {
        return Ok(());
    };
    let log = Log { level, format: LogFormat::Text };
    observe::init(log, false, Arc::new(OsClock::new())).map_err(DaemonError::Log)?;
    Ok(())
}

/// Help on stdout, complaints on stderr; a reader that went away is no error.
fn tell(stop: &args::Stop) -> Code {
    let terminal = Terminal::detect(super::output::ColorChoice::Auto);
    let mut output = Output::standard(terminal, false);
    let text = if terminal.colour { &stop.styled } else { &stop.text };
    if stop.code == Code::Ok {
        drop(output.verbatim(text).and_then(|()| output.flush()));
    } else {
        output.complain(text);
    }
    stop.code
}

fn run_daemon(global: &Global, output: &mut Output) -> Code {
    match daemon::run(&global.config, global.socket.clone(), global.log_level()) {
        Ok(()) => Code::Ok,
        Err(error) => {
            tell_daemon_error(&error, output);
            error.exit_code()
        }
    }
}

/// Every problem with its place and cure; in the journal too, if the log was set up by then.
fn tell_daemon_error(error: &DaemonError, output: &mut Output) {
    tracing::error!(error = %Chain(error), "the daemon cannot go on");
    if let DaemonError::Config(load) = error {
        for problem in load.problems() {
            output.error(&problem.to_string());
        }
        return;
    }
    let mut text = format!("error: {}", Chain(error));
    for hint in error.hints() {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    output.error(&text);
}

fn run_client(verb: &ClientVerb, global: &Global, mut output: Output) -> Code {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            output.error(&format!("error: {}", Chain(&error)));
            return error.exit_code();
        }
    };
    let clock = OsClock::new();
    let Way { socket, problems } = match way(global) {
        Ok(way) => way,
        Err(problems) => {
            output.error(&super::broken_configuration(&problems));
            return Code::Config;
        }
    };
    let mut ctx = Ctx {
        output,
        client: Client::new(socket, &clock),
        problems,
        clock: &clock,
        zone: local_zone(),
        json: global.json,
        program: program(global),
        input: Box::new(BufReader::new(io::stdin())),
        interrupt: Box::pin(async {
            // Without a signal handler Ctrl-C ends the process, which is right, too.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        }),
        verify_directly: Box::pin(directly::verify(global)),
        backup_directly: Box::pin(directly::backup(global)),
    };
    runtime.block_on(super::run(verb, &mut ctx))
}

impl From<DaemonError> for CliError {
    fn from(error: DaemonError) -> Self {
        let hints = error.hints();
        Self::Failed {
            exit: error.exit_code(),
            message: Chain(&error).to_string(),
            hint: (!hints.is_empty()).then(|| hints.join("; ")),
        }
    }
}
