//! `[[notify]]`: each target with the keys of its type and no others, and nothing that could never be sent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::DeValue;

use super::account::id_or_iban;
use super::{keys, required, section_of, tables};
use crate::config::document::{Item, Report, Section, Wrong};
use crate::config::{AccountRule, Notify, SecretSource, Security, Smtp, Target};
use crate::config::{address, suggest, value};
use crate::model::daily::{self, DailySpan};
use crate::model::notice::{EventCode, Level};

/// Most targets.
const TARGETS_MAX: usize = 20;
/// Most entries of a list of a target.
const ENTRIES_MAX: usize = 100;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 32;
/// Longest argument, and longest mail address (RFC 5321 section 4.5.3.1.3), in bytes.
const ARGUMENT_BYTES_MAX: usize = 4_096;
const MAIL_BYTES_MAX: usize = 254;
/// What one message may take, in seconds: at least, by itself, at most.
const TIMEOUT_S: (u32, u32, u32) = (1, 30, 300);

/// Keys of all types.
const COMMON: [&str; 9] =
    ["name", "type", "level", "codes", "accounts", "quiet", "urgent", "personal", "timeout"];

/// Keys of one type.
fn keys_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "exec" => &["command"],
        "webhook" => &["url", "secret"],
        "ntfy" => &["url", "topic", "token"],
        "smtp" => &["server", "port", "security", "username", "password", "from", "to"],
        _ => &[],
    }
}

/// The good targets; bad ones are in the report, which refuses the file as a whole.
pub(super) fn targets(
    item: &Item<'_, '_>,
    accounts: &[AccountRule],
    report: &mut Report<'_>,
) -> Vec<Notify> {
    let mut names = BTreeMap::new();
    let elements = tables(item, TARGETS_MAX, report);
    let mut targets = Vec::new();
    for (place, element) in elements.iter().enumerate() {
        let section = element.section(report);
        let name_item = section.item("name");
        required(&name_item, element, "name = \"phone\": how `banksyncd notify` calls it", report);
        let name = name_item.read(None, |given| name(given).map(Some), report).flatten();
        if let Some(name) = &name
            && let Some(other) = names.insert(name.clone(), place)
        {
            let wrong = Wrong::new(format!("is the same name as `notify[{other}]` has"));
            report.problem(&name_item.place, wrong);
        }
        targets.extend(notify(&section, element, (name, accounts), report));
    }
    targets
}

fn notify(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    (name, rules): (Option<String>, &[AccountRule]),
    report: &mut Report<'_>,
) -> Option<Notify> {
    let kind = section.item("type");
    required(&kind, element, "type = \"exec\", \"webhook\", \"ntfy\" or \"smtp\"", report);
    let kind_of = |given: &DeValue<'_>| value::word(given, &Target::TYPES, |word| word).map(Some);
    let kind = kind.read(None, kind_of, report).flatten();
    only(section, kind, report);
    let codes = codes(&section.item("codes"), report);
    let level = level(&section.item("level"), codes.as_deref(), report);
    let accounts = list(&section.item("accounts"), "a list of accounts", report, |given| {
        account(given, rules)
    });
    let quiet = quiet(&section.item("quiet"), report);
    let urgent = section.item("urgent");
    if urgent.value().is_some() && section.item("quiet").value().is_none() {
        let wrong = Wrong::new("means nothing without `quiet`");
        report.problem(&urgent.place, wrong.hint("quiet = [\"22:00-07:00\"]"));
    }
    let urgent = urgent.read(None, |given| level_word(given).map(Some), report);
    let personal = section.item("personal").read(false, value::boolean, report);
    let (least, usual, most) = TIMEOUT_S;
    let timeout_s =
        section.item("timeout").read(usual, |given| value::duration(given, least..=most), report);
    let target = match kind? {
        "exec" => exec(section, element, report),
        "webhook" => webhook(section, element, report),
        "ntfy" => ntfy(section, element, report),
        _ => smtp(section, element, report).map(Target::Smtp),
    };
    Some(Notify {
        name: name?,
        target: target?,
        level: level?,
        codes: codes?,
        accounts: accounts?,
        quiet: quiet?,
        urgent: urgent?,
        personal: personal?,
        timeout_s: timeout_s?,
    })
}

/// Notes keys that are unknown, and known ones that another type has.
fn only(section: &Section<'_, '_>, kind: Option<&str>, report: &mut Report<'_>) {
    section.only(keys("notify"), section_of, report);
    let Some(kind) = kind else { return };
    let ours = keys_of(kind);
    for key in keys("notify").iter().filter(|key| !COMMON.contains(key) && !ours.contains(key)) {
        let item = section.item(key);
        if item.value().is_some() {
            let wrong = Wrong::new(format!("means nothing to a target of type \"{kind}\""));
            report.problem(&item.place, wrong.hint(format!("it knows: {}", ours.join(", "))));
        }
    }
}

