//! The metrics: names, kinds, labels, what they mean, and where each sample comes from. The manual and the tests read this
//! table, so that there is none without a description.

use std::fmt::{Display, Write as _};

use super::Facts;
use crate::model::agreement::Scope;
use crate::model::notice::EventCode;
use crate::model::time::{SECOND_MS, UtcInstant};
use crate::planner::quota::Allowance;
use crate::planner::state::{Account, Link};
use crate::sync::Outlook;

/// How a metric moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up, and back to 0 when the daemon starts.
    Counter,
    /// Up and down.
    Gauge,
}

impl Kind {
    /// The word of the text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// The labels of its samples.
    pub labels: &'static [&'static str],
    /// What it says, in one sentence.
    pub help: &'static str,
    samples: fn(&Facts<'_>, &mut Samples<'_>),
}

impl Metric {
    /// Appends it to a page: what it is, then its samples.
    pub(super) fn write(&self, facts: &Facts<'_>, page: &mut String) {
        let Self { name, kind, help, .. } = self;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let head = format!("# HELP {name} {help}\n# TYPE {name} {}\n", kind.as_str());
        page.push_str(&head);
        (self.samples)(facts, &mut Samples { metric: self, page });
    }
}

/// Where a metric puts its samples.
struct Samples<'a> {
    metric: &'a Metric,
    page: &'a mut String,
}

impl Samples<'_> {
    /// One sample; `values` of the labels, in their order.
    fn put(&mut self, values: &[&dyn Display], value: impl Display) {
        debug_assert_eq!(values.len(), self.metric.labels.len(), "{}", self.metric.name);
        self.page.push_str(self.metric.name);
        for (place, (label, value)) in self.metric.labels.iter().zip(values).enumerate() {
            let value = value.to_string();
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let before = if place == 0 { '{' } else { ',' };
            // Writing to a String cannot fail.
            write!(self.page, "{before}{label}=\"{value}\"").unwrap_or_default();
        }
        let end = if values.is_empty() { "" } else { "}" };
        writeln!(self.page, "{end} {value}").unwrap_or_default();
    }

    /// A sample in seconds since 1970; none where there is no instant, or one beyond every calendar.
    fn instant(&mut self, values: &[&dyn Display], at: Option<UtcInstant>) {
        if let Some(at) = at.filter(|at| *at < UtcInstant::NEVER) {
            self.put(values, seconds(at));
        }
    }
}

/// Seconds since 1970.
fn seconds(at: UtcInstant) -> i64 {
    at.ms().div_euclid(SECOND_MS)
}

/// Accounts that are known for what they are.
fn accounts<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (&'a Account, &'a Outlook)> {
    let both = facts.report.accounts.iter().zip(&facts.report.outlooks);
    both.filter(|(account, _)| account.identifying.is_none())
}

fn quotas<'a>(
    facts: &Facts<'a>,
) -> impl Iterator<Item = (&'a Account, &'static str, &'a Allowance)> {
    let of_account = |(account, outlook): (&'a Account, &'a Outlook)| {
        outlook.quota.iter().map(move |(scope, left)| (account, Scope::as_str(*scope), left))
    };
    accounts(facts).flat_map(of_account)
}

/// Links by which accounts go, with the end of their access.
fn consents<'a>(facts: &Facts<'a>) -> impl Iterator<Item = (&'a Link, UtcInstant)> {
    let report = facts.report;
    let used = |link: &&Link| report.accounts.iter().any(|account| account.link_id == link.id);
    report.links.iter().filter(used).filter_map(|link| Some((link, link.access_expires_at?)))
}

fn is_fresh(facts: &Facts<'_>, account: &Account) -> bool {
    let objective_ms = facts.report.policy.freshness_ms;
    account.last_synced_at.is_some_and(|at| facts.now.since(at) <= objective_ms)
}

