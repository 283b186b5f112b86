//! Two ends in memory that prove who they are, exchange one signed message each, and refuse a third
//! end's.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an example that cannot go on may end"
)]

mod common;

use std::error::Error;
use std::sync::Arc;

use common::{Terminal, identity, suite};
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::gate::{Admission, Gate};
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::lenience::Lenience;
use pqfw_mcp::signed::message::MessageSigner;
use pqfw_runtime::OsWorld;

fn main() -> Result<(), Box<dyn Error>> {
    let world = OsWorld::new();
    let suite = suite(&world);
    let [alice, bob, mallet] = std::array::from_fn(|_| identity(&suite, &world));
    let config = McpConfig {
        allow_dids: vec![alice.did().to_string()],
        ..McpConfig::default()
    };
    let store = Arc::new(MemoryStore::default());
    let report = Arc::new(Terminal);
    let now = world.now();
    let gate = Gate::new(now, bob, &config, &suite, store, Audit::default(), report)?;

    let (now, mut rng) = (world.now(), world.rng());
    let (waiting, request) = PqcHandshake::initiate(&alice, now, &mut *rng)?;
    let answer = gate.handshake(world.now(), &mut *rng, &request)?;
    let times = config.session_times();
    let session = waiting.complete(world.now(), &answer, times, &Lenience::strict())?;
    assert_eq!(session.peer().did, *gate.identity().did());
    println!("alice knows that she talks to {}", session.peer().did);

    let message: Object = [("jsonrpc", "2.0"), ("method", "ping"), ("id", "1")]
        .into_iter()
        .collect();
    let signer = MessageSigner::new(alice.clone());
    let id = Some(session.id());
    let signed = signer.sign_message(world.now(), &mut *rng, &message, id)?;
    let Admission::Signed(admitted) = gate.admit(world.now(), &signed.clone().into())? else {
        return Err("the message was signed".into());
    };
    assert_eq!(
        (&admitted.signer, &admitted.message),
        (alice.did(), &message)
    );
    println!(
        "bob knows that {} said {}",
        admitted.signer,
        Json::from(message.clone()).canonical()
    );

    let again = gate.admit(world.now(), &signed.into());
    println!("the same once more: {}", again.expect_err("a replay"));
    let forged = MessageSigner::new(mallet);
    let forged = forged.sign_message(world.now(), &mut *rng, &message, id)?;
    let forged = gate.admit(world.now(), &forged.into());
    println!("from mallet: {}", forged.expect_err("a stranger"));
    Ok(())
}
