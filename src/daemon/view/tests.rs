//! Objects, letter by letter: their fields are an interface.

use super::*;
use crate::model::money::{Amount, Currency};
use crate::planner::effect::RowsChanged;
use crate::planner::policy::{is_enabled, rule_for};

fn text(object: &impl Serialize) -> String {
    serde_json::to_string(object).unwrap()
}

fn an_account() -> Account {
    serde_json::from_value(serde_json::json!({
        "id": "acc_00000000000000000000000001",
        "provider_account_id": "p1",
        "link_id": "lnk_00000000000000000000000001",
        "institution_id": "BANK_DE",
        "facts": {"iban": "DE89 3704 0044 0532 0130 00", "currency": "EUR"},
        "discovered_at": 0,
        "status": "ready",
        "last_synced_at": 1_773_144_000_000_i64,
    }))
    .unwrap()
}

#[test]
fn account_object() {
    let rules = [AccountRule {
        matches: "de89370400440532013000".to_owned(),
        nickname: Some("giro".to_owned()),
        enabled: false,
        ledger: None,
    }];
    let document = an_account();
    let shown = {
        let standing = Standing {
            rule: rule_for(&document, &rules),
            enabled: is_enabled(&document, &rules),
            next_pull_at: Some(UtcInstant::NEVER),
        };
        account(&document, None, &standing)
    };
    assert_eq!(
        text(&shown),
        concat!(
            r#"{"id":"acc_00000000000000000000000001","provider":"gocardless","provider_account_id":"p1","#,
            r#""link_id":"lnk_00000000000000000000000001","institution_id":"BANK_DE","#,
            r#""iban":"DE89 3704 0044 0532 0130 00","bban":null,"currency":"EUR","name":null,"product":null,"#,
            r#""owner_name":null,"nickname":"giro","enabled":false,"status":"ready","#,
            r#""last_synced_at":"2026-03-10T12:00:00Z","access_expires_at":null,"consecutive_failures":0,"#,
            r#""next_pull_at":null,"merged_from":[],"may_continue":[]}"#,
        )
    );
    assert!(rule_for(&document, &[]).is_none());
}

