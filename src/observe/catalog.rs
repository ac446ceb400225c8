//! The catalogue of events: a fixed 128-bit id for each, and what `journalctl -x` says about it.
//!
//! The ids are random, made once, and never change: people search by them
//! (<https://www.freedesktop.org/wiki/Software/systemd/catalog/>). `packaging/catalog/banksyncd.catalog` is [`render`]'s
//! output; a test compares the two. The texts are in the neighbouring file.

use std::fmt::Write as _;

use crate::model::notice::EventCode;

pub use super::catalog_text::text;

/// What is said about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub title: &'static str,
    /// What happened, and why.
    pub explanation: &'static str,
    /// What to do; empty where there is nothing to do.
    pub cure: &'static str,
    /// What to type, with `{account}`, `{link}`, `{institution}` as placeholders; empty without.
    pub command: &'static str,
}

/// Places of a command and the journal's fields for them.
const PLACEHOLDERS: [(&str, &str); 3] = [
    ("{account}", "@BANKSYNCD_ACCOUNT@"),
    ("{link}", "@BANKSYNCD_LINK@"),
    ("{institution}", "@BANKSYNCD_INSTITUTION@"),
];

/// Width of the catalogue's paragraphs.
const WIDTH: usize = 80;

/// The `MESSAGE_ID` of an event: 32 hexadecimal digits.
pub const fn message_id(code: EventCode) -> &'static str {
    match code {
        EventCode::DaemonStarted => "a6befb0200cd4ac6930aff0432c9a2cd",
        EventCode::DaemonStopped => "e4d04acddc2246048f3997b9ab027652",
        EventCode::ConfigReloaded => "a650f4771e6b4f6aa7681783f9d3245b",
        EventCode::ConfigRejected => "e496f1ca7dfc4fe7991481fa18852629",
        EventCode::TokenIssued => "1976ae73e6f84d1495e9dafe8350951c",
        EventCode::TokenRefreshed => "08530e48446e4ccbb3a2731e92012f5c",
        EventCode::CredentialsRejected => "59b6d64358c14cdeb457ca09a508f878",
        EventCode::IpNotAllowed => "b1bdf86b265e4019b52c91508fe140e2",
        EventCode::PlanLimitReached => "8bd3c106ccf04577bf19d073a448b8f5",
        EventCode::LinkCreated => "a4dbf71ed9d1486e817e064f24c940e0",
        EventCode::LinkCompleted => "8b6f5fcf8dd64204990ad8f7372b81ff",
        EventCode::LinkFailed => "74f786640b6b404882c53560560d0646",
        EventCode::LinkAbandoned => "43e3cfc9c3604f2198f9c8f616ec5ca4",
        EventCode::LinkReplaced => "3e0baef65f0b4e62b7d00c3772cb1448",
        EventCode::AccessExpiring => "16ea4eaf538b4c93b47446a9795f7213",
        EventCode::AccessExpired => "c361e0f4eb624563ae8f77594f0f8986",
        EventCode::AccessRevoked => "98d74163409b4fdea5c5a01342695490",
        EventCode::AccessRenewed => "a21ef5616dbf4bfca89f1bdd8332d22f",
        EventCode::ReconfirmationDue => "dcd5f0d0e9704ca184d62a9f55af8631",
        EventCode::ReconfirmationDone => "89e22cb2aa7345e0bad17e22d4424b74",
        EventCode::AccountDiscovered => "7359e4f2bdde4d228a4c34970ab5ea8e",
        EventCode::AccountsAmbiguous => "9bcaa7443d4741c0beb6504fa9964b42",
        EventCode::AccountsMerged => "b0fef83b1986408c9cee38581b1e7dd9",
        EventCode::AccountForgotten => "61c9fc4aec186c613dadc202888e3f7d",
        EventCode::AccountSuspended => "d497c302be2245f2a04f874b1378f80f",
        EventCode::AccountPaused => "6b3159b34d8244ceb2a175b7298a604b",
        EventCode::AccountInactive => "539cf930f366485cbb2bccbe2fcce28f",
        EventCode::AccountRecovered => "1715e04fb3914566b1deb1083c4905cb",
        EventCode::AccountStale => "7971ea8f321a4efa806e3bda7bd8e3e0",
        EventCode::ScopeRefused => "dfa646e8a20741838c18aad74dcd2a49",
        EventCode::SyncCompleted => "c37ab92fe82a4c87905ec8e0e547d9af",
        EventCode::SyncFailed => "281ac350657349c78e250820cf9f4a40",
        EventCode::QuotaSpent => "e8e8fc59b8db4899b20a57e4f4e5788d",
        EventCode::ProviderUnavailable => "443c0c084f8f4a7989bc85e3509a48f4",
        EventCode::ProviderRecovered => "ae31739745f7483695244b056122fbee",
        EventCode::TransactionsAdded => "38c5fde31e444ed6b2cb9cda2e0f66de",
        EventCode::TransactionChanged => "2148eae9a8564a2f82931173a149b3a9",
        EventCode::TransactionVanished => "0d99b47b75ac4ca9a34cd0c4993c94d1",
        EventCode::RowsNotUnderstood => "3f29eba4c047492fa4fcf4f8f3a4740f",
        EventCode::ValueNotUnderstood => "c1a560be95ba4cbe81065d31850ff9f4",
        EventCode::BalanceExplained => "bc58c41f9f299d03683b846f583f714d",
        EventCode::BalanceMismatch => "ccd2add284a64910aa719c9ce6fe144c",
        EventCode::ClockStepped => "992a89f008994c09a09daa63e6159541",
        EventCode::StoreFull => "07ec6afd5ed54bcca9622480452afa29",
        EventCode::StoreIntegrityFailed => "c2b3f597d4a54e298d0227ee50e5d9af",
        EventCode::BackupCompleted => "b5b466a5592a412e90dba74313c90480",
        EventCode::BackupFailed => "7392409e0e794be287ff2c4781f0d6d9",
        EventCode::NotifyFailed => "6dfe20bc26d24e8db2d4ffad399f0c22",
    }
}

