//! Each condition and the command that cures it.

use super::*;
use serde_json::{Value, json};

const NOW: UtcInstant = UtcInstant::from_ms(1_773_144_000_000);

fn link(number: u32, changes: &Value) -> Link {
    let mut document = json!({
        "id": format!("lnk_{number:026}"),
        "institution_id": "BANK_DE",
        "status": "linked",
        "asked": {"history_days": 90, "access_days": 180, "scopes": ["balances"]},
        "terms": {"history_days": 90, "access_days": 180, "scopes": ["balances"]},
        "reference": "r",
        "account_selection": false,
        "step": "settled",
        "created_at": 0,
        "access_expires_at": NOW.plus_days(100).ms(),
        "access_days": 180,
        "next_at": 0,
    });
    merge(&mut document, changes);
    serde_json::from_value(document).unwrap()
}

fn account(number: u32, link: u32, changes: &Value) -> Account {
    let mut document = json!({
        "id": format!("acc_{number:026}"),
        "provider_account_id": "p",
        "link_id": format!("lnk_{link:026}"),
        "institution_id": "BANK_DE",
        "discovered_at": 0,
        "status": "ready",
        "last_synced_at": NOW.ms(),
    });
    merge(&mut document, changes);
    serde_json::from_value(document).unwrap()
}

fn merge(document: &mut Value, changes: &Value) {
    for (field, value) in changes.as_object().unwrap() {
        document[field] = value.clone();
    }
}

fn found(accounts: &[Account], links: &[Link], provider: &ProviderState) -> Vec<String> {
    let rules = [AccountRule {
        matches: format!("acc_{:026}", 99),
        nickname: None,
        enabled: false,
        ledger: None,
    }];
    let situation = Situation {
        accounts,
        links,
        provider,
        rules: &rules,
        warn_days: &[14, 7, 3, 1],
        error_hard_limit: 8,
        freshness_s: 26 * 3600,
    };
    let needs = needs(&situation, NOW);
    needs.iter().map(|need| format!("{} {}: {}", need.code, need.subject, need.command)).collect()
}

fn of(accounts: &[Account], links: &[Link]) -> Vec<String> {
    found(accounts, links, &ProviderState::default())
}

const LINK: &str = "lnk_00000000000000000000000001";
const ACCOUNT: &str = "acc_00000000000000000000000001";

#[test]
fn all_is_well() {
    let fine = json!({});
    assert!(of(&[], &[]).is_empty());
    assert!(of(&[account(1, 1, &fine)], &[link(1, &fine)]).is_empty());
}

#[test]
fn access_is_confirmed_by_its_own_command_as_long_as_that_is_possible() {
    let fine = json!({});
    let due = |days: i64| {
        let due_at = NOW.plus_days(days).ms();
        link(1, &json!({"confirming": {"due_at": due_at, "next_at": 0}}))
    };
    let accounts = [account(1, 1, &fine)];
    let confirm = [format!("reconfirmation_due {LINK}: banksyncd reconfirm {LINK}")];
    for (days, needed) in [(15, false), (14, true), (0, true), (-13, true), (-14, false)] {
        let found = of(&accounts, &[due(days)]);
        assert_eq!(found, if needed { &confirm[..] } else { &[] }, "{days}");
    }
    // That it gives no data meanwhile is part of it; whoever renews need not confirm.
    let stale = [account(1, 1, &json!({"last_synced_at": NOW.plus_days(-5).ms()}))];
    assert_eq!(of(&stale, &[due(-5)]), confirm);
    let successor = json!({"status": "created", "replaces": LINK, "access_expires_at": null});
    assert!(of(&accounts, &[due(5), link(2, &successor)]).is_empty());
    assert!(of(&[account(1, 2, &fine)], &[due(5)]).is_empty(), "nothing depends on it");
}

