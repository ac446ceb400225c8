//! One line per kind of refusal: what it is taken for and whether it counts.

use super::*;
use crate::model::port::Body;
use proptest::prelude::*;

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    Response {
        status,
        headers: headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        body: Body::new(body.as_bytes().to_vec(), None),
    }
}

fn failure(status: u16, body: &str) -> Failure {
    Error::of_response(&response(status, &[], body), true).into_failure(Rate::default(), None)
}

fn typed(kind: &str) -> String {
    format!(
        r#"{{"summary":"Couldn't update account balances","detail":"x","type":"{kind}","status_code":1}}"#
    )
}

fn flat(summary: &str) -> String {
    format!(r#"{{"summary":"{summary}","detail":"some words"}}"#)
}

#[test]
fn every_refusal_of_a_data_call() {
    use FailureClass::{
        Configuration, DeadAccount, InstitutionError, Reconnect, ScopeGone, Suspended, Token, Wait,
    };
    let revoked = || Reconnect(AccessEnd::ExpiredOrRevoked);
    let expired = || Reconnect(AccessEnd::Expired);
    let waiting = Wait { processing: false };
    let cases = [
        (401, flat("Invalid token"), Token, false),
        (401, flat("End User Agreement (EUA) 1-2 has expired"), expired(), false),
        (400, flat("End User Agreement (EUA) 1-2 has expired"), expired(), false),
        (401, typed("AccessExpiredError"), revoked(), true),
        (401, typed("NoAccountsConnected"), revoked(), true),
        (401, typed("SSNVerificationFailed"), revoked(), true),
        (401, typed("AccountInactiveError"), DeadAccount, true),
        (401, typed("SomethingNewError"), InstitutionError, true),
        (401, flat("Invalid tokens"), InstitutionError, true),
        (402, flat("Payment Required"), Configuration(ConfigurationFault::PlanLimit), false),
        (
            403,
            flat("IP address access denied"),
            Configuration(ConfigurationFault::IpNotAllowed),
            false,
        ),
        (403, flat("No valid End User Agreement"), revoked(), false),
        (403, flat("End User Agreement (EUA) access scope error"), ScopeGone, false),
        (403, typed("AccountAccessForbidden"), ScopeGone, true),
        (403, typed("AccountResourceUnavailable"), ScopeGone, true),
        (409, flat("Account suspended"), Suspended, false),
        (409, flat("Account is Processing"), Wait { processing: true }, false),
        (409, r#"{"id":"a","iban":"x","status":"ERROR"}"#.into(), waiting.clone(), false),
        (409, r#"{"id":"a","status":"SUSPENDED"}"#.into(), Suspended, false),
        (409, r#"{"id":"a","status":"PROCESSING"}"#.into(), Wait { processing: true }, false),
        (409, r#"{"id":"a","status":"EXPIRED"}"#.into(), expired(), false),
        (409, "{}".into(), waiting.clone(), false),
        (500, typed("UnknownRequestError"), InstitutionError, true),
        (502, typed("SomethingNewError"), InstitutionError, true),
        (500, flat("Server error"), NOT_THE_API, true),
        (520, "<html>".into(), NOT_THE_API, true),
        (503, typed("ServiceError"), waiting.clone(), false),
        (503, typed("ConnectionError"), waiting, true),
        (503, flat("Unavailable"), NOT_THE_API, false),
        (503, String::new(), NOT_THE_API, false),
        (403, "<!DOCTYPE html>".into(), NOT_THE_API, false),
        (403, String::new(), NOT_THE_API, false),
        (401, "[]".into(), NOT_THE_API, false),
        (302, String::new(), NOT_THE_API, false),
        (404, "not here".into(), NOT_THE_API, false),
        (404, flat("Not found."), FailureClass::Bug(vec![Refusal::NotFound]), false),
        (
            404,
            r#"{"detail":"No Account matches the given query."}"#.into(),
            FailureClass::Bug(vec![Refusal::NotFound]),
            false,
        ),
        (
            400,
            flat("Invalid Account ID"),
            FailureClass::Bug(vec![Refusal::Field("request".into())]),
            false,
        ),
        (405, "{}".into(), FailureClass::Bug(vec![]), false),
    ];
    for (status, body, class, counts) in cases {
        let failure = failure(status, &body);
        assert_eq!((failure.class, failure.counts), (class, counts), "{status} {body}");
        assert_eq!(failure.status, Some(status));
    }
}

#[test]
fn only_data_calls_count() {
    let refused =
        |data| Error::of_response(&response(500, &[], &typed("UnknownRequestError")), data);
    assert!(refused(true).into_failure(Rate::default(), None).counts);
    assert!(!refused(false).into_failure(Rate::default(), None).counts);
    for (error, counts) in [
        (TransportError::Unreachable, false),
        (TransportError::TimedOut, true),
        (TransportError::Broken, true),
        (TransportError::TooLarge, false),
        (TransportError::Invalid, false),
    ] {
        let failure = Error::of_transport(error, true).into_failure(Rate::default(), None);
        assert_eq!((failure.counts, failure.status), (counts, None), "{error:?}");
        assert!(!Error::of_transport(error, false).into_failure(Rate::default(), None).counts);
    }
}

#[test]
fn whom_a_429_concerns_and_for_how_long() {
    use Throttled::{AccountScope, Company};
    type Case<'a> = (&'a [(&'a str, &'a str)], String, (Throttled, Option<u32>));
    let throttled = |headers: &[(&str, &str)], body: &str, data| match Error::of_response(
        &response(429, headers, body),
        data,
    )
    .class()
    {
        FailureClass::Throttle { wait_s, whom } => (whom, wait_s),
        other => panic!("{other:?}"),
    };
    let text = |detail: &str| {
        format!(r#"{{"summary":"Rate limit exceeded","detail":"{detail}","status_code":429}}"#)
    };
    let limit = |limit: &str, wait: &str| {
        text(&format!(
            "The rate limit for this resource is {limit}. Please try again in {wait} seconds"
        ))
    };
    let cases: [Case<'_>; 13] = [
        (&[], limit("100/minute", "42"), (Company, Some(42))),
        (&[], limit("4/day", "85092"), (AccountScope, Some(85_092))),
        (&[], limit("4/day", "30"), (AccountScope, Some(30))),
        (&[], limit("4/day", "99999999999999"), (AccountScope, Some(86_400))),
        (&[], typed("RateLimitError"), (AccountScope, None)),
        (&[], text("Please try again in 7200 seconds"), (AccountScope, Some(7_200))),
        (&[], text("Please try again in -5 seconds"), (Company, Some(5))),
        (&[], text("Please try again in some seconds"), (Company, None)),
        (&[("http_x_ratelimit_reset", "17")], "<html>".into(), (Company, Some(17))),
        (&[("retry-after", "33")], String::new(), (Company, Some(33))),
        (
            &[("http_x_ratelimit_account_success_reset", "500")],
            limit("4/day", "9"),
            (AccountScope, Some(500)),
        ),
        (
            &[("x-ratelimit-account-success-remaining", "0")],
            limit("4/day", "9"),
            (AccountScope, Some(9)),
        ),
        (
            &[
                ("http_x_ratelimit_account_success_remaining", "3"),
                ("http_x_ratelimit_account_success_reset", "80000"),
            ],
            limit("100/minute", "42"),
            (Company, Some(42)),
        ),
    ];
    for (headers, body, expected) in cases {
        assert_eq!(throttled(headers, &body, true), expected, "{headers:?} {body}");
    }
    assert_eq!(throttled(&[], &limit("4/day", "85092"), false), (Company, Some(85_092)));
}

#[test]
fn codes_are_words_and_nothing_of_the_body() {
    assert_eq!(failure(500, &typed("UnknownRequestError")).code, "UnknownRequestError");
    assert_eq!(failure(500, &typed("DE89 3704")).code, "not_the_api");
    assert_eq!(failure(409, &flat("Account suspended")).code, "suspended");
    let error = Error::of_response(&response(401, &[], &typed("AccessExpiredError")), true);
    assert_eq!(error.to_string(), "the provider answered `AccessExpiredError` with HTTP 401");
}

proptest! {
    #[test]
    fn no_error_body_panics(status in 100_u16..600, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let response = Response { status, headers: Vec::new(), body: Body::new(bytes, None) };
        let failure = Error::of_response(&response, true).into_failure(Rate::default(), None);
        prop_assert!(!failure.code.is_empty());
    }
}
