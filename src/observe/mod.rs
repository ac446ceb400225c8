//! The log: where lines go, what they look like, and the catalogue that explains events.
//!
//! Lines go to the journal with their fields when the service manager connected us to it, else to stderr. Only our own
//! targets follow the configured level; libraries never say more than warnings, because what they say is not ours to vouch
//! for. Nothing here holds personal data, tokens or secrets: the types that carry them do not print.

pub mod catalog;
mod catalog_text;
pub mod chain;
mod event;
mod fields;
mod journal;
mod layer;
pub mod panic;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Registry, reload};

pub use chain::Chain;
pub use event::{LogEvent, Tell, log_event};
pub use journal::connected as connected_to_journal;

use crate::config::{Log, LogFormat, LogLevel};
use crate::model::port::Clock;

use journal::Journal;
use layer::{LogLayer, Sink};
use text::{Form, Stream};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// Somebody set a subscriber before; there can be one only.
    #[error("the log is already set up")]
    AlreadySet(#[source] tracing::subscriber::SetGlobalDefaultError),
}

/// Changes the log of the running process.
#[derive(Clone)]
pub struct Handle {
    filter: reload::Handle<Targets, Registry>,
    /// The level was chosen for good.
    fixed: bool,
    undelivered: Arc<AtomicU64>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    /// The same at this level for good, if there is one: who starts the program has the last word.
    #[must_use]
    pub fn at(mut self, level: Option<LogLevel>) -> Self {
        if let Some(level) = level {
            self.set_level(level);
            self.fixed = true;
        }
        self
    }

    /// Shows lines of this level and louder from now on, unless the level is fixed. The format stays: it is chosen at start.
    pub fn set_level(&self, level: LogLevel) {
        if self.fixed {
            return;
        }
        // It fails only when the subscriber is gone, and then nobody writes any lines.
        self.filter.reload(targets(level)).unwrap_or_default();
    }

    /// How many lines the journal did not take since the start; they went to stderr instead.
    pub fn undelivered(&self) -> u64 {
        self.undelivered.load(Ordering::Relaxed)
    }

    /// Logs an event and says whether it arrived (or is below the level): if not, it is to be logged again later. A line
    /// that is lost elsewhere at the same moment may cause a needless repetition, never an omission.
    pub fn deliver(&self, event: &LogEvent<'_>) -> bool {
        let before = self.undelivered();
        log_event(event);
        self.undelivered() == before
    }
}

/// Sets up the log of this process, once. `journal` says whether the service manager connected stderr to the journal
/// (see [`connected_to_journal`]); the clock stamps lines on stderr.
///
/// # Errors
/// It was set up before.
pub fn init(log: Log, journal: bool, clock: Arc<dyn Clock>) -> Result<Handle, ObserveError> {
    set(subscriber(log, journal, clock, Box::new(io::stderr())))
}

/// The same, with all lines to `writer` in place of the journal and stderr.
///
/// # Errors
/// It was set up before.
pub fn init_to(
    log: Log,
    clock: Arc<dyn Clock>,
    writer: Box<dyn Write + Send>,
) -> Result<Handle, ObserveError> {
    set(subscriber(log, false, clock, writer))
}

fn set(
    (subscriber, handle): (impl Subscriber + Send + Sync, Handle),
) -> Result<Handle, ObserveError> {
    tracing::subscriber::set_global_default(subscriber).map_err(ObserveError::AlreadySet)?;
    Ok(handle)
}

fn subscriber(
    log: Log,
    journal: bool,
    clock: Arc<dyn Clock>,
    writer: Box<dyn Write + Send>,
) -> (impl Subscriber + Send + Sync, Handle) {
    let form = if log.format == LogFormat::Json { Form::Json } else { Form::Text };
    let stream = Stream::new(form, clock, writer);
    let sink = if journal && log.format == LogFormat::Auto {
        Sink::Journal(Journal::new(), stream)
    } else {
        Sink::Stream(stream)
    };
    let (filter, reload) = reload::Layer::new(targets(log.level));
    let undelivered = Arc::new(AtomicU64::new(0));
    let layer = LogLayer::new(sink, Arc::clone(&undelivered));
    (
        Registry::default().with(filter).with(layer),
        Handle { filter: reload, fixed: false, undelivered },
    )
}

