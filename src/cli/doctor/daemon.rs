//! The daemon: whether it runs, in which version, and what it says of itself.

use std::path::Path;

use super::super::client::{Client, Patience, path};
use super::super::error::CliError;
use super::super::object::Object;
use crate::daemon::doctor::Finding;
use crate::model::port::{Clock, Method};
use crate::observe::Chain;
use crate::systemd::unit::{Name, property, systemctl};

const DAEMON: &str = "daemon";

/// How the daemon was found.
#[derive(Debug)]
pub(super) enum Daemon {
    /// It answers, and has looked at what only it can look at.
    Answers {
        /// Its version.
        version: String,
        /// Its process.
        pid: Option<i64>,
        /// What it found.
        findings: Vec<Finding>,
    },
    /// Nobody listens.
    Absent,
    /// This user may not ask it.
    Closed,
    /// It answers, but not this.
    Strange {
        /// Its version, if it told.
        version: Option<String>,
        /// Its process.
        pid: Option<i64>,
        /// What went wrong.
        error: CliError,
    },
}

impl Daemon {
    /// The process, if it is known.
    pub(super) fn pid(&self) -> Option<i64> {
        match self {
            Self::Answers { pid, .. } | Self::Strange { pid, .. } => *pid,
            Self::Absent | Self::Closed => None,
        }
    }
}

/// Lets the daemon look.
pub(super) async fn ask(socket: &Path, offline: bool, clock: &dyn Clock) -> Daemon {
    let client = Client::new(socket.to_owned(), clock);
    let version = match client.get(&path(&["version"])).await {
        Ok(whole) => whole.object,
        Err(CliError::Unreachable { .. }) => return Daemon::Absent,
        Err(CliError::NotPermitted { .. }) => return Daemon::Closed,
        Err(error) => return Daemon::Strange { version: None, pid: None, error },
    };
    let pid = version.number("pid");
    let version = version.text("version").map(str::to_owned);
    match looked(&client, offline).await {
        Ok(findings) => Daemon::Answers { version: version.unwrap_or_default(), pid, findings },
        Err(error) => Daemon::Strange { version, pid, error },
    }
}

async fn looked(client: &Client<'_>, offline: bool) -> Result<Vec<Finding>, CliError> {
    let body = serde_json::json!({ "offline": offline });
    let target = path(&["doctor"]);
    // It may have to read the whole database.
    let mut lines = client.lines(Method::Post, &target, Some(&body), Patience::Endless).await?;
    let mut findings = Vec::new();
    while let Some(line) = lines.next().await? {
        let object = Object::parse(line)?;
        findings.push(Finding {
            name: object.text_or_empty("name").to_owned(),
            ok: object.flag("ok") == Some(true),
            message: object.text_or_empty("message").to_owned(),
            command: object.text("command").map(str::to_owned),
        });
    }
    Ok(findings)
}

pub(super) fn check(daemon: &Daemon, packaged: Option<&Name>) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    match daemon {
        Daemon::Answers { version, .. } | Daemon::Strange { version: Some(version), .. }
            if version != ours =>
        {
            let message = format!("the daemon is version {version}, and this is {ours}");
            Finding::trouble(DAEMON, message, systemctl("restart", packaged))
        }
        Daemon::Answers { pid, .. } => {
            let process = pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            Finding::fine(DAEMON, format!("runs, version {ours}{process}"))
        }
        Daemon::Strange { error, .. } => {
            let message = format!("the daemon runs and does not answer this: {}", Chain(error));
            Finding::trouble(DAEMON, message, systemctl("restart", packaged))
        }
        Daemon::Closed => Finding::fine(DAEMON, "not asked: this user may not"),
        Daemon::Absent => absent(packaged),
    }
}

/// A service that should run and does not needs somebody; a daemon that is started by hand may wait for it.
fn absent(packaged: Option<&Name>) -> Finding {
    let state = |what: &str| packaged.and_then(|name| property(name, what));
    if state("ActiveState").as_deref() == Some("failed") {
        let message = "the service has failed; what else is told here may be why";
        return Finding::trouble(DAEMON, message, systemctl("restart", packaged));
    }
    if state("UnitFileState").as_deref() == Some("enabled") {
        let message = "the service is enabled, and does not run";
        return Finding::trouble(DAEMON, message, systemctl("start", packaged));
    }
    Finding::fine(DAEMON, "does not run: looked at in its place")
}
