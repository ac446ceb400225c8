//! The world as its visitors see it, without a network.

mod rows;
mod society;
mod years;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::model::time::BankDate;

/// A visitor with a token.
struct Visitor {
    world: World,
    now: UtcInstant,
    token: String,
}

impl Visitor {
    fn new(config: WorldConfig) -> Self {
        let start = BankDate::from_ymd(2026, 3, 2).unwrap().epoch_days();
        let now = super::super::text::instant(start, 9 * 3_600_000);
        let mut visitor = Self { world: World::new(config, now), now, token: String::new() };
        visitor.login();
        visitor
    }

    fn login(&mut self) {
        let body = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
        let answer = self.send("POST", "/api/v2/token/new/", Some(&body));
        assert_eq!(answer.status, 200);
        self.token = answer.parsed().unwrap()["access"].as_str().unwrap().to_owned();
    }

    fn send(&mut self, method: &str, target: &str, body: Option<&Value>) -> HttpResponse {
        let mut request = HttpRequest::new(method, target)
            .with_header("authorization", &format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.with_json(body);
        }
        self.world.handle(self.now, &request)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let answer = self.send("GET", &format!("/api/v2/{path}"), None);
        (answer.status, answer.parsed().unwrap_or(Value::Null))
    }

    fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.send("POST", &format!("/api/v2/{path}"), Some(body));
        (answer.status, answer.parsed().unwrap_or(Value::Null))
    }

    /// Agreement and requisition; the ids of both.
    fn begin(&mut self, terms: &Value) -> (String, String) {
        let (status, agreement) = self.post("agreements/enduser/", terms);
        assert_eq!(status, 201, "{agreement}");
        let agreement = agreement["id"].as_str().unwrap().to_owned();
        let reference = format!("r-{agreement}");
        let body = json!({"institution_id": terms["institution_id"], "agreement": agreement,
            "redirect": "https://host.example/back", "reference": reference});
        let (status, requisition) = self.post("requisitions/", &body);
        assert_eq!((status, &requisition["status"]), (201, &json!("CR")), "{requisition}");
        (agreement, requisition["id"].as_str().unwrap().to_owned())
    }

    /// A link that is through; its requisition and its accounts.
    fn link(&mut self, terms: &Value) -> (String, Vec<String>) {
        let (_, requisition) = self.begin(terms);
        self.world.person_authorises(&requisition, self.now).unwrap();
        let (_, body) = self.get(&format!("requisitions/{requisition}/"));
        assert_eq!(body["status"], "LN");
        let ids = body["accounts"].as_array().unwrap();
        (requisition, ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect())
    }
}

fn plain(institution: &str) -> Value {
    json!({"institution_id": institution})
}

#[test]
fn a_link_walks_through_its_states() {
    let mut visitor = Visitor::new(WorldConfig { consent_step_s: 10, ..WorldConfig::default() });
    let (agreement, requisition) = visitor.begin(&plain("NORDLICHT_NOLIDEM1"));
    let mut seen = vec!["CR".to_owned()];
    visitor.world.person_opens(&requisition, visitor.now).unwrap();
    for step in 0..6 {
        if step == 1 {
            visitor.world.person_authorises(&requisition, visitor.now).unwrap();
        }
        let (_, body) = visitor.get(&format!("requisitions/{requisition}/"));
        let status = body["status"].as_str().unwrap().to_owned();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        visitor.now = visitor.now.plus_s(10);
    }
    assert_eq!(seen, ["CR", "GC", "UA", "GA", "LN"]);
    let (_, body) = visitor.get(&format!("agreements/enduser/{agreement}/"));
    assert!(body["accepted"].is_string());
    assert_eq!(visitor.world.person_opens(&requisition, visitor.now), Err(Refused::Used));
}

#[test]
fn cancelling_ends_the_link() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (agreement, requisition) = visitor.begin(&plain(SANDBOX));
    visitor.world.person_cancels(&requisition, visitor.now).unwrap();
    let (_, body) = visitor.get(&format!("requisitions/{requisition}/"));
    assert_eq!((&body["status"], &body["accounts"]), (&json!("RJ"), &json!([])));
    let (status, body) = {
        let answer =
            visitor.send("DELETE", &format!("/api/v2/agreements/enduser/{agreement}/"), None);
        (answer.status, answer.parsed().unwrap())
    };
    assert_eq!(
        (status, body["summary"].as_str().unwrap()),
        (400, "End user agreement needs to be accepted.")
    );
}

