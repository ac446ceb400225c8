//! Answers that no provider should give: the daemon lives on, stores nothing wrong, and works once the nonsense is over.

use banksyncd::sandbox::{
    Fault, FaultKind, FaultMatch, HttpRequest, HttpResponse, Limits, SANDBOX, Scope, Shape,
    Spelling, WorldConfig,
};
use serde_json::Value;

use crate::front::Front;
use crate::linking::assert_equals_truth;
use crate::rig::{Rig, text, wait_until};

const SHAPES: [Shape; 9] = [
    Shape::Flat,
    Shape::FlatWithoutStatus,
    Shape::FlatLists,
    Shape::FieldObject,
    Shape::FieldObjects,
    Shape::FieldStrings,
    Shape::Mixed,
    Shape::AccountObject,
    Shape::NotJson,
];

fn status(status: u16, shape: Shape) -> FaultKind {
    FaultKind::Status { status, shape, summary: None, detail: None }
}

/// A linked account with calls to spare.
fn rig() -> Rig {
    let limits = Limits {
        daily: 500,
        accounts_per_minute: 10_000,
        creations_per_minute: 10_000,
        reads_per_minute: 10_000,
        ..Limits::default()
    };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\ncalls-per-day = 500\naccounts-per-minute = 10000\n[http]\nbody-limit = \"1MiB\"\nconnect-timeout = \"1s\"\ntotal-timeout = \"2s\"\n");
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig
}

/// What is listed, except when it was last seen.
fn listed(rig: &Rig) -> Vec<String> {
    let said = rig.verb(&["transactions", "--pending", "--raw", "--json"]).expect(0);
    let row = |line: &str| {
        let (head, tail) = line.split_once("\"last_seen_at\":").unwrap();
        format!("{head}{}", tail.split_once(',').unwrap().1)
    };
    said.out.lines().map(row).collect()
}

/// Nothing has changed that a person would see.
#[track_caller]
fn assert_unharmed(rig: &mut Rig, rows: &[String]) {
    assert!(rig.process().ended().is_none(), "{}", rig.log());
    assert!(!rig.log().contains("panicked"), "{}", rig.log());
    let now = listed(rig);
    let other: Vec<_> = now.iter().filter(|row| !rows.contains(row)).collect();
    assert!(now == rows, "rows changed: {} {} {other:#?}", now.len(), rows.len());
}

/// Faults over, the account works again.
#[track_caller]
fn heal(rig: &Rig) {
    rig.bank.with(|world, _| world.clear_faults());
    wait_until("the account to work again", || {
        let said = rig.sync(&["--force"]);
        assert!(said.code == 0 || said.code == 75 || said.code == 1, "{said:?}");
        said.code == 0
    });
}

#[test]
fn every_shape_of_error_on_every_data_endpoint() {
    let mut rig = rig();
    let rows = listed(&rig);
    let id = text(&rig.accounts()[0], "id");
    let mut scopes = [Scope::Balances, Scope::Transactions].into_iter().cycle();
    // Not 429: that is an instruction to wait, and is obeyed.
    for code in [400, 401, 403, 404, 409, 500, 503] {
        for shape in SHAPES {
            let matching = FaultMatch { scope: scopes.next(), ..FaultMatch::default() };
            rig.bank.inject(Fault::times(status(code, shape), 1).matching(matching));
            let said = rig.sync(&["--force"]);
            assert!([1, 75].contains(&said.code), "{code} {shape:?}: {said:?}");
            assert!(rig.account(&id)["consecutive_failures"].as_u64().unwrap() <= 1);
            heal(&rig);
        }
    }
    assert_unharmed(&mut rig, &rows);
    assert_equals_truth(&rig);
    assert_eq!(rig.account(&id)["status"], "ready");
}

