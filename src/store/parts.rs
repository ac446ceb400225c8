//! How an account came together out of parts, and what its rows were before another part's answers changed them.
//!
//! Unions form a tree whose leaves are the parts. Of two different parts exactly one union separates them: when it is taken
//! apart, what one of them did to the other's rows has to be undone.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::error::Error;

/// Two accounts that became one.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    /// Of the union.
    pub(super) number: i64,
    /// The account that goes on.
    pub(super) kept: i64,
    /// The other one.
    pub(super) absorbed: i64,
    /// The parts of the one that goes on, as they were.
    pub(super) kept_side: BTreeSet<i64>,
    /// The parts of the other one.
    pub(super) absorbed_side: BTreeSet<i64>,
}

/// All unions within an account, oldest first; empty for nearly every account that was never linked anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    joints: Vec<Joint>,
}

impl Parts {
    /// Of an account that is whole.
    pub(super) fn of_whole(connection: &Connection, whole: i64) -> Result<Self, Error> {
        let failed = || Error::sql("read how accounts became one");
        let sql = "SELECT number, account, absorbed FROM account_union WHERE account IN
                   (SELECT number FROM account WHERE number = ?1 OR whole = ?1) ORDER BY number";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let mut rows = statement.query([whole]).map_err(failed())?;
        let mut members: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        let mut joints = Vec::new();
        while let Some(row) = rows.next().map_err(failed())? {
            let read = |place: usize| row.get::<_, i64>(place).map_err(failed());
            let (number, kept, absorbed) = (read(0)?, read(1)?, read(2)?);
            let [kept_side, absorbed_side] = [kept, absorbed]
                .map(|id| members.remove(&id).unwrap_or_else(|| BTreeSet::from([id])));
            members.insert(kept, kept_side.union(&absorbed_side).copied().collect());
            joints.push(Joint { number, kept, absorbed, kept_side, absorbed_side });
        }
        Ok(Self { joints })
    }

    /// The newest union of an account.
    pub(super) fn newest_of(&self, kept: i64) -> Option<&Joint> {
        self.joints.iter().rev().find(|joint| joint.kept == kept)
    }

    fn between(&self, one: i64, other: i64) -> Option<&Joint> {
        self.joints.iter().find(|joint| {
            let sides = [&joint.kept_side, &joint.absorbed_side];
            let [mine, theirs] = [one, other].map(|part| sides.map(|side| side.contains(&part)));
            mine != theirs && mine != [false, false] && theirs != [false, false]
        })
    }

    /// Notes what a row is now, if it is about to be changed by an answer through another part's handle for the first time.
    pub(super) fn remember(
        &self,
        connection: &Connection,
        number: i64,
        part: i64,
    ) -> Result<(), Error> {
        if self.joints.is_empty() {
            return Ok(());
        }
        let failed = || Error::sql("remember what a transaction was");
        let sql = "SELECT run.account FROM bank_transaction JOIN run ON run.number = first_run
                   WHERE bank_transaction.number = ?1";
        let mut origin = connection.prepare_cached(sql).map_err(failed())?;
        let origin: i64 = origin.query_row([number], |row| row.get(0)).map_err(failed())?;
        let Some(joint) = self.between(origin, part) else { return Ok(()) };
        let sql = "INSERT INTO bank_transaction_before
                   SELECT ?2, number, revision, status, state, since, last_updated, last_seen_at
                   FROM bank_transaction LEFT JOIN bank_transaction_absence ON bank_transaction = number
                   WHERE number = ?1 ON CONFLICT DO NOTHING";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        statement.execute(params![number, joint.number]).map_err(failed())?;
        Ok(())
    }
}