#[test]
fn a_plain_sandbox_links_by_itself() {
    let mut visitor =
        Visitor::new(WorldConfig { auto_authorise_after_s: Some(5), ..WorldConfig::default() });
    let (_, requisition) = visitor.begin(&plain(SANDBOX));
    visitor.now = visitor.now.plus_s(6);
    let (_, body) = visitor.get(&format!("requisitions/{requisition}/"));
    assert_eq!(body["status"], "LN");
    assert_eq!(body["accounts"].as_array().unwrap().len(), 2);
}

#[test]
fn the_daily_limit_counts_successes_of_one_scope() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (_, accounts) = visitor.link(&plain(SANDBOX));
    let path = format!("/api/v2/accounts/{}/balances/", accounts[0]);
    for left in [3, 2, 1, 0] {
        let answer = visitor.send("GET", &path, None);
        assert_eq!(answer.status, 200);
        let header = |name: &str| answer.header(name).unwrap().to_owned();
        assert_eq!(header("http_x_ratelimit_account_success_limit"), "4");
        assert_eq!(header("http_x_ratelimit_account_success_remaining"), left.to_string());
        assert_eq!(header("http_x_ratelimit_limit"), "100");
        visitor.now = visitor.now.plus_s(100);
    }
    let refused = visitor.send("GET", &path, None);
    assert_eq!(refused.status, 429);
    let detail = "The rate limit for this resource is 4/day. Please try again in 86000 seconds";
    assert_eq!(refused.parsed().unwrap()["detail"], detail);
    assert_eq!(refused.header("http_x_ratelimit_account_success_reset"), Some("86000"));
    assert_eq!(visitor.get(&format!("accounts/{}/transactions/", accounts[0])).0, 200);
    assert_eq!(visitor.get(&format!("accounts/{}/balances/", accounts[1])).0, 200);
    visitor.now = visitor.now.plus_hours(23);
    assert_eq!(visitor.send("GET", &path, None).status, 429);
    visitor.now = visitor.now.plus_hours(1);
    visitor.login();
    assert_eq!(visitor.send("GET", &path, None).status, 200);
    assert_eq!(visitor.world.log().successes(&accounts[0], Scope::Balances).len(), 5);
    assert_eq!(visitor.world.log().busiest_day(), 4);
}

#[test]
fn ten_counted_failures_in_a_row_suspend() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (requisition, accounts) = visitor.link(&plain(SANDBOX));
    let path = format!("accounts/{}/balances/", accounts[0]);
    let fail = |problem, times| Fault::times(FaultKind::Bank { problem }, times);
    visitor.world.inject(fail(BankProblem::UnknownRequest, 9));
    for _ in 0..9 {
        assert_eq!(visitor.get(&path).0, 500);
    }
    let status = |visitor: &mut Visitor| {
        visitor.get(&format!("accounts/{}/", accounts[0])).1["status"].clone()
    };
    assert_eq!(status(&mut visitor), "ERROR");
    assert_eq!(visitor.get(&path).0, 200);
    assert_eq!(status(&mut visitor), "READY", "a success resets the counter");
    visitor.world.inject(fail(BankProblem::ServiceUnavailable, 20));
    for _ in 0..20 {
        assert_eq!(visitor.get(&path).0, 503);
    }
    assert_eq!(status(&mut visitor), "READY", "503 does not count");
    visitor.world.inject(fail(BankProblem::UnknownRequest, 10));
    for _ in 0..10 {
        assert_eq!(visitor.get(&path).0, 500);
    }
    assert_eq!(status(&mut visitor), "SUSPENDED");
    let (code, body) = visitor.get(&path);
    assert_eq!((code, &body["summary"]), (409, &json!("Account suspended")));
    assert!(body.get("status_code").is_none());
    assert_eq!(visitor.world.log().suspensions().len(), 1);
    assert_eq!(visitor.world.log().suspensions()[0].cause, Cause::Failures);
    visitor.world.suspend(&accounts[1], visitor.now).unwrap();
    assert_eq!(visitor.world.log().suspensions()[1].cause, Cause::Elsewhere);
    assert_eq!(visitor.get(&format!("requisitions/{requisition}/")).1["status"], "SU");
}

