//! A bank with a true ledger, and the ways in which it shows it.

use std::collections::BTreeSet;

use banksyncd::model::time::{BankDate, UtcInstant};
use banksyncd::planner::reconcile::AnswerFacts;

use crate::table::{Content, Shown};

/// The first day of the world, in days since 1970.
const DAY0: i64 = 20_500;
/// Payments that were there before the first answer.
const HISTORY: u64 = 48;
/// How far back a filtered answer looks.
const OVERLAP_DAYS: i64 = 12;
/// Longer history is not shown.
const WIDEST_DAYS: i64 = 60;

/// What stands in the row that is left pending beside its booked row.
pub(crate) const PLACEHOLDER: &str = "card payment";

/// A small generator (splitmix64), so that a case is one number.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// Once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    fn days(&mut self, sides: u64) -> i64 {
        i64::try_from(self.roll(sides)).unwrap()
    }
}

/// What the bank's ids are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    Unique,
    Missing,
    Constant,
    Blank,
    Reused,
}

/// What becomes of a pending row that is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Booking {
    KeepsId,
    OtherId,
    OtherAmount,
    LeavesPlaceholder,
}

/// A payment of the true ledger.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    /// Which; never changes.
    pub(crate) key: usize,
    pub(crate) booked: bool,
    pub(crate) content: Content,
    /// Not shown this time.
    hidden: bool,
    /// Shown among the pending rows beside its booked row.
    placeholder: Option<Content>,
}

/// The bank.
#[derive(Debug)]
pub(crate) struct Bank {
    dice: Dice,
    pub(crate) ids: Ids,
    internal_ids: bool,
    pending_key: bool,
    pending_dates: bool,
    value_dates: bool,
    /// Half of its rows have date-times and no dates.
    times: bool,
    pub(crate) booking: Booking,
    pub(crate) payments: Vec<Payment>,
    /// Keys of payments that were made equal to another one.
    pub(crate) twins: BTreeSet<usize>,
    made: usize,
    texts: usize,
    today: i64,
    at: UtcInstant,
    answers: u32,
    /// Keys of the payments behind the booked and then the pending rows of the newest answer.
    pub(crate) keys: Vec<usize>,
    /// What happened since the last answer.
    pub(crate) deeds: Vec<&'static str>,
    last: Option<(Shown, Vec<usize>)>,
}

