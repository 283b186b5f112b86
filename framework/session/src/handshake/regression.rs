//! Whole handshakes with every secret, as `vectors/handshake.json`: what an implementation in
//! another language checks (`tests/interop/channel/test_against.py`; the fields are described in
//! `vectors.py` beside it). Our own output is no vector by itself; until somebody else's code has
//! verified it, it is a record of what we did. `PQFW_BLESS=1` writes it anew.

use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::Now;
use serde_json::{Value, json};

use super::{Initiator, Progress, Reply, Transcript, answer, log, open_message};
use crate::message::{ANSWER, Answer, split};
use crate::people::{CHEAP, HYBRID, OTHER, config, suite};
use crate::record::{HEAD, Records, Traffic};
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

/// Records, and the messages in them.
#[derive(Default)]
struct Said {
    records: Vec<String>,
    messages: Vec<String>,
}

impl Said {
    fn clear(&mut self, record: &[u8]) {
        self.records.push(hex(record));
        self.messages.push(hex(&record[HEAD..]));
    }

    fn protected(&mut self, traffic: &mut Traffic, record: &[u8]) {
        self.records.push(hex(record));
        let message = open_message(traffic, record).unwrap();
        self.messages.push(hex(&message));
    }
}

fn handshake(name: &str, seed: u64, offer: &[&str], own: &[&str]) -> Value {
    let (near, far) = (config(1, offer), config(2, own));
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let cookie_key = SecretBytes::copy_of(&[7; 32]);
    let mut said = Said::default();
    let (mut initiator, mut hello) = Initiator::start(&near, Delivery::Stream, &mut rng).unwrap();
    let (mut answered, flight) = loop {
        said.clear(&hello);
        let reply = answer(&far, Delivery::Stream, &cookie_key, &[], &mut rng, &hello).unwrap();
        match reply {
            Reply::Answered(answered, flight) => break (answered, flight),
            Reply::Retry(records) => {
                said.clear(&records);
                let progress = initiator.read().record(NOW, &mut rng, &records).unwrap();
                let Progress::Again(next, records) = progress else {
                    unreachable!("it was a retry")
                };
                (initiator, hello) = (*next, records);
            }
        }
    };

    // The secrets, once more by themselves: what was opened does not give them out.
    let first = Records::of(&flight).next().unwrap().unwrap();
    let (kind, body) = split(&first[HEAD..]).unwrap();
    assert_eq!(kind, ANSWER);
    let agreed = Answer::decode(body).unwrap();
    let suite = std::sync::Arc::new(suite(&agreed.suite));
    let key = initiator.key.as_ref().unwrap();
    let shared = suite.kem.decapsulate(key, &agreed.ciphertext).unwrap();
    let mut transcript = Transcript::new(&suite.hash);
    if let Some(before) = &initiator.before {
        transcript.add(&before.transcript);
    }
    transcript.add(&hello[HEAD..]);
    transcript.add(&first[HEAD..]);
    let th_answer = transcript.hash();
    let secrets = HandshakeSecrets::new(&suite, &shared, &th_answer).unwrap();
    let (c_hs, s_hs) = (secret(&secrets.initiator), secret(&secrets.responder));
    let silent = || log(&near, [0; 32]);
    let mut initiators = Traffic::new(&suite, secrets.initiator, "", silent()).unwrap();
    let mut responders = Traffic::new(&suite, secrets.responder, "", silent()).unwrap();

    let mut reader = initiator.read();
    let mut progress = Progress::More;
    for record in Records::of(&flight) {
        let record = record.unwrap();
        if record == first {
            said.clear(record);
        } else {
            said.protected(&mut responders, record);
        }
        progress = reader.record(NOW, &mut rng, record).unwrap();
    }
    let Progress::Sent(mut sent, finish) = progress else {
        unreachable!("the flight is whole")
    };
    let mut reader = answered.read().unwrap();
    let mut opened = None;
    for record in Records::of(&finish) {
        let record = record.unwrap();
        said.protected(&mut initiators, record);
        opened = reader.record(NOW, record).unwrap();
    }
    let (_, welcome) = opened.unwrap();
    said.records.push(hex(&welcome));
    let opened = sent.welcome(&welcome).unwrap();
    let exported = opened.about.exporter.export("EXPORTER-pqfw", &[0, 255], 48);
    let mut case = json!({
        "name": name,
        "suite": agreed.suite,
        "messages": said.messages,
        "records": said.records,
        "shared_secret": secret(&shared),
        "th_answer": hex(&th_answer),
        "th_initiator_finished": hex(&opened.transcript),
        "c_hs": c_hs,
        "s_hs": s_hs,
        "main": secret(&secrets.main),
        "c_ap": secret(opened.outgoing.secret()),
        "s_ap": secret(opened.incoming.secret()),
        "next": secret(&opened.next),
        "exporter": {
            "label": "EXPORTER-pqfw",
            "context": "00ff",
            "length": 48,
            "value": secret(&exported.unwrap()),
        },
    });
    if offer.first() != own.first() {
        case["cookie_key"] = secret(&cookie_key).into();
    }
    case
}

#[test]
fn a_seed_gives_the_recorded_handshakes() {
    let made = json!({
        "about": "regression records of docs/protocols/channel.md; not vectors until another \
                  implementation has verified them",
        "fields": "the table in tests/interop/channel/vectors.py",
        "cases": [
            handshake("cheap", 1, &[CHEAP], &[CHEAP]),
            handshake("a retry, and another hash", 2, &[CHEAP, OTHER], &[OTHER, CHEAP]),
            handshake("hybrid", 3, &[HYBRID], &[HYBRID]),
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
