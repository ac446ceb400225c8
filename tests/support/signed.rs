//! Verifies signatures of Standard Webhooks without any code of the program or its libraries: SHA-256 (FIPS 180-4), HMAC (RFC
//! 2104) and base64 (RFC 4648), written from their specifications.

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes, by integer arithmetic.
fn constants() -> ([u32; 64], [u32; 8]) {
    let primes: Vec<u128> =
        (2..).filter(|n: &u128| (2..*n).all(|part| !n.is_multiple_of(part))).take(64).collect();
    // The largest whole root below `number`, by bisection.
    let root = |number: u128, power: u32| {
        let (mut low, mut high) = (0_u128, 1_u128 << 40);
        while high - low > 1 {
            let middle = u128::midpoint(low, high);
            if middle.pow(power) <= number { low = middle } else { high = middle }
        }
        u32::try_from(low & 0xffff_ffff).unwrap()
    };
    let k: Vec<u32> = primes.iter().map(|prime| root(prime << 96, 3)).collect();
    let h: Vec<u32> = primes.iter().take(8).map(|prime| root(prime << 64, 2)).collect();
    (k.try_into().unwrap(), h.try_into().unwrap())
}

#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn sha256(message: &[u8]) -> [u8; 32] {
    let (k, mut hash) = constants();
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend(u64::try_from(message.len() * 8).unwrap().to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut w: Vec<u32> = block
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
            .collect();
        for t in 16..64 {
            let s0 = w[t - 15].rotate_right(7) ^ w[t - 15].rotate_right(18) ^ (w[t - 15] >> 3);
            let s1 = w[t - 2].rotate_right(17) ^ w[t - 2].rotate_right(19) ^ (w[t - 2] >> 10);
            w.push(w[t - 16].wrapping_add(s0).wrapping_add(w[t - 7]).wrapping_add(s1));
        }
        let mut v = hash;
        for (k, w) in k.iter().zip(&w) {
            let [a, b, c, d, e, f, g, h] = v;
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let t1 = h
                .wrapping_add(s1)
                .wrapping_add((e & f) ^ (!e & g))
                .wrapping_add(*k)
                .wrapping_add(*w);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
            v = [t1.wrapping_add(t2), a, b, c, d.wrapping_add(t1), e, f, g];
        }
        hash.iter_mut().zip(v).for_each(|(sum, part)| *sum = sum.wrapping_add(part));
    }
    let mut bytes = [0; 32];
    bytes
        .chunks_exact_mut(4)
        .zip(hash)
        .for_each(|(to, word)| to.copy_from_slice(&word.to_be_bytes()));
    bytes
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = if key.len() > 64 { sha256(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |byte: u8| block.iter().map(|one| one ^ byte).collect::<Vec<u8>>();
    sha256(&[pad(0x5c), sha256(&[&pad(0x36), message].concat()).to_vec()].concat())
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=').chars().map(|letter| DIGITS.find(letter).unwrap());
    let bits: String =
        digits.flat_map(|digit| format!("{digit:06b}").into_bytes()).map(char::from).collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes.map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap()).collect()
}

/// Whether one of the signatures is that of this message.
pub(crate) fn verifies(secret: &str, id: &str, timestamp: &str, body: &str, header: &str) -> bool {
    let key = base64(secret.strip_prefix("whsec_").unwrap());
    let tag = hmac(&key, format!("{id}.{timestamp}.{body}").as_bytes());
    header.split(' ').any(|one| one.strip_prefix("v1,").is_some_and(|text| base64(text) == tag))
}

#[test]
fn the_verifier_knows_the_published_example() {
    // FIPS 180-4's own example, and the one of the libraries of Standard Webhooks 1.0.0.
    assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    let (secret, id, at) =
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(verifies(secret, id, at, r#"{"test": 2432232314}"#, signature));
    assert!(!verifies(secret, id, at, r#"{"test": 2432232315}"#, signature));
}
