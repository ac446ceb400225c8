//! `events`: the event log, and with `--follow` its continuation until Ctrl-C.

use super::args::Events;
use super::client::{Patience, path, with_query};
use super::error::CliError;
use super::object::Object;
use super::output::Style;
use super::text::one_line;
use super::{Code, Ctx, Method};
use crate::model::notice::EventCode;
use crate::model::time::{BankDate, DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, UtcInstant};

/// Lists or follows events.
pub async fn run(args: &Events, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let since = args.since.as_deref().map(|text| since(text, ctx.now().wall)).transpose()?;
    if let Some(at) = since.filter(|at| *at > ctx.now().wall) {
        ctx.output.note(&format!(
            "`--since {at}` lies in the future: nothing has happened since\n\nhint: a time ago is `2h` or `3d`"
        ));
    }
    let since = since.map(|at| at.to_string());
    if let Some(code) = &args.code {
        known(code)?;
    }
    let target = with_query(
        &path(&["events"]),
        &[
            ("since", since.as_deref()),
            ("code", args.code.as_deref()),
            ("account", args.account.as_deref()),
            ("follow", args.follow.then_some("1")),
        ],
    );
    let mut lines = ctx.client.lines(Method::Get, &target, None, Patience::Endless).await?;
    let mut any = false;
    while let Some(line) = lines.next().await? {
        any = true;
        if ctx.json {
            ctx.output.json(line)?;
        } else {
            print(&Object::parse(line)?, ctx)?;
        }
        if args.follow {
            ctx.output.flush()?;
        }
    }
    if args.follow {
        return Err(CliError::Broken(None));
    }
    if !any && !ctx.json {
        ctx.output.line("no events")?;
    }
    Ok(Code::Ok)
}

fn print(event: &Object, ctx: &mut Ctx<'_>) -> Result<(), CliError> {
    let at = event.instant("at").map_or_else(|| "-".to_owned(), |at| ctx.zone.local(at));
    let level = event.text_or_empty("level");
    let style = match level {
        "error" => Style::Red,
        "warning" => Style::Yellow,
        _ => Style::Plain,
    };
    let subject = event.text("account_id").or_else(|| event.text("link_id")).unwrap_or_default();
    let level = format!("{:<7}", one_line(level));
    let code = format!("{:<20}", one_line(event.text_or_empty("code")));
    let subject =
        if subject.is_empty() { String::new() } else { format!(" {}", one_line(subject)) };
    ctx.output.spans(&[
        (Style::Dim, &format!("{at}  ")),
        (style, &level),
        (Style::Plain, "  "),
        (Style::Bold, if subject.is_empty() { code.trim_end() } else { &code }),
        (Style::Dim, &subject),
    ])?;
    ctx.output.line(&format!("    {}", one_line(event.text_or_empty("message"))))
}

/// A code that the daemon can have; others are typing errors.
fn known(code: &str) -> Result<(), CliError> {
    if EventCode::from_word(code).is_some() {
        return Ok(());
    }
    let begin: String = code.chars().take(4).collect();
    let near: Vec<String> = EventCode::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|word| word.starts_with(&begin))
        .map(|word| format!("`{word}`"))
        .collect();
    Err(CliError::Usage {
        message: format!("there is no event code `{code}`"),
        hint: Some(if near.is_empty() {
            "`man banksyncd-events` lists them all".to_owned()
        } else {
            format!("there are {}", near.join(", "))
        }),
    })
}

/// Understands `--since`: RFC 3339, a date (from midnight UTC), or a number with `s`, `m`, `h`, `d` or `w` for a time ago.
pub fn since(text: &str, now: UtcInstant) -> Result<UtcInstant, CliError> {
    let wrong = || {
        CliError::Usage {
        message: format!("`--since {text}` is not understood"),
        hint: Some(
            "use RFC 3339 as `2026-03-10T06:00:00Z`, a date as `2026-03-10`, or a time ago as `2h` or `3d`"
                .to_owned(),
        ),
    }
    };
    if let Some(back_ms) = time_ago(text) {
        return Ok(now.plus_ms(back_ms.saturating_neg()));
    }
    let date_time = text.len() > "YYYY-MM-DD".len();
    let at = if date_time {
        UtcInstant::parse(text)
    } else {
        BankDate::parse(text).map(|date| UtcInstant::EPOCH.plus_days(date.epoch_days()))
    };
    at.ok_or_else(wrong)
}

/// Milliseconds of `2h`, `3d`, …
fn time_ago(text: &str) -> Option<i64> {
    let mut letters = text.chars();
    let unit_ms = match letters.next_back()? {
        's' => SECOND_MS,
        'm' => MINUTE_MS,
        'h' => HOUR_MS,
        'd' => DAY_MS,
        'w' => DAY_MS.checked_mul(7)?,
        _ => return None,
    };
    let digits = letters.as_str();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse::<i64>().ok()?.checked_mul(unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_in_every_spelling() {
        let now = UtcInstant::parse("2026-03-10T12:00:00Z").unwrap();
        for (text, at) in [
            ("2h", "2026-03-10T10:00:00Z"),
            ("3d", "2026-03-07T12:00:00Z"),
            ("1w", "2026-03-03T12:00:00Z"),
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T06:00:00+02:00", "2026-03-01T04:00:00Z"),
        ] {
            assert_eq!(since(text, now).unwrap(), UtcInstant::parse(at).unwrap(), "{text}");
        }
        for text in
            ["", "h", "-2h", "2", "2x", "2026-02-30", "yesterday", "99999999999999999999d", "ü"]
        {
            assert_eq!(since(text, now).unwrap_err().code(), Code::Usage, "{text}");
        }
    }

    #[test]
    fn codes_are_checked_before_asking() {
        assert!(known("access_expiring").is_ok());
        let error = known("access_expirng").unwrap_err();
        assert_eq!(error.code(), Code::Usage);
        assert!(error.hint().unwrap().contains("`access_expiring`"));
    }
}
