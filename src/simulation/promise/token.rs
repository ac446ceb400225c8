//! No needless token: a new pair only when the last one has no life left, was refused, or was lost on the way.

use crate::model::time::{DAY_MS, SECOND_MS, UtcInstant};

use super::super::fact::Machine;
use super::{Fact, Promise, Verdict};

/// A pair may be replaced so long before its end.
const MARGIN_MS: i64 = 2 * DAY_MS;
/// A pair that came so short before the process died may not have been written down.
const UNWRITTEN_MS: i64 = 10 * SECOND_MS;

/// The judge.
#[derive(Debug)]
pub(super) struct Token {
    refresh_life_ms: i64,
    /// When the pair in use came.
    held_since: Option<UtcInstant>,
    /// It was refused since.
    doubted: bool,
    disk_full: bool,
    /// When the disk last had room again.
    disk_free_at: Option<UtcInstant>,
    /// The wall clock has been wrong since the pair came.
    confused: bool,
}

impl Token {
    /// For a provider whose refresh tokens live so long.
    pub(super) fn new(refresh_life_ms: i64) -> Self {
        Self {
            refresh_life_ms,
            held_since: None,
            doubted: false,
            disk_full: false,
            disk_free_at: None,
            confused: false,
        }
    }

    fn died(&mut self, at: UtcInstant) {
        let unwritten = |since: UtcInstant| {
            at.since(since) < UNWRITTEN_MS
                || self.disk_full
                || self.disk_free_at.is_some_and(|free| since <= free)
        };
        if self.held_since.is_some_and(unwritten) {
            self.held_since = None;
        }
    }
}

impl Promise for Token {
    fn name(&self) -> &'static str {
        "token"
    }

    fn see(&mut self, at: UtcInstant, fact: &Fact) -> Verdict {
        match fact {
            Fact::Ended(_) => self.died(at),
            Fact::Machine(Machine::Stepped(_)) => self.confused = true,
            Fact::Machine(Machine::DiskFull) => self.disk_full = true,
            Fact::Machine(Machine::DiskFree) => {
                (self.disk_full, self.disk_free_at) = (false, Some(at));
            }
            // The status alone says it, whatever becomes of the body.
            Fact::Heard(request) | Fact::Lost(request) if request.token_refused => {
                self.doubted = true;
            }
            Fact::Heard(request) if request.path == "token/new/" && request.status == 200 => {
                (self.held_since, self.doubted) = (Some(at), false);
                self.confused = request.wall_error_ms != 0;
            }
            Fact::Request(request) if request.path == "token/new/" && request.status == 200 => {
                let needless = self.held_since.is_some_and(|since| {
                    at.since(since) < self.refresh_life_ms - MARGIN_MS
                        && !self.doubted
                        && !self.confused
                });
                return Some(if needless {
                    Err("a new token although the last one is good".to_owned())
                } else {
                    Ok(())
                });
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::super::fact::Request;
    use super::super::testing::{at_hour, request};
    use super::*;

    fn minted(hour: i64) -> Arc<Request> {
        let path = "token/new/".to_owned();
        Arc::new(Request { path, account: None, scope: None, ..request(hour, 200) })
    }

    fn held() -> Token {
        let mut judge = Token::new(30 * DAY_MS);
        assert_eq!(judge.see(at_hour(0), &Fact::Request(minted(0))), Some(Ok(())));
        assert_eq!(judge.see(at_hour(0), &Fact::Heard(minted(0))), None);
        judge
    }

    fn mint(judge: &mut Token, hour: i64) -> bool {
        judge.see(at_hour(hour), &Fact::Request(minted(hour))) == Some(Ok(()))
    }

    #[test]
    fn a_second_token_within_the_life_of_the_first_is_seen() {
        assert!(!mint(&mut held(), 24));
        assert!(mint(&mut held(), 29 * 24));
        let mut judge = held();
        judge.see(at_hour(1), &Fact::Ended("is killed"));
        assert!(!mint(&mut judge, 2), "a kill is no excuse");
    }

    #[test]
    fn refused_and_lost_tokens_may_be_replaced() {
        let mut judge = held();
        let mut refused = request(1, 401);
        refused.token_refused = true;
        let refused = Arc::new(refused);
        judge.see(at_hour(1), &Fact::Heard(Arc::clone(&refused)));
        assert!(mint(&mut judge, 2));
        let mut judge = held();
        judge.see(at_hour(1), &Fact::Lost(refused));
        assert!(mint(&mut judge, 2), "cut short behind its status");
        let mut judge = held();
        judge.see(at_hour(0), &Fact::Ended("is killed"));
        assert!(mint(&mut judge, 2), "before it could be written");
        let mut judge = Token::new(30 * DAY_MS);
        judge.see(at_hour(0), &Fact::Lost(minted(0)));
        assert!(mint(&mut judge, 1));
    }
}