impl Bank {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let ids = [Ids::Unique, Ids::Unique, Ids::Missing, Ids::Constant, Ids::Blank, Ids::Reused]
            [usize::try_from(dice.roll(6)).unwrap()];
        let booking =
            [Booking::KeepsId, Booking::OtherId, Booking::OtherAmount, Booking::LeavesPlaceholder]
                [usize::try_from(dice.roll(4)).unwrap()];
        let mut bank = Self {
            ids,
            internal_ids: dice.once_in(2),
            pending_key: !dice.once_in(5),
            pending_dates: !dice.once_in(3),
            value_dates: dice.once_in(2),
            times: dice.once_in(4),
            booking,
            payments: Vec::new(),
            twins: BTreeSet::new(),
            made: 0,
            texts: 0,
            today: DAY0,
            at: UtcInstant::from_ms(1_700_000_000_000),
            answers: 0,
            keys: Vec::new(),
            deeds: Vec::new(),
            last: None,
            dice,
        };
        for _ in 0..HISTORY {
            let age = bank.dice.days(20);
            bank.books(age);
        }
        bank
    }

    fn bank_id(&mut self) -> Option<String> {
        match self.ids {
            Ids::Unique => Some(format!("id-{:06}-{}", self.made, self.dice.roll(1 << 32))),
            Ids::Missing => None,
            Ids::Constant => Some("NOTPROVIDED".to_owned()),
            Ids::Blank => Some(" ".to_owned()),
            Ids::Reused => Some(format!("99{:02}", self.dice.roll(3))),
        }
    }

    fn internal_id(&mut self) -> Option<String> {
        self.internal_ids.then(|| format!("{:016x}", self.dice.roll(u64::MAX)))
    }

    /// A text like no other, of several words.
    fn text(&mut self) -> String {
        self.texts += 1;
        format!("p{0} q{0} r{0} s{0}", self.texts)
    }

    fn payment(&mut self, back: i64) -> &mut Payment {
        self.made += 1;
        let booking = self.today - back;
        let content = Content {
            internal_id: self.internal_id(),
            bank_id: self.bank_id(),
            booking: Some(booking),
            value: self.value_dates.then(|| booking + self.dice.days(3)),
            times: self.times && self.dice.once_in(2),
            cents: -100 * (1 + self.dice.days(6)),
            text: self.text(),
            party: format!("shop {}", self.made),
        };
        let key = self.made;
        self.payments.push(Payment {
            key,
            booked: true,
            content,
            hidden: false,
            placeholder: None,
        });
        self.payments.last_mut().unwrap()
    }

    fn books(&mut self, back: i64) {
        self.payment(back);
        if self.dice.once_in(5) {
            self.twin();
        }
    }

    /// The newest payment once more: equal but for unique ids.
    fn twin(&mut self) {
        self.deeds.push("twin");
        let (bank_id, internal_id) = (self.bank_id(), self.internal_id());
        self.made += 1;
        let mut twin = self.payments.last().unwrap().clone();
        self.twins.extend([twin.key, self.made]);
        twin.key = self.made;
        if self.ids != Ids::Reused {
            twin.content.bank_id = bank_id;
        }
        twin.content.internal_id = internal_id;
        self.payments.push(twin);
    }

    fn any(&mut self, booked: bool) -> Option<usize> {
        let places: Vec<usize> = (0..self.payments.len())
            .filter(|place| self.payments[*place].booked == booked)
            .collect();
        if places.is_empty() {
            return None;
        }
        let sides = u64::try_from(places.len()).unwrap();
        Some(places[usize::try_from(self.dice.roll(sides)).unwrap()])
    }

    /// Some time passes, and things happen.
    pub(crate) fn lives_on(&mut self) {
        self.deeds.clear();
        for payment in &mut self.payments {
            payment.hidden = false;
        }
        let hours = 5 + self.dice.days(26);
        self.at = self.at.plus_hours(hours);
        self.today = DAY0 + self.at.since(UtcInstant::from_ms(1_700_000_000_000)) / 86_400_000;
        for _ in 0..self.dice.roll(3) {
            let late = self.dice.once_in(5);
            let back = if late { 1 + self.dice.days(8) } else { 0 };
            if late {
                self.deeds.push("back-dated booking");
            }
            self.books(back);
        }
        for _ in 0..self.dice.roll(4) {
            self.meddles();
        }
        if self.dice.once_in(2) {
            self.announces();
        }
        if self.dice.once_in(2) {
            self.books_pending();
        }
    }

    /// One deed with a booked payment. Rows that share everything but ids with a twin are left alone where the deed would
    /// tell them apart by nothing.
    fn meddles(&mut self) {
        let Some(place) = self.any(true) else { return };
        let (text, bank_id) = (self.text(), self.bank_id());
        let days = 1 + self.dice.days(5);
        let deed = self.dice.roll(9);
        if deed == 5 {
            self.deeds.push("removal");
            self.payments.remove(place);
            return;
        }
        if deed == 6 && self.internal_ids && self.dice.once_in(4) {
            self.deeds.push("all internal ids change");
            for place in 0..self.payments.len() {
                if self.payments[place].booked {
                    self.payments[place].content.internal_id = self.internal_id();
                }
            }
            return;
        }
        let amount = -100 * (1 + self.dice.days(6));
        let unique = self.ids == Ids::Unique;
        let payment = &mut self.payments[place];
        match deed {
            0 | 1 => {
                self.deeds.push("text edit");
                payment.content.text = text;
            }
            2 if unique => {
                self.deeds.push("id change");
                payment.content.bank_id = bank_id;
            }
            3 => {
                self.deeds.push("date edit");
                payment.content.booking = payment.content.booking.map(|date| date + days);
                payment.content.value = payment.content.value.map(|date| date + days);
            }
            4 => {
                self.deeds.push("amount edit");
                payment.content.cents = amount;
            }
            7 => {
                self.deeds.push("hidden once");
                payment.hidden = true;
            }
            8 => {
                self.deeds.push("edit of id, text and date together");
                payment.content.text = text;
                payment.content.bank_id = bank_id;
                payment.content.booking = payment.content.booking.map(|date| date + days);
            }
            _ => {}
        }
    }

    fn announces(&mut self) {
        self.deeds.push("pending");
        let dates = self.pending_dates;
        let payment = self.payment(0);
        payment.booked = false;
        payment.content.internal_id = None;
        if !dates {
            (payment.content.booking, payment.content.value) = (None, None);
        }
    }

    fn books_pending(&mut self) {
        let Some(place) = self.any(false) else { return };
        let (id, internal_id, today) = (self.bank_id(), self.internal_id(), self.today);
        let (booking, value_dates) = (self.booking, self.value_dates);
        let dropped = self.dice.once_in(6);
        if dropped {
            self.deeds.push("pending dropped");
            self.payments.remove(place);
            return;
        }
        let payment = &mut self.payments[place];
        let before = payment.content.clone();
        payment.booked = true;
        payment.content.internal_id = internal_id;
        payment.content.booking = Some(today);
        payment.content.value = value_dates.then_some(today);
        match booking {
            Booking::KeepsId => self.deeds.push("booked under its id"),
            Booking::OtherId => {
                self.deeds.push("booked under another id");
                payment.content.bank_id = id;
            }
            Booking::OtherAmount => {
                self.deeds.push("booked with another amount");
                payment.content.cents -= 37;
            }
            Booking::LeavesPlaceholder => {
                self.deeds.push("placeholder left");
                let text = PLACEHOLDER.to_owned();
                payment.placeholder = Some(Content { text, ..before });
            }
        }
    }

    /// An answer, in some order, filtered or not, sometimes the last one again or an empty one.
    pub(crate) fn shows(&mut self) -> Shown {
        self.answers += 1;
        let facts = |at, from: Option<i64>| AnswerFacts {
            at,
            date_from: from.and_then(BankDate::from_epoch_days),
            last_updated: Some(format!("{}", self.answers)),
        };
        if self.answers > 1 && self.dice.once_in(12) {
            let (mut shown, keys) = self.last.clone().unwrap();
            self.deeds.push("the same answer again");
            shown.facts = facts(self.at, shown.facts.date_from.map(BankDate::epoch_days));
            self.keys = keys;
            return shown;
        }
        let filtered = self.answers > 1 && self.dice.once_in(2);
        let from = filtered.then(|| self.today - OVERLAP_DAYS);
        let shown_facts = facts(self.at, from);
        if self.answers > 1 && !self.keys.is_empty() && self.dice.once_in(40) {
            self.deeds.push("empty answer");
            self.keys.clear();
            let shown = Shown { facts: shown_facts, booked: Vec::new(), pending: None };
            return shown;
        }
        let oldest = from.unwrap_or(self.today - WIDEST_DAYS);
        let visible = |content: &Content| match (content.booking, content.value) {
            (None, None) => !filtered,
            // A filter looks at dates only.
            _ if content.times && filtered => false,
            (booking, value) => booking.max(value) >= Some(oldest),
        };
        let mut booked: Vec<(usize, Content)> = Vec::new();
        let mut pending: Vec<(usize, Content)> = Vec::new();
        for payment in &self.payments {
            let row = (payment.key, payment.content.clone());
            if payment.booked && !payment.hidden && visible(&row.1) {
                booked.push(row);
            } else if !payment.booked && visible(&row.1) {
                pending.push(row);
            }
            if let Some(left) = payment.placeholder.as_ref().filter(|left| visible(left)) {
                pending.push((payment.key, left.clone()));
            }
        }
        for payment in &mut self.payments {
            if payment.placeholder.is_some() && self.dice.once_in(3) {
                payment.placeholder = None;
            }
        }
        match self.dice.roll(3) {
            0 => booked.reverse(),
            1 => {
                let len = u64::try_from(booked.len().max(1)).unwrap();
                let middle = usize::try_from(self.dice.roll(len)).unwrap();
                booked.rotate_left(middle);
            }
            _ => booked.sort_by(|a, b| a.1.text.cmp(&b.1.text)),
        }
        let with_key = self.pending_key && !self.dice.once_in(8);
        if !with_key {
            pending.clear();
        }
        if self.pending_key && !with_key {
            self.deeds.push("pending key missing");
        }
        self.keys = booked.iter().chain(&pending).map(|(key, _)| *key).collect();
        let contents = |rows: Vec<(usize, Content)>| rows.into_iter().map(|(_, row)| row).collect();
        let shown = Shown {
            facts: shown_facts,
            booked: contents(booked),
            pending: with_key.then(|| contents(pending)),
        };
        self.last = Some((shown.clone(), self.keys.clone()));
        shown
    }
}
