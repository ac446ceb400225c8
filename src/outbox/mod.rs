//! Messages to people and programs: who is told of what, when it may be sent, when it is tried again, and when it is given up.
//!
//! Pure: events, the targets of the configuration and `now` in, decisions out. A row of the database for each target that
//! wants an event is written with the event ([`interest()`]); the daemon asks each target's [`Lane`] what to do next and
//! tells it how it went. A message is sent at least once, and carries a key by which a receiver knows it again.

mod interest;
mod lane;

pub use interest::{Interest, TARGET, interest, is_about};
pub use lane::{GivenUp, Lane, Turn, Waiting};

use crate::config::Notify;
use crate::model::id::MessageId;
use crate::model::notice::Level;
use crate::model::time::{UtcInstant, Zone};

/// Everybody who is told, and by which clock their quiet hours go.
#[derive(Clone, Debug)]
pub struct Audience {
    /// The targets.
    pub targets: Vec<Notify>,
    /// The zone of the schedule.
    pub zone: Zone,
}

impl Audience {
    /// Nobody.
    pub const NOBODY: Self = Self { targets: Vec::new(), zone: Zone::UTC };
}

/// A message, ready to be sent in any way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// By which a receiver knows it again.
    pub key: MessageId,
    /// When the event happened.
    pub at: UtcInstant,
    /// Its code.
    pub code: &'static str,
    /// How loud it is.
    pub level: Level,
    /// What happened, in a few words.
    pub title: String,
    /// For people: what happened and what to do, in a few lines.
    pub text: String,
    /// For programs: a JSON object.
    pub json: String,
    /// The same as single words, by names of environment variables.
    pub words: Vec<(&'static str, String)>,
}
