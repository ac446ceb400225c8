//! The vault: the provider's few secrets (tokens), by name. Deleted values are overwritten (`secure_delete`).

use rusqlite::{OptionalExtension as _, params};

use crate::model::port::{BoxFuture, Vault, VaultError};
use crate::model::secret::Secret;

use super::Store;
use super::error::Error;

impl Vault for Store {
    fn load<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        let name = name.to_owned();
        let failed = || Error::sql("read from the vault");
        // With the writing connection: asked before each call, and each commit in between would make a reader decrypt its
        // pages anew.
        let load = self.workers().write(move |writer| {
            let mut statement = writer
                .connection()?
                .prepare_cached("SELECT value FROM vault WHERE name = ?1")
                .map_err(failed())?;
            let value = statement.query_row([name], |row| row.get(0).map(Secret::new)).optional();
            value.map_err(failed())
        });
        Box::pin(async move { load.await.map_err(|_error: Error| VaultError) })
    }

    fn save<'a>(
        &'a self,
        name: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        let name = name.to_owned();
        let save = self.workers().write(move |writer| {
            let connection = writer.connection()?;
            let done = match &value {
                Some(value) => connection.execute(
                    "INSERT INTO vault (name, value) VALUES (?1, ?2)
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                    params![name, value.expose()],
                ),
                None => connection.execute("DELETE FROM vault WHERE name = ?1", [name]),
            };
            done.map(|_rows| ()).map_err(Error::sql("write to the vault"))
        });
        Box::pin(async move { save.await.map_err(|_error: Error| VaultError) })
    }
}
