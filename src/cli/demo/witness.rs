//! Watches the daemon's events as anybody could, through its socket, and waits for what a story needs.
//!
//! Nothing in the demonstration waits for time: it waits for an event, with a bound.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::super::client::{Client, Patience, path, with_query};
use super::super::error::CliError;
use super::super::object::Object;
use super::not_as_told;
use crate::model::port::Method;

/// How long a step may take in real time. Steps take milliseconds; machines can be busy.
const STEP_S_MAX: u64 = 20;

/// An event and the line it came in.
#[derive(Debug)]
pub(super) struct Event {
    /// Its content.
    pub(super) object: Object,
    /// As it came.
    pub(super) raw: Vec<u8>,
}

impl Event {
    /// Its code.
    pub(super) fn code(&self) -> &str {
        self.object.text_or_empty("code")
    }
}

/// Everything that the daemon has told so far.
#[derive(Debug)]
pub(super) struct Witness {
    seen: Vec<Event>,
    incoming: mpsc::UnboundedReceiver<Vec<u8>>,
    /// Reads the socket; ends with this.
    _reader: JoinSet<()>,
}

impl Witness {
    /// Begins to follow the events, from the first on.
    pub(super) async fn begin(client: &Client<'_>) -> Result<Self, CliError> {
        let target = with_query(&path(&["events"]), &[("follow", Some("1"))]);
        let mut lines = client.lines(Method::Get, &target, None, Patience::Endless).await?;
        let (sender, incoming) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            while let Ok(Some(line)) = lines.next().await {
                if sender.send(line.to_vec()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { seen: Vec::new(), incoming, _reader: reader })
    }

    /// All events so far, the oldest first.
    pub(super) fn seen(&self) -> &[Event] {
        &self.seen
    }

    /// How many there are: a mark from which to look later.
    pub(super) fn mark(&self) -> usize {
        self.seen.len()
    }

    /// Those after a mark.
    pub(super) fn since(&self, mark: usize) -> &[Event] {
        self.seen.get(mark..).unwrap_or_default()
    }

    /// Waits until `enough` holds for all events; `what` says what is waited for.
    pub(super) async fn until(
        &mut self,
        what: &str,
        enough: impl Fn(&[Event]) -> bool,
    ) -> Result<(), CliError> {
        let wait = async {
            while !enough(&self.seen) {
                let Some(raw) = self.incoming.recv().await else {
                    return Err(not_as_told(&format!("{what} (the daemon ended before)")));
                };
                let object = Object::parse(&raw)?;
                self.seen.push(Event { object, raw });
            }
            Ok(())
        };
        let limit = Duration::from_secs(STEP_S_MAX);
        tokio::time::timeout(limit, wait).await.unwrap_or_else(|_elapsed| Err(not_as_told(what)))
    }

    /// Waits until all of these codes came after the mark.
    pub(super) async fn until_codes(
        &mut self,
        mark: usize,
        codes: &[&str],
    ) -> Result<(), CliError> {
        let what = format!("the events {}", codes.join(", "));
        self.until(&what, |seen| {
            let fresh = seen.get(mark..).unwrap_or_default();
            codes.iter().all(|code| fresh.iter().any(|event| event.code() == *code))
        })
        .await
    }

    /// Waits until a pull of each of these accounts was completed after the mark.
    pub(super) async fn until_pulled(
        &mut self,
        mark: usize,
        accounts: &BTreeSet<String>,
    ) -> Result<(), CliError> {
        self.until("a pull of every account", |seen| {
            let fresh = seen.get(mark..).unwrap_or_default();
            let pulled = fresh.iter().filter(|event| event.code() == "sync_completed");
            let pulled: BTreeSet<&str> =
                pulled.filter_map(|event| event.object.text("account_id")).collect();
            accounts.iter().all(|account| pulled.contains(account.as_str()))
        })
        .await
    }
}
