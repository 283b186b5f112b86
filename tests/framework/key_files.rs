//! SubjectPublicKeyInfo, PKCS#8 and PEM, over every algorithm that has an identifier.

use pqfw_framework::catalogue::{
    AlgorithmInfo, KemSizes, OidParameters, PrivateKeyEncoding, Sizes, builtin,
};
use pqfw_framework::keys::{self, Fingerprint, KeyCodecError, PrivateKeyForm, PrivateKeyParts};
use pqfw_framework::secret::SecretBytes;

use crate::broken::resolve;
use crate::key_support::{
    EC_PUBLIC_KEY, ED25519, INTEGER, ML_KEM_512, NULL, OCTET_STRING, P_256, P_384, SEQUENCE,
    foreign, private_key_info, registry, row, subject_public_key_info, tlv,
};

fn parts(seed: Option<&[u8]>, expanded: Option<&[u8]>) -> PrivateKeyParts {
    PrivateKeyParts {
        seed: seed.map(SecretBytes::copy_of),
        expanded: expanded.map(SecretBytes::copy_of),
        public_key: None,
    }
}

/// A row of P-256, as the standard's key files have it.
fn p_256() -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 65,
        decapsulation_key: 32,
        ciphertext: 65,
        shared_secret: 32,
    };
    AlgorithmInfo::new("Curve", Sizes::Kem(sizes), "a test").named_curve("1.2.840.10045.3.1.7")
}

fn private(row: &AlgorithmInfo, file: &[u8]) -> Result<PrivateKeyParts, KeyCodecError> {
    keys::private_from_file(row, file)
}

fn refusal(row: &AlgorithmInfo, file: &[u8]) -> KeyCodecError {
    private(row, file).err().expect("the file is refused")
}

#[test]
fn public_keys_come_back_from_der_and_pem() {
    for row in builtin().iter().filter(|row| row.oid.is_some()) {
        let key: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let der = keys::public_to_der(row, &key).unwrap();
        let pem = keys::public_to_pem(row, &key).unwrap();
        for file in [&der[..], pem.as_bytes()] {
            let read = keys::public_from_file(row, file);
            assert_eq!(read.as_ref(), Ok(&key), "{}", row.id);
        }
    }
}

#[test]
fn private_keys_come_back_in_the_form_that_was_written() {
    for row in builtin().iter().filter(|row| row.oid.is_some()) {
        for (seed, expanded) in [(Some(&[1; 64][..]), None), (None, Some(&[2; 999][..]))] {
            let pem = keys::private_to_pem(row, &parts(seed, expanded)).unwrap();
            let read = private(row, pem.as_bytes()).unwrap();
            let got = read.seed.or(read.expanded).unwrap();
            let wanted = seed.or(expanded).unwrap();
            assert!(got.constant_time_eq(wanted), "{}", row.id);
        }
        let nothing = keys::private_to_pem(row, &parts(None, None)).unwrap_err();
        assert_eq!(nothing, KeyCodecError::Empty, "{}", row.id);
    }
}

#[test]
fn the_form_is_the_callers_where_the_algorithm_has_more_than_one() {
    for id in ["ML-KEM-768", "ML-DSA-44"] {
        let (row, all) = (row(id), parts(Some(&[1; 32]), Some(&[2; 100])));
        for form in [
            PrivateKeyForm::Seed,
            PrivateKeyForm::Expanded,
            PrivateKeyForm::Both,
        ] {
            let der = keys::private_to_der(&row, &all, Some(form)).unwrap();
            assert_eq!(private(&row, der.expose()).unwrap().form(), Some(form));
        }
        let usual = keys::private_to_der(&row, &all, None).unwrap();
        let read = private(&row, usual.expose()).unwrap();
        assert_eq!(read.form(), Some(PrivateKeyForm::Seed));
    }
}

#[test]
fn a_form_that_cannot_be_written_is_refused_with_the_reason() {
    let (seed, expanded) = (parts(Some(&[1; 64]), None), parts(None, Some(&[2; 32])));
    let refused = |id: &str, parts: &PrivateKeyParts, form| {
        let error = keys::private_to_der(&row(id), parts, Some(form)).err();
        let error = error.expect("the form is refused");
        assert!(
            matches!(&error, KeyCodecError::FormUnavailable { algorithm, .. } if algorithm == id),
            "{error}"
        );
        error.to_string()
    };
    use PrivateKeyForm::{Both, Expanded, Seed};
    for form in [Seed, Both] {
        let text = refused("ML-KEM-768", &expanded, form);
        assert!(text.contains("cannot be turned back"), "{text}");
        for id in ["Ed25519", "X25519", "SLH-DSA-SHA2-128f"] {
            let text = refused(id, &expanded, form);
            assert!(text.contains("one form"), "{text}");
        }
    }
    for form in [Expanded, Both] {
        let text = refused("ML-KEM-768", &seed, form);
        assert!(text.contains("only the seed"), "{text}");
    }
}

