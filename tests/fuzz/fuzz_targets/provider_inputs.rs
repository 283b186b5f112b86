//! Whatever bytes a peer or a file gives, no provider panics: keys, ciphertexts and signatures of
//! every provider of the default build, through the handles that protocols hold.
//!
//! Input: which provider, which operation, how the value is made, and its bytes.
#![no_main]

use std::sync::{LazyLock, OnceLock};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use libfuzzer_sys::fuzz_target;
use pqfw_framework::aead::AdmittedAead;
use pqfw_framework::catalogue::Kind;
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{AdmittedSignature, SigningKey};

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| pqfw::registry().build().expect("the built-in plugins"));

/// One provider of one algorithm, with a good key beside it. Made when the fuzzer first asks for it.
/// The small sets of SLH-DSA and SPHINCS+ are left out: admission and every private key take seconds
/// there, and their code is that of the fast sets with other numbers.
static SUBJECTS: LazyLock<Vec<(Kind, String, bool, OnceLock<Subject>)>> = LazyLock::new(|| {
    let keyed = [Kind::Kem, Kind::Signature, Kind::Aead];
    let entries = REGISTRY.entries();
    let small = |id: &str| ["128s", "192s", "256s"].iter().any(|set| id.contains(set));
    entries
        .filter(|entry| keyed.contains(&entry.info().kind()) && !small(&entry.info().id))
        .map(|entry| {
            let info = entry.info();
            (info.kind(), entry.full_name(), info.slow, OnceLock::new())
        })
        .collect()
});

enum Subject {
    Kem(AdmittedKem, DecapsulationKey),
    Signature(AdmittedSignature, SigningKey, Vec<u8>),
    Aead(AdmittedAead),
}

const MESSAGE: &[u8] = b"message";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn subject(kind: Kind, name: &str) -> Subject {
    let mut rng = rng();
    let mut for_keys = self::rng();
    let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
    match kind {
        Kind::Kem => {
            let kem = resolver.kem(name).expect("it is admitted");
            let key = kem.generate(&mut for_keys).expect("a key");
            Subject::Kem(kem, key)
        }
        Kind::Signature => {
            let algorithm = resolver.signature(name).expect("it is admitted");
            let key = algorithm.generate(&mut for_keys).expect("a key");
            let signature = key.sign(&mut for_keys, &[MESSAGE]).expect("a signature");
            Subject::Signature(algorithm, key, signature)
        }
        _ => Subject::Aead(resolver.aead(name).expect("it is admitted")),
    }
}

fuzz_target!(|input: &[u8]| {
    let [which, operation, making, bytes @ ..] = input else {
        return;
    };
    let subjects = &*SUBJECTS;
    let (kind, name, slow, made) = &subjects[usize::from(*which) % subjects.len()];
    let value = Making(*making, bytes);
    match made.get_or_init(|| subject(*kind, name)) {
        Subject::Kem(kem, key) => on_kem(kem, key, *operation, value),
        Subject::Signature(algorithm, key, signature) => {
            on_signature(algorithm, key, signature, *operation, *slow, value);
        }
        Subject::Aead(aead) => on_aead(aead, *operation, value),
    }
});

/// How the fuzzer's bytes become a value of an algorithm.
struct Making<'a>(u8, &'a [u8]);

impl Making<'_> {
    /// As they are; stretched to the right length; or written over a good value.
    fn of(&self, good: &[u8]) -> Vec<u8> {
        let Self(how, bytes) = self;
        match how % 3 {
            0 => bytes.to_vec(),
            1 if bytes.is_empty() => vec![0; good.len()],
            1 => bytes.iter().copied().cycle().take(good.len()).collect(),
            _ => {
                let mut value = good.to_vec();
                // Patches: where (two bytes) and what.
                for patch in bytes.chunks_exact(3) {
                    let at = usize::from(u16::from_be_bytes([patch[0], patch[1]]));
                    if let Some(place) = value.get_mut(at) {
                        *place = patch[2];
                    }
                }
                value
            }
        }
    }
}

