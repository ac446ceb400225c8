//! A vault in memory, for tests that run the real adapter.

use std::sync::Mutex;

use banksyncd::model::port::{BoxFuture, Vault, VaultError};
use banksyncd::model::secret::Secret;

/// One value, kept while the test lives.
#[derive(Default)]
pub(crate) struct MemoryVault(Mutex<Option<Secret>>);

impl Vault for MemoryVault {
    fn load<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Option<Secret>, VaultError>> {
        Box::pin(std::future::ready(Ok(self.0.lock().unwrap().clone())))
    }

    fn save<'a>(
        &'a self,
        _name: &'a str,
        value: Option<Secret>,
    ) -> BoxFuture<'a, Result<(), VaultError>> {
        *self.0.lock().unwrap() = value;
        Box::pin(std::future::ready(Ok(())))
    }
}
