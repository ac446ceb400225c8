//! Looking into the database after an answer: is what the bank showed what a person would see?
//!
//! Both halves of the view: every booked row that was shown is listed as often as it was shown, and where the answer surely
//! covers the days, nothing else is. Rows are compared by their bytes.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::ProviderAccountId;
use crate::model::time::BankDate;
use crate::model::transaction::{BookingStatus, RowState};
use crate::sandbox::{Phase, row_print};
use crate::store::{self, Store, TransactionFilter};

use super::shown::{Row, Shown};

/// A movement of the bank: account and key.
pub(super) type Movement = (usize, u64);

/// How often each text is there.
type Counts = BTreeMap<u64, i64>;

/// What all answers so far have shown.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The last text of each booked movement.
    booked: BTreeMap<Movement, u64>,
    /// Texts of answers that may or may not have been stored: the daemon died at that moment.
    doubtful: BTreeSet<u64>,
}

/// How the shown rows and the stored ones compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    /// Movements that were shown as booked.
    pub(super) shown: u64,
    /// Rows that are stored as booked.
    pub(super) stored: u64,
    /// Shown, but stored nowhere.
    pub(super) missing: u64,
    /// Listed, but not shown last, or listed more often than shown.
    pub(super) doubled: u64,
}

impl Comparison {
    /// How it comes out: every row once.
    pub(super) fn verdict(&self) -> Result<(), String> {
        let Self { missing, doubled, .. } = self;
        if *missing == 0 && *doubled == 0 {
            return Ok(());
        }
        Err(format!(
            "{missing} rows that were shown are not stored, {doubled} are stored more often than shown"
        ))
    }
}

impl Ledger {
    /// An answer is in the database by now.
    pub(super) fn enter(&mut self, shown: &Shown) {
        for (key, text) in booked(shown) {
            self.booked.insert((shown.bank_account, key), text);
        }
    }

    /// The bank's accounts of which anything was shown.
    pub(super) fn bank_accounts(&self) -> BTreeSet<usize> {
        self.booked.keys().map(|(bank_account, _)| *bank_account).collect()
    }

    /// Whether an answer ever showed a movement as booked.
    pub(super) fn has(&self, bank_account: usize, key: u64) -> bool {
        self.booked.contains_key(&(bank_account, key))
    }

    /// Nobody can know whether an answer came into the database.
    pub(super) fn doubt(&mut self, shown: &Shown) {
        for (key, text) in booked(shown) {
            // If it came, it took the place of what was shown before.
            let before = self.booked.get(&(shown.bank_account, key));
            self.doubtful.extend(before.copied().into_iter().chain([text]));
        }
    }

    /// Compares everything that was shown with everything that is stored. `is_due` says whether a movement is still on the
    /// bank's books: the row of one that was taken back may go on as that of another, with the old text as a former version.
    pub(super) fn compare(
        &self,
        stored: &[Stored],
        is_due: impl Fn(Movement) -> bool,
    ) -> Comparison {
        let (mut listed, mut kept) = (Counts::new(), Counts::new());
        let mut comparison = Comparison::default();
        for Stored { text, listed: is_listed } in stored {
            *kept.entry(*text).or_default() += 1;
            *listed.entry(*text).or_default() += i64::from(*is_listed);
            comparison.stored += 1;
        }
        let mut shown = Counts::new();
        for text in self.booked.values() {
            *shown.entry(*text).or_default() += 1;
            comparison.shown += 1;
        }
        let excess = |more: &Counts, less: &Counts| -> u64 {
            let over = |(text, count): (&u64, &i64)| {
                let known = less.get(text).copied().unwrap_or_default();
                let certain = !self.doubtful.contains(text);
                if certain { (*count - known).max(0).unsigned_abs() } else { 0 }
            };
            more.iter().map(over).sum()
        };
        let mut due = Counts::new();
        for (movement, text) in &self.booked {
            *due.entry(*text).or_default() += i64::from(is_due(*movement));
        }
        comparison.missing = excess(&due, &kept);
        comparison.doubled = excess(&listed, &shown);
        comparison
    }
}

/// A booked row with a date, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// The fingerprint of its text.
    pub(super) text: u64,
    /// Whether it is current.
    pub(super) listed: bool,
}

/// All of them.
pub(super) async fn stored(store: &Store) -> Result<Vec<Stored>, store::Error> {
    let filter = TransactionFilter { all: true, ..TransactionFilter::default() };
    let (mut rows, mut all) = (store.transactions(filter), Vec::new());
    while let Some(chunk) = rows.next().await? {
        for row in chunk.iter().filter(|row| row.booking_status == BookingStatus::Booked) {
            let Row { fingerprint: text, effective, .. } = Row::read(&row.raw);
            let listed = row.state == RowState::Current;
            all.extend(effective.map(|_dated| Stored { text, listed }));
        }
    }
    Ok(all)
}

