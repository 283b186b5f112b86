//! The scenario that every profile can play, without a socket.

use std::sync::Arc;

use pqfw_framework::store::{MemoryStore, StoreError};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Failure, Host, RunError};
use pqfw_memory::{MemoryTransport, SeededWorld};
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::demo;

use crate::honest_client::settings;
use crate::support::{KeyFolder, OddStore, Told, suite, suite_of};

pub(crate) fn host(suite: Suite, told: &Arc<Told>) -> Host {
    Host {
        world: Arc::new(SeededWorld::new(9)),
        suite,
        store: Arc::new(MemoryStore::default()),
        keys: Arc::new(KeyFolder::default()),
        transport: Arc::new(MemoryTransport::new()),
        settings: settings("memory:"),
        report: told.clone(),
        outside: pqfw_memory::empty_outside(),
        alternatives: Vec::new(),
    }
}

async fn play(suite: Suite) -> Result<Vec<Event>, RunError> {
    let told = Arc::new(Told::default());
    demo::run(Qu3Config::default(), host(suite, &told)).await?;
    Ok(told.events())
}

#[tokio::test]
async fn every_step_of_the_demo_ends_as_it_should() {
    let events = play(suite()).await.unwrap();
    let count = |matches: fn(&Event) -> bool| events.iter().filter(|e| matches(e)).count();
    let steps = count(|event| matches!(event, Event::Step { .. }));
    assert_eq!(steps, count(|event| matches!(event, Event::Passed(_))));
    let attacks =
        count(|event| matches!(event, Event::Step { title, .. } if title.starts_with("attack: ")));
    let refused =
        count(|event| matches!(event, Event::Passed(text) if text.starts_with("refused: ")));
    assert_eq!((steps, attacks, refused), (10, 4, 3));
    assert!(events.contains(&Event::Passed("the client's session lives on".into())));
}

#[tokio::test]
async fn the_demo_plays_with_any_suite() {
    for names in [
        ["ML-KEM-768", "ML-DSA-65", "AES-128-GCM", "HKDF-SHA384"],
        ["X25519", "Ed25519", "ChaCha20-Poly1305", "HKDF-SHA512"],
    ] {
        play(suite_of(names)).await.unwrap();
    }
}

#[tokio::test]
async fn a_demo_in_which_something_fails_fails() {
    let told = Arc::new(Told::default());
    let store = Arc::new(OddStore::default());
    let failure = StoreError::Failed("no space left".into());
    store.fail(Some(("insert", failure)));
    let host = Host {
        store,
        ..host(suite(), &told)
    };
    let error = demo::run(Qu3Config::default(), host).await.unwrap_err();
    assert_eq!(error.failure, Failure::Operation);
    assert!(error.message.contains("500"), "{error}");
}
