//! What scripts rely on: exit codes, what goes to which stream, and the daemon's objects passed through untouched.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use super::*;

fn wrong(words: &[&str]) -> args::Stop {
    args::parse(words.iter().map(Into::into)).unwrap_err()
}

#[test]
fn wrong_usage_ends_with_64() {
    for line in [
        "banksyncd",
        "banksyncd nonsense",
        "banksyncd link",
        "banksyncd link X --history-days 0",
        "banksyncd link X --history-days -1",
        "banksyncd link X --access-days 99999",
        "banksyncd transactions --from 2026-02-30",
        "banksyncd transactions --from 2026-02-03T00:00:00Z",
        "banksyncd transactions --from today",
        "banksyncd transactions --from 2026-03-02 --to 2026-03-01",
        "banksyncd institutions --country DEU",
        "banksyncd sandbox",
        "banksyncd sandbox --listen nowhere",
        "banksyncd status --color sometimes",
        "banksyncd status -v -q",
        "banksyncd accounts extra",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(wrong(&words).code, Code::Usage, "{line}");
    }
    assert!(
        args::parse(
            ["banksyncd", "transactions", "--from", "2026-03-01", "--to", "2026-03-01"]
                .map(Into::into)
        )
        .is_ok()
    );
}

#[test]
fn help_and_version_end_with_0() {
    let version = wrong(&["banksyncd", "--version"]);
    assert_eq!(version.code, Code::Ok);
    assert_eq!(version.text, concat!("banksyncd ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = wrong(&["banksyncd", "--help"]);
    assert_eq!(help.code, Code::Ok);
    assert_eq!(wrong(&["banksyncd", "link", "--help"]).code, Code::Ok);
}

#[test]
fn arguments_that_are_not_text_are_usage_errors() {
    let bytes = OsString::from_vec(vec![0xff, 0xfe]);
    for verb in ["link", "accounts", "transactions"] {
        let words = ["banksyncd".into(), verb.into(), bytes.clone()];
        assert_eq!(args::parse(words).unwrap_err().code, Code::Usage);
    }
    assert_eq!(args::parse(["banksyncd".into(), bytes.clone()]).unwrap_err().code, Code::Usage);
    // A path need not be text.
    let words = ["banksyncd".into(), "status".into(), "--config".into(), bytes];
    assert!(args::parse(words).is_ok());
}

#[test]
fn commands_lead_to_the_same_daemon() {
    let words = ["banksyncd", "--config", "/tmp/a b/c.toml", "status"].map(Into::into);
    let global = args::parse(words).unwrap().global;
    assert_eq!(program(&global), "banksyncd --config '/tmp/a b/c.toml'");
    let global =
        args::parse(["banksyncd", "status", "--socket", "/x"].map(Into::into)).unwrap().global;
    assert_eq!(program(&global), "banksyncd --socket /x");
}

#[test]
fn json_is_what_the_daemon_said() {
    // Order of members, number lexemes and escapes stay.
    let rows = "{\"z\":1.50,\"a\":1e2,\"t\":\"\\u001b é\"}\n{\"id\":2}\n";
    let ran =
        Bench::new().says("GET /v1/transactions?raw=1", rows).run("transactions --raw --json");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Code::Ok, rows, ""));
    assert_eq!(ran.requests, ["GET /v1/transactions?raw=1"]);
    for verb in ["accounts", "links", "quota"] {
        let ran =
            Bench::new().says(&format!("GET /v1/{verb}"), rows).run(&format!("--json {verb}"));
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Code::Ok, rows, ""), "{verb}");
    }
}

#[test]
fn json_on_a_terminal_cannot_steer_it() {
    let mut bench = Bench::new().says("GET /v1/accounts", "{\"name\":\"\u{9b}31m\"}\n");
    bench.terminal.output = true;
    assert_eq!(bench.run("accounts --json").out, "{\"name\":\"\\u009b31m\"}\n");
}

