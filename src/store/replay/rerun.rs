//! Carries out the log of answers in the scratch database, entry by entry.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use rusqlite::Connection;

use crate::model::port::RowReader;
use crate::model::time::BankDate;
use crate::planner::reconcile::STRATEGY_VERSION;
use crate::store::answer::{self, Coming, Use};
use crate::store::answers::{self, Item, Items};
use crate::store::codec::{Packer, Unpacker};
use crate::store::documents;
use crate::store::error::Error;
use crate::store::reconcile::Work;
use crate::store::rows;
use crate::store::union::{self, StoredUnion};

use super::{Difference, What, present_strategy};

/// Texts kept unpacked: those of a few large answers, since most rows come again in the next one.
const SHELF_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Texts of row versions, unpacked once.
#[derive(Default)]
struct Shelf {
    texts: BTreeMap<(i64, i64), Rc<str>>,
    bytes: usize,
}

impl Shelf {
    fn text(
        &mut self,
        stored: &Connection,
        unpacker: &mut Unpacker,
        item: Item,
    ) -> Result<Rc<str>, Error> {
        let key = (item.number, item.revision);
        if let Some(text) = self.texts.get(&key) {
            return Ok(Rc::clone(text));
        }
        let text: Rc<str> = rows::text_of_revision(stored, unpacker, item)?.into();
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > SHELF_BYTES_MAX {
            self.texts.clear();
            self.bytes = text.len();
        }
        self.texts.insert(key, Rc::clone(&text));
        Ok(text)
    }
}

/// What differed in entries of the log, by account.
#[derive(Default)]
struct Entries {
    /// Entries whose answer consists of other transactions now.
    other: u64,
    /// Entries that were matched by another version of the rules: the version, and how many.
    strategies: BTreeMap<u32, u64>,
}

/// Carries out all of it; gives the number of entries and what differs in them.
pub(super) fn rerun(
    stored: &Connection,
    unpacker: &mut Unpacker,
    scratch: &Connection,
    reader: &dyn RowReader,
) -> Result<(u64, Vec<Difference>), Error> {
    let mut shelf = Shelf::default();
    let (mut pack, mut unpack) = <(Packer, Unpacker)>::default();
    let mut work = Work { connection: scratch, packer: &mut pack, unpacker: &mut unpack, reader };
    // The answer that came last for a window of an account.
    let mut newest: BTreeMap<(i64, Option<BankDate>), i64> = BTreeMap::new();
    let mut found: BTreeMap<i64, Entries> = BTreeMap::new();
    let (mut count, mut last) = (0_u64, 0);
    let mut unions = VecDeque::from(union::all(stored)?);
    while let Some(entry) = answer::next_use(stored, last)? {
        unite(&mut work, &mut unions, entry.number)?;
        last = entry.number;
        count = count.saturating_add(1);
        let items =
            answers::decode(&entry.items).ok_or_else(|| Error::damaged("the rows of an answer"))?;
        let before = newest.insert((entry.account, entry.facts.date_from), entry.answer);
        let again = before == Some(entry.answer);
        let numbers = if again {
            repeat(&mut work, &entry, &items)?
        } else {
            put(&mut work, stored, (unpacker, &mut shelf), &entry, &items)?
        };
        let entries = found.entry(entry.account).or_default();
        let same = numbers
            .is_none_or(|rows| items.booked.iter().chain(items.pending.iter().flatten()).eq(&rows));
        entries.other = entries.other.saturating_add(u64::from(!same));
        if entry.strategy != STRATEGY_VERSION {
            let strategy = entries.strategies.entry(entry.strategy).or_default();
            *strategy = strategy.saturating_add(1);
        }
    }
    unite(&mut work, &mut unions, i64::MAX)?;
    Ok((count, differences(stored, &found)?))
}

/// Makes accounts one that were so when this entry of the log came.
fn unite(work: &mut Work<'_>, unions: &mut VecDeque<StoredUnion>, entry: i64) -> Result<(), Error> {
    while unions.front().is_some_and(|union| union.after < entry) {
        if let Some(union) = unions.pop_front() {
            union::put(work, &union)?;
        }
    }
    Ok(())
}

/// The answer is the one before it for its window; gives the row versions that it is where they had to be looked for.
fn repeat(work: &mut Work<'_>, entry: &Use, items: &Items) -> Result<Option<Vec<Item>>, Error> {
    let mut account = answer::account_rows(work.connection, entry.account)?;
    let outcome = answer::repeat(work, &mut account, entry.run, &entry.facts, Some(items))?;
    let known = outcome.items.is_empty();
    Ok((!known).then_some(outcome.items))
}

fn put(
    work: &mut Work<'_>,
    stored: &Connection,
    (unpacker, shelf): (&mut Unpacker, &mut Shelf),
    entry: &Use,
    items: &Items,
) -> Result<Option<Vec<Item>>, Error> {
    let mut texts = |list: &[Item]| {
        list.iter()
            .map(|item| shelf.text(stored, unpacker, *item))
            .collect::<Result<Vec<_>, Error>>()
    };
    let (booked, pending) =
        (texts(&items.booked)?, items.pending.as_deref().map(texts).transpose()?);
    let coming = Coming {
        facts: entry.facts.clone(),
        run: entry.run,
        booked: borrow(&booked),
        pending: pending.as_deref().map(borrow),
        known_as: Some(items),
    };
    let mut account = answer::account_rows(work.connection, entry.account)?;
    answer::put(work, &mut account, &coming).map(|outcome| Some(outcome.items))
}

fn borrow(texts: &[Rc<str>]) -> Vec<&str> {
    texts.iter().map(AsRef::as_ref).collect()
}

fn differences(
    stored: &Connection,
    found: &BTreeMap<i64, Entries>,
) -> Result<Vec<Difference>, Error> {
    let mut differences = Vec::new();
    for (account, entries) in found {
        let account_id = documents::account_id(stored, *account)?;
        let mut differ = |what, stored: String, replayed: String| {
            differences.push(Difference {
                account_id,
                transaction_id: None,
                what,
                stored: Some(stored),
                replayed: Some(replayed),
            });
        };
        if entries.other > 0 {
            let replayed = format!("{} consist of other transactions", entries.other);
            differ(What::Answers, "as they are".to_owned(), replayed);
        }
        for (strategy, count) in &entries.strategies {
            differ(
                What::Strategy,
                format!("version {strategy} ({count} answers)"),
                format!("version {}", present_strategy()),
            );
        }
    }
    Ok(differences)
}