/// Our targets at the level, everybody else at warnings: `tokio_cron_scheduler` alone tells of each of its ticks.
fn targets(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_default(ours.min(LevelFilter::WARN)).with_target("banksyncd", ours)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use crate::model::notice::{EventCode, Notice};
    use crate::model::port::BoxFuture;
    use crate::model::time::{Now, UtcInstant};

    use super::*;

    struct StoppedClock;

    impl Clock for StoppedClock {
        fn now(&self) -> Now {
            Now { wall: UtcInstant::from_ms(1_761_897_503_000), mono_ms: 0 }
        }

        fn sleep_until(&self, _mono_ms: i64) -> BoxFuture<'_, ()> {
            Box::pin(std::future::ready(()))
        }
    }

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What a run of `f` writes with these settings.
    fn written(log: Log, f: impl FnOnce(&Handle)) -> String {
        let paper = Paper::default();
        let (subscriber, handle) =
            subscriber(log, false, Arc::new(StoppedClock), Box::new(paper.clone()));
        tracing::subscriber::with_default(subscriber, || f(&handle));
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const TEXT: Log = Log { level: LogLevel::Info, format: LogFormat::Text };

    #[test]
    fn events_with_their_fields_in_both_forms() {
        let notice = Notice::new(EventCode::AccountRecovered, "the account works again")
            .account("acc_01kbxyz0000000000000000000".parse().unwrap())
            .institution("BANK_X".into())
            .detail("iban", "marker");
        let text = written(TEXT, |handle| assert!(handle.deliver(&LogEvent::from(&notice))));
        assert_eq!(
            text,
            "2025-10-31T07:58:23Z NOTICE  the account works again event=account_recovered \
             account=acc_01kbxyz0000000000000000000 institution=BANK_X\n"
        );
        let json = written(Log { format: LogFormat::Json, ..TEXT }, |_| {
            log_event(&LogEvent::from(&notice));
        });
        let object: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(object["level"], "notice");
        assert_eq!(object["message_id"], catalog::message_id(EventCode::AccountRecovered));
        assert!(!json.contains("marker"));
    }

    #[test]
    fn spans_lend_their_fields_and_lines_cannot_be_forged() {
        let text = written(TEXT, |_| {
            let span = tracing::info_span!(target: "banksyncd", "pull", account = "acc_1", run = tracing::field::Empty);
            span.record("run", "run_1");
            let _inside = span.enter();
            tracing::info!(target: "banksyncd", scope = "a b", "first\nsecond");
        });
        assert_eq!(
            text,
            "2025-10-31T07:58:23Z INFO    first\\u{a}second account=acc_1 run=run_1 scope=\"a b\"\n"
        );
    }

    #[test]
    fn the_level_changes_at_run_time_and_libraries_stay_quiet() {
        let text = written(TEXT, |handle| {
            tracing::debug!(target: "banksyncd::sync", "hidden");
            handle.set_level(LogLevel::Debug);
            tracing::debug!(target: "banksyncd::sync", "shown");
            tracing::info!(target: "tokio_cron_scheduler", "hidden");
            tracing::warn!(target: "tokio_cron_scheduler", "shown");
            handle.set_level(LogLevel::Error);
            tracing::warn!(target: "tokio_cron_scheduler", "hidden");
            let fixed = handle.clone().at(None).at(Some(LogLevel::Trace));
            fixed.set_level(LogLevel::Error);
            tracing::trace!(target: "banksyncd", "shown");
        });
        assert_eq!(text.matches("shown").count(), 3, "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }

    #[test]
    fn a_closed_pipe_is_survived() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let (subscriber, _handle) =
            subscriber(TEXT, false, Arc::new(StoppedClock), Box::new(Closed));
        tracing::subscriber::with_default(
            subscriber,
            || tracing::error!(target: "banksyncd", "lost"),
        );
    }
}
