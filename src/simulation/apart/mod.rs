//! The daemon alone: the bank lives in a process of its own, so that what this one takes is what a daemon takes.
//!
//! The engine, its client above the socket and the encrypted store are in this process, the world and those who judge by its
//! books in the other. There is one clock, and it stands still while the other process answers: one seed is one run here, too.
//! Nothing goes wrong and nobody is killed; it is for thousands of accounts, and for measuring.

mod bank;
mod talk;

use std::env;
use std::io::{self, BufReader, BufWriter};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::model::port::{Body, BoxFuture, Request, Response, Transport, TransportError};
use crate::model::time::UtcInstant;
use crate::systemd::process;

use super::clock::VirtualClock;
use super::life::Host;
use super::promise::{BOUNDS, Broken};
use super::report::{PromiseReport, Report, Took};
use super::{Options, Outcome, SimulationError, audit, conclude, folder, stage, wishes};

pub use bank::serve;
use talk::{Ask, Say};

/// A request is on its way so long, and an answer, in milliseconds.
const THERE_MS: i64 = 40;
const BACK_MS: i64 = 400;
/// What one daemon may take at the provider's ceiling of 12,000 accounts, in bytes.
const MEMORY_BYTES: u64 = 150 << 20;

/// Runs one simulation to its end.
///
/// # Errors
/// Only what has nothing to do with the promises: no folder, no process. A broken promise is an [`Outcome`].
pub fn run(options: &Options) -> Result<Outcome, SimulationError> {
    let folder = folder::Folder::make().map_err(SimulationError::Folder)?;
    let host = stage::host(options, folder.path())?;
    let bank = Arc::new(Bank::start(options).map_err(SimulationError::Process)?);
    let clock = Arc::clone(&host.clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park(move || clock.tick())
        .build()
        .map_err(SimulationError::Process)?;
    runtime.block_on(live(options, &host, &bank))
}

async fn live(
    options: &Options,
    host: &Host,
    bank: &Arc<Bank>,
) -> Result<Outcome, SimulationError> {
    let clock = &host.clock;
    let end = clock.truth().plus_days(i64::from(options.days));
    let (store, snapshot) = host.open().await.map_err(SimulationError::Store)?;
    let wire = Wire { bank: Arc::clone(bank), clock: Arc::clone(clock) };
    let (engine, handle, client) = host.engine(Arc::new(wire), &store, snapshot);
    drop(client);
    let stop = CancellationToken::new();
    let mut task = JoinSet::new();
    task.spawn(engine.run(stop.clone()));
    while clock.truth() < end {
        let at = clock.truth();
        let Say::Lived { wishes, next_at, kept } = bank.ask(&Ask::Live { at }, b"")?.0 else {
            return Err(unexpected());
        };
        if !kept {
            break;
        }
        for wish in wishes {
            // Nobody ends a link here.
            drop(wishes::ask(&handle, wish).await);
        }
        let next = [next_at, Some(at.plus_hours(1)), Some(end)].into_iter().flatten().min();
        tokio::select! {
            biased;
            ended = task.join_next() => return Err(gave_up(ended)),
            () = clock.sleep_until_true(next.unwrap_or(end).max(at.plus_ms(1))) => {}
        }
    }
    stop.cancel();
    match task.join_next().await {
        Some(Ok(Ok(()))) => {}
        other => return Err(gave_up(other)),
    }
    let took = Took {
        memory_bytes: process::resident_bytes_max().unwrap_or_default(),
        cpu_ms: process::cpu_ms().unwrap_or_default(),
    };
    let mut own = Report::default();
    conclude::read(&store, &mut own).await.map_err(SimulationError::Store)?;
    let stored = audit::stored(&store).await.map_err(SimulationError::Store)?;
    clock.watch(None);
    let at = clock.truth();
    let asked = Ask::SumUp { at };
    let summed_up = bank.ask(&asked, &talk::pack(&stored))?.0;
    let Say::SummedUp { report, tallies, broken } = summed_up else { return Err(unexpected()) };
    let Report { pulls, warnings, expiries, fingerprint, .. } = own;
    let promise = |(name, tally): (String, _)| PromiseReport { name: name.into(), tally };
    let promises = tallies.into_iter().map(promise).collect();
    let daemon = Some(took);
    let report = Report { pulls, warnings, expiries, promises, fingerprint, daemon, ..*report };
    Ok(judged(at, report, broken))
}

/// The daemon's memory is judged with the other bounds.
fn judged(at: UtcInstant, mut report: Report, broken: Option<Broken>) -> Outcome {
    let bytes = report.daemon.map_or(0, |took| took.memory_bytes);
    let excess = (bytes > MEMORY_BYTES).then(|| Broken {
        promise: BOUNDS.into(),
        at,
        sentence: format!("the daemon took {bytes} bytes of memory, {MEMORY_BYTES} allowed"),
        effects: Vec::new(),
    });
    if let Some(own) = report.promises.iter_mut().find(|own| own.name == BOUNDS) {
        own.tally.checked += 1;
        own.tally.broken += u64::from(excess.is_some());
    }
    Outcome { report, broken: broken.or(excess) }
}

type Ended = Option<Result<Result<(), crate::sync::EngineError>, tokio::task::JoinError>>;

fn gave_up(ended: Ended) -> SimulationError {
    match ended {
        Some(Ok(Err(error))) => SimulationError::Engine(error),
        // It was not told to stop.
        _ => SimulationError::Process(io::Error::other("the engine ended too early")),
    }
}

fn unexpected() -> SimulationError {
    SimulationError::Process(io::Error::other("the bank's process answers something else"))
}

/// The other process.
struct Bank {
    pipes: Mutex<(BufWriter<ChildStdin>, BufReader<ChildStdout>)>,
    /// Ends when its input does.
    _process: Child,
}

impl Bank {
    fn start(options: &Options) -> io::Result<Self> {
        let numbers = [
            ("--days", options.days.to_string()),
            ("--accounts", options.accounts.to_string()),
            ("--seed", options.seed.to_string()),
        ];
        let mut process = Command::new(env::current_exe()?)
            .args(["simulate", "--faults", "none", "--bank"])
            .args(numbers.iter().flat_map(|(name, number)| [*name, number.as_str()]))
            .env_remove(process::TUNABLES)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (input, output) = pipes.ok_or_else(|| io::Error::other("the bank has no pipes"))?;
        let pipes = Mutex::new((BufWriter::new(input), BufReader::new(output)));
        Ok(Self { pipes, _process: process })
    }

    /// One question, one answer; nothing else happens meanwhile.
    fn ask(&self, ask: &Ask, bytes: &[u8]) -> Result<(Say, Vec<u8>), SimulationError> {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let (input, output) = &mut *pipes;
        let answer = talk::send(input, ask, bytes).and_then(|()| talk::receive(output)).transpose();
        answer
            .unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
            .map_err(SimulationError::Process)
    }
}

/// Status, headers and body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// [`Transport`] to the world in the other process.
struct Wire {
    bank: Arc<Bank>,
    clock: Arc<VirtualClock>,
}

impl Wire {
    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let sent_at = self.clock.truth();
        self.clock.sleep_ms(THERE_MS).await;
        let (status, headers, body) = self.answer(&request, sent_at, self.clock.truth())?;
        self.clock.sleep_ms(BACK_MS).await;
        Ok(Response { status, headers, body: Body::new(body, None) })
    }

    /// The other process is asked and awaited; if it is gone, whoever drives the simulation learns so when it asks next.
    fn answer(
        &self,
        request: &Request,
        sent_at: UtcInstant,
        at: UtcInstant,
    ) -> Result<Answer, TransportError> {
        let ask = Ask::Answer {
            at,
            sent_at,
            method: request.method.into(),
            path: request.path.clone(),
            bearer: request.bearer.as_ref().map(|bearer| bearer.expose().to_owned()),
            has_body: request.body.is_some(),
        };
        let body = request.body.as_ref().map_or("", |body| body.expose());
        match self.bank.ask(&ask, body.as_bytes()) {
            Ok((Say::Answered { status, headers }, body)) => Ok((status, headers, body)),
            Ok(_) | Err(_) => Err(TransportError::Broken),
        }
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.exchange(request))
    }
}