#[test]
fn access_ends_and_is_revoked() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (requisition, accounts) =
        visitor.link(&json!({"institution_id": SANDBOX, "access_valid_for_days": 30}));
    let (second, others) = visitor.link(&plain(SANDBOX));
    visitor.now = visitor.now.plus_days(30);
    visitor.login();
    let (code, body) = visitor.get(&format!("accounts/{}/details/", accounts[0]));
    assert_eq!(code, 401);
    assert!(body["summary"].as_str().unwrap().ends_with("has expired"), "{body}");
    assert!(
        body["detail"].as_str().unwrap().contains("2026-04-01 09:00:00.000000+00:00"),
        "{body}"
    );
    assert_eq!(visitor.get(&format!("accounts/{}/", accounts[0])).1["status"], "EXPIRED");
    assert_eq!(visitor.get(&format!("requisitions/{requisition}/")).1["status"], "EX");

    assert_eq!(visitor.get(&format!("accounts/{}/details/", others[0])).0, 200);
    visitor.world.person_revokes(&second, visitor.now).unwrap();
    let (code, body) = visitor.get(&format!("accounts/{}/details/", others[0]));
    assert_eq!((code, &body["type"]), (401, &json!("AccessExpiredError")));

    let deleted = visitor.send("DELETE", &format!("/api/v2/requisitions/{second}/"), None);
    let gone = &visitor.world.log().deletions()[0].1;
    assert_eq!((&gone.id, gone.status), (&second, Status::LN));
    assert_eq!(deleted.status, 200);
    let (code, body) = visitor.get(&format!("accounts/{}/details/", others[0]));
    assert_eq!((code, &body["summary"]), (403, &json!("No valid End User Agreement")));
    assert_eq!(visitor.get(&format!("accounts/{}/", others[0])).0, 404);
}

#[test]
fn what_the_official_rules_refuse() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let cases = [
        (json!({}), "institution_id", json!(["This field is required."])),
        (json!({"institution_id": ""}), "institution_id", json!(["This field may not be blank."])),
        (json!({"institution_id": "X"}), "institution_id", json!("Unknown Institution ID X")),
        (
            json!({"institution_id": SANDBOX, "max_historical_days": 91}),
            "max_historical_days",
            json!("Incorrect max_historical_days"),
        ),
        (
            json!({"institution_id": SANDBOX, "access_valid_for_days": "x"}),
            "access_valid_for_days",
            json!(["A valid integer is required."]),
        ),
        (
            json!({"institution_id": "CASTELLANA_CSTLESMM", "max_historical_days": 730}),
            "max_historical_days",
            json!("Incorrect max_historical_days"),
        ),
        (
            json!({"institution_id": SANDBOX, "reconfirmation": true}),
            "reconfirmation",
            json!("Reconfirmation not supported"),
        ),
        (json!({"institution_id": SANDBOX, "extra": 1}), "summary", json!("Unknown fields")),
    ];
    for (body, field, expected) in cases {
        let (status, answer) = visitor.post("agreements/enduser/", &body);
        assert_eq!(status, 400, "{body}");
        let found = answer[field].get("summary").unwrap_or(&answer[field]);
        assert_eq!(*found, expected, "{body} -> {answer}");
    }
    let (status, body) = visitor.post(
        "agreements/enduser/",
        &json!({"institution_id": "WISLANA_WISAPLPW",
            "access_scope": ["balances", "transactions"]}),
    );
    assert_eq!(status, 400);
    assert_eq!(body["summary"], json!(["Institution access scope dependencies error"]));
    let (status, body) = visitor.post("requisitions/", &json!({"user_language": "EN"}));
    assert_eq!((status, &body["redirect"]), (400, &json!(["This field is required."])));
}

