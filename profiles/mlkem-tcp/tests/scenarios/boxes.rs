//! The public box: opened by its owner, by nobody else, and not after any change.

use pqfw_mlkem_tcp::public_box::{BoxError, open, seal};
use pqfw_mlkem_tcp::wire::Bundle;

use crate::support::{DEPLOYED, rng, suite, suite_of};

fn sealed(message: &[u8], aad: &[u8]) -> (pqfw_framework::kem::DecapsulationKey, Bundle) {
    let suite = suite();
    let key = suite.kem.generate(&mut rng(1)).unwrap();
    let public = suite.kem.import_encapsulation_key(&key.encapsulation_key());
    let bundle = seal(&suite, &public.unwrap(), &mut rng(2), message, aad).unwrap();
    (key, bundle)
}

#[test]
fn its_owner_opens_it_and_nobody_else() {
    let (key, bundle) = sealed(b"a message", b"and beside it");
    let opened = open(&suite(), &key, &bundle).unwrap();
    assert_eq!(opened.expose(), b"a message");
    let other = suite().kem.generate(&mut rng(3)).unwrap();
    assert_eq!(
        open(&suite(), &other, &bundle).err(),
        Some(BoxError::Rejected)
    );
}

#[test]
fn no_part_of_it_can_be_changed() {
    let (key, bundle) = sealed(b"a message", b"beside");
    let parts: [fn(&mut Bundle) -> &mut Vec<u8>; 4] = [
        |bundle| &mut bundle.kem_ciphertext,
        |bundle| &mut bundle.nonce,
        |bundle| &mut bundle.ciphertext,
        |bundle| &mut bundle.aad,
    ];
    for part in parts {
        for bit in [0, 3, 7] {
            let mut changed = bundle.clone();
            let bytes = part(&mut changed);
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1 << bit;
            assert_eq!(
                open(&suite(), &key, &changed).err(),
                Some(BoxError::Rejected)
            );
        }
    }
    let mut longer = bundle.clone();
    longer.aad.push(0);
    assert_eq!(
        open(&suite(), &key, &longer).err(),
        Some(BoxError::Rejected)
    );
}

#[test]
fn every_box_has_an_encapsulation_and_a_nonce_of_its_own() {
    let suite = suite();
    let key = suite.kem.generate(&mut rng(1)).unwrap();
    let public = suite
        .kem
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    let mut rng = rng(2);
    let [one, other] = [(); 2].map(|()| seal(&suite, &public, &mut rng, b"same", b"").unwrap());
    assert_ne!(one.kem_ciphertext, other.kem_ciphertext);
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.ciphertext, other.ciphertext);
}

#[test]
fn the_two_ends_must_name_one_suite() {
    let (key, bundle) = sealed(b"a message", b"");
    let [_, signature, aead, kdf] = DEPLOYED;
    for kem in ["Kyber-768", "X25519"] {
        let other = suite_of([kem, signature, aead, kdf]);
        let refused = open(&other, &key, &bundle).err();
        assert!(
            matches!(refused, Some(BoxError::Crypto(_))),
            "{kem}: {refused:?}"
        );
    }
    let mut short = bundle.clone();
    short.ciphertext.truncate(15);
    let refused = open(&suite(), &key, &short).err();
    assert!(matches!(refused, Some(BoxError::Crypto(_))), "{refused:?}");
    let other = suite_of([DEPLOYED[0], signature, aead, "HKDF-SHA512"]);
    assert_eq!(open(&other, &key, &bundle).err(), Some(BoxError::Rejected));
}

#[test]
fn it_takes_any_suite() {
    for names in [
        ["X25519", "Ed25519", "ChaCha20-Poly1305", "HKDF-SHA512"],
        [
            "X25519+ML-KEM-768",
            "ML-DSA-44",
            "AES-128-GCM",
            "HKDF-SHA384",
        ],
    ] {
        let suite = suite_of(names);
        let key = suite.kem.generate(&mut rng(1)).unwrap();
        let public = suite.kem.import_encapsulation_key(&key.encapsulation_key());
        let bundle = seal(&suite, &public.unwrap(), &mut rng(2), b"m", b"").unwrap();
        assert_eq!(open(&suite, &key, &bundle).unwrap().expose(), b"m");
    }
}
