//! `check-config`: every problem of the configuration, with place and cure; if there is none, what is in force and what that
//! means: the next pulls, and the calls that they cost.
//!
//! What it prints is a configuration again: whatever is no key of one is a comment.

use std::fmt::Write as _;

use super::args::Global;
use super::error::CliError;
use super::output::Output;
use super::text::{count, weekday};
use crate::config::{Config, Loaded, Problem, load};
use crate::daemon::DaemonError;
use crate::daemon::clock::OsClock;
use crate::exit::Code;
use crate::model::port::Clock as _;
use crate::model::time::UtcInstant;
use crate::planner::policy::Policy;
use crate::systemd::credentials::Directories;

/// How many pulls are shown.
const PULLS: usize = 10;

/// Checks; [`Code::Config`] if there are problems.
pub(super) fn run(global: &Global, output: &mut Output) -> Result<Code, CliError> {
    match load(&global.config, &Directories::from_environment().defaults()) {
        Ok(Loaded { config, warnings, .. }) => {
            for warning in &warnings {
                output.note(&format!("warning: {warning}"));
            }
            if !global.json {
                output.verbatim(&config.effective())?;
                output.verbatim(&outlook(&config, OsClock::new().now().wall)?)?;
            }
            Ok(Code::Ok)
        }
        Err(error) => {
            for problem in error.problems() {
                tell(&problem, global.json, output)?;
            }
            Ok(Code::Config)
        }
    }
}

fn tell(problem: &Problem, json: bool, output: &mut Output) -> Result<(), CliError> {
    if json {
        return output.object(problem);
    }
    output.error(&problem.to_string());
    Ok(())
}

/// The next pulls after `now` by the clock of the schedule's zone, and what the busiest day costs an account.
fn outlook(config: &Config, now: UtcInstant) -> Result<String, CliError> {
    let plan = &config.schedule;
    let policy = Policy::from_config(config).map_err(DaemonError::Schedule)?;
    let slots = std::iter::successors(policy.schedule.slot_after(now), |slot| {
        policy.schedule.slot_after(*slot)
    });
    let late = match plan.jitter_s {
        0 => String::new(),
        jitter_s if jitter_s < 60 => format!(", each up to {jitter_s} s later"),
        jitter_s => format!(", each up to {} min later", jitter_s.div_ceil(60)),
    };
    let mut text = format!("\n# The next pulls by the clock of {}{late}:\n", plan.timezone);
    for slot in slots.take(PULLS) {
        let (day, local) = (weekday(plan.timezone.date(slot)), plan.timezone.local(slot));
        // Writing to a string cannot fail.
        writeln!(text, "#   {day} {local}").unwrap_or_default();
    }
    let (limit, pulls) = (config.limits.calls_per_day, plan.busiest_day());
    let most = count(pulls, "pull");
    let left = limit.saturating_sub(pulls);
    write!(
        text,
        "#\n# Up to {most} in 24 hours. Of {limit} calls that a bank allows, an account takes\n\
         #   {pulls} for its balances, which leaves {left} to `banksyncd sync`,\n\
         #   {pulls} for its transactions, which leaves {left} likewise;\n\
         # its details are read once a month.\n",
    )
    .unwrap_or_default();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Defaults, parse};

    fn of(text: &str, now: &str) -> String {
        let config = parse(text, "x", &Defaults::default()).unwrap().config;
        outlook(&config, UtcInstant::parse(now).unwrap()).unwrap()
    }

    #[test]
    fn ten_pulls_across_a_change_of_the_clock_and_what_they_cost() {
        let text = "[schedule]\ntimezone = \"Europe/Berlin\"\npull = [\"0 30 2 * * *\", \"0 0 20 * * MON-FRI\"]\njitter = \"90s\"\n\
                    [limits]\ncalls-per-day = 6\nmanual-reserve = 2\n";
        insta::assert_snapshot!(of(text, "2026-10-23T12:00:00Z"), @r"
        # The next pulls by the clock of Europe/Berlin, each up to 2 min later:
        #   Fri 2026-10-23 20:00
        #   Sat 2026-10-24 02:30
        #   Sun 2026-10-25 02:30
        #   Mon 2026-10-26 02:30
        #   Mon 2026-10-26 20:00
        #   Tue 2026-10-27 02:30
        #   Tue 2026-10-27 20:00
        #   Wed 2026-10-28 02:30
        #   Wed 2026-10-28 20:00
        #   Thu 2026-10-29 02:30
        #
        # Up to 2 pulls in 24 hours. Of 6 calls that a bank allows, an account takes
        #   2 for its balances, which leaves 4 to `banksyncd sync`,
        #   2 for its transactions, which leaves 4 likewise;
        # its details are read once a month.
        ");
    }

    #[test]
    fn what_is_printed_is_a_configuration() {
        let config = parse("", "x", &Defaults::default()).unwrap().config;
        let now = UtcInstant::parse("2026-01-31T23:59:59Z").unwrap();
        let printed = config.effective() + &outlook(&config, now).unwrap();
        assert_eq!(parse(&printed, "x", &Defaults::default()).unwrap().config, config);
        assert_eq!(printed.matches("\n#   Sun 2026-02-01").count(), 3, "{printed}");
        assert!(printed.contains("# Up to 3 pulls in 24 hours"), "{printed}");
    }
}
