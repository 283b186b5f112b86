//! Whatever an attacker does to a handshake: what is agreed is what the rule says, or nothing is.

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Delivery;

use super::harness::{Ends, NOW, edit_hello, edit_suite, honest, read, shake};
use super::{Initiator, Progress, Reply, answer};
use crate::alert::Alert;
use crate::config::Config;
use crate::error::ChannelError;
use crate::message::Hello;
use crate::people::{CHEAP, HYBRID, OTHER, config, config_with};
use crate::record::{HANDSHAKE, HEAD, Records, plain};
use crate::{InsecureAnybody, PeerCheck, PinnedPeers};

fn alert_of(result: Result<Ends, ChannelError>) -> Option<Alert> {
    result.err().and_then(|error| error.alert())
}

#[test]
fn every_byte_of_every_flight_matters_and_so_does_its_end() {
    for (near, far) in [
        (vec![CHEAP], vec![CHEAP]),
        (vec![CHEAP, OTHER], vec![OTHER]),
    ] {
        let (near, far) = (config(1, &near), config(2, &far));
        let mut lengths = std::collections::BTreeMap::new();
        shake(&near, &far, 3, &mut |flight, bytes| {
            lengths.insert(flight, bytes.len());
        })
        .ok()
        .unwrap();
        for (&flight, &length) in &lengths {
            for at in 0..length {
                let flip = &mut |number, bytes: &mut Vec<u8>| {
                    if number == flight {
                        bytes[at] ^= 1 << (at % 8);
                    }
                };
                let result = shake(&near, &far, 3, flip);
                assert!(result.is_err(), "byte {at} of flight {flight}");
                let cut = &mut |number, bytes: &mut Vec<u8>| {
                    if number == flight {
                        bytes.truncate(at);
                    }
                };
                assert!(
                    shake(&near, &far, 3, cut).is_err(),
                    "{at} bytes of flight {flight}"
                );
            }
        }
    }
}

#[test]
fn a_flight_that_fails_leaves_what_reads_it_as_it_was() {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let key = SecretBytes::copy_of(&[7; 32]);
    let (mut initiator, hello) = Initiator::start(&near, Delivery::Stream, &mut rng).unwrap();
    let reply = answer(&far, Delivery::Stream, &key, &[], &mut rng, &hello).unwrap();
    let Reply::Answered(mut answered, flight) = reply else {
        unreachable!("the share fits")
    };
    let spoiled = |flight: &[u8]| {
        let mut spoiled = flight.to_vec();
        *spoiled.last_mut().unwrap() ^= 1;
        spoiled
    };
    assert!(read(&mut initiator, &mut rng, &spoiled(&flight)).is_err());
    let progress = read(&mut initiator, &mut rng, &flight).unwrap();
    let Progress::Sent(mut sent, finish) = progress else {
        unreachable!("the flight is whole")
    };
    // A key that has sealed something seals nothing else.
    assert!(matches!(
        read(&mut initiator, &mut rng, &flight),
        Err(ChannelError::Closed)
    ));
    let mut finished = |finish: &[u8]| -> Result<_, ChannelError> {
        let mut reader = answered.read()?;
        let mut opened = None;
        for record in Records::of(finish) {
            opened = reader.record(NOW, record?)?;
        }
        Ok(opened)
    };
    assert!(finished(&spoiled(&finish)).is_err());
    let (_, welcome) = finished(&finish).unwrap().unwrap();
    assert!(matches!(finished(&finish), Err(ChannelError::Closed)));
    assert!(sent.welcome(&spoiled(&welcome)).is_err());
    assert!(sent.welcome(&welcome).is_ok());
    assert!(matches!(sent.welcome(&welcome), Err(ChannelError::Closed)));
}

