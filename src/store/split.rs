//! Takes the newest union of an account apart. Every payment's id stays with the account that first had it, in the state in
//! which that account left it; what the other side's answers showed is the other side's from now on.
//!
//! Whose a row is follows from the run that brought it. Where answers of one side show rows of the other, their own side
//! gets rows of its own for them: its twin if it had one when the two became one, else a copy of every text that these
//! answers brought. So each side lists afterwards what its own answers say, and not a text is lost.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use crate::model::time::UtcInstant;
use crate::model::transaction::RowState;
use crate::planner::effect::Undo;
use crate::planner::reconcile::tiers::Tier;
use crate::planner::reconcile::{Absence, RowHash};

use super::answers::{self, Item};
use super::documents;
use super::error::Error;
use super::parts::{Joint, Parts};
use super::reconcile::Work;
use super::row;
use super::rows::{self, NewText};
use super::union;

fn failed() -> impl Fn(rusqlite::Error) -> Error {
    Error::sql("take two accounts apart")
}

/// Carries it out.
///
/// # Errors
/// [`Error::Refused`] if the newest union of this account is not with that one.
pub(super) fn split(work: &mut Work<'_>, undo: Undo) -> Result<(), Error> {
    let kept = documents::account_number(work.connection, undo.kept)?;
    let absorbed = documents::account_number(work.connection, undo.absorbed)?;
    let parts = Parts::of_whole(work.connection, kept)?;
    let joint = parts.newest_of(kept).filter(|joint| joint.absorbed == absorbed);
    let joint = joint.ok_or(Error::Refused("these accounts did not become one last"))?;
    let twins = twins(work.connection, joint.number)?;
    let dictionary = union::dictionary(work.connection, kept)?;
    let own = Side { home: kept, own: &joint.kept_side, others: &joint.absorbed_side, dictionary };
    let own_rows = own.disentangle(work, &BTreeMap::new())?;
    let its =
        Side { home: absorbed, own: &joint.absorbed_side, others: &joint.kept_side, dictionary };
    let mut its_rows = its.disentangle(work, &twins)?;
    if undo.through_absorbed {
        its_rows.extend(twins);
    }
    for (row, copy) in own_rows.into_iter().chain(its_rows) {
        rows::follow(work.connection, copy, row)?;
    }
    restore(work, joint.number)?;
    give_back(work.connection, joint)?;
    forget(work.connection, joint)?;
    union::bump(work.connection, [kept, absorbed])
}

/// Rows of the kept account and their twins in the absorbed one.
fn twins(connection: &Connection, union: i64) -> Result<BTreeMap<i64, i64>, Error> {
    let sql = "SELECT bank_transaction, twin FROM bank_transaction_twin WHERE account_union = ?1";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let found =
        statement.query_map([union], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed())?;
    found.collect::<Result<_, _>>().map_err(failed())
}

/// One side of a union.
struct Side<'a> {
    /// The account that its rows belong to afterwards.
    home: i64,
    /// Its parts.
    own: &'a BTreeSet<i64>,
    /// The other side's.
    others: &'a BTreeSet<i64>,
    dictionary: i64,
}

/// An own row for one of the other side, so far.
struct Copy {
    item: Item,
    hash: RowHash,
    /// Which revision of the other side's row became which of this one.
    revisions: BTreeMap<i64, i64>,
}