fn on_kem(kem: &AdmittedKem, key: &DecapsulationKey, operation: u8, value: Making<'_>) {
    let mut rng = rng();
    match operation % 4 {
        0 => {
            let public = value.of(&key.encapsulation_key());
            if let Ok(public) = kem.import_encapsulation_key(&public) {
                drop(kem.encapsulate(&public, &mut rng));
                assert_eq!(public.to_bytes().len(), kem.sizes().encapsulation_key);
            }
        }
        1 => {
            let good = key.export(SecretKind::Expanded).expect("it has this form");
            let secret = value.of(good.expose());
            if let Ok(secret) = kem.import_decapsulation_key(SecretForm::Expanded(&secret)) {
                used(kem, &secret);
            }
        }
        2 => {
            let seed = value.of(&vec![7; kem.sizes().seed.unwrap_or(32)]);
            if let Ok(secret) = kem.import_decapsulation_key(SecretForm::Seed(&seed)) {
                used(kem, &secret);
            }
        }
        _ => {
            let public = kem.import_encapsulation_key(&key.encapsulation_key());
            let sealed = kem.encapsulate(&public.expect("a good key"), &mut rng);
            let (ciphertext, _) = sealed.expect("a good key");
            drop(kem.decapsulate(key, &value.of(&ciphertext)));
        }
    }
}

/// A private key that was accepted can be used.
fn used(kem: &AdmittedKem, key: &DecapsulationKey) {
    let public = kem.import_encapsulation_key(&key.encapsulation_key());
    if let Ok(public) = public
        && let Ok((ciphertext, _)) = kem.encapsulate(&public, &mut rng())
    {
        drop(kem.decapsulate(key, &ciphertext));
    }
    drop(key.export(SecretKind::Expanded));
    drop(key.export(SecretKind::Seed));
}

fn on_signature(
    algorithm: &AdmittedSignature,
    key: &SigningKey,
    signature: &[u8],
    operation: u8,
    slow: bool,
    value: Making<'_>,
) {
    let public = key.verifying_key();
    let import = |form: SecretForm<'_>| {
        if let Ok(key) = algorithm.import_signing_key(form) {
            drop(key.verifying_key());
            drop(key.export(SecretKind::Expanded));
            if !slow {
                drop(key.sign(&mut rng(), &[MESSAGE]));
            }
        }
    };
    match operation % 4 {
        0 => {
            if let Ok(key) = algorithm.import_verifying_key(&value.of(&public)) {
                drop(algorithm.verify(&key, &[MESSAGE], b"", signature));
            }
        }
        1 => {
            let good = key.export(SecretKind::Expanded).expect("it has this form");
            import(SecretForm::Expanded(&value.of(good.expose())));
        }
        2 => {
            let length = algorithm.sizes().seed.unwrap_or(32);
            import(SecretForm::Seed(&value.of(&vec![7; length])));
        }
        _ => {
            let public = algorithm.import_verifying_key(&public).expect("a good key");
            let forged = value.of(signature);
            let verdict = algorithm.verify(&public, &[MESSAGE], b"", &forged);
            assert!(verdict.is_err() || forged == signature || !strongly(algorithm));
            drop(algorithm.verify(&public, &[&forged], &forged, signature));
        }
    }
}

/// Whether another signature of the same message would be a forgery.
fn strongly(algorithm: &AdmittedSignature) -> bool {
    algorithm
        .info()
        .claims
        .iter()
        .any(|claim| claim == "SUF-CMA")
}

fn on_aead(aead: &AdmittedAead, operation: u8, value: Making<'_>) {
    let sizes = aead.sizes();
    let (key, nonce) = (vec![7; sizes.key], vec![9; sizes.nonce]);
    match operation % 3 {
        0 => {
            if let Ok(key) = aead.key(&value.of(&key)) {
                drop(key.seal(&nonce, b"aad", MESSAGE));
            }
        }
        1 => {
            let key = aead.key(&key).expect("its length");
            let nonce = value.of(&nonce);
            if let Ok(sealed) = key.seal(&nonce, &nonce, MESSAGE) {
                assert_eq!(key.open(&nonce, &nonce, &sealed).as_deref(), Ok(MESSAGE));
            }
        }
        _ => {
            let key = aead.key(&key).expect("its length");
            let sealed = key.seal(&nonce, b"aad", MESSAGE).expect("its lengths");
            let forged = value.of(&sealed);
            let opened = key.open(&nonce, b"aad", &forged);
            assert!(opened.is_err() || forged == sealed);
        }
    }
}
