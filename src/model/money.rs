//! Exact money: an integer and a scale, never a float, the bank's scale kept.
//!
//! `"-10.5000"` stays four decimals, `"+0.04"` loses only its plus sign. What does not fit (more than 38 digits, an
//! exponent that needs more, text) is not an amount: the row is then flagged and its raw text kept.

use std::fmt;

use serde::{Deserialize, Serialize};

/// More decimals than any currency or bank writes; keeps every product of scales inside `i128`.
pub const SCALE_DIGITS_MAX: u8 = 30;

/// A decimal number: `units × 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    units: i128,
    scale: u8,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// From units and scale; `None` if the scale is over [`SCALE_DIGITS_MAX`].
    pub fn new(units: i128, scale: u8) -> Option<Self> {
        (scale <= SCALE_DIGITS_MAX).then_some(Self { units, scale })
    }

    /// The integer, in units of the last decimal.
    pub const fn units(self) -> i128 {
        self.units
    }

    /// Digits after the point.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Parses a decimal: sign, digits, point, digits, and a small exponent as JSON allows it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut units: i128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
            units = units.checked_mul(10)?.checked_add(i128::from(digit))?;
        }
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale < 0 {
            units = units.checked_mul(10)?;
            scale = scale.checked_add(1)?;
            if units == 0 {
                scale = 0;
            }
        }
        let units = if negative { units.checked_neg()? } else { units };
        Self::new(units, u8::try_from(scale).ok()?)
    }

    /// The same number with another scale, `None` if digits would be lost or it does not fit.
    pub fn rescale(self, scale: u8) -> Option<Self> {
        let mut units = self.units;
        for _ in scale..self.scale {
            (units.checked_rem(10)? == 0).then_some(())?;
            units = units.checked_div(10)?;
        }
        for _ in self.scale..scale {
            units = units.checked_mul(10)?;
        }
        Self::new(units, scale)
    }

    /// Sum at the larger scale; `None` on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let units = self.rescale(scale)?.units.checked_add(other.rescale(scale)?.units)?;
        Self::new(units, scale)
    }

    /// Difference at the larger scale; `None` on overflow.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self { units: other.units.checked_neg()?, ..other })
    }

    /// The same number without needless decimals, so that equal numbers are equal values.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let mut trimmed = self;
        while trimmed.scale > 0 {
            let Some(shorter) = trimmed.rescale(trimmed.scale.saturating_sub(1)) else { break };
            trimmed = shorter;
        }
        trimmed
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let (units, scale) = (self.units.unsigned_abs(), usize::from(self.scale));
        // Nearly always, and much quicker.
        let whole = u64::try_from(units).ok().zip(10_u64.checked_pow(self.scale.into()));
        if let Some((units, one)) = whole {
            let (whole, part) = (units.div_euclid(one), units.rem_euclid(one));
            return match scale {
                0 => write!(f, "{sign}{whole}"),
                _ => write!(f, "{sign}{whole}.{part:0>scale$}"),
            };
        }
        let digits = format!("{units:0>width$}", width = scale.saturating_add(1));
        match digits.split_at_checked(digits.len().saturating_sub(scale)) {
            Some((whole, fraction)) if scale > 0 => write!(f, "{sign}{whole}.{fraction}"),
            _ => write!(f, "{sign}{digits}"),
        }
    }
}

impl Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a decimal amount"))
    }
}

/// A currency code as the bank wrote it. ISO 4217 says three capitals; `XXX` and lower case occur and are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(pub String);

/// A currency code that looks like one of ISO 4217: three ASCII letters, in capitals. Codes compare by it; `XXX` is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// `None` if it does not look like one.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.trim().as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_uppercase())))
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Serialize for CurrencyCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a currency code"))
    }
}

/// An amount with its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Signed; negative is money out, as a rule.
    pub amount: Amount,
    /// As the bank wrote it.
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_seen_on_the_wire() {
        for (text, shown) in [
            ("-15.00", "-15.00"),
            ("-12.0", "-12.0"),
            ("-1", "-1"),
            ("-10.5000", "-10.5000"),
            ("+0.04", "0.04"),
            ("9906", "9906"),
            ("-0.00", "0.00"),
            (".5", "0.5"),
            ("1e2", "100"),
            ("1.25e1", "12.5"),
            ("9999999999999999999", "9999999999999999999"),
        ] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "-", ".", "abc", "1,00", "1e400", "0x10", "1.2.3", "--1", "1e-400", "NaN"]
        {
            assert_eq!(Amount::parse(text), None, "{text}");
        }
        assert_eq!(Amount::parse("0e400").unwrap().to_string(), "0");
    }

    #[test]
    fn differences_and_needless_decimals() {
        let amount = |text: &str| Amount::parse(text).unwrap();
        let left = amount("10.50").checked_sub(amount("0.5000")).unwrap();
        assert_eq!(left.to_string(), "10.0000");
        assert_eq!(left.trimmed(), amount("10"));
        assert_eq!(amount("0.00").trimmed(), Amount::ZERO);
        assert_eq!(amount("-1.230").trimmed().to_string(), "-1.23");
        assert_eq!(amount("1200").trimmed().to_string(), "1200");
    }

    #[test]
    fn currency_codes_are_three_letters() {
        assert_eq!(CurrencyCode::parse(" eur ").unwrap().to_string(), "EUR");
        for text in ["", "EU", "EURO", "E1R", "€"] {
            assert_eq!(CurrencyCode::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips(units in -10_i128.pow(30)..10_i128.pow(30), scale in 0_u8..12) {
            let amount = Amount::new(units, scale).unwrap();
            prop_assert_eq!(Amount::parse(&amount.to_string()), Some(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _parsed = Amount::parse(&text);
        }
    }
}
