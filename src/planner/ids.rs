//! Ids and references from one seed: unguessable outside, repeatable bit for bit inside.
//!
//! The seed is 256 bits of the operating system's randomness in the daemon and a number in a simulation; every value is a
//! keyed BLAKE3 of a counter, so that the planner itself stays free of randomness.

use crate::model::id::{AccountId, LinkId, RunId};
use crate::model::time::UtcInstant;

/// A source of ids.
#[derive(Clone)]
pub struct IdSource {
    key: [u8; 32],
    counter: u64,
}

impl std::fmt::Debug for IdSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdSource(#{})", self.counter)
    }
}

impl IdSource {
    /// From a seed.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, counter: 0 }
    }

    fn bits(&mut self) -> u128 {
        self.counter = self.counter.wrapping_add(1);
        let hash = blake3::keyed_hash(&self.key, &self.counter.to_be_bytes());
        let mut bits = [0; 16];
        bits.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        u128::from_be_bytes(bits)
    }

    /// A new account id.
    pub fn account(&mut self, now: UtcInstant) -> AccountId {
        AccountId::new(now.ms(), self.bits())
    }

    /// A new link id.
    pub fn link(&mut self, now: UtcInstant) -> LinkId {
        LinkId::new(now.ms(), self.bits())
    }

    /// A new run id.
    pub fn run(&mut self, now: UtcInstant) -> RunId {
        RunId::new(now.ms(), self.bits())
    }

    /// 128 unguessable bits in hexadecimal digits.
    pub fn salt(&mut self) -> String {
        format!("{:032x}", self.bits())
    }

    /// A reference of 128 unguessable bits for a requisition.
    pub fn reference(&mut self) -> String {
        format!("banksyncd-{}", self.salt())
    }
}