/// A list without doubles; absent is empty.
fn list<T: PartialEq>(
    item: &Item<'_, '_>,
    expected: &str,
    report: &mut Report<'_>,
    reader: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
) -> Option<Vec<T>> {
    if item.value().is_none() {
        return Some(Vec::new());
    }
    let elements = item.elements(expected, report)?;
    if elements.is_empty() || elements.len() > ENTRIES_MAX {
        let wrong = Wrong::new(format!("must have from 1 to {ENTRIES_MAX} entries"));
        report.problem(&item.place, wrong);
        return None;
    }
    let mut read = Vec::new();
    let mut good = true;
    for element in &elements {
        match element.read(None, |given| reader(given).map(Some), report).flatten() {
            Some(one) if read.contains(&one) => {
                report.problem(&element.place, Wrong::new("is in the list twice"));
                good = false;
            }
            Some(one) => read.push(one),
            None => good = false,
        }
    }
    good.then_some(read)
}

fn name(given: &DeValue<'_>) -> Result<String, Wrong> {
    let name = value::text(given, "a text with a name")?;
    let allowed = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "-_".contains(letter)
    };
    let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
    if !begins || name.len() > NAME_CHARS_MAX || !name.chars().all(allowed) {
        let message = format!(
            "must be at most {NAME_CHARS_MAX} small letters, digits, `-` and `_`, a letter first"
        );
        return Err(Wrong::new(message).hint("it appears in logs and events"));
    }
    Ok(name.to_owned())
}

fn codes(item: &Item<'_, '_>, report: &mut Report<'_>) -> Option<Vec<EventCode>> {
    list(item, "a list of event codes", report, |given| {
        let text = value::text(given, "a text with the code of an event")?;
        EventCode::from_word(text).ok_or_else(|| {
            let known = EventCode::ALL.iter().map(|code| code.as_str());
            let hint = match suggest::nearest(text, known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => "man banksyncd-events lists them".to_owned(),
            };
            Wrong::new("is not the code of an event").hint(hint)
        })
    })
}

/// The level, from which all codes must be reached: else some could never be told.
fn level(
    item: &Item<'_, '_>,
    codes: Option<&[EventCode]>,
    report: &mut Report<'_>,
) -> Option<Level> {
    let codes = codes.unwrap_or_default();
    let default = if codes.is_empty() { Level::Warning } else { Level::Info };
    let level = item.read(default, level_word, report)?;
    let Some(quieter) = codes.iter().find(|code| code.level() < level) else { return Some(level) };
    let message = format!(
        "is louder than `{}` of `codes`, which is \"{}\": it would never be sent",
        quieter.as_str(),
        quieter.level().as_str()
    );
    report
        .problem(&item.place, Wrong::new(message).hint("leave `level` out: the codes are enough"));
    None
}

fn level_word(given: &DeValue<'_>) -> Result<Level, Wrong> {
    value::word(given, &Level::ALL, Level::as_str)
}

/// An id, an IBAN, or a nickname of `[[account]]`, as an id or IBAN.
fn account(given: &DeValue<'_>, rules: &[AccountRule]) -> Result<String, Wrong> {
    const EXPECTED: &str = "an account id (acc_…), an IBAN, or a nickname of `[[account]]`";
    let text = value::text(given, EXPECTED)?.trim();
    let named = |rule: &&AccountRule| {
        rule.nickname.as_ref().is_some_and(|name| name.to_lowercase() == text.to_lowercase())
    };
    if let Some(rule) = rules.iter().find(named) {
        return Ok(rule.matches.clone());
    }
    id_or_iban(text).ok_or_else(|| {
        let mut wrong = Wrong::new(format!("must be {EXPECTED}"));
        let known = rules.iter().filter_map(|rule| rule.nickname.as_deref());
        wrong.hint = suggest::nearest(text, known).map(|near| format!("did you mean \"{near}\"?"));
        wrong
    })
}

fn quiet(item: &Item<'_, '_>, report: &mut Report<'_>) -> Option<Vec<DailySpan>> {
    let spans = list(item, "a list of spans", report, |given| {
        const EXPECTED: &str = "a span of the day such as \"22:00-07:00\"";
        DailySpan::parse(value::text(given, EXPECTED)?)
            .ok_or_else(|| Wrong::new(format!("must be {EXPECTED}")))
    })?;
    if daily::are_the_whole_day(&spans) {
        report.problem(&item.place, Wrong::new("is the whole day: nothing would ever be sent"));
        return None;
    }
    Some(spans)
}

fn exec(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Target> {
    let item = section.item("command");
    required(&item, element, "command = [\"/usr/local/bin/on-bank-event\"]", report);
    let elements = item.elements("a list of texts: the program, then its arguments", report)?;
    let Some((first, rest)) = elements.split_first() else {
        let wrong = Wrong::new("must name a program");
        report.problem(&item.place, wrong.hint("command = [\"/usr/local/bin/on-bank-event\"]"));
        return None;
    };
    let program = first.read(PathBuf::new(), value::path, report);
    let argument = |given: &DeValue<'_>| {
        let text = value::text(given, "a text")?;
        if text.len() > ARGUMENT_BYTES_MAX || text.contains('\0') {
            return Err(Wrong::new(format!(
                "must have at most {ARGUMENT_BYTES_MAX} bytes, none of them 0"
            )));
        }
        Ok(text.to_owned())
    };
    if rest.len() > ENTRIES_MAX {
        let wrong = Wrong::new(format!("must have at most {ENTRIES_MAX} arguments"));
        report.problem(&item.place, wrong);
        return None;
    }
    let arguments: Vec<Option<String>> =
        rest.iter().map(|one| one.read(String::new(), argument, report)).collect();
    let arguments = arguments.into_iter().collect::<Option<_>>();
    Some(Target::Exec { program: program?, arguments: arguments? })
}

