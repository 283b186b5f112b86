//! A server whose clock stands still, with its store and the log of what it told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::store::{Entry, MemoryStore, Store};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    BoxFuture, Exchange, ExchangeService, Request, Response, TransportError,
};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qu3::Qu3Server;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::keys::EndKeys;
use pqfw_qu3::models::Models;

use crate::support::{Who, keys_of, suite};

/// A server with its clock, its store and the log of what it told.
pub(crate) struct House {
    pub(crate) server: Arc<Qu3Server>,
    pub(crate) world: Arc<SeededWorld>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) told: Arc<Told>,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Qu3Config::default())
    }

    pub(crate) fn with(config: Qu3Config) -> Self {
        Self::on(Arc::new(MemoryStore::default()), config)
    }

    /// A server that starts on a store with something in it.
    pub(crate) fn on(store: Arc<dyn Store>, config: Qu3Config) -> Self {
        let keys = Some(keys_of(Who::Server));
        Self::build(suite(), keys, Models::builtin(), store, config)
    }

    pub(crate) fn build(
        suite: Suite,
        keys: Option<EndKeys>,
        models: Models,
        store: Arc<dyn Store>,
        config: Qu3Config,
    ) -> Self {
        let told = Arc::new(Told::default());
        let server = Qu3Server::new(suite, keys, models, config, store.clone(), told.clone());
        let (server, world) = (
            Arc::new(server.unwrap()),
            Arc::new(SeededWorld::new(0x0051_5533)),
        );
        Self {
            server,
            world,
            store,
            told,
        }
    }

    pub(crate) fn ask(&self, request: &Request) -> Response {
        self.server
            .respond(self.world.now(), &mut *self.world.rng(), request)
    }

    pub(crate) fn wait(&self, time: Duration) {
        self.world.advance(time);
    }

    /// Confirmed and pending sessions, and remembered messages.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        self.server.counts()
    }

    pub(crate) fn pins(&self) -> Vec<Entry> {
        self.store.scan("qu3.pins").unwrap()
    }

    pub(crate) fn policies(&self) -> Vec<Entry> {
        self.store.scan("qu3.policies.versions").unwrap()
    }

    /// Everything that a request could change and that can be seen from outside.
    pub(crate) fn state(&self) -> ((usize, usize, usize), Vec<Entry>, Vec<Entry>) {
        (self.counts(), self.pins(), self.policies())
    }
}

/// The wire from a client to the house: no transport at all.
impl Exchange for House {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move { Ok(self.ask(&request)) })
    }
}

/// The log of what a system told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<Event>>);

impl Told {
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Warning(text) => Some(text),
                _ => None,
            })
            .collect()
    }
}

impl Report for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}
