//! What the present `on` or `next` has changed so far; becomes one batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{AccountId, CallId, LinkId};
use crate::model::notice::Notice;
use crate::model::time::UtcInstant;

use super::effect::{
    Batch, Comparison, Data, InstitutionUpdate, PullResult, RunRecord, Settlement, Undo,
};
use super::state::{Account, Link, ProviderState, Union};

/// Changes not yet emitted.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) settle: Option<(CallId, Settlement)>,
    pub(super) settled_at: Option<UtcInstant>,
    pub(super) accounts: BTreeSet<AccountId>,
    pub(super) links: BTreeSet<LinkId>,
    pub(super) forgotten_links: Vec<LinkId>,
    pub(super) forgotten_accounts: Vec<AccountId>,
    pub(super) provider: bool,
    pub(super) institutions: Option<InstitutionUpdate>,
    pub(super) unions: Vec<Union>,
    pub(super) undo: Option<Undo>,
    pub(super) compare: Option<Comparison>,
    pub(super) runs: Vec<RunRecord>,
    pub(super) data: Option<Data>,
    pub(super) notices: Vec<Notice>,
    /// Pulls that end with this batch: they stay behind when the batch is taken.
    pub(super) endings: Vec<PullResult>,
}

impl Draft {
    /// The batch of everything drafted, with the documents as they are now; `None` if nothing was.
    pub(super) fn take(
        &mut self,
        accounts: &BTreeMap<AccountId, Account>,
        links: &BTreeMap<LinkId, Link>,
        provider: &ProviderState,
    ) -> Option<Batch> {
        let draft = std::mem::take(self);
        self.endings = draft.endings;
        let nothing = draft.settle.is_none()
            && draft.accounts.is_empty()
            && draft.links.is_empty()
            && draft.forgotten_links.is_empty()
            && draft.forgotten_accounts.is_empty()
            && !draft.provider
            && draft.institutions.is_none()
            && draft.unions.is_empty()
            && draft.undo.is_none()
            && draft.runs.is_empty()
            && draft.data.is_none()
            && draft.notices.is_empty()
            && self.endings.is_empty();
        if nothing {
            return None;
        }
        Some(Batch {
            number: 0,
            at: None,
            settle: draft.settle,
            settled_at: draft.settled_at,
            accounts: draft.accounts.iter().filter_map(|id| accounts.get(id)).cloned().collect(),
            links: draft.links.iter().filter_map(|id| links.get(id)).cloned().collect(),
            forgotten_links: draft.forgotten_links,
            forgotten_accounts: draft.forgotten_accounts,
            provider: draft.provider.then(|| provider.clone()),
            institutions: draft.institutions,
            unions: draft.unions,
            undo: draft.undo,
            compare: draft.compare,
            runs: draft.runs,
            data: draft.data,
            notices: draft.notices,
        })
    }
}
