//! The configuration in force, written as TOML: for `check-config` and for people who wonder what a default is.
//!
//! It holds no secret, because a [`Config`] holds none. IBANs of `[[account]]` are shortened: what `check-config` prints
//! before a start goes to the journal.

use std::fmt::Write as _;
use std::path::Path;

use crate::model::iban::Iban;

use super::value::{show_duration, show_size};
use super::{AccountRule, Config, Loopback, Notify, SecretSource, Smtp, Target};

impl Config {
    /// All keys with the values in force, in the order of the documentation.
    pub fn effective(&self) -> String {
        let mut out = Lines(String::new());
        out.section("gocardless");
        out.text("api-base", &self.gocardless.api_base);
        out.secret("secret-id", &self.gocardless.secret_id);
        out.secret("secret-key", &self.gocardless.secret_key);
        out.text("redirect", &self.gocardless.redirect);
        out.section("store");
        out.text("path", &self.store.path.to_string_lossy());
        out.secret("key", &self.store.key);
        out.section("control");
        out.text("socket", &self.control.socket.to_string_lossy());
        out.section("schedule");
        out.text("timezone", &self.schedule.timezone.to_string());
        out.list("pull", self.schedule.pull.iter().map(|pattern| quoted(pattern)));
        out.text("jitter", &show_duration(self.schedule.jitter_s));
        out.text("freshness", &show_duration(self.schedule.freshness_s));
        out.section("limits");
        out.number("calls-per-day", self.limits.calls_per_day);
        out.number("manual-reserve", self.limits.manual_reserve);
        out.number("accounts-per-minute", self.limits.accounts_per_minute);
        out.number("error-budget", self.limits.error_budget);
        out.number("error-hard-limit", self.limits.error_hard_limit);
        out.section("history");
        out.number("days", self.history.days);
        out.number("access-days", self.history.access_days);
        out.number("overlap-days", self.history.overlap_days);
        out.list("warn-days", self.history.warn_days.iter().map(u32::to_string));
        out.line(format_args!("remove-replaced = {}", self.history.remove_replaced));
        out.section("linking");
        out.listen(self.linking.listen);
        out.section("http");
        out.text("connect-timeout", &show_duration(self.http.connect_timeout_s));
        out.text("total-timeout", &show_duration(self.http.total_timeout_s));
        out.text("body-limit", &show_size(self.http.body_limit_bytes));
        out.section("log");
        out.text("level", self.log.level.as_str());
        out.text("format", self.log.format.as_str());
        out.section("metrics");
        out.listen(self.metrics.listen);
        out.section("display");
        out.line(format_args!("enabled = {}", self.display.enabled));
        out.line(format_args!("trend = {}", self.display.trend));
        out.section("backup");
        let folder = self.backup.folder.as_deref().unwrap_or(Path::new(""));
        out.text("folder", &folder.to_string_lossy());
        out.list("schedule", self.backup.schedule.iter().map(|pattern| quoted(pattern)));
        out.number("keep-last", self.backup.keep_last);
        out.number("keep-daily", self.backup.keep_daily);
        out.number("keep-weekly", self.backup.keep_weekly);
        out.number("keep-monthly", self.backup.keep_monthly);
        out.section("export");
        out.text("expenses", self.export.expenses.as_str());
        out.text("income", self.export.income.as_str());
        for rule in &self.accounts {
            out.account(rule);
        }
        for target in &self.notify {
            out.notify(target);
        }
        out.0
    }
}

/// Lines of TOML.
struct Lines(String);

