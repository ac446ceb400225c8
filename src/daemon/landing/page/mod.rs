//! What the page says: a function of the link as the engine knows it and of what the browser brings.

use serde::Deserialize;

use crate::export::xml_text;
use crate::gocardless::redirect::explanation;
use crate::planner::state::{Link, LinkStatus};

/// Seconds after which a page that waits for the provider's word asks for it again.
const REFRESH_S: u32 = 3;
/// Most of the provider's sentence that is shown, in characters.
const DETAILS_CHARS_MAX: usize = 200;
/// Where the style sheet is: the security policy lets no style into the page itself.
pub(super) const STYLE_PATH: &str = "/style.css";
/// The style sheet.
pub(super) const STYLE: &str = include_str!("style.css");

/// What the provider appends to the address; all of it is hearsay.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Visit {
    #[serde(rename = "ref")]
    pub(super) reference: Option<String>,
    error: Option<String>,
    details: Option<String>,
}

/// What the page says, not yet escaped.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// `good`, `bad`, or empty while it is open.
    class: &'static str,
    heading: &'static str,
    sentences: Vec<String>,
    /// The provider's own sentence.
    quoted: Option<String>,
    /// What to type.
    command: Option<String>,
    /// What to do now.
    last: &'static str,
    /// The provider's word is still to come.
    refresh: bool,
}

/// What there is to say: what the engine knows of the link first, hearsay last.
pub(super) fn tell(link: Option<&Link>, visit: &Visit) -> Told {
    let Some(link) = link else { return tell_stranger(visit) };
    let bank = &link.institution_id.0;
    match link.status {
        LinkStatus::Linked => {
            let accounts = match link.accounts.len() {
                0 => "The accounts are being looked for.".to_owned(),
                1 => "1 account was found.".to_owned(),
                several => format!("{several} accounts were found."),
            };
            Told {
                class: "good",
                heading: "Linked",
                sentences: vec![format!("Access to {bank} is given. {accounts}")],
                last: "Go back to the terminal; you can close this page.",
                ..Told::default()
            }
        }
        LinkStatus::Created | LinkStatus::Authenticating | LinkStatus::Unknown
            if visit.error.is_none() =>
        {
            let asking = format!("The provider is being asked how it went at {bank}.");
            Told {
                heading: "Almost there",
                sentences: vec![asking],
                last: "This page looks again by itself. You can go back to the terminal, too.",
                refresh: true,
                ..Told::default()
            }
        }
        LinkStatus::Created | LinkStatus::Authenticating | LinkStatus::Unknown => {
            Told { quoted: visit.details.as_deref().map(shortened), ..failed(visit, bank) }
        }
        LinkStatus::Rejected | LinkStatus::Abandoned => {
            let known =
                Told { quoted: visit.details.as_deref().map(shortened), ..failed(visit, bank) };
            match (&link.failure, &visit.error) {
                (Some(why), None) => {
                    Told { sentences: vec![format!("The reason: {why}.")], ..known }
                }
                _ => known,
            }
        }
        LinkStatus::Expired
        | LinkStatus::Revoked
        | LinkStatus::Suspended
        | LinkStatus::Replaced => Told {
            heading: "This link is over",
            sentences: vec![format!("It gave access to {bank} once.")],
            last: "Go back to the terminal: banksyncd status says what to do.",
            ..Told::default()
        },
    }
}

/// A link that did not come about.
fn failed(visit: &Visit, bank: &str) -> Told {
    Told {
        class: "bad",
        heading: "Not linked",
        sentences: vec![why(visit)],
        command: Some(format!("banksyncd link {bank}")),
        last: "Go back to the terminal. No access was given.",
        ..Told::default()
    }
}

/// The code of the visit in plain words.
fn why(visit: &Visit) -> String {
    match visit.error.as_deref() {
        None => "It did not work.".to_owned(),
        Some(code) => explanation(code).map_or_else(
            || format!("The provider gives a reason that is not known here: {}.", shortened(code)),
            str::to_owned,
        ),
    }
}

/// To somebody who names no link of ours nothing is said about any, and nothing is repeated.
fn tell_stranger(visit: &Visit) -> Told {
    match visit.error.as_deref().and_then(explanation) {
        Some(words) => Told {
            class: "bad",
            heading: "Not linked",
            sentences: vec![words.to_owned()],
            last: "Go back to the terminal.",
            ..Told::default()
        },
        None => Told {
            heading: "Go back to the terminal",
            sentences: vec!["This address does not say for which link it was opened.".to_owned()],
            last: "The terminal says how it went.",
            ..Told::default()
        },
    }
}

/// At most so much of a stranger's sentence, on one line.
fn shortened(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(DETAILS_CHARS_MAX).collect()
}

/// A text where HTML has a meaning for some letters, in elements and in attributes.
fn escaped(text: &str) -> String {
    xml_text(text).replace('"', "&quot;").replace('\'', "&#39;")
}

/// An element with a text.
fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escaped(text))
}

/// The whole page.
pub(super) fn html(told: &Told) -> String {
    let mut text = String::new();
    for sentence in &told.sentences {
        text.push_str(&element("p", sentence));
    }
    if let Some(quoted) = told.quoted.as_deref().filter(|quoted| !quoted.trim().is_empty()) {
        text.push_str(&element("blockquote", quoted));
    }
    if let Some(command) = &told.command {
        let again = format!("<p>To try again: <code>{}</code></p>\n", escaped(command));
        text.push_str(&again);
    }
    let refresh = if told.refresh {
        format!("<meta http-equiv=\"refresh\" content=\"{REFRESH_S}\">\n")
    } else {
        String::new()
    };
    let (class, heading) = (told.class, escaped(told.heading));
    let last = escaped(told.last);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{refresh}\
         <title>{heading} - banksyncd</title>\n<link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n\
         <body>\n<main class=\"{class}\">\n<h1>{heading}</h1>\n{text}<p>{last}</p>\n</main>\n</body>\n</html>\n"
    )
}

#[cfg(test)]
mod tests;
