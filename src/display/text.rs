//! Texts of banks made readable: cut ones put together again, escapes turned into letters, needless parts left out.

use std::borrow::Cow;

use crate::model::time::BankDate;
use crate::model::transaction::Texts;

/// A line of so many characters was cut there, inside a word or not: SEPA's text is four lines of 35.
const LINE_LEN: usize = 35;
/// Where the single text is cut.
const TEXT_LEN: usize = 140;

/// Without blanks at the ends and runs of them inside; `None` if nothing is left.
pub(super) fn tidy(text: &str) -> Option<Cow<'_, str>> {
    if is_tidy(text) {
        return (!text.is_empty()).then_some(Cow::Borrowed(text));
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(Cow::Owned(text))
}

/// Whether a text surely has no blanks that [`tidy`] would take away.
fn is_tidy(text: &str) -> bool {
    // The end of the text before is like a blank.
    let mut after_blank = true;
    for byte in text.bytes() {
        match byte {
            b' ' if after_blank => return false,
            // Other blanks are control characters, or begin with one of these bytes in UTF-8.
            ..b' ' | 0xc2 | 0xe1..=0xe3 => return false,
            _ => after_blank = byte == b' ',
        }
    }
    !after_blank || text.is_empty()
}

/// The lines of the array as one text. Nothing stands between a line that is full, or at whose end the single text was cut,
/// and the next one.
pub(super) fn whole(texts: &Texts) -> Option<String> {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let single = texts.unstructured.as_deref().unwrap_or_default();
    let cut = (single.chars().count() == TEXT_LEN).then(|| bare(single));
    let (mut whole, mut goes_on) = (String::new(), true);
    for line in &texts.unstructured_lines {
        if !goes_on {
            whole.push('\n');
        }
        whole.push_str(line);
        let full = line.chars().count() == LINE_LEN;
        goes_on = full || cut.as_ref().is_some_and(|cut| *cut == bare(&whole));
    }
    (!whole.is_empty()).then_some(whole)
}

/// The text without another one, whatever blanks stand in either.
pub(super) fn without(text: &str, needless: &str) -> String {
    let (mut left, mut rest) = (String::new(), text.chars());
    loop {
        if let Some(after) = after(rest.as_str(), needless) {
            left.push(' ');
            rest = after.chars();
        } else if let Some(letter) = rest.next() {
            left.push(letter);
        } else {
            return left;
        }
    }
}

/// What follows a text that another one begins with, whatever blanks stand in either.
fn after<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    for wanted in start.chars().filter(|letter| !letter.is_whitespace()) {
        if rest.find(|letter| !letter.is_whitespace())? != wanted {
            return None;
        }
    }
    (rest.as_str().len() < text.len()).then_some(rest.as_str())
}

/// The text with letters where it has `\U` and eight hexadecimal digits, or four (then in UTF-16).
pub(super) fn unescaped(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    loop {
        let letter = hex(rest, 8).and_then(|(code, after)| Some((char::from_u32(code)?, after)));
        if let Some((letter, after)) = letter {
            units.extend(letter.encode_utf16(&mut [0; 2]).iter());
            rest = after;
        } else if let Some((code, after)) = hex(rest, 4) {
            units.extend(u16::try_from(code).ok());
            rest = after;
        } else {
            let mut letters = rest.chars();
            let Some(letter) = letters.next() else { return String::from_utf16_lossy(&units) };
            units.extend(letter.encode_utf16(&mut [0; 2]).iter());
            rest = letters.as_str();
        }
    }
}

/// The number behind `\U` at the beginning of a text, and what follows.
fn hex(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (code, after) = text.strip_prefix("\\U")?.split_at_checked(digits)?;
    let plain = code.bytes().all(|digit| digit.is_ascii_hexdigit());
    Some((u32::from_str_radix(code, 16).ok().filter(|_| plain)?, after))
}

/// A date with the day first: `02.03.2026`, `02/03/26`.
pub(super) fn day_first(text: &str) -> Option<BankDate> {
    // A number that is read may have a sign; a day has none.
    let mut parts = text.split(['.', '/']).filter(|part| !part.starts_with(['+', '-']));
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let century = if year.len() == 2 { 2_000 } else { 0 };
    let year = year.parse::<i32>().ok()?.checked_add(century)?;
    BankDate::from_ymd(year, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needless_blanks_go_and_tidy_texts_stay() {
        for text in [
            "",
            " ",
            "a",
            "a b",
            " a",
            "a ",
            "a  b",
            "a\tb",
            "ä ö",
            "a\u{a0}b",
            "\u{2003}a",
            "a\u{3000}",
            "€ 5",
            "a\u{85}b",
            "\u{1680}",
        ] {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(tidy(text).unwrap_or_default(), words, "{text:?}");
        }
        assert!(matches!(tidy("a b"), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn lines_that_were_cut_are_one_again() {
        let lines = |lines: &[&str], unstructured: &str| Texts {
            unstructured: Some(unstructured.to_owned()),
            unstructured_lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            ..Texts::default()
        };
        let full = format!("a long descrip{}", "x".repeat(21));
        assert_eq!(whole(&lines(&[&full, "tion", "End"], "")), Some(format!("{full}tion\nEnd")));
        let cut = format!("{} and End-to-En", "y ".repeat(63));
        assert_eq!(cut.chars().count(), 140);
        assert_eq!(whole(&lines(&[&cut, "d-Ref.", "B"], &cut)), Some(format!("{cut}d-Ref.\nB")));
        assert_eq!(whole(&lines(&["a", "b"], "a")).as_deref(), Some("a\nb"), "not cut");
        assert_eq!(whole(&lines(&[], "a")), None);
    }

    #[test]
    fn needless_parts_go_whatever_blanks_are_in_them() {
        assert_eq!(
            without("a End-to-En\nd-Ref.: NOT PROVIDED b", "End-to-End-Ref.: NOTPROVIDED"),
            "a  b"
        );
        assert_eq!(without("xx", "x"), "  ");
        assert_eq!(without(" é é", "ö"), " é é");
        assert_eq!(without("a", ""), "a");
        assert_eq!(without("ab", "abc"), "ab");
    }

    #[test]
    fn escapes_are_letters() {
        for (text, expected) in [
            (r"a\U0001f6d2b", "a🛒b"),
            (r"\Ud83d\Uded2", "🛒"),
            (r"\U00e8beef", "èbeef"),
            (r"\U00e", r"\U00e"),
            (r"\U+0e8 \Uzzzz é", r"\U+0e8 \Uzzzz é"),
            (r"\Ud83d", "\u{fffd}"),
            ("", ""),
        ] {
            assert_eq!(unescaped(text), expected, "{text}");
        }
    }

    #[test]
    fn days_come_first() {
        for text in ["02.03.2026", "02/03/26", "2.3.26"] {
            assert_eq!(day_first(text), BankDate::from_ymd(2026, 3, 2), "{text}");
        }
        for text in ["", "02.03", "31.02.2026", "a.b.c", "02.03.-1"] {
            assert_eq!(day_first(text), None, "{text}");
        }
    }
}
