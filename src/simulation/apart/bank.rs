//! The bank's process: the world, its people, and those who judge by its books. It lives as long as its input does.

use std::io::{self, BufReader, BufWriter};
use std::sync::Arc;

use crate::model::port::Request;
use crate::model::secret::Secret;
use crate::model::time::UtcInstant;
use crate::sandbox::World;
use crate::simulation::audit::Ledger;
use crate::simulation::fact::Fact;
use crate::simulation::journal::Journal;
use crate::simulation::line::decide;
use crate::simulation::promise::{Identities, ROWS, Scene};
use crate::simulation::report::{PromiseReport, Report};
use crate::simulation::{Options, SimulationError, conclude, stage};

use super::talk::{self, Ask, Say, Verb};

/// Answers until nobody asks any more.
///
/// # Errors
/// The pipes are no pipes of a daemon's process.
pub fn serve(options: &Options) -> Result<(), SimulationError> {
    let (world, accounts, journal) = stage::world(options)?;
    let (ledger, identities) = <(Ledger, Identities)>::default();
    let report = Report { seed: options.seed, days: options.days, accounts, ..Report::default() };
    let mut bank = Bank { world, journal, ledger, identities, report };
    let (mut input, mut output) =
        (BufReader::new(io::stdin().lock()), BufWriter::new(io::stdout().lock()));
    while let Some((ask, bytes)) = talk::receive(&mut input).map_err(SimulationError::Process)? {
        let (say, body) = bank.hear(ask, bytes);
        talk::send(&mut output, &say, &body).map_err(SimulationError::Process)?;
    }
    Ok(())
}

struct Bank {
    world: World,
    journal: Journal,
    ledger: Ledger,
    identities: Identities,
    report: Report,
}

impl Bank {
    fn hear(&mut self, ask: Ask, bytes: Vec<u8>) -> (Say, Vec<u8>) {
        match ask {
            Ask::Answer { at, sent_at, method, path, bearer, has_body } => {
                let text = String::from_utf8(bytes).ok().filter(|_| has_body);
                let request = Request {
                    method: Verb::into(method),
                    path,
                    bearer: bearer.map(Secret::new),
                    body: text.map(Secret::new),
                };
                self.answer(&request, sent_at, at)
            }
            Ask::Live { at } => (self.live(at), Vec::new()),
            Ask::SumUp { at } => {
                let stored = talk::unpack(&bytes);
                let world = (&self.world, at);
                let verdict = conclude::compare(&self.ledger, &stored, world, &mut self.report);
                self.journal.judge(at, ROWS, verdict);
                let broken = conclude::sum_up(self.world.log(), &self.journal, &mut self.report);
                let report = Box::new(std::mem::take(&mut self.report));
                let tally = |own: &PromiseReport| (own.name.to_string(), own.tally);
                let tallies = report.promises.iter().map(tally).collect();
                (Say::SummedUp { report, tallies, broken }, Vec::new())
            }
        }
    }

    fn answer(&mut self, request: &Request, sent_at: UtcInstant, at: UtcInstant) -> (Say, Vec<u8>) {
        let (response, asked, shown) = decide(&mut self.world, request, (sent_at, 0), at);
        let asked = Arc::new(asked);
        self.journal.note(at, Fact::Request(Arc::clone(&asked)));
        // Nothing goes wrong on the way.
        self.journal.note(at, Fact::Heard(asked));
        if let Some(shown) = shown {
            self.ledger.enter(&shown);
        }
        // As the library underneath gives them.
        let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
        let headers = response.headers.into_iter().map(lower).collect();
        (Say::Answered { status: response.status, headers }, response.body)
    }

    fn live(&mut self, at: UtcInstant) -> Say {
        self.world.live_until(at);
        let scene = &mut Scene::new(&mut self.world, &self.ledger, &self.identities);
        self.journal.look(at, scene);
        let wishes = self.world.take_wishes(at);
        Say::Lived { wishes, next_at: self.world.next_deed_at(), kept: !self.journal.is_broken() }
    }
}
