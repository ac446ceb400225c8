//! `simulate`: the engine against the sandbox bank on a virtual clock, one report per seed.
//!
//! It reads no configuration, no credential and no environment but the place for temporary files, opens no socket, and leaves
//! nothing behind.

use super::args::{Global, Simulate, Weather};
use super::error::CliError;
use super::output::Output;
use super::progress::Progress;
use super::text::count;
use crate::exit::Code;
use crate::observe::Chain;
use crate::simulation::{Broken, Faults, Options, Report, apart, run as simulate};
use crate::systemd::process;

/// Runs all seeds; ends with 1 if any promise was broken.
pub(super) fn run(args: &Simulate, global: &Global, output: &mut Output) -> Result<Code, CliError> {
    check(args, global)?;
    if args.bank_apart {
        // As a daemon does.
        process::keep_memory_small();
    }
    let faults = match args.faults {
        Weather::None => Faults::None,
        Weather::Default => Faults::Default,
        Weather::Storm => Faults::Storm,
    };
    let seeds = args.seeds.unwrap_or((args.seed, args.seed));
    let (mut kept, mut broken) = (0_u64, 0_u64);
    let mut progress = Progress::new(output);
    let number = |seeds: u64| usize::try_from(seeds).unwrap_or(usize::MAX);
    let whole = number(seeds.1.saturating_sub(seeds.0)).saturating_add(1);
    for seed in seeds.0..=seeds.1 {
        let options = Options { days: args.days, seed, accounts: args.accounts, faults };
        progress.part(number(kept.saturating_add(broken)), whole, "seeds tried");
        let failed = |error| CliError::Failed {
            exit: Code::Software,
            message: format!("seed {seed} could not be simulated: {}", Chain(&error)),
            hint: None,
        };
        if args.bank {
            return apart::serve(&options).map(|()| Code::Ok).map_err(failed);
        }
        let outcome = if args.bank_apart { apart::run(&options) } else { simulate(&options) };
        progress.clear();
        let outcome = outcome.map_err(failed)?;
        if global.json {
            output.object(&outcome.report)?;
        } else {
            show(&outcome.report, output)?;
        }
        // Whoever waits for a thousand seeds sees each as it is done.
        output.flush()?;
        match &outcome.broken {
            Some(first) => {
                broken += 1;
                output.error(&complaint(seed, first));
            }
            None => kept += 1,
        }
    }
    if !global.json && seeds.0 != seeds.1 {
        output.line(&format!("{kept} seeds kept every promise, {broken} did not"))?;
    }
    Ok(if broken == 0 { Code::Ok } else { Code::Partial })
}

/// Options that make no sense together, or with a verb that touches nothing outside.
fn check(args: &Simulate, global: &Global) -> Result<(), CliError> {
    let usage =
        |message: String, hint: &str| Err(CliError::Usage { message, hint: Some(hint.to_owned()) });
    if let Some((first, last)) = args.seeds.filter(|(first, last)| first > last) {
        return usage(
            format!("`--seeds {first}..{last}` counts backwards"),
            "write the smaller seed first; both ends are run",
        );
    }
    if let Some(socket) = &global.socket {
        return usage(
            format!("`--socket {}` has no meaning here", socket.display()),
            "a simulation talks to no daemon: leave it out",
        );
    }
    if (args.bank_apart || args.bank) && args.faults != Weather::None {
        return usage(
            "nothing goes wrong where the bank is apart".to_owned(),
            "add `--faults none`, or leave `--bank-apart` out",
        );
    }
    let account_days = u64::from(args.days).saturating_mul(u64::from(args.accounts));
    if account_days > ACCOUNT_DAYS_MAX {
        return usage(
            format!(
                "{} days of {} accounts are more than the {ACCOUNT_DAYS_MAX} account days that fit into one simulation",
                args.days, args.accounts
            ),
            "take fewer days or fewer accounts, and more seeds",
        );
    }
    Ok(())
}

/// More of them do not fit into memory: the world remembers everything it has shown.
const ACCOUNT_DAYS_MAX: u64 = 1_000_000;

/// A report for people.
fn show(report: &Report, output: &mut Output) -> Result<(), CliError> {
    let Report { seed, days, accounts, pulls, calls, tokens_minted, .. } = report;
    output.line(&format!(
        "seed {seed}: {}, {}, {}, {}, {} minted",
        count(*days, "day"),
        count(*accounts, "account"),
        count(*pulls, "pull"),
        count(*calls, "call"),
        count(*tokens_minted, "token"),
    ))?;
    let Report { rows_shown, rows_stored, rows_missing, rows_doubled, .. } = report;
    output.line(&format!(
        "  rows: {rows_shown} shown, {rows_stored} stored, {rows_missing} missing, {rows_doubled} doubled"
    ))?;
    let Report { warnings, expiries, uncovered_days, .. } = report;
    output.line(&format!(
        "  access: {}, {}, {}",
        count(*warnings, "warning"),
        count(*expiries, "end"),
        count(*uncovered_days, "uncovered day"),
    ))?;
    for promise in &report.promises {
        let verdict = match promise.tally.broken {
            0 => "kept".to_owned(),
            broken => format!("BROKEN {}", count(broken, "time")),
        };
        output.line(&format!(
            "  {:<16} {verdict}, judged {}",
            promise.name,
            count(promise.tally.checked, "time")
        ))?;
    }
    if let Some(took) = &report.daemon {
        let (cpu_ms, mib) = (took.cpu_ms, took.memory_bytes >> 20);
        output.line(&format!(
            "  the daemon took {cpu_ms} ms of processor time and {mib} MiB of memory"
        ))?;
    }
    output.line(&format!("  fingerprint {}", report.fingerprint))
}

/// What somebody who looks for the cause needs.
fn complaint(seed: u64, broken: &Broken) -> String {
    let mut text = format!(
        "error: seed {seed} broke the promise `{}` at {}: {}\nthe last effects before:",
        broken.promise, broken.at, broken.sentence
    );
    for effect in &broken.effects {
        text.push_str("\n  ");
        text.push_str(effect);
    }
    text
}
