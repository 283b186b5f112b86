//! Whole handshakes with every secret, as `vectors/handshake.json`: what an implementation in
//! another language needs to check itself, and what must not change unnoticed. Another
//! implementation, written from the page, reads them: `tests/interop/pqvpn`.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::secret::{SecretBytes, SecretKind};
use pqfw_framework::world::Now;
use serde_json::{Value, json};

use super::message::S2;
use super::{Answer, Call, Finish, Fresh};
use crate::fragment::cut;
use crate::identity::{Identity, RecordTerms};
use crate::people::{CHEAP, HYBRID, identity, rng, suite, suites};
use crate::session::{Buckets, Role, Shards};
use crate::token::{Mint, Purpose};
use crate::trust::{TrustList, TrustMode};
use crate::wire::{ControlHead, Hello, Kind};

const NOW: Now = Now {
    since_start: Duration::from_secs(1000),
    unix_micros: 1_767_225_600_000_000,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn seeds(of: &Identity) -> Value {
    let seed = |secret: SecretBytes| hex(secret.expose());
    json!({
        "signature_seed": seed(of.signing.export(SecretKind::Seed).unwrap()),
        "kem_seed": seed(of.decapsulation.export(SecretKind::Seed).unwrap()),
        "peer_id": of.id.to_string(),
    })
}

fn handshake(seed: u64, name: &str) -> Value {
    let suites = suites(&[name]);
    let digest = suite(name).digest;
    let mut near = identity(10 * seed + 1, name);
    let far = Arc::new(identity(10 * seed + 2, name));
    let former = identity(10 * seed + 3, name);
    let statement = former.rotate_to(&suite(name), near.id, &mut rng(seed));
    near = near.following(statement.unwrap()).unwrap();
    let near = Arc::new(near);

    let mut chance = rng(seed);
    let address = "192.0.2.7:51820".parse().unwrap();
    let mut mint = Mint::new(digest.clone());
    let at = NOW.since_start;
    let indices = (0x1234_5670, 0x89ab_cde0);
    let token = mint.issue(at, &mut chance, Purpose::Handshake, address, indices.0);
    let fresh = mint.issue(
        at,
        &mut chance,
        Purpose::Handshake,
        address,
        0x0bad_cafe & !15,
    );
    let hello = Hello {
        nonce: [0xa5; 32],
        offer: suites.offer(),
    };
    let call = Call {
        suite: suites.first().clone(),
        identity: near.clone(),
        peer: far.id,
        keys: Arc::new(far.public.clone()),
        hello: hello.clone(),
        ticket: token.ticket,
        index: indices.0,
        shards: 2,
    };
    let called = call.run(&mut chance).unwrap();
    let answer = Answer {
        suites: suites.clone(),
        identity: far.clone(),
        trust: Arc::new(TrustList::new(TrustMode::Tofu, [])),
        now: NOW,
        message: called.message.clone(),
        ticket: token.ticket,
        indices,
        shards: 3,
        fresh: Fresh {
            index: 0x0bad_cafe & !15,
            token: fresh,
        },
    };
    let answered = answer.run(&mut chance).unwrap();
    let s2 = S2::read(&answered.message, &suites.first().suite).unwrap();
    let ephemeral = called
        .waiting
        .ephemeral
        .decapsulate(s2.to_ephemeral)
        .unwrap();
    let finish = Finish {
        waiting: called.waiting,
        message: answered.message.clone(),
        index: indices.1,
    };
    let keys = finish.run().unwrap().keys;

    let head = |kind, sender, receiver| ControlHead {
        kind,
        sender,
        receiver,
        fragment: 0,
        fragments: 1,
    };
    let first = head(Kind::S1, indices.0, 0);
    let s1_frames = cut(
        &digest,
        &token.key,
        first,
        Some(&token.ticket),
        &called.message,
    );
    let second = head(Kind::S2, indices.1, indices.0);
    let s2_frames = cut(&digest, &token.key, second, None, &answered.message);
    let mut shards = Shards::new(&keys, Role::Initiator, indices.1, (2, 3)).unwrap();
    let buckets = Buckets::new(vec![128]);
    let packet = [&[0x45, 0, 0, 24][..], &[7; 20]].concat();
    let mut seal = |at| {
        let frame = shards.seal(Duration::from_secs(at), 1, &buckets, &packet);
        hex(&frame.unwrap())
    };
    let frames = [seal(0), seal(119), seal(120)];
    let terms = RecordTerms {
        onion: vec![1, 2, 3],
        relay: true,
        expires_unix_secs: 4_102_444_800,
    };
    let record = near.record(terms, &mut chance).unwrap();
    json!({
        "suite": name,
        "initiator": seeds(&near),
        "responder": seeds(&far),
        "former": seeds(&former),
        "mint_secret": hex(mint.newest_secret()),
        "address": "192.0.2.7",
        "port": 51820,
        "indices": [indices.0, indices.1],
        "hello": hex(&hello.write()),
        "ticket": hex(&token.ticket.bytes()),
        "token": hex(&token.key),
        "ephemeral_secret": hex(ephemeral.expose()),
        "s1": hex(&called.message),
        "s2": hex(&answered.message),
        "s1_frames": s1_frames.iter().map(|frame| hex(frame)).collect::<Vec<_>>(),
        "s2_frames": s2_frames.iter().map(|frame| hex(frame)).collect::<Vec<_>>(),
        "session_id": hex(&keys.id),
        "i2r": hex(keys.to_responder.expose()),
        "r2i": hex(keys.to_initiator.expose()),
        "export": hex(keys.exporter.export("a label", 40).unwrap().expose()),
        "data_frames": frames,
        "packet": hex(&packet),
        "record": hex(record.as_bytes()),
    })
}

#[test]
fn a_seed_gives_the_recorded_handshakes() {
    let made = json!({
        "about": "handshakes of docs/protocols/pqvpn.md, read by tests/interop/pqvpn",
        "cases": [handshake(1, CHEAP), handshake(2, HYBRID)],
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/handshake.json");
    if std::env::var_os("PQFW_BLESS").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/vectors")).unwrap();
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let recorded = std::fs::read_to_string(path).unwrap();
    let recorded: Value = serde_json::from_str(&recorded).unwrap();
    assert!(made == recorded, "the handshake has changed; see {path}");
}
