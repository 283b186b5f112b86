//! `qflare-2`: a man in the middle records an enrolment, holds it back, repeats it, and learns and
//! gains nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pqfw_framework::secret::SecretKind;
use pqfw_framework::world::World;
use pqfw_qflare::error::ClientError;
use pqfw_qflare::hardened::EnrolToken;
use pqfw_qflare::keys::DeviceKeys;
use pqfw_session::ChannelError;

use crate::hall::{Hall, SUITE, hall, is};
use crate::support::id;

/// What the device has that nobody else may have, under names for a failing test.
fn secrets(token: &EnrolToken, keys: &DeviceKeys) -> Vec<(&'static str, Vec<u8>)> {
    let text = token.expose_secret();
    let of_sign = keys.sign.export(SecretKind::Seed).unwrap();
    let mut secrets = vec![
        ("the token's secret", URL_SAFE_NO_PAD.decode(text).unwrap()),
        (
            "what the server keeps of it",
            SUITE.digest.digest(&[text.as_bytes()]),
        ),
        ("the signing key", of_sign.expose().to_vec()),
    ];
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let of_kem = keys.kem.export(kind).unwrap();
        // Any piece of it is too much.
        let pieces = of_kem.expose().as_chunks::<32>().0.iter();
        secrets.extend(pieces.map(|piece| ("the KEM key", piece.to_vec())));
    }
    secrets
}

/// Whether bytes hold a secret: as it is, or as texts have it.
fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let texts = [STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret), hex];
    let mut forms = vec![secret.to_vec()];
    forms.extend(texts.map(|text| text.trim_end_matches('=').as_bytes().to_vec()));
    forms
        .iter()
        .any(|form| bytes.windows(form.len()).any(|part| part == form))
}

/// An attacker with all that was recorded changes nothing, at once and when all sessions are gone.
async fn repeats(hall: &Hall) {
    let before = hall.service.state().head().unwrap();
    for later in [Duration::ZERO, Duration::from_secs(3600)] {
        hall.world.advance(later);
        for request in hall.wire.requests() {
            // A first flight may be answered anew, which gives the repeater nothing that it can open.
            let answer = hall.wire.repeat(request.clone()).await;
            assert!(answer.status != 200 || request.route.ends_with("/hello"));
        }
        assert_eq!(hall.service.state().head().unwrap(), before);
    }
}

#[tokio::test]
async fn who_records_an_enrolment_learns_no_secret_and_repeats_it_in_vain() {
    let hall = hall().await;
    let (keys, token) = (hall.keys(), hall.token("d"));
    let secrets = secrets(&token, &keys);
    let client = hall.client("d", keys);
    client.enrol(&token).await.unwrap();
    let recorded = hall.wire.recorded();
    assert!(recorded.len() >= 6);
    for bytes in &recorded {
        for (name, secret) in &secrets {
            assert!(!holds(bytes, secret), "{name}");
        }
        for readable in [&b"token_proof"[..], b"\"d\"", b"enrol"] {
            assert!(!bytes.windows(readable.len()).any(|part| part == readable));
        }
    }
    let (_, secret) = &secrets[0];
    for shown in [
        &secret[..],
        STANDARD.encode(secret).as_bytes(),
        token.expose_secret().as_bytes(),
    ] {
        assert!(
            holds(&[b"before", shown, b"after"].concat(), secret),
            "the search works"
        );
    }
    repeats(&hall).await;
}

#[tokio::test]
async fn an_enrolment_that_is_held_back_enrols_nobody_else() {
    // How many requests an enrolment has.
    let elsewhere = hall().await;
    let (client, token) = elsewhere.device("d");
    client.enrol(&token).await.unwrap();
    let requests = elsewhere.wire.requests().len();

    let hall = hall().await;
    let (keys, token) = (hall.keys(), hall.token("d"));
    let public = keys.sign.verifying_key();
    let client = hall.client("d", keys);
    hall.wire.cut_after(requests - 1);
    let cut = client.enrol(&token).await;
    assert!(
        matches!(cut, Err(ClientError::Channel(ChannelError::Transport(_)))),
        "{cut:?}"
    );
    hall.wire.mend();
    let mut seen = hall.wire.requests();
    let held_back = seen.pop().unwrap();
    assert_eq!(seen.len(), requests - 1);
    // The token is good still, and what went before does not use it.
    let before = hall.service.state().head().unwrap();
    assert_eq!(before.tokens, 1);
    for request in seen {
        drop(hall.wire.repeat(request).await);
    }
    assert_eq!(hall.service.state().head().unwrap(), before);
    // In a session of the attacker's own it is nobody's.
    let stranger = hall.client("d", hall.keys());
    stranger.status().await.unwrap();
    let own = hall.wire.requests().pop().unwrap().session;
    let mut redirected = held_back.clone();
    redirected.session = own;
    assert_ne!(hall.wire.repeat(redirected).await.status, 200);
    assert_eq!(hall.service.state().head().unwrap(), before);
    // Delivered at last, it enrols the device that sent it, with the keys that it proved.
    assert_eq!(hall.wire.repeat(held_back).await.status, 200);
    let device = hall.service.state().device(&id("d")).unwrap().unwrap();
    assert_eq!(device.signature.key, public);
    repeats(&hall).await;
}

#[tokio::test]
async fn what_was_proved_in_one_channel_is_worth_nothing_in_another() {
    let hall = hall().await;
    let token = hall.token("d");
    let device = hall.offers("d", &token).await;
    let made_up = EnrolToken::new(hall.fingerprint.clone(), id("d"), &mut *hall.world.rng());
    let attacker = hall.offers("d", &made_up).await;
    // As if the attacker had read what the device says inside its channel.
    let (status, answer) = attacker.post("/v2/prove", &device.body).await;
    assert_eq!(status, 401, "{answer}");
    let mut own_keys = attacker.body.clone();
    own_keys["token_proof"] = device.body["token_proof"].clone();
    assert_eq!(attacker.post("/v2/prove", &own_keys).await.0, 401);
    assert!(hall.service.state().devices().unwrap().is_empty());
    assert_eq!(device.post("/v2/prove", &device.body).await.0, 200);
}

#[tokio::test]
async fn a_device_does_not_speak_with_another_server_than_its_tokens() {
    let hall = hall().await;
    let elsewhere = crate::hall::hall().await;
    let _token = elsewhere.token("m");
    let misled = hall.client_over(elsewhere.wire.clone(), "m", hall.keys());
    let refused = misled.status().await;
    assert!(!is(&refused, 403), "{refused:?}");
    let Err(ClientError::Channel(ChannelError::UnknownPeer(_))) = refused else {
        panic!("{refused:?}")
    };
}