/// Movement and text of each booked row with a date: of two equal rows without any, nobody can tell after a while which one is
/// there.
fn booked(shown: &Shown) -> impl Iterator<Item = (u64, u64)> {
    let undated: BTreeSet<u64> = shown
        .booked
        .iter()
        .filter(|row| row.effective.is_none())
        .map(|row| row.fingerprint)
        .collect();
    let rows = shown
        .rows
        .iter()
        .filter(move |(_, phase, text)| *phase == Phase::Booked && !undated.contains(text));
    rows.map(|(key, _, text)| (*key, *text))
}

/// Compares what is listed now with the newest answer; `None` if the answer says nothing about booked rows.
pub(super) async fn view(
    store: &Store,
    shown: &Shown,
) -> Result<Option<Result<(), String>>, store::Error> {
    let handle = ProviderAccountId(shown.account.clone());
    let Some(account_id) = store.account_of(handle).await? else { return Ok(None) };
    let Some(oldest) = shown.booked.iter().filter_map(|row| row.effective).min() else {
        return Ok(None);
    };
    let filter = TransactionFilter {
        account_id: Some(account_id),
        from: Some(oldest),
        ..TransactionFilter::default()
    };
    // Nearly all that is listed was shown just now, and the same bytes have the same dates.
    let known: BTreeMap<u64, Row> =
        shown.booked.iter().map(|row| (row.fingerprint, *row)).collect();
    let read = |raw: &str| known.get(&row_print(raw)).copied().unwrap_or_else(|| Row::read(raw));
    let mut listed = Vec::new();
    let mut rows = store.transactions(filter);
    while let Some(chunk) = rows.next().await? {
        listed.extend(chunk.iter().map(|row| read(&row.raw)));
    }
    Ok(Some(judge_view(shown, &listed, oldest)))
}

