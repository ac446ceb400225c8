//! What can be looked at only from where the daemon is: its secrets, the provider, the database, the accounts.
//!
//! The running daemon answers `POST /v1/doctor` with it; where none runs, the verb goes the same way by itself. Each check
//! gives a finding with the one command that cures it, or one that says that all is well. A finding never holds a secret,
//! and names accounts by their nickname or id. Nothing here changes anything but what opening a database does.

mod access;
mod backups;
mod credentials;
mod messages;
mod provider;
mod store;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::config::Config;
use crate::daemon::notify::Standing;
use crate::model::port::{Clock, RowReader};
use crate::model::shell::quoted_path;
use crate::store::{Exposed, Store};
use crate::sync::Report;
use crate::systemd::credentials::{CredentialError, Secrets};
use crate::systemd::unit::{Name, systemctl};

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check.
    pub name: String,
    /// Nothing needs a person.
    pub ok: bool,
    /// One sentence.
    pub message: String,
    /// What to type.
    pub command: Option<String>,
}

impl Finding {
    /// All is well, and how.
    pub fn fine(name: &str, message: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, message: message.into(), command: None }
    }

    /// Something needs a person, and what to type.
    pub fn trouble(name: &str, message: impl Into<String>, command: impl Into<String>) -> Self {
        let command = Some(command.into());
        Self { name: name.to_owned(), ok: false, message: message.into(), command }
    }
}

/// What is looked at.
pub struct Patient<'a> {
    /// Where the configuration is.
    pub config_path: PathBuf,
    /// What it says.
    pub config: &'a Config,
    /// The secrets that it names, or what is wrong with them.
    pub secrets: Result<Secrets, Vec<CredentialError>>,
    /// Who can touch the files of the database, looked at before it was opened: opening closes it to others.
    pub files: io::Result<Vec<Exposed>>,
    /// The database.
    pub database: Database,
    /// How stored rows are read.
    pub reader: Arc<dyn RowReader>,
    /// The time.
    pub clock: &'a dyn Clock,
    /// How the targets of messages fare; `None` while nobody sends to them.
    pub standings: Option<Vec<Standing>>,
    /// The daemon runs, so that what it remembers is in force.
    pub running: bool,
}

impl std::fmt::Debug for Patient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patient").field("config_path", &self.config_path).finish_non_exhaustive()
    }
}

/// The database, as far as it can be got at.
#[derive(Debug)]
pub enum Database {
    /// Open, and what is remembered in it.
    Open(Store, Box<Report>),
    /// Not made yet.
    Absent,
    /// Without its key nobody can open it; that is told of the key.
    Locked,
    /// It does not open.
    Broken(crate::store::Error),
}

impl Patient<'_> {
    /// A command that opens the configuration, and the one that makes the daemon read it.
    fn edit(&self) -> String {
        format!("${{EDITOR:-vi}} {}", quoted_path(&self.config_path))
    }

    /// What puts another secret or a lifted refusal in force.
    fn restart(&self) -> String {
        systemctl("restart", Name::of_config(&self.config_path).as_ref())
    }

    fn report(&self) -> Option<&Report> {
        match &self.database {
            Database::Open(_, report) => Some(report),
            Database::Absent | Database::Locked | Database::Broken(_) => None,
        }
    }
}

/// Looks at everything; `offline`: without asking the provider or a name server.
pub async fn examine(patient: &Patient<'_>, offline: bool) -> Vec<Finding> {
    let mut findings = credentials::check(patient);
    if offline {
        findings.extend(provider::remembered(patient));
    } else {
        findings.extend(provider::check(patient).await);
    }
    findings.extend(store::check(patient).await);
    if let Some(report) = patient.report() {
        findings.extend(access::check(patient, report));
    }
    findings.extend(backups::check(patient).await);
    findings.extend(messages::check(patient));
    findings
}
