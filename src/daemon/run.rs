//! Putting the daemon together, in the order that lets every fault be told before anything has happened.
//!
//! Harden the process, read the configuration, set up the log, read the secrets, open the database, make the socket, and only
//! then let the first call leave. READY is said when the socket answers and the engine runs; long checks come later.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backups::{Backups, Keeper};
use super::clock::{OsClock, OsEntropy};
use super::control::{self, Shared};
use super::integrity::Watch;
use super::landing::Landing;
use super::metrics::{Counted, Metrics};
use super::notify::{Desk, Targets};
use super::reload::{Hands, Reloader};
use super::signal::Signals;
use super::supervise::Supervisor;
use super::{DaemonError, loopback, say, trigger};
use crate::config::{Config, Loaded, LogLevel, Loopback, load};
use crate::display::Rules;
use crate::gocardless::{Client, HttpTransport, Rows, Settings};
use crate::model::notice::{EventCode, Notice};
use crate::model::port::{Clock, Entropy as _, RowReader, Transport, Vault};
use crate::model::secret::Secret;
use crate::observe::{self, Tell};
use crate::planner::policy::Policy;
use crate::planner::quota::LedgerRow;
use crate::planner::{self, Planner};
use crate::store::{LedgerState, Snapshot, Store};
use crate::sync::{Brief, Engine, Handle, Parts};
use crate::systemd::credentials::{Directories, Secrets, read_all};
use crate::systemd::{notify, process};

/// Longest time between two signs of life when no watchdog asks for them, in milliseconds.
const BEAT_MS: i64 = 60_000;

/// Runs the daemon until it is told to stop. `socket` and `level` stand in place of what the configuration says, also after
/// it was read again.
pub fn run(
    config_path: &Path,
    socket: Option<PathBuf>,
    level: Option<LogLevel>,
) -> Result<(), DaemonError> {
    process::keep_memory_small();
    process::harden().map_err(DaemonError::Process)?;
    let clock: Arc<dyn Clock> = Arc::new(OsClock::new());
    let directories = Directories::from_environment();
    let defaults = directories.defaults();
    let Loaded { mut config, display, warnings } = load(config_path, &defaults)?;
    if let Some(socket) = socket {
        config.control.socket = socket;
    }
    let log = observe::init(config.log, observe::connected_to_journal(), Arc::clone(&clock))
        .map_err(DaemonError::Log)?
        .at(level);
    observe::panic::install_hook();
    for warning in &warnings {
        tracing::warn!(warning = %warning, "the configuration has a weak spot");
    }
    let secrets = read_all(&config, &directories).map_err(DaemonError::Credentials)?;
    let config_path = config_path.to_owned();
    let plan = Plan { config_path, directories, config, display, secrets, clock, log };
    runtime()?.block_on(plan.carry_out(CancellationToken::new(), || {}))
}

/// One thread for everything but the database: there is one remote and one writer.
pub fn runtime() -> Result<Runtime, DaemonError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DaemonError::Process)
}

/// Everything that is known before anything has happened.
pub struct Plan {
    /// Where the configuration was read, to read it again.
    pub config_path: PathBuf,
    /// Where secrets are, and what it takes where it is silent.
    pub directories: Directories,
    /// What it says.
    pub config: Config,
    /// How rows are shown.
    pub display: Rules,
    /// The secrets it names.
    pub secrets: Secrets,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The log.
    pub log: observe::Handle,
}

