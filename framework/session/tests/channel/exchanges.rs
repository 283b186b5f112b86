//! Exchanges: sessions made when they are needed, each counter once, and refusals that change
//! nothing but what they may.

use std::sync::{Arc, Mutex};

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::{Now, World};
use pqfw_session::Config;
use pqfw_session::exchange::{ChannelExchange, ChannelService, Peer, SecureService, ServiceLimits};

use crate::support::people::{CHEAP, OTHER, config};
use crate::support::{run, world};

/// Repeats what it is asked, and notes it.
#[derive(Default)]
pub(crate) struct Echo(pub(crate) Mutex<Vec<(u64, Request)>>);

impl SecureService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request, peer: &Peer) -> Response {
        self.0.lock().unwrap().push((peer.counter, request.clone()));
        Response {
            status: 418,
            body: request.body.clone(),
        }
    }
}

/// A service without a transport.
pub(crate) struct Direct {
    pub(crate) service: Arc<ChannelService>,
    pub(crate) world: Arc<dyn World>,
    pub(crate) seen: Mutex<Vec<Request>>,
}

impl Exchange for Direct {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            self.seen.lock().unwrap().push(request.clone());
            // Others come in between.
            tokio::task::yield_now().await;
            let mut rng = self.world.rng();
            Ok(self.service.respond(self.world.now(), &mut *rng, &request))
        })
    }
}

pub(crate) fn serve(responder: Arc<Config>, limits: ServiceLimits) -> (Arc<Echo>, Arc<Direct>) {
    let (_, world) = world(9);
    let echo = Arc::new(Echo::default());
    let service = ChannelService::with_limits(responder, echo.clone(), &mut *world.rng(), limits);
    let direct = Direct {
        service: Arc::new(service),
        world,
        seen: Mutex::default(),
    };
    (echo, Arc::new(direct))
}

#[test]
fn a_request_and_its_response_are_carried_under_one_session() {
    run(async {
        for (near, far) in [
            (vec![CHEAP], vec![CHEAP]),
            (vec![CHEAP, OTHER], vec![OTHER]),
        ] {
            let (echo, direct) = serve(config(2, &far), ServiceLimits::default());
            let (_, world) = world(3);
            let client = ChannelExchange::new(config(1, &near), direct.clone(), world);
            assert!(client.peer().is_none());
            for round in 1..=3 {
                let body = vec![7; 100_000];
                let outcome = client.request("POST", "/a/b", &body).await.unwrap();
                assert_eq!(outcome.counter, round);
                assert_eq!(
                    (outcome.response.status, outcome.response.body),
                    (418, body)
                );
            }
            assert_eq!(
                client.peer().as_ref(),
                Some(config(2, &far).identities()[0].fingerprint())
            );
            assert_eq!(direct.service.counts(), (0, 1));
            client.close().await.unwrap();
            assert_eq!(direct.service.counts(), (0, 0));
            let seen = echo.0.lock().unwrap();
            assert_eq!(seen[0].1.route, "/a/b");
        }
    });
}

#[test]
fn many_at_once_share_one_handshake() {
    run(async {
        let (echo, direct) = serve(config(2, &[CHEAP]), ServiceLimits::default());
        let (_, world) = world(3);
        let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world);
        let client = Arc::new(client);
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let tasks: Vec<_> = (0..50_u8)
                    .map(|n| {
                        let client = client.clone();
                        tokio::task::spawn_local(async move {
                            let outcome = client.request("POST", "/", &[n]).await.unwrap();
                            assert_eq!(outcome.response.body, [n]);
                        })
                    })
                    .collect();
                for task in tasks {
                    task.await.unwrap();
                }
            })
            .await;
        assert_eq!(echo.0.lock().unwrap().len(), 50);
        let seen = direct.seen.lock().unwrap();
        assert_eq!(seen.len(), 52, "one hello and one finish");
    });
}