#[test]
fn what_else_the_official_rules_refuse() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (agreement, requisition) = visitor.begin(&plain(SANDBOX));
    let again = json!({"institution_id": SANDBOX, "agreement": agreement,
        "redirect": "https://x.example",
        "reference": format!("r-{agreement}"), "account_selection": true});
    let (status, body) = visitor.post("requisitions/", &again);
    assert_eq!(status, 400);
    assert_eq!(body["reference"]["summary"], "Client reference must be unique");
    assert_eq!(
        body["agreement"]["summary"],
        format!("Agreement {agreement} is already associated")
    );
    assert_eq!(body["account_selection"]["summary"], "Account selection not supported");

    for (path, status, summary) in [
        ("requisitions/abc/".to_owned(), 400, "Invalid ID"),
        ("accounts/abc/".to_owned(), 400, "Invalid Account ID"),
        ("requisitions/?status=LN".to_owned(), 400, "Unknown fields"),
        ("institutions/?nation=de".to_owned(), 400, "Unknown fields"),
        (format!("requisitions/{requisition}/?x=1"), 400, "Unknown fields"),
        ("institutions/NOBODY/".to_owned(), 404, "Not found."),
        (
            format!("accounts/{requisition}/balances/"),
            404,
            &*format!("Account ID {requisition} not found"),
        ),
    ] {
        let (found, body) = visitor.get(&path);
        assert_eq!((found, body["summary"].as_str().unwrap()), (status, summary), "{path}");
    }
    let (status, body) = visitor.get("institutions/?country=gba");
    assert_eq!((status, &body["country"]["detail"]), (400, &json!("GBA is not a valid choice.")));
    let (_, list) = visitor.get("institutions/?country=de&account_selection_supported=true");
    assert!(list.as_array().unwrap().len() >= 3);
    assert_eq!(visitor.send("PUT", "/api/v2/requisitions/", None).status, 405);
}

#[test]
fn dates_are_checked_and_filter() {
    let mut visitor = Visitor::new(WorldConfig {
        limits: Limits { daily: 99, ..Limits::default() },
        ..WorldConfig::default()
    });
    let (_, accounts) = visitor.link(&plain("NORDLICHT_NOLIDEM1"));
    let path = format!("accounts/{}/transactions/", accounts[0]);
    let (status, body) = visitor.get(&format!("{path}?date_from=2026-03-03"));
    assert_eq!((status, &body["date_from"]["summary"]), (400, &json!("Date can't be in future")));
    let (status, body) = visitor.get(&format!("{path}?date_from=2026-02-02&date_to=2026-02-01"));
    assert_eq!((status, &body["summary"]), (400, &json!("Incorrect date range")));
    assert_eq!(visitor.get(&format!("{path}?date_from=1.2.2026")).0, 400);
    let (_, all) = visitor.get(&path);
    let (_, some) = visitor.get(&format!("{path}?date_from=2026-02-10&date_to=2026-02-20"));
    let (all, some) = (
        all["transactions"]["booked"].as_array().unwrap(),
        some["transactions"]["booked"].as_array().unwrap(),
    );
    assert!(some.len() < all.len() && !some.is_empty());
    let inside = |row: &Value| {
        ["bookingDate", "valueDate"].iter().any(|field| {
            row[field].as_str().is_some_and(|date| ("2026-02-10"..="2026-02-20").contains(&date))
        })
    };
    assert_eq!(
        some.iter().collect::<Vec<_>>(),
        all.iter().filter(|row| inside(row)).collect::<Vec<_>>()
    );
    assert!(
        all.iter().all(|row| row["bookingDate"].as_str().unwrap() >= "2025-12-02"),
        "90 days agreed"
    );
}

#[test]
fn one_time_history_stands_still_and_long_history_takes_a_while() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let terms = json!({"institution_id": "BALTIJA_BLTJLT22", "max_historical_days": 365});
    let (_, requisition) = visitor.begin(&terms);
    visitor.world.person_authorises(&requisition, visitor.now).unwrap();
    assert_eq!(visitor.get(&format!("requisitions/{requisition}/")).1["status"], "GA");
    visitor.now = visitor.now.plus_s(60);
    let (_, body) = visitor.get(&format!("requisitions/{requisition}/"));
    assert_eq!(body["status"], "LN");
    assert_eq!(visitor.world.accounts(visitor.now).len(), 2);
    let id = body["accounts"][0].as_str().unwrap().to_owned();
    let (_, first) = visitor.get(&format!("accounts/{id}/transactions/"));
    visitor.now = visitor.now.plus_days(40);
    visitor.login();
    let (_, later) = visitor.get(&format!("accounts/{id}/transactions/"));
    assert_eq!(first, later);
}

#[test]
fn a_new_consent_ends_the_old_one_at_some_banks() {
    let mut visitor = Visitor::new(WorldConfig::default());
    for (institution, status) in [("BOUCLE_BOUCFRPP", 401), ("NORDLICHT_NOLIDEM1", 200)] {
        let (_, old) = visitor.link(&plain(institution));
        let (_, new) = visitor.link(&plain(institution));
        assert_ne!(old, new);
        assert_eq!(visitor.get(&format!("accounts/{}/balances/", old[0])).0, status);
        assert_eq!(visitor.get(&format!("accounts/{}/balances/", new[0])).0, 200);
    }
    let (_, old) = visitor.link(&plain("TIMISANA_TMSAROBU"));
    let (_, new) = visitor.link(&plain("TIMISANA_TMSAROBU"));
    assert_eq!(old, new, "a bank whose ids outlive the link");
}

