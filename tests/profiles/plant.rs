//! What goes wrong on the way of a bank's answers: a row is lost, or comes twice, and only the balance can tell.
//!
//! Answers are changed after the world has written them, so that its books and balances know nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use banksyncd::model::money::Amount;
use banksyncd::model::notice::EventCode;
use banksyncd::model::time::UtcInstant;
use banksyncd::sandbox::{Comparison, Phase, Quirk, World};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Months;

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// A row that was listed is in no answer any more.
    Dropped,
    /// A payment is in no answer from its booking on.
    NeverListed,
    /// A row is in every answer twice.
    Doubled,
    /// A row is in every answer a second time, under other ids.
    DoubledAnew,
}

impl Plant {
    const ALL: [Self; 4] = [Self::Dropped, Self::NeverListed, Self::Doubled, Self::DoubledAnew];

    const fn is_loss(self) -> bool {
        matches!(self, Self::Dropped | Self::NeverListed)
    }
}

/// The movement that it happens to.
#[derive(Clone, Copy, Debug)]
struct Victim {
    key: u64,
    /// As its row says it.
    amount: Amount,
}

/// An account in whose answers something is planted.
#[derive(Debug)]
struct Bed {
    plant: Plant,
    bank_account: usize,
    currency: &'static str,
    /// Booked movements that were shown before.
    known: BTreeSet<u64>,
    /// Until then the bank must not take the victim back.
    until: UtcInstant,
    victim: Option<Victim>,
}

/// What is planted, by the account's handle.
#[derive(Debug, Default)]
pub(crate) struct Garden(BTreeMap<String, Bed>);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    transactions: Lists<'a>,
    last_updated: String,
}

#[derive(Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    booked: Vec<&'a RawValue>,
    #[serde(borrow)]
    pending: Option<Vec<&'a RawValue>>,
}