impl Plan {
    /// Runs until `stop`, a signal or a fault; `ready` is called when the socket answers.
    pub async fn carry_out(
        self,
        stop: CancellationToken,
        ready: impl FnOnce(),
    ) -> Result<(), DaemonError> {
        process::survive_file_size_limit().map_err(DaemonError::Process)?;
        let Self { config_path, directories, config, display, secrets, clock, log } = self;
        let policy = Policy::from_config(&config).map_err(DaemonError::Schedule)?;
        let started_at = clock.now().wall;
        let Secrets { secret_id, secret_key, database_key, notify } = secrets;
        let targets = Targets::of(&config, notify).map_err(DaemonError::Notify)?;
        let (store, mut snapshot) =
            Store::open(config.store.path.clone(), database_key, started_at, &OsEntropy)
                .await
                .map_err(DaemonError::Open)?;
        store.set_audience(targets.audience()).await.map_err(DaemonError::Open)?;
        let (listener, _socket_file) = control::bind(&config.control.socket)?;
        let metrics_listener = metrics_listener(&config).await?;
        let client = client(&config, (secret_id, secret_key), &clock, &store)?;
        let reader: Arc<dyn RowReader> = Arc::new(Rows);
        let watchdog = notify::watchdog_interval();
        let counted = Arc::new(Counted::default());
        let (engine, handle, life) = Engine::new(Parts {
            untold: std::mem::take(&mut snapshot.unlogged),
            planner: Planner::restore(remembered(snapshot), policy, OsEntropy.seed()),
            provider: Arc::new(client),
            reader: Arc::clone(&reader),
            store: store.clone(),
            clock: Arc::clone(&clock),
            beat_ms: watchdog
                .and_then(|every| i64::try_from(every.as_millis()).ok())
                .unwrap_or(BEAT_MS),
            tell: counting(log.clone(), Arc::clone(&counted)),
        });
        let watch = Watch {
            store: store.clone(),
            path: config.store.path.clone(),
            reader: Arc::clone(&reader),
            clock: Arc::clone(&clock),
            log: log.clone(),
            stop: stop.clone(),
        };
        let landing = Landing::new(&config, handle.clone(), store.event_watch());
        let database = config.store.path.clone();
        let tell = counting(log.clone(), Arc::clone(&counted));
        let (desk, messages) = Desk::new(&store, &clock, tell, stop.clone());
        let hands = Hands { engine: handle.clone(), messages: messages.clone(), log };
        let reloader = Reloader::new(config_path, directories, (config, display), hands);
        let signals = Signals::listen()?;
        let backups = Backups::default();
        let metrics = Metrics {
            engine: handle.clone(),
            messages: messages.clone(),
            backups: backups.clone(),
            store: store.clone(),
            clock: Arc::clone(&clock),
            started_at,
            database,
            counted,
        };
        let shared = Shared {
            backups,
            engine: handle.clone(),
            store: store.clone(),
            reader,
            reloader: reloader.clone(),
            messages,
            clock,
            started_at,
            metrics: metrics.clone(),
            streams: TaskTracker::new(),
            stop: stop.clone(),
        };
        let keeper = Keeper::new(&shared);
        let mut tasks = Supervisor::new(stop.clone());
        let started = Notice::new(EventCode::DaemonStarted, "the daemon is up")
            .detail("version", env!("CARGO_PKG_VERSION"));
        // The inbox is empty and has room: this does not wait for the engine.
        let _gone = handle.note(vec![started]).await;
        tasks.start("the engine", {
            let stop = stop.clone();
            async move { Ok(engine.run(stop).await?) }
        });
        tasks.start("the control socket", control::serve(listener, shared));
        if let Some(listener) = metrics_listener {
            tasks.start("the metrics", metrics.serve(listener, stop.clone()));
        }
        if let Some(landing) = landing {
            tasks.start("the page after the bank's", landing.run(stop.clone()));
        }
        tasks.start("the watch for damage", watch.run());
        tasks.start("the messages", desk.run(targets));
        tasks.start("the keeper of backups", keeper.run());
        tasks.start("the heartbeat", trigger::run(handle.clone(), stop.clone()));
        tasks.start("the signals", signals.run(handle.clone(), reloader, stop.clone()));
        tasks.start("the status line", report_life(life, handle, stop, watchdog));
        say(notify::ready("ready"));
        ready();
        let ended = tasks.watch().await;
        say(notify::stopping("closing the database"));
        let closed = store.close().await.map_err(DaemonError::Open);
        ended.and(closed)
    }
}

/// The way to the provider.
fn client(
    config: &Config,
    (secret_id, secret_key): (Secret, Secret),
    clock: &Arc<dyn Clock>,
    store: &Store,
) -> Result<Client, DaemonError> {
    let transport = HttpTransport::new(&config.gocardless.api_base, &config.http);
    let transport: Arc<dyn Transport> = Arc::new(transport.map_err(DaemonError::Provider)?);
    let settings = Settings {
        api_base: config.gocardless.api_base.clone(),
        secret_id,
        secret_key,
        accounts_per_minute: config.limits.accounts_per_minute,
    };
    let vault: Arc<dyn Vault> = Arc::new(store.clone());
    Ok(Client::new(transport, Arc::clone(clock), vault, settings))
}

