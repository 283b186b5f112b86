//! Whatever comes to the handshake and to the gate of pqc-mcp-0.1: strangers get no session, and
//! nobody gets anything twice.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::python_json::Json;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::world::World;
use pqfw_fuzz::{SUITE, mcp_config, mcp_identity};
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::gate::{Admission, Gate};
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::message::parse;
use pqfw_memory::SeededWorld;

struct Quiet;

impl Report for Quiet {
    fn event(&self, _: &Event) {}
}

fuzz_target!(|input: (&[u8], Vec<(u8, u8)>)| {
    let (body, changes) = input;
    let (world, client) = (SeededWorld::new(0), Arc::new(mcp_identity(2)));
    let config = McpConfig {
        allow_dids: vec![client.did().to_string()],
        ..mcp_config()
    };
    let (server, store) = (Arc::new(mcp_identity(1)), Arc::new(MemoryStore::default()));
    let (now, mut rng) = (world.now(), world.rng());
    let gate = Gate::new(
        now,
        server,
        &config,
        &SUITE,
        store,
        Audit::default(),
        Arc::new(Quiet),
    );
    let gate = gate.expect("a gate");
    // Bytes of nobody.
    if let Ok(json) = parse(body) {
        assert!(gate.handshake(now, &mut *rng, &json).is_err());
        assert!(!matches!(gate.admit(now, &json), Ok(Admission::Signed(_))));
    }
    // An honest handshake, changed somewhere: refused, or the same request in other words.
    let (_, honest) = PqcHandshake::initiate(&client, now, &mut *rng).expect("a handshake");
    let mut wire = honest.default_text().into_bytes();
    for (at, bit) in changes {
        let at = usize::from(at) * 7 % wire.len();
        wire[at] ^= 1 << (bit % 8);
    }
    let changed = parse(&wire).unwrap_or(Json::Null);
    let opened = gate.handshake(now, &mut *rng, &changed).is_ok();
    assert_eq!(opened, gate.sessions() == 1);
    if opened {
        let members = [
            "client_did",
            "client_public_key",
            "timestamp",
            "nonce",
            "signature",
        ];
        for name in members {
            assert_eq!(changed.get(name), honest.get(name));
        }
        assert!(gate.handshake(now, &mut *rng, &honest).is_err());
        assert_eq!(gate.sessions(), 1);
    }
});
