//! The way to the provider: name, connection, certificate, secret, address, clock, headers. Each step is told only if those
//! before it were taken.

use std::path::Path;

use super::{Finding, Patient};
use crate::gocardless::{Examined, Spelling, Unreached, Untrusted, examine};
use crate::model::failure::{ConfigurationFault, Failure, FailureClass, Throttled};
use crate::model::shell::quoted;
use crate::model::time::SECOND_MS;
use crate::observe::Chain;
use crate::systemd::unit::is_debian;

const DNS: &str = "dns";
const CONNECTION: &str = "connection";
const TLS: &str = "tls";
const SECRET: &str = "secret";
const ADDRESS: &str = "address";
const CLOCK: &str = "clock";
const HEADERS: &str = "headers";

/// How far the clocks may differ: the `Date` of an answer tells whole seconds, and answers travel.
const SKEW_S_MAX: i64 = 60;

/// Asks the provider.
pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let secrets = patient.secrets.as_ref().ok();
    let secrets = secrets.map(|secrets| (&secrets.secret_id, &secrets.secret_key));
    let api = &patient.config.gocardless.api_base;
    let seen = examine(api, &patient.config.http, secrets, patient.clock).await;
    judge(patient, &seen)
}

/// What earlier answers have told.
pub(super) fn remembered(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(report) = patient.report() else { return Vec::new() };
    let ahead_ms = report.provider_now.since(report.now);
    let mut findings = vec![clock(ahead_ms)];
    if let Some(fault) = report.provider.fault {
        findings.push(refused(patient, fault));
    }
    findings
}

fn judge(patient: &Patient<'_>, seen: &Examined) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (host, base) = (&seen.host, quoted(&patient.config.gocardless.api_base));
    match &seen.addresses {
        Some(Err(error)) => {
            let message = format!("`{host}` has no address here: {error}");
            return vec![Finding::trouble(DNS, message, resolver())];
        }
        Some(Ok(count)) => {
            let noun = if *count == 1 { "address" } else { "addresses" };
            findings.push(Finding::fine(DNS, format!("{host} has {count} {noun}")));
        }
        None => findings.push(Finding::fine(DNS, format!("{host} needs no name server"))),
    }
    if let Some(error) = &seen.setup {
        let message = format!("this machine trusts nobody: {}", Chain(error));
        findings.push(Finding::trouble(TLS, message, trust()));
        return findings;
    }
    match seen.reached {
        Some(Ok(())) => {
            findings.push(Finding::fine(CONNECTION, format!("{host} answers")));
            findings.push(certificate(patient));
        }
        Some(Err(Unreached::Untrusted(why))) => {
            findings.push(Finding::fine(CONNECTION, format!("somebody answers at {host}")));
            findings.push(untrusted(host, &base, why));
        }
        Some(Err(Unreached::TimedOut)) => {
            findings.push(no_connection(host, "no answer in time", &base));
        }
        Some(Err(Unreached::Refused(kind))) => {
            findings.push(no_connection(host, &kind.to_string(), &base));
        }
        Some(Err(Unreached::Unknown)) => {
            findings.push(no_connection(host, "no connection could be made", &base));
        }
        None => {}
    }
    findings.extend(access(patient, seen));
    findings.extend(seen.ahead_ms.map(clock));
    findings.extend(seen.spelling.map(|spelling| headers(spelling, &base)));
    findings
}

fn no_connection(host: &str, why: &str, base: &str) -> Finding {
    let message = format!("`{host}` cannot be reached: {why}");
    Finding::trouble(CONNECTION, message, format!("curl -sSI {base}"))
}

fn certificate(patient: &Patient<'_>) -> Finding {
    let encrypted = patient.config.gocardless.api_base.starts_with("https:");
    let how = if encrypted { "its certificate is good" } else { "plain http on this machine" };
    Finding::fine(TLS, how)
}

fn untrusted(host: &str, base: &str, why: Untrusted) -> Finding {
    let look = || format!("curl -vsSI {base}");
    let (message, command) = match why {
        Untrusted::Issuer => ("was signed by nobody whom this machine trusts", trust()),
        Untrusted::Name => ("is for another name: somebody stands in between", look()),
        Untrusted::Expired => {
            ("has run out, or this machine's clock is wrong", SET_CLOCK.to_owned())
        }
        Untrusted::NotYetValid => {
            ("is not valid yet, or this machine's clock is wrong", SET_CLOCK.to_owned())
        }
        Untrusted::Certificate => ("is not good", look()),
        Untrusted::NotTls => {
            let message =
                format!("what answers at `{host}` does not speak TLS: it is not the provider");
            return Finding::trouble(TLS, message, look());
        }
    };
    Finding::trouble(TLS, format!("the certificate of `{host}` {message}"), command)
}

