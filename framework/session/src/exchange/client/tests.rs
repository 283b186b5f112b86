//! Requests that only a faulty client would send.

use std::future::ready;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{BoxFuture, ExchangeService, TransportError};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;

use super::*;
use crate::exchange::{ChannelService, Peer, SecureService};
use crate::people::{CHEAP, config};

struct Silent;

impl SecureService for Silent {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, _: &Request, _: &Peer) -> Response {
        let (status, body) = (200, Vec::new());
        Response { status, body }
    }
}

type Exchanged = std::result::Result<Response, TransportError>;

struct Direct(ChannelService, Arc<dyn World>);

impl Exchange for Direct {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Exchanged> {
        let answer = self.0.respond(self.1.now(), &mut *self.1.rng(), &request);
        Box::pin(ready(Ok(answer)))
    }
}

#[tokio::test]
async fn what_opens_and_cannot_be_read_costs_its_counter_and_nothing_else() {
    let world: Arc<dyn World> = Arc::new(SeededWorld::new(3));
    let service = ChannelService::new(config(2, &[CHEAP]), Arc::new(Silent), &mut *world.rng());
    let direct = Arc::new(Direct(service, world.clone()));
    let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world);
    let session = client.session().await.unwrap();
    for (inner, content, alert) in [
        (DATA, &b"\x03get"[..], Alert::DecodeError),
        (DATA, b"\x03get\0\x01/\0\0\0\0", Alert::IllegalParameter),
        (24, b"", Alert::UnexpectedMessage),
    ] {
        let (_, refused) = client.send(&session, inner, content).await.unwrap();
        let code = plain_alert(&refused.body);
        assert_eq!((refused.status, code), (400, Some(alert.code())));
    }
    let outcome = client.request("GET", "/", b"").await.unwrap();
    assert_eq!(outcome.counter, 4);
    assert_eq!(direct.0.counts(), (0, 1));
}