#[test]
fn reconfirmation_keeps_access_alive() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let terms = json!({"institution_id": "ALBIONCARDS_ALBNGB21", "access_valid_for_days": 365,
        "reconfirmation": true});
    let (_, accounts) = visitor.link(&terms);
    let agreement = visitor.world.requisitions(visitor.now)[0].agreement.clone();
    visitor.now = visitor.now.plus_days(80);
    visitor.login();
    let path = format!("agreements/enduser/{agreement}/reconfirm/");
    assert_eq!(visitor.get(&path).0, 404);
    let (status, body) = visitor.post(&path, &json!({}));
    assert_eq!(status, 201, "{body}");
    assert_eq!(body["accounts"][&accounts[0]], json!({"reconfirmed": "", "rejected": ""}));
    let data = format!("accounts/{}/balances/", accounts[0]);
    visitor.now = visitor.now.plus_days(11);
    visitor.login();
    assert_eq!(visitor.get(&data).1["type"], "AccessExpiredError");
    visitor.world.person_reconfirms(&agreement, &[], visitor.now).unwrap();
    assert_eq!(visitor.get(&data).0, 200);
    visitor.now = visitor.now.plus_days(100);
    visitor.login();
    assert_eq!(visitor.get(&data).0, 401, "due again after another 90 days");
    visitor.now = visitor.now.plus_days(14);
    visitor.login();
    let (status, body) = visitor.post(&path, &json!({}));
    assert_eq!(
        (status, &body["summary"]),
        (400, &json!("Reconfirmation requested after acceptance period."))
    );
}

#[test]
fn access_that_ends_before_the_next_confirmation_is_not_confirmed() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let terms = json!({"institution_id": "ALBIONCARDS_ALBNGB21", "access_valid_for_days": 180,
        "reconfirmation": true});
    let (_, accounts) = visitor.link(&terms);
    let agreement = visitor.world.requisitions(visitor.now)[0].agreement.clone();
    let path = format!("agreements/enduser/{agreement}/reconfirm/");
    visitor.now = visitor.now.plus_days(80);
    visitor.login();
    assert_eq!(visitor.post(&path, &json!({})).0, 201);
    visitor.world.person_reconfirms(&agreement, &[], visitor.now).unwrap();
    visitor.now = visitor.now.plus_days(90);
    visitor.login();
    assert_eq!(visitor.get(&format!("accounts/{}/balances/", accounts[0])).0, 200);
    let (status, body) = visitor.post(&path, &json!({}));
    assert_eq!((status, &body["summary"]), (400, &json!("No accounts left to reconfirm.")));
    let days = &visitor.world.requisitions(visitor.now)[0].reconfirmed;
    assert!(days.len() == 1 && days[0].goes_on && days[0].answered_at.is_some(), "{days:?}");
}

/// Walks a whole year and gives every byte that came.
fn transcript(seed: u64) -> Vec<Vec<u8>> {
    let mut visitor = Visitor::new(WorldConfig { seed, ..WorldConfig::default() });
    let mut bytes = Vec::new();
    let ids: Vec<&str> = World::profiles().map(|(id, _)| id).collect();
    let mut accounts = Vec::new();
    for id in ids {
        let days = if id.starts_with("LUSITANO") { 89 } else { 90 };
        accounts
            .extend(visitor.link(&json!({"institution_id": id, "max_historical_days": days})).1);
    }
    *visitor.world.limits_mut() = Limits { accounts_per_minute: 9_999, ..Limits::default() };
    for _ in 0..4 {
        visitor.now = visitor.now.plus_days(7);
        visitor.login();
        for id in &accounts {
            for scope in Scope::ALL {
                let path = format!("/api/v2/accounts/{id}/{}/", scope.as_str());
                bytes.push(visitor.send("GET", &path, None).body);
            }
        }
    }
    bytes
}

#[test]
fn two_worlds_of_one_seed_are_the_same_byte_by_byte() {
    assert_eq!(transcript(5), transcript(5));
    assert_ne!(transcript(5), transcript(6));
}

