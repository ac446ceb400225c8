//! A logical dump, hashed: what is in the tables, not how the file holds it.
//!
//! Each value goes in with its type and length, so that no two different contents give the same bytes. Compressed rows count
//! as they are stored: the same rows compressed by the same program are the same bytes.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::error::Error;

/// Hashes all tables.
pub(super) fn digest(connection: &Connection) -> Result<[u8; 32], Error> {
    let failed = || Error::sql("dump the database");
    let mut hasher = blake3::Hasher::new();
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut statement = connection.prepare(sql).map_err(failed())?;
    let tables = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .map_err(failed())?;
    for table in tables {
        let (name, sql) = table.map_err(failed())?;
        put(&mut hasher, b'n', name.as_bytes());
        // A table without rowid is its primary key's order; the names are the schema's own.
        let order = if sql.contains("WITHOUT ROWID") { "" } else { " ORDER BY rowid" };
        let mut rows =
            connection.prepare(&format!("SELECT * FROM {name}{order}")).map_err(failed())?;
        let columns = rows.column_count();
        let mut rows = rows.query([]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            for column in 0..columns {
                match row.get_ref(column).map_err(failed())? {
                    ValueRef::Null => put(&mut hasher, b'0', &[]),
                    ValueRef::Integer(number) => put(&mut hasher, b'i', &number.to_be_bytes()),
                    ValueRef::Real(number) => put(&mut hasher, b'r', &number.to_be_bytes()),
                    ValueRef::Text(text) => put(&mut hasher, b't', text),
                    ValueRef::Blob(bytes) => put(&mut hasher, b'b', bytes),
                }
            }
        }
    }
    Ok(*hasher.finalize().as_bytes())
}

fn put(hasher: &mut blake3::Hasher, kind: u8, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    hasher.update(&[kind]).update(&length.to_be_bytes()).update(bytes);
}
