//! What the daemon's process and the bank's say to each other, over a pair of pipes: one question, one answer.
//!
//! A message is two lengths, a head in JSON and bytes: bodies and rows travel as they are.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::port::Method;
use crate::model::time::UtcInstant;
use crate::sandbox::Wish;
use crate::simulation::audit::Stored;
use crate::simulation::promise::{Broken, Tally};
use crate::simulation::report::Report;

/// What the daemon's process asks.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask {
    /// To answer a request that arrives; its body follows.
    Answer {
        at: UtcInstant,
        sent_at: UtcInstant,
        method: Verb,
        path: String,
        bearer: Option<String>,
        has_body: bool,
    },
    /// To let people live until then, and those who judge look around.
    Live { at: UtcInstant },
    /// To compare all rows, which follow, with what was shown, and to sum up.
    SumUp { at: UtcInstant },
}

/// What the bank's process says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Say {
    /// An answer; its body follows.
    Answered { status: u16, headers: Vec<(String, String)> },
    /// What people want, when something happens next, and whether all promises are kept so far.
    Lived { wishes: Vec<Wish>, next_at: Option<UtcInstant>, kept: bool },
    /// The bank's part of the report, how each promise was kept, and the first that was broken.
    SummedUp { report: Box<Report>, tallies: Vec<(String, Tally)>, broken: Option<Broken> },
}

/// [`Method`] on the wire.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Verb {
    Get,
    Post,
    Delete,
}

impl From<Method> for Verb {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::Get,
            Method::Post => Self::Post,
            Method::Delete => Self::Delete,
        }
    }
}

impl From<Verb> for Method {
    fn from(verb: Verb) -> Self {
        match verb {
            Verb::Get => Self::Get,
            Verb::Post => Self::Post,
            Verb::Delete => Self::Delete,
        }
    }
}

/// Sends a message.
pub(super) fn send(wire: &mut impl Write, head: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    for part in [&head[..], bytes] {
        let length = u32::try_from(part.len()).map_err(io::Error::other)?;
        wire.write_all(&length.to_le_bytes())?;
    }
    wire.write_all(&head)?;
    wire.write_all(bytes)?;
    wire.flush()
}

/// Receives a message; `None` where the other side has closed its end in between two of them.
pub(super) fn receive<T: DeserializeOwned>(
    wire: &mut impl Read,
) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut lengths = [[0; 4]; 2];
    match wire.read_exact(lengths.as_flattened_mut()) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut parts = [Vec::new(), Vec::new()];
    for (part, length) in parts.iter_mut().zip(lengths) {
        part.resize(usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX), 0);
        wire.read_exact(part)?;
    }
    let [head, bytes] = parts;
    Ok(Some((serde_json::from_slice(&head)?, bytes)))
}

/// Rows as bytes: the fingerprint of each, and whether it is listed.
pub(super) fn pack(rows: &[Stored]) -> Vec<u8> {
    let packed = |row: &Stored| row.text.to_le_bytes().into_iter().chain([u8::from(row.listed)]);
    rows.iter().flat_map(packed).collect()
}

/// The rows that [`pack`] packed.
pub(super) fn unpack(bytes: &[u8]) -> Vec<Stored> {
    let (rows, _none) = bytes.as_chunks();
    let unpacked = |[text @ .., listed]: &[u8; 9]| Stored {
        text: u64::from_le_bytes(*text),
        listed: *listed == 1,
    };
    rows.iter().map(unpacked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let mut wire = Vec::new();
        let at = UtcInstant::EPOCH.plus_days(20_000);
        let rows =
            [Stored { text: 7, listed: true }, Stored { text: u64::MAX, listed: false }].to_vec();
        send(&mut wire, &Ask::SumUp { at }, &pack(&rows)).unwrap();
        send(&mut wire, &Ask::Live { at }, b"").unwrap();
        let mut wire = wire.as_slice();
        let (first, bytes) = receive::<Ask>(&mut wire).unwrap().unwrap();
        assert!(matches!(first, Ask::SumUp { at: then } if then == at));
        assert_eq!(unpack(&bytes), rows);
        let (second, bytes) = receive::<Ask>(&mut wire).unwrap().unwrap();
        assert!(matches!(second, Ask::Live { .. }) && bytes.is_empty());
        assert!(receive::<Ask>(&mut wire).unwrap().is_none());
        assert!(receive::<Ask>(&mut [1, 0, 0, 0, 0, 0, 0, 0].as_slice()).is_err(), "cut short");
    }
}
