//! Gives a service any requests, sealed ones that were changed among them: whatever it answers, it
//! carries out only what a client sealed, each once, and remembers no more than it may.
#![no_main]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::{Now, World};
use pqfw_fuzz::{INITIATOR, RESPONDER, run};
use pqfw_memory::SeededWorld;
use pqfw_session::exchange::{ChannelExchange, ChannelService, Peer, SecureService, ServiceLimits};

#[derive(Arbitrary, Debug)]
enum Operation {
    /// An honest request.
    Ask { body: Vec<u8> },
    /// Something that was sent once, again, perhaps changed.
    Again {
        which: u8,
        at: u16,
        bit: u8,
        change: bool,
    },
    /// Any bytes on a route.
    Raw {
        route: u8,
        body: Vec<u8>,
        known_session: bool,
    },
    /// Another client.
    Stranger,
}

#[derive(Default)]
struct Notes(Mutex<Vec<(u64, [u8; 16], Vec<u8>)>>);

impl SecureService for Notes {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request, peer: &Peer) -> Response {
        let note = (peer.counter, peer.session, request.body.clone());
        self.0.lock().expect("one thread").push(note);
        Response {
            status: 200,
            body: request.body.clone(),
        }
    }
}

struct Wire {
    service: ChannelService,
    world: Arc<SeededWorld>,
    sent: Mutex<Vec<Request>>,
}

impl Wire {
    fn pass(&self, request: &Request) -> Response {
        let mut rng = self.world.rng();
        self.service.respond(self.world.now(), &mut *rng, request)
    }
}

impl Exchange for Wire {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            self.sent.lock().expect("one thread").push(request.clone());
            Ok(self.pass(&request))
        })
    }
}

const LIMITS: ServiceLimits = ServiceLimits {
    handshakes: 4,
    handshake: Duration::from_secs(10),
    sessions: 3,
    sessions_each: 2,
    age: Duration::from_secs(1000),
};

fuzz_target!(|operations: Vec<Operation>| {
    let world = Arc::new(SeededWorld::new(2));
    let notes = Arc::new(Notes::default());
    let mut rng = world.rng();
    let service = ChannelService::with_limits(RESPONDER.clone(), notes.clone(), &mut *rng, LIMITS);
    let wire = Arc::new(Wire {
        service,
        world: world.clone(),
        sent: Mutex::default(),
    });
    let client = || ChannelExchange::new(INITIATOR.clone(), wire.clone(), world.clone());
    let mut honest = client();
    let mut asked: Vec<Vec<u8>> = Vec::new();
    for operation in operations {
        match operation {
            Operation::Ask { body } => {
                asked.push(body.clone());
                if let Some(Ok(outcome)) = run(honest.request("POST", "/", &body)) {
                    assert_eq!(outcome.response.body, body);
                }
            }
            Operation::Again {
                which,
                at,
                bit,
                change,
            } => {
                let sent = wire.sent.lock().expect("one thread").clone();
                let Some(mut request) = sent.get(usize::from(which)).cloned() else {
                    continue;
                };
                if let (true, Some(byte)) = (change, request.body.get_mut(usize::from(at))) {
                    *byte ^= 1 << (bit % 8);
                }
                wire.pass(&request);
            }
            Operation::Raw {
                route,
                body,
                known_session,
            } => {
                let routes = ["/pqfw/1/hello", "/pqfw/1/finish", "/pqfw/1/r", "/"];
                let mut request = Request::post(routes[usize::from(route) % 4], body);
                if known_session {
                    let sent = wire.sent.lock().expect("one thread");
                    request.session = sent.iter().rev().find_map(|sent| sent.session.clone());
                }
                wire.pass(&request);
            }
            Operation::Stranger => honest = client(),
        }
        let (handshakes, sessions) = wire.service.counts();
        assert!(handshakes <= LIMITS.handshakes && sessions <= LIMITS.sessions);
        let notes = notes.0.lock().expect("one thread");
        assert!(
            notes.len() <= asked.len(),
            "something was carried out twice"
        );
        for (_, _, body) in notes.iter() {
            assert!(
                asked.contains(body),
                "something was carried out that nobody asked"
            );
        }
    }
});
