//! Trust on first use: the first connection stores the server's keys, every later one uses them.

use std::sync::{Arc, Mutex};

use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{Event, Failure, Host};
use pqfw_framework::transport::{
    Exchange, Request, Response, Transport, TransportError, TransportInfo, TransportSettings,
};
use pqfw_memory::{Interceptor, RequestFate, SeededWorld};
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::models::Models;
use pqfw_qu3::wire::{self, route};

use crate::honest_client::settings;
use crate::support::{
    House, KeyFolder, Told, Who, keys_of, object, public_keys_of, suite, text_input,
};

/// A transport that leads to one wire, whatever the address.
struct Leading(Arc<dyn Exchange>);

impl Transport for Leading {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "leading",
            summary: "leads to one wire",
            deliveries: &[pqfw_framework::transport::Delivery::Exchange],
            tls: false,
        }
    }

    fn connect_exchange(&self, _: &TransportSettings) -> Result<Arc<dyn Exchange>, TransportError> {
        Ok(self.0.clone())
    }
}

/// A client's place, with its key folder and its log.
struct Home {
    folder: Arc<KeyFolder>,
    told: Arc<Told>,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: Arc::default(),
            told: Arc::default(),
        }
    }

    fn host(&self, wire: Arc<dyn Exchange>) -> Host {
        Host {
            world: Arc::new(SeededWorld::new(8)),
            suite: suite(),
            store: Arc::new(MemoryStore::default()),
            keys: self.folder.clone(),
            transport: Arc::new(Leading(wire)),
            settings: settings("memory:server"),
            report: self.told.clone(),
            outside: pqfw_memory::empty_outside(),
            alternatives: Vec::new(),
        }
    }

    /// Connects, and uses the session: the handshake alone proves nothing.
    async fn visit(&self, wire: Arc<dyn Exchange>) -> Result<(), ClientError> {
        let mut client = pqfw_qu3::connect_compatible(&self.host(wire)).await?;
        let inference = client.send_request("model_caps", &text_input("x")).await?;
        assert!(inference.outcome.is_ok());
        Ok(())
    }
}

fn house_of(who: Who) -> Arc<House> {
    let store = Arc::new(MemoryStore::default());
    let keys = Some(keys_of(who));
    Arc::new(House::build(
        suite(),
        keys,
        Models::builtin(),
        store,
        Qu3Config::default(),
    ))
}

/// A wire on which `/keys` is answered by somebody else.
fn with_keys_from(house: Arc<House>, kem: &[u8], sign: &[u8]) -> Arc<dyn Exchange> {
    let body = object([
        ("server_kem_public_key_b64", wire::encode(kem)),
        ("server_sign_public_key_b64", wire::encode(sign)),
    ]);
    let body = body.canonical().into_bytes();
    Arc::new(
        Interceptor::new(house).on_request(move |request: &mut Request| {
            if request.route == route::KEYS {
                let body = body.clone();
                return RequestFate::Forge(Response { status: 200, body });
            }
            RequestFate::Pass
        }),
    )
}

#[tokio::test]
async fn the_first_connection_stores_the_servers_keys_and_says_whom_it_trusts() {
    let (home, house) = (Home::new(), house_of(Who::Server));
    home.visit(house.clone()).await.unwrap();
    let server = public_keys_of(Who::Server);
    assert_eq!(home.folder.bytes("server_kem.pub"), server.kem);
    assert_eq!(home.folder.bytes("server_sign.pub"), server.sign);
    assert_eq!(home.folder.names().len(), 6);
    let fingerprint = keys_of(Who::Server).fingerprint(&suite()).unwrap();
    let warnings = home.told.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains(fingerprint.as_str()), "{warnings:?}");
}

#[tokio::test]
async fn the_second_connection_asks_for_no_keys() {
    let (home, house) = (Home::new(), house_of(Who::Server));
    home.visit(house.clone()).await.unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let routes = asked.clone();
    let wire = Interceptor::new(house).on_request(move |request| {
        routes.lock().unwrap().push(request.route.clone());
        RequestFate::Pass
    });
    let before = home.told.events();
    home.visit(Arc::new(wire)).await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [route::HANDSHAKE, route::INFERENCE]);
    assert_eq!(home.told.events(), before);
}