/// Secret and address, as far as the answers tell them apart.
fn access(patient: &Patient<'_>, seen: &Examined) -> Vec<Finding> {
    let failure = match (&seen.token, &seen.call) {
        (Some(Err(failure)), _) | (Some(Ok(())), Some(Err(failure))) => failure,
        (Some(Ok(())), Some(Ok(()))) => return accepted(patient),
        (Some(Ok(())), None) => {
            return vec![Finding::fine(SECRET, "the provider accepts it")];
        }
        (None, _) => return Vec::new(),
    };
    let mut findings = Vec::new();
    if seen.token.as_ref().is_some_and(Result::is_ok) {
        findings.push(Finding::fine(SECRET, "the provider accepts it"));
    }
    findings.push(failed(patient, failure));
    findings
}

fn accepted(patient: &Patient<'_>) -> Vec<Finding> {
    let fault = patient.report().and_then(|report| report.provider.fault);
    let paused =
        matches!(fault, Some(ConfigurationFault::Credentials | ConfigurationFault::IpNotAllowed));
    let secret = if paused && patient.running {
        let message = "the provider accepts it now, but the daemon was refused and waits";
        Finding::trouble(SECRET, message, patient.restart())
    } else {
        Finding::fine(SECRET, "the provider accepts it")
    };
    vec![secret, Finding::fine(ADDRESS, "the provider lets this machine in")]
}

fn failed(patient: &Patient<'_>, failure: &Failure) -> Finding {
    let look = || format!("curl -sSI {}", quoted(&patient.config.gocardless.api_base));
    match &failure.class {
        FailureClass::Configuration(fault) => refused(patient, *fault),
        FailureClass::Throttle { whom: Throttled::Company | Throttled::AccountScope, .. } => {
            let message =
                "too many tokens were asked for: the secret cannot be tried within the hour";
            Finding::trouble(SECRET, message, "banksyncd doctor --offline")
        }
        _ => {
            let message = format!("the provider is not well: {failure}");
            Finding::trouble(CONNECTION, message, look())
        }
    }
}

fn refused(patient: &Patient<'_>, fault: ConfigurationFault) -> Finding {
    match fault {
        ConfigurationFault::Credentials => Finding::trouble(
            SECRET,
            "the provider refuses the secret id and key",
            "banksyncd init --replace-secrets",
        ),
        ConfigurationFault::IpNotAllowed => Finding::trouble(
            ADDRESS,
            "the provider refuses this machine's address: allow it for the secret in the provider's portal, then restart",
            patient.restart(),
        ),
        ConfigurationFault::PlanLimit => Finding::trouble(
            SECRET,
            "the provider's plan covers no more: raise it there, or unlink what is not needed",
            "banksyncd links",
        ),
    }
}

const SET_CLOCK: &str = "timedatectl set-ntp true";

fn clock(ahead_ms: i64) -> Finding {
    let seconds = ahead_ms.div_euclid(SECOND_MS);
    if seconds.abs() <= SKEW_S_MAX {
        return Finding::fine(CLOCK, "as the provider's");
    }
    let side = if seconds > 0 { "behind" } else { "ahead of" };
    let message = format!("this machine's clock is {} s {side} the provider's", seconds.abs());
    Finding::trouble(CLOCK, message, SET_CLOCK)
}

fn headers(spelling: Spelling, base: &str) -> Finding {
    let look = format!("curl -sSI {base} | grep -i ratelimit");
    match spelling {
        Spelling::Documented => Finding::fine(HEADERS, "the rate headers arrive as documented"),
        Spelling::Other => {
            Finding::fine(HEADERS, "the rate headers are spelled otherwise, and understood")
        }
        Spelling::NoNumbers => Finding::trouble(
            HEADERS,
            "the rate headers hold no numbers: `[limits] calls-per-day` decides alone",
            look,
        ),
        Spelling::Absent => Finding::trouble(
            HEADERS,
            "no rate headers arrive: a proxy may drop names with underscores, and `[limits] calls-per-day` decides alone",
            look,
        ),
    }
}

/// What makes names be found again, or shows who is asked for them.
fn resolver() -> String {
    let resolved = Path::new("/run/systemd/resolve").is_dir();
    if resolved { "systemctl restart systemd-resolved" } else { "cat /etc/resolv.conf" }.to_owned()
}

/// What brings the certificates of this system back.
fn trust() -> String {
    let debian = "apt-get install --reinstall ca-certificates";
    if is_debian() { debian } else { "update-ca-trust" }.to_owned()
}
