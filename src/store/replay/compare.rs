//! Compares the replayed rows with the stored ones, number by number, and what is remembered of each account.

use std::fmt::Write as _;

use rusqlite::{Connection, Row, Rows};

use crate::model::id::{AccountId, TransactionId};
use crate::model::time::UtcInstant;
use crate::planner::reconcile::{Memory, RowHash};
use crate::store::codec::{Packed, Unpacker};
use crate::store::coverage;
use crate::store::documents;
use crate::store::error::Error;
use crate::store::row::{self, State, Status};
use crate::store::rows;
use crate::store::runs;
use crate::store::schema::Identity;

use super::{Difference, What};

/// A row with everything that matching decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) number: i64,
    pub(super) account: i64,
    first_run: i64,
    dates: (Option<i64>, i64),
    status: String,
    state: String,
    /// The run that brought each text, and the text's hash.
    versions: Vec<(i64, RowHash)>,
    tiers: Vec<i64>,
    absence: Option<(i64, Option<String>, i64)>,
}

const COLUMNS: &str =
    "SELECT number, account, first_run, effective, lead_days, hash, status, state, revision,
     coalesce(revision_run, first_run), tier, since, last_updated, last_seen_at
     FROM bank_transaction LEFT JOIN bank_transaction_absence ON bank_transaction = number
     WHERE account <> 0 ORDER BY number";

/// One side of the comparison.
struct Side<'c, 's> {
    connection: &'c Connection,
    rows: Rows<'s>,
    next: Option<Facts>,
}

