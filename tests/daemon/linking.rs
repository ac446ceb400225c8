//! From nothing to data and back: links, renewals, ends of links, and whether what is listed is what the bank has.

use banksyncd::sandbox::{Limits, Phase, Quirk, SANDBOX, World, WorldConfig};
use rustix::process::Signal;
use serde_json::Value;

use crate::rig::{Rig, order, text, texts, wait_for, wait_until};

/// What is listed is what the bank shows, as a multiset, byte for byte.
#[track_caller]
pub(crate) fn assert_equals_truth(rig: &Rig) {
    for account in rig.accounts() {
        let (id, theirs) = (text(&account, "id"), text(&account, "provider_account_id"));
        let institution = text(&account, "institution_id");
        for (word, phase) in [("booked", Phase::Booked), ("pending", Phase::Pending)] {
            let mut truth = rig.bank.rows(&theirs, phase);
            if phase == Phase::Pending && World::quirks(&institution).contains(&Quirk::NoPendingKey)
            {
                truth.clear();
            }
            let listed = rig.raw_rows(&id, word);
            assert_eq!(listed.len(), truth.len(), "{word} rows of {institution}");
            assert!(listed == truth, "{word} rows of {institution}\n{listed:#?}\n{truth:#?}");
        }
    }
}

/// A bank and a daemon whose company limits are out of the way.
pub(crate) fn roomy() -> Rig {
    let limits = Limits { accounts_per_minute: 1_000, ..Limits::default() };
    Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\naccounts-per-minute = 1000\n")
}

#[test]
fn every_kind_of_bank_is_listed_as_it_is_first_third() {
    listed_as_they_are(0);
}

#[test]
fn every_kind_of_bank_is_listed_as_it_is_second_third() {
    listed_as_they_are(1);
}

#[test]
fn every_kind_of_bank_is_listed_as_it_is_last_third() {
    listed_as_they_are(2);
}

/// A third of the sandbox's institutions: each has oddities of its own.
fn listed_as_they_are(third: usize) {
    let mut rig = roomy();
    rig.start();
    let mut links = Vec::new();
    for (institution, _) in World::institutions().skip(third).step_by(3) {
        let link = rig.begin_link(institution);
        rig.authorise(&link);
        links.push(link);
    }
    for link in &links {
        rig.wait_for_first_pull(&text(link, "id"));
    }
    assert_equals_truth(&rig);
    // The same answers again change nothing; three days later the news come and nothing is doubled.
    rig.sync(&[]).expect(0).lines().iter().for_each(|result| {
        assert_eq!(
            (&result["rows_added"], &result["rows_changed"]),
            (&0.into(), &0.into()),
            "{result}"
        );
    });
    rig.bank.advance_s(3 * 86_400);
    rig.sync(&[]).expect(0);
    for account in rig.accounts() {
        let shown = rig.raw_rows(&text(&account, "id"), "booked");
        let truth = rig.bank.rows(&text(&account, "provider_account_id"), Phase::Booked);
        assert!(truth.iter().all(|row| shown.contains(row)), "{account}");
    }
    assert_eq!(rig.bank.minted(), 1);
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
}

