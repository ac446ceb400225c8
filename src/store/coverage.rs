//! When rows were last surely covered, so that no row needs a last-seen mark of its own.
//!
//! An answer covers dated rows from its floor on, and undated rows if it had no filter. Of all answers only those matter
//! that no later one with the same or a lower floor makes pointless: a handful per account.

use rusqlite::Connection;

use crate::model::time::{BankDate, UtcInstant};
use crate::planner::reconcile::coverage::{Coverage, Floor};

use super::error::Error;
use super::row;

/// Lower than any date of the calendar: "all dated rows".
pub(super) const EVERYTHING_DAYS: i64 = -100_000_000;

/// Lower still: "undated rows".
const UNDATED_DAYS: i64 = EVERYTHING_DAYS - 1;

/// The floor as its column holds it; `None`: covers no dated row.
pub(super) fn floor_days(floor: Floor) -> Option<i64> {
    match floor {
        Floor::Nothing => None,
        Floor::From(date) => Some(date.epoch_days()),
        Floor::Everything => Some(EVERYTHING_DAYS),
    }
}

/// The floor from its column.
pub(super) fn floor_from(days: Option<i64>) -> Floor {
    match days {
        None => Floor::Nothing,
        Some(days) => row::date(Some(days)).map_or(Floor::Everything, Floor::From),
    }
}

/// The remembered coverage of one account.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Undated rows.
    undated: Option<UtcInstant>,
    /// Floors in days, lowest first; later instants come with higher floors.
    floors: Vec<(i64, UtcInstant)>,
}

impl Seen {
    /// Reads it, with that of the account's parts.
    pub(super) fn load(connection: &Connection, account: i64) -> Result<Self, Error> {
        let failed = || Error::sql("read what answers covered");
        let sql = "SELECT floor, at FROM coverage WHERE account IN
                   (SELECT number FROM account WHERE number = ?1 OR whole = ?1) ORDER BY floor";
        let mut statement = connection.prepare_cached(sql).map_err(failed())?;
        let mut rows = statement.query([account]).map_err(failed())?;
        let mut seen = Self::default();
        while let Some(row) = rows.next().map_err(failed())? {
            let at = UtcInstant::from_ms(row.get(1).map_err(failed())?);
            match row.get(0).map_err(failed())? {
                UNDATED_DAYS => seen.undated = seen.undated.max(Some(at)),
                floor => seen.floors.push((floor, at)),
            }
        }
        Ok(seen)
    }

    /// When a row with this earliest date was last covered. `filterable`: filtered answers cover it, too.
    pub(super) fn last(&self, earliest: Option<BankDate>, filterable: bool) -> Option<UtcInstant> {
        let Some(earliest) = earliest else { return self.undated };
        let days = earliest.epoch_days();
        let reached =
            self.floors.iter().filter(|(floor, _)| *floor <= days).map(|(_, at)| *at).max();
        // Unfiltered answers cover undated rows, and no others do.
        if filterable { reached } else { reached.min(self.undated) }
    }
}

/// Remembers what an answer covered.
pub(super) fn note(
    connection: &Connection,
    account: i64,
    coverage: &Coverage,
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store what an answer covered");
    let put = |floor: i64| {
        let sql = "INSERT INTO coverage (account, floor, at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (account, floor) DO UPDATE SET at = excluded.at";
        connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute([account, floor, at.ms()]))
            .map_err(failed())
    };
    if let Some(floor) = floor_days(coverage.floor) {
        let sql = "DELETE FROM coverage WHERE account = ?1 AND floor > ?2";
        connection
            .prepare_cached(sql)
            .and_then(|mut s| s.execute([account, floor]))
            .map_err(failed())?;
        put(floor)?;
    }
    if coverage.undated {
        put(UNDATED_DAYS)?;
    }
    Ok(())
}

/// What a stored floor says, in words.
pub(super) fn words(floor: i64) -> String {
    match floor {
        UNDATED_DAYS => "undated".to_owned(),
        days => row::date(Some(days)).map_or("everything".to_owned(), |date| date.to_string()),
    }
}
