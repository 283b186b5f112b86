//! Hybrids: bytes as the page fixes them, no leg without its say, names that mean one thing.

use pqfw_framework::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};
use pqfw_framework::kem::{AdmittedKem, KemError};
use pqfw_framework::keys::{self, PrivateKeyParts};
use pqfw_framework::policy::Policy;
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::{Decision, Plugin, Registry, ResolveError, Resolver};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{AdmittedSignature, SignatureError};

use crate::broken::{self, Fault, Mirror, resolve, rng};

const KEM: &str = "X25519+ML-KEM-768";
const SIGNATURE: &str = "Ed25519+ML-DSA-65";

fn built_in() -> Registry {
    pqfw::registry().build().unwrap()
}

fn kem(registry: &Registry, name: &str) -> AdmittedKem {
    resolve(registry, |r| r.kem(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn signature(registry: &Registry, name: &str) -> AdmittedSignature {
    resolve(registry, |r| r.signature(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn refusal(registry: &Registry, name: &str) -> ResolveError {
    resolve(registry, |r| r.kem(name)).map(drop).unwrap_err()
}

/// The built-in plugins and some toys.
fn with(plugin: Plugin) -> Registry {
    pqfw::registry().with(plugin).build().unwrap()
}

#[test]
fn the_secret_is_the_combiner_of_the_page() {
    let registry = built_in();
    let hybrid = kem(&registry, KEM);
    let key = hybrid.generate(&mut rng()).unwrap();
    let ek = key.encapsulation_key();
    let public = hybrid.import_encapsulation_key(&ek).unwrap();
    let (ct, secret) = hybrid.encapsulate(&public, &mut rng()).unwrap();
    assert!(
        hybrid
            .decapsulate(&key, &ct)
            .unwrap()
            .constant_time_eq(secret.expose())
    );

    let exported = key.export(SecretKind::Expanded).unwrap();
    let (x25519, ml_kem) = (kem(&registry, "X25519"), kem(&registry, "ML-KEM-768"));
    let leg = |kem: &AdmittedKem, dk: &[u8], ct: &[u8]| {
        let key = kem
            .import_decapsulation_key(SecretForm::Expanded(dk))
            .unwrap();
        kem.decapsulate(&key, ct).unwrap().expose().to_vec()
    };
    let first = leg(&x25519, &exported.expose()[..32], &ct[..32]);
    let second = leg(&ml_kem, &exported.expose()[32..], &ct[32..]);
    let sha3 = resolve(&registry, |r| r.hash("SHA3-256")).unwrap();
    let label = b"pqfw-hybrid-1:X25519+ML-KEM-768\x11";
    let expected = sha3.digest(&[&first, &second, &ct, &ek, label]);
    assert!(secret.constant_time_eq(&expected));
}

#[test]
fn lengths_are_sums_and_a_seed_makes_the_same_key_with_every_provider() {
    let registry = built_in();
    let hybrid = kem(&registry, KEM);
    let sizes = hybrid.sizes();
    assert_eq!(sizes.encapsulation_key, 32 + 1184);
    assert_eq!(sizes.decapsulation_key, 32 + 2400);
    assert_eq!(sizes.ciphertext, 32 + 1088);
    assert_eq!(sizes.shared_secret, 32);
    assert_eq!(sizes.seed, Some(32));
    let seed = [7; 32];
    let keys = [
        KEM,
        "X25519@dalek+ML-KEM-768@rustcrypto",
        "X25519@aws-lc+ML-KEM-768",
    ]
    .map(|name| {
        let hybrid = kem(&registry, name);
        let key = hybrid
            .import_decapsulation_key(SecretForm::Seed(&seed))
            .unwrap();
        assert!(
            key.export(SecretKind::Seed)
                .unwrap()
                .constant_time_eq(&seed)
        );
        let expanded = key.export(SecretKind::Expanded).unwrap().expose().to_vec();
        (key.encapsulation_key(), expanded)
    });
    assert!(keys.iter().all(|key| *key == keys[0]));

    // The seed of a part is SHAKE256 of the seed and the part's name.
    let shake = resolve(&registry, |r| r.hash("SHAKE256")).unwrap();
    let part = shake.digest(&[&seed, b"ML-KEM-768"]);
    let ml_kem = kem(&registry, "ML-KEM-768");
    let part = ml_kem
        .import_decapsulation_key(SecretForm::Seed(&part))
        .unwrap();
    assert_eq!(part.encapsulation_key(), keys[0].0[32..]);
}

#[test]
fn without_a_seed_for_every_part_the_expanded_key_is_kept() {
    let registry = built_in();
    let hybrid = kem(&registry, "X25519+Kyber-768");
    assert_eq!(hybrid.sizes().seed, None);
    let key = hybrid.generate_storable(&mut rng()).unwrap();
    assert_eq!(
        key.export(SecretKind::Seed).map(drop),
        Err(KemError::FormUnsupported(SecretKind::Seed))
    );
    let expanded = key.export(SecretKind::Expanded).unwrap();
    let form = SecretForm::Expanded(expanded.expose());
    let again = hybrid.import_decapsulation_key(form).unwrap();
    assert_eq!(again.encapsulation_key(), key.encapsulation_key());
}

#[test]
fn a_forged_leg_gives_another_secret_and_a_refused_leg_refuses_the_whole() {
    let registry = built_in();
    let hybrid = kem(&registry, KEM);
    let key = hybrid.generate(&mut rng()).unwrap();
    let public = hybrid
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    let (ct, secret) = hybrid.encapsulate(&public, &mut rng()).unwrap();
    for byte in [0, 31, 32, ct.len() - 1] {
        let mut forged = ct.clone();
        forged[byte] ^= 1;
        let other = hybrid.decapsulate(&key, &forged).unwrap();
        assert!(!other.constant_time_eq(secret.expose()), "byte {byte}");
    }
    let mut zero = ct;
    zero[..32].fill(0);
    assert_eq!(
        hybrid.decapsulate(&key, &zero).map(drop),
        Err(KemError::CiphertextInvalid)
    );
    assert!(matches!(
        hybrid.decapsulate(&key, &zero[1..]).map(drop),
        Err(KemError::CiphertextLength { .. })
    ));
}

#[test]
fn keys_with_one_damaged_part_are_refused() {
    let registry = built_in();
    let hybrid = kem(&registry, KEM);
    let key = hybrid.generate(&mut rng()).unwrap();
    let mut ek = key.encapsulation_key();
    // A coefficient of the lattice part that is not reduced (FIPS 203 section 7.2).
    ek[32] = 0xff;
    ek[33] |= 0x0f;
    let refused = hybrid.import_encapsulation_key(&ek).map(drop);
    assert_eq!(refused, Err(KemError::EncapsulationKeyInvalid));
    let mut dk = key.export(SecretKind::Expanded).unwrap().expose().to_vec();
    // H(ek) of the lattice part (FIPS 203 section 7.3).
    let hash = dk.len() - 64;
    dk[hash] ^= 1;
    let refused = hybrid.import_decapsulation_key(SecretForm::Expanded(&dk));
    assert_eq!(refused.map(drop), Err(KemError::DecapsulationKeyInvalid));
}

#[test]
fn a_part_that_returns_constants_takes_nothing_from_the_others() {
    // Its ciphertexts and secrets are the same for everybody, as a malicious plugin's might be.
    let row = broken::row("Constant");
    let plugin = Plugin::new("constant").row(row).kem(
        "Constant",
        ProviderInfo::new("constant", "constant 1"),
        Mirror(Fault::None),
    );
    let registry = with(plugin);
    let hybrid = kem(&registry, "Constant+ML-KEM-768");
    let mut secrets = std::collections::BTreeSet::new();
    let key = hybrid.generate(&mut rng()).unwrap();
    let public = hybrid
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    let mut chance = rng();
    for _ in 0..32 {
        let (_, secret) = hybrid.encapsulate(&public, &mut chance).unwrap();
        assert!(
            secrets.insert(secret.expose().to_vec()),
            "a secret came twice"
        );
    }
    // Whoever knows the constant leg and the whole transcript still lacks the other leg's secret:
    // the combined secret differs from the combiner over any guess at it.
    let (ct, secret) = hybrid.encapsulate(&public, &mut chance).unwrap();
    let sha3 = resolve(&registry, |r| r.hash("SHA3-256")).unwrap();
    let name = "Constant+ML-KEM-768";
    let label = [b"pqfw-hybrid-1:", name.as_bytes(), &[name.len() as u8]].concat();
    for guess in [[0; 32], [0xff; 32]] {
        let guessed = sha3.digest(&[&ct[..2], &guess, &ct, &key.encapsulation_key(), &label]);
        assert!(!secret.constant_time_eq(&guessed));
    }
}

#[test]
fn names_have_one_order_and_say_so() {
    let registry = built_in();
    let mut chance = rng();
    let mut resolver = Resolver::new(&registry, &mut chance, &[], &[], "2026-01-01");
    let hybrid = resolver.kem("mlkem768+x25519").unwrap();
    assert_eq!(hybrid.info().id, KEM);
    let decisions = resolver.take_decisions();
    assert!(
        decisions
            .iter()
            .any(|d| matches!(d, Decision::Renamed { algorithm, .. } if algorithm == KEM)),
        "{decisions:?}"
    );
    resolver.kem(KEM).unwrap();
    let decisions = resolver.take_decisions();
    assert!(
        decisions
            .iter()
            .all(|d| matches!(d, Decision::Chosen { .. })),
        "{decisions:?}"
    );
    let three = kem(&registry, "Kyber-768+ML-KEM-768+X25519");
    assert_eq!(three.info().id, "X25519+ML-KEM-768+Kyber-768");
    assert_eq!(registry.describe("ML-KEM-768+X25519").unwrap().id, KEM);
    let sphincs = signature(&registry, "SPHINCS+-SHA2-128f-simple+Ed25519");
    assert_eq!(sphincs.info().id, "Ed25519+SPHINCS+-SHA2-128f-simple");
}

#[test]
fn what_is_no_hybrid_is_refused_with_the_reason() {
    let registry = built_in();
    let twice = refusal(&registry, "X25519+X25519");
    assert!(matches!(&twice, ResolveError::Hybrid { .. }), "{twice}");
    assert!(twice.to_string().contains("twice"), "{twice}");
    let hashes = refusal(&registry, "SHA-256+SHA-384");
    assert!(matches!(hashes, ResolveError::Hybrid { .. }), "{hashes}");
    for mixed in ["X25519+ML-DSA-65", "Ed25519+ML-DSA-65"] {
        let error = refusal(&registry, mixed);
        assert!(matches!(error, ResolveError::WrongKind { .. }), "{error}");
    }
    for empty in ["X25519+", "+X25519", "X25519++ML-KEM-768", "+"] {
        let error = refusal(&registry, empty);
        assert!(
            matches!(error, ResolveError::UnknownAlgorithm { .. }),
            "{empty}: {error}"
        );
    }
    let group = refusal(&registry, "X25519MLKEM768");
    let ResolveError::TlsGroup { fix, .. } = &group else {
        panic!("{group}")
    };
    assert!(fix.contains(KEM), "{group}");
    let unknown = refusal(&registry, "X25519+ML-KEM-768@nobody");
    assert!(
        matches!(unknown, ResolveError::UnknownProvider { .. }),
        "{unknown}"
    );
}

#[test]
fn names_whose_labels_would_begin_alike_are_refused() {
    // 43 bytes before a `+`, which is byte 43: the label of the shorter begins the longer's.
    let long = "L".repeat(43 - "X25519+".len());
    let plugin = [long.as_str(), "Z"]
        .into_iter()
        .fold(Plugin::new("toys"), |plugin, id| {
            let row = broken::row(id);
            plugin
                .row(row)
                .kem(id, ProviderInfo::new("toy", "toy 1"), Mirror(Fault::None))
        });
    let registry = with(plugin);
    kem(&registry, &format!("X25519+{long}"));
    let error = refusal(&registry, &format!("X25519+{long}+ML-KEM-768+Z"));
    assert!(matches!(
        error,
        ResolveError::UnknownAlgorithm { .. } | ResolveError::Hybrid { .. }
    ));
    assert!(error.to_string().contains("label"), "{error}");
}

#[test]
fn a_plugin_row_may_not_look_like_a_hybrid() {
    let plugin = Plugin::new("toys").row(broken::row("A+B"));
    let error = Registry::builder()
        .with(plugin)
        .build()
        .map(drop)
        .unwrap_err();
    let syntax = pqfw_framework::registry::BuildError::NameSyntax {
        plugin: "toys".into(),
        name: "A+B".into(),
    };
    assert_eq!(error, syntax);
}

#[test]
fn a_signature_needs_every_leg_over_the_same_framed_message() {
    let registry = built_in();
    let hybrid = signature(&registry, SIGNATURE);
    let key = hybrid.generate_storable(&mut rng()).unwrap();
    let vk = hybrid.import_verifying_key(&key.verifying_key()).unwrap();
    let signed = key.sign(&mut rng(), &[b"mes", b"sage"]).unwrap();
    hybrid.verify(&vk, &[b"message"], &[], &signed).unwrap();
    let refused = |signature: &[u8]| {
        hybrid.verify(&vk, &[b"message"], &[], signature) == Err(SignatureError::Rejected)
    };
    for byte in [0, 63, 64, signed.len() - 1] {
        let mut forged = signed.clone();
        forged[byte] ^= 1;
        assert!(refused(&forged), "byte {byte}");
    }
    assert!(refused(&signed[..64]) && refused(&signed[64..]) && refused(&[]));
    assert_eq!(
        hybrid.verify(&vk, &[b"messagE"], &[], &signed),
        Err(SignatureError::Rejected)
    );

    // No leg stands alone: each signed the frame, not the message.
    let ed25519 = signature(&registry, "Ed25519");
    let alone = ed25519
        .import_verifying_key(&key.verifying_key()[..32])
        .unwrap();
    let (leg, frame) = (
        &signed[..64],
        b"pqfw-hybrid-sig-1\0\x11Ed25519+ML-DSA-65\0\0\0\0\0\0\0\x07",
    );
    assert!(alone.verify(&[b"message"], &[], leg).is_err());
    alone.verify(&[frame, b"message"], &[], leg).unwrap();

    // A leg signed for another hybrid is no leg of this one.
    let other = signature(&registry, "Ed25519+ML-DSA-65+SLH-DSA-SHA2-128f");
    assert_ne!(other.info().id, hybrid.info().id);
    assert_eq!(
        key.sign_with_context(&mut rng(), &[b"m"], b"context")
            .unwrap_err(),
        SignatureError::ContextUnsupported
    );
    assert_eq!(
        hybrid.verify(&vk, &[b"m"], b"context", &signed),
        Err(SignatureError::ContextUnsupported)
    );
}

#[test]
fn keys_of_a_hybrid_are_of_the_hybrid_alone_in_memory_and_in_files() {
    let registry = built_in();
    let hybrid = signature(&registry, SIGNATURE);
    let key = hybrid.generate_storable(&mut rng()).unwrap();
    let public = keys::public_to_pem(hybrid.info(), &key.verifying_key()).unwrap();
    let read = keys::public_from_file(hybrid.info(), public.as_bytes()).unwrap();
    assert_eq!(read, key.verifying_key());
    for other in ["Ed25519", "ML-DSA-65", "Ed25519+ML-DSA-44"] {
        let info = registry.describe(other).unwrap();
        let error = keys::public_from_file(&info, public.as_bytes()).unwrap_err();
        assert!(
            matches!(error, keys::KeyCodecError::WrongAlgorithm { .. }),
            "{other}: {error}"
        );
    }
    let parts = PrivateKeyParts {
        seed: key.export(SecretKind::Seed).ok(),
        expanded: key.export(SecretKind::Expanded).ok(),
        public_key: None,
    };
    let pem = keys::private_to_pem(hybrid.info(), &parts).unwrap();
    let read = keys::private_from_file(hybrid.info(), pem.as_bytes()).unwrap();
    assert_eq!(read.seed.unwrap().len(), 32);
    let ed25519 = signature(&registry, "Ed25519");
    let lone = ed25519
        .import_verifying_key(&key.verifying_key()[..32])
        .unwrap();
    assert!(matches!(
        hybrid.verify(&lone, &[b"m"], &[], &[0; 64]),
        Err(SignatureError::WrongAlgorithm { .. })
    ));
}

#[test]
fn the_provider_of_a_hybrid_claims_what_its_weakest_part_claims() {
    let registry = built_in();
    let strong = kem(&registry, KEM);
    let sphincs = signature(&registry, "Ed25519+SPHINCS+-SHA2-128f-simple");
    let parts = ["X25519", "ML-KEM-768"].map(|id| kem(&registry, id).provider().constant_time);
    assert_eq!(
        Some(strong.provider().constant_time),
        parts.into_iter().min()
    );
    let ed25519 = signature(&registry, "Ed25519").provider().constant_time;
    assert!(sphincs.provider().constant_time < ed25519);
    assert!(!strong.provider().validated);
}

#[test]
fn policies_judge_a_hybrid_by_its_strongest_part_and_names_by_the_deployed_meaning() {
    let registry = built_in();
    let (modern, legacy) = ("modern", "legacy-compat");
    let ask = |policy: &str, name: &str| {
        let policies = [Policy::shipped(policy).unwrap()];
        let mut chance = rng();
        let mut resolver = Resolver::new(&registry, &mut chance, &policies, &[], "2026-01-01");
        resolver.kem(name).map(|kem| kem.info().id.clone())
    };
    assert_eq!(ask(modern, KEM).as_deref(), Ok(KEM));
    assert!(matches!(
        ask(modern, "X25519+Kyber-768"),
        Err(ResolveError::Refused { .. })
    ));
    assert_eq!(
        ask(legacy, "X25519+Kyber-768").as_deref(),
        Ok("X25519+Kyber-768")
    );
}

#[test]
fn a_hybrid_of_toys_is_admitted_only_when_each_part_is() {
    let row = broken::row("Faulty");
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 2,
        decapsulation_key: 2,
        ciphertext: 2,
        shared_secret: 2,
    };
    let sound = AlgorithmInfo::new("Sound", Sizes::Kem(sizes), "a test")
        .status(Status::Experimental)
        .known_answers(broken::ANSWERS);
    let plugin = Plugin::new("toys")
        .row(row)
        .row(sound)
        .kem(
            "Faulty",
            ProviderInfo::new("toy", "toy 1"),
            Mirror(Fault::WrongSecret),
        )
        .kem(
            "Sound",
            ProviderInfo::new("toy", "toy 1"),
            Mirror(Fault::None),
        );
    let registry = with(plugin);
    let error = refusal(&registry, "Sound+Faulty");
    assert!(matches!(error, ResolveError::NoSuccessor { .. }), "{error}");
}
