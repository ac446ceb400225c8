//! Lines to the systemd journal, with their fields, by its native protocol
//! (<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>).
//!
//! `JournalLog` is used for its sending alone and never installed as the logger: records that travel through the `log`
//! crate lose their fields. Every field becomes `BANKSYNCD_…` in capitals, except `MESSAGE_ID`.
//!
//! Priorities are those of syslog(3): error 3, warning 4, notice 5, info 6, debug and trace 7. The crate would write info
//! as 5 and debug as 6, so we hand it the level that gives the right number.

use std::sync::{Mutex, PoisonError};

use log::{Level, Record};
use systemd_journal_logger::JournalLog;

use super::fields::{MESSAGE_ID, Severity};
use super::layer::Line;

/// `SYSLOG_IDENTIFIER` of every line.
const IDENTIFIER: &str = "banksyncd";

/// Whether stderr is connected to the journal, as it is in a unit with default settings (`$JOURNAL_STREAM`, systemd.exec(5)).
pub fn connected() -> bool {
    systemd_journal_logger::connected_to_journal()
}

/// A way to the journal, found again after it was lost.
pub(super) struct Journal {
    log: Mutex<Option<JournalLog>>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Journal")
    }
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { log: Mutex::new(open()) }
    }

    /// Whether the journal took the line. A journal that is down takes none, and is tried again with the next.
    pub(super) fn send(&self, line: &Line) -> bool {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if log.is_none() {
            *log = open();
        }
        let Some(log) = log.as_ref() else { return false };
        with_record(line, |record| log.journal_send(record).is_ok())
    }
}

fn open() -> Option<JournalLog> {
    JournalLog::empty().ok().map(|log| log.with_syslog_identifier(IDENTIFIER.to_owned()))
}

/// Builds the record; it borrows from its own arguments, so it can only be lent.
fn with_record<T>(line: &Line, then: impl FnOnce(&Record<'_>) -> T) -> T {
    let names: Vec<String> = line.fields.pairs.iter().map(|(name, _)| field_name(name)).collect();
    let values = line.fields.pairs.iter().map(|(_, value)| value.as_str());
    let pairs: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values).collect();
    let pairs = pairs.as_slice();
    let level = match line.severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warn,
        Severity::Notice => Level::Info,
        Severity::Info => Level::Debug,
        Severity::Debug | Severity::Trace => Level::Trace,
    };
    then(
        &Record::builder()
            .level(level)
            .target(line.target)
            .file_static(line.origin.0)
            .line(line.origin.1)
            .key_values(&pairs)
            .args(format_args!("{}", line.fields.message))
            .build(),
    )
}

/// The name of a field in the journal.
fn field_name(name: &str) -> String {
    if name == MESSAGE_ID {
        return name.to_ascii_uppercase();
    }
    let upper = name.to_ascii_uppercase().replace('.', "_");
    if upper.starts_with("BANKSYNCD_") { upper } else { format!("BANKSYNCD_{upper}") }
}

#[cfg(test)]
mod tests {
    use log::kv::{Error, Key, Value, VisitSource};

    use super::super::fields::Fields;
    use super::*;

    struct Pairs(Vec<String>);

    impl<'kvs> VisitSource<'kvs> for Pairs {
        fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
            self.0.push(format!("{key}={value}"));
            Ok(())
        }
    }

    #[test]
    fn fields_and_priorities() {
        let mut fields = Fields::default();
        fields.message = "access ends".into();
        fields.pairs = vec![
            ("message_id", "ab".into()),
            ("account", "acc_1".into()),
            ("banksyncd_run", "r".into()),
        ];
        let line =
            Line { severity: Severity::Notice, target: "t", origin: (None, Some(3)), fields };
        let shown = with_record(&line, |record| {
            let mut pairs = Pairs(Vec::new());
            record.key_values().visit(&mut pairs).unwrap();
            format!("{} {} {}", record.level(), record.args(), pairs.0.join(" "))
        });
        assert_eq!(shown, "INFO access ends MESSAGE_ID=ab BANKSYNCD_ACCOUNT=acc_1 BANKSYNCD_RUN=r");
        let info = Line { severity: Severity::Info, ..line };
        assert!(with_record(&info, |record| record.level() == Level::Debug));
    }
}
