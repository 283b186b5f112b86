//! TLS settings for the tests of transports, and a transport that always has them: so the laws of
//! what transports deliver hold under TLS too.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "each test takes what it needs")]

use std::sync::Arc;

use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::transport::{
    BoxFuture, Connection, Datagrams, Exchange, ExchangeService, Listener, StreamService,
    TlsIdentity, TlsSettings, TlsTrust, Transport, TransportError, TransportInfo,
    TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;

/// Both ends show bare keys and believe anybody.
pub(crate) fn carrier(group: &str) -> Arc<TlsSettings> {
    let registry = Registry::builder().with(pqfw_aws_lc::plugin());
    let registry = registry.build().unwrap();
    let world: Arc<dyn World> = Arc::new(SeededWorld::new(7));
    let mut rng = world.rng();
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    let (group, signature) = (resolver.tls_group(group), resolver.signature("ML-DSA-44"));
    let signature = signature.unwrap();
    let key = signature.generate(&mut *rng).unwrap();
    Arc::new(TlsSettings {
        groups: vec![group.unwrap()],
        signatures: vec![signature],
        identity: Some(TlsIdentity {
            certificates: Vec::new(),
            key: Arc::new(key),
        }),
        servers: TlsTrust::Carrier,
        clients: None,
        require_client: false,
        raw_public_keys: true,
        world,
    })
}

/// A transport under TLS, whatever the settings say.
pub(crate) struct Carried<T> {
    pub(crate) transport: T,
    pub(crate) tls: Arc<TlsSettings>,
}

impl<T: Transport> Carried<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self {
            transport,
            tls: carrier("X25519MLKEM768"),
        }
    }

    fn with_tls(&self, settings: &TransportSettings) -> TransportSettings {
        TransportSettings {
            tls: Some(self.tls.clone()),
            ..settings.clone()
        }
    }
}

impl<T: Transport> Transport for Carried<T> {
    fn info(&self) -> TransportInfo {
        self.transport.info()
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        let settings = self.with_tls(settings);
        Box::pin(async move {
            self.transport
                .serve_exchange(&settings, service, world)
                .await
        })
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        self.transport.connect_exchange(&self.with_tls(settings))
    }

    fn serve_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn StreamService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        let settings = self.with_tls(settings);
        Box::pin(async move { self.transport.serve_stream(&settings, service, world).await })
    }

    fn connect_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Connection, TransportError>> {
        let settings = self.with_tls(settings);
        Box::pin(async move { self.transport.connect_stream(&settings).await })
    }

    fn bind_datagrams<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Datagrams>, TransportError>> {
        let settings = self.with_tls(settings);
        Box::pin(async move { self.transport.bind_datagrams(&settings).await })
    }
}
