//! `demo`: the whole main job against the built-in bank, without credentials, root or network.
//!
//! One process, one thread: the bank on a loopback port, the daemon as `run` starts it (HTTP, encrypted file, control socket),
//! and the client verbs that a person would type, through that socket. Only the clock is not real: bank and daemon share one
//! that can be moved ahead. With `--serve` it is not moved, and other terminals type the verbs.

mod folder;
mod served;
mod stage;
mod story;
mod witness;

use std::io::{self, BufReader, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::args::{Demo, Global};
use super::client::Client;
use super::error::CliError;
use super::output::{Output, Terminal};
use super::{Ctx, directly, program};
use crate::config::{Config, Loaded, load};
use crate::daemon::DaemonError;
use crate::daemon::clock::OsClock;
use crate::daemon::run::{Plan, runtime};
use crate::daemon::time_lapse::TimeLapse;
use crate::exit::Code;
use crate::model::port::Clock;
use crate::model::time::Zone;
use crate::observe;
use crate::sandbox::{SharedWorld, World, WorldConfig, serve};
use crate::systemd::credentials::{Directories, read_all};
use crate::systemd::process;

use folder::Folder;
use stage::Stage;

/// The person at the bank agrees this long after a link was made, unless they open its page before.
const PERSON_AGREES_AFTER_S: i64 = 4;

/// Columns for people, whatever the terminal's width: text is written for as many.
const COLUMNS: u16 = 80;

/// Plays the demonstration, or serves it.
pub(super) fn run(args: &Demo, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    process::harden().map_err(DaemonError::Process)?;
    runtime()?.block_on(Box::pin(play(args, global, output)))
}

/// What the person who watches is told when the story went otherwise.
fn not_as_told(step: &str) -> CliError {
    CliError::Failed {
        exit: Code::Partial,
        message: format!("the demo stopped, because this did not happen: {step}"),
        hint: Some(
            "look at what the daemon did: `banksyncd demo --keep DIR` leaves its log in `DIR/daemon.log`"
                .to_owned(),
        ),
    }
}

fn io_failed(what: &str) -> impl FnOnce(io::Error) -> CliError {
    let what = what.to_owned();
    move |error| CliError::Failed {
        exit: Code::IoErr,
        message: format!("{what}: {error}"),
        hint: None,
    }
}

async fn play(args: &Demo, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    let folder = Folder::make(args.keep.as_deref())?;
    let (real, clock) = (OsClock::new(), Arc::new(TimeLapse::new()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(io_failed("cannot listen on a loopback address"))?;
    let address = listener.local_addr().map_err(io_failed("cannot tell the bank's address"))?;
    folder.furnish(&format!("http://{address}/api/v2/"), !args.serve)?;
    let plan = plan(&folder, &clock, global)?;
    let bank = bank(&clock);
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, Arc::clone(&bank), CancellationToken::new()));

    let own = Global { config: folder.config(), socket: None, ..global.clone() };
    let shown = if global.json { silent() } else { narrator(output) };
    let ctx = Ctx {
        output: shown,
        // Its patience is real, however fast time passes on stage.
        client: Client::new(plan.config.control.socket.clone(), &real),
        problems: Vec::new(),
        clock: &*clock,
        zone: Zone::UTC,
        json: false,
        program: called(args, &own),
        input: Box::new(BufReader::new(io::empty())),
        interrupt: Box::pin(std::future::pending()),
        verify_directly: Box::pin(directly::verify(&own)),
        backup_directly: Box::pin(directly::backup(&own)),
    };
    let (ready, is_ready) = oneshot::channel();
    let stop = CancellationToken::new();
    let mut daemon = Box::pin(plan.carry_out(stop.clone(), move || {
        // Nobody waits any more only if the whole is ending.
        let _gone = ready.send(());
    }));
    let show = async {
        // A daemon that ends before it is ready ends the whole with its own error.
        if is_ready.await.is_err() {
            std::future::pending::<()>().await;
        }
        let mut stage = Stage::set(ctx, &clock, &bank).await?;
        if args.serve {
            served::begin(&mut stage, &folder, &address, global.json.then_some(&mut *output))
                .await?;
            std::future::pending::<()>().await;
        } else {
            story::tell(&mut stage, &folder).await?;
        }
        Ok::<_, CliError>(stage)
    };
    let shown = tokio::select! {
        shown = Box::pin(show) => shown,
        ended = &mut daemon => {
            ended?;
            return interrupted(args);
        }
    };
    // A signal ends the daemon first, and then the story misses it.
    let was_interrupted = stop.is_cancelled();
    stop.cancel();
    daemon.await?;
    let mut stage = match shown {
        Err(_missed) if was_interrupted => return interrupted(args),
        shown => shown?,
    };
    story::curtain(&mut stage, &folder)?;
    if global.json {
        for event in stage.witness.seen() {
            output.json(&event.raw)?;
        }
    }
    Ok(Code::Ok)
}

/// Ctrl-C, or a signal: the daemon ended in good order. That is how serving ends, but no end for a story.
fn interrupted(args: &Demo) -> Result<Code, CliError> {
    if args.serve {
        return Ok(Code::Ok);
    }
    Err(CliError::Failed {
        exit: Code::Partial,
        message: "the demo was interrupted before its end".to_owned(),
        hint: None,
    })
}

/// How commands begin on the screen: with the way to this daemon, if it outlives them.
fn called(args: &Demo, own: &Global) -> String {
    if args.serve { program(own) } else { "banksyncd".to_owned() }
}

/// The daemon as `run` puts it together, with its log in the folder or where `-v` wants it, and the clock that can be moved.
fn plan(folder: &Folder, clock: &Arc<TimeLapse>, global: &Global) -> Result<Plan, CliError> {
    let directories = Directories::default();
    let config_path = folder.config();
    let Loaded { config, display, warnings: _none } =
        load(&config_path, &directories.defaults()).map_err(DaemonError::Config)?;
    let Config { log, .. } = config;
    let clock: Arc<dyn Clock> = clock.clone();
    let writer: Box<dyn Write + Send> =
        if global.is_verbose() { Box::new(io::stderr()) } else { Box::new(folder.log()?) };
    let log = observe::init_to(log, Arc::clone(&clock), writer)
        .map_err(DaemonError::Log)?
        .at(global.log_level().filter(|_| global.is_verbose()));
    let secrets = read_all(&config, &directories).map_err(DaemonError::Credentials)?;
    Ok(Plan { config_path, directories, config, display, secrets, clock, log })
}

fn bank(clock: &Arc<TimeLapse>) -> Arc<SharedWorld> {
    let config = WorldConfig {
        // A customer who spends no more than comes in.
        activity_percent: 60,
        auto_authorise_after_s: Some(PERSON_AGREES_AFTER_S),
        ..WorldConfig::default()
    };
    let world = World::new(config, clock.now().wall);
    Arc::new(SharedWorld::new(world, clock.clone()))
}

/// The screen of the story: at most 80 columns, and only what a verb prints for good. Without "a terminal" there is no QR
/// code, which would point a phone at this machine's loopback address.
fn narrator(output: &Output) -> Output {
    let width = output.terminal.width.map_or(COLUMNS, |width| width.min(COLUMNS));
    let terminal = Terminal {
        input: false,
        output: false,
        error: false,
        width: Some(width),
        height: None,
        ..output.terminal
    };
    Output::standard(terminal, true)
}

/// For `--json`: the story happens, but nobody is told.
fn silent() -> Output {
    Output::new(Box::new(io::sink()), Box::new(io::stderr()), Terminal::default(), true)
}
