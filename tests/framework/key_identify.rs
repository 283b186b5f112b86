//! What a file is, without being told.

use pqfw_framework::catalogue::{AlgorithmInfo, OidParameters};
use pqfw_framework::keys::{
    self, Container, Content, Fingerprint, KeyCodecError, Part, PrivateKeyForm, PrivateKeyParts,
};
use pqfw_framework::registry::{Plugin, Registry};

use crate::broken::{Fault, plugin, resolve, row as mirror};
use crate::key_support::{
    ED25519, ML_KEM_512, NULL, OCTET_STRING, SEQUENCE, foreign, private_key_info, registry, row,
    subject_public_key_info, tlv,
};

fn ids(rows: &[std::sync::Arc<AlgorithmInfo>]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn public_keys_say_whose_they_are() {
    let registry = registry();
    let sha256 = resolve(&registry, |r| r.hash("SHA-256")).unwrap();
    for row in registry.rows().filter(|row| row.oid.is_some()) {
        let key = [7; 99];
        let der = keys::public_to_der(row, &key).unwrap();
        let pem = keys::public_to_pem(row, &key).unwrap();
        for (file, container) in [(&der[..], Container::Der), (pem.as_bytes(), Container::Pem)] {
            let found = keys::identify(&registry, file).unwrap();
            assert_eq!(found.container, container);
            assert_eq!(found.content, Content::Public { key: key.to_vec() });
            assert!(ids(&found.candidates).contains(&row.id.as_str()));
            let fingerprint = found.fingerprint(&sha256).unwrap();
            assert_eq!(fingerprint, Fingerprint::of(&sha256, row, &key).unwrap());
        }
    }
}

#[test]
fn private_keys_say_their_form_and_lengths() {
    let registry = registry();
    let sha256 = resolve(&registry, |r| r.hash("SHA-256")).unwrap();
    for (name, form, seed_bytes, expanded_bytes, with_public_key) in [
        (
            "ml-kem-512-seed.pem",
            PrivateKeyForm::Seed,
            Some(64),
            None,
            false,
        ),
        (
            "ml-kem-512-both.pem",
            PrivateKeyForm::Both,
            Some(64),
            Some(1632),
            false,
        ),
        (
            "ed25519.pem",
            PrivateKeyForm::Expanded,
            None,
            Some(32),
            false,
        ),
        (
            "ed25519-v2.pem",
            PrivateKeyForm::Expanded,
            None,
            Some(32),
            true,
        ),
    ] {
        let found = keys::identify(&registry, &foreign(name)).unwrap();
        let expected = Content::Private {
            form: Some(form),
            seed_bytes,
            expanded_bytes,
            with_public_key,
        };
        assert_eq!(found.content, expected, "{name}");
        assert_eq!(found.fingerprint(&sha256), None, "{name}");
    }
}

#[test]
fn encrypted_keys_say_how() {
    let registry = registry();
    for (name, how) in [
        (
            "ed25519-scrypt.pem",
            "AES-256-CBC under scrypt N=16384 r=8 p=1",
        ),
        (
            "ed25519-pbkdf2-sha256.pem",
            "AES-256-CBC under PBKDF2-HMAC-SHA256 i=1000",
        ),
        (
            "ed25519-pbkdf2-sha512.pem",
            "AES-128-CBC under PBKDF2-HMAC-SHA512 i=1000",
        ),
        (
            "ed25519-pbkdf2-sha1.pem",
            "AES-256-CBC under PBKDF2-HMAC-SHA1 i=1000",
        ),
        (
            "ed25519-3des.pem",
            "1.2.840.113549.1.5.13 under an unknown key derivation",
        ),
    ] {
        let found = keys::identify(&registry, &foreign(name)).unwrap();
        let Content::Encrypted(encryption) = &found.content else {
            panic!("{name}: {:?}", found.content);
        };
        assert_eq!(encryption.to_string(), how, "{name}");
        assert!(found.candidates.is_empty() && found.identifier.is_none());
    }
}

#[test]
fn one_identifier_can_serve_two_algorithms() {
    let curve = |id: &str| mirror(id).named_curve("1.2.840.10045.3.1.7");
    let plugins = [
        plugin("a", curve("Agreement"), Fault::None),
        plugin("b", curve("Another"), Fault::None),
    ];
    let mut registry = Registry::builder();
    for plugin in plugins {
        registry = registry.with(plugin);
    }
    let registry = registry.build().unwrap();
    let found = keys::identify(&registry, &foreign("p-256.pub.pem")).unwrap();
    let found = ids(&found.candidates);
    assert!(
        found.contains(&"Agreement") && found.contains(&"Another"),
        "{found:?}"
    );
}

#[test]
fn a_name_beside_the_identifier_tells_algorithms_apart() {
    let mut row = mirror("Named").oid("1.3.6.1.4.1.99999.1");
    row.oid_parameters = Some(OidParameters::Name("Named".into()));
    let other = AlgorithmInfo {
        oid_parameters: Some(OidParameters::Name("Another".into())),
        ..row.clone()
    };
    let registry = Registry::builder()
        .with(Plugin::new("a").row(row.clone()))
        .build()
        .unwrap();
    let file = keys::public_to_der(&row, &[1, 2]).unwrap();
    let found = keys::identify(&registry, &file).unwrap();
    assert_eq!(ids(&found.candidates), ["Named"]);
    let file = keys::public_to_der(&other, &[1, 2]).unwrap();
    let found = keys::identify(&registry, &file).unwrap();
    assert_eq!(ids(&found.candidates), [""; 0]);
    assert!(found.identifier.unwrap().contains("Another"));
}

#[test]
fn a_key_that_nobody_knows_is_still_a_key() {
    let registry = registry();
    let foreign_oid: &[u8] = &[0x06, 0x03, 0x2a, 0x03, 0x04];
    let public = subject_public_key_info(&[foreign_oid, NULL], 0, &[1, 2, 3]);
    let found = keys::identify(&registry, &public).unwrap();
    assert_eq!(found.identifier.as_deref(), Some("1.2.3.4 with parameters"));
    assert!(found.candidates.is_empty());
    let private = private_key_info(&[foreign_oid], &[1, 2, 3]);
    let found = keys::identify(&registry, &private).unwrap();
    assert!(matches!(found.content, Content::Private { form: None, .. }));
    // NULL parameters make it nobody's key.
    let null = subject_public_key_info(&[ML_KEM_512, NULL], 0, &[7; 800]);
    let found = keys::identify(&registry, &null).unwrap();
    assert!(found.candidates.is_empty());
}

#[test]
fn what_is_no_key_file_is_unrecognised() {
    let registry = registry();
    let scheme = tlv(SEQUENCE, &[ED25519]);
    for file in [
        &b""[..],
        b"nonsense",
        &[0x30, 0x03, 0x02, 0x01, 0x00],
        &tlv(SEQUENCE, &[&scheme, &tlv(OCTET_STRING, &[]), &[0]]),
        b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        &foreign("p-256-sec1.pem"),
    ] {
        let error = keys::identify(&registry, file).unwrap_err();
        assert!(matches!(error, KeyCodecError::Unrecognised(_)), "{error}");
    }
    // The right label around the wrong structure is a broken key file.
    for label in ["PUBLIC KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let file = format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        let error = keys::identify(&registry, file.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyCodecError::Der(_)), "{label}: {error}");
    }
    let broken = private_key_info(&[ML_KEM_512], &[0x80]);
    let error = keys::identify(&registry, &broken).unwrap_err();
    assert!(matches!(error, KeyCodecError::Der(_)), "{error}");
}

#[test]
fn a_length_is_a_hint() {
    let registry = registry();
    let of = |length| {
        let found = keys::by_length(&registry, length).into_iter();
        let found = found.map(|(row, part)| (row.id.clone(), part));
        found.collect::<Vec<_>>()
    };
    assert!(of(2400).contains(&("ML-KEM-768".into(), Part::Expanded)));
    assert!(of(2400).contains(&("Kyber-768".into(), Part::Expanded)));
    assert!(of(64).contains(&("ML-KEM-1024".into(), Part::Seed)));
    assert!(of(1184).contains(&("ML-KEM-768".into(), Part::Public)));
    assert!(of(3).is_empty());
    let seed = PrivateKeyParts::of_raw(&row("ML-KEM-512"), &[1; 64]);
    assert_eq!(seed.form(), Some(PrivateKeyForm::Seed));
}
