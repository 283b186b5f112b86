//! SubjectPublicKeyInfo, PKCS#8 and PEM, over every algorithm that has an identifier.

use pqfw_framework::catalogue::{AlgorithmInfo, Kat, KemSizes, Sizes, builtin};
use pqfw_framework::keys::{self, Fingerprint, KeyCodecError, PrivateKeyParts};
use pqfw_framework::secret::SecretBytes;

use crate::broken::resolve;

fn row(id: &str) -> AlgorithmInfo {
    builtin().into_iter().find(|row| row.id == id).unwrap()
}

fn parts(seed: Option<&[u8]>, expanded: Option<&[u8]>) -> PrivateKeyParts {
    PrivateKeyParts {
        seed: seed.map(SecretBytes::copy_of),
        expanded: expanded.map(SecretBytes::copy_of),
    }
}

#[test]
fn public_keys_come_back_from_der_and_pem() {
    for row in builtin().iter().filter(|row| row.oid.is_some()) {
        let key: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let der = keys::public_to_der(row, &key).unwrap();
        let pem = keys::public_to_pem(row, &key).unwrap();
        assert_eq!(
            keys::public_from_file(row, &der).unwrap(),
            key,
            "{}",
            row.id
        );
        assert_eq!(
            keys::public_from_file(row, pem.as_bytes()).unwrap(),
            key,
            "{}",
            row.id
        );
    }
}

#[test]
fn private_keys_come_back_in_the_form_that_was_written() {
    for row in builtin().iter().filter(|row| row.oid.is_some()) {
        for (seed, expanded) in [(Some(&[1; 64][..]), None), (None, Some(&[2; 999][..]))] {
            let pem = keys::private_to_pem(row, &parts(seed, expanded)).unwrap();
            let read = keys::private_from_file(row, pem.as_bytes()).unwrap();
            let got = read.seed.or(read.expanded).unwrap();
            assert!(
                got.constant_time_eq(seed.or(expanded).unwrap()),
                "{}",
                row.id
            );
        }
        assert!(matches!(
            keys::private_to_pem(row, &parts(None, None)),
            Err(KeyCodecError::Der(_))
        ));
    }
}

#[test]
fn a_key_of_another_algorithm_is_refused_by_its_identifier() {
    let pem = keys::public_to_pem(&row("Kyber-768"), &[0; 1184]).unwrap();
    let error = keys::public_from_file(&row("ML-KEM-768"), pem.as_bytes()).unwrap_err();
    assert!(
        matches!(error, KeyCodecError::WrongAlgorithm { .. }),
        "{error}"
    );
}

#[test]
fn what_is_no_key_file_is_refused() {
    let ml_kem = row("ML-KEM-768");
    let pem = |file: &[u8]| keys::public_from_file(&ml_kem, file).unwrap_err();
    assert!(matches!(pem(b"nonsense"), KeyCodecError::Pem(_)));
    assert!(matches!(pem(b""), KeyCodecError::Pem(_)));
    let private = keys::private_to_pem(&ml_kem, &parts(Some(&[0; 64]), None)).unwrap();
    assert!(
        matches!(pem(private.as_bytes()), KeyCodecError::Pem(_)),
        "a private key is no public one"
    );
    assert!(matches!(
        pem(&[0x30, 0x03, 0x02, 0x01, 0x00]),
        KeyCodecError::Der(_)
    ));
}

#[test]
fn an_algorithm_without_an_identifier_has_no_key_file() {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 1,
        decapsulation_key: 1,
        ciphertext: 1,
        shared_secret: 1,
    };
    let nameless = AlgorithmInfo::new("Nameless", Sizes::Kem(sizes), "a test");
    let error = keys::public_to_der(&nameless, &[0]).unwrap_err();
    assert_eq!(error, KeyCodecError::NoIdentifier("Nameless".into()));
}

#[test]
fn the_both_form_of_rfc_9935_gives_both_halves() {
    let ml_kem = row("ML-KEM-512");
    let answers = Kat::parse(&ml_kem.known_answers).unwrap();
    let (seed, dk) = (
        answers.cases[0].value("seed").unwrap(),
        answers.cases[0].value("dk").unwrap(),
    );
    // SEQUENCE { OCTET STRING seed, OCTET STRING expanded }, in DER.
    let octets = |bytes: &[u8]| match bytes.len() {
        short @ 0..=127 => [&[0x04, short as u8], bytes].concat(),
        long => [&[0x04, 0x82, (long >> 8) as u8, long as u8], bytes].concat(),
    };
    let inner = [octets(seed), octets(dk)].concat();
    let both = [
        &[0x30, 0x82, (inner.len() >> 8) as u8, inner.len() as u8],
        &inner[..],
    ]
    .concat();
    let wrapped = octets(&both);
    // PrivateKeyInfo { 0, AlgorithmIdentifier, OCTET STRING }
    let algorithm = [
        0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x01,
    ];
    let body = [&[0x02, 0x01, 0x00], &algorithm[..], &wrapped].concat();
    let file = [
        &[0x30, 0x82, (body.len() >> 8) as u8, body.len() as u8],
        &body[..],
    ]
    .concat();
    let read = keys::private_from_file(&ml_kem, &file).unwrap();
    assert!(read.seed.unwrap().constant_time_eq(seed));
    assert!(read.expanded.unwrap().constant_time_eq(dk));
}

#[test]
fn a_fingerprint_is_over_the_whole_subject_public_key_info() {
    let registry = pqfw::registry().build().unwrap();
    let sha256 = resolve(&registry, |r| r.hash("SHA-256")).unwrap();
    let key = [7; 1184];
    let ml_kem = Fingerprint::of(&sha256, &row("ML-KEM-768"), &key).unwrap();
    let kyber = Fingerprint::of(&sha256, &row("Kyber-768"), &key).unwrap();
    assert_ne!(ml_kem, kyber, "the identifier is part of it");
    assert_eq!(Fingerprint::parse(ml_kem.as_str()), Some(ml_kem));
    for bad in ["", "sha256:", "sha256:zz", &"sha256:A".repeat(8), "md5:00"] {
        assert_eq!(Fingerprint::parse(bad), None, "{bad}");
    }
}
