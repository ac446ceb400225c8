//! Stored rows in memory, with answers applied to them as the store does it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::convert::Infallible;
use std::hash::{Hash as _, Hasher as _};

use banksyncd::model::money::Amount;
use banksyncd::model::time::BankDate;
use banksyncd::model::transaction::{BookingStatus, RowState, Transaction};
use banksyncd::planner::reconcile::conclude::retire;
use banksyncd::planner::reconcile::decide::{Question, Texts, decide};
use banksyncd::planner::reconcile::{
    Absence, AnswerFacts, FetchedRow, Memory, RowHash, StoredRow, identical,
};

/// A row as a bank writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Content {
    pub(crate) internal_id: Option<String>,
    pub(crate) bank_id: Option<String>,
    /// Days since 1970.
    pub(crate) booking: Option<i64>,
    pub(crate) value: Option<i64>,
    /// Both dates stand in the date-times only.
    pub(crate) times: bool,
    pub(crate) cents: i64,
    pub(crate) text: String,
    pub(crate) party: String,
}

impl Content {
    pub(crate) fn effective(&self) -> Option<i64> {
        self.booking.or(self.value)
    }

    pub(crate) fn earliest(&self) -> Option<i64> {
        self.booking.into_iter().chain(self.value).min()
    }

    fn row_hash(&self) -> RowHash {
        let mut hash = RowHash::default();
        for (half, salt) in hash.chunks_mut(8).zip(0_u8..) {
            let mut hasher = DefaultHasher::new();
            (salt, self).hash(&mut hasher);
            half.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        hash
    }

    fn read(&self) -> Transaction {
        let all = |days: Option<i64>| days.and_then(BankDate::from_epoch_days);
        let date = |days| all(days).filter(|_| !self.times);
        let time = |days| all(days).filter(|_| self.times).map(|date| format!("{date}T12:00:00"));
        Transaction {
            internal_transaction_id: self.internal_id.clone().map(Cow::Owned),
            transaction_id: self.bank_id.clone().map(Cow::Owned),
            booking_date: date(self.booking),
            value_date: date(self.value),
            booking_date_time: time(self.booking).map(Cow::Owned),
            value_date_time: time(self.value).map(Cow::Owned),
            amount: Amount::new(i128::from(self.cents), 2),
            currency: Some("EUR".into()),
            remittance_information: Some(self.text.clone().into()),
            creditor_name: Some(self.party.clone().into()),
            ..Transaction::default()
        }
    }
}

/// An answer of a bank.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) facts: AnswerFacts,
    pub(crate) booked: Vec<Content>,
    /// `None`: no such key.
    pub(crate) pending: Option<Vec<Content>>,
}

impl Shown {
    /// Booked ones first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Content, BookingStatus)> {
        let booked = self.booked.iter().map(|row| (row, BookingStatus::Booked));
        booked.chain(self.pending.iter().flatten().map(|row| (row, BookingStatus::Pending)))
    }
}

/// A stored row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) content: Content,
    pub(crate) stored: StoredRow,
}

/// The rows of one account.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) memory: Memory,
    absences: BTreeMap<i64, Absence>,
}

struct Library<'a> {
    rows: &'a [Row],
    fetched: &'a [(&'a Content, BookingStatus)],
}

impl Texts for Library<'_> {
    type Error = Infallible;

    fn stored(&mut self, number: i64) -> Result<Transaction, Infallible> {
        let row = self.rows.iter().find(|row| row.stored.number == number);
        Ok(row.map(|row| row.content.read()).unwrap_or_default())
    }

    fn fetched(&self, place: usize) -> Transaction {
        self.fetched[place].0.read()
    }

    fn mentions(&self, place: usize, word: &str) -> bool {
        let row = self.fetched[place].0;
        row.internal_id.iter().chain(&row.bank_id).any(|id| id.contains(word))
    }
}

fn stored_row(content: &Content, number: i64, status: BookingStatus) -> StoredRow {
    let date = |days: Option<i64>| days.and_then(BankDate::from_epoch_days);
    StoredRow {
        number,
        hash: content.row_hash(),
        effective_date: date(content.effective()),
        earliest_date: date(content.earliest()),
        filterable: content.effective().is_some() && !content.times,
        status,
        state: RowState::Current,
    }
}

impl Table {
    /// Applies an answer; gives the number of the row that each of its rows became.
    pub(crate) fn apply(&mut self, shown: &Shown) -> Vec<i64> {
        let fetched: Vec<(&Content, BookingStatus)> = shown.rows().collect();
        let hashes: Vec<FetchedRow> = fetched
            .iter()
            .map(|(row, status)| FetchedRow { hash: row.row_hash(), status: *status })
            .collect();
        let dates: Vec<_> = fetched
            .iter()
            .map(|(row, _)| row.effective().and_then(BankDate::from_epoch_days))
            .collect();
        let stored: Vec<StoredRow> = self.rows.iter().map(|row| row.stored).collect();
        let pairs = identical::pair(&stored, &hashes);
        let question = Question {
            facts: &shown.facts,
            stored: &stored,
            fetched: &hashes,
            dates: &dates,
            pairs: &pairs,
        };
        let mut library = Library { rows: &self.rows, fetched: &fetched };
        let decision = match decide(&question, &mut self.memory, &mut library) {
            Ok(decision) => decision,
            Err(never) => match never {},
        };
        let gone = retire(
            &stored,
            &decision.continued(stored.len()),
            &decision.coverage,
            &shown.facts,
            &self.absences,
        );
        for (place, state) in gone {
            let row = &mut self.rows[place].stored;
            row.state = state;
            self.absences.entry(row.number).or_insert(Absence {
                since: shown.facts.at,
                last_updated: shown.facts.last_updated.clone(),
            });
        }
        // Numbered as the store does it: twins that come apart later go on there and here in the same order.
        let mut fresh = decision.fresh();
        let fresh_dates: Vec<_> = fresh.iter().filter_map(|place| dates[*place]).collect();
        if fresh_dates.first() > fresh_dates.last() {
            fresh.reverse();
        }
        fresh.sort_by_key(|place| dates[*place]);
        let order = (0..fetched.len()).filter(|place| decision.links[*place].is_some());
        let mut numbers = vec![0; fetched.len()];
        for place in order.chain(fresh.iter().copied()) {
            let (content, status) = &fetched[place];
            let place_of_row = decision.links[place].map_or(self.rows.len(), |link| link.stored);
            let number = i64::try_from(place_of_row).unwrap() + 1;
            let mut row =
                Row { content: (*content).clone(), stored: stored_row(content, number, *status) };
            if decision.unlisted[place] {
                row.stored.state = RowState::Closed;
            } else {
                self.absences.remove(&number);
            }
            if place_of_row < self.rows.len() {
                self.rows[place_of_row] = row;
            } else {
                self.rows.push(row);
            }
            numbers[place] = number;
        }
        numbers
    }

    /// The rows that are listed, with this status.
    pub(crate) fn listed(&self, status: BookingStatus) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.stored.status == status && row.stored.state == RowState::Current)
    }
}
