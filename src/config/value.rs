//! Values of the file: numbers, durations, sizes, paths, words, places of secrets. Pure functions from a TOML value to ours.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml::de::DeValue;

use super::SecretSource;
use super::document::Wrong;
use super::suggest;
use crate::model::ledger::LedgerAccount;

/// Seconds of the units of a duration.
const DURATION_UNITS: [(&str, u32); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

/// Bytes of the units of a size.
const SIZE_UNITS: [(&str, u64); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Longest path, as Linux has it.
const PATH_BYTES_MAX: usize = 4_095;

/// Longest name of a systemd credential: that of a file.
const CREDENTIAL_NAME_MAX: usize = 255;

/// A text.
pub(super) fn text<'a>(value: &'a DeValue<'_>, expected: &str) -> Result<&'a str, Wrong> {
    match value {
        DeValue::String(text) => Ok(text),
        other => Err(Wrong::of_type(expected, other)),
    }
}

/// True or false.
pub(super) fn boolean(value: &DeValue<'_>) -> Result<bool, Wrong> {
    match value {
        DeValue::Boolean(boolean) => Ok(*boolean),
        other => Err(Wrong::of_type("true or false", other)),
    }
}

/// The name of an account in a ledger.
pub(super) fn ledger(value: &DeValue<'_>) -> Result<LedgerAccount, Wrong> {
    const EXPECTED: &str = "the name of a ledger account, such as \"Assets:Bank:Giro\"";
    LedgerAccount::parse(text(value, EXPECTED)?)
        .ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))
}

/// A whole number in a range.
pub(super) fn number(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Wrong> {
    let DeValue::Integer(digits) = value else {
        return Err(Wrong::of_type("a whole number", value));
    };
    u32::from_str_radix(digits.as_str(), digits.radix())
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| Wrong::new(format!("must be from {} to {}", range.start(), range.end())))
}

/// A duration such as `"10m"`, in seconds.
pub(super) fn duration(value: &DeValue<'_>, range: RangeInclusive<u32>) -> Result<u32, Wrong> {
    const EXPECTED: &str = "a text such as \"90s\", \"10m\", \"26h\" or \"1d\"";
    let text = text(value, EXPECTED)?;
    let seconds = DURATION_UNITS.iter().find_map(|(unit, unit_s)| {
        digits(text.strip_suffix(unit)?)?.checked_mul(u64::from(*unit_s))
    });
    let seconds = seconds.ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))?;
    u32::try_from(seconds).ok().filter(|seconds| range.contains(seconds)).ok_or_else(|| {
        let (least, most) = (show_duration(*range.start()), show_duration(*range.end()));
        Wrong::new(format!("must be from {least} to {most}"))
    })
}

/// A size such as `"32MiB"`, in bytes.
pub(super) fn size(value: &DeValue<'_>, range: RangeInclusive<u64>) -> Result<u64, Wrong> {
    const EXPECTED: &str = "a text such as \"32MiB\" or \"512KiB\"";
    let text = text(value, EXPECTED)?;
    let bytes = SIZE_UNITS
        .iter()
        .find_map(|(unit, unit_bytes)| digits(text.strip_suffix(unit)?)?.checked_mul(*unit_bytes));
    let bytes = bytes.ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))?;
    if range.contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (show_size(*range.start()), show_size(*range.end()));
    Err(Wrong::new(format!("must be from {least} to {most}")))
}

/// The shortest spelling of a duration.
pub(super) fn show_duration(seconds: u32) -> String {
    let fits = |(_, unit_s): &&(&str, u32)| seconds > 0 && seconds.is_multiple_of(*unit_s);
    match DURATION_UNITS.iter().rev().find(fits) {
        Some((unit, unit_s)) => format!("{}{unit}", seconds.checked_div(*unit_s).unwrap_or(0)),
        None => format!("{seconds}s"),
    }
}

/// The shortest spelling of a size.
pub(super) fn show_size(bytes: u64) -> String {
    let fits = |(_, unit_bytes): &&(&str, u64)| bytes > 0 && bytes.is_multiple_of(*unit_bytes);
    match SIZE_UNITS.iter().find(fits) {
        Some((unit, unit_bytes)) => {
            format!("{}{unit}", bytes.checked_div(*unit_bytes).unwrap_or(0))
        }
        None => format!("{bytes}B"),
    }
}

fn digits(text: &str) -> Option<u64> {
    let text = text.trim_end();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    value: &DeValue<'_>,
    all: &[T],
    spelled: impl Fn(T) -> &'static str,
) -> Result<T, Wrong> {
    let words: Vec<&str> = all.iter().map(|one| spelled(*one)).collect();
    let expected = format!("one of \"{}\"", words.join("\", \""));
    let text = text(value, &expected)?;
    all.iter().copied().find(|one| spelled(*one) == text).ok_or_else(|| {
        let mut wrong = Wrong::new(format!("must be {expected}"));
        wrong.hint = suggest::nearest(text, words).map(|near| format!("did you mean \"{near}\"?"));
        wrong
    })
}

/// A whole path.
pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, Wrong> {
    let text = text(value, "a text with a path")?;
    if text.len() > PATH_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(Wrong::new("is not a path"));
    }
    if !text.starts_with('/') {
        let hint = "write the whole path; `~` and variables are not expanded";
        return Err(Wrong::new("must be an absolute path, beginning with `/`").hint(hint));
    }
    Ok(PathBuf::from(text))
}

