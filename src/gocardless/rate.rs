//! The rate headers of an answer, in every spelling.
//!
//! The provider documents `HTTP_X_RATELIMIT_…`; on the wire the names arrive literally so, in lower case, with underscores
//! (seen 2025-02), and proxies may rename or drop them. So names are compared without case, with `-` for `_`, with and
//! without `http_`. Values are seconds and counts; negative and never-ending ones were seen in 2024 and are clamped.

use crate::model::failure::Rate;
use crate::model::time::UtcInstant;

/// The longest window there is: a day.
pub(super) const WAIT_MAX_S: u32 = 86_400;
/// More than any plan allows; a larger number is nonsense and says nothing.
const CALLS_MAX: i64 = 1_000_000;

/// Reads the headers. What is absent or nonsense is `None`.
pub(super) fn read(headers: &[(String, String)]) -> Rate {
    let mut rate = Rate::default();
    for (name, value) in headers {
        let Ok(value) = value.trim().parse::<i64>() else { continue };
        let (slot, number) = match plain_name(name).as_str() {
            // A limit of nothing would stop all calls for ever: it says nothing.
            "x_ratelimit_account_success_limit" => {
                (&mut rate.account_limit, (value > 0).then_some(value).and_then(calls))
            }
            "x_ratelimit_account_success_remaining" => (&mut rate.account_remaining, calls(value)),
            "x_ratelimit_account_success_reset" => (&mut rate.account_reset_s, seconds(value)),
            "x_ratelimit_remaining" => (&mut rate.company_remaining, calls(value)),
            "x_ratelimit_reset" => (&mut rate.company_reset_s, seconds(value)),
            _ => continue,
        };
        *slot = slot.or(number);
    }
    rate
}

/// How the rate headers of an answer are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As documented.
    Documented,
    /// Otherwise, and understood all the same.
    Other,
    /// They are there and hold no numbers.
    NoNumbers,
    /// There are none.
    Absent,
}

/// How the headers are spelled.
pub(super) fn spelling(headers: &[(String, String)]) -> Spelling {
    let of_rate = |(name, _): &&(String, String)| plain_name(name).starts_with("x_ratelimit_");
    let found: Vec<&(String, String)> = headers.iter().filter(of_rate).collect();
    let number = |(_, value): &&&(String, String)| value.trim().parse::<i64>().is_ok();
    let numbers: Vec<bool> =
        found.iter().filter(number).map(|(name, _)| is_documented(name)).collect();
    if found.is_empty() {
        Spelling::Absent
    } else if numbers.is_empty() {
        Spelling::NoNumbers
    } else if numbers.iter().all(|documented| *documented) {
        Spelling::Documented
    } else {
        Spelling::Other
    }
}

fn is_documented(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("http_x_ratelimit_")
}

/// The value of a header by its lower-case name.
pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(given, _)| given.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// The server's clock.
pub(super) fn server_date(headers: &[(String, String)]) -> Option<UtcInstant> {
    header(headers, "date").and_then(UtcInstant::parse_http_date)
}

/// Seconds of a wait, clamped to 0…86,400.
pub(super) fn seconds(value: i64) -> Option<u32> {
    u32::try_from(value.clamp(0, i64::from(WAIT_MAX_S))).ok()
}

fn calls(value: i64) -> Option<u32> {
    (value <= CALLS_MAX).then(|| value.max(0)).and_then(|value| u32::try_from(value).ok())
}

fn plain_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('-', "_");
    name.strip_prefix("http_").map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_spelling() {
        let expected = Rate {
            account_limit: Some(4),
            account_remaining: Some(0),
            account_reset_s: Some(86_307),
            company_remaining: Some(99),
            company_reset_s: Some(59),
        };
        for prefix in [
            "http_x_ratelimit_",
            "HTTP_X_RATELIMIT_",
            "x-ratelimit-",
            "X-RateLimit-",
            "http-x-ratelimit-",
        ] {
            let rate = read(&headers(&[
                (&format!("{prefix}limit"), "100"),
                (&format!("{prefix}remaining"), "99"),
                (&format!("{prefix}reset"), " 59 "),
                (&format!("{prefix}account_success_limit"), "4"),
                (&format!("{prefix}account-success-remaining"), "0"),
                (&format!("{prefix}ACCOUNT_SUCCESS_RESET"), "86307"),
            ]));
            assert_eq!(rate, expected, "{prefix}");
        }
        assert_eq!(read(&[]), Rate::default());
    }

    #[test]
    fn spellings_are_told_apart() {
        for (name, value, expected) in [
            ("http_x_ratelimit_limit", "100", Spelling::Documented),
            ("HTTP_X_RATELIMIT_RESET", "-1", Spelling::Documented),
            ("http-x-ratelimit-limit", "100", Spelling::Other),
            ("x-ratelimit-limit", "100", Spelling::Other),
            ("http_x_ratelimit_limit", "soon", Spelling::NoNumbers),
            ("content-length", "100", Spelling::Absent),
        ] {
            assert_eq!(spelling(&headers(&[("date", "x"), (name, value)])), expected, "{name}");
        }
    }

    #[test]
    fn nonsense_is_clamped_or_says_nothing() {
        let rate = read(&headers(&[
            ("http_x_ratelimit_account_success_limit", "0"),
            ("http_x_ratelimit_account_success_remaining", "-3"),
            ("http_x_ratelimit_account_success_reset", "1000000000000"),
            ("http_x_ratelimit_remaining", "lots"),
            ("http_x_ratelimit_reset", "-1"),
        ]));
        assert_eq!(
            rate,
            Rate {
                account_remaining: Some(0),
                account_reset_s: Some(WAIT_MAX_S),
                company_reset_s: Some(0),
                ..Rate::default()
            }
        );
        assert_eq!(
            read(&headers(&[("x-ratelimit-account-success-limit", "99999999999")])),
            Rate::default()
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(name in "\\PC{0,40}", value in "\\PC{0,25}") {
            let rate = read(&[(name, value)]);
            prop_assert!(rate.account_reset_s.unwrap_or(0) <= WAIT_MAX_S);
        }
    }
}
