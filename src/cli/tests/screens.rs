//! What people see: 80 columns, no colour.

use insta::assert_snapshot;

use super::*;

fn accounts() -> Bench {
    Bench::new().says("GET /v1/accounts", format!("{GIRO}\n{CARD}\n"))
}

#[test]
fn accounts_table() {
    let ran = accounts().run("accounts");
    assert!(!ran.out.contains('\x1b'));
    assert_snapshot!(ran.screen(), @r#"
    ACCOUNT                             STATUS    SYNCED      ACCESS
    giro (EUR)                          ready     2 h ago     144 days
    DE89 3704 0044 0532 0130 00
    SANDBOXFINANCE_SFIN0000
    acc_01kkd4z8000000000000000001

    Card \u{1b}[31mGold\u{1b}[0m (EUR)  paused    3 days ago  5 days
    **4572                              3 failed
    PLASTIC_BANK_PLSTDEFF
    acc_01kkd4z8000000000000000002

    --- exit 0
    "#);
}

#[test]
fn no_accounts() {
    let ran = Bench::new().says("GET /v1/accounts", "").run("accounts");
    assert_snapshot!(ran.screen(), @r#"
    no accounts yet
    --- stderr

    hint: find your bank with `banksyncd institutions NAME`, then link it with `banksyncd link ID`
    --- exit 0
    "#);
}

#[test]
fn links_table() {
    let waiting = pending("created", Some("https://bank.example/consent?x=1"));
    let body = format!("{LINK}\n{CARD_LINK}\n{waiting}\n");
    assert_snapshot!(Bench::new().says("GET /v1/links", body).run("links").screen(), @r#"
    LINK                            STATUS   ACCESS            UNTIL
    SANDBOXFINANCE_SFIN0000         linked   ████████░░ 144 d  2026-08-01
    lnk_01kkd4z8000000000000000009
    1 account

    PLASTIC_BANK_PLSTDEFF           linked   █░░░░░░░░░ 5 d    2026-03-15
    lnk_01kkd4z8000000000000000008
    1 account

    SANDBOXFINANCE_SFIN0000         created  -                 -
    lnk_01kkd4z800000000000000000a
    0 accounts

    to finish linking SANDBOXFINANCE_SFIN0000, open
      https://bank.example/consent?x=1
    --- exit 0
    "#);
}

#[test]
fn balances_table() {
    let body = r#"{"account_id":"acc_01kkd4z8000000000000000001","balance_type":"interimAvailable","amount":"1234567.80","currency":"EUR","reference_date":"2026-03-10","fetched_at":"2026-03-10T09:30:00Z"}
{"account_id":"acc_01kkd4z8000000000000000002","balance_type":"closingBooked","amount":"-9.5","currency":"EUR","reference_date":null,"fetched_at":"2026-03-07T09:30:00Z"}
{"account_id":"acc_01kkd4z8000000000000000002","balance_type":"expected","amount":null,"currency":null,"reference_date":null,"fetched_at":"2026-03-07T09:30:00Z"}
"#;
    assert_snapshot!(accounts().says("GET /v1/balances", body).run("balances").screen(), @r#"
    ACCOUNT              BALANCE                 AMOUNT       ON          READ
    giro                 interimAvailable    1234567.80  EUR  2026-03-10  2 h ago
    Card \u{1b}[31mGold  closingBooked             -9.5  EUR  -           3 days ago
    \u{1b}[0m
    Card \u{1b}[31mGold  expected                     ?       -           3 days ago
    \u{1b}[0m
    --- exit 0
    "#);
}

const ROWS: &str = r#"{"id":"txn_1","account_id":"acc_01kkd4z8000000000000000001","booking_status":"booked","state":"current","booking_date":"2026-03-09","amount":"-12.50","currency":"EUR","creditor_name":"Bäckerei Schmidt\u001b]0;x\u0007 & Söhne Feinbackwaren","remittance_information":"Kartenzahlung 4711\nDanke für Ihren Einkauf und bis zum nächsten Mal","flags":[]}
{"id":"txn_2","account_id":"acc_01kkd4z8000000000000000002","booking_status":"pending","state":"current","booking_date":null,"value_date":"2026-03-10","amount":"1500.00","currency":"EUR","debtor_name":"Firma","remittance_information":null,"flags":[]}
{"id":"txn_3","account_id":"acc_01kkd4z8000000000000000002","booking_status":"booked","state":"vanished","booking_date":null,"amount":null,"currency":null,"flags":["amount_not_understood","undated"]}
"#;

#[test]
fn transactions_table() {
    let ran = accounts().says("GET /v1/transactions?pending=1", ROWS).run("transactions --pending");
    assert!(!ran.out.contains('\x1b'));
    assert_snapshot!(ran.screen(), @r#"
    DATE            AMOUNT       ACCOUNT         STATE     WITH, FOR
    2026-03-09      -12.50  EUR  giro            booked    Bäckerei Schmidt\u{1b}]0…
    2026-03-10     1500.00  EUR  Card \u{1b}[3…  pending   Firma
    undated              ?       Card \u{1b}[3…  vanished  [amount_not_understood u…
    --- exit 0
    "#);
}

#[test]
fn transactions_of_one_account_into_a_pipe_are_not_cut() {
    let mut bench = Bench::new().says("GET /v1/transactions?account=giro", ROWS);
    bench.terminal.width = None;
    assert_snapshot!(bench.run("transactions giro").screen(), @r#"
    DATE            AMOUNT       WITH, FOR
    2026-03-09      -12.50  EUR  Bäckerei Schmidt\u{1b}]0;x\u{7} & Söhne Feinbackwaren, Kartenzahlung 4711 Danke für Ihren Einkauf und bis zum nächsten Mal
    2026-03-10     1500.00  EUR  Firma
    undated              ?       [amount_not_understood undated]
    --- exit 0
    "#);
}

#[test]
fn events_list() {
    let body = r#"{"id":1,"at":"2026-03-10T06:00:01Z","code":"access_expiring","level":"warning","message":"access to PLASTIC_BANK_PLSTDEFF ends in 5 days","message_id":"00","account_id":null,"link_id":"lnk_01kkd4z8000000000000000008","details":{}}
{"id":2,"at":"2026-03-10T06:00:02Z","code":"daemon_started","level":"info","message":"the daemon is up","message_id":"00","account_id":null,"link_id":null,"details":{}}
"#;
    let ran = Bench::new()
        .says("GET /v1/events?since=2026-03-09T12%3A00%3A00Z", body)
        .run("events --since 1d");
    assert_snapshot!(ran.screen(), @r#"
    2026-03-10 06:00  warning  access_expiring      lnk_01kkd4z8000000000000000008
        access to PLASTIC_BANK_PLSTDEFF ends in 5 days
    2026-03-10 06:00  info     daemon_started
        the daemon is up
    --- exit 0
    "#);
}

fn status(needs: &str) -> String {
    format!(
        r#"{{"version":"{}","pid":4711,"started_at":"2026-03-01T06:00:00Z","next_pull_at":"2026-03-10T13:05:00Z","accounts":[{GIRO},{CARD}],"links":[{LINK},{CARD_LINK}],"needs":[{needs}],"quota":[{{"account_id":"acc_01kkd4z8000000000000000001","scope":"balances","limit":4,"used":1,"remaining":3,"next_allowed_at":null}},{{"account_id":"acc_01kkd4z8000000000000000001","scope":"transactions","limit":4,"used":2,"remaining":2,"next_allowed_at":null}},{{"account_id":"acc_01kkd4z8000000000000000002","scope":"transactions","limit":4,"used":4,"remaining":0,"next_allowed_at":"2026-03-10T19:30:00Z"}}]}}"#,
        env!("CARGO_PKG_VERSION"),
    )
}

#[test]
fn status_with_needs() {
    let needs = r#"{"code":"access_expiring","subject":"lnk_01kkd4z8000000000000000008","message":"access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15","command":"banksyncd renew lnk_01kkd4z8000000000000000008"},{"code":"link_created","subject":"lnk_x","message":"linking X waits for a person: open the URL","command":"https://bank.example/consent"}"#;
    let ran = Bench::new().says("GET /v1/status", status(needs)).run("status --socket /run/x.sock");
    let screen = ran.screen().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_snapshot!(screen, @r#"
    needs you:
      access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15
        banksyncd --socket /run/x.sock renew lnk_01kkd4z8000000000000000008
      linking X waits for a person: open the URL
        https://bank.example/consent

    banksyncd VERSION, pid 4711, up since 2026-03-01 06:00
    next pull in 65 min

    ACCOUNT             STATUS  SYNCED      CALLS      ACCESS
    giro                ready   2 h ago     2 of 4     ████░ 144 d
    Card \u{1b}[31mGo…  paused  3 days ago  0, in 7 h  █░░░░ 5 d
    --- exit 1
    "#);
}

/// A month in which the balance of the first account rose and that of the second stayed.
fn trend() -> String {
    let days = |amount: &dyn Fn(u32) -> String| -> String {
        let day = |day| format!(r#"{{"date":"2026-02-{day:02}","amount":{}}}"#, amount(day));
        (1..=30).map(day).collect::<Vec<_>>().join(",")
    };
    let line = |account: &str, days: String| {
        format!(
            r#"{{"account_id":"{account}","balance_type":"closingBooked","currency":"EUR","days":[{days}]}}"#
        )
    };
    let rising = days(&|day| if day < 6 { "null".into() } else { format!("\"{day}.50\"") });
    let flat = days(&|_| "\"-7\"".into());
    format!(
        "{}\n{}\n",
        line("acc_01kkd4z8000000000000000001", rising),
        line("acc_01kkd4z8000000000000000002", flat)
    )
}

/// The same with the plan of a daemon of today.
fn planned(needs: &str) -> String {
    let plan = r#""schedule":{"timezone":"Europe/Berlin","upcoming":["2026-03-10T13:00:00Z","2026-03-10T20:00:00Z","2026-03-11T06:00:00Z"],"freshness_s":93600},"accounts":"#;
    status(needs).replacen("\"accounts\":", plan, 1)
}

#[test]
fn status_with_the_plan_and_the_trend() {
    let needs = r#"{"code":"access_expiring","subject":"lnk_01kkd4z8000000000000000008","message":"access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15","command":"banksyncd renew lnk_01kkd4z8000000000000000008"}"#;
    let bench =
        || Bench::new().says("GET /v1/status", planned(needs)).says("GET /v1/trend", trend());
    let ran = bench().run("status");
    let screen = ran.screen().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert_snapshot!(screen, @r#"
    needs you:
      access to PLASTIC_BANK_PLSTDEFF ends on 2026-03-15
        banksyncd renew lnk_01kkd4z8000000000000000008

    banksyncd VERSION, pid 4711, up since 2026-03-01 06:00
    pulls at 13:00, 20:00, 2026-03-11 06:00, next in 65 min, stale after 26 h

    ACCOUNT             STATUS  SYNCED        CALLS      ACCESS       30 DAYS
    giro                ready   2 h ago       2 of 4     ████░ 144 d   ▁▁▂▃▄▅▆▇█
    Card \u{1b}[31mGo…  paused  3 days ago !  0, in 7 h  █░░░░ 5 d    ▄▄▄▄▄▄▄▄▄▄
    --- exit 1
    "#);
    assert!(screen.lines().all(|line| line.chars().count() <= 80));
    // Without the trend, which is personal.
    let ran = bench().run("status --no-trend");
    assert!(!ran.out.contains("30 DAYS") && !ran.requests.iter().any(|one| one.contains("trend")));
    let ran = bench().run("status --json");
    assert_eq!(ran.out.trim_end(), planned(needs));
    assert_eq!(ran.requests, ["GET /v1/status"]);
}

#[test]
fn status_of_a_large_company_fits_one_screen() {
    let id = |number: u32| format!("acc_01kkd4z80000000000000001{number:02}");
    let account = |number: u32| {
        let status = if number == 29 { "suspended" } else { "ready" };
        let own = GIRO.replace("acc_01kkd4z8000000000000000001", &id(number));
        let named = own.replace(
            "\"nickname\":\"giro\"",
            &format!("\"nickname\":\"company account {number:02}\""),
        );
        named.replace("\"status\":\"ready\"", &format!("\"status\":\"{status}\""))
    };
    let accounts: Vec<_> = (0..30).map(account).collect();
    let need = |number: u32| {
        format!(
            r#"{{"code":"account_paused","subject":"{}","message":"paused after 3 failures in a row, before the provider suspends it","command":"banksyncd sync {} --force --wait"}}"#,
            id(number),
            id(number)
        )
    };
    let needs: Vec<_> = (0..12).map(need).collect();
    let whole = planned(&needs.join(","));
    let (head, rest) = whole.split_once("\"accounts\":[").unwrap();
    let (_, tail) = rest.split_once("],\"links\"").unwrap();
    let whole = format!("{head}\"accounts\":[{}],\"links\"{tail}", accounts.join(","));
    let bench = |height| {
        let mut bench = Bench::new().says("GET /v1/status", whole.clone());
        bench.terminal = Terminal { height, ..bench.terminal };
        bench.run("status")
    };
    let ran = bench(Some(24));
    let screen = ran.screen().replace(env!("CARGO_PKG_VERSION"), "VERSION");
    assert!(ran.out.lines().count() <= 23, "with the next prompt");
    assert_snapshot!(screen, @r#"
    needs you:
      paused after 3 failures in a row, before the provider suspends it
        banksyncd sync acc_01kkd4z8000000000000000100 --force --wait
      paused after 3 failures in a row, before the provider suspends it
        banksyncd sync acc_01kkd4z8000000000000000101 --force --wait
      paused after 3 failures in a row, before the provider suspends it
        banksyncd sync acc_01kkd4z8000000000000000102 --force --wait
      paused after 3 failures in a row, before the provider suspends it
        banksyncd sync acc_01kkd4z8000000000000000103 --force --wait
      paused after 3 failures in a row, before the provider suspends it
        banksyncd sync acc_01kkd4z8000000000000000104 --force --wait
      and 7 more: `banksyncd status | less`

    banksyncd VERSION, pid 4711, up since 2026-03-01 06:00
    pulls at 13:00, 20:00, 2026-03-11 06:00, next in 65 min, stale after 26 h

    ACCOUNT             STATUS     SYNCED   CALLS  ACCESS
    company account 29  suspended  2 h ago  -      ████░ 144 d
    company account 00  ready      2 h ago  -      ████░ 144 d
    company account 01  ready      2 h ago  -      ████░ 144 d
    company account 02  ready      2 h ago  -      ████░ 144 d
    and 26 more accounts: `banksyncd accounts`
    --- exit 1
    "#);
    // Into a pipe everything goes.
    let ran = bench(None);
    assert_eq!(ran.out.matches("--force --wait").count(), 12);
    assert_eq!(ran.out.matches("company account").count(), 30);
}

#[test]
fn status_without_needs() {
    let ran = Bench::new().says("GET /v1/status", status("")).run("status");
    assert_eq!(ran.code, Code::Ok);
    assert!(ran.out.starts_with("nothing needs you\n"));
}

#[test]
fn quota_table() {
    let body = r#"{"account_id":"acc_01kkd4z8000000000000000001","scope":"balances","limit":4,"used":1,"remaining":3,"next_allowed_at":null}
{"account_id":"acc_01kkd4z8000000000000000002","scope":"transactions","limit":4,"used":4,"remaining":0,"next_allowed_at":"2026-03-10T19:30:00Z"}
"#;
    assert_snapshot!(accounts().says("GET /v1/quota", body).run("quota").screen(), @r#"
    ACCOUNT                       SCOPE         CALLS LEFT   NEXT ALLOWED
    giro                          balances      ███░ 3 of 4  now
    Card \u{1b}[31mGold\u{1b}[0m  transactions  ░░░░ 0 of 4  19:30 (in 7 h)
    --- exit 0
    "#);
}

#[test]
fn institutions_table() {
    let body = r#"{"id":"N26_NTSBDEB1","name":"N26 Bank","bic":"NTSBDEB1","countries":["AT","BE","DE","ES","FR"],"transaction_total_days":90,"max_access_valid_for_days":180,"supported_features":null}
{"id":"SPARKASSE_KOELNBONN_COLSDE33","name":"Sparkasse KölnBonn mit einem sehr langen Namen, der nicht passt","bic":null,"countries":["DE"],"transaction_total_days":730,"max_access_valid_for_days":null,"supported_features":null}
"#;
    let ran = Bench::new()
        .says("GET /v1/institutions?query=spark%20k%C3%B6ln&country=DE", body)
        .run_words(&["institutions", "spark", "köln", "--country", "de"]);
    assert_snapshot!(ran.screen(), @r#"
    ID                            NAME                   COUNTRY     HISTORY  ACCESS
    N26_NTSBDEB1                  N26 Bank               AT BE DE …     90 d   180 d
    SPARKASSE_KOELNBONN_COLSDE33  Sparkasse KölnBonn     DE            730 d       -
                                  mit einem sehr langen
                                  Namen, der nicht
                                  passt
    --- exit 0
    "#);
}

#[test]
fn verify_list() {
    let body = r#"{"ok":false,"checks":[{"name":"cipher_pages","ok":true,"detail":null},{"name":"ledger","ok":false,"detail":"row 7 has no account"}]}"#;
    assert_snapshot!(Bench::new().says("POST /v1/verify", body).run("verify").screen(), @r#"
    ok      cipher_pages
    FAILED  ledger: row 7 has no account
    the database is damaged: keep the file, and restore a backup
    --- exit 65
    "#);
}

#[test]
fn sync_results() {
    let body = r#"{"account_id":"acc_01kkd4z8000000000000000001","outcome":"pulled","reason":null,"next_allowed_at":null,"rows_added":3,"rows_changed":1}
{"account_id":"acc_01kkd4z8000000000000000002","outcome":"skipped","reason":"no calls are left","next_allowed_at":"2026-03-10T19:30:00Z","rows_added":0,"rows_changed":0}
"#;
    assert_snapshot!(accounts().says("POST /v1/sync", body).run("sync --wait").screen(), @r#"
    giro: pulled, 3 rows added, 1 changed
    Card \u{1b}[31mGold\u{1b}[0m: skipped, no calls are left, next call allowed at 19:30 (in 7 h)
    --- exit 1
    "#);
}

const SANDBOX_BANK: &str = r#"{"id":"SANDBOXFINANCE_SFIN0000","name":"Sandbox Finance","bic":"SFIN0000","countries":["XX"],"transaction_total_days":90,"max_access_valid_for_days":90,"supported_features":[]}"#;

#[test]
fn link_from_the_url_to_the_accounts() {
    let url = Some("https://bank.example/consent?x=1");
    let linked = LINK.replace("lnk_01kkd4z8000000000000000009", "lnk_01kkd4z800000000000000000a");
    let look = "GET /v1/links/lnk_01kkd4z800000000000000000a";
    // The institution takes less access than was asked for.
    let less = pending("created", url).replace("\"access_days\":180", "\"access_days\":90");
    let rows = "GET /v1/transactions?account=acc_01kkd4z8000000000000000001&pending=1";
    let ran = accounts()
        .says("GET /v1/institutions/SANDBOXFINANCE_SFIN0000", SANDBOX_BANK)
        .says_with("POST /v1/links", 202, pending("created", None))
        .says(look, pending("created", None))
        .says(look, less)
        .says(look, pending("authenticating", url))
        .says(look, linked)
        .says(rows, ROWS)
        .run("link SANDBOXFINANCE_SFIN0000 --history-days 90");
    assert_eq!(
        ran.requests[..2],
        [
            "GET /v1/institutions/SANDBOXFINANCE_SFIN0000",
            r#"POST /v1/links {"history_days":90,"institution":"SANDBOXFINANCE_SFIN0000"}"#
        ]
    );
    assert_snapshot!(ran.screen(), @r#"
    Sandbox Finance gives at most 90 days of history and 90 days of access
    asked for: 90 days of history, 180 days of access
    the bank takes: 90 days of history, 90 days of access
    open this page to give access to SANDBOXFINANCE_SFIN0000:

      https://bank.example/consent?x=1

    linked SANDBOXFINANCE_SFIN0000 until 2026-08-01, 1 account
    ACCOUNT                         STATUS  SYNCED   ACCESS
    giro (EUR)                      ready   2 h ago  144 days
    DE89 3704 0044 0532 0130 00
    SANDBOXFINANCE_SFIN0000
    acc_01kkd4z8000000000000000001

    giro: 3 transactions since 2026-03-09
    --- stderr
    asking the provider for the bank's page
    Ctrl-C leaves it pending
    waiting for you to open the page
    waiting for you at the bank
    --- exit 0
    "#);
}

#[test]
fn link_on_a_terminal_draws_a_code_and_a_hyperlink() {
    let url = "https://bank.example/consent?x=1";
    let mut bench = Bench::new().says_with("POST /v1/links", 202, pending("created", Some(url)));
    bench.terminal = Terminal { output: true, colour: true, ..bench.terminal };
    let ran = bench.run("link SANDBOXFINANCE_SFIN0000 --no-wait");
    assert_eq!(ran.code, Code::Ok);
    assert!(ran.out.contains(&format!("\x1b]8;;{url}\x1b\\{url}\x1b]8;;\x1b\\")));
    assert!(ran.out.contains("\x1b[97;40m█████"));
    // On a terminal of 24 lines the code is there as a whole, with the state below it.
    let code = ran.out.lines().skip_while(|line| !line.starts_with("\x1b[97;40m"));
    assert!(code.clone().all(|line| line.starts_with("\x1b[97;40m")), "it comes last");
    assert!(code.count() <= 22);
}

#[test]
fn a_narrow_terminal_gets_no_code_that_would_be_cut() {
    let url = "https://bank.example/consent?x=1";
    let mut bench = Bench::new().says_with("POST /v1/links", 202, pending("created", Some(url)));
    bench.terminal = Terminal { output: true, width: Some(24), ..bench.terminal };
    let ran = bench.run("link SANDBOXFINANCE_SFIN0000 --no-wait");
    assert!(ran.out.contains(url) && !ran.out.contains('█'), "{}", ran.out);
}

#[test]
fn ctrl_c_leaves_a_link_pending() {
    let mut bench = Bench::new().says_with(
        "POST /v1/links",
        202,
        pending("created", Some("https://bank.example/c")),
    );
    bench.interrupted_after = Some(0);
    assert_snapshot!(bench.run("link X").screen(), @r#"
    asked for: 90 days of history, 180 days of access
    open this page to give access to SANDBOXFINANCE_SFIN0000:

      https://bank.example/c

    --- stderr
    Ctrl-C leaves it pending
    waiting for you to open the page
    lnk_01kkd4z800000000000000000a stays pending: the page can still be opened, and the daemon goes on watching

    hint: see it with `banksyncd links`, give it up with `banksyncd unlink lnk_01kkd4z800000000000000000a`
    --- exit 75
    "#);
}

#[test]
fn refused_link() {
    let failed =
        pending("rejected", None).replace(r#""failure":null"#, r#""failure":"the bank said no""#);
    let ran =
        Bench::new().says_with("POST /v1/links", 202, failed).run("link SANDBOXFINANCE_SFIN0000");
    assert_snapshot!(ran.screen(), @r#"
    --- stderr
    error: lnk_01kkd4z800000000000000000a is rejected: the bank said no

    hint: try again with `banksyncd link SANDBOXFINANCE_SFIN0000`
    --- exit 1
    "#);
}

#[test]
fn history_table() {
    let versions = r#"{"revision":1,"run_id":"run_1","at":"2026-03-09T06:00:00Z","booking_date":"2026-03-09","amount":"-12.50","currency":"EUR","creditor_name":"Baecker","flags":[]}
{"revision":2,"run_id":"run_2","at":"2026-03-10T06:00:00Z","booking_date":"2026-03-10","amount":"-12.50","currency":"EUR","creditor_name":"Bäcker","flags":[]}
"#;
    let ran =
        Bench::new().says("GET /v1/transactions/txn_1/history", versions).run("history txn_1");
    assert_snapshot!(ran.screen(), @r"
    REVISION  SINCE             DATE        AMOUNT       WITH, FOR
           1  2026-03-09 06:00  2026-03-09  -12.50  EUR  Baecker
           2  06:00             2026-03-10  -12.50  EUR  Bäcker
    --- exit 0
    ");
}

#[test]
fn explanation_in_words() {
    let answer = r#"{"id":"txn_1","account_id":"acc_1","booking_status":"booked","state":"current","first_seen_at":"2026-03-09T06:00:00Z","last_seen_at":"2026-03-10T09:00:00Z","revision":2,"answers":3,"versions":[{"revision":1,"run_id":"run_1","at":"2026-03-09T06:00:00Z","evidence":null,"compared":null},{"revision":2,"run_id":"run_2","at":"2026-03-10T06:00:00Z","evidence":"bank_id","compared":{"internal_id":"absent","bank_id":"same","amount":"same","dates":"differs","text":"differs","parties":"same"}}],"near_misses":[{"id":"txn_2","booking_status":"booked","state":"current","effective_date":"2026-03-08","compared":{"internal_id":"absent","bank_id":"differs","amount":"same","dates":"differs","text":"same","parties":"same"},"reason":"in_one_answer"}]}"#;
    let ran = Bench::new().says("GET /v1/transactions/txn_1/explain", answer).run("explain txn_1");
    assert_snapshot!(ran.screen(), @r"
    txn_1
    booked, current; seen in 3 distinct answers from 2026-03-09 06:00 to 09:00
    version 1, 2026-03-09 06:00, run_1: the first
    version 2, 06:00, run_2: the bank's id and the amount are the same
        same: the bank's id, amount, parties
        different: dates, text
    1 other row near:
    txn_2, 2026-03-08, current: one answer had both
        same: amount, text, parties
        different: the bank's id, dates
    --- exit 0
    ");
}

const FORGOTTEN: &str = r#"{"id":"acc_01kkd4z8000000000000000001","link_id":"lnk_01kkd4z8000000000000000009","link_ended":false,"link_accounts":1}"#;

#[test]
fn forgetting() {
    let bench = |input, answer: &str| {
        let mut bench = Bench::new()
            .says("GET /v1/accounts/giro", GIRO)
            .says("DELETE /v1/accounts/giro", answer.to_owned());
        bench.terminal.input = true;
        bench.input = input;
        bench
    };
    assert_snapshot!(bench("y\n", FORGOTTEN).run("forget giro").screen(), @r"
    acc_01kkd4z8000000000000000001 is forgotten: nothing of it is left in the database
    lnk_01kkd4z8000000000000000009 goes on for 1 other account
    --- stderr
    erase acc_01kkd4z8000000000000000001 (giro, DE89370400440532013000, Girokonto, SANDBOXFINANCE_SFIN0000) with all its transactions and balances, for good? [y/N] backups and exports that were made before still have it, and `restore` brings it back: delete those that you do not need
    --- exit 0
    ");
    assert_snapshot!(bench("n\n", FORGOTTEN).run("forget giro").screen(), @r"
    --- stderr
    erase acc_01kkd4z8000000000000000001 (giro, DE89370400440532013000, Girokonto, SANDBOXFINANCE_SFIN0000) with all its transactions and balances, for good? [y/N] nothing was changed
    --- exit 1
    ");
    let last = FORGOTTEN.replace("false", "true").replace(":1}", ":0}");
    assert_snapshot!(bench("", &last).run("forget giro --yes").screen(), @r"
    acc_01kkd4z8000000000000000001 is forgotten: nothing of it is left in the database
    lnk_01kkd4z8000000000000000009 is ended: no other account goes by it
    --- stderr
    backups and exports that were made before still have it, and `restore` brings it back: delete those that you do not need
    --- exit 0
    ");
    let ran = bench("", FORGOTTEN).run("forget giro --yes --json");
    assert_eq!((ran.out, ran.requests.len()), (format!("{FORGOTTEN}\n"), 1));
}

#[test]
fn ends_of_access_as_a_calendar() {
    let body = format!("{LINK}\n{CARD_LINK}\n");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.ics");
    let line = format!("links --ics {}", file.display());
    let ran = Bench::new().says("GET /v1/links", body.clone()).run(&line);
    let shown = ran.screen().replace(folder.path().to_str().unwrap(), "DIR");
    assert_snapshot!(shown, @r"
    2 events in `DIR/x.ics`
    --- exit 0
    ");
    let printed = Bench::new().says("GET /v1/links", body.clone()).run("links --ics -").out;
    assert_eq!(printed, std::fs::read_to_string(&file).unwrap());
    let ran = Bench::new().says("GET /v1/links", body).run(&format!("{line} --json"));
    assert!(ran.out.contains("\"events\":2"), "{}", ran.out);
    let ran = Bench::new().says("GET /v1/links", "").run("links --ics /nowhere/x.ics");
    assert_eq!(ran.code, Code::CantCreate);
}
