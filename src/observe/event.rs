//! An event of the database as a line of the log: code, ids and the safe message, never the details.

use crate::model::agreement::Scope;
use crate::model::id::{AccountId, InstitutionId, LinkId, RunId};
use crate::model::notice::{EventCode, Level, Notice};

use super::catalog;

/// The target of events, so that they can be told from other lines.
const TARGET: &str = "banksyncd::event";

/// What of an event may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEvent<'a> {
    /// The id in the event table, if it has one yet.
    pub id: Option<i64>,
    /// What.
    pub code: EventCode,
    /// One sentence without personal data.
    pub message: &'a str,
    /// Whose account.
    pub account: Option<AccountId>,
    /// Which link.
    pub link: Option<LinkId>,
    /// Which bank.
    pub institution: Option<&'a InstitutionId>,
    /// Which scope.
    pub scope: Option<Scope>,
    /// In which run.
    pub run: Option<RunId>,
}

impl<'a> From<&'a Notice> for LogEvent<'a> {
    fn from(notice: &'a Notice) -> Self {
        Self {
            id: None,
            code: notice.code,
            message: &notice.message,
            account: notice.account_id,
            link: notice.link_id,
            institution: notice.institution_id.as_ref(),
            scope: notice.scope,
            run: notice.run_id,
        }
    }
}

impl<'a> LogEvent<'a> {
    /// An event that is stored.
    pub fn stored(id: i64, notice: &'a Notice) -> Self {
        Self { id: Some(id), ..Self::from(notice) }
    }
}

/// Tells an event to the log; `false` if nobody took it.
pub type Tell = Box<dyn Fn(&LogEvent<'_>) -> bool + Send>;

/// Emits the event at its level; a notice is an information with the severity `notice`.
pub fn log_event(event: &LogEvent<'_>) {
    // The level of a callsite is a constant, so each level needs its own.
    macro_rules! emit {
        ($level:ident) => {
            tracing::event!(
                target: TARGET,
                tracing::Level::$level,
                message_id = catalog::message_id(event.code),
                severity = event.code.level().as_str(),
                event = event.code.as_str(),
                event_id = event.id,
                account = event.account.map(tracing::field::display),
                link = event.link.map(tracing::field::display),
                institution = event.institution.map(tracing::field::display),
                scope = event.scope.map(Scope::as_str),
                run = event.run.map(tracing::field::display),
                "{}",
                event.message
            )
        };
    }
    match event.code.level() {
        Level::Error => emit!(ERROR),
        Level::Warning => emit!(WARN),
        Level::Notice | Level::Info => emit!(INFO),
    }
}