fn webhook(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Target> {
    let url = section.item("url");
    required(&url, element, "url = \"https://example.com/hooks/bank\"", report);
    let url = url.read(None, |given| address::receiver(given).map(Some), report);
    let secret = place_of(section, element, "secret", report);
    Some(Target::Webhook { url: url??, secret: secret? })
}

fn ntfy(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Target> {
    let url = section.item("url").read("https://ntfy.sh/".to_owned(), address::api_base, report);
    let topic = place_of(section, element, "topic", report);
    let token = maybe_place_of(section, "token", report);
    Some(Target::Ntfy { url: url?, topic: topic?, token: token.ok()? })
}

/// A bad value, which is in the report.
struct Reported;

/// Where a secret is that has to be there.
fn place_of(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    key: &str,
    report: &mut Report<'_>,
) -> Option<SecretSource> {
    let hint = format!("{key} = {{ credential = \"notify-{key}\" }} or {{ file = \"/path\" }}");
    required(&section.item(key), element, &hint, report);
    maybe_place_of(section, key, report).ok().flatten()
}

/// Where a secret is that may be there.
fn maybe_place_of(
    section: &Section<'_, '_>,
    key: &str,
    report: &mut Report<'_>,
) -> Result<Option<SecretSource>, Reported> {
    let credential = format!("notify-{key}");
    let place = |given: &DeValue<'_>| value::secret(given, &credential).map(Some);
    section.item(key).read(None, place, report).ok_or(Reported)
}

fn smtp(
    section: &Section<'_, '_>,
    element: &Item<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Smtp> {
    let server = section.item("server");
    required(&server, element, "server = \"smtp.example.com\"", report);
    let server = server.read(None, |given| address::server(given).map(Some), report).flatten();
    let security = section.item("security");
    let word = |given: &DeValue<'_>| value::word(given, &Security::ALL, Security::as_str);
    let chosen = security.read(Security::Tls, word, report);
    if let (Some((_, false)), Some(Security::None)) = (&server, chosen) {
        let wrong = Wrong::new("none is for a server on this machine only");
        report.problem(&security.place, wrong.hint("security = \"starttls\", or \"tls\""));
    }
    let usual = u32::from(chosen.unwrap_or(Security::Tls).port());
    let port = section.item("port").read(usual, |given| value::number(given, 1..=65_535), report);
    let login = login(section, report);
    let from = section.item("from");
    required(&from, element, "from = \"bank@example.com\"", report);
    let from = from.read(None, |given| mail(given).map(Some), report);
    let to = section.item("to");
    required(&to, element, "to = [\"you@example.com\"]", report);
    let to = list(&to, "a list of mail addresses", report, mail);
    Some(Smtp {
        server: server?.0,
        port: u16::try_from(port?).ok()?,
        security: chosen?,
        login: login.ok()?,
        from: from??,
        to: to.filter(|to| !to.is_empty())?,
    })
}

/// Both or none of user name and password.
fn login(
    section: &Section<'_, '_>,
    report: &mut Report<'_>,
) -> Result<Option<(String, SecretSource)>, Reported> {
    let (username, password) = (section.item("username"), section.item("password"));
    match (username.value().is_some(), password.value().is_some()) {
        (true, false) => {
            let hint = "password = { credential = \"notify-password\" } or { file = \"/path\" }";
            report.problem(&username.place, Wrong::new("has no `password` beside it").hint(hint));
        }
        (false, true) => {
            report.problem(&password.place, Wrong::new("has no `username` beside it"));
        }
        _ => {}
    }
    let user = |given: &DeValue<'_>| {
        let text = value::text(given, "a text with a user name")?;
        if text.is_empty() || text.len() > MAIL_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(Wrong::new("is not a user name"));
        }
        Ok(Some(text.to_owned()))
    };
    let username = username.read(None, user, report).ok_or(Reported);
    let password = maybe_place_of(section, "password", report);
    Ok(username?.zip(password?))
}

/// A mail address without a name: what goes between `<` and `>`.
fn mail(given: &DeValue<'_>) -> Result<String, Wrong> {
    const EXPECTED: &str = "a mail address such as \"you@example.com\"";
    let text = value::text(given, EXPECTED)?.trim();
    let plain =
        text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>(),;:\\\"[]".contains(&byte));
    let whole = text
        .rsplit_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !user.contains('@'));
    if !plain || !whole || text.len() > MAIL_BYTES_MAX {
        return Err(Wrong::new(format!("must be {EXPECTED}")));
    }
    Ok(text.to_owned())
}
