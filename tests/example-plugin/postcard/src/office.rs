//! The office: who keeps the key, opens cards and answers them.

use std::sync::Arc;

use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Failure, Report, RunError};
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;

use crate::card;

/// The serving end.
pub(crate) struct Office {
    suite: Suite,
    key: DecapsulationKey,
    card_bytes: usize,
    report: Arc<dyn Report>,
}

impl Office {
    /// Opens an office with a new key, which goes when the office closes.
    pub(crate) fn open(
        suite: Suite,
        card_bytes: usize,
        report: Arc<dyn Report>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, RunError> {
        let key = suite.kem.generate(rng);
        let key = key.map_err(|error| RunError::new(Failure::Operation, error))?;
        Ok(Self {
            suite,
            key,
            card_bytes,
            report,
        })
    }

    fn receive(&self, body: &[u8]) -> Response {
        let overhead = self.suite.kem.sizes().ciphertext + self.suite.aead.sizes().tag;
        if body.len() > overhead + self.card_bytes {
            return response(413, Vec::new());
        }
        let card = card::receive(&self.suite, &self.key, body);
        let answered = card.and_then(|card| {
            // What comes from outside is escaped before anybody sees it.
            let line = format!("a card: {}", card.text.escape_debug());
            self.report.event(&Event::Line(line));
            card.answer(&format!("a card of {} bytes arrived", card.text.len()))
        });
        // One answer for every refusal: a second one would tell a forger how far it got.
        answered.map_or_else(|_| response(400, Vec::new()), |body| response(200, body))
    }
}

impl ExchangeService for Office {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/key") => response(200, self.key.encapsulation_key()),
            ("POST", "/card") => self.receive(&request.body),
            _ => response(404, Vec::new()),
        }
    }
}

fn response(status: u16, body: Vec<u8>) -> Response {
    Response { status, body }
}
