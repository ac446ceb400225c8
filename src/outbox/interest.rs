//! Which target wants which event.

use crate::config::Notify;
use crate::model::notice::{EventCode, Notice};
use crate::planner::policy::{is_called, was_called};
use crate::planner::state::Account;

/// The detail of [`EventCode::NotifyFailed`] that names the target.
pub const TARGET: &str = "target";

/// Whether a target wants an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest<'a> {
    /// No.
    None,
    /// Yes.
    Any,
    /// If it is about one of these accounts (see [`is_about`]) or about a link that opens one.
    OfAccounts(&'a [String]),
}

/// What the filters of a target say about an event.
///
/// That messages to a target failed is never told to the same target: it would not get there, and would fail again.
pub fn interest<'a>(target: &'a Notify, notice: &Notice) -> Interest<'a> {
    let of_itself = notice.code == EventCode::NotifyFailed
        && notice.details.get(TARGET).is_some_and(|name| *name == target.name);
    let coded = target.codes.is_empty() || target.codes.contains(&notice.code);
    if of_itself || !coded || notice.code.level() < target.level {
        return Interest::None;
    }
    if target.accounts.is_empty() { Interest::Any } else { Interest::OfAccounts(&target.accounts) }
}

/// Whether one of these ids and IBANs is or was this account's.
pub fn is_about(names: &[String], account: &Account) -> bool {
    names.iter().any(|name| is_called(account, name) || was_called(account, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Target, parse};

    fn target(more: &str) -> Notify {
        let text = format!(
            "[[account]]\nmatch = \"DE89370400440532013000\"\nnickname = \"giro\"\n\
             [[notify]]\nname = \"x\"\ntype = \"exec\"\ncommand = [\"/x\"]\n{more}\n"
        );
        let mut config = parse(&text, "x", &crate::config::Defaults::default()).unwrap().config;
        config.notify.remove(0)
    }

    fn of(target: &Notify, code: EventCode) -> Interest<'_> {
        interest(target, &Notice::new(code, "x"))
    }

    #[test]
    fn levels_and_codes() {
        let plain = target("");
        assert!(matches!(plain.target, Target::Exec { .. }));
        assert_eq!(of(&plain, EventCode::AccessExpiring), Interest::Any);
        assert_eq!(of(&plain, EventCode::AccessExpired), Interest::Any);
        assert_eq!(of(&plain, EventCode::AccessRenewed), Interest::None);
        let notices = target("level = \"notice\"");
        assert_eq!(of(&notices, EventCode::AccessRenewed), Interest::Any);
        assert_eq!(of(&notices, EventCode::SyncCompleted), Interest::None);
        let coded = target("codes = [\"sync_completed\"]");
        assert_eq!(of(&coded, EventCode::SyncCompleted), Interest::Any);
        assert_eq!(of(&coded, EventCode::AccessExpired), Interest::None);
    }

    #[test]
    fn nobody_is_told_of_his_own_failure() {
        let failed = |name: &str| Notice::new(EventCode::NotifyFailed, "x").detail(TARGET, name);
        assert_eq!(interest(&target(""), &failed("x")), Interest::None);
        assert_eq!(interest(&target(""), &failed("y")), Interest::Any);
    }

    #[test]
    fn accounts_by_nickname_iban_and_id() {
        let text = r#"{"id":"acc_01kbxyz0000000000000000000","provider_account_id":"h",
            "link_id":"lnk_01kbxyz0000000000000000000","institution_id":"B","discovered_at":0,
            "facts":{"iban":"DE89 3704 0044 0532 0130 00"},"former":["acc_01kbxyz0000000000000000009"]}"#;
        let account: Account = serde_json::from_str(text).unwrap();
        for name in [
            "giro",
            "DE89 3704 0044 0532 0130 00",
            "acc_01kbxyz0000000000000000000",
            "acc_01kbxyz0000000000000000009",
        ] {
            let target = target(&format!("accounts = [\"{name}\"]"));
            let Interest::OfAccounts(names) = of(&target, EventCode::AccountStale) else {
                panic!("{name}")
            };
            assert!(is_about(names, &account), "{name}");
        }
        let other = target("accounts = [\"acc_01kbxyz0000000000000000001\"]");
        assert!(!is_about(&other.accounts, &account));
    }
}