#[tokio::test]
async fn a_server_that_changed_since_the_first_connection_is_refused() {
    let home = Home::new();
    home.visit(house_of(Who::Server)).await.unwrap();
    let error = home.visit(house_of(Who::OtherServer)).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the attestation"));
    assert_eq!(error.failure(), Failure::Authentication);
    let stored = home.folder.bytes("server_sign.pub");
    assert_eq!(stored, public_keys_of(Who::Server).sign);
    // On purpose: the operator removes both files, and the next visit is a first one.
    home.folder.remove("server_kem.pub");
    home.folder.remove("server_sign.pub");
    home.visit(house_of(Who::OtherServer)).await.unwrap();
    let stored = home.folder.bytes("server_sign.pub");
    assert_eq!(stored, public_keys_of(Who::OtherServer).sign);
}

#[tokio::test]
async fn half_of_the_stored_keys_does_not_make_a_first_connection() {
    for missing in ["server_kem.pub", "server_sign.pub"] {
        let home = Home::new();
        home.visit(house_of(Who::Server)).await.unwrap();
        home.folder.remove(missing);
        let error = home.visit(house_of(Who::OtherServer)).await.unwrap_err();
        assert!(matches!(error, ClientError::Keys { .. }), "{error:?}");
        assert!(!home.folder.names().contains(&missing.to_owned()));
    }
}

#[tokio::test]
async fn keys_that_cannot_be_keys_are_not_stored() {
    let server = public_keys_of(Who::Server);
    for length in [0, 31, 33] {
        let home = Home::new();
        let wire = with_keys_from(house_of(Who::Server), &server.kem, &vec![1; length]);
        let error = home.visit(wire).await.unwrap_err();
        assert!(matches!(error, ClientError::Crypto(_)), "{error:?}");
        assert_eq!(home.folder.names().len(), 4, "the client's own");
        home.visit(house_of(Who::Server)).await.unwrap();
    }
}

#[tokio::test]
async fn a_stored_key_of_another_length_is_named() {
    for length in [0, 31, 33] {
        let home = Home::new();
        home.visit(house_of(Who::Server)).await.unwrap();
        home.folder
            .change("server_sign.pub", |bytes| bytes.resize(length, 0));
        let error = home.visit(house_of(Who::Server)).await.unwrap_err();
        let ClientError::Keys { reason, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(reason.starts_with("server_sign.pub: "), "{reason}");
        assert!(reason.contains("expected 32"), "{reason}");
        assert_eq!(error.failure(), Failure::Usage);
    }
}

#[tokio::test]
async fn a_server_without_keys_is_trusted_with_nothing() {
    let store = Arc::new(MemoryStore::default());
    let keyless = House::build(
        suite(),
        None,
        Models::builtin(),
        store,
        Qu3Config::default(),
    );
    let home = Home::new();
    let error = home.visit(Arc::new(keyless)).await.unwrap_err();
    let detail = "Server keys unavailable.".to_owned();
    assert_eq!(
        error,
        ClientError::Refused {
            status: 503,
            detail
        }
    );
    assert_eq!(home.folder.names().len(), 4);
}

#[tokio::test]
async fn a_man_in_the_middle_at_a_later_connection_cannot_play_the_server() {
    // At the first he could: the dialect cannot protect it, and every start says so.
    let home = Home::new();
    home.visit(house_of(Who::Server)).await.unwrap();
    let other = public_keys_of(Who::OtherServer);
    let wire = with_keys_from(house_of(Who::OtherServer), &other.kem, &other.sign);
    let error = home.visit(wire).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the attestation"));
}

#[tokio::test]
async fn a_key_folder_that_cannot_be_written_stops_the_first_connection() {
    let home = Home {
        folder: Arc::new(KeyFolder {
            broken: Some("client_sign.sec"),
            ..KeyFolder::default()
        }),
        told: Arc::default(),
    };
    let error = home.visit(house_of(Who::Server)).await.unwrap_err();
    assert!(matches!(error, ClientError::KeyFile(_)), "{error:?}");
    assert_eq!(error.failure(), Failure::Operation);
}

#[tokio::test]
async fn a_clients_first_start_says_where_its_keys_are() {
    let home = Home::new();
    home.visit(house_of(Who::Server)).await.unwrap();
    let place = "client keys generated in the key folder".to_owned();
    assert!(home.told.events().contains(&Event::Info(place)));
}
