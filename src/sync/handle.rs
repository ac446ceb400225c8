//! How the rest of the daemon talks to the engine: messages in, answers out.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, InstitutionId, LinkId};
use crate::model::institution::Institution;
use crate::model::notice::Notice;
use crate::model::time::UtcInstant;
use crate::planner::Planner;
use crate::planner::effect::{PullResult, Refused};
use crate::planner::event::{Event, Question};
use crate::planner::policy::Policy;
use crate::planner::quota::Allowance;
use crate::planner::state::{Account, AccountStatus, Link, ProviderState};

/// Messages that may wait for the engine; senders wait beyond.
pub(super) const INBOX_LEN: usize = 64;

/// The engine has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the daemon is shutting down")]
pub struct Gone;

/// What the engine is asked to do.
#[derive(Debug)]
pub(super) enum Message {
    /// Something that nobody waits for.
    Happened(Event),
    /// What a person wants; `done`: the planner knows of it.
    Wanted {
        event: Event,
        done: oneshot::Sender<()>,
    },
    Report(oneshot::Sender<Box<Report>>),
    Brief(oneshot::Sender<Brief>),
    Sync {
        accounts: Vec<AccountId>,
        force: bool,
        results: mpsc::Sender<PullResult>,
    },
    Link {
        wish: LinkWish,
        made: oneshot::Sender<LinkId>,
    },
    Ask {
        question: Question,
        told: oneshot::Sender<Result<Vec<Institution>, Refused>>,
    },
    SetPolicy(Box<Policy>),
}

/// What a person wants of a new link.
#[derive(Debug)]
pub(super) struct LinkWish {
    pub(super) institution: InstitutionId,
    pub(super) history_days: Option<u32>,
    pub(super) access_days: Option<u32>,
    pub(super) replaces: Option<LinkId>,
}

/// The engine's state in one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    /// How many accounts there are.
    pub accounts: usize,
    /// How many of them are ready.
    pub ready: usize,
    /// The account that is worst off, if one is not well.
    pub worst: Option<(AccountId, AccountStatus)>,
    /// When the next pull is due; `None` if none is planned.
    pub next_pull_at: Option<UtcInstant>,
    /// How many links wait for a person.
    pub links_pending: usize,
    /// The provider refuses all calls.
    pub fault: bool,
    /// The provider does not answer.
    pub outage: bool,
}

impl Brief {
    /// What a planner knows at an instant of the wall clock.
    pub(super) fn of(planner: &Planner, now: UtcInstant) -> Self {
        let statuses = || planner.accounts().map(|account| (account.id, account.status));
        Self {
            accounts: planner.accounts().count(),
            ready: statuses().filter(|(_, status)| *status == AccountStatus::Ready).count(),
            worst: statuses()
                .max_by_key(|(_, status)| status.gravity())
                .filter(|(_, status)| status.gravity() > 0),
            next_pull_at: planner
                .accounts()
                .filter_map(|account| planner.next_pull_at(account, now))
                .min(),
            links_pending: planner.links().filter(|link| link.status.is_pending()).count(),
            fault: planner.provider().fault.is_some(),
            outage: planner.provider().outage_since.is_some(),
        }
    }
}

/// Everything there is to see, at one instant.
#[derive(Debug)]
pub struct Report {
    /// That instant.
    pub now: UtcInstant,
    /// The same by the provider's clock, which consents go by.
    pub provider_now: UtcInstant,
    /// All accounts, oldest first.
    pub accounts: Vec<Account>,
    /// What the rules make of each of them, in the same order.
    pub outlooks: Vec<Outlook>,
    /// All links, oldest first.
    pub links: Vec<Link>,
    /// Accounts that absorbed others and the absorbed ones, oldest first.
    pub unions: Vec<(AccountId, AccountId)>,
    /// The provider.
    pub provider: ProviderState,
    /// The rules in force.
    pub policy: Arc<Policy>,
}

impl Report {
    /// What a planner knows at an instant of the wall clock.
    pub fn of(planner: &Planner, now: UtcInstant) -> Self {
        let outlook = |account: &Account| Outlook {
            next_pull_at: planner.next_pull_at(account, now),
            quota: Scope::ALL.map(|scope| (scope, planner.allowance(account, scope, true, now))),
        };
        Self {
            now,
            provider_now: planner.provider_time(now),
            accounts: planner.accounts().cloned().collect(),
            outlooks: planner.accounts().map(outlook).collect(),
            links: planner.links().cloned().collect(),
            unions: planner.unions().iter().map(|one| (one.kept.id, one.absorbed.id)).collect(),
            provider: planner.provider().clone(),
            policy: planner.policy(),
        }
    }
}