#[test]
fn each_refusal_says_which() {
    let (near, far) = (config(1, &[CHEAP, OTHER]), config(2, &[OTHER, CHEAP]));
    let with = |edit: &dyn Fn(&mut Hello)| {
        alert_of(shake(&near, &far, 3, &mut |flight, bytes| {
            if flight == 1 {
                edit_hello(bytes, edit);
            }
        }))
    };
    let illegal = Some(Alert::IllegalParameter);
    assert_eq!(with(&|hello| hello.delivery = Delivery::Datagram), illegal);
    assert_eq!(with(&|hello| hello.share = 2), illegal);
    assert_eq!(with(&|hello| hello.suites.clear()), illegal);
    assert_eq!(
        with(&|hello| hello.suites[0] = hello.suites[1].clone()),
        illegal
    );
    assert_eq!(with(&|hello| hello.suites[1] = "a b".into()), illegal);
    assert_eq!(with(&|hello| hello.protocol.clear()), illegal);
    assert_eq!(with(&|hello| hello.cookie = vec![0; 80]), illegal);
    assert_eq!(with(&|hello| hello.cookie = vec![0; 3]), illegal);
    assert_eq!(with(&|hello| hello.cookie = vec![0; 256]), illegal);
    let other = Some(Alert::NoApplicationProtocol);
    assert_eq!(with(&|hello| hello.protocol = "test/2".into()), other);
    let none = Some(Alert::HandshakeFailure);
    assert_eq!(with(&|hello| hello.suites = vec![HYBRID.into()]), none);

    let cheap = config(2, &[CHEAP]);
    let spoil =
        |near: &Arc<Config>, far: &Arc<Config>, number: u8, attack: &dyn Fn(&mut Vec<u8>)| {
            alert_of(shake(near, far, 3, &mut |flight, bytes| {
                if flight == number {
                    attack(bytes);
                }
            }))
        };
    let short_key = |bytes: &mut Vec<u8>| {
        edit_hello(bytes, |hello| hello.encapsulation_key.push(0));
    };
    assert_eq!(spoil(&near, &cheap, 1, &short_key), illegal);
    let decode = Some(Alert::DecodeError);
    let cut_inside = |bytes: &mut Vec<u8>| {
        let message = bytes[HEAD..bytes.len() - 1].to_vec();
        *bytes = plain(HANDSHAKE, &message);
    };
    assert_eq!(spoil(&near, &cheap, 1, &cut_inside), decode);
    let unexpected = Some(Alert::UnexpectedMessage);
    assert_eq!(
        spoil(&near, &cheap, 1, &|bytes| bytes[HEAD] = 4),
        unexpected
    );
    assert_eq!(spoil(&near, &cheap, 1, &|bytes| bytes[0] = 23), unexpected);
    assert_eq!(
        spoil(&near, &cheap, 2, &|bytes| bytes[HEAD] = 8),
        unexpected
    );
    let overflow = Some(Alert::RecordOverflow);
    assert_eq!(spoil(&near, &cheap, 2, &|bytes| bytes[1] = 1), overflow);
    let mac = Some(Alert::BadRecordMac);
    let last = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(spoil(&near, &cheap, 2, &last), mac);
    assert_eq!(spoil(&near, &cheap, 3, &last), mac);
    assert_eq!(spoil(&near, &cheap, 4, &last), mac);
    // A retry to the KEM that was sent already, to one that was not offered, and a second one.
    assert_eq!(
        spoil(&near, &far, 2, &|bytes| edit_suite(bytes, CHEAP)),
        illegal
    );
    assert_eq!(
        spoil(&near, &far, 2, &|bytes| edit_suite(bytes, HYBRID)),
        illegal
    );
    let mut retry = Vec::new();
    let second = shake(&near, &far, 3, &mut |flight, bytes| match flight {
        2 => retry = bytes.clone(),
        6 => *bytes = retry.clone(),
        _ => {}
    });
    assert_eq!(alert_of(second), unexpected);
    // An alert in the clear is believed as a hint.
    let hint = shake(&near, &cheap, 3, &mut |flight, bytes| {
        if flight == 2 {
            *bytes = plain(21, &[80]);
        }
    });
    let hinted = ChannelError::RefusedByPeer {
        code: 80,
        proven: false,
    };
    assert_eq!(hint.err(), Some(hinted));
}

