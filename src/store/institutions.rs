//! Institutions as the provider listed them: a cache with its age, never the truth.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::id::InstitutionId;
use crate::model::institution::Institution;
use crate::model::time::UtcInstant;
use crate::planner::effect::InstitutionUpdate;

use super::error::Error;

/// A cached list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstitutionList {
    /// When the list was read; `None`: never.
    pub fetched_at: Option<UtcInstant>,
    /// By name, then id.
    pub institutions: Vec<Institution>,
}

/// The list of all countries has this name.
const ALL: &str = "";

/// Writes what was read.
pub(super) fn put(
    connection: &Connection,
    update: &InstitutionUpdate,
    at: UtcInstant,
) -> Result<(), Error> {
    match update {
        InstitutionUpdate::One(institution) => put_one(connection, institution, at),
        InstitutionUpdate::List { country, institutions } => {
            put_list(connection, country.as_deref().unwrap_or(ALL), institutions, at)
        }
    }
}

fn put_one(
    connection: &Connection,
    institution: &Institution,
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store an institution");
    let doc =
        serde_json::to_string(institution).map_err(Error::document("store an institution"))?;
    let sql = "INSERT INTO institution (id, doc, fetched_at) VALUES (?1, ?2, ?3)
               ON CONFLICT (id) DO UPDATE SET doc = excluded.doc, fetched_at = excluded.fetched_at";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    statement.execute(params![institution.id.0, doc, at.ms()]).map_err(failed())?;
    Ok(())
}

fn put_list(
    connection: &Connection,
    country: &str,
    institutions: &[Institution],
    at: UtcInstant,
) -> Result<(), Error> {
    let failed = || Error::sql("store a list of institutions");
    let sql = "INSERT INTO institution_list (country, fetched_at) VALUES (?1, ?2)
               ON CONFLICT (country) DO UPDATE SET fetched_at = excluded.fetched_at";
    connection.execute(sql, params![country, at.ms()]).map_err(failed())?;
    connection
        .execute("DELETE FROM institution_listed WHERE country = ?1", [country])
        .map_err(failed())?;
    let sql = "INSERT INTO institution_listed (country, institution_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let mut listed = connection.prepare_cached(sql).map_err(failed())?;
    for institution in institutions {
        let mut merged = institution.clone();
        if merged.supported_features.is_none() {
            // Lists have no features; what the single answer said stays.
            merged.supported_features =
                one(connection, &institution.id)?.and_then(|(known, _at)| known.supported_features);
        }
        put_one(connection, &merged, at)?;
        listed.execute([country, institution.id.0.as_str()]).map_err(failed())?;
    }
    Ok(())
}

/// One institution and when it was read.
pub(super) fn one(
    connection: &Connection,
    id: &InstitutionId,
) -> Result<Option<(Institution, UtcInstant)>, Error> {
    let failed = Error::sql("read an institution");
    let mut statement = connection
        .prepare_cached("SELECT doc, fetched_at FROM institution WHERE id = ?1")
        .map_err(&failed)?;
    let found = statement
        .query_row([&id.0], |row| Ok((row.get::<_, String>(0)?, UtcInstant::from_ms(row.get(1)?))))
        .optional()
        .map_err(failed)?;
    found.map(|(doc, at)| parse(&doc).map(|institution| (institution, at))).transpose()
}

/// The list of a country, from its own list or the list of all, whichever is newer; `None`: the list of all.
pub(super) fn list(
    connection: &Connection,
    country: Option<&str>,
) -> Result<InstitutionList, Error> {
    let failed = || Error::sql("read institutions");
    let sql = "SELECT country, fetched_at FROM institution_list WHERE country IN (?1, ?2)
               ORDER BY fetched_at DESC, country DESC LIMIT 1";
    let newest: Option<(String, i64)> = connection
        .query_row(sql, [country.unwrap_or(ALL), ALL], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(failed())?;
    let Some((name, fetched_at)) = newest else { return Ok(InstitutionList::default()) };
    let sql = "SELECT doc FROM institution_listed JOIN institution ON id = institution_id
               WHERE country = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql).map_err(failed())?;
    let docs = statement.query_map([&name], |row| row.get::<_, String>(0)).map_err(failed())?;
    let mut institutions = Vec::new();
    for doc in docs {
        let institution = parse(&doc.map_err(failed())?)?;
        let wanted = name != ALL
            || country.is_none_or(|country| institution.countries.iter().any(|c| c == country));
        if wanted {
            institutions.push(institution);
        }
    }
    institutions.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
    Ok(InstitutionList { fetched_at: Some(UtcInstant::from_ms(fetched_at)), institutions })
}

fn parse(doc: &str) -> Result<Institution, Error> {
    serde_json::from_str(doc).map_err(Error::document("read an institution"))
}