#[test]
fn link_object_hides_a_used_url() {
    let mut document: Link = serde_json::from_value(serde_json::json!({
        "id": "lnk_00000000000000000000000001",
        "institution_id": "BANK_DE",
        "status": "authenticating",
        "asked": {"history_days": 90, "access_days": 180, "scopes": ["balances"]},
        "terms": {"history_days": 90, "access_days": 180, "scopes": ["balances"]},
        "reference": "unguessable",
        "account_selection": false,
        "step": "poll",
        "created_at": 0,
        "url": "https://bank.example/c",
        "accounts": ["acc_00000000000000000000000001"],
        "next_at": 0,
    }))
    .unwrap();
    let shown = text(&link(&document, &[]));
    assert_eq!(
        shown,
        concat!(
            r#"{"id":"lnk_00000000000000000000000001","provider":"gocardless","institution_id":"BANK_DE","#,
            r#""requisition_id":null,"agreement_id":null,"purpose":"continuous","status":"authenticating","#,
            r#""url":"https://bank.example/c","created_at":"1970-01-01T00:00:00Z","accepted_at":null,"#,
            r#""access_expires_at":null,"replaced_by":null,"accounts":["acc_00000000000000000000000001"],"identifying":0,"#,
            r#""history_days":90,"access_days":180,"replaces":null,"history_link":null,"history_of":null,"failure":null,"reconfirmation":null}"#,
        )
    );
    assert!(!shown.contains("unguessable"));
    document.status = LinkStatus::Linked;
    assert!(text(&link(&document, &[])).contains(r#""url":null"#));
}

fn row(columns: &Columns<'_>, raw: Option<&str>) -> String {
    let mut buffer = Vec::new();
    let row = Listed {
        id: TransactionId::from_bits(1),
        account_id: AccountId::from_bits(1),
        booking_status: BookingStatus::Booked,
        state: RowState::Current,
        first_seen_at: UtcInstant::EPOCH,
        last_seen_at: UtcInstant::from_ms(1_500),
        revision: 1,
        columns,
    };
    transaction_line(&mut buffer, &row, &Shown::default(), raw).unwrap();
    String::from_utf8(buffer).unwrap()
}

#[test]
fn transaction_object_has_every_field() {
    let columns = Columns {
        booking_date: BankDate::parse("2026-03-10"),
        amount: Amount::parse("-10.5000"),
        currency: Some("EUR".into()),
        currency_exchange: Some(
            RawValue::from_string(r#"{"exchangeRate":1.10}"#.to_owned()).unwrap(),
        ),
        ..Columns::default()
    };
    assert_eq!(
        row(&columns, None),
        concat!(
            r#"{"id":"txn_00000000000000000000000001","account_id":"acc_00000000000000000000000001","#,
            r#""booking_status":"booked","state":"current","booking_date":"2026-03-10","value_date":null,"#,
            r#""booking_date_time":null,"value_date_time":null,"amount":"-10.5000","currency":"EUR","#,
            r#""creditor_name":null,"creditor_account":null,"debtor_name":null,"debtor_account":null,"#,
            r#""remittance_information":null,"end_to_end_id":null,"mandate_id":null,"#,
            r#""bank_transaction_code":null,"proprietary_bank_transaction_code":null,"#,
            r#""merchant_category_code":null,"currency_exchange":{"exchangeRate":1.10},"#,
            r#""transaction_id":null,"internal_transaction_id":null,"entry_reference":null,"flags":[],"#,
            r#""display_amount":null,"display_currency":null,"display_date":null,"display_payee":null,"display_notes":null,"#,
            r#""first_seen_at":"1970-01-01T00:00:00Z","last_seen_at":"1970-01-01T00:00:01.500Z","revision":1}"#,
            "\n",
        )
    );
}

#[test]
fn raw_rows_keep_their_lexemes_on_one_line() {
    let columns = Columns::default();
    let line = row(&columns, Some("{\"a\": 1.50,\r\n \"b\": 1e400, \"c\": \"x\\ny\"}"));
    assert!(line.ends_with("\"raw\":{\"a\":1.50,\"b\":1e400,\"c\":\"x\\ny\"}}\n"), "{line}");
    assert_eq!(line.matches('\n').count(), 1);
    for (raw, shown) in [("\"abc\"", "\"abc\""), ("null", "null"), ("{broken", "null")] {
        assert!(row(&columns, Some(raw)).ends_with(&format!("\"raw\":{shown}}}\n")), "{raw}");
    }
}

#[test]
fn small_objects() {
    let account_id = AccountId::from_bits(1);
    let money =
        Money { amount: Amount::parse("-1.0").unwrap(), currency: Currency("EUR".to_owned()) };
    assert_eq!(
        text(&balance(account_id, "expected", Some(&money), None, UtcInstant::EPOCH, true)),
        r#"{"account_id":"acc_00000000000000000000000001","balance_type":"expected","amount":"-1.0","currency":"EUR","reference_date":null,"fetched_at":"1970-01-01T00:00:00Z","display_balance":"-1.0"}"#
    );
    assert_eq!(
        text(&quota(account_id, Scope::Balances, 4, 5, None)),
        r#"{"account_id":"acc_00000000000000000000000001","scope":"balances","limit":4,"used":5,"remaining":0,"next_allowed_at":null}"#
    );
    let rows =
        RowsChanged { added: 2, changed: 1, revived: 1, missing: 1, ..RowsChanged::default() };
    let result =
        PullResult { account_id, outcome: None, reason: None, next_allowed_at: None, rows };
    assert_eq!(
        text(&sync_result(&result)),
        r#"{"account_id":"acc_00000000000000000000000001","outcome":"skipped","reason":null,"next_allowed_at":null,"rows_added":2,"rows_changed":3}"#
    );
    let event = EventView {
        id: 1,
        at: At(UtcInstant::EPOCH),
        code: "daemon_started",
        level: "info",
        message: "up",
        message_id: "00",
        account_id: None,
        link_id: None,
        details: serde_json::from_str("{}").unwrap(),
    };
    assert_eq!(
        text(&event),
        r#"{"id":1,"at":"1970-01-01T00:00:00Z","code":"daemon_started","level":"info","message":"up","message_id":"00","account_id":null,"link_id":null,"details":{}}"#
    );
    assert_eq!(
        text(&error(64, "no such account", None)),
        r#"{"error":{"exit":64,"message":"no such account","hint":null}}"#
    );
}
