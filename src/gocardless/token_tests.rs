//! The life of tokens on a virtual clock, by the requests that leave.

#![expect(clippy::unnecessary_wraps, reason = "a scripted answer may be a transport error")]

use std::sync::atomic::Ordering;

use super::super::limit::Spacing;
use super::super::testing::{MemoryVault, Script, VirtualClock};
use super::*;
use crate::model::failure::{ConfigurationFault, EdgeFault, FailureClass, Throttled};
use crate::model::time::DAY_MS;

const NEW: &str = "POST token/new/";
const REFRESH: &str = "POST token/refresh/";

type Scripted = Result<(u16, String), TransportError>;

fn issued(number: u32) -> Scripted {
    let body = format!(
        r#"{{"access":"access-{number}","access_expires":86400,"refresh":"refresh-{number}","refresh_expires":"2592000"}}"#
    );
    Ok((200, body))
}

fn refreshed(number: u32) -> Scripted {
    Ok((200, format!(r#"{{"access":"access-{number}","access_expires":"86400","more":1}}"#)))
}

fn invalid() -> Scripted {
    Ok((
        401,
        r#"{"summary":"Invalid token","detail":"Token is invalid or expired","status_code":401}"#
            .into(),
    ))
}

struct House {
    clock: Arc<VirtualClock>,
    vault: Arc<MemoryVault>,
    script: Arc<Script>,
    line: Line,
    tokens: Tokens,
}

impl House {
    fn new(answers: impl IntoIterator<Item = Scripted>) -> Self {
        Self::with_vault(Arc::default(), VirtualClock::new(), "key", answers)
    }

    fn with_vault(
        vault: Arc<MemoryVault>,
        clock: Arc<VirtualClock>,
        key: &str,
        answers: impl IntoIterator<Item = Scripted>,
    ) -> Self {
        let script = Script::new(answers);
        let credentials = Credentials {
            api_base: "https://bank.example/api/v2/".into(),
            secret_id: Secret::new("id".into()),
            secret_key: Secret::new(key.into()),
        };
        Self {
            line: Line::new(script.clone(), Spacing::new(clock.clone(), 100)),
            tokens: Tokens::new(vault.clone(), clock.clone(), credentials),
            clock,
            vault,
            script,
        }
    }

    /// The same vault and clock in a new process.
    fn restarted(&self, key: &str, answers: impl IntoIterator<Item = Scripted>) -> Self {
        Self::with_vault(self.vault.clone(), self.clock.clone(), key, answers)
    }

    async fn access(&self) -> Result<String, Failure> {
        self.tokens.access(&self.line).await.map(|secret| secret.expose().to_owned())
    }

    async fn refuse(&self, access: &str) {
        self.tokens.refused(&Secret::new(access.into())).await;
    }
}

#[tokio::test]
async fn one_token_for_all_and_across_restarts() {
    let house = House::new([issued(1)]);
    let (a, b, c) = tokio::join!(house.access(), house.access(), house.access());
    assert!([a, b, c].into_iter().all(|access| access.unwrap() == "access-1"));
    assert_eq!(house.script.take_paths(), [NEW]);
    assert_eq!(house.tokens.take_events(), [TokenEvent::Issued]);
    assert!(house.tokens.take_events().is_empty());
    let again = house.restarted("key", []);
    assert_eq!(again.access().await.unwrap(), "access-1");
    let stored = house.vault.value.lock().unwrap().clone().unwrap();
    assert!(!stored.contains("\"key\"") && stored.contains("access-1"), "{stored}");
}

#[tokio::test]
async fn refreshed_an_hour_before_the_end_and_minted_after_thirty_days() {
    let house = House::new([issued(1)]);
    house.access().await.unwrap();
    house.clock.advance_ms(DAY_MS - HOUR_MS - 1);
    assert_eq!(house.access().await.unwrap(), "access-1");
    house.clock.advance_ms(1);
    house.script.push(refreshed(2));
    assert_eq!(house.access().await.unwrap(), "access-2");
    assert_eq!(house.script.take_paths(), [NEW, REFRESH]);
    assert_eq!(house.tokens.take_events(), [TokenEvent::Issued, TokenEvent::Refreshed]);
    house.clock.advance_ms(30 * DAY_MS);
    house.script.push(issued(3));
    assert_eq!(house.access().await.unwrap(), "access-3");
    assert_eq!(house.script.take_paths(), [NEW]);
}

#[tokio::test]
async fn a_year_costs_a_dozen_new_tokens() {
    let script =
        Script::with_rule(
            |request| if request.path == "token/new/" { issued(1) } else { refreshed(2) },
        );
    let mut house = House::new([]);
    house.line = Line::new(script.clone(), Spacing::new(house.clock.clone(), 100));
    for _ in 0..365 * 24 {
        house.clock.advance_ms(HOUR_MS);
        house.access().await.unwrap();
    }
    let asked = script.take_paths();
    let new = asked.iter().filter(|path| *path == NEW).count();
    let refresh = asked.len() - new;
    assert!((12..=14).contains(&new) && refresh <= 390, "{new} {refresh}");
}

#[tokio::test]
async fn a_changed_secret_or_server_takes_effect_at_once() {
    let house = House::new([issued(1)]);
    house.access().await.unwrap();
    let changed = house.restarted("another key", [issued(2)]);
    assert_eq!(changed.access().await.unwrap(), "access-2");
    assert_eq!(changed.script.take_paths(), [NEW]);
    let back = house.restarted("key", [issued(3)]);
    assert_eq!(back.access().await.unwrap(), "access-3");
}

#[tokio::test]
async fn a_refused_token_is_refreshed_and_then_minted_once() {
    let house = House::new([issued(1), refreshed(2), issued(3)]);
    house.access().await.unwrap();
    house.clock.advance_ms(HOUR_MS);
    house.refuse("access-1").await;
    assert_eq!(house.access().await.unwrap(), "access-2");
    house.refuse("access-1").await;
    assert_eq!(house.access().await.unwrap(), "access-2", "an old refusal concerns nobody");
    house.refuse("access-2").await;
    assert_eq!(house.access().await.unwrap(), "access-3");
    assert_eq!(house.script.take_paths(), [NEW, REFRESH, NEW]);
}

#[tokio::test]
async fn a_refused_refresh_token_leads_to_a_new_pair() {
    let house = House::new([issued(1), invalid(), issued(2)]);
    house.access().await.unwrap();
    house.clock.advance_ms(DAY_MS);
    assert_eq!(house.access().await.unwrap(), "access-2");
    assert_eq!(house.script.take_paths(), [NEW, REFRESH, NEW]);
}

#[tokio::test]
async fn endless_refusals_do_not_mint_endlessly() {
    let house = House::new([]);
    let mut minted = 0;
    let stopped = loop {
        for _ in 0..2 {
            house.script.push(issued(minted));
        }
        match house.access().await {
            Ok(access) => house.refuse(&access).await,
            Err(failure) => break failure,
        }
        minted += 1;
        assert!(minted < 60);
    };
    let mints = house.script.take_paths().iter().filter(|path| *path == NEW).count();
    assert_eq!(mints, MINTS_PER_HOUR_MAX);
    let FailureClass::Throttle { wait_s: Some(wait_s), whom: Throttled::Company } = stopped.class
    else {
        panic!("{stopped:?}");
    };
    house.clock.advance_ms(i64::from(wait_s) * 1_000);
    assert!(house.access().await.is_ok());
}

#[tokio::test]
async fn while_renewal_fails_the_old_token_serves_to_its_end() {
    let house = House::new([issued(1), Ok((503, String::new()))]);
    house.access().await.unwrap();
    house.clock.advance_ms(DAY_MS - HOUR_MS);
    assert_eq!(house.access().await.unwrap(), "access-1");
    assert_eq!(house.access().await.unwrap(), "access-1", "no second try at once");
    assert_eq!(house.script.take_paths(), [NEW, REFRESH]);
    house.clock.advance_ms(HOUR_MS);
    house.script.push(Err(TransportError::TimedOut));
    let failure = house.access().await.unwrap_err();
    assert_eq!(
        failure.class,
        FailureClass::Edge(EdgeFault::Unreachable),
        "the data call did not leave"
    );
    assert!(!failure.counts);
    house.script.push(refreshed(2));
    assert_eq!(house.access().await.unwrap(), "access-2");
}

#[tokio::test]
async fn refusals_of_the_token_endpoints() {
    use FailureClass::{Configuration, Edge, Throttle};
    let text = |summary: &str| format!(r#"{{"summary":"{summary}","detail":"x","status_code":1}}"#);
    let cases = [
        ((401, text("Authentication failed")), Configuration(ConfigurationFault::Credentials)),
        (
            (400, r#"{"secret_id":["This field may not be blank."]}"#.into()),
            Configuration(ConfigurationFault::Credentials),
        ),
        ((403, text("IP address access denied")), Configuration(ConfigurationFault::IpNotAllowed)),
        ((402, text("Payment Required")), Configuration(ConfigurationFault::PlanLimit)),
        ((429, text("Rate limit exceeded")), Throttle { wait_s: None, whom: Throttled::Company }),
        ((500, text("x")), Edge(EdgeFault::NotTheApi)),
        ((401, "<html>".into()), Edge(EdgeFault::NotTheApi)),
        ((403, "<html>".into()), Edge(EdgeFault::NotTheApi)),
        ((200, "<html>".into()), Edge(EdgeFault::NotTheApi)),
        ((200, r#"{"access":"a\nb"}"#.into()), Edge(EdgeFault::NotTheApi)),
        ((200, r#"{"access":""}"#.into()), Edge(EdgeFault::NotTheApi)),
    ];
    for (answer, class) in cases {
        let house = House::new([Ok(answer.clone())]);
        let failure = house.access().await.unwrap_err();
        assert_eq!(failure.class, class, "{answer:?}");
        assert!(!failure.counts && house.vault.value.lock().unwrap().is_none());
    }
}

#[tokio::test]
async fn odd_lifetimes_are_bounded() {
    for lifetime in ["0", "-5", "\"soon\"", "1e9", "99999999999", "null", "[]"] {
        let body = format!(r#"{{"access":"a","access_expires":{lifetime}}}"#);
        let house = House::new([Ok((200, body))]);
        assert_eq!(house.access().await.unwrap(), "a", "{lifetime}");
        assert_eq!(house.access().await.unwrap(), "a", "{lifetime}");
    }
}

#[tokio::test]
async fn without_a_vault_tokens_live_in_memory() {
    let house = House::new([issued(1)]);
    house.vault.broken.store(true, Ordering::SeqCst);
    assert_eq!(house.access().await.unwrap(), "access-1");
    assert_eq!(house.access().await.unwrap(), "access-1");
    house.vault.broken.store(false, Ordering::SeqCst);
    assert_eq!(house.access().await.unwrap(), "access-1");
    assert!(house.vault.value.lock().unwrap().is_some(), "written when the vault is back");
}

#[tokio::test]
async fn a_damaged_record_is_as_good_as_none() {
    for record in ["", "{}", "[]", r#"{"fingerprint":7,"access":"a"}"#] {
        let vault = Arc::new(MemoryVault::default());
        *vault.value.lock().unwrap() = Some(record.into());
        let house = House::with_vault(vault, VirtualClock::new(), "key", [issued(1)]);
        assert_eq!(house.access().await.unwrap(), "access-1");
    }
}

#[tokio::test]
async fn an_unreachable_server_uses_up_no_tokens() {
    let house = House::new([]);
    for _ in 0..3 * MINTS_PER_HOUR_MAX {
        house.script.push(Err(TransportError::Unreachable));
        house.access().await.unwrap_err();
    }
    house.script.push(issued(1));
    assert_eq!(house.access().await.unwrap(), "access-1");
}

#[tokio::test]
async fn one_failed_renewal_is_shared_by_all_who_wait_for_it() {
    let house = House::new([Ok((503, String::new()))]);
    let (a, b, c) = tokio::join!(house.access(), house.access(), house.access());
    assert!([a, b, c].into_iter().all(|access| access.unwrap_err().status == Some(503)));
    assert_eq!(house.script.take_paths(), [NEW]);
    house.script.push(issued(1));
    assert_eq!(house.access().await.unwrap(), "access-1", "who comes later asks anew");
}