/// All metrics, in the order of the page.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "banksyncd_build_info",
        kind: Kind::Gauge,
        labels: &["version"],
        help: "Always 1; the label says which version runs.",
        samples: |_, samples| samples.put(&[&env!("CARGO_PKG_VERSION")], 1),
    },
    Metric {
        name: "banksyncd_start_time_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the daemon started, in seconds since 1970.",
        samples: |facts, samples| samples.put(&[], seconds(facts.started_at)),
    },
    Metric {
        name: "banksyncd_needs",
        kind: Kind::Gauge,
        labels: &[],
        help: "How many things need a person; `banksyncd status` names them.",
        samples: |facts, samples| samples.put(&[], facts.needs),
    },
    Metric {
        name: "banksyncd_provider_up",
        kind: Kind::Gauge,
        labels: &[],
        help: "0 while nothing answers at the provider.",
        samples: |facts, samples| {
            samples.put(&[], u8::from(facts.report.provider.outage_since.is_none()));
        },
    },
    Metric {
        name: "banksyncd_provider_refuses",
        kind: Kind::Gauge,
        labels: &[],
        help: "1 while the provider refuses all calls: the secret, this address, or the plan.",
        samples: |facts, samples| {
            samples.put(&[], u8::from(facts.report.provider.fault.is_some()));
        },
    },
    Metric {
        name: "banksyncd_account_status",
        kind: Kind::Gauge,
        labels: &["account", "status"],
        help: "Always 1; the label says which status an account has.",
        samples: |facts, samples| {
            for (account, _) in accounts(facts) {
                samples.put(&[&account.id, &account.status.as_str()], 1);
            }
        },
    },
    Metric {
        name: "banksyncd_account_enabled",
        kind: Kind::Gauge,
        labels: &["account"],
        help: "1 if an account is pulled, 0 if the configuration switched it off.",
        samples: |facts, samples| {
            for (account, _) in accounts(facts) {
                samples.put(&[&account.id], u8::from(facts.report.policy.is_enabled(account)));
            }
        },
    },
    Metric {
        name: "banksyncd_account_last_sync_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["account"],
        help: "When an account was last pulled completely, in seconds since 1970; 0 if never.",
        samples: |facts, samples| {
            for (account, _) in accounts(facts) {
                let at = account.last_synced_at.unwrap_or(UtcInstant::EPOCH);
                samples.put(&[&account.id], seconds(at));
            }
        },
    },
    Metric {
        name: "banksyncd_account_fresh",
        kind: Kind::Gauge,
        labels: &["account"],
        help: "1 while an account is younger than schedule.freshness.",
        samples: |facts, samples| {
            for (account, _) in accounts(facts) {
                samples.put(&[&account.id], u8::from(is_fresh(facts, account)));
            }
        },
    },
    Metric {
        name: "banksyncd_freshness_objective_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "What schedule.freshness is.",
        samples: |facts, samples| {
            samples.put(&[], facts.report.policy.freshness_ms.div_euclid(SECOND_MS));
        },
    },
    Metric {
        name: "banksyncd_account_next_pull_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["account"],
        help: "When the next planned pull of an account begins, in seconds since 1970; absent if none is planned.",
        samples: |facts, samples| {
            for (account, outlook) in accounts(facts) {
                samples.instant(&[&account.id], outlook.next_pull_at);
            }
        },
    },
    Metric {
        name: "banksyncd_account_consecutive_failures",
        kind: Kind::Gauge,
        labels: &["account"],
        help: "Failures of an account in a row that count towards a suspension by the provider.",
        samples: |facts, samples| {
            for (account, _) in accounts(facts) {
                samples.put(&[&account.id], account.consecutive_failures);
            }
        },
    },
    Metric {
        name: "banksyncd_quota_limit",
        kind: Kind::Gauge,
        labels: &["account", "scope"],
        help: "Calls that an account may make in any 24 hours, per kind of data.",
        samples: |facts, samples| {
            for (account, scope, left) in quotas(facts) {
                samples.put(&[&account.id, &scope], left.limit);
            }
        },
    },
    Metric {
        name: "banksyncd_quota_remaining",
        kind: Kind::Gauge,
        labels: &["account", "scope"],
        help: "Calls that are left of them now.",
        samples: |facts, samples| {
            for (account, scope, left) in quotas(facts) {
                samples.put(&[&account.id, &scope], left.limit.saturating_sub(left.used));
            }
        },
    },
    Metric {
        name: "banksyncd_quota_next_allowed_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["account", "scope"],
        help: "When the next call is allowed, in seconds since 1970; in the past if one is allowed now, absent if none ever is.",
        samples: |facts, samples| {
            for (account, scope, left) in quotas(facts) {
                samples.instant(&[&account.id, &scope], Some(left.next_allowed_at));
            }
        },
    },
    Metric {
        name: "banksyncd_consent_remaining_seconds",
        kind: Kind::Gauge,
        labels: &["link"],
        help: "How long access still lasts; divided by 86400 the days that are left. 0 when it has ended.",
        samples: |facts, samples| {
            for (link, end) in consents(facts) {
                let left_ms = end.since(facts.report.provider_now).max(0);
                samples.put(&[&link.id], left_ms.div_euclid(SECOND_MS));
            }
        },
    },
    Metric {
        name: "banksyncd_consent_end_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["link"],
        help: "When access ends, in seconds since 1970.",
        samples: |facts, samples| {
            for (link, end) in consents(facts) {
                samples.instant(&[&link.id], Some(end));
            }
        },
    },
    Metric {
        name: "banksyncd_links_pending",
        kind: Kind::Gauge,
        labels: &[],
        help: "Links that wait for a person at the bank.",
        samples: |facts, samples| {
            let pending = facts.report.links.iter().filter(|link| link.status.is_pending());
            samples.put(&[], pending.count());
        },
    },
    Metric {
        name: "banksyncd_runs_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Pulls that ended, completed or failed.",
        samples: |facts, samples| {
            let ends = [("completed", EventCode::SyncCompleted), ("failed", EventCode::SyncFailed)];
            for (outcome, code) in ends {
                samples.put(&[&outcome], facts.counted.number(code));
            }
        },
    },
    Metric {
        name: "banksyncd_events_total",
        kind: Kind::Counter,
        labels: &["code"],
        help: "Events that were told, by their codes; see banksyncd-events(7).",
        samples: |facts, samples| {
            for code in EventCode::ALL {
                samples.put(&[&code.as_str()], facts.counted.number(*code));
            }
        },
    },
    Metric {
        name: "banksyncd_notify_waiting",
        kind: Kind::Gauge,
        labels: &["target"],
        help: "Messages that wait for a target of `[[notify]]`.",
        samples: |facts, samples| {
            for standing in facts.standings {
                samples.put(&[&standing.name], standing.waiting);
            }
        },
    },
    Metric {
        name: "banksyncd_notify_oldest_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &["target"],
        help: "When the oldest event happened that a target was not told of yet, in seconds since 1970; absent if none waits.",
        samples: |facts, samples| {
            for standing in facts.standings {
                samples.instant(&[&standing.name], standing.oldest_at);
            }
        },
    },
    Metric {
        name: "banksyncd_notify_up",
        kind: Kind::Gauge,
        labels: &["target"],
        help: "0 while a target does not take its messages.",
        samples: |facts, samples| {
            for standing in facts.standings {
                samples.put(&[&standing.name], u8::from(standing.failing_since.is_none()));
            }
        },
    },
    Metric {
        name: "banksyncd_notify_given_up_total",
        kind: Kind::Counter,
        labels: &["target"],
        help: "Messages that a target will not get: too many waited, it refused them, or took none for days.",
        samples: |facts, samples| {
            for standing in facts.standings {
                samples.put(&[&standing.name], standing.given_up);
            }
        },
    },
    Metric {
        name: "banksyncd_database_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Size of the database's file.",
        samples: |facts, samples| samples.put(&[], facts.database_bytes),
    },
    Metric {
        name: "banksyncd_database_log_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Size of the write-ahead log beside it.",
        samples: |facts, samples| samples.put(&[], facts.log_bytes),
    },
    Metric {
        name: "banksyncd_last_backup_timestamp_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the daemon last made a backup, in seconds since 1970; 0 if never.",
        samples: |facts, samples| {
            samples.put(&[], seconds(facts.last_backup.unwrap_or(UtcInstant::EPOCH)));
        },
    },
];
