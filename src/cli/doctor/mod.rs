//! `doctor`: everything that can be wrong with this machine, the service, the provider and the database, each with the one
//! command that cures it.
//!
//! What stands outside the daemon (configuration, unit, socket) is looked at here; what only the daemon can look at is asked
//! of it, or, where none runs, looked at in its place by the same checks.

mod config;
mod daemon;
mod directly;
mod socket;
mod unit;

use std::path::Path;

use super::args::{Doctor, Global};
use super::error::CliError;
use super::output::{Output, Style};
use super::progress::Progress;
use super::table::{Column, Table};
use super::text::{one_line, wrapped};
use super::way::way;
use super::{command_of, program};
use crate::config::load;
use crate::daemon::DaemonError;
use crate::daemon::clock::OsClock;
use crate::daemon::doctor::Finding;
use crate::daemon::run::runtime;
use crate::exit::Code;
use crate::systemd::credentials::Directories;
use crate::systemd::process;
use crate::systemd::unit::Name;

use daemon::Daemon;

/// What is looked at, in the order in which it is told.
pub(super) const CHECKS: [&str; 21] = [
    "config",
    "daemon",
    "socket",
    "unit",
    "sandboxing",
    "credentials",
    "dns",
    "connection",
    "tls",
    "secret",
    "address",
    "clock",
    "headers",
    "files",
    "disk",
    "database",
    "quota",
    "consents",
    "accounts",
    "backups",
    "messages",
];

/// The checks, for help and manual.
pub(super) const HELP: &str = "\
It looks at: config (problems of the file), daemon (runs, in this version), socket (who may use it), unit (is it the one of
this version), sandboxing (is it as strict as it was shipped), credentials (there, and closed to others), dns, connection,
tls, secret (accepted by the provider), address (allowed by it), clock (against the provider's), headers (do the rate limits
arrive, and in which spelling), files (who may touch the database), disk (room), database (sound), quota, consents, accounts,
backups (are the scheduled ones made), messages (do those who are to be told take them).
It asks the provider for a token and a list, which costs no call of a bank. With the daemon running the daemon looks; as a
service that is stopped, only root can. It ends with 1 if something needs a person.";

/// Looks at everything; [`Code::Partial`] if something needs a person.
pub(super) fn run(args: &Doctor, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    process::harden().map_err(DaemonError::Process)?;
    let mut progress = Progress::new(output);
    if output.terminal.error {
        progress.show("looking at service, provider and database", output);
    }
    let mut findings = runtime()?.block_on(look(args, global));
    progress.clear();
    let place = |finding: &Finding| CHECKS.iter().position(|name| *name == finding.name);
    findings.sort_by_key(|finding| place(finding).unwrap_or(CHECKS.len()));
    let program = program(global);
    for finding in &mut findings {
        finding.command = finding.command.as_ref().map(|command| command_of(&program, command));
    }
    if global.json {
        print_json(&findings, output)?;
    } else {
        print(&findings, output)?;
    }
    Ok(if findings.iter().all(|finding| finding.ok) { Code::Ok } else { Code::Partial })
}

async fn look(args: &Doctor, global: &Global) -> Vec<Finding> {
    let clock = OsClock::new();
    let packaged = Name::of_config(&global.config);
    let loaded = load(&global.config, &Directories::from_environment().defaults());
    let way = way(global).ok();
    let daemon = match &way {
        Some(way) => daemon::ask(&way.socket, args.offline, &clock).await,
        None => Daemon::Absent,
    };
    let mut findings = config::check(&global.config, &loaded, &daemon);
    findings.push(daemon::check(&daemon, packaged.as_ref()));
    if let Some(way) = &way {
        findings.extend(socket::check(&way.socket, packaged.is_some(), &daemon));
    }
    if let Some(packaged) = &packaged {
        findings.extend(unit::check(Path::new("/"), packaged, daemon.pid()));
    }
    match (daemon, loaded) {
        (Daemon::Answers { findings: told, .. }, _) => findings.extend(told),
        (Daemon::Absent, Ok(loaded)) => {
            let path = global.config.clone();
            let looked =
                directly::examine(path, &loaded.config, packaged.as_ref(), args.offline, &clock);
            findings.extend(looked.await);
        }
        (Daemon::Absent | Daemon::Closed | Daemon::Strange { .. }, _) => {}
    }
    findings
}

fn print_json(findings: &[Finding], output: &mut Output) -> Result<(), CliError> {
    findings.iter().try_for_each(|finding| output.object(finding))
}

/// What needs a person on top, with its command; what is fine below, a line each.
fn print(findings: &[Finding], output: &mut Output) -> Result<(), CliError> {
    let (fine, bad): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.ok);
    if bad.is_empty() {
        output.spans(&[(Style::Green, "nothing needs you")])?;
    } else {
        output.spans(&[(Style::Red, "needs you:")])?;
    }
    for finding in bad {
        let text = format!("{}: {}", finding.name, one_line(&finding.message));
        // Two blanks before every line, and none of it in the last column.
        let columns =
            output.terminal.width.map_or(usize::MAX, |width| usize::from(width.saturating_sub(3)));
        for line in wrapped(&text, columns) {
            output.line(&format!("  {line}"))?;
        }
        if let Some(command) = &finding.command {
            output.spans(&[(Style::Plain, "    "), (Style::Bold, &one_line(command))])?;
        }
    }
    output.line("")?;
    let mut table = Table::new(&[Column::left("fine:").whole(), Column::left("")]).one_line_rows();
    for finding in fine {
        table.row(&[format!("  {}", finding.name), one_line(&finding.message)]);
    }
    table.print(output)
}

#[cfg(test)]
mod tests;
