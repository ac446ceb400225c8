//! Stopping, killing and starting again: nothing lost, nothing doubled, nothing spent twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use banksyncd::sandbox::{Call, FaultKind, Limits, Phase, QuotaRule, SANDBOX, Scope, WorldConfig};
use rustix::process::Signal;

use crate::linking::assert_equals_truth;
use crate::rig::{Process, Rig, exists, text, wait_for, wait_until};

#[test]
fn a_restart_costs_nothing_and_loses_nothing() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked(SANDBOX);
    rig.linked("GLOBEWALLET_GLWTBEBB");
    let (calls, before) = (rig.bank.count(), rig.accounts());
    let rows = rig.verb(&["transactions", "--all", "--raw", "--json"]).expect(0).out;
    let balances = rig.verb(&["balances", "--history", "--json"]).expect(0).out;
    for _ in 0..2 {
        let begun = Instant::now();
        assert_eq!(rig.stop(), 0);
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        assert!(!exists(&rig.socket()), "the socket file goes with the daemon");
        rig.verb(&["status"]).expect(69);
        assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
        rig.start();
    }
    assert_eq!(rig.events("daemon_started").len(), 3);
    rig.wait_for_events("daemon_stopped", 2);
    assert_eq!(rig.verb(&["transactions", "--all", "--raw", "--json"]).expect(0).out, rows);
    assert_eq!(rig.verb(&["balances", "--history", "--json"]).expect(0).out, balances);
    assert_eq!(rig.accounts(), before);
    assert_eq!(rig.bank.count(), calls, "not a single call");
    rig.sync(&[]).expect(0);
    assert_eq!(rig.bank.minted(), 1, "the token is kept");
    assert_equals_truth(&rig);
}

#[test]
fn a_stop_waits_for_the_answer_that_is_paid_for() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    rig.bank.advance_s(3 * 86_400);
    let slow = FaultKind::Slow { delay_ms: 1_500 };
    rig.bank.spoil_data(&slow, Some(Scope::Transactions));
    let answered = |rig: &Rig| {
        let given = |call: &Call| call.scope == Some(Scope::Transactions) && call.status == 200;
        rig.bank.calls(given).len()
    };
    rig.verb(&["sync"]).expect(0);
    wait_until("the call to leave", || answered(&rig) == 2);
    assert_eq!(rig.stop(), 0);
    rig.bank.with(|world, _| world.clear_faults());
    rig.start();
    let account = rig.accounts().remove(0);
    let theirs = text(&account, "provider_account_id");
    let listed = rig.raw_rows(&text(&account, "id"), "booked");
    let truth = rig.bank.rows(&theirs, Phase::Booked);
    assert!(truth.iter().all(|row| listed.contains(row)), "{} of {}", listed.len(), truth.len());
}

/// A small generator, so that a failure can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Lets the daemon work until the bank has seen some more requests and a little longer, then kills it.
fn kill_in_the_middle(rig: &mut Rig, dice: &mut Dice) {
    let until = rig.bank.count() + dice.below(5);
    let begun = Instant::now();
    while rig.bank.count() < until && begun.elapsed() < Duration::from_millis(400) {
        std::hint::spin_loop();
    }
    let begun = Instant::now();
    let pause = Duration::from_micros(dice.below(25_000));
    while begun.elapsed() < pause {
        std::hint::spin_loop();
    }
    rig.kill();
}

/// The stored rows: id and raw text.
fn rows(rig: &Rig) -> BTreeSet<(String, String)> {
    let said = rig.verb(&["transactions", "--raw", "--json"]).expect(0);
    let row = |line: &str| {
        let id = text(&serde_json::from_str(line).unwrap(), "id");
        (id, crate::rig::raw_of(line).to_owned())
    };
    said.out.lines().map(row).collect()
}