#[test]
fn status_tells_by_its_exit_code() {
    let needs = r#"{"needs":[{"code":"x"}]}"#;
    let ran = Bench::new().says("GET /v1/status", needs).run("status --json");
    assert_eq!((ran.code, ran.out), (Code::Partial, format!("{needs}\n")));
    let ran = Bench::new().says("GET /v1/status", r#"{"needs":[]}"#).run("status --json");
    assert_eq!(ran.code, Code::Ok);
}

/// What the daemon says about confirming.
fn confirming(rest: &str) -> String {
    format!(
        r#"{{"link_id":"lnk_x","institution_id":"ALBION","due_at":"2026-03-20T09:00:00Z","opens_at":"2026-03-06T09:00:00Z","closes_at":"2026-04-03T09:00:00Z",{rest}}}"#
    )
}

#[test]
fn reconfirm_waits_for_the_page_and_shows_window_and_outcome() {
    let account = r#""accounts":[{"account_id":"acc_01kkd4z8000000000000000001","provider_account_id":"p1","outcome":"open","at":null}]"#;
    let page = confirming(&format!(r#""asking":false,"url":"https://bank.example/c",{account}"#));
    let bench = || {
        Bench::new()
            .says_with("POST /v1/links/lnk_x/reconfirm", 202, confirming(r#""asking":true"#))
            .says("GET /v1/links/lnk_x/reconfirm", confirming(r#""asking":true"#))
            .says("GET /v1/links/lnk_x/reconfirm", page.clone())
            .says("GET /v1/accounts", format!("{GIRO}\n"))
    };
    let ran = bench().run("reconfirm lnk_x");
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    for words in ["until 2026-03-20", "until 2026-04-03", "https://bank.example/c", "giro", "open"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let ran = bench().run("reconfirm lnk_x --json");
    assert_eq!((ran.code, ran.out), (Code::Ok, format!("{page}\n")));
}

#[test]
fn reconfirm_ends_with_75_without_an_answer_and_with_1_without_a_page() {
    let asked = || Bench::new().says("GET /v1/accounts", format!("{GIRO}\n"));
    let mut bench = asked();
    bench.interrupted_after = Some(0);
    let ran = bench
        .says_with("POST /v1/links/x/reconfirm", 202, confirming(r#""asking":true"#))
        .run("reconfirm x");
    assert_eq!(ran.code, Code::TempFail, "{}", ran.err);
    let refused = confirming(r#""asking":false,"failure":"no page""#);
    let ran = asked().says_with("POST /v1/links/x/reconfirm", 202, refused).run("reconfirm x");
    assert_eq!(ran.code, Code::Partial);
    assert!(ran.err.contains("banksyncd renew lnk_x"), "{}", ran.err);
    let needless = r#"{"error":{"exit":64,"message":"needless","hint":null}}"#;
    let ran = asked().says_with("POST /v1/links/x/reconfirm", 400, needless).run("reconfirm x");
    assert_eq!(ran.code, Code::Usage);
    let later = confirming(r#""asking":false"#).replace("2026-03-06", "2026-03-11");
    let ran = asked().says_with("POST /v1/links/x/reconfirm", 202, later).run("reconfirm x");
    assert_eq!(ran.code, Code::Ok);
    assert!(ran.out.contains("from 2026-03-11 on"), "{}", ran.out);
}

#[test]
fn sync_exit_codes() {
    let line = |outcome: &str, next: &str| {
        format!("{{\"account_id\":\"a\",\"outcome\":\"{outcome}\",\"next_allowed_at\":{next}}}\n")
    };
    let (later, never) = ("\"2026-03-10T19:30:00Z\"", "null");
    for (body, code) in [
        (line("pulled", never) + &line("unchanged", never), Code::Ok),
        (line("pulled", never) + &line("failed", never), Code::Partial),
        (line("pulled", never) + &line("skipped", later), Code::Partial),
        (line("skipped", later) + &line("skipped", later), Code::TempFail),
        (line("skipped", never), Code::Partial),
        (String::new(), Code::Ok),
    ] {
        let ran = Bench::new().says("POST /v1/sync", body.clone()).run("sync --wait --json");
        assert_eq!((ran.code, &ran.out), (code, &body));
        if code == Code::TempFail {
            assert_eq!(ran.err, "no calls are left until 19:30 (in 7 h)\n");
        }
        assert_eq!(ran.requests, [r#"POST /v1/sync {"accounts":[],"force":false,"wait":true}"#]);
    }
}

#[test]
fn sync_without_waiting_counts_what_was_asked_for() {
    let left_out = "{\"account_id\":\"acc_01kkd4z8000000000000000001\",\"outcome\":\"skipped\",\"next_allowed_at\":\"2026-03-10T19:30:00Z\"}\n";
    let bench = |body: &'static str| {
        Bench::new()
            .says("GET /v1/accounts", format!("{GIRO}\n{CARD}\n"))
            .says("POST /v1/sync", body)
    };
    assert_eq!(bench("").run("sync --json").code, Code::Ok);
    assert_eq!(bench(left_out).run("sync --json").code, Code::Partial);
    assert_eq!(bench(left_out).run("sync giro --json").code, Code::TempFail);
}

#[test]
fn link_prints_its_object_with_url_and_again_at_the_end() {
    let waiting = pending("created", Some("https://bank.example/c"));
    let look = "GET /v1/links/lnk_01kkd4z800000000000000000a";
    let bench = || {
        Bench::new()
            .says_with("POST /v1/links", 202, pending("created", None))
            .says(look, waiting.clone())
    };
    let ran = bench().says(look, LINK).run("link X --json");
    assert_eq!((ran.code, ran.out), (Code::Ok, format!("{waiting}\n{LINK}\n")));
    let abandoned = pending("abandoned", None);
    let ran = bench().says(look, abandoned.clone()).run("link X --json");
    assert_eq!((ran.code, ran.out), (Code::Partial, format!("{waiting}\n{abandoned}\n")));
    let ran = bench().run("link X --json --no-wait");
    assert_eq!((ran.code, ran.out), (Code::Ok, format!("{waiting}\n")));
}

#[test]
fn link_waits_until_its_accounts_are_known() {
    let url = pending("created", Some("https://bank.example/c"));
    let reading = LINK.replace(r#""accounts""#, r#""identifying":1,"accounts""#);
    let look = "GET /v1/links/lnk_01kkd4z800000000000000000a";
    let known = "GET /v1/links/lnk_01kkd4z8000000000000000009";
    let ran = Bench::new()
        .says_with("POST /v1/links", 202, url.clone())
        .says(look, reading.clone())
        .says(known, LINK)
        .run("link X --json");
    assert_eq!((ran.code, ran.out), (Code::Ok, format!("{url}\n{LINK}\n")));
}

#[test]
fn ctrl_c_after_linking_changes_nothing_about_it() {
    let reading = LINK.replace(r#""accounts""#, r#""identifying":1,"accounts""#);
    let url = pending("created", Some("https://bank.example/c"));
    let mut bench = Bench::new()
        .says_with("POST /v1/links", 202, url)
        .says("GET /v1/links/lnk_01kkd4z800000000000000000a", reading)
        .says("GET /v1/accounts", GIRO.replace("2026-03-10T09:30:00Z", "2026-01-01T00:00:00Z"));
    // A terminal: the first sync would be watched, too.
    bench.terminal.error = true;
    bench.interrupted_after = Some(2);
    let ran = bench.run("link X");
    assert_eq!(ran.code, Code::Ok, "{}", ran.err);
    assert!(ran.out.contains("linked SANDBOXFINANCE_SFIN0000 until 2026-08-01, 1 account"));
}

#[test]
fn renew_asks_for_a_successor() {
    let rejected =
        pending("rejected", None).replace(r#""replaces":null"#, r#""replaces":"lnk_old""#);
    let ran =
        Bench::new().says_with("POST /v1/links/giro%2Fx/renew", 202, rejected).run("renew giro/x");
    assert_eq!(ran.code, Code::Partial);
    assert!(ran.err.contains("hint: try again with `banksyncd renew lnk_old`"), "{}", ran.err);
}

#[test]
fn unlink_asks_first() {
    let ran = Bench::new().run("unlink lnk_x");
    assert_eq!(ran.code, Code::Usage);
    assert!(ran.requests.is_empty());
    let bench = |input| {
        let mut bench =
            Bench::new().says("GET /v1/links/lnk_x", LINK).says("DELETE /v1/links/lnk_x", LINK);
        bench.terminal.input = true;
        bench.input = input;
        bench
    };
    for (input, code, asked) in
        [("y\n", Code::Ok, 2), ("n\n", Code::Partial, 1), ("", Code::Partial, 1)]
    {
        let ran = bench(input).run("unlink lnk_x");
        assert_eq!((ran.code, ran.requests.len()), (code, asked));
    }
    let ran = bench("").run("unlink lnk_x --yes --json");
    assert_eq!((ran.code, ran.out, ran.requests.len()), (Code::Ok, format!("{LINK}\n"), 1));
}

#[test]
fn events_go_on_until_the_daemon_leaves() {
    let body = "{\"id\":1}\n\n\n{\"id\":2}\n";
    let ran = Bench::new().says("GET /v1/events?follow=1", body).run("events --follow --json");
    assert_eq!((ran.code, ran.out.as_str()), (Code::Unavailable, "{\"id\":1}\n{\"id\":2}\n"));
    let ran = Bench::new().run("events --code nonsense");
    assert_eq!((ran.code, ran.requests.len()), (Code::Usage, 0));
}

#[test]
fn verify_without_a_daemon_checks_directly() {
    let mut bench = Bench::new();
    bench.verify = Some(VerifyView::new(vec![check("schema", true, None)]));
    let ran = bench.run_alone("verify --json");
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (
            Code::Ok,
            "{\"ok\":true,\"checks\":[{\"name\":\"schema\",\"ok\":true,\"detail\":null}]}\n"
        )
    );
    let mut bench = Bench::new();
    bench.verify = Some(VerifyView::new(vec![check("cipher_pages", false, Some("page 3"))]));
    assert_eq!(bench.run_alone("verify").code, Code::DataErr);
    assert_eq!(Bench::new().run_alone("verify").code, Code::Config);
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let mut bench = Bench::new().says("GET /v1/accounts", format!("{GIRO}\n"));
    bench.broken_pipe = true;
    let ran = bench.run("accounts");
    assert_eq!((ran.code, ran.err.as_str()), (Code::Ok, ""));
}
