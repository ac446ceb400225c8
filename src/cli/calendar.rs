//! The ends of access as a calendar file (iCalendar, RFC 5545).
//!
//! The same links give the same bytes. An event is known by its link's id, so that a calendar that imports the file once more
//! moves what has moved and cancels what is over. It names banks and links, no accounts and no people.

use super::object::Object;
use super::text::{count, one_line};
use crate::model::time::{HOUR_MS, SECOND_MS, UtcInstant};

/// Longest line in octets, its break left out (section 3.1).
const LINE_OCTETS_MAX: usize = 75;
/// How long before the end a calendar speaks up.
const ALARM: &str = "-P7D";

/// A calendar of these links (objects of the control socket), and how many events it has.
pub(super) fn calendar(links: &[Object]) -> (String, usize) {
    let mut file = Lines(String::new());
    file.put("BEGIN", "VCALENDAR");
    file.put("VERSION", "2.0");
    file.put("PRODID", "-//banksyncd//access to banks//EN");
    file.put("METHOD", "PUBLISH");
    let events: Vec<(&Object, UtcInstant)> =
        links.iter().filter_map(|link| Some((link, link.instant("access_expires_at")?))).collect();
    for (link, end) in &events {
        event(link, *end, &mut file);
    }
    file.put("END", "VCALENDAR");
    (file.0, events.len())
}

fn event(link: &Object, end: UtcInstant, file: &mut Lines) {
    let id = one_line(link.text_or_empty("id"));
    let bank = one_line(link.text_or_empty("institution_id"));
    let (stands, alarm) = match link.text_or_empty("status") {
        "linked" => (true, true),
        // It ended as the calendar said.
        "expired" => (true, false),
        _ => (false, false),
    };
    let began = link.instant("accepted_at").or_else(|| link.instant("created_at"));
    // A later version of an event has a greater number (section 3.8.7.4): ends move later, and then may be cancelled.
    let sequence = end.ms().div_euclid(HOUR_MS).saturating_add(i64::from(!stands));
    let title = format!("Access to {bank} ends");
    file.put("BEGIN", "VEVENT");
    file.put("UID", &format!("{id}@banksyncd"));
    file.put("DTSTAMP", &utc(began.unwrap_or(end)));
    file.put("SEQUENCE", &sequence.to_string());
    file.put("DTSTART", &utc(end));
    file.text("SUMMARY", &title);
    let accounts = count(link.texts("accounts").len(), "account");
    file.text(
        "DESCRIPTION",
        &format!(
            "{accounts}; no data come after that.\nRenew it before, and accounts keep id and history: banksyncd renew {id}"
        ),
    );
    file.put("STATUS", if stands { "CONFIRMED" } else { "CANCELLED" });
    file.put("TRANSP", "TRANSPARENT");
    if alarm {
        file.put("BEGIN", "VALARM");
        file.put("ACTION", "DISPLAY");
        file.put("TRIGGER", ALARM);
        file.text("DESCRIPTION", &title);
        file.put("END", "VALARM");
    }
    file.put("END", "VEVENT");
}

/// A date-time in UTC (section 3.3.5), whole seconds.
fn utc(at: UtcInstant) -> String {
    at.plus_ms(at.ms().rem_euclid(SECOND_MS).saturating_neg()).stamp()
}

/// Content lines.
struct Lines(String);

impl Lines {
    /// A text, escaped (section 3.3.11).
    fn text(&mut self, name: &str, value: &str) {
        let mut escaped = String::with_capacity(value.len());
        for letter in value.chars() {
            match letter {
                '\n' => escaped.push_str("\\n"),
                '\\' | ';' | ',' => escaped.extend(['\\', letter]),
                letter => escaped.push(letter),
            }
        }
        self.put(name, &escaped);
    }