#[test]
fn kills_at_any_moment_lose_nothing() {
    const KILLS: u32 = 40;
    const DAILY: u32 = 60;
    let limits = Limits { daily: DAILY, rule: QuotaRule::Sliding, ..Limits::default() };
    let mut rig = Rig::with(WorldConfig { limits, ..WorldConfig::default() })
        .extra(&format!("[limits]\ncalls-per-day = {DAILY}\nmanual-reserve = 1\n"));
    rig.start();
    rig.linked(SANDBOX);
    let ids: Vec<String> = rig.accounts().iter().map(|own| text(own, "id")).collect();
    let mut dice = Dice(0x5eed_cafe);
    let mut known = rows(&rig);
    for kill in 0..KILLS {
        // Time passes at the bank, so that each pull brings news.
        rig.bank.advance_s(1_500);
        rig.verb(&["sync"]).expect(0);
        kill_in_the_middle(&mut rig, &mut dice);
        rig.start();
        let now = rows(&rig);
        let lost: Vec<_> = known.difference(&now).collect();
        assert!(lost.is_empty(), "kill {kill} lost {lost:?}");
        known = now;
    }
    rig.bank.with(|world, _| {
        assert!(world.log().busiest_day() <= DAILY as usize);
        assert_eq!(world.log().tokens_minted().len(), 1, "no kill fell between answer and storing");
    });
    // The ledger knows of every call that the bank counted.
    for quota in rig.list(&["quota"]) {
        let account = rig.account(&text(&quota, "account_id"));
        let scope = Scope::ALL.into_iter().find(|own| own.as_str() == quota["scope"]).unwrap();
        let theirs = text(&account, "provider_account_id");
        let counted = rig.bank.with(|world, _| world.log().successes(&theirs, scope).len());
        let used = quota["used"].as_u64().unwrap();
        assert!(used >= counted as u64, "{quota}: the bank counted {counted}");
    }
    let done = wait_for("a last pull", || {
        Some(rig.sync(&[])).filter(|said| said.code == 0).map(|said| said.lines())
    });
    assert_eq!(done.len(), ids.len());
    assert_equals_truth(&rig);
    assert_eq!(rig.verb(&["verify", "--json"]).expect(0).line()["ok"], true);
    let started = rig.events("daemon_started");
    assert_eq!(started.len(), KILLS as usize + 1);
}

#[test]
fn kills_never_exceed_the_daily_limit() {
    let mut rig = Rig::new();
    rig.start();
    rig.linked("POLDER_POLDNL2U");
    let mut dice = Dice(0xfeed_beef);
    for _ in 0..12 {
        rig.bank.advance_s(600);
        rig.verb(&["sync"]);
        kill_in_the_middle(&mut rig, &mut dice);
        rig.start();
    }
    // A kill before the call of a round left costs nothing; in the end everything is spent.
    wait_until("the quota to be spent", || rig.sync(&[]).code == 75);
    rig.bank.with(|world, _| {
        assert!(world.log().busiest_day() <= 4, "{}", world.log().busiest_day());
        assert_eq!(world.log().tokens_minted().len(), 1);
    });
    assert_eq!(rig.bank.calls(|call| call.status == 429).len(), 0, "it knew by itself");
}

#[test]
fn kills_while_linking_make_one_requisition() {
    let mut rig = Rig::with(WorldConfig { consent_step_s: 1, ..WorldConfig::default() });
    let mut dice = Dice(0xabcd_1234);
    rig.start();
    let asked =
        rig.ask("POST", "/v1/links", &format!("{{\"institution\":\"{SANDBOX}\"}}")).unwrap();
    assert_eq!(asked.0, 202, "{asked:?}");
    let id = text(&asked.1[0], "id");
    let mut kills = 0;
    let mut authorised = false;
    // What was answered with 202 is durable or never was: a kill right here may undo it, but only as a whole.
    loop {
        kill_in_the_middle(&mut rig, &mut dice);
        kills += 1;
        rig.start();
        let Some(link) = rig.peek("/v1/links").into_iter().find(|link| link["id"] == id.as_str())
        else {
            panic!("an accepted link is gone after kill {kills}");
        };
        if link["url"].is_string() && !authorised {
            rig.authorise(&link);
            authorised = true;
        }
        if link["status"] == "linked" && kills >= 10 {
            break;
        }
        assert!(kills < 60, "{link}");
    }
    rig.wait_for_first_pull(&id);
    let made =
        rig.bank.calls(|call| call.method == "POST" && call.path.ends_with("/requisitions/"));
    assert_eq!(made.len(), 1, "{made:?}");
    let minted = rig.bank.minted();
    assert!(
        minted <= 2,
        "{minted} tokens: at most one answer can have been lost before it was stored"
    );
    assert_equals_truth(&rig);
    assert_eq!(rig.accounts().len(), 2);
    rig.bank.with(|world, _| assert!(world.log().busiest_day() <= 4));
}

#[test]
fn who_starts_it_has_the_last_word_on_how_much_it_logs() {
    let mut rig = Rig::new().extra("[log]\nlevel = \"error\"\n");
    rig.write_config();
    let mut daemon = Process::spawn(rig.daemon_command().arg("-v"));
    let told = || rig.log().matches("control request").count();
    wait_until("a request in the log", || {
        rig.ask("GET", "/v1/version", "").is_some() && told() > 0
    });
    rig.verb(&["reload"]).expect(0);
    let before = told();
    rig.peek("/v1/version");
    wait_until("another one", || told() > before);
    daemon.signal(Signal::TERM);
    assert!(daemon.wait("the daemon to stop").success());
    rig.start();
    rig.peek("/v1/version");
    assert_eq!(rig.stop(), 0);
    let log = rig.log();
    assert_eq!(
        log.matches("down in good order").count(),
        1,
        "the second one logs errors only: {log}"
    );
}
