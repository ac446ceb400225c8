//! What a seed decides before anything happens: when and where the daemon lives, and the world around it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::config::{self, Config, Defaults};
use crate::model::secret::DatabaseKey;
use crate::model::time::{BankDate, SECOND_MS, UtcInstant};
use crate::planner::policy::Policy;
use crate::sandbox::{Rng, Weather, World, WorldConfig};

use super::clock::VirtualClock;
use super::journal::Journal;
use super::life::{Host, Seeded, Stage};
use super::line::Requests;
use super::promise::{Agreed, Bench};
use super::{Faults, Options, SimulationError};

/// Zones in which the daemon may live: both directions of daylight saving, half-hour steps, none.
const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "UTC",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Chatham",
];
/// The weather is fair for so many days at the end: what can be caught up with is caught up with then.
const FAIR_DAYS: u32 = 4;
/// With more accounts, banks have more of them than usual.
const ACCOUNTS_USUAL: u32 = 60;
/// Accounts at each bank for each so many asked for.
const BANKS: u32 = 40;

/// What is drawn before the first day.
struct Beginning {
    start: UtcInstant,
    zone: &'static str,
    key: [u8; 32],
}

fn beginning(seed: u64) -> Beginning {
    let mut chance = Rng::keyed(seed, &[32]);
    let first = BankDate::from_ymd(2027, 2, 1).map_or(0, BankDate::epoch_days);
    // Two years from any of these days hold a leap day and four changes of the clock.
    let start = UtcInstant::EPOCH
        .plus_days(first.saturating_add(chance.between(0, 365)))
        .plus_s(chance.between(0, 86_399));
    let zone = chance.pick(&ZONES).copied().unwrap_or("UTC");
    let mut key = [0; 32];
    for byte in &mut key {
        *byte = u8::try_from(chance.below(256)).unwrap_or_default();
    }
    Beginning { start, zone, key }
}

fn configuration(zone: &str) -> Result<Config, SimulationError> {
    let text = format!("[schedule]\ntimezone = \"{zone}\"\n");
    let parsed = config::parse(&text, "simulation", &Defaults::default());
    let parsed = parsed.map_err(|problems| {
        let sentences: Vec<String> = problems.iter().map(ToString::to_string).collect();
        SimulationError::Config(sentences.join("; "))
    })?;
    Ok(parsed.config)
}

/// The machine of the daemon, whose database lies in a folder.
pub(super) fn host(options: &Options, folder: &Path) -> Result<Host, SimulationError> {
    let Beginning { start, zone, key } = beginning(options.seed);
    let config = configuration(zone)?;
    let policy =
        Policy::from_config(&config).map_err(|error| SimulationError::Config(error.to_string()))?;
    Ok(Host {
        clock: Arc::new(VirtualClock::new(start)),
        entropy: Seeded::new(options.seed),
        config,
        policy,
        path: folder.join("simulation.db"),
        key: DatabaseKey::from_bytes(key),
    })
}

/// The world with its people, how many accounts they have, and those who judge.
pub(super) fn world(options: &Options) -> Result<(World, u32, Journal), SimulationError> {
    let Beginning { start, zone, .. } = beginning(options.seed);
    let config = configuration(zone)?;
    let world_config = WorldConfig {
        seed: options.seed,
        accounts_per_institution: (options.accounts > ACCOUNTS_USUAL)
            .then(|| options.accounts.div_ceil(BANKS)),
        ..WorldConfig::default()
    };
    let weather = match options.faults {
        Faults::None => Weather::Calm,
        Faults::Default => Weather::Usual,
        Faults::Storm => Weather::Storm,
    };
    let agreed = Agreed {
        daily_limit: world_config.limits.daily,
        refresh_life_ms: world_config.refresh_token_s.saturating_mul(SECOND_MS),
        freshness_ms: i64::from(config.schedule.freshness_s).saturating_mul(SECOND_MS),
        warn_days: config.history.warn_days,
        accounts: options.accounts,
        accounts_per_minute: world_config.limits.accounts_per_minute,
    };
    let mut world = World::new(world_config, start);
    let days = options.days.saturating_sub(FAIR_DAYS).max(1);
    let accounts = world.inhabit(options.accounts, days, weather);
    Ok((world, accounts, Journal::new(Bench::new(&agreed))))
}

/// Everything that outlives a life of the daemon.
pub(super) fn stage(options: &Options, folder: &Path) -> Result<Stage, SimulationError> {
    let host = host(options, folder)?;
    let (world, accounts, journal) = world(options)?;
    Ok(Stage {
        host,
        world: Arc::new(Mutex::new(world)),
        journal: Arc::new(journal),
        accounts,
        seed: options.seed,
        faults: options.faults,
        requests: Arc::new(Requests::default()),
    })
}
