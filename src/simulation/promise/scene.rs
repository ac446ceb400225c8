//! What judges see when they look around: the world, what was shown, who is who, and how large things are.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AccountId, LinkId};
use crate::sandbox::World;

use super::super::audit::Ledger;

/// Which of the daemon's names mean which of the provider's. Everything else that the daemon says about itself is for others.
#[derive(Debug, Default)]
pub(in super::super) struct Identities {
    links: BTreeMap<LinkId, String>,
    accounts: BTreeMap<AccountId, BTreeSet<String>>,
    unlinked: BTreeSet<String>,
}

impl Identities {
    /// A link is this requisition.
    pub(in super::super) fn link(&mut self, id: LinkId, requisition: &str) {
        self.links.entry(id).or_insert_with(|| requisition.to_owned());
    }

    /// An account is, or once was, this one of the provider's.
    pub(in super::super) fn account(&mut self, id: AccountId, handle: &str) {
        self.accounts.entry(id).or_default().insert(handle.to_owned());
    }

    /// A person ended this requisition.
    pub(in super::super) fn unlinked(&mut self, requisition: String) {
        self.unlinked.insert(requisition);
    }

    /// The requisition of a link.
    pub(super) fn requisition(&self, id: LinkId) -> Option<&str> {
        self.links.get(&id).map(String::as_str)
    }

    /// All of the provider's ids that an account had.
    pub(super) fn handles(&self, id: AccountId) -> Vec<String> {
        self.accounts.get(&id).into_iter().flatten().cloned().collect()
    }

    /// Whether a person ended it.
    pub(super) fn is_unlinked(&self, requisition: &str) -> bool {
        self.unlinked.contains(requisition)
    }
}

/// Everything there is to see at one instant.
pub(in super::super) struct Scene<'a> {
    pub(in super::super) world: &'a mut World,
    pub(in super::super) ledger: &'a Ledger,
    pub(in super::super) identities: &'a Identities,
    /// The simulation is about to end.
    pub(in super::super) last: bool,
    /// Bytes of the database on disk.
    pub(in super::super) database_bytes: u64,
    /// Resident memory of the process at its largest, where the system tells.
    pub(in super::super) memory_bytes: Option<u64>,
}

impl<'a> Scene<'a> {
    /// Not the last, with sizes that nobody has looked at.
    pub(in super::super) fn new(
        world: &'a mut World,
        ledger: &'a Ledger,
        identities: &'a Identities,
    ) -> Self {
        Self { world, ledger, identities, last: false, database_bytes: 0, memory_bytes: None }
    }
}
