//! What people ask of the daemon, brought to it as a verb would.

use crate::model::id::InstitutionId;
use crate::planner::state::Link;
use crate::sandbox::Wish;
use crate::sync::Handle;

/// One wish; gives the requisition that is over by it. A daemon that goes down at this moment does nothing; the person asks
/// again some day.
pub(super) async fn ask(handle: &Handle, wish: Wish) -> Option<String> {
    let report = handle.report().await.ok()?;
    let known = |requisition: &str| {
        let own = |link: &&Link| link.requisition_id.as_ref().is_some_and(|id| id.0 == requisition);
        report.links.iter().find(own)
    };
    match wish {
        Wish::Link { institution, history_days, access_days } => {
            let institution = InstitutionId(institution);
            let _gone = handle.link(institution, history_days, access_days, None).await;
        }
        Wish::Reconfirm { requisition } => {
            if let Some(link) = known(&requisition) {
                let _gone = handle.reconfirm(link.id).await;
            }
        }
        Wish::Renew { requisition } => {
            if let Some(link) = known(&requisition) {
                let (institution, id) = (link.institution_id.clone(), Some(link.id));
                let _gone = handle.link(institution, None, None, id).await;
            }
        }
        Wish::Unlink { requisition } => {
            if let Some(link) = known(&requisition) {
                let _gone = handle.unlink(link.id).await;
                return Some(requisition);
            }
        }
        Wish::Sync { force } => {
            let accounts = report.accounts.iter().map(|account| account.id).collect();
            // Nobody waits for the results.
            drop(handle.sync(accounts, force).await);
        }
    }
    None
}