#[test]
fn what_was_shown_is_the_truth_and_remembered() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let (_, accounts) = visitor.link(&plain(SANDBOX));
    let (_, body) = visitor.get(&format!("accounts/{}/transactions/", accounts[0]));
    let truth = visitor.world.truth(&accounts[0], visitor.now).unwrap();
    let rows = |phase: Phase| {
        truth
            .iter()
            .filter(|row| row.phase == phase)
            .map(|row| serde_json::from_str::<Value>(&row.raw).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(body["transactions"]["booked"], json!(rows(Phase::Booked)));
    assert_eq!(body["transactions"]["pending"], json!(rows(Phase::Pending)));
    let shown: BTreeSet<_> =
        visitor.world.log().shown(&accounts[0]).map(|(key, phase, _)| (key, phase)).collect();
    assert_eq!(shown, truth.iter().map(|row| (row.key, row.phase)).collect());
    // An answer that was lost on the way showed nothing, but was counted.
    let before = visitor.world.log().rows_shown();
    visitor.world.inject(Fault::times(FaultKind::Reset { processed: true }, 1));
    let lost =
        visitor.send("GET", &format!("/api/v2/accounts/{}/transactions/", accounts[0]), None);
    assert_eq!(lost.delivery, Delivery::Reset);
    assert_eq!(visitor.world.log().rows_shown(), before);
    assert_eq!(visitor.world.log().successes(&accounts[0], Scope::Transactions).len(), 2);
    assert!(!visitor.world.log().calls().next_back().unwrap().delivered);
}

#[test]
fn tokens_end_and_secrets_are_checked() {
    let mut visitor = Visitor::new(WorldConfig::default());
    assert_eq!(visitor.get("institutions/").0, 200);
    visitor.now = visitor.now.plus_s(86_400);
    assert_eq!(visitor.get("institutions/").1["summary"], "Invalid token");
    let body = json!({"secret_id": SECRET_ID, "secret_key": "wrong"});
    assert_eq!(visitor.post("token/new/", &body).0, 401);
    let (status, body) = visitor.post("token/new/", &json!({"secret_id": "", "secret_key": ""}));
    assert_eq!((status, &body["secret_id"]), (400, &json!(["This field may not be blank."])));
    visitor.login();
    visitor.world.set_address_allowed(false);
    assert_eq!(visitor.get("institutions/").1["summary"], "IP address access denied");
    visitor.world.set_address_allowed(true);
    visitor.world.revoke_tokens(true);
    assert_eq!(visitor.get("institutions/").0, 401);
    let body = json!({"secret_id": SECRET_ID, "secret_key": SECRET_KEY});
    for _ in 0..200 {
        visitor.post("token/new/", &body);
    }
    let (status, body) = visitor.post("token/new/", &body);
    assert_eq!(status, 429);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .starts_with("The rate limit for this resource is 100/hour.")
    );
}

#[test]
fn an_absurd_value_date_is_in_every_open_window() {
    let mut visitor = Visitor::new(WorldConfig::default());
    let terms = json!({"institution_id": "LUSITANO_LUSIPTPL", "max_historical_days": 89});
    let (_, accounts) = visitor.link(&terms);
    let path = format!("accounts/{}/transactions/?date_from=2026-03-01", accounts[0]);
    let (_, body) = visitor.get(&path);
    let absurd = |row: &&Value| row["valueDate"] == "5207-01-01";
    let rows = body["transactions"]["booked"].as_array().unwrap();
    assert_eq!(rows.iter().filter(absurd).count(), 3, "one a month");
}

#[test]
fn internal_ids_change_at_incidents_only() {
    let mut visitor = Visitor::new(WorldConfig { past_days: 60, ..WorldConfig::default() });
    let (_, accounts) =
        visitor.link(&json!({"institution_id": "TIMISANA_TMSAROBU", "access_valid_for_days": 180}));
    let mut ids = |days: i64| -> BTreeSet<String> {
        let at = visitor.now.plus_days(days);
        let rows = visitor.world.truth(&accounts[0], at).unwrap();
        let old = rows.iter().filter(|row| row.phase == Phase::Booked);
        old.map(|row| {
            serde_json::from_str::<Value>(&row.raw).unwrap()["internalTransactionId"].to_string()
        })
        .collect()
    };
    let (first, before, after) = (ids(0), ids(99), ids(100));
    assert!(first.is_subset(&before) && !first.is_empty());
    assert!(after.is_disjoint(&before));
}
