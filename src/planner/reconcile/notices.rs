//! What people are told after an answer was reconciled. Messages carry counts only; ids go into the details.

use crate::model::id::{AccountId, RunId, TransactionId};
use crate::model::notice::{EventCode, Notice};
use crate::planner::effect::RowsChanged;
use crate::planner::proof::Finding;

/// More than this many rows of one answer share one notice: a bank that rewrites its whole history is one piece of news.
pub const SINGLE_NOTICES_MAX: usize = 50;

/// The outcome of an answer, as far as it is news.
#[derive(Debug)]
pub struct News {
    /// Whose rows.
    pub account_id: AccountId,
    /// In which run.
    pub run_id: RunId,
    /// Counts.
    pub rows: RowsChanged,
    /// Booked rows that go on with other contents, and the names of the changed fields.
    pub changed: Vec<(TransactionId, Vec<String>)>,
    /// Rows lacking for good.
    pub vanished: Vec<TransactionId>,
    /// What the balance proof found.
    pub findings: Vec<Finding>,
    /// The balance proof wants the next answer without a date.
    pub wants_everything: bool,
}

/// The notices, in the order in which they are to be stored.
pub fn notices(news: &News) -> Vec<Notice> {
    let about = |code, message: String| {
        Notice::new(code, message).account(news.account_id).run(news.run_id)
    };
    let mut notices = Vec::new();
    if news.rows.added > 0 {
        let message = format!("{} new {}", news.rows.added, rows(news.rows.added));
        notices.push(about(EventCode::TransactionsAdded, message).detail("count", news.rows.added));
    }
    if news.changed.len() > SINGLE_NOTICES_MAX {
        let message = format!("the bank changed {} transactions", news.changed.len());
        let ids = news.changed.iter().map(|(id, _)| id.to_string());
        notices.push(
            about(EventCode::TransactionChanged, message)
                .detail("transactions", ids.collect::<Vec<_>>()),
        );
    } else {
        notices.extend(news.changed.iter().map(|(id, fields)| {
            about(
                EventCode::TransactionChanged,
                format!("the bank changed a transaction: {}", fields.join(", ")),
            )
            .detail("transaction", id.to_string())
            .detail("fields", fields.clone())
        }));
    }
    if news.vanished.len() > SINGLE_NOTICES_MAX {
        let message = format!("the bank took {} transactions back", news.vanished.len());
        let ids = news.vanished.iter().map(TransactionId::to_string);
        notices.push(
            about(EventCode::TransactionVanished, message)
                .detail("transactions", ids.collect::<Vec<_>>()),
        );
    } else {
        notices.extend(news.vanished.iter().map(|id| {
            about(EventCode::TransactionVanished, "the bank took a transaction back".to_owned())
                .detail("transaction", id.to_string())
        }));
    }
    if news.rows.not_understood > 0 {
        let count = news.rows.not_understood;
        let message = format!("{count} {} kept without a readable amount or date", rows(count));
        notices.push(about(EventCode::RowsNotUnderstood, message).detail("count", count));
    }
    let found = news.findings.iter();
    notices.extend(found.map(|finding| finding.notice(news.account_id, news.run_id)));
    notices
}

fn rows(count: u64) -> &'static str {
    if count == 1 { "transaction" } else { "transactions" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(changed: usize) -> News {
        let id = |n: usize| TransactionId::new(0, u128::try_from(n).unwrap());
        News {
            account_id: AccountId::new(0, 1),
            run_id: RunId::new(0, 1),
            rows: RowsChanged { added: 1, not_understood: 2, ..RowsChanged::default() },
            changed: (0..changed).map(|n| (id(n), vec!["amount".to_owned()])).collect(),
            vanished: vec![id(7)],
            findings: Vec::new(),
            wants_everything: false,
        }
    }

    #[test]
    fn each_change_is_told_once_and_a_flood_is_told_as_one() {
        let codes =
            |changed| notices(&news(changed)).iter().map(|notice| notice.code).collect::<Vec<_>>();
        assert_eq!(
            codes(2),
            [
                EventCode::TransactionsAdded,
                EventCode::TransactionChanged,
                EventCode::TransactionChanged,
                EventCode::TransactionVanished,
                EventCode::RowsNotUnderstood
            ]
        );
        assert_eq!(codes(SINGLE_NOTICES_MAX + 1).len(), 4);
    }
}
