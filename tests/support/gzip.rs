//! Just enough gzip (RFC 1951, RFC 1952) to send compressed answers, among them a bomb.

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A gzip file of one stored block: at most 65,535 bytes.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap();
    let mut file = HEADER.to_vec();
    file.push(1);
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(bytes);
    file.extend(crc32(bytes).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

/// A gzip file of at least so many zero bytes, about 1/160 of their size. Its checksum is wrong: nobody gets that far.
pub(crate) fn zeros(count: usize) -> Vec<u8> {
    let mut bits = Bits { file: HEADER.to_vec(), filled: 0 };
    bits.push("1");
    bits.push("10");
    // The literal zero, then copies of 258 bytes from one byte back, in the fixed code.
    bits.push("00110000");
    for _ in 0..=count.div_euclid(258) {
        bits.push("11000101");
        bits.push("00000");
    }
    bits.push("0000000");
    bits.file.extend([0; 8]);
    bits.file
}

struct Bits {
    file: Vec<u8>,
    filled: u32,
}

impl Bits {
    /// Bits in the order in which they stand in the stream.
    fn push(&mut self, bits: &str) {
        for bit in bits.bytes() {
            if self.filled == 0 {
                self.file.push(0);
            }
            *self.file.last_mut().unwrap() |= (bit - b'0') << self.filled;
            self.filled = (self.filled + 1) % 8;
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