    /// A line, folded between letters (section 3.1).
    fn put(&mut self, name: &str, value: &str) {
        let mut octets = 0_usize;
        for letter in name.chars().chain([':']).chain(value.chars()) {
            if octets.saturating_add(letter.len_utf8()) > LINE_OCTETS_MAX {
                self.0.push_str("\r\n ");
                octets = 1;
            }
            self.0.push(letter);
            octets = octets.saturating_add(letter.len_utf8());
        }
        self.0.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(changes: &str) -> Object {
        let text = format!(
            r#"{{"id":"lnk_01kkd4z8000000000000000009","institution_id":"SANDBOXFINANCE_SFIN0000","status":"linked","created_at":"2026-02-02T08:00:00Z","accepted_at":"2026-02-02T09:00:00.500Z","access_expires_at":"2026-08-01T09:00:00.500Z","accounts":["a","b"]{changes}}}"#
        );
        Object::parse(text.as_bytes()).unwrap()
    }

    /// Reads a file strictly by RFC 5545: names and values, unfolded.
    fn read(file: &str) -> Vec<(String, String)> {
        assert!(file.ends_with("\r\n") && !file.replace("\r\n", "").contains(['\r', '\n']));
        assert!(file.split("\r\n").all(|line| line.len() <= LINE_OCTETS_MAX));
        let whole = file.replace("\r\n ", "");
        let lines = whole.split_terminator("\r\n");
        let pair = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            assert!(name.bytes().all(|it| it.is_ascii_uppercase() || it == b'-'), "{name}");
            (name.to_owned(), value.to_owned())
        };
        lines.map(pair).collect()
    }

    fn values<'a>(lines: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        lines.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn an_end_is_an_event_that_moves_with_its_link_and_is_cancelled_with_it() {
        let (file, events) = calendar(&[link(""), link(r#","access_expires_at":null"#)]);
        assert_eq!((events, calendar(&[link("")]).0.as_str()), (1, file.as_str()));
        insta::assert_snapshot!(file.replace("\r\n", "\n"), @r"
        BEGIN:VCALENDAR
        VERSION:2.0
        PRODID:-//banksyncd//access to banks//EN
        METHOD:PUBLISH
        BEGIN:VEVENT
        UID:lnk_01kkd4z8000000000000000009@banksyncd
        DTSTAMP:20260202T090000Z
        SEQUENCE:495993
        DTSTART:20260801T090000Z
        SUMMARY:Access to SANDBOXFINANCE_SFIN0000 ends
        DESCRIPTION:2 accounts\; no data come after that.\nRenew it before\, and ac
         counts keep id and history: banksyncd renew lnk_01kkd4z8000000000000000009
        STATUS:CONFIRMED
        TRANSP:TRANSPARENT
        BEGIN:VALARM
        ACTION:DISPLAY
        TRIGGER:-P7D
        DESCRIPTION:Access to SANDBOXFINANCE_SFIN0000 ends
        END:VALARM
        END:VEVENT
        END:VCALENDAR
        ");
        let before = read(&file);
        let (file, _) = calendar(&[link(r#","access_expires_at":"2026-11-01T09:00:00Z""#)]);
        let moved = read(&file);
        let (file, _) = calendar(&[link(r#","status":"replaced""#)]);
        let over = read(&file);
        let sequence =
            |lines: &[(String, String)]| -> i64 { values(lines, "SEQUENCE")[0].parse().unwrap() };
        for later in [&moved, &over] {
            assert_eq!(values(later, "UID"), values(&before, "UID"));
            assert!(sequence(later) > sequence(&before));
        }
        assert_eq!(values(&over, "STATUS"), ["CANCELLED"]);
        assert!(values(&over, "TRIGGER").is_empty());
    }

    #[test]
    fn what_a_bank_calls_itself_cannot_break_the_file() {
        let name = format!(r#","institution_id":"A;B,C\\D\r\nEND:VCALENDAR {}""#, "ü€".repeat(60));
        let (file, _) = calendar(&[link(&name)]);
        let lines = read(&file);
        assert_eq!(values(&lines, "END"), ["VALARM", "VEVENT", "VCALENDAR"]);
        let title = values(&lines, "SUMMARY")[0];
        assert!(title.starts_with(r"Access to A\;B\,C\\D"), "{title}");
        assert!(title.contains(&"ü€".repeat(60)), "{title}");
    }
}
