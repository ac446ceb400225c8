//! The manual pages, made from the program's own tables: the command line, the exit codes, the commented configuration that
//! `init` writes, and the catalogue of events. Nothing about them is written down twice.

use std::collections::BTreeMap;

use banksyncd::cli::args::Args;
use banksyncd::config::{self, Defaults};
use banksyncd::daemon::metrics::METRICS;
use banksyncd::exit::Code;
use banksyncd::model::notice::EventCode;
use banksyncd::observe::catalog;
use clap::{Arg, Command, CommandFactory as _};
use roff::{Roff, bold, italic, roman};

/// The configuration with every key and a comment at each.
pub(crate) const EXAMPLE: &str = include_str!("../../packaging/conf/banksyncd.toml");

/// The pages by their file names.
pub(crate) fn pages() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("banksyncd.1", program()),
        ("banksyncd.toml.5", configuration()),
        ("banksyncd-events.7", events()),
        ("banksyncd-metrics.7", metrics()),
    ])
}

fn begin(name: &str, section: &str, what: &str) -> Roff {
    let mut page = Roff::new();
    let source = concat!("banksyncd ", env!("CARGO_PKG_VERSION"));
    page.control("TH", [name, section, "", source, "banksyncd"]);
    heading(&mut page, "NAME");
    page.text([roman(format!("{name} - {what}"))]);
    page
}

fn heading(page: &mut Roff, text: &str) {
    page.control("SH", [text]);
}

/// Paragraphs, divided by empty lines, with `…` in bold.
fn paragraphs(page: &mut Roff, text: &str) {
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            page.control("PP", []);
        }
        marked(page, paragraph);
    }
}

/// One paragraph, with `…` in bold.
fn marked(page: &mut Roff, text: &str) {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces = words.split('`').enumerate().filter(|(_, piece)| !piece.is_empty());
    let pieces = pieces
        .map(|(place, piece)| if place % 2 == 0 { roman(piece) } else { bold(piece) })
        .collect::<Vec<_>>();
    page.text(pieces);
}

/// A paragraph with a hanging tag.
fn item(page: &mut Roff, tag: &str, text: &str) {
    page.control("TP", []);
    page.text([bold(tag)]);
    paragraphs(page, text);
}

fn command(page: &mut Roff, line: &str) {
    page.control("PP", []);
    page.control("RS", ["4"]);
    page.control("nf", []);
    page.text([bold(line)]);
    page.control("fi", []);
    page.control("RE", []);
}

fn program() -> String {
    let definition = Args::command();
    let about = definition.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = begin("banksyncd", "1", &about.to_lowercase());
    let mut text = page.render();
    let man = clap_mangen::Man::new(definition.clone());
    let mut bytes = Vec::new();
    man.render_synopsis_section(&mut bytes).unwrap();
    text.push_str(&without_preamble(&String::from_utf8(bytes).unwrap()));

    page = Roff::new();
    heading(&mut page, "DESCRIPTION");
    paragraphs(
        &mut page,
        "`banksyncd run` is the daemon: it reads bank accounts, balances and transactions through the GoCardless Bank \
         Account Data API and keeps them in one encrypted file. Every other verb is a short-lived client that asks the daemon \
         over its control socket, except for `demo`, `sandbox`, `check-config`, `init` and `completions`, which need none. \
         Installed from a package, the daemon is the service `banksyncd.service`, which `banksyncd init` sets up.\n\n\
         `ACCOUNT` and `LINK` are an id, the unique beginning of one, a nickname, or (accounts) an IBAN. With `--json`, \
         standard output holds one JSON object per line and nothing else: times in RFC 3339 UTC, dates as YYYY-MM-DD, \
         amounts as decimal strings, null for what is absent. Progress and errors go to standard error.",
    );
    text.push_str(&body(&page));
    let mut bytes = Vec::new();
    man.render_options_section(&mut bytes).unwrap();
    text.push_str(&without_preamble(&String::from_utf8(bytes).unwrap()));

    page = Roff::new();
    heading(&mut page, "VERBS");
    for verb in definition.get_subcommands() {
        describe_verb(&mut page, verb);
    }
    heading(&mut page, "EXIT STATUS");
    for code in Code::ALL {
        item(&mut page, &code.to_string(), code.meaning());
    }
    item(&mut page, "243", INSTEAD_OF_US);
    the_rest(&mut page);
    text.push_str(&body(&page));
    text
}