#[test]
fn broken_answers_store_nothing() {
    let kinds = [
        FaultKind::Html { status: 200 },
        FaultKind::Html { status: 404 },
        FaultKind::Empty { status: 200 },
        FaultKind::Empty { status: 500 },
        FaultKind::Truncated { keep_permille: 500 },
        FaultKind::Truncated { keep_permille: 999 },
        FaultKind::Oversized { bytes: 3 * 1_048_576 },
        FaultKind::Reset { processed: true },
        FaultKind::Silent { processed: false },
        status(200, Shape::Flat),
        status(200, Shape::AccountObject),
        status(200, Shape::NotJson),
        status(204, Shape::Flat),
        status(302, Shape::Flat),
    ];
    let mut rig = rig();
    let rows = listed(&rig);
    for kind in kinds {
        for scope in [Scope::Balances, Scope::Transactions] {
            let matching = FaultMatch { scope: Some(scope), ..FaultMatch::default() };
            rig.bank.inject(Fault::times(kind.clone(), 1).matching(matching));
            let said = rig.sync(&["--force"]);
            assert!([1, 75].contains(&said.code), "{kind:?} {scope:?}: {said:?}");
            assert_unharmed(&mut rig, &rows);
            heal(&rig);
        }
    }
    assert_unharmed(&mut rig, &rows);
    assert_equals_truth(&rig);
}

#[test]
fn odd_headers_do_no_harm() {
    let mut rig = rig();
    let rows = listed(&rig);
    let wrong = |value: &str| FaultKind::WrongHeaders { value: value.to_owned() };
    let kinds = [
        FaultKind::MissingHeaders,
        FaultKind::HeaderSpelling { spelling: Spelling::Dashes },
        FaultKind::HeaderSpelling { spelling: Spelling::Short },
        FaultKind::HeaderSpelling { spelling: Spelling::Capitals },
        wrong("soon"),
        wrong(""),
        wrong("1e9"),
        wrong("99999999999999999999999999"),
        FaultKind::ContentType { value: "text/plain".into() },
        FaultKind::DateSkew { seconds: 90_000_000 },
        FaultKind::DateSkew { seconds: -90_000_000 },
        FaultKind::Slow { delay_ms: 300 },
    ];
    for kind in kinds {
        rig.bank.spoil_data(&kind.clone(), None);
        let said = rig.sync(&[]);
        assert_eq!(said.code, 0, "{kind:?}: {said:?}");
        rig.bank.with(|world, _| world.clear_faults());
    }
    assert_unharmed(&mut rig, &rows);
    rig.restart();
    rig.sync(&[]).expect(0);
}

