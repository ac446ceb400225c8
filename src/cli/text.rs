//! Small pieces of text for people: safe, short, and understandable without colour.
//!
//! Bank data may hold anything. [`clean`] makes every character harmless that a terminal would obey instead of show.

use std::borrow::Cow;
use std::fmt::Display;

use crate::model::money::Amount;
use crate::model::time::{BankDate, DAY_MS, HOUR_MS, MINUTE_MS, UtcInstant, Zone};

/// Whether a terminal might obey this character, or hide or turn round what stands beside it: control characters (ECMA-48),
/// the directional formatting characters of Unicode (UAX 9), and the line and paragraph separators.
fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same text with harmful characters written out, such as `\u{1b}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_harmful(letter) {
            safe.extend(letter.escape_unicode());
        } else {
            safe.push(letter);
        }
    }
    Cow::Owned(safe)
}

/// Text of several lines as one: line breaks and tabs become blanks, runs of blanks one, the rest as [`clean`].
pub fn one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    clean(&joined).into_owned()
}

/// A JSON text as it may go to a terminal: characters that JSON need not escape but a terminal might obey (DEL and the C1
/// controls, in UTF-8 `7f` and `c2 80` to `c2 9f`) are escaped; the value stays the same.
pub fn safe_json(json: &[u8]) -> Cow<'_, [u8]> {
    let c1 = |pair: &[u8]| matches!(pair, [0xc2, 0x80..=0x9f]);
    if !json.contains(&0x7f) && !json.windows(2).any(c1) {
        return Cow::Borrowed(json);
    }
    let mut safe = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some((first, after)) = rest.split_first() {
        match (first, after.split_first()) {
            (0xc2, Some((second @ 0x80..=0x9f, after))) => {
                safe.extend_from_slice(format!("\\u{second:04x}").as_bytes());
                rest = after;
                continue;
            }
            (0x7f, _) => safe.extend_from_slice(b"\\u007f"),
            _ => safe.push(*first),
        }
        rest = after;
    }
    Cow::Owned(safe)
}

/// Text in lines of so many characters at most, broken between words; a word that is longer has a line of its own.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A span of time in its largest fitting unit: `45 s`, `12 min`, `5 h`, `3 days`.
fn span(ms: i64) -> String {
    const SECOND_MS: i64 = 1_000;
    let whole = |unit: i64| ms.div_euclid(unit);
    if ms < MINUTE_MS {
        format!("{} s", whole(SECOND_MS).max(0))
    } else if ms < 2 * HOUR_MS {
        format!("{} min", whole(MINUTE_MS))
    } else if ms < 2 * DAY_MS {
        format!("{} h", whole(HOUR_MS))
    } else {
        format!("{} days", whole(DAY_MS))
    }
}

/// How long ago: `2 h ago`; `never` without an instant.
pub fn ago(now: UtcInstant, at: Option<UtcInstant>) -> String {
    match at {
        None => "never".to_owned(),
        Some(at) if now.since(at) < MINUTE_MS => "just now".to_owned(),
        Some(at) => format!("{} ago", span(now.since(at))),
    }
}

/// How long still: `in 5 h`; `now` for what is due, `-` without an instant.
pub fn until(now: UtcInstant, at: Option<UtcInstant>) -> String {
    match at {
        None => "-".to_owned(),
        Some(at) if at <= now => "now".to_owned(),
        Some(at) => format!("in {}", span(at.since(now))),
    }
}

/// The wall clock in `zone`: `06:14` today, else with its date.
pub fn moment(zone: &Zone, now: UtcInstant, at: UtcInstant) -> String {
    let local = zone.local(at);
    match local.split_once(' ') {
        Some((_date, time)) if zone.date(at) == zone.date(now) => time.to_owned(),
        _ => local,
    }
}

/// The day of the week, in three letters.
pub fn weekday(date: BankDate) -> &'static str {
    // The first day that is counted was a Thursday.
    const NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let place = usize::try_from(date.epoch_days().rem_euclid(7)).unwrap_or_default();
    NAMES.get(place).copied().unwrap_or_default()
}

/// Whole days until `end`, rounded up; 0 when it is past.
pub fn days_left(now: UtcInstant, end: UtcInstant) -> i64 {
    end.since(now).max(0).saturating_add(DAY_MS - 1).div_euclid(DAY_MS)
}

/// A bar of `cells` characters, `part` of `whole` filled; a part above zero fills at least one.
pub fn bar(part: i64, whole: i64, cells: i64) -> String {
    let part = part.clamp(0, whole.max(0));
    let filled = part.saturating_mul(cells).checked_div(whole).unwrap_or(0);
    let filled = if part > 0 { filled.max(1) } else { filled };
    let mut text = String::new();
    for cell in 0..cells {
        text.push(if cell < filled { '█' } else { '░' });
    }
    text
}

/// Amounts over time as a line of `cells` characters, each the last known of its part of the time: `▁▂▅█`. Blank where nothing
/// was known yet; all the same height where nothing moved.
pub fn sparkline(amounts: &[Option<Amount>], cells: usize) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let scale = amounts.iter().flatten().map(|amount| amount.scale()).max().unwrap_or(0);
    let units: Vec<Option<i128>> =
        amounts.iter().map(|one| Some((*one)?.rescale(scale)?.units())).collect();
    let (least, most) = (units.iter().flatten().min(), units.iter().flatten().max());
    let Some((least, most)) = least.zip(most) else { return String::new() };
    let span = most.saturating_sub(*least);
    let level = |units: i128| {
        let part = units.saturating_sub(*least).saturating_mul(7).checked_div(span).unwrap_or(3);
        usize::try_from(part).ok().and_then(|place| LEVELS.get(place)).copied().unwrap_or('▁')
    };
    let cells = cells.min(units.len());
    let end = |cell: usize| {
        let next = cell.saturating_add(1).saturating_mul(units.len());
        next.checked_div(cells).unwrap_or(0).saturating_sub(1)
    };
    let drawn = (0..cells).map(|cell| units.get(end(cell)).copied().flatten().map_or(' ', level));
    drawn.collect()
}

/// A full IBAN in groups of four, as it is printed (ISO 13616); other numbers as they are.
pub fn account_number(number: &str) -> String {
    if !crate::model::iban::Iban::new(number).is_some_and(|iban| iban.is_full()) {
        return one_line(number);
    }
    let mut grouped = String::new();
    for (place, letter) in crate::model::iban::normalise(number).chars().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            grouped.push(' ');
        }
        grouped.push(letter);
    }
    grouped
}

/// `1 account`, `2 accounts`: whole numbers of any width.
pub fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_passes() {
        assert_eq!(clean("\x1b[31mred\x07"), "\\u{1b}[31mred\\u{7}");
        assert_eq!(clean("a\u{202e}b\u{9b}c\n"), "a\\u{202e}b\\u{9b}c\\u{a}");
        assert!(matches!(clean("Müller & Söhne 漢字"), Cow::Borrowed(_)));
        assert_eq!(one_line(" a\n\tb \x1b c"), "a b \\u{1b} c");
        assert_eq!(
            &*safe_json("{\"a\":\"\u{9b}\u{7f}é\"}".as_bytes()),
            "{\"a\":\"\\u009b\\u007fé\"}".as_bytes()
        );
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdef g", 3), ["abcdef", "g"]);
        assert_eq!(wrapped("", 3), [""]);
    }

    #[test]
    fn times_are_short() {
        let now = UtcInstant::parse("2026-03-10T12:00:00Z").unwrap();
        let back = |ms: i64| ago(now, Some(now.plus_ms(-ms)));
        assert_eq!(ago(now, None), "never");
        assert_eq!(back(59_999), "just now");
        assert_eq!(back(-5_000), "just now");
        assert_eq!(back(90 * MINUTE_MS), "90 min ago");
        assert_eq!(back(47 * HOUR_MS), "47 h ago");
        assert_eq!(back(50 * HOUR_MS), "2 days ago");
        assert_eq!(until(now, Some(now)), "now");
        assert_eq!(until(now, Some(now.plus_s(30))), "in 30 s");
        assert_eq!(until(now, None), "-");
        let berlin = "Europe/Berlin".parse().unwrap();
        assert_eq!(moment(&berlin, now, now.plus_hours(1)), "14:00");
        assert_eq!(moment(&berlin, now, now.plus_hours(11)), "2026-03-11 00:00");
    }

    #[test]
    fn days_of_the_week() {
        let of = |text: &str| weekday(BankDate::parse(text).unwrap());
        assert_eq!((of("2026-11-23"), of("2024-02-29"), of("1969-12-31")), ("Mon", "Thu", "Wed"));
    }

    #[test]
    fn bars_and_days() {
        let now = UtcInstant::EPOCH;
        assert_eq!(days_left(now, now.plus_ms(1)), 1);
        assert_eq!(days_left(now, now.plus_days(3)), 3);
        assert_eq!(days_left(now, now.plus_days(-3)), 0);
        assert_eq!(bar(1, 180, 5), "█░░░░");
        assert_eq!(bar(180, 180, 5), "█████");
        assert_eq!(bar(0, 0, 5), "░░░░░");
        assert_eq!(bar(5, 0, 5), "░░░░░");
    }

    #[test]
    fn sparklines() {
        let line = |amounts: &[&str], cells| {
            let amounts: Vec<_> = amounts.iter().map(|text| Amount::parse(text)).collect();
            sparkline(&amounts, cells)
        };
        assert_eq!(line(&["0", "1.5", "3.00", "-0.5"], 4), "▂▅█▁");
        assert_eq!(line(&["5", "5.00"], 2), "▄▄", "nothing moved");
        assert_eq!(line(&["?", "?", "1", "2"], 4), "  ▁█", "nothing was known yet");
        assert_eq!(line(&["1", "9", "1", "9", "1", "5"], 3), "██▄");
        assert_eq!(line(&["1", "2"], 10), "▁█", "no more cells than days");
        assert_eq!((line(&[], 5), line(&["?"], 5)), (String::new(), String::new()));
        let huge = "99999999999999999999999999999999999999";
        assert_eq!(line(&[huge, &format!("-{huge}")], 2).chars().count(), 2);
    }

    #[test]
    fn account_numbers() {
        assert_eq!(account_number("de89370400440532013000"), "DE89 3704 0044 0532 0130 00");
        assert_eq!(account_number("**4572"), "**4572");
        assert_eq!(count(1_u64, "row"), "1 row");
        assert_eq!(count(0_usize, "row"), "0 rows");
    }
}