/// What the service manager ends with when it cannot open a credential, before the program begins.
const INSTEAD_OF_US: &str = "not ours: systemd could not open a credential of the unit, because it was encrypted on another \
    machine or is damaged. `banksyncd init --replace-secrets` makes the API secrets anew; the database key has to come from \
    your copy";

fn describe_verb(page: &mut Roff, verb: &Command) {
    let positional = verb.get_positionals().map(|argument| {
        let name = argument.get_value_names().into_iter().flatten().next();
        let name = name.map_or(argument.get_id().as_str(), |name| name.as_str()).to_uppercase();
        if argument.is_required_set() { name } else { format!("[{name}]") }
    });
    let line = std::iter::once(verb.get_name().to_owned()).chain(positional);
    page.control("SS", [line.collect::<Vec<_>>().join(" ").as_str()]);
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    paragraphs(page, &format!("{about}."));
    if let Some(more) = verb.get_after_help() {
        page.control("PP", []);
        paragraphs(page, &more.to_string());
    }
    for argument in verb.get_arguments().filter(|argument| !argument.is_global_set()) {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        item(page, &tag(argument), &help);
    }
}

/// `-q, --quiet`, `--from DATE`, `ACCOUNT`.
fn tag(argument: &Arg) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(argument.get_short().map(|short| format!("-{short}")));
    words.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut tag = words.join(", ");
    let takes_value = argument.get_action().takes_values();
    if takes_value {
        let name = argument.get_value_names().into_iter().flatten().next();
        let name = name.map_or(argument.get_id().as_str(), |name| name.as_str()).to_uppercase();
        if !tag.is_empty() {
            tag.push(' ');
        }
        tag.push_str(&name);
    }
    tag
}

fn the_rest(page: &mut Roff) {
    heading(page, "ENVIRONMENT");
    item(page, "BANKSYNCD_CONFIG", "The configuration, where `--config` does not name one.");
    item(
        page,
        "NO_COLOR, TERM, TZ",
        "As everywhere: colour, the terminal, the zone of times for people.",
    );
    item(
        page,
        "CREDENTIALS_DIRECTORY, STATE_DIRECTORY, RUNTIME_DIRECTORY",
        "Folders of the secrets, the database and the socket, as systemd passes them; a path in the configuration wins.",
    );
    item(
        page,
        "NOTIFY_SOCKET, WATCHDOG_USEC, JOURNAL_STREAM",
        "How the service manager is told, how often, and whether lines go to the journal (`sd_notify`(3)).",
    );
    heading(page, "SIGNALS");
    item(
        page,
        "SIGTERM, SIGINT",
        "The daemon lets a call under way end, stores it, closes the database and ends with 0.",
    );
    item(
        page,
        "SIGHUP",
        "It reads its configuration again, as with `banksyncd reload`; a bad one changes nothing.",
    );
    item(page, "SIGUSR1", "It looks at once for what is due.");
    heading(page, "FILES");
    for (path, what) in [
        (
            "/etc/banksyncd/config.toml",
            "The configuration, written by `banksyncd init`. For `banksyncd@NAME.service`: /etc/banksyncd-NAME, and so on below.",
        ),
        ("/usr/share/banksyncd/banksyncd.toml", "The same with every default, commented."),
        (
            "/var/lib/banksyncd/banksyncd.db",
            "The database; beside it `.keycheck`, which tells a wrong key from a damaged file.",
        ),
        (
            "/run/banksyncd/control.sock",
            "The control socket: HTTP/1.1 and JSON. Members of the group `banksyncd` may use it.",
        ),
        (
            "/etc/credstore.encrypted/banksyncd.*",
            "The secrets, encrypted for this machine by `systemd-creds`(1).",
        ),
        (
            "/etc/banksyncd/credentials/",
            "The secrets where there is no `systemd-creds`, each of mode 0600.",
        ),
        (
            "/etc/systemd/system/banksyncd.service.d/50-credentials.conf",
            "Tells the unit which of the two.",
        ),
    ] {
        item(page, path, what);
    }
    see_also(
        page,
        &[
            ("banksyncd.toml", 5),
            ("banksyncd-events", 7),
            ("banksyncd-metrics", 7),
            ("systemctl", 1),
            ("journalctl", 1),
            ("systemd-creds", 1),
        ],
    );
}

