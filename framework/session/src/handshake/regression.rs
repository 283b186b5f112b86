//! Whole handshakes with every secret, as `vectors/handshake.json`: what an implementation in
//! another language checks. Our own output is no vector by itself; until somebody else's code has
//! verified it, it is a record of what we did. `PQFW_BLESS=1` writes it anew.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::{SecretBytes, SecretKind};
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::Now;
use serde_json::{Value, json};

use super::{Initiator, Progress, Reply, answer};
use crate::channel::split_opened;
use crate::message::{ANSWER, Answer, split};
use crate::people::{CHEAP, HYBRID, OTHER, config};
use crate::record::{HEAD, Records};
use crate::schedule::HandshakeSecrets;

const NOW: Now = Now {
    since_start: Duration::ZERO,
    unix_micros: 0,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn secret(secret: &SecretBytes) -> String {
    hex(secret.expose())
}

fn identity(config: &crate::Config) -> Value {
    let identity = &config.identities()[0];
    let key = identity.key();
    json!({
        "algorithm": identity.algorithm(),
        "seed": secret(&key.export(SecretKind::Seed).unwrap()),
        "spki": hex(identity.spki()),
        "fingerprint": identity.fingerprint().as_str(),
    })
}

fn handshake(seed: u64, offer: &[&str], own: &[&str]) -> Value {
    let (near, far) = (config(1, offer), config(2, own));
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let cookie_key = SecretBytes::copy_of(&[7; 32]);
    let (mut initiator, mut hello) = Initiator::start(&near, Delivery::Stream, &mut rng).unwrap();
    let mut flights = vec![json!({"sender": "initiator", "records": hex(&hello)})];
    let (mut answered, mut flight) = loop {
        let reply = answer(&far, Delivery::Stream, &cookie_key, &[], &mut rng, &hello).unwrap();
        match reply {
            Reply::Answered(answered, flight) => break (answered, flight),
            Reply::Retry(records) => {
                flights.push(json!({"sender": "responder", "records": hex(&records)}));
                let progress = initiator.read().record(NOW, &mut rng, &records).unwrap();
                let Progress::Again(next, records) = progress else {
                    unreachable!("it was a retry")
                };
                (initiator, hello) = (*next, records);
                flights.push(json!({"sender": "initiator", "records": hex(&hello)}));
            }
        }
    };
    flights.push(json!({"sender": "responder", "records": hex(&flight)}));

    // The secrets, once more by themselves: what was opened does not give them out.
    let record = Records::of(&flight).next().unwrap().unwrap();
    let (kind, body) = split(&record[HEAD..]).unwrap();
    assert_eq!(kind, ANSWER);
    let agreed = Answer::decode(body).unwrap();
    let suite = crate::people::suite(&agreed.suite);
    let key = initiator.key.as_ref().unwrap();
    let shared = suite.kem.decapsulate(key, &agreed.ciphertext).unwrap();
    let private = key.export(SecretKind::Expanded).unwrap();
    let mut transcript = super::Transcript::new(&suite.hash);
    if let Some(before) = &initiator.before {
        transcript.add(&before.transcript);
    }
    transcript.add(&hello[HEAD..]);
    transcript.add(&record[HEAD..]);
    let secrets = HandshakeSecrets::new(&suite, &shared, &transcript.hash()).unwrap();

    let mut reader = initiator.read();
    let mut progress = Progress::More;
    for record in Records::of(&flight) {
        progress = reader.record(NOW, &mut rng, record.unwrap()).unwrap();
    }
    let Progress::Sent(mut sent, finish) = progress else {
        unreachable!("the flight is whole")
    };
    flights.push(json!({"sender": "initiator", "records": hex(&finish)}));
    flight.clear();
    let mut reader = answered.read().unwrap();
    let mut opened = None;
    for record in Records::of(&finish) {
        opened = reader.record(NOW, record.unwrap()).unwrap();
    }
    let (far_open, welcome) = opened.unwrap();
    flights.push(json!({"sender": "responder", "records": hex(&welcome)}));
    let near_open = sent.welcome(&welcome).unwrap();
    let application = json!({
        "c ap": secret(near_open.outgoing.secret()),
        "s ap": secret(near_open.incoming.secret()),
        "fresh": secret(&near_open.next),
        "TH(hello … initiator's finished)": hex(&near_open.transcript),
        "exporter(\"test\", \"context\", 32)":
            secret(&near_open.about.exporter.export("test", b"context", 32).unwrap()),
    });
    let (_, mut near_sealer, _) = split_opened(NOW, near_open);
    let (_, mut far_sealer, _) = split_opened(NOW, *far_open);
    let (mut there, mut back) = (Vec::new(), Vec::new());
    near_sealer.data(&mut there, b"from the initiator").unwrap();
    near_sealer.key_update(&mut there, true).unwrap();
    near_sealer.data(&mut there, b"under the next key").unwrap();
    far_sealer.data(&mut back, b"from the responder").unwrap();
    json!({
        "suite": agreed.suite,
        "offer": offer,
        "responder's list": own,
        "protocol": "test/1",
        "policy": "modern",
        "cookie key": hex(cookie_key.expose()),
        "initiator": identity(&near),
        "responder": identity(&far),
        "flights": flights,
        "decapsulation key": secret(&private),
        "shared secret": secret(&shared),
        "secrets": {
            "c hs": secret(&secrets.initiator),
            "s hs": secret(&secrets.responder),
            "main": secret(&secrets.main),
            "application": application,
        },
        "data from the initiator: one record, key_update(1), one record": hex(&there),
        "data from the responder: one record": hex(&back),
    })
}

#[test]
fn a_seed_gives_the_recorded_handshakes() {
    let made = json!({
        "about": "regression records of docs/protocols/channel.md; not vectors until another \
                  implementation has verified them",
        "handshakes": [
            handshake(1, &[CHEAP], &[CHEAP]),
            handshake(2, &[CHEAP, OTHER], &[OTHER, CHEAP]),
            handshake(3, &[HYBRID], &[HYBRID]),
        ],
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
