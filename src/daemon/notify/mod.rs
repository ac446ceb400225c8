//! Messages to the targets of the configuration: what sends to each ([`Targets`]), the task that does it ([`Desk`]), and how
//! the rest of the daemon talks to that task ([`Handle`]).

mod desk;
mod letter;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

pub use desk::Desk;

use super::reload::ReloadError;
use crate::config::{AccountRule, Config};
use crate::model::time::UtcInstant;
use crate::notify::{Failed, Messenger, Secrets, Unusable, messenger};
use crate::outbox::Audience;
use crate::store::Store;
use crate::sync::Gone;

/// A target that cannot be used as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the target `{name}` of `[[notify]]` cannot be used")]
pub struct BadTarget {
    name: String,
    #[source]
    why: Unusable,
}

/// The targets of a configuration, each with what sends to it.
pub struct Targets {
    audience: Arc<Audience>,
    messengers: Vec<Arc<dyn Messenger>>,
    /// Names of accounts.
    rules: Arc<[AccountRule]>,
}

impl Targets {
    /// From a checked configuration and the secrets of its targets, in the same order.
    ///
    /// # Errors
    /// A secret is not what it should be.
    pub fn of(config: &Config, secrets: Vec<Secrets>) -> Result<Self, BadTarget> {
        let made = config.notify.iter().zip(secrets).map(|(notify, secrets)| {
            let bad = |why| BadTarget { name: notify.name.clone(), why };
            messenger(&notify.target, secrets, notify.timeout_s).map_err(bad)
        });
        let messengers = made.collect::<Result<_, _>>()?;
        let zone = config.schedule.timezone.clone();
        let audience = Arc::new(Audience { targets: config.notify.clone(), zone });
        Ok(Self { audience, messengers, rules: config.accounts.clone().into() })
    }

    /// Who wants what.
    pub fn audience(&self) -> Arc<Audience> {
        Arc::clone(&self.audience)
    }
}

/// How a target fares.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// The word of its type.
    pub kind: &'static str,
    /// How many messages wait for it.
    pub waiting: usize,
    /// When the oldest event happened that it was not told of yet.
    pub oldest_at: Option<UtcInstant>,
    /// Since when it takes none.
    pub failing_since: Option<UtcInstant>,
    /// When it last took one, since the daemon started.
    pub taken_at: Option<UtcInstant>,
    /// How many were given up since the daemon started.
    pub given_up: u64,
    /// Why it did not take the last one, if it did not.
    pub failed: Option<Failed>,
}

/// What became of a trial.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The target's name.
    pub name: String,
    /// The word of its type.
    pub kind: &'static str,
    /// Why it did not take the message, if it did not.
    pub failed: Option<Failed>,
}

/// What the desk is asked.
enum Ask {
    Set(Box<Targets>),
    List(oneshot::Sender<Vec<Standing>>),
    Test(Vec<String>, mpsc::Sender<Tried>),
}

/// A way to the desk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: mpsc::Sender<Ask>,
    store: Store,
}

impl Handle {
    /// Puts other targets in the place of those there are. What waits for one that stays goes on waiting, what waits for one
    /// that goes is forgotten, and a new one is told of what happens from now on.
    pub async fn set(&self, targets: Targets) -> Result<(), ReloadError> {
        self.store.set_audience(targets.audience()).await?;
        self.inbox.send(Ask::Set(Box::new(targets))).await.map_err(|_gone| Gone)?;
        Ok(())
    }

    /// How the targets fare.
    pub async fn list(&self) -> Result<Vec<Standing>, Gone> {
        let (reply, standings) = oneshot::channel();
        self.inbox.send(Ask::List(reply)).await.map_err(|_gone| Gone)?;
        standings.await.map_err(|_gone| Gone)
    }

    /// Sends a message to each of these targets now, whatever their filters and hours say, and past what waits.
    pub async fn test(&self, names: Vec<String>) -> Result<mpsc::Receiver<Tried>, Gone> {
        let (reply, tried) = mpsc::channel(names.len().max(1));
        self.inbox.send(Ask::Test(names, reply)).await.map_err(|_gone| Gone)?;
        Ok(tried)
    }
}