/// The command that cures an event, with the ids filled in; `None` if there is none or an id of it is not known.
pub fn command(code: EventCode, account: &str, link: &str, institution: &str) -> Option<String> {
    let mut command = text(code).command.to_owned();
    for ((place, _), id) in PLACEHOLDERS.iter().zip([account, link, institution]) {
        if command.contains(place) {
            if id.is_empty() {
                return None;
            }
            command = command.replace(place, id);
        }
    }
    (!command.is_empty()).then_some(command)
}

/// The whole catalogue file.
pub fn render() -> String {
    let mut out = String::from(
        "# Explanations of the events of banksyncd for `journalctl -x`.\n\
         # Written by the program's own table (src/observe/catalog_text.rs); a test keeps them the same.\n",
    );
    for code in EventCode::ALL {
        let text = text(*code);
        // Writing to a String cannot fail.
        write!(
            out,
            "\n-- {}\nSubject: {}\nDefined-By: banksyncd\nSupport: {}\n\n{}",
            message_id(*code),
            text.title,
            env!("CARGO_PKG_REPOSITORY"),
            wrapped(&format!(
                "{} (event {}, {})",
                text.explanation,
                code.as_str(),
                code.level().as_str()
            ))
        )
        .unwrap_or_default();
        if !text.cure.is_empty() {
            out.push('\n');
            out.push_str(&wrapped(text.cure));
        }
        if !text.command.is_empty() {
            let command =
                PLACEHOLDERS.iter().fold(text.command.to_owned(), |command, (place, field)| {
                    command.replace(place, field)
                });
            write!(out, "\n    {command}\n").unwrap_or_default();
        }
    }
    out
}

/// The paragraph in lines of at most [`WIDTH`] characters.
fn wrapped(paragraph: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in paragraph.split_ascii_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_distinct_and_texts_are_there() {
        let mut seen = BTreeSet::new();
        for code in EventCode::ALL {
            let id = message_id(*code);
            assert!(
                id.len() == 32 && id.bytes().all(|digit| b"0123456789abcdef".contains(&digit)),
                "{id}"
            );
            assert!(seen.insert(id), "{id}");
            let text = text(*code);
            assert!(!text.title.is_empty() && !text.title.ends_with('.'), "{code:?}");
            assert!(text.explanation.ends_with('.'), "{code:?}");
            assert!(text.cure.is_empty() || text.cure.ends_with(['.', ':']), "{code:?}");
            assert_eq!(text.cure.ends_with(':'), !text.command.is_empty(), "{code:?}");
        }
    }

    #[test]
    fn whoever_must_act_is_told_how() {
        for code in EventCode::ALL {
            if code.level() >= crate::model::notice::Level::Warning {
                assert!(!text(*code).cure.is_empty(), "{code:?}");
            }
        }
    }

    #[test]
    fn the_file_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/catalog/banksyncd.catalog");
        let made = render();
        if std::env::var_os("BANKSYNCD_WRITE_CATALOG").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        let file = std::fs::read_to_string(path).unwrap();
        assert!(
            file == made,
            "write it anew: BANKSYNCD_WRITE_CATALOG=1 cargo test --lib observe::catalog"
        );
    }

    #[test]
    fn commands_need_their_ids() {
        let code = EventCode::AccessExpiring;
        assert_eq!(command(code, "", "lnk_1", ""), Some("banksyncd renew lnk_1".into()));
        assert_eq!(command(code, "acc_1", "", ""), None);
        assert_eq!(command(EventCode::DaemonStarted, "a", "b", "c"), None);
    }
}