impl Garden {
    /// What becomes of a body that the world answered a request with.
    pub(crate) fn on_the_way(&mut self, world: &World, path: &str, body: Vec<u8>) -> Vec<u8> {
        let mut parts = path.trim_end_matches('/').rsplit('/');
        let (scope, handle) = (parts.next(), parts.next().unwrap_or_default());
        let (Some("transactions"), Some(bed)) = (scope, self.0.get_mut(handle)) else {
            return body;
        };
        let Ok(answer) = serde_json::from_slice::<Answer<'_>>(&body) else { return body };
        let shown = &world.last_answer(handle).unwrap().rows;
        let keys = |wanted| {
            let of_list = shown.iter().filter(move |(_, phase, _)| *phase == wanted);
            of_list.map(|(key, ..)| *key)
        };
        let Lists { booked, pending } = answer.transactions;
        let booked: Vec<_> =
            keys(Phase::Booked).zip(booked.into_iter().map(RawValue::get)).collect();
        bed.choose(world, &booked);
        let mut rows = Vec::new();
        for (key, raw) in booked {
            let hit = bed.victim.is_some_and(|victim| victim.key == key);
            if !hit || !bed.plant.is_loss() {
                rows.push(raw.to_owned());
            }
            match bed.plant {
                Plant::Doubled if hit => rows.push(raw.to_owned()),
                Plant::DoubledAnew if hit => rows.push(raw.replace("Id\":\"", "Id\":\"D")),
                _ => {}
            }
        }
        let lost = |key| bed.plant.is_loss() && bed.victim.is_some_and(|victim| victim.key == key);
        let pending = pending.map_or_else(String::new, |pending| {
            let rows = keys(Phase::Pending).zip(pending).filter(|(key, _)| !lost(*key));
            let rows: Vec<_> = rows.map(|(_, raw)| raw.get()).collect();
            format!(r#","pending":[{}]"#, rows.join(","))
        });
        let (booked, at) = (rows.join(","), answer.last_updated);
        format!(r#"{{"transactions":{{"booked":[{booked}]{pending}}},"last_updated":"{at}"}}"#)
            .into_bytes()
    }

    /// Takes what was planted off a comparison.
    pub(crate) fn weed(&self, handle: &str, found: &mut Comparison) {
        let Some(bed) = self.0.get(handle) else { return };
        let Some(Victim { key, .. }) = bed.victim else { return };
        match bed.plant {
            Plant::Dropped | Plant::NeverListed => found.lost.retain(|own| *own != key),
            Plant::Doubled => found.doubled.retain(|own| *own != key),
            Plant::DoubledAnew => found.strangers = found.strangers.saturating_sub(1),
        }
    }
}

impl Bed {
    /// Takes the newest of the known movements, or the first unknown one, if it has not chosen yet.
    fn choose(&mut self, world: &World, booked: &[(u64, &str)]) {
        if self.victim.is_some() {
            return;
        }
        let stays = world.on_the_books(self.bank_account, self.until);
        let eligible = booked.iter().filter_map(|(key, raw)| {
            let row: Value = serde_json::from_str(raw).unwrap();
            let money = &row["transactionAmount"];
            // Its sum must tell, and no other row may be taken for it.
            let tells = money["currency"] == self.currency && raw.contains("Date");
            let alone = booked.iter().filter(|(_, other)| other == raw).count() == 1;
            let wanted = self.known.contains(key) == (self.plant != Plant::NeverListed);
            let amount = Amount::parse(money["amount"].as_str()?)?;
            (tells && alone && wanted && stays.contains(key))
                .then_some(Victim { key: *key, amount })
        });
        self.victim = match self.plant {
            Plant::NeverListed => eligible.min_by_key(|victim| victim.key),
            _ => eligible.max_by_key(|victim| victim.key),
        };
    }
}

/// By when a plant is told of, and then its end.
const TOLD_WITHIN_DAYS: i64 = 21;
/// An account with fewer bookings than this (savings) does not show in months how its balance moves.
const BOOKINGS_MIN: usize = 30;

/// Whether the sums of a bank's rows can prove anything: not without a booked balance or a sign, nor where every other answer
/// lacks rows that the next one has, so that balance and rows never agree.
pub(crate) fn is_provable(institution: &str) -> bool {
    use Quirk::{EmptyBalances, Flickers, InformationOnly, UnsignedAmounts};
    let blind = |quirk: &Quirk| {
        matches!(quirk, EmptyBalances | InformationOnly | UnsignedAmounts | Flickers)
    };
    !World::quirks(institution).iter().any(blind)
}

impl Months {
    /// Loses rows and doubles them, one after the other: each is told of once, with its amount, and taken back when it is mended.
    pub(crate) async fn plants(&mut self) {
        for plant in Plant::ALL {
            let accounts = self.plant(plant);
            assert!(
                !accounts.is_empty(),
                "{}: no account that can prove anything",
                self.institution
            );
            self.told.clear();
            self.days_until(EventCode::BalanceMismatch, &accounts).await;
            let inverted = World::quirks(self.institution).contains(&Quirk::InvertedSign);
            for place in &accounts {
                let pair = &self.pairs[*place];
                let victim = self.line.garden.lock().unwrap().0[&pair.theirs].victim.unwrap();
                let amount = victim.amount.trimmed();
                let turned = Amount::ZERO.checked_sub(amount).unwrap();
                let expected = if plant.is_loss() == inverted { turned } else { amount };
                let told: Vec<_> = self.told.iter().filter(|(id, ..)| *id == pair.ours).collect();
                assert_eq!(
                    told,
                    [&(pair.ours, EventCode::BalanceMismatch, expected)],
                    "{} {plant:?} {place}",
                    self.institution
                );
                self.seen.planted += 1;
            }
            assert_eq!(self.told.len(), accounts.len(), "{} {plant:?}", self.institution);
            self.line.garden.lock().unwrap().0.clear();
            self.told.clear();
            self.days_until(EventCode::BalanceExplained, &accounts).await;
            let explained =
                self.told.iter().filter(|(_, code, _)| *code == EventCode::BalanceExplained);
            assert_eq!(
                explained.count(),
                accounts.len(),
                "{} {plant:?}: {:?}",
                self.institution,
                self.told
            );
            assert_eq!(
                self.told.len(),
                accounts.len(),
                "{} {plant:?}: {:?}",
                self.institution,
                self.told
            );
        }
    }

    /// Plants something in the answers for the busy accounts; gives their places.
    fn plant(&self, plant: Plant) -> Vec<usize> {
        let world = self.line.world.lock().unwrap();
        let mut garden = self.line.garden.lock().unwrap();
        let busy = |place: &usize| self.pairs[*place].ids.len() >= BOOKINGS_MIN;
        let places: Vec<usize> = (0..self.pairs.len()).filter(busy).collect();
        for place in &places {
            let pair = &self.pairs[*place];
            let shown = world.log().shown(&pair.theirs);
            let booked = shown.filter(|(_, phase, _)| *phase == Phase::Booked);
            let bed = Bed {
                plant,
                bank_account: pair.bank_account,
                currency: pair.currency,
                known: booked.map(|(key, ..)| key).collect(),
                until: self.line.time.wall().plus_days(3 * TOLD_WITHIN_DAYS),
                victim: None,
            };
            garden.0.insert(pair.theirs.clone(), bed);
        }
        places
    }

    /// Lives on until something was told of all these accounts, and a day longer.
    async fn days_until(&mut self, code: EventCode, accounts: &[usize]) {
        for _ in 0..TOLD_WITHIN_DAYS {
            let told = |place: &usize| {
                let ours = self.pairs[*place].ours;
                self.told.iter().any(|(id, own, _)| *id == ours && *own == code)
            };
            let all = accounts.iter().all(told);
            self.day().await;
            if all {
                return;
            }
        }
    }
}