/// Where a secret is; the secret itself is refused.
pub(super) fn secret(value: &DeValue<'_>, credential: &str) -> Result<SecretSource, Wrong> {
    let hint = format!("write {{ credential = \"{credential}\" }} or {{ file = \"/path\" }}");
    let table = match value {
        DeValue::Table(table) => table,
        DeValue::String(_) => {
            let message = "a secret is never written into the configuration, only where it is";
            return Err(Wrong::new(message).hint(hint));
        }
        other => return Err(Wrong::of_type("a table", other).hint(hint)),
    };
    let named = |key: &str| table.get(key).map(toml::Spanned::get_ref);
    match (named("credential"), named("file")) {
        (Some(name), None) if table.len() == 1 => {
            credential_name(name).map(SecretSource::Credential).map_err(|wrong| wrong.hint(hint))
        }
        (None, Some(file)) if table.len() == 1 => path(file).map(SecretSource::File),
        (Some(_), Some(_)) => Err(Wrong::new("names both a credential and a file").hint(hint)),
        _ => {
            Err(Wrong::new("must name either a credential or a file, and nothing else").hint(hint))
        }
    }
}

fn credential_name(value: &DeValue<'_>) -> Result<String, Wrong> {
    let name = text(value, "a text with the name of a credential")?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let named = !name.is_empty() && name.len() <= CREDENTIAL_NAME_MAX && name.chars().all(allowed);
    if !named || name.starts_with('.') {
        return Err(Wrong::new(
            "the name of a credential has only letters, digits, `-`, `_` and `.`",
        ));
    }
    // A UUID or a long row of hexadecimal digits is the secret itself, pasted into the wrong place.
    if name.chars().filter(char::is_ascii_hexdigit).count() >= 32 {
        return Err(Wrong::new("looks like the secret itself, where its name should be"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<T>(toml: &str, reader: impl Fn(&DeValue<'_>) -> Result<T, Wrong>) -> Result<T, String> {
        let value = DeValue::parse(toml).unwrap();
        reader(value.get_ref()).map_err(|wrong| wrong.message)
    }

    #[test]
    fn durations() {
        let read = |toml: &str| of(toml, |value| duration(value, 0..=86_400 * 30));
        for (toml, seconds) in [
            ("\"0s\"", 0),
            ("\"90s\"", 90),
            ("\"10m\"", 600),
            ("\"26h\"", 93_600),
            ("\"1 d\"", 86_400),
        ] {
            assert_eq!(read(toml), Ok(seconds), "{toml}");
        }
        for toml in [
            "600",
            "\"600\"",
            "\"\"",
            "\"m\"",
            "\"-1m\"",
            "\"1.5h\"",
            "\"10 minutes\"",
            "\"31d\"",
            "\"99999999999999999999d\"",
            "\"9999999999999999999d\"",
            "true",
        ] {
            assert!(read(toml).is_err(), "{toml}");
        }
        for seconds in [0, 1, 59, 60, 61, 3_600, 5_400, 86_400, 93_600] {
            assert_eq!(read(&format!("\"{}\"", show_duration(seconds))), Ok(seconds));
        }
    }

    #[test]
    fn sizes() {
        let read = |toml: &str| of(toml, |value| size(value, 1_024..=1 << 25));
        assert_eq!(read("\"32MiB\""), Ok(1 << 25));
        assert_eq!(read("\"4096B\""), Ok(4_096));
        for toml in ["\"33MiB\"", "\"32MB\"", "\"32\"", "32", "\"1B\"", "\"99999999999999MiB\""] {
            assert!(read(toml).is_err(), "{toml}");
        }
        assert_eq!(show_size(1 << 25), "32MiB");
        assert_eq!(show_size(1_536), "1536B");
    }

    #[test]
    fn numbers_in_every_base() {
        let read = |toml: &str| of(toml, |value| number(value, 1..=100));
        assert_eq!(read("1_0"), Ok(10));
        assert_eq!(read("0x10"), Ok(16));
        for toml in ["0", "101", "-1", "1.0", "\"5\"", "99999999999999999999999"] {
            assert!(read(toml).is_err(), "{toml}");
        }
    }

    #[test]
    fn secrets_are_named_and_never_written() {
        let read = |toml: &str| of(toml, |value| secret(value, "database-key"));
        assert_eq!(
            read("{ credential = \"a-b.c_1\" }"),
            Ok(SecretSource::Credential("a-b.c_1".into()))
        );
        assert_eq!(read("{ file = \"/x\" }"), Ok(SecretSource::File("/x".into())));
        let pasted = "5f3c1a2b-9d8e-4c7f-8a6b-0e1d2c3b4a59";
        for toml in [
            &format!("\"{pasted}\""),
            &format!("{{ credential = \"{pasted}\" }}"),
            &format!("{{ file = \"{pasted}\" }}"),
            &format!("{{ {pasted} = 1 }}"),
            &format!("[\"{pasted}\"]"),
            &format!("{{ credential = \"x\", value = \"{pasted}\" }}"),
            "{}",
            "{ credential = \"x\", file = \"/x\" }",
            "{ credential = \"../x\" }",
            "{ credential = \"\" }",
            "{ credential = 1 }",
            "{ file = \"~/x\" }",
            "{ file = \"\" }",
        ] {
            let message = read(toml).unwrap_err();
            assert!(!message.contains("5f3c1a2b"), "{message}");
        }
    }
}