#[test]
fn an_identity_that_is_not_accepted_is_refused_by_either_end() {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let nobody: Arc<dyn PeerCheck> = Arc::new(PinnedPeers::new([]));
    let careful = |seed| config_with(seed, &[CHEAP], "test/1", nobody.clone());
    for (near, far) in [(careful(1), far), (near, careful(2))] {
        let error = shake(&near, &far, 3, &mut honest).err().unwrap();
        assert!(matches!(error, ChannelError::UnknownPeer(_)), "{error}");
        assert_eq!(error.alert(), Some(Alert::UnknownPeer));
    }
    let anybody: Arc<dyn PeerCheck> = Arc::new(InsecureAnybody);
    let other = config_with(2, &[CHEAP], "test/2", anybody);
    let error = shake(&config(1, &[CHEAP]), &other, 3, &mut honest)
        .err()
        .unwrap();
    assert_eq!(error.alert(), Some(Alert::NoApplicationProtocol));
}

#[test]
fn identities_proofs_and_finishes_that_are_not_right_are_refused() {
    use super::{check_finished, check_proof, signed};
    use crate::identity::PeerKey;
    use crate::message::{decode_identity, encode_field};

    let suite = crate::people::suite(CHEAP);
    let config = config(1, &[CHEAP]);
    let identity = &config.identities()[0];
    let read = |spki: &[u8]| PeerKey::read(&suite.signature, &suite.digest, spki);
    let alert = |result: Result<PeerKey, ChannelError>| result.err().and_then(|e| e.alert());
    let bad = Some(Alert::BadIdentity);
    let spki = identity.spki();
    assert_eq!(alert(read(b"nonsense")), bad);
    assert_eq!(alert(read(&spki[..spki.len() - 1])), bad);
    assert_eq!(alert(read(&[spki, &[0]].concat())), bad);
    let mut other = spki.to_vec();
    other[8] ^= 1;
    assert_eq!(alert(read(&other)), bad, "another algorithm");
    let pem = pqfw_framework::keys::public_to_pem(
        suite.signature.info(),
        &identity.key().verifying_key(),
    );
    assert_eq!(
        alert(read(pem.unwrap().as_bytes())),
        bad,
        "PEM is for files"
    );
    let kind = decode_identity(&[2, 0, 0, 0, 0]).err().unwrap();
    assert_eq!(kind.alert(), bad);

    let claimed = read(spki).ok().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let role = super::Role::Initiator;
    let signature = identity
        .key()
        .sign(&mut rng, &signed(role, &[1; 32]))
        .unwrap();
    let body = encode_field(6, &signature).unwrap();
    let body = &body[5..];
    assert_eq!(check_proof(&claimed, role, &[1; 32], body), Ok(()));
    let responder = super::Role::Responder;
    for wrong in [
        check_proof(&claimed, responder, &[1; 32], body),
        check_proof(&claimed, role, &[2; 32], body),
    ] {
        assert_eq!(wrong.unwrap_err().alert(), Some(Alert::DecryptError));
    }
    let base = SecretBytes::copy_of(&[9; 32]);
    let wrong = check_finished(&suite, &base, &[1; 32], &[0; 32]).unwrap_err();
    assert_eq!(wrong.alert(), Some(Alert::DecryptError));
    let short = check_finished(&suite, &base, &[1; 32], &[0; 31]).unwrap_err();
    assert_eq!(short.alert(), Some(Alert::DecodeError));
    let own = ChannelError::Primitive("a provider".into());
    assert_eq!(own.alert(), Some(Alert::InternalError));
    for alert in Alert::ALL {
        assert_eq!(Alert::of(alert.code()), Some(alert));
    }
}