/// What the rules make of an account now.
#[derive(Debug)]
pub struct Outlook {
    /// When the next scheduled pull begins.
    pub next_pull_at: Option<UtcInstant>,
    /// What is left for a person, by scope.
    pub quota: [(Scope, Allowance); 3],
}

/// A way to the engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    inbox: mpsc::Sender<Message>,
}

impl Handle {
    pub(super) fn new(inbox: mpsc::Sender<Message>) -> Self {
        Self { inbox }
    }

    async fn send(&self, message: Message) -> Result<(), Gone> {
        self.inbox.send(message).await.ok().ok_or(Gone)
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Gone> {
        let (sender, receiver) = oneshot::channel();
        self.send(message(sender)).await?;
        receiver.await.ok().ok_or(Gone)
    }

    async fn want(&self, event: Event) -> Result<(), Gone> {
        self.ask(|done| Message::Wanted { event, done }).await
    }

    /// Makes the engine look again. Never waits: if the inbox is full, it is awake.
    pub fn wake(&self) {
        let _full_or_gone = self.inbox.try_send(Message::Happened(Event::Woken));
    }

    /// Everything there is to see now.
    pub async fn report(&self) -> Result<Box<Report>, Gone> {
        self.ask(Message::Report).await
    }

    /// What fits into a status line.
    pub async fn brief(&self) -> Result<Brief, Gone> {
        self.ask(Message::Brief).await
    }

    /// Asks for pulls now; one result per account arrives as it is known.
    pub async fn sync(
        &self,
        accounts: Vec<AccountId>,
        force: bool,
    ) -> Result<mpsc::Receiver<PullResult>, Gone> {
        // One result per account: the engine never waits for a slow client.
        let (results, receiver) = mpsc::channel(accounts.len().max(1));
        self.send(Message::Sync { accounts, force, results }).await?;
        Ok(receiver)
    }

    /// Begins a link and answers with its id at once; its progress is in the reports. Where a successor of the replaced
    /// link is under way already, that one's id is the answer, however many ask at once.
    pub async fn link(
        &self,
        institution: InstitutionId,
        history_days: Option<u32>,
        access_days: Option<u32>,
        replaces: Option<LinkId>,
    ) -> Result<LinkId, Gone> {
        let wish = LinkWish { institution, history_days, access_days, replaces };
        self.ask(|made| Message::Link { wish, made }).await
    }

    /// Gives a link up.
    pub async fn unlink(&self, link_id: LinkId) -> Result<(), Gone> {
        self.want(Event::UnlinkWanted { link_id }).await
    }

    /// Asks the provider for the page on which a person confirms that access goes on, or what was said there. Its progress is
    /// in the reports.
    pub async fn reconfirm(&self, link_id: LinkId) -> Result<(), Gone> {
        self.want(Event::ReconfirmWanted { link_id }).await
    }

    /// Makes two accounts one. It has taken place when the next report is there.
    pub async fn merge(&self, kept: AccountId, absorbed: AccountId) -> Result<(), Gone> {
        self.want(Event::MergeWanted { kept, absorbed }).await
    }

    /// Takes the newest union of an account apart. It has taken place when the next report is there.
    pub async fn split(&self, kept: AccountId) -> Result<(), Gone> {
        self.want(Event::SplitWanted { kept }).await
    }

    /// Forgets an account. It has taken place when the next report is there.
    pub async fn forget(&self, account: AccountId) -> Result<(), Gone> {
        self.want(Event::ForgetWanted { account }).await
    }

    /// Asks the provider about institutions.
    pub async fn question(
        &self,
        question: Question,
    ) -> Result<Result<Vec<Institution>, Refused>, Gone> {
        self.ask(|told| Message::Ask { question, told }).await
    }

    /// Hands in an event of the daemon itself.
    pub async fn note(&self, notices: Vec<Notice>) -> Result<(), Gone> {
        self.send(Message::Happened(Event::Noted(notices))).await
    }

    /// Puts another policy in force.
    pub async fn set_policy(&self, policy: Policy) -> Result<(), Gone> {
        self.send(Message::SetPolicy(Box::new(policy))).await
    }
}