impl Lines {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        self.0.write_fmt(line).unwrap_or_default();
        self.0.push('\n');
    }

    fn section(&mut self, name: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.line(format_args!("[{name}]"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(format_args!("{key} = {}", quoted(value)));
    }

    fn number(&mut self, key: &str, value: u32) {
        self.line(format_args!("{key} = {value}"));
    }

    fn list(&mut self, key: &str, values: impl Iterator<Item = String>) {
        self.line(format_args!("{key} = [{}]", values.collect::<Vec<_>>().join(", ")));
    }

    fn listen(&mut self, address: Option<Loopback>) {
        self.text("listen", &address.map(|address| address.to_string()).unwrap_or_default());
    }

    fn secret(&mut self, key: &str, source: &SecretSource) {
        match source {
            SecretSource::Credential(name) => {
                self.line(format_args!("{key} = {{ credential = {} }}", quoted(name)));
            }
            SecretSource::File(path) => {
                self.line(format_args!("{key} = {{ file = {} }}", quoted(&path.to_string_lossy())));
            }
        }
    }

    fn account(&mut self, rule: &AccountRule) {
        self.0.push('\n');
        self.line(format_args!("[[account]]"));
        self.text("match", &shortened(&rule.matches));
        if let Some(nickname) = &rule.nickname {
            self.text("nickname", nickname);
        }
        self.line(format_args!("enabled = {}", rule.enabled));
        if let Some(ledger) = &rule.ledger {
            self.text("ledger", ledger.as_str());
        }
    }
}

impl Lines {
    fn notify(&mut self, notify: &Notify) {
        self.0.push('\n');
        self.line(format_args!("[[notify]]"));
        self.text("name", &notify.name);
        self.text("type", notify.target.as_str());
        self.text("level", notify.level.as_str());
        if !notify.codes.is_empty() {
            self.list("codes", notify.codes.iter().map(|code| quoted(code.as_str())));
        }
        if !notify.accounts.is_empty() {
            self.list(
                "accounts",
                notify.accounts.iter().map(|account| quoted(&shortened(account))),
            );
        }
        if !notify.quiet.is_empty() {
            self.list("quiet", notify.quiet.iter().map(|span| quoted(&span.to_string())));
        }
        if let Some(urgent) = notify.urgent {
            self.text("urgent", urgent.as_str());
        }
        self.line(format_args!("personal = {}", notify.personal));
        self.text("timeout", &show_duration(notify.timeout_s));
        match &notify.target {
            Target::Exec { program, arguments } => {
                let program = program.to_string_lossy();
                let words = std::iter::once(&*program).chain(arguments.iter().map(String::as_str));
                self.list("command", words.map(quoted));
            }
            Target::Webhook { url, .. } | Target::Ntfy { url, .. } => self.text("url", url),
            Target::Smtp(smtp) => self.smtp(smtp),
        }
        for (key, source) in notify.target.secrets() {
            self.secret(key, source);
        }
    }

    fn smtp(&mut self, smtp: &Smtp) {
        let server = &smtp.server;
        let server = if server.contains(':') { format!("[{server}]") } else { server.clone() };
        self.text("server", &server);
        self.number("port", u32::from(smtp.port));
        self.text("security", smtp.security.as_str());
        if let Some((username, _)) = &smtp.login {
            self.text("username", username);
        }
        self.text("from", &smtp.from);
        self.list("to", smtp.to.iter().map(|address| quoted(address)));
    }
}

/// An id as it is; of an IBAN the country and the last four characters.
fn shortened(matches: &str) -> String {
    if !Iban::new(matches).is_some_and(|number| number.is_full()) {
        return matches.to_owned();
    }
    let length = matches.chars().count();
    let part = |(place, letter)| if place < 2 || place + 4 >= length { letter } else { '*' };
    matches.chars().enumerate().map(part).collect()
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => {
                write!(out, "\\u{:04X}", u32::from(letter)).unwrap_or_default();
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Defaults, parse};

    #[test]
    fn what_is_written_reads_back_the_same() {
        let text = "
            [gocardless]
            secret-id = { file = \"/a \\\"b\\\" \\\\ c\" }
            [schedule]
            pull = [\"0 0 6 * * *\", \"0 30 18 * * MON\"]
            jitter = \"0s\"
            [history]
            warn-days = []
            remove-replaced = false
            [[account]]
            match = \"acc_01kbxyz0000000000000000000\"
            nickname = \"größe\"
            enabled = false
            [[notify]]
            name = \"script\"
            type = \"exec\"
            codes = [\"access_expired\", \"sync_completed\"]
            accounts = [\"größe\"]
            quiet = [\"22:00-07:00\"]
            urgent = \"error\"
            command = [\"/x y\", \"a \\\" b\"]
            [[notify]]
            name = \"hook\"
            type = \"webhook\"
            level = \"notice\"
            url = \"https://example.com/a?b=c\"
            secret = { file = \"/s\" }
            personal = true
            [[notify]]
            name = \"phone\"
            type = \"ntfy\"
            topic = { credential = \"topic\" }
            token = { credential = \"token\" }
            [[notify]]
            name = \"mail\"
            type = \"smtp\"
            server = \"[::1]\"
            security = \"none\"
            username = \"me\"
            password = { file = \"/p\" }
            from = \"bank@example.com\"
            to = [\"a@example.com\", \"b@example.com\"]
        ";
        let parsed = parse(text, "x", &Defaults::default()).unwrap();
        let written = parsed.config.effective();
        assert_eq!(parse(&written, "x", &Defaults::default()).unwrap().config, parsed.config);
    }

    #[test]
    fn ibans_are_shortened() {
        let text = "[[account]]\nmatch = \"de89 3704 0044 0532 0130 00\"";
        let parsed = parse(text, "x", &Defaults::default()).unwrap();
        assert_eq!(parsed.config.accounts[0].matches, "DE89370400440532013000");
        let written = parsed.config.effective();
        assert!(written.contains("match = \"DE****************3000\""), "{written}");
    }
}
