//! The world's own source of chance: `SplitMix64` (Steele, Lea, Flood: "Fast splittable
//! pseudorandom number generators", OOPSLA 2014).
//!
//! Small, fast and the same on every machine, which is all that a repeatable world needs. It must
//! never be used for anything secret outside the sandbox: its output is predictable by design.

/// A stream of numbers that its key decides completely.
#[derive(Clone, Debug)]
pub struct Rng(u64);

/// The increment of `SplitMix64`: the golden ratio in 64 bits.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl Rng {
    /// The stream of a seed and a list of numbers: what happens to one account on one day does not
    /// depend on the order in which anyone asks.
    pub fn keyed(seed: u64, key: &[u64]) -> Self {
        let mut state = mix(seed ^ GAMMA);
        for part in key {
            state = mix(state ^ mix(part.wrapping_add(GAMMA)));
        }
        Self(state)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number in `0..bound`; 0 for a bound of 0. The bias of the remainder is of no concern here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().checked_rem(bound).unwrap_or(0)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.abs_diff(low).saturating_add(1);
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True in `permille` of a thousand cases.
    pub fn chance(&mut self, permille: u64) -> bool {
        self.below(1_000) < permille
    }

    /// One of a list; `None` only if it is empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let bound = u64::try_from(list.len()).unwrap_or(0);
        list.get(usize::try_from(self.below(bound)).unwrap_or(0))
    }

    /// An identifier in the shape of a version 4 UUID (RFC 9562 section 5.4).
    pub fn uuid(&mut self) -> String {
        let high = (self.bits() & !0xF000) | 0x4000;
        let low = (self.bits() & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xFFFF,
            high & 0xFFFF,
            low >> 48,
            low & 0xFFFF_FFFF_FFFF
        )
    }
}

/// The finaliser of `SplitMix64`.
pub(super) const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The fingerprint under which the world remembers the bytes of a row: eight at a time, since years of answers consist of rows.
pub fn row_print(raw: &str) -> u64 {
    let (words, rest) = raw.as_bytes().as_chunks();
    let mut hash = fingerprint(rest) ^ u64::try_from(raw.len()).unwrap_or(u64::MAX);
    for word in words {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(GAMMA);
        hash ^= hash >> 32;
    }
    mix(hash)
}

/// FNV-1a in 64 bits: the number that stands for a name.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_decides_the_stream() {
        let first: Vec<u64> = (0..4).map(|_| Rng::keyed(7, &[1, 2]).bits()).collect();
        assert!(first.iter().all(|value| *value == first[0]));
        assert_ne!(Rng::keyed(7, &[1, 2]).bits(), Rng::keyed(7, &[2, 1]).bits());
        let mut rng = Rng::keyed(1, &[]);
        assert!((0..1_000).all(|_| (-3..=4).contains(&rng.between(-3, 4))));
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn identifiers_have_the_shape_of_version_4() {
        let mut rng = Rng::keyed(1, &[]);
        for _ in 0..100 {
            let id = rng.uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(id.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
        }
    }

    #[test]
    fn the_fingerprint_is_the_published_one() {
        assert_eq!(fingerprint(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(fingerprint(b"a"), 0xAF63_DC4C_8601_EC8C);
    }

    #[test]
    fn every_byte_of_a_row_counts() {
        let row = "0123456789abcdefghij";
        let changed = |place: usize| {
            let other = |(own, byte): (usize, char)| if own == place { '!' } else { byte };
            row.chars().enumerate().map(other).collect::<String>()
        };
        let shorter = |len: usize| row.chars().take(len).collect::<String>();
        let all = (0..=20).map(changed).chain((0..20).map(shorter));
        let prints: std::collections::BTreeSet<u64> = all.map(|row| row_print(&row)).collect();
        assert_eq!(prints.len(), 41, "one of them is the row itself");
    }
}