#[test]
fn examples_of_the_standards_are_read_and_written_byte_for_byte() {
    let seed: Vec<u8> = (0..64).collect();
    let ml_kem = row("ML-KEM-512");
    let file = foreign("ml-kem-512-seed.pem");
    let read = private(&ml_kem, &file).unwrap();
    assert!(read.seed.as_ref().unwrap().constant_time_eq(&seed));
    let written = keys::private_to_pem(&ml_kem, &read).unwrap();
    assert_eq!(written.as_bytes(), file);

    let file = foreign("ml-kem-512-both.pem");
    let read = private(&ml_kem, &file).unwrap();
    assert!(read.seed.as_ref().unwrap().constant_time_eq(&seed));
    assert_eq!(read.expanded.as_ref().unwrap().len(), 1632);
    let both = keys::private_to_der(&ml_kem, &read, Some(PrivateKeyForm::Both)).unwrap();
    let written = keys::private_der_to_pem(both.expose()).unwrap();
    assert_eq!(written.as_bytes(), file);

    let file = foreign("ed25519.pem");
    let read = private(&row("Ed25519"), &file).unwrap();
    let written = keys::private_to_pem(&row("Ed25519"), &read).unwrap();
    assert_eq!(written.as_bytes(), file);
}

#[test]
fn version_2_brings_its_public_key() {
    let ed25519 = row("Ed25519");
    let public = keys::public_from_file(&ed25519, &foreign("ed25519.pub.pem")).unwrap();
    let read = private(&ed25519, &foreign("ed25519-v2.pem")).unwrap();
    assert_eq!(read.public_key, Some(public));
    // Version 2 promises the public key, and version 1 has no room for it.
    let key = tlv(OCTET_STRING, &[&tlv(OCTET_STRING, &[&[7; 32]])]);
    let identifier = tlv(SEQUENCE, &[ED25519]);
    let public = tlv(0x81, &[&[0], &[9; 32]]);
    for (version, rest) in [(1, &[][..]), (0, &public[..]), (2, &public[..])] {
        let version = tlv(INTEGER, &[&[version]]);
        let file = tlv(SEQUENCE, &[&version, &identifier, &key, rest]);
        assert_eq!(
            refusal(&ed25519, &file),
            KeyCodecError::Der("PrivateKeyInfo")
        );
    }
}

#[test]
fn keys_of_named_curves_are_read_as_openssl_writes_them() {
    let p_256 = p_256();
    let public = keys::public_from_file(&p_256, &foreign("p-256.pub.pem")).unwrap();
    assert_eq!((public.len(), public[0]), (65, 4));
    let read = private(&p_256, &foreign("p-256.pem")).unwrap();
    assert_eq!(read.expanded.as_ref().unwrap().len(), 32);
    assert_eq!(read.public_key.as_ref(), Some(&public));
    let written = keys::private_to_pem(&p_256, &read).unwrap();
    assert_eq!(written.as_bytes(), foreign("p-256.pem"));
    let again = private(&p_256, written.as_bytes()).unwrap();
    assert_eq!(again.public_key, Some(public));
}

#[test]
fn a_curve_that_is_named_twice_is_named_the_same() {
    let ec = |curve: &[u8]| {
        let version = tlv(INTEGER, &[&[1]]);
        let key = tlv(OCTET_STRING, &[&[7; 32]]);
        tlv(SEQUENCE, &[&version, &key, &tlv(0xa0, &[curve])])
    };
    let file = |curve| private_key_info(&[EC_PUBLIC_KEY, P_256], &ec(curve));
    assert!(private(&p_256(), &file(P_256)).is_ok());
    let error = refusal(&p_256(), &file(P_384));
    assert!(matches!(error, KeyCodecError::Der(_)), "{error}");
}