#[test]
fn link_prints_its_object_at_once_and_again_at_the_end() {
    let mut rig = Rig::new();
    rig.start();
    let (mut verb, output) = rig.begin(&["link", SANDBOX, "--json"]);
    let first: Value = output.object();
    assert!(text(&first, "url").starts_with("http://127.0.0.1:"), "{first}");
    assert_eq!(first["status"], "created");
    rig.authorise(&first);
    let last = output.next().unwrap();
    assert_eq!(verb.wait("link to end").code(), Some(0));
    let object: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&object["id"], &object["status"]), (&first["id"], &"linked".into()));
    assert_eq!(object["url"], Value::Null, "a used URL is not shown");
    let fields = [
        "id",
        "provider",
        "institution_id",
        "requisition_id",
        "agreement_id",
        "purpose",
        "status",
        "url",
        "created_at",
        "accepted_at",
        "access_expires_at",
        "replaced_by",
        "accounts",
    ];
    assert_eq!(order(&last)[..fields.len()], fields);
    assert!(output.next().is_none(), "two objects and nothing else");
    rig.wait_for_first_pull(&text(&object, "id"));

    // Every listing has the members it promises.
    let of = |words: &[&str]| order(rig.verb(words).expect(0).out.lines().next().unwrap());
    let starts = |words: &[&str], fields: &str| {
        let wanted: Vec<&str> = fields.split(' ').collect();
        let found = of(words);
        assert!(
            wanted.iter().all(|field| found.iter().any(|own| own == field)),
            "{words:?} {found:?}"
        );
    };
    starts(
        &["accounts", "--json"],
        "id provider provider_account_id link_id institution_id iban bban currency name product owner_name nickname enabled status last_synced_at access_expires_at consecutive_failures next_pull_at",
    );
    starts(
        &["balances", "--json"],
        "account_id balance_type amount currency reference_date fetched_at",
    );
    starts(
        &["transactions", "--raw", "--json"],
        "id account_id booking_status state booking_date value_date booking_date_time value_date_time amount currency creditor_name creditor_account debtor_name debtor_account remittance_information end_to_end_id mandate_id bank_transaction_code proprietary_bank_transaction_code merchant_category_code currency_exchange transaction_id internal_transaction_id entry_reference flags first_seen_at last_seen_at revision raw",
    );
    starts(&["events", "--json"], "id at code level message message_id account_id link_id details");
    starts(&["quota", "--json"], "account_id scope limit used remaining next_allowed_at");
    starts(
        &["sync", "--wait", "--json"],
        "account_id outcome reason next_allowed_at rows_added rows_changed",
    );
    starts(&["status", "--json"], "version pid started_at next_pull_at accounts links needs");
    starts(&["verify", "--json"], "ok checks");

    // Effective date, then when it was first seen, then the id.
    let rows = rig.list(&["transactions"]);
    let key =
        |row: &Value| (text(row, "booking_date"), text(row, "first_seen_at"), text(row, "id"));
    assert!(rows.len() > 20 && rows.windows(2).all(|pair| key(&pair[0]) <= key(&pair[1])));
    let (from, to) = (text(&rows[3], "booking_date"), text(&rows[9], "booking_date"));
    let some = rig.list(&["transactions", "--from", &from, "--to", &to]);
    assert!(some.iter().all(|row| (&from..=&to).contains(&&text(row, "booking_date"))));
    assert!(some.len() >= 7 && some.len() < rows.len());
    // Accounts are found by id, prefix and IBAN.
    let account = rig.accounts().remove(0);
    let id = text(&account, "id");
    for name in [&id[..], &id[..id.len() - 1], &text(&account, "iban")] {
        assert!(!rig.list(&["balances", name]).is_empty(), "{name}");
    }
    rig.verb(&["balances", "acc_nobody"]).expect(64);
    assert_eq!(
        texts(&rig.list(&["balances"]), "amount")
            .iter()
            .filter(|amount| amount.contains('.'))
            .count(),
        4
    );
}

#[test]
fn a_person_who_cancels_ends_the_link() {
    let mut rig = Rig::new();
    rig.start();
    let (mut verb, output) = rig.begin(&["link", SANDBOX, "--json"]);
    let link: Value = output.object();
    let requisition = text(&link, "requisition_id");
    rig.bank.with(|world, now| world.person_cancels(&requisition, now)).unwrap();
    assert_eq!(verb.wait("link to end").code(), Some(1));
    let last: Value = output.object();
    assert_eq!(last["status"], "rejected");
    let events = rig.wait_for_events("link_failed", 1);
    assert_eq!((&events[0]["level"], &events[0]["link_id"]), (&"warning".into(), &link["id"]));
    assert!(rig.accounts().is_empty());
    assert_eq!(rig.bank.data_calls(), 0);
}

#[test]
fn an_unknown_institution_is_refused_before_anything_is_made() {
    let mut rig = Rig::new();
    rig.start();
    let said = rig.verb(&["link", "NO_SUCH_BANK"]).expect(64);
    assert!(said.err.contains("hint:") && said.out.is_empty(), "{said:?}");
    assert!(rig.peek("/v1/links").is_empty());
    let posts = rig.bank.calls(|call| call.method == "POST" && !call.path.contains("/token/"));
    assert!(posts.is_empty(), "{posts:?}");
    let found = rig.list(&["institutions", "nordlicht", "--country", "de"]);
    assert_eq!(texts(&found, "id"), ["NORDLICHT_NOLIDEM1"]);
}

#[test]
fn ctrl_c_and_a_restart_leave_a_link_pending() {
    let mut rig = Rig::new();
    rig.start();
    let (mut verb, output) = rig.begin(&["link", SANDBOX, "--json"]);
    let link: Value = output.object();
    // The verb listens to Ctrl-C from its start on.
    verb.signal(Signal::INT);
    verb.wait("link to end");
    let id = text(&link, "id");
    assert_eq!(rig.link(&id)["status"], "created");
    assert_eq!(rig.link(&id)["url"], link["url"]);
    rig.restart();
    assert_eq!(rig.link(&id)["url"], link["url"], "the page can still be opened");
    rig.bank.with(|world, now| world.person_opens(&text(&link, "requisition_id"), now)).unwrap();
    wait_until("the link to be seen at the bank", || rig.link(&id)["status"] == "authenticating");
    rig.kill();
    rig.authorise(&link);
    rig.start();
    rig.wait_for_first_pull(&id);
    assert_equals_truth(&rig);
    let made =
        rig.bank.calls(|call| call.method == "POST" && call.path.ends_with("/requisitions/"));
    assert_eq!(made.len(), 1);
    assert_eq!(rig.bank.minted(), 1);
}