impl Side<'_> {
    /// Lets the answers of this side show rows of its own only. Gives the other side's rows and what stands for them.
    fn disentangle(
        &self,
        work: &mut Work<'_>,
        twins: &BTreeMap<i64, i64>,
    ) -> Result<BTreeMap<i64, i64>, Error> {
        let mut copies: BTreeMap<i64, Option<Copy>> = BTreeMap::new();
        for (number, bytes, run) in self.answers(work.connection)? {
            let mut items =
                answers::decode(&bytes).ok_or_else(|| Error::damaged("the rows of an answer"))?;
            let mut changed = false;
            for item in items.booked.iter_mut().chain(items.pending.iter_mut().flatten()) {
                if let Some(own) = self.own_item(work, (*item, run), twins, &mut copies)? {
                    *item = own;
                    changed = true;
                }
            }
            if changed {
                let sql = "UPDATE answer SET items = ?2 WHERE number = ?1";
                let values = params![number, answers::encode(&items)];
                work.connection.execute(sql, values).map_err(failed())?;
            }
        }
        let made = copies.into_iter().filter_map(|(row, copy)| Some((row, copy?.item.number)));
        Ok(made.filter(|(row, _)| !twins.contains_key(row)).collect())
    }

    /// Number, items and first run of the answers of this side, oldest first.
    fn answers(&self, connection: &Connection) -> Result<Vec<(i64, Vec<u8>, i64)>, Error> {
        let sql = "SELECT answer.number, items, run FROM answer JOIN run ON run.number = run
                   WHERE account = ?1 AND typeof(items) = 'blob'";
        let mut statement = connection.prepare(sql).map_err(failed())?;
        let mut all = Vec::new();
        for part in self.own {
            let found = statement
                .query_map([part], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .map_err(failed())?;
            all.extend(found.collect::<Result<Vec<_>, _>>().map_err(failed())?);
        }
        all.sort_unstable_by_key(|(number, ..): &(i64, Vec<u8>, i64)| *number);
        Ok(all)
    }

    /// What stands for a row of the other side in an answer that a run brought; `None` for a row of this side.
    fn own_item(
        &self,
        work: &mut Work<'_>,
        (item, run): (Item, i64),
        twins: &BTreeMap<i64, i64>,
        copies: &mut BTreeMap<i64, Option<Copy>>,
    ) -> Result<Option<Item>, Error> {
        if !copies.contains_key(&item.number) && !self.is_foreign(work.connection, item.number)? {
            copies.insert(item.number, None);
        }
        let known = copies.get(&item.number);
        if matches!(known, Some(None)) {
            return Ok(None);
        }
        if let Some(Some(copy)) = known
            && let Some(revision) = copy.revisions.get(&item.revision)
        {
            return Ok(Some(Item { number: copy.item.number, revision: *revision }));
        }
        let text = rows::text_of_revision(work.connection, work.unpacker, item)?;
        let status = rows::one(work.connection, item.number)?.status;
        let new =
            NewText { raw: &text, hash: rows::hash(&text), key: work.reader.key(&text), status };
        let mut copy = match copies.remove(&item.number).flatten() {
            Some(copy) => copy,
            None => self.begin(work, twins.get(&item.number).copied(), &new, run)?,
        };
        if copy.hash != new.hash {
            let tier = tier(work.connection, item)?;
            let row = (copy.item.number, run, self.dictionary);
            rows::revise(work.connection, work.packer, row, (&new, tier))?;
            copy.item.revision = copy.item.revision.saturating_add(1);
            copy.hash = new.hash;
        }
        copy.revisions.insert(item.revision, copy.item.revision);
        let own = copy.item;
        copies.insert(item.number, Some(copy));
        Ok(Some(own))
    }

    /// The row that stands for one of the other side: its twin, else a new one.
    fn begin(
        &self,
        work: &mut Work<'_>,
        twin: Option<i64>,
        new: &NewText<'_>,
        run: i64,
    ) -> Result<Copy, Error> {
        let revisions = BTreeMap::new();
        if let Some(number) = twin {
            let sql = "SELECT revision, hash FROM bank_transaction WHERE number = ?1";
            let (revision, hash) = work
                .connection
                .query_row(sql, [number], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(failed())?;
            return Ok(Copy { item: Item { number, revision }, hash, revisions });
        }
        let mut inserter = rows::Inserter::new(work.connection, self.home, run, self.dictionary)?;
        let number = inserter.insert(work.packer, new, RowState::Current, None)?;
        Ok(Copy { item: Item { number, revision: 1 }, hash: new.hash, revisions })
    }

    fn is_foreign(&self, connection: &Connection, number: i64) -> Result<bool, Error> {
        let sql = "SELECT run.account FROM bank_transaction JOIN run ON run.number = first_run
                   WHERE bank_transaction.number = ?1";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let part: i64 = statement.query_row([number], |row| row.get(0)).map_err(failed())?;
        Ok(self.others.contains(&part))
    }
}

/// Why a row went on as this version of it.
fn tier(connection: &Connection, item: Item) -> Result<Tier, Error> {
    let sql =
        "SELECT tier FROM bank_transaction_version WHERE bank_transaction = ?1 AND revision = ?2
               UNION ALL SELECT tier FROM bank_transaction WHERE number = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let found: i64 =
        statement.query_row([item.number, item.revision], |row| row.get(0)).map_err(failed())?;
    Ok(row::tier(found).unwrap_or(Tier::Identical))
}

/// Makes rows again what they were before the other side changed them.
fn restore(work: &mut Work<'_>, union: i64) -> Result<(), Error> {
    let sql = "SELECT bank_transaction, revision, status, state, since, last_updated, last_seen_at
               FROM bank_transaction_before WHERE account_union = ?1";
    let mut statement = work.connection.prepare(sql).map_err(failed())?;
    let mut found = statement.query([union]).map_err(failed())?;
    while let Some(image) = found.next().map_err(failed())? {
        let number = |place: usize| image.get::<_, i64>(place).map_err(failed());
        let (row, revision, status, state) = (number(0)?, number(1)?, number(2)?, number(3)?);
        restore_text(work, row, revision)?;
        let sql = "UPDATE bank_transaction SET status = ?2, state = ?3 WHERE number = ?1";
        work.connection.execute(sql, [row, status, state]).map_err(failed())?;
        let sql = "DELETE FROM bank_transaction_absence WHERE bank_transaction = ?1";
        work.connection.execute(sql, [row]).map_err(failed())?;
        let since: Option<i64> = image.get(4).map_err(failed())?;
        if let Some(since) = since {
            let absence = Absence {
                since: UtcInstant::from_ms(since),
                last_updated: image.get(5).map_err(failed())?,
            };
            rows::absent(work.connection, row, &absence, UtcInstant::from_ms(number(6)?))?;
        }
    }
    Ok(())
}

/// Makes a version of a row its present text again; later ones are forgotten, the other side has them.
fn restore_text(work: &mut Work<'_>, number: i64, revision: i64) -> Result<(), Error> {
    let sql = "SELECT revision > ?2 FROM bank_transaction WHERE number = ?1";
    let later: bool =
        work.connection.query_row(sql, [number, revision], |row| row.get(0)).map_err(failed())?;
    if !later {
        return Ok(());
    }
    let text = rows::text_of_revision(work.connection, work.unpacker, Item { number, revision })?;
    let key = work.reader.key(&text);
    let status = rows::one(work.connection, number)?.status;
    let old = NewText { raw: &text, hash: rows::hash(&text), key, status };
    rows::restore(work.connection, number, revision, &old)
}

/// Rows and parts go back to the account that absorbed nothing of this.
fn give_back(connection: &Connection, joint: &Joint) -> Result<(), Error> {
    for part in &joint.absorbed_side {
        let sql = "UPDATE bank_transaction SET account = ?2 WHERE account = ?1
                   AND first_run IN (SELECT number FROM run WHERE account = ?3)";
        connection.execute(sql, [joint.kept, joint.absorbed, *part]).map_err(failed())?;
        let whole = (*part != joint.absorbed).then_some(joint.absorbed);
        let sql = "UPDATE account SET whole = ?2 WHERE number = ?1";
        connection.execute(sql, params![part, whole]).map_err(failed())?;
    }
    let sql = "UPDATE account SET memory = (SELECT memory FROM account_union WHERE number = ?2) WHERE number = ?1";
    connection.execute(sql, [joint.kept, joint.number]).map(|_one| ()).map_err(failed())
}

fn forget(connection: &Connection, joint: &Joint) -> Result<(), Error> {
    for sql in [
        "DELETE FROM bank_transaction_before WHERE account_union = ?1",
        "DELETE FROM bank_transaction_twin WHERE account_union = ?1",
        "DELETE FROM account_union WHERE number = ?1",
    ] {
        connection.execute(sql, [joint.number]).map_err(failed())?;
    }
    Ok(())
}