/// A front that replaces the body of transactions answers.
fn fronted() -> (Rig, Front) {
    let limits = Limits { daily: 500, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra("[limits]\ncalls-per-day = 500\n");
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    (rig, front)
}

fn is_transactions(request: &HttpRequest) -> bool {
    request.path.ends_with("/transactions/")
}

#[test]
fn json_that_is_not_what_was_asked_for() {
    let (mut rig, front) = fronted();
    let rows = listed(&rig);
    let deep = format!(
        "{{\"transactions\":{{\"booked\":{}{}}}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let bodies = [
        deep.replace('[', "{\"a\":").replace(']', "}").into_bytes(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        b"42".to_vec(),
        b"{\"transactions\":[]}".to_vec(),
        b"{\"transactions\":{\"booked\":{}}}".to_vec(),
        b"{\"transactions\":{\"booked\":\"none\"}}".to_vec(),
        b"{\"transactions\":{\"booked\":[}}".to_vec(),
        b"\xff\xfe{\"transactions\":{\"booked\":[]}}".to_vec(),
        b"{\"transactions\":{\"booked\":[{\"a\":\"\xff\"}]}}".to_vec(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let given = body.clone();
        front.change(move |request, response: &mut HttpResponse| {
            if is_transactions(request) {
                response.body.clone_from(&given);
            }
        });
        let said = rig.sync(&["--force"]);
        assert!([1, 75].contains(&said.code), "{shown}: {said:?}");
        assert_unharmed(&mut rig, &rows);
        front.change(|_, _| {});
        wait_until("the account to work again", || rig.sync(&["--force"]).code == 0);
    }
    assert_equals_truth(&rig);
    // A row as deep as this is a row all the same: kept as it is, without spoiling any other.
    let given = deep.clone().into_bytes();
    front.change(move |request, response: &mut HttpResponse| {
        if is_transactions(request) {
            response.body.clone_from(&given);
        }
    });
    rig.sync(&[]);
    assert!(rig.process().ended().is_none(), "{}", rig.log());
    rig.verb(&["transactions", "--all", "--raw", "--json"]).expect(0);
    rig.verb(&["transactions", "--all"]).expect(0);
    front.change(|_, _| {});
    rig.sync(&[]).expect(0);
    let now = listed(&rig);
    assert!(rows.iter().all(|row| now.contains(row)));
}

#[test]
fn rows_that_nobody_understands_are_kept_and_spoil_no_other() {
    let (mut rig, front) = fronted();
    let good = rig.list(&["transactions"]).len();
    let strange = [
        "{}",
        r#"{"transactionAmount":{"amount":"abc","currency":"EUR"},"bookingDate":"2026-11-01"}"#,
        r#"{"transactionAmount":{"amount":1e400,"currency":null},"bookingDate":17}"#,
        r#"{"transactionAmount":"12.00 EUR","bookingDate":"yesterday"}"#,
        r#"{"transactionAmount":{"amount":"-0.00000000000000000000000000000000000001","currency":"€"},"valueDate":"0000-00-00"}"#,
        r#"{"transactionAmount":{"amount":"1","currency":"EUR"},"bookingDate":"2026-11-01","remittanceInformationUnstructured":{"a":[1,2,{"b":null}]}}"#,
        r#"{"transactionAmount":{"amount":"1","amount":"2","currency":"EUR"},"bookingDate":"2026-11-01"}"#,
        r#"{"transactionAmount":{"amount":"1","currency":"EUR"},"bookingDate":"2026-11-01","creditorName":"\u0000\u001b[31m\u202egnp"}"#,
        "[1,2,3]",
        r#""a text""#,
        "null",
        "12.340",
    ];
    let more = strange.join(",");
    front.change(move |request, response: &mut HttpResponse| {
        if is_transactions(request) {
            let body = String::from_utf8(std::mem::take(&mut response.body)).unwrap();
            response.body =
                body.replacen("\"booked\":[", &format!("\"booked\":[{more},"), 1).into_bytes();
        }
    });
    rig.sync(&[]).expect(0);
    let said = rig.verb(&["transactions", "--raw", "--json"]).expect(0);
    let raws: Vec<&str> = said.out.lines().map(crate::rig::raw_of).collect();
    for row in strange {
        assert_eq!(raws.iter().filter(|raw| **raw == row).count(), 1, "{row}\n{raws:#?}");
    }
    assert_eq!(raws.len(), good + strange.len());
    let flagged = rig
        .list(&["transactions"])
        .iter()
        .filter(|row| row["flags"].as_array().is_some_and(|flags| !flags.is_empty()))
        .count();
    assert!(flagged >= 9, "{flagged}");
    rig.wait_for_events("rows_not_understood", 1);
    let status = rig.verb(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).unwrap();
    let told = rig.events("rows_not_understood");
    let told: u64 = told.iter().filter_map(|event| event["details"]["count"].as_u64()).sum();
    assert_eq!((status["rows_not_understood"].as_u64(), told >= 8), (Some(told), true));
    let screen = rig.verb(&["status"]).out;
    assert!(screen.contains("without a readable amount or date, kept and flagged"), "{screen}");
    // People see them too, and no control character reaches their terminal.
    let shown = rig.verb(&["transactions"]).expect(0).out;
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}') && !shown.contains('\0'),
        "{shown:?}"
    );
    // Again: nothing changes.
    let again = rig.sync(&[]).expect(0).lines().remove(0);
    assert_eq!((&again["rows_added"], &again["rows_changed"]), (&0.into(), &0.into()), "{again}");
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
    assert!(rig.process().ended().is_none());
}

#[test]
fn unknown_words_are_told_once_and_calls_go_on() {
    let mut rig = Rig::new();
    let front = Front::start(rig.bank.world());
    rig.api_base = Some(front.api_base.clone());
    rig.start();
    let replace = |path: &'static str, from: &'static str, to: &'static str| {
        move |request: &HttpRequest, response: &mut HttpResponse| {
            if request.path.contains(path) && request.method == "GET" {
                let body = String::from_utf8(std::mem::take(&mut response.body)).unwrap();
                response.body = body.replace(from, to).into_bytes();
            }
        }
    };
    // A step of linking that is not documented.
    front.change(replace("/requisitions/", "\"status\":\"LN\"", "\"status\":\"ZZ\""));
    let link = rig.begin_link(SANDBOX);
    rig.authorise(&link);
    let told = rig.wait_for_events("value_not_understood", 1);
    assert_eq!(told[0]["level"], "notice");
    front.change(replace("/accounts/", "\"status\":\"READY\"", "\"status\":\"SHINY\""));
    rig.wait_for_first_pull(&text(&link, "id"));
    let events = rig.events("value_not_understood");
    let values: Vec<&Value> = events.iter().map(|event| &event["details"]["value"]).collect();
    assert_eq!(values, ["ZZ", "SHINY"]);
    assert_equals_truth(&rig);
}