#[test]
fn renewing_keeps_accounts_and_history() {
    let mut rig = Rig::new();
    rig.start();
    let old = rig.linked("NORDLICHT_NOLIDEM1");
    let id = text(&old, "id");
    let before = rig.accounts();
    let rows = rig.list(&["transactions"]);
    let new = rig.verb(&["renew", &id, "--no-wait", "--json"]).expect(0).line();
    assert_eq!(new["status"], "created");
    // Until the person agrees, the old link works on.
    assert_eq!(rig.link(&id)["status"], "linked");
    rig.sync(&[]).expect(0);
    let again = rig.verb(&["renew", &id, "--no-wait", "--json"]).expect(0).line();
    assert_eq!(again["id"], new["id"], "one successor, not two");
    assert!(rig.bank.calls(|call| call.method == "DELETE").is_empty());
    rig.authorise(&new);
    wait_until("the old link to be replaced", || rig.link(&id)["status"] == "replaced");
    assert_eq!(rig.link(&id)["replaced_by"], new["id"]);
    wait_until("the old requisition to be removed", || {
        !rig.bank.calls(|call| call.method == "DELETE" && call.status == 200).is_empty()
    });
    let deleted = rig.bank.calls(|call| call.method == "DELETE").remove(0);
    assert!(deleted.path.contains(&text(&old, "requisition_id")), "{deleted:?}");
    let accounts = rig.accounts();
    assert_eq!(texts(&accounts, "id"), texts(&before, "id"), "accounts keep their ids");
    assert!(accounts.iter().all(|account| account["link_id"] == new["id"]), "{accounts:?}");
    // The new handles were read completely before the old link went.
    for account in &accounts {
        let theirs = text(account, "provider_account_id");
        let read = rig.bank.calls(|call| {
            call.account.as_deref() == Some(&theirs)
                && call.path.ends_with("/transactions/")
                && call.status == 200
        });
        assert!(read.iter().any(|call| call.at <= deleted.at), "{account}");
    }
    assert_eq!(rig.list(&["transactions"]).len(), rows.len(), "nothing doubled, nothing lost");
    assert_equals_truth(&rig);
    rig.wait_for_events("link_replaced", 1);
    rig.wait_for_events("access_renewed", 1);
    assert_eq!(rig.verb(&["status"]).code, 0);
}

#[test]
fn unlinking_asks_first_and_keeps_the_data() {
    let mut rig = Rig::new();
    rig.start();
    let link = rig.linked(SANDBOX);
    let id = text(&link, "id");
    let said = rig.verb(&["unlink", &id]).expect(64);
    assert!(said.err.contains("--yes"), "{said:?}");
    assert_eq!(rig.link(&id)["status"], "linked");
    let rows = rig.list(&["transactions"]).len();
    let ended = rig.verb(&["unlink", &id, "--yes", "--json"]).expect(0).line();
    assert_eq!(ended["status"], "abandoned");
    wait_until("the requisition to be removed", || {
        !rig.bank.calls(|call| call.method == "DELETE" && call.status == 200).is_empty()
    });
    let calls = rig.bank.data_calls();
    let results = rig.sync(&[]).expect(1).lines();
    assert!(results.iter().all(|result| result["outcome"] == "skipped"), "{results:?}");
    assert_eq!(rig.bank.data_calls(), calls);
    assert_eq!(rig.list(&["transactions"]).len(), rows);
}

#[test]
fn a_link_is_asked_for_again_when_its_answer_was_lost() {
    let mut rig = Rig::new();
    rig.start();
    let matching = banksyncd::sandbox::FaultMatch {
        path_prefix: Some("/api/v2/requisitions/".into()),
        method: Some("POST".into()),
        ..Default::default()
    };
    let lost = banksyncd::sandbox::FaultKind::Reset { processed: true };
    rig.bank.inject(banksyncd::sandbox::Fault::times(lost, 1).matching(matching));
    let link = rig.begin_link(SANDBOX);
    let made =
        rig.bank.calls(|call| call.method == "POST" && call.path.ends_with("/requisitions/"));
    assert_eq!(made.len(), 1, "it was found, not made twice");
    rig.authorise(&link);
    wait_for("the link", || (rig.link(&text(&link, "id"))["status"] == "linked").then_some(()));
}
