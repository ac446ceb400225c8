//! What the daemon was told and can be held to: an answer that arrived in the very moment of its death, or that could not be
//! written because the disk was full, is not known to the next life.

use std::collections::BTreeMap;

use crate::model::time::{MINUTE_MS, UtcInstant};

use super::super::fact::Machine;
use super::Fact;

/// After a disk had been full, everything is written so much later.
const SETTLED_MS: i64 = 5 * MINUTE_MS;

/// Things told, by key, each with the instant.
#[derive(Debug)]
pub(super) struct Told<K, V> {
    known: BTreeMap<K, (UtcInstant, V)>,
    /// When writing last became impossible, and when it became possible again.
    full: Option<(UtcInstant, Option<UtcInstant>)>,
}

impl<K, V> Default for Told<K, V> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), full: None }
    }
}

impl<K: Ord, V> Told<K, V> {
    /// The daemon was told; what it knew before under this key is forgotten.
    pub(super) fn learn(&mut self, at: UtcInstant, key: K, value: V) {
        self.known.insert(key, (at, value));
    }

    /// What it knows, and since when.
    pub(super) fn get(&self, key: &K) -> Option<&(UtcInstant, V)> {
        self.known.get(key)
    }

    /// Takes a fact in that may make it forget.
    pub(super) fn see(&mut self, at: UtcInstant, fact: &Fact) {
        match fact {
            Fact::Machine(Machine::DiskFull) => self.full = Some((at, None)),
            Fact::Machine(Machine::DiskFree) => {
                self.full = self.full.map(|(since, _)| (since, Some(at)));
            }
            Fact::Ended(_) => {
                let unwritten = self
                    .full
                    .filter(|(_, free)| free.is_none_or(|free| at < free.plus_ms(SETTLED_MS)));
                let since = unwritten.map_or(at, |(since, _)| since);
                self.known.retain(|_, (told, _)| *told < since);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::at_hour;
    use super::*;

    #[test]
    fn only_what_could_be_written_outlives_a_death() {
        let known = |facts: &[(i64, Fact)]| {
            let mut told = Told::default();
            told.learn(at_hour(1), "k", ());
            for (hour, fact) in facts {
                told.see(at_hour(*hour), fact);
            }
            told.get(&"k").is_some()
        };
        let (died, full, free) = (
            Fact::Ended("is killed"),
            Fact::Machine(Machine::DiskFull),
            Fact::Machine(Machine::DiskFree),
        );
        assert!(known(&[(2, died.clone())]));
        assert!(!known(&[(1, died.clone())]), "in that moment");
        assert!(!known(&[(0, full.clone()), (2, died.clone())]));
        assert!(known(&[(0, full), (2, free), (3, died)]));
    }
}
