//! `[schedule]`, and whether its plan fits the limits.

use toml::de::DeValue;

use crate::model::cron::Pattern;
use crate::model::time::Zone;

use super::LimitFields;
use crate::config::document::{Item, Report, Section, Wrong};
use crate::config::slots::{self, Plan};
use crate::config::{Schedule, suggest, value};

/// Most patterns of `pull`.
const PULL_PATTERNS_MAX: usize = 24;

const MINUTE_S: u32 = 60;
const DAY_S: u32 = 86_400;
const JITTER_DEFAULT_S: u32 = 10 * MINUTE_S;

/// Reads `[schedule]` and holds it against the limits.
pub(super) fn schedule(
    section: &Section<'_, '_>,
    limits: &LimitFields,
    report: &mut Report<'_>,
) -> Option<Schedule> {
    let timezone = section.item("timezone").read(Zone::UTC, zone, report);
    let jitter = section.item("jitter");
    let jitter_s = jitter.read(None, |given| value::duration(given, 0..=DAY_S).map(Some), report);
    let freshness = section.item("freshness");
    let freshness_s =
        freshness.read(26 * 3_600, |given| value::duration(given, MINUTE_S..=400 * DAY_S), report);
    let pull = section.item("pull");
    let patterns = match pull.value() {
        Some(_) => patterns(&pull, report),
        None => limits.scheduled().map(|pulls| compiled(slots::spread(pulls))),
    };
    let mut default_jitter_s = JITTER_DEFAULT_S;
    if let (Some(patterns), Some(allowed)) = (&patterns, limits.scheduled()) {
        let crons: Vec<Pattern> = patterns.iter().map(|(_, cron)| cron.clone()).collect();
        let plan = slots::measure(&crons, allowed);
        if plan.too_many {
            report.problem(&pull.place, too_many(limits));
        }
        default_jitter_s = default_jitter(&plan);
        let jitter_s = jitter_s.map(|given| given.unwrap_or(default_jitter_s));
        fits(&plan, (&jitter, jitter_s), (&freshness, freshness_s), report);
    }
    Some(Schedule {
        timezone: timezone?,
        pull: patterns?.into_iter().map(|(text, _)| text).collect(),
        jitter_s: jitter_s?.unwrap_or(default_jitter_s),
        freshness_s: freshness_s?,
    })
}

/// Ten minutes, or half of the shortest time between two pulls where that is less.
fn default_jitter(plan: &Plan) -> u32 {
    let half = plan.shortest_gap_s.map_or(i64::MAX, |gap_s| gap_s.div_euclid(2));
    u32::try_from(half).map_or(JITTER_DEFAULT_S, |half| half.min(JITTER_DEFAULT_S))
}

fn too_many(limits: &LimitFields) -> Wrong {
    let (calls, reserve) = (limits.calls_per_day.unwrap_or(0), limits.manual_reserve.unwrap_or(0));
    Wrong::new(format!(
        "more pulls fall into 24 hours than `calls-per-day` = {calls} less `manual-reserve` = {reserve} allows"
    ))
    .hint("leave out some pulls, lower `manual-reserve`, or raise `calls-per-day` if the bank grants more")
}

/// Jitter must not let one slot overtake the next; an objective that every plan day breaks is hardly meant.
fn fits(
    plan: &Plan,
    (jitter, jitter_s): (&Item<'_, '_>, Option<u32>),
    (freshness, freshness_s): (&Item<'_, '_>, Option<u32>),
    report: &mut Report<'_>,
) {
    let jitter_s = jitter_s.map(i64::from);
    if let (Some(jitter_s), Some(gap_s)) = (jitter_s, plan.shortest_gap_s)
        && jitter_s >= gap_s
    {
        let gap = value::show_duration(u32::try_from(gap_s).unwrap_or(u32::MAX));
        let message =
            format!("must be shorter than the shortest time between two pulls, which is {gap}");
        report.problem(&jitter.place, Wrong::new(message));
    }
    if let (Some(jitter_s), Some(freshness_s), Some(gap_s)) =
        (jitter_s, freshness_s, plan.longest_gap_s)
        && !plan.too_many
        && i64::from(freshness_s) < gap_s.saturating_add(jitter_s)
    {
        let message = "is shorter than the longest time between two pulls: healthy accounts will raise the alarm";
        report.warning(
            &freshness.place,
            Wrong::new(message).hint("raise `freshness` or pull more often"),
        );
    }
}

fn zone(given: &DeValue<'_>) -> Result<Zone, Wrong> {
    let name = value::text(given, "a text with the name of a time zone")?;
    name.parse().map_err(|()| {
        let hint = match suggest::zone(name, Zone::names().collect::<Vec<_>>().into_iter()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "IANA names look like \"Europe/Berlin\" or \"UTC\"".to_owned(),
        };
        Wrong::new("is not the name of a time zone").hint(hint)
    })
}

pub(super) fn patterns(
    item: &Item<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Vec<(String, Pattern)>> {
    let elements = item.elements("a list of cron patterns", report)?;
    if elements.is_empty() || elements.len() > PULL_PATTERNS_MAX {
        let message = format!("must have from 1 to {PULL_PATTERNS_MAX} patterns");
        report.problem(&item.place, Wrong::new(message));
        return None;
    }
    let mut read = |element: &Item<'_, '_>| {
        let pattern = |given: &DeValue<'_>| {
            let text = value::text(given, "a text with a cron pattern")?.trim();
            Ok(Some((text.to_owned(), slots::pattern(text)?)))
        };
        element.read(None, pattern, report).flatten()
    };
    let read: Vec<Option<(String, Pattern)>> = elements.iter().map(&mut read).collect();
    read.into_iter().collect()
}

fn compiled(patterns: Vec<String>) -> Vec<(String, Pattern)> {
    patterns
        .into_iter()
        .filter_map(|text| slots::pattern(&text).ok().map(|cron| (text, cron)))
        .collect()
}
