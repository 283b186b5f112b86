//! Private keys under a passphrase: other people's files, our own, and hostile ones.

use pqfw_framework::keys::{
    self, KeyCodecError, PBKDF2_MOST_ITERATIONS, PassphraseKdf, SCRYPT_MOST_MEMORY_BYTES,
    SCRYPT_MOST_WORK,
};
use pqfw_framework::secret::SecretBytes;

use crate::broken::rng;
use crate::key_support::{INTEGER, NULL, OCTET_STRING, SEQUENCE, foreign, row, tlv};

fn passphrase() -> SecretBytes {
    SecretBytes::copy_of(b"correct horse battery staple")
}

fn refusal(file: &[u8], passphrase: &SecretBytes) -> KeyCodecError {
    let opened = keys::decrypt_private(file, passphrase);
    opened.err().expect("the file is refused")
}

/// The DER of the key that every foreign file here holds.
fn plain() -> SecretBytes {
    let parts = keys::private_from_file(&row("Ed25519"), &foreign("ed25519.pem")).unwrap();
    keys::private_to_der(&row("Ed25519"), &parts, None).unwrap()
}

#[test]
fn files_that_openssl_encrypted_open() {
    for name in [
        "ed25519-scrypt.pem",
        "ed25519-pbkdf2-sha256.pem",
        "ed25519-pbkdf2-sha512.pem",
    ] {
        let opened = keys::decrypt_private(&foreign(name), &passphrase()).unwrap();
        assert!(opened.constant_time_eq(plain().expose()), "{name}");
        for wrong in [&b"correct horse battery stapl"[..], b""] {
            let error = refusal(&foreign(name), &SecretBytes::copy_of(wrong));
            assert_eq!(error, KeyCodecError::Passphrase, "{name}");
        }
    }
}

#[test]
fn schemes_that_are_too_weak_are_not_read() {
    for name in [
        "ed25519-pbkdf2-sha1.pem",
        "ed25519-3des.pem",
        "ed25519-pbe-sha1-3des.pem",
    ] {
        let error = refusal(&foreign(name), &passphrase());
        assert!(
            matches!(error, KeyCodecError::Encryption(_)),
            "{name}: {error}"
        );
    }
}

#[test]
fn what_is_encrypted_opens_with_its_passphrase_alone() {
    for kdf in [PassphraseKdf::Scrypt, PassphraseKdf::Pbkdf2HmacSha256] {
        let der = keys::encrypt_private(&plain(), &passphrase(), kdf, &mut rng()).unwrap();
        let pem = keys::encrypted_der_to_pem(&der).unwrap();
        for file in [&der[..], pem.as_bytes()] {
            let opened = keys::decrypt_private(file, &passphrase()).unwrap();
            assert!(opened.constant_time_eq(plain().expose()));
            let error = keys::private_from_file(&row("Ed25519"), file).err();
            assert_eq!(error, Some(KeyCodecError::Encrypted));
        }
        let wrong = SecretBytes::copy_of(b"another");
        assert_eq!(refusal(&der, &wrong), KeyCodecError::Passphrase);
        // Salt and vector are the generator's: the same key and passphrase, another file.
        let mut later = rng();
        rand_skip(&mut later);
        let other = keys::encrypt_private(&plain(), &passphrase(), kdf, &mut later).unwrap();
        assert_ne!(der, other);
    }
}

fn rand_skip(rng: &mut dyn pqfw_framework::rand_core::CryptoRng) {
    rng.fill_bytes(&mut [0; 8]);
}

#[test]
fn only_a_private_key_is_encrypted_and_only_under_a_passphrase() {
    let encrypt = |der: &SecretBytes, passphrase: &SecretBytes| {
        let kdf = PassphraseKdf::Scrypt;
        keys::encrypt_private(der, passphrase, kdf, &mut rng()).unwrap_err()
    };
    let nothing = SecretBytes::zeroed(0);
    assert_eq!(encrypt(&plain(), &nothing), KeyCodecError::EmptyPassphrase);
    let error = encrypt(&SecretBytes::copy_of(b"junk"), &passphrase());
    assert_eq!(error, KeyCodecError::Der("PrivateKeyInfo"));
}

#[test]
fn what_is_not_encrypted_is_told_apart() {
    assert_eq!(
        refusal(&foreign("ed25519.pem"), &passphrase()),
        KeyCodecError::NotEncrypted
    );
    assert_eq!(
        refusal(plain().expose(), &passphrase()),
        KeyCodecError::NotEncrypted
    );
    assert!(matches!(
        refusal(&foreign("ed25519.pub.pem"), &passphrase()),
        KeyCodecError::Pem(_)
    ));
    assert!(matches!(
        refusal(&tlv(SEQUENCE, &[]), &passphrase()),
        KeyCodecError::Der(_)
    ));
}