impl Side<'_, '_> {
    fn advance(&mut self, unpacker: &mut Unpacker) -> Result<Option<Facts>, Error> {
        let failed = || Error::sql("compare transactions");
        let next = match self.rows.next().map_err(failed())? {
            None => None,
            Some(row) => {
                let (mut facts, revision) = read(row).map_err(failed())?;
                if revision > 1 {
                    add_versions(self.connection, unpacker, &mut facts)?;
                }
                Some(facts)
            }
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Facts, i64)> {
    let since: Option<i64> = row.get(11)?;
    let absence = match since {
        Some(since) => Some((since, row.get(12)?, row.get(13)?)),
        None => None,
    };
    let facts = Facts {
        number: row.get(0)?,
        account: row.get(1)?,
        first_run: row.get(2)?,
        dates: (row.get(3)?, row.get(4)?),
        versions: vec![(row.get(9)?, row.get(5)?)],
        status: format!("{:?}", row.get::<_, Status>(6)?.0).to_ascii_lowercase(),
        state: format!("{:?}", row.get::<_, State>(7)?.0).to_ascii_lowercase(),
        tiers: vec![row.get(10)?],
        absence,
    };
    Ok((facts, row.get(8)?))
}

/// Puts the older texts before the present one.
fn add_versions(
    connection: &Connection,
    unpacker: &mut Unpacker,
    facts: &mut Facts,
) -> Result<(), Error> {
    let failed = || Error::sql("compare versions of transactions");
    let sql = "SELECT run, tier, dictionary, raw FROM bank_transaction_version WHERE bank_transaction = ?1
               ORDER BY revision";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let mut found = statement.query([facts.number]).map_err(failed())?;
    let (mut versions, mut tiers) = (Vec::new(), Vec::new());
    while let Some(row) = found.next().map_err(failed())? {
        let bytes: Vec<u8> = row.get(3).map_err(failed())?;
        let packed = Packed { dictionary: row.get(2).map_err(failed())?, bytes: &bytes };
        let text = unpacker.unpack(connection, packed)?;
        versions.push((row.get(0).map_err(failed())?, rows::hash(&text)));
        tiers.push(row.get(1).map_err(failed())?);
    }
    versions.append(&mut facts.versions);
    tiers.append(&mut facts.tiers);
    (facts.versions, facts.tiers) = (versions, tiers);
    Ok(())
}

/// Hears of each number that is on either side: as stored, as replayed.
pub(super) fn walk(
    (stored, scratch): (&Connection, &Connection),
    (unpacker, other): (&mut Unpacker, &mut Unpacker),
    mut hear: impl FnMut(Option<&Facts>, Option<&Facts>) -> Result<(), Error>,
) -> Result<u64, Error> {
    let failed = || Error::sql("compare transactions");
    let mut statements =
        (stored.prepare(COLUMNS).map_err(failed())?, scratch.prepare(COLUMNS).map_err(failed())?);
    let rows = statements.0.query([]).map_err(failed())?;
    let mut one = Side { connection: stored, rows, next: None };
    let rows = statements.1.query([]).map_err(failed())?;
    let mut two = Side { connection: scratch, rows, next: None };
    one.advance(unpacker)?;
    two.advance(other)?;
    let mut count = 0_u64;
    loop {
        let numbers = [&one, &two].map(|side| side.next.as_ref().map(|facts| facts.number));
        let Some(number) = numbers.into_iter().flatten().min() else { return Ok(count) };
        count = count.saturating_add(1);
        let [in_one, in_two] = numbers.map(|here| here == Some(number));
        let facts = (
            if in_one { one.advance(unpacker)? } else { None },
            if in_two { two.advance(other)? } else { None },
        );
        hear(facts.0.as_ref(), facts.1.as_ref())?;
    }
}

/// Compares everything; gives the number of transactions on either side.
pub(super) fn compare(
    stored: &Connection,
    scratch: &Connection,
    unpacker: &mut Unpacker,
    identity: Identity,
    differences: &mut Vec<Difference>,
) -> Result<u64, Error> {
    accounts(stored, scratch, differences)?;
    let mut other = Unpacker::default();
    walk((stored, scratch), (unpacker, &mut other), |one, two| {
        if one == two {
            return Ok(());
        }
        let id = |facts: &Facts| -> Result<TransactionId, Error> {
            let first_seen = runs::started_at(stored, facts.first_run)?;
            Ok(row::transaction_id(identity, first_seen, facts.number))
        };
        let account_id = |facts: &Facts| documents::account_id(stored, facts.account);
        match (one, two) {
            (Some(one), Some(two))
                if (one.account, one.first_run) == (two.account, two.first_run) =>
            {
                differences.extend(fields(account_id(one)?, id(one)?, (one, two)));
            }
            _ => {
                for (facts, is_stored) in [(one, true), (two, false)] {
                    let Some(facts) = facts else { continue };
                    let text = Some(format!("{}, {}", facts.status, facts.state));
                    let (stored, replayed) = if is_stored { (text, None) } else { (None, text) };
                    differences.push(Difference {
                        account_id: account_id(facts)?,
                        transaction_id: Some(id(facts)?),
                        what: What::Transaction,
                        stored,
                        replayed,
                    });
                }
            }
        }
        Ok(())
    })
}

/// In what two rows of one number differ.
fn fields(
    account_id: Option<AccountId>,
    transaction_id: TransactionId,
    (one, two): (&Facts, &Facts),
) -> Vec<Difference> {
    type Point = (What, fn(&Facts) -> String);
    let points: [Point; 6] = [
        (What::BookingStatus, |facts| facts.status.clone()),
        (What::State, |facts| facts.state.clone()),
        (What::Dates, |facts| {
            let effective = row::date(facts.dates.0).map(|date| date.to_string());
            let (lead, filterable) = row::lead(facts.dates.1);
            let kind = if filterable { "" } else { ", date-times only" };
            format!("{}, {lead} days earlier{kind}", effective.as_deref().unwrap_or("undated"))
        }),
        (What::Versions, |facts| {
            let mark = |(run, hash): &(i64, RowHash)| {
                let mut text = format!("run {run} ");
                for byte in hash.iter().take(4) {
                    // Writing to a string cannot fail.
                    write!(text, "{byte:02x}").ok();
                }
                text
            };
            facts.versions.iter().map(mark).collect::<Vec<_>>().join(", ")
        }),
        (What::Tiers, |facts| {
            let word = |tier: &i64| row::tier(*tier).map_or("first", |tier| tier.as_str());
            facts.tiers.iter().map(word).collect::<Vec<_>>().join(", ")
        }),
        (What::Absence, |facts| match &facts.absence {
            None => "none".to_owned(),
            Some((since, last_updated, last_seen)) => format!(
                "since {}, last seen {}, {}",
                UtcInstant::from_ms(*since),
                UtcInstant::from_ms(*last_seen),
                last_updated.as_deref().unwrap_or("-")
            ),
        }),
    ];
    points
        .into_iter()
        .map(|(what, text)| (what, text(one), text(two)))
        .filter(|(_, one, two)| one != two)
        .map(|(what, one, two)| Difference {
            account_id,
            transaction_id: Some(transaction_id),
            what,
            stored: Some(one),
            replayed: Some(two),
        })
        .collect()
}

/// Compares what is remembered of each account.
fn accounts(
    stored: &Connection,
    scratch: &Connection,
    differences: &mut Vec<Difference>,
) -> Result<(), Error> {
    for (number, id) in documents::accounts(stored, None)?.into_iter().rev() {
        let points = [
            (What::Memory, memory(stored, number)?, memory(scratch, number)?),
            (What::Coverage, covered(stored, number)?, covered(scratch, number)?),
        ];
        for (what, one, two) in points {
            if one != two {
                differences.push(Difference {
                    account_id: Some(id),
                    transaction_id: None,
                    what,
                    stored: Some(one),
                    replayed: Some(two),
                });
            }
        }
    }
    Ok(())
}

/// In a few words: ids of payments are nobody's business on a screen.
fn memory(connection: &Connection, account: i64) -> Result<String, Error> {
    let failed = Error::sql("load what is remembered of an account");
    let text: String = connection
        .query_row("SELECT memory FROM account WHERE number = ?1", [account], |row| row.get(0))
        .map_err(failed)?;
    let memory: Memory = serde_json::from_str(&text)
        .map_err(Error::document("read what is remembered of an account"))?;
    let mark = rows::hash(&serde_json::to_string(&memory).unwrap_or_default());
    let kind = |about: &crate::planner::reconcile::memory::IdMemory| {
        format!(
            "kept {}, on booking {}, {} colliding",
            about.kept,
            about.kept_on_booking,
            about.colliding.len()
        )
    };
    let [first, second, ..] = mark;
    Ok(format!(
        "internal ids: {}; bank ids: {}; mark {first:02x}{second:02x}",
        kind(&memory.internal_id),
        kind(&memory.bank_id)
    ))
}

fn covered(connection: &Connection, account: i64) -> Result<String, Error> {
    let failed = || Error::sql("read what answers covered");
    let mut statement = connection
        .prepare_cached("SELECT floor, at FROM coverage WHERE account = ?1 ORDER BY floor, at")
        .map_err(failed())?;
    let mut found = statement.query([account]).map_err(failed())?;
    let mut parts = Vec::new();
    while let Some(row) = found.next().map_err(failed())? {
        let floor = coverage::words(row.get(0).map_err(failed())?);
        let at = UtcInstant::from_ms(row.get(1).map_err(failed())?);
        parts.push(format!("{floor} at {at}"));
    }
    Ok(parts.join(", "))
}