fn judge_view(shown: &Shown, listed: &[Row], oldest: BankDate) -> Result<(), String> {
    let mut balance = Counts::new();
    // Rows without a date are in no listing of days.
    let dated = || shown.booked.iter().filter(|row| row.effective.is_some());
    for row in dated() {
        *balance.entry(row.fingerprint).or_default() -= 1;
    }
    for row in listed {
        *balance.entry(row.fingerprint).or_default() += 1;
    }
    let account = &shown.account;
    if let Some(row) = dated().find(|row| balance.get(&row.fingerprint) < Some(&0)) {
        let date = row.effective.map(|date| date.to_string()).unwrap_or_default();
        return Err(format!("a row of {date} of {account} was shown and is not listed"));
    }
    let floor = shown.date_from.map_or(oldest, |from| oldest.max(from));
    let covered =
        |row: &&Row| !shown.stands_still && row.earliest.is_some_and(|date| date >= floor);
    let excess = |row: &&Row| balance.get(&row.fingerprint) > Some(&0);
    match listed.iter().filter(covered).find(excess) {
        Some(row) => {
            let date = row.effective.map(|date| date.to_string()).unwrap_or_default();
            Err(format!("a row of {date} of {account} is listed and was not shown"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::life::Seeded;
    use super::*;
    use crate::gocardless::Rows;
    use crate::model::id::{AccountId, LinkId, RunId};
    use crate::model::port::Body;
    use crate::model::secret::DatabaseKey;
    use crate::model::time::UtcInstant;
    use crate::model::transaction::{Answer, AnswerMark, Span};
    use crate::planner::effect::{Batch, Data};

    fn row(text: &str, day: i64) -> Row {
        let date = BankDate::from_epoch_days(20_000 + day).unwrap();
        Row::read(&format!(r#"{{"bookingDate":"{date}","text":"{text}"}}"#))
    }

    fn judge(shown: &[Row], listed: &[Row], from: Option<i64>) -> Result<(), String> {
        let date_from = from.and_then(|day| BankDate::from_epoch_days(20_000 + day));
        let booked = shown.to_vec();
        let oldest = booked.iter().filter_map(|row| row.effective).min().unwrap();
        judge_view(&self::shown(booked, date_from), listed, oldest)
    }

    /// An answer with these rows, whichever movements they are.
    fn shown(booked: Vec<Row>, date_from: Option<BankDate>) -> Shown {
        Shown {
            arrived_at: UtcInstant::EPOCH,
            account: "a".to_owned(),
            bank_account: 1,
            stands_still: false,
            date_from,
            rows: Vec::new(),
            booked,
        }
    }

    /// A database that has pulled these rows, each list by an account of its own.
    async fn pulled(folder: &std::path::Path, accounts: &[&[&str]]) -> Store {
        let at = UtcInstant::EPOCH.plus_days(20_010);
        let key = DatabaseKey::from_bytes([7; 32]);
        let path = folder.join("x.db");
        let (store, _) = Store::open(path, key, at, &Seeded::new(1)).await.unwrap();
        for (place, rows) in accounts.iter().enumerate() {
            let number = u128::try_from(place).unwrap() + 1;
            let account_id = AccountId::from_bits(number);
            let account = serde_json::from_value(json!({
                "id": account_id, "provider_account_id": format!("p{number}"),
                "link_id": LinkId::from_bits(1), "institution_id": "BANK", "discovered_at": 0,
            }));
            let run_id = RunId::from_bits(number);
            let answer = Box::new(answer(rows));
            let data = Data::Transactions { account_id, run_id, date_from: None, answer };
            let batch = Batch {
                at: Some(at),
                accounts: vec![account.unwrap()],
                data: Some(data),
                ..Batch::default()
            };
            store.apply(Arc::new(batch), Arc::new(Rows)).await.unwrap();
        }
        store
    }

    /// An answer with these booked rows.
    fn answer(rows: &[&str]) -> Answer {
        let (mut body, mut booked) = ("[".to_owned(), Vec::new());
        for row in rows {
            booked.push(Span { start: body.len(), end: body.len() + row.len() });
            body.push_str(row);
            body.push(',');
        }
        body.push_str("0]");
        let mark = AnswerMark { start: 0, len: 1, hash: [0; 16] };
        let body = Body::new(body.into_bytes(), None).into_text().unwrap();
        Answer { body, booked, pending: None, last_updated: None, mark }
    }

    /// What is said about a database that was shown `shown` and has `stored`.
    fn compare(shown: &[&str], stored: &[&[&str]], doubted: bool) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = pulled(folder.path(), stored).await;
            let booked: Vec<Row> = shown.iter().map(|raw| Row::read(raw)).collect();
            let movement = |(key, row): (u64, &Row)| (key, Phase::Booked, row.fingerprint);
            let rows = (0..).zip(&booked).map(movement).collect();
            let shown = Shown { rows, ..self::shown(booked, None) };
            let mut ledger = Ledger::default();
            ledger.enter(&shown);
            if doubted {
                ledger.doubt(&shown);
            }
            ledger.compare(&super::stored(&store).await.unwrap(), |_| true).verdict()
        })
    }

    #[test]
    fn a_row_that_is_stored_never_or_twice_is_seen() {
        let [one, other] = ["one", "other"].map(|text| {
            format!(
                r#"{{"bookingDate":"2024-10-0{}","transactionAmount":{{"amount":"-1.00","currency":"EUR"}},"remittanceInformationUnstructured":"{text}"}}"#,
                text.len()
            )
        });
        let (one, other) = (one.as_str(), other.as_str());
        assert_eq!(compare(&[one, other], &[&[other, one]], false), Ok(()));
        let lost = compare(&[one, other], &[&[one]], false).unwrap_err();
        assert!(lost.starts_with("1 rows that were shown are not stored, 0 "), "{lost}");
        let doubled = compare(&[one], &[&[one], &[one]], false).unwrap_err();
        assert!(doubled.ends_with(", 1 are stored more often than shown"), "{doubled}");
        let twins = compare(&[one, one], &[&[one]], false).unwrap_err();
        assert!(twins.starts_with("1 rows"), "one of two equal ones: {twins}");
        assert_eq!(compare(&[one, other], &[&[one]], true), Ok(()), "nobody can know");
    }

    #[test]
    fn of_an_answer_in_doubt_either_version_will_do() {
        let shown = |text: &str| {
            let row = row(text, 3);
            let rows = vec![(7, Phase::Booked, row.fingerprint)];
            Shown { rows, ..shown(vec![row], None) }
        };
        let stored = |text| [Stored { text: row(text, 3).fingerprint, listed: true }];
        let mut ledger = Ledger::default();
        ledger.enter(&shown("old"));
        assert!(ledger.compare(&stored("new"), |_| true).verdict().is_err());
        ledger.doubt(&shown("new"));
        for text in ["old", "new"] {
            assert_eq!(ledger.compare(&stored(text), |_| true).verdict(), Ok(()), "{text}");
        }
        assert!(ledger.compare(&stored("other"), |_| true).verdict().is_err());
    }

    #[test]
    fn a_row_that_is_not_listed_is_seen() {
        let (one, other) = (row("one", 3), row("other", 5));
        assert_eq!(judge(&[one, other], &[other, one], None), Ok(()));
        assert!(judge(&[one, other], &[other], None).unwrap_err().contains("not listed"));
        assert!(judge(&[one, one], &[one], None).unwrap_err().contains("not listed"), "twins");
    }

    #[test]
    fn a_row_that_was_not_shown_is_seen_where_the_answer_covers_it() {
        let (one, other) = (row("one", 3), row("other", 5));
        assert!(judge(&[one], &[one, other], None).unwrap_err().contains("not shown"));
        assert!(judge(&[one], &[one, one], None).unwrap_err().contains("not shown"), "doubled");
        assert_eq!(judge(&[other], &[one, other], None), Ok(()), "older than the answer");
        assert_eq!(judge(&[one, other], &[one, one, other], Some(4)), Ok(()), "older than asked");
    }
}
