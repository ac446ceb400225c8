//! `explain`: why a transaction is one row, in words.

use super::args::Explain;
use super::client::path;
use super::error::CliError;
use super::object::Object;
use super::text::{count, moment, one_line};
use super::{Code, Ctx};

/// What an explanation compares, and how people call it.
const POINTS: [(&str, &str); 6] = [
    ("internal_id", "the provider's id"),
    ("bank_id", "the bank's id"),
    ("amount", "amount"),
    ("dates", "dates"),
    ("text", "text"),
    ("parties", "parties"),
];

/// Explains a transaction.
pub async fn run(args: &Explain, ctx: &mut Ctx<'_>) -> Result<Code, CliError> {
    let whole = ctx.client.get(&path(&["transactions", &args.transaction, "explain"])).await?;
    if ctx.json {
        ctx.output.json(&whole.raw)?;
        return Ok(Code::Ok);
    }
    let shown = whole.object;
    let now = ctx.now().wall;
    let when = |object: &Object, field: &str| {
        object.instant(field).map_or_else(|| "-".to_owned(), |at| moment(&ctx.zone, now, at))
    };
    let mut lines = vec![
        one_line(shown.text_or_empty("id")),
        format!(
            "{}, {}; seen in {} from {} to {}",
            one_line(shown.text_or_empty("booking_status")),
            one_line(shown.text_or_empty("state")),
            count(shown.number("answers").unwrap_or_default(), "distinct answer"),
            when(&shown, "first_seen_at"),
            when(&shown, "last_seen_at"),
        ),
    ];
    for version in shown.objects("versions") {
        lines.push(format!(
            "version {}, {}, {}: {}",
            version.number("revision").unwrap_or(0),
            when(&version, "at"),
            one_line(version.text_or_empty("run_id")),
            because(&version),
        ));
        lines.extend(compared(&version));
    }
    let near = shown.objects("near_misses");
    lines.push(if near.is_empty() {
        "no other row comes near".to_owned()
    } else {
        format!("{} near:", count(near.len(), "other row"))
    });
    for row in near {
        lines.push(format!(
            "{}, {}, {}: {}",
            one_line(row.text_or_empty("id")),
            row.text("effective_date").map_or_else(|| "undated".to_owned(), one_line),
            one_line(row.text_or_empty("state")),
            apart(row.text_or_empty("reason")),
        ));
        lines.extend(compared(&row));
    }
    for line in lines {
        ctx.output.line(&line)?;
    }
    Ok(Code::Ok)
}

/// Why a version goes on from the one before.
fn because(version: &Object) -> String {
    let why = match version.text("evidence") {
        None => "the first",
        Some("identical") => "the same text, byte for byte",
        Some("internal_id") => "the provider's id and the amount are the same",
        Some("bank_id") => "the bank's id and the amount are the same",
        Some("fingerprint") => "amount, text and parties are the same",
        Some("stable_id") => "an id is the same that this bank never changed",
        Some("similar") => "the only row with this amount and a similar text",
        Some(other) => return one_line(other),
    };
    why.to_owned()
}

/// Why a near row is another one.
fn apart(reason: &str) -> String {
    match reason {
        "in_one_answer" => "one answer had both".to_owned(),
        "amount_differs" => "the amount differs".to_owned(),
        "ids_differ" => "the ids differ".to_owned(),
        "not_unambiguous" => "there was more than one choice, or too little evidence".to_owned(),
        other => one_line(other),
    }
}

/// One line for what is the same, one for what differs.
fn compared(object: &Object) -> Vec<String> {
    let Some(points) = object.object("compared") else { return Vec::new() };
    let with = |verdict: &str| {
        let names = POINTS.iter().filter(|(field, _)| points.text(field) == Some(verdict));
        names.map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    };
    [("same", "same"), ("differs", "different")]
        .into_iter()
        .map(|(verdict, word)| (word, with(verdict)))
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("    {word}: {names}"))
        .collect()
}