#[test]
fn access_that_ends_or_has_ended_is_renewed_once_per_link() {
    let fine = json!({});
    let accounts = [account(1, 1, &json!({"status": "expired"})), account(2, 1, &fine)];
    let renew = |code: &str| vec![format!("{code} {LINK}: banksyncd renew {LINK}")];
    for (change, code) in [
        (json!({"status": "expired"}), "access_expired"),
        (json!({"access_expires_at": NOW.ms()}), "access_expired"),
        (json!({"status": "revoked"}), "access_revoked"),
        (json!({"status": "suspended"}), "account_suspended"),
    ] {
        assert_eq!(of(&accounts, &[link(1, &change)]), renew(code), "{change}");
    }
    let ending = link(1, &json!({"access_expires_at": NOW.plus_days(14).ms()}));
    let accounts = [account(1, 1, &fine)];
    assert_eq!(of(&accounts, std::slice::from_ref(&ending)), renew("access_expiring"));
    let later = link(1, &json!({"access_expires_at": NOW.plus_days(14).plus_ms(1).ms()}));
    assert!(of(&accounts, &[later]).is_empty());
    // A warning as long as the access itself does not apply.
    let short = link(1, &json!({"access_expires_at": NOW.plus_days(8).ms(), "access_days": 14}));
    assert!(of(&accounts, &[short]).is_empty());
    // Nothing depends on it any more, or only what is switched off.
    assert!(of(&[account(1, 2, &fine)], std::slice::from_ref(&ending)).is_empty());
    assert!(of(&[account(99, 1, &fine)], &[ending]).is_empty());
}

#[test]
fn a_pending_successor_is_finished_instead_of_made_again() {
    let old = link(1, &json!({"status": "expired"}));
    let successor = json!({"status": "created", "replaces": LINK, "url": "https://bank.example/c", "access_expires_at": null});
    assert_eq!(
        of(&[account(1, 1, &json!({"status": "expired"}))], &[old, link(2, &successor)]),
        ["link_created lnk_00000000000000000000000002: https://bank.example/c"]
    );
}

#[test]
fn what_was_unlinked_needs_nobody() {
    let expired = json!({"status": "expired", "last_synced_at": null});
    assert!(of(&[account(1, 1, &expired)], &[link(1, &json!({"status": "abandoned"}))]).is_empty());
}

#[test]
fn accounts_in_trouble() {
    let links = [link(1, &json!({}))];
    for (change, command) in [
        (
            json!({"status": "suspended"}),
            format!("account_suspended {ACCOUNT}: banksyncd renew {LINK}"),
        ),
        (
            json!({"status": "paused", "consecutive_failures": 3}),
            format!("account_paused {ACCOUNT}: banksyncd sync {ACCOUNT} --force --wait"),
        ),
        (
            json!({"status": "paused", "consecutive_failures": 8}),
            format!("account_paused {ACCOUNT}: banksyncd renew {LINK}"),
        ),
        (
            json!({"status": "inactive"}),
            format!("account_inactive {ACCOUNT}: systemctl reload banksyncd"),
        ),
        (
            json!({"last_synced_at": NOW.plus_hours(-27).ms()}),
            format!("account_stale {ACCOUNT}: banksyncd sync {ACCOUNT} --wait"),
        ),
    ] {
        assert_eq!(of(&[account(1, 1, &change)], &links), [command], "{change}");
    }
}

#[test]
fn faults_come_first_and_explain_staleness() {
    let stale = [account(1, 1, &json!({"last_synced_at": null}))];
    let links = [link(1, &json!({}))];
    for (fault, need) in [
        (
            ConfigurationFault::Credentials,
            "credentials_rejected service: systemctl restart banksyncd",
        ),
        (ConfigurationFault::IpNotAllowed, "ip_not_allowed service: systemctl restart banksyncd"),
        (ConfigurationFault::PlanLimit, "plan_limit_reached service: banksyncd links"),
    ] {
        let provider = ProviderState { fault: Some(fault), ..ProviderState::default() };
        assert_eq!(found(&stale, &links, &provider), [need]);
    }
    let outage = ProviderState { outage_since: Some(NOW), ..ProviderState::default() };
    assert!(found(&stale, &links, &outage).is_empty(), "nobody can do anything about an outage");
}

#[test]
fn who_is_not_told_is_told_here() {
    let standing = |name: &str, since_ms: Option<i64>| Standing {
        name: name.to_owned(),
        kind: "smtp",
        waiting: 1,
        oldest_at: None,
        failing_since: since_ms.map(|ms| NOW.plus_ms(-ms)),
        taken_at: None,
        given_up: 0,
        failed: None,
    };
    let all = [
        standing("well", None),
        standing("short", Some(HOUR_MS - 1)),
        standing("long", Some(HOUR_MS)),
    ];
    let found = untold(&all, NOW);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("`long`") && found[0].command == "banksyncd notify");
}
