//! Names of accounts in plain-text ledgers.
//!
//! Rules of names: Beancount's language syntax (`beancount.github.io/docs/beancount_language_syntax.html`) and hledger's manual
//! on account names (`hledger.org/hledger.html`), both read on 2026-11-23.

use std::fmt;

use super::iban;

/// What accounts without a name of their own stand under.
const DEFAULT_ROOT: &str = "Assets:Bank";

/// Longest name, in characters.
pub const CHARS_MAX: usize = 200;

/// The roots that Beancount knows.
const ROOTS: [&str; 5] = ["Assets", "Liabilities", "Equity", "Income", "Expenses"];

/// A name that hledger takes, such as `assets:bank:giro`; most are fit for Beancount too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerAccount(String);

impl LedgerAccount {
    /// The name, if it is one.
    pub fn parse(name: &str) -> Option<Self> {
        let odd = |letter: char| letter.is_control() || matches!(letter, ';' | '"' | '|');
        let parts_are_named = name.split(':').all(|part| !part.is_empty() && part.trim() == part);
        let plain_start = !name.starts_with(['(', '[', '*', '!', '~', '=', '@', '#', '%']);
        let sound = parts_are_named
            && plain_start
            && !name.contains(odd)
            && !name.contains("  ")
            && name.chars().count() <= CHARS_MAX;
        sound.then(|| Self(name.to_owned()))
    }

    /// The name of a bank account that nobody named: by nickname, else number and currency, else `id`. It does not depend on
    /// other accounts, so that it stays when one is added.
    pub fn default_for(
        nickname: Option<&str>,
        number: Option<&str>,
        currency: Option<&str>,
        id: &str,
    ) -> Self {
        let name = match (nickname, number) {
            (Some(nickname), _) => component(nickname),
            (None, Some(number)) => {
                let number = iban::normalise(number);
                currency.map_or_else(|| number.clone(), |currency| format!("{number}-{currency}"))
            }
            (None, None) => String::new(),
        };
        let name = if name.is_empty() { component(id) } else { name };
        Self(format!("{DEFAULT_ROOT}:{name}"))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Beancount takes it, too.
    pub fn is_beancount(&self) -> bool {
        let mut parts = self.0.split(':');
        let rooted = parts.next().is_some_and(|root| ROOTS.contains(&root));
        let mut below = 0_usize;
        let good = parts.all(|part| {
            below = below.saturating_add(1);
            let first = part.chars().next();
            let begins = first.is_some_and(|it| it.is_uppercase() || it.is_ascii_digit());
            begins && part.chars().all(|it| it.is_alphanumeric() || it == '-')
        });
        rooted && good && below > 0
    }
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text as one component of a name: letters, digits and dashes, beginning with a capital.
fn component(text: &str) -> String {
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    let name = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_ledgers_take_and_names_that_they_do_not() {
        for (name, beancount) in [
            ("Assets:Bank:Giro", true),
            ("Assets:Bank:Giro-2", true),
            ("Assets:Österreich:Konto", true),
            ("Assets:2026", true),
            ("assets:bank:giro", false),
            ("Assets", false),
            ("Assets:bank", false),
            ("Assets:My bank", false),
            ("Bank:Giro", false),
        ] {
            assert_eq!(LedgerAccount::parse(name).unwrap().is_beancount(), beancount, "{name}");
        }
        for name in ["", ":", "Assets:", "a  b", " a", "a:", "a; b", "a\nb", "(a)", "*a", "a| b"] {
            assert_eq!(LedgerAccount::parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn default_names_are_fit_for_both() {
        let id = "acc_01kaqz5v0000000000000000aa";
        for (nickname, number, currency, name) in [
            (Some("giro"), Some("DE89370400440532013000"), Some("EUR"), "Assets:Bank:Giro"),
            (Some("my shared account"), None, None, "Assets:Bank:My-shared-account"),
            (None, Some("DE89 3704 0044"), Some("EUR"), "Assets:Bank:DE8937040044-EUR"),
            (None, None, Some("EUR"), "Assets:Bank:Acc-01kaqz5v0000000000000000aa"),
            (Some("***"), None, None, "Assets:Bank:Acc-01kaqz5v0000000000000000aa"),
        ] {
            let made = LedgerAccount::default_for(nickname, number, currency, id);
            assert_eq!(made.as_str(), name);
            assert!(made.is_beancount() && LedgerAccount::parse(name).is_some(), "{name}");
        }
    }
}
