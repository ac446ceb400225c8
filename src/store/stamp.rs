//! What an answer gave as `last_updated`, in few bytes: it is compared as text, so the very text comes back.
//!
//! Nearly all of them are `YYYY-MM-DDTHH:MM:SS.ffffffZ`, shortly before the answer came. Such a text is stored as the time
//! before, times 16, plus a kind: 0 to 6 for so many decimals, the time being microseconds; 8 to 14 for so many decimals that
//! are all zero, 15 for no point at all, the time being whole seconds. Any other text is stored as it is.

use rusqlite::types::Value;

use crate::model::time::UtcInstant;

/// Letters of `YYYY-MM-DDTHH:MM:SS`.
const WHOLE_LEN: usize = 19;
/// Decimals that are kept apart.
const DECIMALS_MAX: usize = 6;
/// From this kind on the time is whole seconds.
const WHOLE: i64 = 8;
const NO_POINT: i64 = 15;
const SECOND_MICROS: i64 = 1_000_000;

/// As the column holds it, of an answer that came at `at`.
pub(super) fn pack(at: UtcInstant, text: Option<&str>) -> Value {
    match text {
        None => Value::Null,
        Some(text) => match short(at, text).filter(|number| render(at, *number) == text) {
            Some(number) => Value::Integer(number),
            None => Value::Text(text.to_owned()),
        },
    }
}

/// The text from its column; `None` if it gave none.
pub(super) fn unpack(at: UtcInstant, value: Value) -> Option<String> {
    match value {
        Value::Integer(number) => Some(render(at, number)),
        Value::Text(text) => Some(text),
        Value::Null | Value::Real(_) | Value::Blob(_) => None,
    }
}

fn short(at: UtcInstant, text: &str) -> Option<i64> {
    let (whole, rest) = text.split_at_checked(WHOLE_LEN)?;
    let decimals = rest.strip_suffix('Z')?;
    let (micros, kind) = match decimals.strip_prefix('.') {
        None => (0, NO_POINT),
        Some(digits) if digits.len() <= DECIMALS_MAX => {
            let kind = i64::try_from(digits.len()).ok()?;
            match format!("{digits:0<6}").parse().ok()? {
                0 => (0, kind.checked_add(WHOLE)?),
                micros => (micros, kind),
            }
        }
        Some(_) => return None,
    };
    let given = UtcInstant::parse(whole)?.ms().checked_mul(1_000)?.checked_add(micros)?;
    let unit = unit(kind);
    let before =
        at.ms().checked_mul(1_000)?.div_euclid(unit).checked_sub(given.div_euclid(unit))?;
    before.checked_mul(16)?.checked_add(kind)
}

/// Microseconds that the time of a kind counts.
const fn unit(kind: i64) -> i64 {
    if kind >= WHOLE { SECOND_MICROS } else { 1 }
}

fn render(at: UtcInstant, number: i64) -> String {
    let kind = number & 15;
    let now = at.ms().saturating_mul(1_000).div_euclid(unit(kind));
    let given = now.saturating_sub(number >> 4).saturating_mul(unit(kind));
    let (second, micros) = (given.div_euclid(SECOND_MICROS), given.rem_euclid(SECOND_MICROS));
    let whole = UtcInstant::from_ms(second.saturating_mul(1_000));
    let decimals = if kind == NO_POINT {
        String::new()
    } else {
        let mut digits = format!("{micros:06}");
        digits.truncate(usize::try_from(kind % WHOLE).unwrap_or_default());
        format!(".{digits}")
    };
    let whole = whole.to_string();
    format!("{}{decimals}Z", whole.strip_suffix('Z').unwrap_or(&whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: UtcInstant = UtcInstant::from_ms(1_767_607_351_234);

    #[test]
    fn the_provider_s_spelling_is_a_small_number() {
        let packed = pack(AT, Some("2026-01-05T10:02:31.000000Z"));
        assert_eq!(packed, Value::Integer(14));
        let packed = pack(AT, Some("2026-01-05T10:02:31.200000Z"));
        assert_eq!(packed, Value::Integer(34_000 * 16 + 6));
        for text in ["2026-01-05T10:02:31Z", "2026-01-05T10:02:29.5Z", "2027-01-05T00:00:00.Z"] {
            let packed = pack(AT, Some(text));
            assert!(matches!(packed, Value::Integer(_)), "{text}");
            assert_eq!(unpack(AT, packed).as_deref(), Some(text));
        }
        assert_eq!(pack(AT, None), Value::Null);
        assert_eq!(unpack(AT, Value::Null), None);
    }

    proptest! {
        #[test]
        fn every_text_comes_back(
            at in -4_000_000_000_000_i64..4_000_000_000_000,
            text in "([0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,8})?Z)|.{0,30}",
        ) {
            let at = UtcInstant::from_ms(at);
            prop_assert_eq!(unpack(at, pack(at, Some(&text))), Some(text));
        }
    }
}