#[test]
fn errors_while_linking_end_in_a_link_or_a_reason() {
    let mut rig = Rig::new();
    rig.start();
    let bad = [
        ("institutions", "GET", FaultKind::Html { status: 200 }),
        ("agreements", "POST", status(500, Shape::NotJson)),
        ("requisitions", "POST", status(400, Shape::Mixed)),
        ("token", "POST", FaultKind::Empty { status: 201 }),
        ("requisitions", "POST", status(500, Shape::Flat)),
    ];
    for (path, method, what) in bad {
        let matching = FaultMatch {
            path_prefix: Some(format!("/api/v2/{path}/")),
            method: Some(method.into()),
            ..FaultMatch::default()
        };
        rig.bank.inject(Fault::times(what, 1).matching(matching));
        let said = rig.verb(&["link", "NORDLICHT_NOLIDEM1", "--no-wait", "--json"]);
        assert!([0, 1, 64, 75].contains(&said.code), "{path}: {said:?}");
        assert!(rig.process().ended().is_none() && !rig.log().contains("panicked"));
        rig.bank.with(|world, _| world.clear_faults());
    }
    rig.restart();
    wait_until("the way to be free again", || rig.verb(&["institutions", "sandbox"]).code == 0);
    rig.linked(SANDBOX);
    assert!(!rig.log().contains("panicked"));
}

#[test]
fn twins_are_two_rows() {
    let (mut rig, front) = fronted();
    let good = rig.list(&["transactions"]).len();
    let row =
        r#"{"bookingDate":"2026-11-20","transactionAmount":{"amount":"-3.20","currency":"EUR"}}"#;
    let with = |count: usize| {
        let more = [row].repeat(count).join(",");
        move |request: &HttpRequest, response: &mut HttpResponse| {
            if is_transactions(request) {
                let body = String::from_utf8(std::mem::take(&mut response.body)).unwrap();
                let longer = body.replacen("\"booked\":[", &format!("\"booked\":[{more},"), 1);
                response.body = longer.into_bytes();
            }
        }
    };
    let twins = |rig: &Rig| {
        let said = rig.verb(&["transactions", "--raw", "--json"]).expect(0);
        assert_eq!(
            said.out.lines().map(crate::rig::raw_of).filter(|raw| *raw != row).count(),
            good
        );
        said.out.lines().filter(|line| crate::rig::raw_of(line) == row).count()
    };
    for count in [2, 2, 3, 1, 4] {
        front.change(with(count));
        rig.sync(&[]).expect(0);
        assert_eq!(twins(&rig), count);
    }
    rig.kill();
    rig.start();
    assert_eq!(twins(&rig), 4);
}