fn see_also(page: &mut Roff, pages: &[(&str, u8)]) {
    heading(page, "SEE ALSO");
    for (place, (name, section)) in pages.iter().enumerate() {
        let end = if place + 1 == pages.len() { "" } else { "," };
        page.text([bold(*name), roman(format!("({section}){end}"))]);
    }
}

/// A key of the example: its comment, the example's value, and whether that is the default.
pub(crate) struct Key {
    pub(crate) path: String,
    pub(crate) comment: String,
    value: String,
    commented_out: bool,
}

/// What a section or the whole file says before its first key, and its keys.
pub(crate) struct Described {
    pub(crate) opening: String,
    pub(crate) sections: Vec<(String, String)>,
    pub(crate) keys: Vec<Key>,
}

/// Reads the example: the comment directly above a key or a section is about it.
pub(crate) fn described() -> Described {
    let mut found = Described { opening: String::new(), sections: Vec::new(), keys: Vec::new() };
    let (mut comment, mut section) = (String::new(), String::new());
    for line in EXAMPLE.lines() {
        if line.is_empty() {
            if found.sections.is_empty() && found.opening.is_empty() {
                found.opening = comment.trim().replace('\n', " ").replace("  ", "\n\n");
            }
            comment.clear();
        } else if let Some(text) = line.strip_prefix("# ") {
            comment.push_str(text);
            comment.push('\n');
        } else if line == "#" {
            comment.push('\n');
        } else {
            let commented_out = line.starts_with('#');
            let line = line.trim_start_matches('#');
            let comment = std::mem::take(&mut comment);
            if line.starts_with('[') {
                line.clone_into(&mut section);
                found.sections.push((section.clone(), comment));
            } else if let Some((key, value)) = line.split_once(" = ") {
                let name = section.trim_matches(['[', ']']);
                let path = format!("{name}.{key}");
                found.keys.push(Key { path, comment, value: value.to_owned(), commented_out });
            }
        }
    }
    found
}

fn configuration() -> String {
    let described = described();
    let mut page = begin("banksyncd.toml", "5", "configuration of banksyncd");
    heading(&mut page, "SYNOPSIS");
    page.text([italic("/etc/banksyncd/config.toml")]);
    heading(&mut page, "DESCRIPTION");
    paragraphs(
        &mut page,
        "TOML. Unknown keys are errors, with a suggestion; `banksyncd check-config` reports every problem with its place, \
         or prints what is in force. A span of time is a number with s, m, h or d. A change is taken over by \
         `systemctl reload banksyncd` or `banksyncd reload`; a bad file is refused, and the old configuration stays in force. \
         Addresses, paths, secrets, time-outs, `accounts-per-minute` and the format of the log need a restart.\n\n\
         Secrets are never written into this file, only where they are: `{ credential = \"name\" }` for a credential that \
         systemd passes to the service, or `{ file = \"/path\" }` for a file of mode 0600 or stricter.",
    );
    heading(&mut page, "KEYS");
    let defaults = defaults();
    for (section, comment) in &described.sections {
        page.control("SS", [section.as_str()]);
        paragraphs(&mut page, comment);
        let name = section.trim_matches(['[', ']']);
        for key in described.keys.iter().filter(|key| below(&key.path, name)) {
            page.control("TP", []);
            let value = match defaults.get(&key.path) {
                Some(default) => format!(" (default {default})"),
                None if key.commented_out => format!(" (such as {})", key.value),
                None => String::new(),
            };
            page.text([bold(key.path.rsplit('.').next().unwrap_or_default()), roman(value)]);
            paragraphs(&mut page, &key.comment);
        }
    }
    see_also(&mut page, &[("banksyncd", 1), ("banksyncd-events", 7), ("systemd.exec", 5)]);
    page.render()
}

