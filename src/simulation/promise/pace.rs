//! Calls of many accounts are spread: the company's limit a minute is never hit.

use std::collections::VecDeque;

use crate::model::time::{MINUTE_MS, UtcInstant};

use super::{Fact, Promise, Verdict};

/// The judge.
#[derive(Debug)]
pub(super) struct Pace {
    limit: usize,
    /// When the last calls were sent.
    sent: VecDeque<UtcInstant>,
}

impl Pace {
    /// For so many calls a minute.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: usize::try_from(limit).unwrap_or(usize::MAX), sent: VecDeque::new() }
    }
}

impl Promise for Pace {
    fn name(&self) -> &'static str {
        "pace"
    }

    fn see(&mut self, _at: UtcInstant, fact: &Fact) -> Verdict {
        // A daemon that begins anew does not know when its last calls were sent.
        if matches!(fact, Fact::Began) {
            self.sent.clear();
        }
        let Fact::Request(request) = fact else { return None };
        request.account.as_ref()?;
        self.sent.push_back(request.sent_at);
        while self.sent.front().is_some_and(|first| request.sent_at.since(*first) >= MINUTE_MS) {
            self.sent.pop_front();
        }
        let (count, limit) = (self.sent.len(), self.limit);
        Some(if count <= limit {
            Ok(())
        } else {
            Err(format!("{count} calls for accounts within a minute, {limit} allowed"))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testing::{at_hour, request};
    use super::*;

    #[test]
    fn a_call_too_many_in_a_minute_is_seen() {
        let call = |ms: i64| {
            let sent_at = at_hour(0).plus_ms(ms);
            Fact::Request(Arc::new(super::super::super::fact::Request {
                sent_at,
                ..request(0, 200)
            }))
        };
        let mut pace = Pace::new(2);
        assert_eq!(pace.see(at_hour(0), &call(0)), Some(Ok(())));
        assert_eq!(pace.see(at_hour(0), &call(30_000)), Some(Ok(())));
        assert_eq!(pace.see(at_hour(0), &call(60_000)), Some(Ok(())), "the first is a minute ago");
        assert!(matches!(pace.see(at_hour(0), &call(89_999)), Some(Err(_))));
        assert_eq!(pace.see(at_hour(0), &Fact::Began), None);
        assert_eq!(pace.see(at_hour(0), &call(89_999)), Some(Ok(())));
    }
}
