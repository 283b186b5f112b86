//! Any file is a backup or an error; and whatever stands in a payload that authenticates, no name
//! leaves the directory.
#![no_main]

use std::sync::LazyLock;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use libfuzzer_sys::fuzz_target;
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey};
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::keys::backup::{
    Backup, BackupError, BackupFile, BackupSuite, LARGEST_FILE_BYTES, MAGIC, MOST_FILES,
    MOST_RECIPIENTS, Need, seal,
};
use pqfw_framework::registry::Resolver;
use pqfw_framework::wire::Writer;

struct Keeper {
    suite: BackupSuite,
    kem: AdmittedKem,
    key: DecapsulationKey,
}

static KEEPER: LazyLock<Keeper> = LazyLock::new(|| {
    let registry = pqfw::registry().build().expect("the built-in plugins");
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    let suite = BackupSuite {
        kdf: resolver.kdf("HKDF-SHA256").expect("built in"),
        aead: resolver.aead("AES-256-GCM").expect("built in"),
        sha256: resolver.hash("SHA-256").expect("built in"),
    };
    let kem = resolver.kem("X25519@rustcrypto").expect("built in");
    let key = kem.generate(&mut rng).expect("a key");
    Keeper { suite, kem, key }
});

fuzz_target!(|input: &[u8]| {
    if let Ok(backup) = Backup::parse(input) {
        assert!((1..=MOST_RECIPIENTS).contains(&backup.recipients().len()));
        assert!(!backup.kdf().contains('@') && !backup.aead().contains('@'));
        let opened = backup.open(&KEEPER.suite, std::slice::from_ref(&KEEPER.key));
        assert!(opened.is_err(), "the fuzzer cannot seal to this key");
    }
    let Ok(files) = sealed_by_hand(input) else {
        return;
    };
    assert!((1..=MOST_FILES).contains(&files.len()));
    for file in &files {
        let path = std::path::Path::new(&file.name);
        assert_eq!(
            path.file_name().and_then(|name| name.to_str()),
            Some(&*file.name)
        );
        assert!(!file.name.starts_with('.') && file.name.is_ascii());
        assert!(file.bytes.len() <= LARGEST_FILE_BYTES);
    }
    // What came out goes in again, and comes out the same.
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let public = KEEPER
        .kem
        .import_encapsulation_key(&KEEPER.key.encapsulation_key());
    let public = [public.expect("our own key")];
    let again = seal(&KEEPER.suite, &files, &public, Need::All, &mut rng).expect("it was open");
    let again = Backup::parse(&again).expect("our own backup");
    let again = again.open(&KEEPER.suite, std::slice::from_ref(&KEEPER.key));
    let again = again.expect("our own backup");
    let same = |(a, b): (&BackupFile, &BackupFile)| {
        a.name == b.name && a.bytes.expose() == b.bytes.expose()
    };
    assert!(files.len() == again.len() && files.iter().zip(&again).all(same));
});

/// Seals bytes as `docs/protocols/backup.md` says, past every check of the sealing side, and opens
/// them.
fn sealed_by_hand(payload: &[u8]) -> Result<Vec<BackupFile>, BackupError> {
    let Keeper { suite, kem, key } = &*KEEPER;
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let public_key = key.encapsulation_key();
    let public = kem
        .import_encapsulation_key(&public_key)
        .expect("our own key");
    let (ciphertext, secret) = public.encapsulate(&mut rng).expect("our own key");
    let fingerprint = Fingerprint::of(&suite.sha256, kem.info(), &public_key).expect("it has one");
    let mut file = Writer::new();
    file.bytes(MAGIC).u8(1);
    file.vector16("kdf", b"HKDF-SHA256").expect("short");
    file.vector16("aead", b"AES-256-GCM").expect("short");
    file.u16(1);
    file.vector16("kem", b"X25519").expect("short");
    file.vector16("fingerprint", fingerprint.as_str().as_bytes())
        .expect("short");
    file.vector32("ciphertext", &ciphertext).expect("short");
    let head = file.clone().finish();
    let derive = |secret: &[u8], info: &[&[u8]], length| {
        let okm = suite.kdf.derive(&[], secret, info, length);
        okm.expect("short").expose().to_vec()
    };
    let okm = derive(
        secret.expose(),
        &[b"pqfw-backup-1 wrap\0", &[0; 4], &head],
        44,
    );
    let wrap = suite.aead.key(&okm[..32]).expect("its length");
    let share = wrap.seal(&okm[32..], &head, &[5; 32]).expect("short");
    file.vector16("share", &share).expect("short");
    let okm = derive(&[5; 32], &[b"pqfw-backup-1 payload\0", &head], 76);
    file.bytes(&okm[44..]);
    let before = file.clone().finish();
    let sealing = suite.aead.key(&okm[..32]).expect("its length");
    let sealed = sealing.seal(&okm[32..44], &before, payload).expect("short");
    file.vector32("payload", &sealed).expect("short");
    let file = file.finish();
    let backup = Backup::parse(&file).expect("as the format says");
    backup.open(suite, std::slice::from_ref(key))
}
