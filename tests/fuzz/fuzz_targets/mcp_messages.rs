//! Every body of pqc-mcp-0.1 is read or refused; the signed text stands still under writing and
//! reading, and what we sign is verified, whatever it says.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use pqfw_framework::python_json::Json;
use pqfw_framework::world::World;
use pqfw_fuzz::mcp_identity;
use pqfw_mcp::signed::message::{ENVELOPE, Envelope, MessageSigner, parse};
use pqfw_memory::SeededWorld;

static SIGNER: LazyLock<MessageSigner> =
    LazyLock::new(|| MessageSigner::new(Arc::new(mcp_identity(1))));

fuzz_target!(|body: &[u8]| {
    let Ok(Json::Object(message)) = parse(body) else {
        return;
    };
    let canonical = MessageSigner::canonicalize(&message);
    let bare = MessageSigner::strip_pqc(&message);
    assert!(bare.get(ENVELOPE).is_none());
    let Ok(Json::Object(again)) = parse(&canonical) else {
        panic!("our own canonical text");
    };
    assert_eq!(again, bare);
    assert_eq!(MessageSigner::canonicalize(&again), canonical);
    // Nobody has signed it, or somebody has whose key is not ours.
    let _ = Envelope::read(SIGNER.identity().algorithms(), &message);
    assert!(SIGNER.verify_message(&message).is_err());
    let world = SeededWorld::new(0);
    let signed = SIGNER.sign_message(world.now(), &mut *world.rng(), &message, None);
    let signed = signed.expect("a signature");
    let wire = Json::from(signed).default_text();
    let Ok(Json::Object(received)) = parse(wire.as_bytes()) else {
        panic!("our own message");
    };
    let verified = SIGNER.verify_message(&received).expect("our own signature");
    assert_eq!(verified.message, bare);
});