#[test]
fn two_public_keys_in_one_file_are_the_same() {
    let version = tlv(INTEGER, &[&[1]]);
    let key = tlv(OCTET_STRING, &[&[7; 32]]);
    let inner = tlv(0xa1, &[&tlv(0x03, &[&[0], &[4; 65]])]);
    let value = tlv(OCTET_STRING, &[&tlv(SEQUENCE, &[&version, &key, &inner])]);
    let identifier = tlv(SEQUENCE, &[EC_PUBLIC_KEY, P_256]);
    let file = |outer: &[u8]| {
        let outer = tlv(0x81, &[&[0], outer]);
        tlv(SEQUENCE, &[&version, &identifier, &value, &outer])
    };
    assert!(private(&p_256(), &file(&[4; 65])).is_ok());
    assert_eq!(
        refusal(&p_256(), &file(&[5; 65])),
        KeyCodecError::PublicKeysDiffer
    );
}

#[test]
fn an_identifier_is_compared_whole() {
    let ml_kem = row("ML-KEM-512");
    let seed = tlv(0x80, &[&[7; 64]]);
    assert!(private(&ml_kem, &private_key_info(&[ML_KEM_512], &seed)).is_ok());
    // RFC 9935 section 3: parameters must be absent; NULL is not absent.
    for algorithm in [
        &[ML_KEM_512, NULL][..],
        &[ML_KEM_512, P_256],
        &[ED25519],
        &[],
    ] {
        let error = refusal(&ml_kem, &private_key_info(algorithm, &seed));
        let wrong = matches!(
            error,
            KeyCodecError::WrongAlgorithm { .. } | KeyCodecError::Der(_)
        );
        assert!(wrong, "{error}");
        let public = subject_public_key_info(algorithm, 0, &[7; 800]);
        assert!(keys::public_from_file(&ml_kem, &public).is_err());
    }
    // Curves: another one, none, and NULL in its place.
    for algorithm in [
        &[EC_PUBLIC_KEY, P_384][..],
        &[EC_PUBLIC_KEY],
        &[EC_PUBLIC_KEY, NULL],
    ] {
        let public = subject_public_key_info(algorithm, 0, &[4; 65]);
        let error = keys::public_from_file(&p_256(), &public).unwrap_err();
        assert!(
            matches!(error, KeyCodecError::WrongAlgorithm { .. }),
            "{error}"
        );
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
fn only_one_encoding_of_a_key_is_read() {
    let ml_kem = row("ML-KEM-512");
    let good = private_key_info(&[ML_KEM_512], &tlv(0x80, &[&[7; 64]]));
    assert!(private(&ml_kem, &good).is_ok());
    let long_length = |file: &[u8]| [&[0x30, 0x81], &file[1..]].concat();
    let indefinite = |file: &[u8]| [&[0x30, 0x80], &file[2..], &[0, 0]].concat();
    let trailing = |file: &[u8]| [file, &[0]].concat();
    let cut = |file: &[u8]| file[..file.len() - 1].to_vec();
    for damage in [
        &long_length as &dyn Fn(&[u8]) -> Vec<u8>,
        &indefinite,
        &trailing,
        &cut,
    ] {
        let error = refusal(&ml_kem, &damage(&good));
        assert!(matches!(error, KeyCodecError::Der(_)), "{error}");
        let public = subject_public_key_info(&[ML_KEM_512], 0, &[7; 40]);
        assert!(keys::public_from_file(&ml_kem, &public).is_ok());
        let error = keys::public_from_file(&ml_kem, &damage(&public)).unwrap_err();
        assert!(matches!(error, KeyCodecError::Der(_)), "{error}");
    }
    let bits = subject_public_key_info(&[ML_KEM_512], 3, &[0xf8; 40]);
    let error = keys::public_from_file(&ml_kem, &bits).unwrap_err();
    assert!(
        matches!(error, KeyCodecError::Der(_)),
        "part of a byte: {error}"
    );
}

#[test]
fn a_private_value_ends_where_it_ends() {
    let ml_kem = row("ML-KEM-512");
    let (seed, expanded) = (
        tlv(OCTET_STRING, &[&[1; 64]]),
        tlv(OCTET_STRING, &[&[2; 100]]),
    );
    let bad = [
        Vec::new(),
        vec![0x80],
        // Trailing bytes behind each arm of the CHOICE, and within `both`.
        [&tlv(0x80, &[&[1; 64]])[..], &[0]].concat(),
        [&expanded[..], &[0]].concat(),
        [&tlv(SEQUENCE, &[&seed, &expanded])[..], &[0]].concat(),
        tlv(SEQUENCE, &[&seed, &expanded, &seed]),
        tlv(SEQUENCE, &[&seed]),
        tlv(SEQUENCE, &[&tlv(0x80, &[&[1; 64]]), &expanded]),
        // The bare seed of early drafts, and another tag.
        vec![1; 64],
        tlv(0x81, &[&[1; 64]]),
        tlv(0xa0, &[&seed]),
    ];
    for value in bad {
        let file = private_key_info(&[ML_KEM_512], &value);
        let error = refusal(&ml_kem, &file);
        assert!(
            matches!(error, KeyCodecError::Der(_)),
            "{value:02x?}: {error}"
        );
    }
    // RFC 8410: an OCTET STRING within the OCTET STRING.
    let bare = private_key_info(&[ED25519], &[7; 32]);
    assert!(matches!(
        refusal(&row("Ed25519"), &bare),
        KeyCodecError::Der(_)
    ));
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
    let text = String::from_utf8(private.as_bytes().to_vec()).unwrap();
    for damaged in [
        text.replace("BEGIN PRIVATE", "BEGIN SECRET"),
        text.replace("END PRIVATE", "END PUBLIC"),
        text.replacen('A', "*", 1),
        text.replace(
            "-----BEGIN PRIVATE KEY-----\n",
            "-----BEGIN PRIVATE KEY-----\nProc-Type: 4\n",
        ),
        format!("{text}{text}"),
    ] {
        let error = refusal(&ml_kem, damaged.as_bytes());
        assert!(matches!(error, KeyCodecError::Pem(_)), "{damaged}: {error}");
    }
    let explained = format!("\n subject: somebody\n{text}");
    assert!(keys::private_from_file(&ml_kem, explained.as_bytes()).is_ok());
}

#[test]
fn an_algorithm_without_an_identifier_has_no_key_file() {
    let nameless = AlgorithmInfo {
        oid: None,
        ..p_256()
    };
    let expected = KeyCodecError::NoIdentifier("Curve".into());
    let error = keys::public_to_der(&nameless, &[0]).unwrap_err();
    assert_eq!(error, expected);
    let error = keys::private_to_pem(&nameless, &parts(None, Some(&[0]))).unwrap_err();
    assert_eq!(error, expected);
    assert_eq!(refusal(&nameless, &foreign("p-256.pem")), expected);
}

#[test]
fn a_raw_key_is_a_seed_by_its_length() {
    let named = |encoding| AlgorithmInfo {
        oid_parameters: Some(OidParameters::Name("A+B".into())),
        private_key_encoding: encoding,
        ..row("ML-KEM-768")
    };
    for (row, length, form) in [
        (named(PrivateKeyEncoding::Raw), 64, PrivateKeyForm::Seed),
        (
            named(PrivateKeyEncoding::Raw),
            2400,
            PrivateKeyForm::Expanded,
        ),
        (named(PrivateKeyEncoding::Raw), 7, PrivateKeyForm::Expanded),
        (row("Ed25519"), 32, PrivateKeyForm::Expanded),
    ] {
        let raw = PrivateKeyParts::of_raw(&row, &vec![1; length]);
        assert_eq!(raw.form(), Some(form), "{length}");
        let der = keys::private_to_der(&row, &raw, None).unwrap();
        let read = private(&row, der.expose()).unwrap();
        assert_eq!(read.form(), Some(form), "{length}");
    }
    let hash = PrivateKeyParts::of_raw(&row("SHA-256"), &[1; 32]);
    assert_eq!(hash.form(), Some(PrivateKeyForm::Expanded));
}

#[test]
fn a_fingerprint_is_over_the_whole_subject_public_key_info() {
    let registry = registry();
    let sha256 = resolve(&registry, |r| r.hash("SHA-256")).unwrap();
    let key = [7; 1184];
    let ml_kem = Fingerprint::of(&sha256, &row("ML-KEM-768"), &key).unwrap();
    let kyber = Fingerprint::of(&sha256, &row("Kyber-768"), &key).unwrap();
    assert_ne!(ml_kem, kyber, "the identifier is part of it");
    assert_eq!(ml_kem.as_str().len(), Fingerprint::LENGTH);
    assert_eq!(Fingerprint::parse(ml_kem.as_str()), Some(ml_kem));
    for bad in ["", "sha256:", "sha256:zz", &"sha256:A".repeat(8), "md5:00"] {
        assert_eq!(Fingerprint::parse(bad), None, "{bad}");
    }
}