fn below(path: &str, section: &str) -> bool {
    path.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

/// Every key with its value in an empty configuration, as the program itself writes it.
fn defaults() -> BTreeMap<String, String> {
    let effective = config::parse("", "x", &Defaults::default()).unwrap().config.effective();
    let (mut section, mut values) = (String::new(), BTreeMap::new());
    for line in effective.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once(" = ") {
            values.insert(format!("{section}.{key}"), value.to_owned());
        }
    }
    values
}

fn events() -> String {
    let mut page = begin("banksyncd-events", "7", "what banksyncd tells, and what to do about it");
    heading(&mut page, "DESCRIPTION");
    paragraphs(
        &mut page,
        "What happens is an event, once: a row in the database, written together with the change that it tells of, and a line \
         in the journal with the fields `MESSAGE_ID`, `BANKSYNCD_EVENT`, `BANKSYNCD_ACCOUNT`, `BANKSYNCD_LINK`, \
         `BANKSYNCD_INSTITUTION`, `BANKSYNCD_SCOPE` and `BANKSYNCD_RUN`. A journal that is down gets it later. An error is for \
         now, a warning for this week, a notice is a change of state, an info is routine. Ids are ours and mean nothing \
         outside; no IBAN, name, amount or text of a bank is ever in the journal.",
    );
    for line in [
        "banksyncd events --follow",
        "journalctl -x -u banksyncd",
        "journalctl BANKSYNCD_EVENT=account_suspended",
    ] {
        command(&mut page, line);
    }
    heading(&mut page, "EVENTS");
    for code in EventCode::ALL {
        let text = catalog::text(*code);
        page.control("TP", []);
        page.text([bold(code.as_str()), roman(format!(" ({})", code.level().as_str()))]);
        marked(&mut page, &format!("{}. {}", text.title, text.explanation));
        if !text.cure.is_empty() {
            page.control("IP", []);
            marked(&mut page, text.cure);
        }
        if !text.command.is_empty() {
            let places =
                [("{account}", "ACCOUNT"), ("{link}", "LINK"), ("{institution}", "INSTITUTION")];
            let line = places
                .iter()
                .fold(text.command.to_owned(), |line, (place, name)| line.replace(place, name));
            page.control("IP", []);
            page.text([bold(line)]);
        }
        page.control("IP", []);
        page.text([roman(format!("MESSAGE_ID={}", catalog::message_id(*code)))]);
    }
    see_also(&mut page, &[("banksyncd", 1), ("banksyncd.toml", 5), ("journalctl", 1)]);
    page.render()
}

fn metrics() -> String {
    let mut page = begin("banksyncd-metrics", "7", "what banksyncd says to a monitoring system");
    heading(&mut page, "DESCRIPTION");
    paragraphs(
        &mut page,
        "The daemon writes metrics as Prometheus text (version 0.0.4) whenever it is asked: at the path `/metrics` of its \
         control socket and, if `metrics.listen` is set, of a loopback address. Counters begin at 0 when the daemon starts. \
         Labels are ids of ours, kinds of data, states and codes; no number, name, amount or bank is in them.",
    );
    command(&mut page, "curl --unix-socket /run/banksyncd/control.sock http://x/metrics");
    heading(&mut page, "METRICS");
    for metric in METRICS {
        page.control("TP", []);
        let labels = match metric.labels {
            [] => String::new(),
            labels => format!("{{{}}}", labels.join(", ")),
        };
        let kind = metric.kind.as_str();
        page.text([bold(metric.name), roman(format!("{labels} ({kind})"))]);
        marked(&mut page, metric.help);
    }
    see_also(
        &mut page,
        &[("banksyncd", 1), ("banksyncd.toml", 5), ("banksyncd-events", 7), ("curl", 1)],
    );
    page.render()
}

/// What `Roff` writes without the definitions that stand at the head of a page.
fn body(page: &Roff) -> String {
    without_preamble(&page.render())
}

fn without_preamble(text: &str) -> String {
    let mut body: String = text
        .lines()
        .filter(|line| !line.starts_with(".ie ") && !line.starts_with(".el "))
        .flat_map(|line| [line, "\n"])
        .collect();
    body.truncate(body.trim_end().len());
    body.push('\n');
    body
}