const PBES2: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d,
];
const PBKDF2: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c,
];
const HMAC_SHA256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
const SCRYPT: &[u8] = &[
    0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b,
];
const AES_256_CBC: &[u8] = &[
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a,
];

/// A DER INTEGER that is not negative.
fn integer(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    let sign: &[u8] = if bytes[first] & 0x80 == 0 { &[] } else { &[0] };
    tlv(INTEGER, &[sign, &bytes[first..]])
}

/// A well-formed file that asks for whatever its key derivation says.
fn asking(kdf: &[u8]) -> Vec<u8> {
    let cipher = tlv(SEQUENCE, &[AES_256_CBC, &tlv(OCTET_STRING, &[&[7; 16]])]);
    let parameters = tlv(SEQUENCE, &[kdf, &cipher]);
    let scheme = tlv(SEQUENCE, &[PBES2, &parameters]);
    tlv(SEQUENCE, &[&scheme, &tlv(OCTET_STRING, &[&[9; 48]])])
}

fn scrypt(n: u64, r: u64, p: u64) -> Vec<u8> {
    let salt = tlv(OCTET_STRING, &[&[1; 16]]);
    let cost = [integer(n), integer(r), integer(p)].concat();
    asking(&tlv(SEQUENCE, &[SCRYPT, &tlv(SEQUENCE, &[&salt, &cost])]))
}

fn pbkdf2(iterations: u64) -> Vec<u8> {
    let salt = tlv(OCTET_STRING, &[&[1; 16]]);
    let prf = tlv(SEQUENCE, &[HMAC_SHA256, NULL]);
    let cost = tlv(SEQUENCE, &[&salt, &integer(iterations), &prf]);
    asking(&tlv(SEQUENCE, &[PBKDF2, &cost]))
}

#[test]
fn a_file_cannot_ask_for_hours_or_for_all_the_memory() {
    // What is within the limits is worked on, and then does not open.
    assert_eq!(
        refusal(&scrypt(16, 8, 1), &passphrase()),
        KeyCodecError::Passphrase
    );
    assert_eq!(
        refusal(&pbkdf2(1), &passphrase()),
        KeyCodecError::Passphrase
    );
    let limit = u64::from(PBKDF2_MOST_ITERATIONS);
    let most_n = SCRYPT_MOST_MEMORY_BYTES / (128 * 8);
    let hostile = [
        pbkdf2(limit + 1),
        pbkdf2(u64::from(u32::MAX)),
        scrypt(most_n * 2, 8, 1),
        scrypt(1 << 62, 1, 1),
        scrypt(2, u64::from(u16::MAX), u64::from(u16::MAX)),
        scrypt(1 << 14, 8, SCRYPT_MOST_WORK / (8 << 14) + 1),
        scrypt(1 << 20, 1, 8),
    ];
    for file in hostile {
        let error = refusal(&file, &passphrase());
        assert!(
            matches!(error, KeyCodecError::PassphraseCost { .. }),
            "{error}"
        );
    }
}

#[test]
fn the_highest_cost_that_is_allowed_is_worked_on() {
    // The table at its limit and the work at its limit, with the least of the other.
    let file = scrypt(SCRYPT_MOST_MEMORY_BYTES / 128, 1, 1);
    assert_eq!(refusal(&file, &passphrase()), KeyCodecError::Passphrase);
}

#[test]
fn a_cost_that_is_none_is_refused_before_the_library_sees_it() {
    for file in [
        scrypt(0, 8, 1),
        scrypt(1, 8, 1),
        scrypt(3, 8, 1),
        scrypt((1 << 14) + 1, 8, 1),
        scrypt(16, 0, 1),
        scrypt(16, 8, 0),
        pbkdf2(0),
    ] {
        let error = refusal(&file, &passphrase());
        assert!(matches!(error, KeyCodecError::Encryption(_)), "{error}");
    }
}

#[test]
fn another_key_derivation_or_cipher_is_named_in_the_refusal() {
    let unknown = tlv(SEQUENCE, &[AES_256_CBC, NULL]);
    let error = refusal(&asking(&unknown), &passphrase());
    assert!(matches!(error, KeyCodecError::Encryption(_)), "{error}");
}
