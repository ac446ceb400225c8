//! What a message says. Pure: an event and its target in, a [`Letter`] out.
//!
//! An event's message and ids are for everybody; details, names and numbers of accounts are in it only where the target asks
//! for personal data. Secrets are in no event.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{AccountRule, Notify};
use crate::daemon::view::At;
use crate::model::iban::Iban;
use crate::model::id::MessageId;
use crate::model::notice::Level;
use crate::model::time::{UtcInstant, Zone};
use crate::observe::catalog;
use crate::outbox::Letter;
use crate::planner::policy::rule_for;
use crate::planner::state::Account;
use crate::store::Message;

/// The code of a message that somebody asked for to see whether it arrives; no event has it.
const TEST: &str = "notify_test";

/// The object for programs: an event as the socket shows it, and what else is known of it.
#[derive(Serialize)]
struct Body<'a> {
    id: Option<i64>,
    at: At,
    code: &'a str,
    level: &'a str,
    message: &'a str,
    message_id: Option<&'a str>,
    account_id: Option<String>,
    link_id: Option<String>,
    /// `null` unless the target asks for personal data.
    details: Option<&'a Map<String, Value>>,
    key: String,
    target: &'a str,
    title: &'a str,
    institution_id: Option<&'a str>,
    command: Option<&'a str>,
    /// Likewise.
    account: Option<Person<'a>>,
}

/// Whose account.
#[derive(Serialize)]
struct Person<'a> {
    nickname: Option<&'a str>,
    name: Option<&'a str>,
    iban: Option<&'a str>,
}

impl<'a> Person<'a> {
    fn of(account: &'a Account, rules: &'a [AccountRule]) -> Self {
        Self {
            nickname: rule_for(account, rules).and_then(|rule| rule.nickname.as_deref()),
            name: account.facts.name.as_deref(),
            iban: account.facts.iban.as_ref().map(Iban::as_str),
        }
    }

    /// What people call it.
    fn called(&self) -> Option<&'a str> {
        self.nickname.or(self.name).or(self.iban)
    }
}

/// The letter about an event.
pub(super) fn of(message: &Message, target: &Notify, rules: &[AccountRule], zone: &Zone) -> Letter {
    let (event, notice) = (&message.event, &message.event.notice);
    let text = catalog::text(notice.code);
    let account_id = notice.account_id.map(|id| id.to_string());
    let link_id = notice.link_id.map(|id| id.to_string());
    let institution_id = notice.institution_id.as_ref().map(|id| id.0.as_str());
    let id = |id: &Option<String>| id.clone().unwrap_or_default();
    let command = catalog::command(
        notice.code,
        &id(&account_id),
        &id(&link_id),
        institution_id.unwrap_or_default(),
    );
    let person = message.account.as_ref().filter(|_| target.personal);
    let person = person.map(|account| Person::of(account, rules));
    let called = person.as_ref().and_then(Person::called);
    let body = Body {
        id: Some(event.id),
        at: At(event.at),
        code: notice.code.as_str(),
        level: notice.code.level().as_str(),
        message: &notice.message,
        message_id: Some(catalog::message_id(notice.code)),
        account_id,
        link_id,
        details: target.personal.then_some(&notice.details),
        key: message.key.to_string(),
        target: &target.name,
        title: text.title,
        institution_id,
        command: command.as_deref(),
        account: person,
    };
    let mut lines = vec![format!("{}.", capital(&notice.message)), String::new()];
    let mut line = |name: &str, value: Option<&str>| {
        lines.extend(value.map(|value| format!("{name}: {value}")));
    };
    line("account", called);
    line("account", body.account_id.as_deref());
    line("link", body.link_id.as_deref());
    line("bank", institution_id);
    line("at", Some(&format!("{} ({zone})", zone.local(event.at))));
    if !text.cure.is_empty() {
        lines.extend([String::new(), text.cure.to_owned()]);
        lines.extend(command.as_ref().map(|command| format!("    {command}")));
    }
    letter(&body, (message.key, event.at), (notice.code.as_str(), notice.code.level()), &lines)
}

/// A letter that only wants to arrive.
pub(super) fn of_test(target: &Notify, key: MessageId, now: UtcInstant) -> Letter {
    let message = "this message was asked for, to see whether it arrives";
    let body = Body {
        id: None,
        at: At(now),
        code: TEST,
        level: Level::Info.as_str(),
        message,
        message_id: None,
        account_id: None,
        link_id: None,
        details: None,
        key: key.to_string(),
        target: &target.name,
        title: "A message to try this target",
        institution_id: None,
        command: None,
        account: None,
    };
    letter(&body, (key, now), (TEST, Level::Info), &[format!("{}.", capital(message))])
}

fn letter(
    body: &Body<'_>,
    (key, at): (MessageId, UtcInstant),
    (code, level): (&'static str, Level),
    lines: &[String],
) -> Letter {
    let word = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = body.id.map(|id| id.to_string()).unwrap_or_default();
    Letter {
        key,
        at,
        code,
        level,
        title: format!("banksyncd: {}", body.title),
        text: lines.join("\n") + "\n",
        // Texts, numbers and a map of both always serialise.
        json: serde_json::to_string(body).unwrap_or_default(),
        words: vec![
            ("BANKSYNCD_KEY", body.key.clone()),
            ("BANKSYNCD_TARGET", body.target.to_owned()),
            ("BANKSYNCD_EVENT", code.to_owned()),
            ("BANKSYNCD_EVENT_ID", number),
            ("BANKSYNCD_LEVEL", level.as_str().to_owned()),
            ("BANKSYNCD_AT", at.to_string()),
            ("BANKSYNCD_TITLE", body.title.to_owned()),
            ("BANKSYNCD_MESSAGE", body.message.to_owned()),
            ("BANKSYNCD_ACCOUNT", word(body.account_id.as_deref())),
            ("BANKSYNCD_LINK", word(body.link_id.as_deref())),
            ("BANKSYNCD_INSTITUTION", word(body.institution_id)),
            ("BANKSYNCD_COMMAND", word(body.command)),
        ],
    }
}

/// With a capital letter first.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