/// Tells events to the log, and counts those that arrived.
fn counting(log: observe::Handle, counted: Arc<Counted>) -> Tell {
    Box::new(move |event| {
        let told = log.deliver(event);
        if told {
            counted.count(event.code);
        }
        told
    })
}

/// The address for metrics, if one is configured.
async fn metrics_listener(config: &Config) -> Result<Option<TcpListener>, DaemonError> {
    let Some(address) = config.metrics.listen.map(Loopback::socket) else { return Ok(None) };
    let failed = |source| DaemonError::Metrics { address, source };
    loopback::listen(address).await.map(Some).map_err(failed)
}

/// The stored memory in the planner's form: a call that was under way when the process ended counts as unanswered.
pub fn remembered(snapshot: Snapshot) -> planner::Snapshot {
    let ledger = snapshot.ledger.into_iter().map(|row| LedgerRow {
        call_id: row.id,
        account_id: row.account_id,
        part: row.part,
        scope: row.scope,
        at: row.settled_at.unwrap_or(row.reserved_at),
        unsettled: row.state == LedgerState::Reserved,
    });
    planner::Snapshot {
        ledger: ledger.collect(),
        accounts: snapshot.accounts,
        links: snapshot.links,
        provider: snapshot.provider,
        unions: snapshot.unions,
    }
}

/// Feeds the watchdog from the engine's own progress, and the status line with what comes next.
async fn report_life(
    mut life: watch::Receiver<u64>,
    engine: Handle,
    stop: CancellationToken,
    watchdog: Option<Duration>,
) -> Result<(), DaemonError> {
    /// The status line changes at most so often.
    const STATUS_EVERY: Duration = Duration::from_secs(15);
    if !notify::is_heard() {
        stop.cancelled().await;
        return Ok(());
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            changed = life.changed() => if changed.is_err() { return Ok(()) },
        }
        if watchdog.is_some() {
            say(notify::watchdog());
        }
        if let Ok(brief) = engine.brief().await {
            say(notify::status(&status_line(&brief)));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(watchdog.map_or(STATUS_EVERY, |every| every.min(STATUS_EVERY))) => {}
        }
    }
    say(notify::stopping("waiting for calls under way"));
    Ok(())
}

/// One line for `systemctl status`: how many accounts, the worst of them, what comes next.
fn status_line(brief: &Brief) -> String {
    let next =
        brief.next_pull_at.map_or("no pull planned".to_owned(), |at| format!("next pull {at}"));
    let worst = match brief.worst {
        Some((account, status)) => format!(", worst {account} {}", status.as_str()),
        None => String::new(),
    };
    let trouble = if brief.fault {
        ", the provider refuses all calls"
    } else if brief.outage {
        ", the provider does not answer"
    } else {
        ""
    };
    format!("{} of {} accounts ready, {next}{worst}{trouble}", brief.ready, brief.accounts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::UtcInstant;
    use crate::planner::state::AccountStatus;

    #[test]
    fn the_status_line_names_the_next_pull_and_the_worst_account() {
        let well = Brief {
            accounts: 3,
            ready: 3,
            worst: None,
            next_pull_at: Some(UtcInstant::from_ms(1_761_897_503_000)),
            links_pending: 0,
            fault: false,
            outage: false,
        };
        assert_eq!(status_line(&well), "3 of 3 accounts ready, next pull 2025-10-31T07:58:23Z");
        let account = "acc_01kbxyz0000000000000000000".parse().unwrap();
        let ill = Brief {
            ready: 2,
            worst: Some((account, AccountStatus::Suspended)),
            next_pull_at: None,
            outage: true,
            ..well
        };
        assert_eq!(
            status_line(&ill),
            "2 of 3 accounts ready, no pull planned, worst acc_01kbxyz0000000000000000000 suspended, \
             the provider does not answer"
        );
    }
}
