//! Key exchange: every KEM, IANA's groups as others compute them, retries, shares of wrong lengths.

use std::sync::Arc;

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Code, Plugin, Registry, ResolveError, Resolver};
use pqfw_framework::secret::SecretForm;
use pqfw_tls::crypto_provider;
use pqfw_tls::rustls::crypto::SupportedKxGroup;
use pqfw_tls::rustls::crypto::aws_lc_rs::kx_group;
use pqfw_tls::rustls::{Error, HandshakeKind, PeerIncompatible, PeerMisbehaved};

use crate::support::{Refused, carrier, client, resolve, resolve_preferring, server, shake, world};

const SIGNATURE: &str = "ML-DSA-65";

fn group(name: &str) -> &'static dyn SupportedKxGroup {
    crypto_provider(&carrier(&[name], SIGNATURE))
        .unwrap()
        .kx_groups[0]
}

#[test]
fn every_kem_carries_a_handshake() {
    let names = [
        ("X25519MLKEM768", 0x11EC),
        ("SecP256r1MLKEM768", 0x11EB),
        ("SecP384r1MLKEM1024", 0x11ED),
        ("MLKEM512", 0x0200),
        ("MLKEM768", 0x0201),
        ("MLKEM1024", 0x0202),
        ("X25519", 0x001D),
        ("secp256r1", 0x0017),
        ("secp384r1", 0x0018),
        ("brainpoolP512r1", 0x0021),
        ("FrodoKEM-640-SHAKE", 0xFE05),
        ("FrodoKEM-976-SHAKE", 0xFE07),
        ("eFrodoKEM-976-SHAKE", 0xFE0D),
        ("FrodoKEM-1344-AES", 0xFE08),
    ];
    for (name, code_point) in names {
        let settings = carrier(&[name], SIGNATURE);
        assert_eq!(settings.groups[0].code_point, code_point, "{name}");
        let ends = shake(client(&settings), server(&settings)).unwrap();
        let agreed = ends.client.negotiated_key_exchange_group().unwrap();
        assert_eq!(u16::from(agreed.name()), code_point, "{name}");
        assert_eq!(ends.client.handshake_kind(), Some(HandshakeKind::Full));
    }
}

#[test]
fn a_hybrid_of_this_framework_is_a_group_of_its_own() {
    let settings = carrier(&["X25519+FrodoKEM-976-SHAKE"], SIGNATURE);
    let code_point = settings.groups[0].code_point;
    assert!((0xFE40..=0xFEFF).contains(&code_point), "{code_point:#06x}");
    shake(client(&settings), server(&settings)).unwrap();
}

/// rustls has these groups from AWS-LC: what either starts the other completes, to one secret.
#[test]
fn ianas_groups_are_computed_as_rustls_computes_them() {
    let pairs: [(&str, &'static dyn SupportedKxGroup); 7] = [
        ("X25519MLKEM768", kx_group::X25519MLKEM768),
        ("SecP256r1MLKEM768", kx_group::SECP256R1MLKEM768),
        ("MLKEM768", kx_group::MLKEM768),
        ("MLKEM1024", kx_group::MLKEM1024),
        ("X25519", kx_group::X25519),
        ("P-256", kx_group::SECP256R1),
        ("P-384", kx_group::SECP384R1),
    ];
    for (name, theirs) in pairs {
        for provider in ["aws-lc", "rustcrypto"] {
            // A name of IANA's pins nobody, so the preference does.
            let ours = by(provider, name);
            assert_eq!(ours.name(), theirs.name(), "{name}");
            for (starting, completing) in [(ours, theirs), (theirs, ours)] {
                let started = starting.start().unwrap();
                let completed = completing.start_and_complete(started.pub_key()).unwrap();
                let secret = started.complete(&completed.pub_key).unwrap();
                assert_eq!(
                    secret.secret_bytes(),
                    completed.secret.secret_bytes(),
                    "{name} by {provider}"
                );
            }
        }
    }
}

fn by(provider: &str, name: &str) -> &'static dyn SupportedKxGroup {
    let mut settings = carrier(&["X25519"], SIGNATURE);
    settings.groups = vec![resolve_preferring(provider, |r| r.tls_group(name)).unwrap()];
    crypto_provider(&settings).unwrap().kx_groups[0]
}

#[test]
fn a_server_without_the_first_group_asks_for_another() {
    let groups = ["FrodoKEM-976-SHAKE", "X25519MLKEM768", "MLKEM1024"];
    let ends = shake(
        client(&carrier(&groups, SIGNATURE)),
        server(&carrier(&["MLKEM1024"], SIGNATURE)),
    )
    .unwrap();
    let kind = Some(HandshakeKind::FullWithHelloRetryRequest);
    assert_eq!(ends.client.handshake_kind(), kind);
    let agreed = ends.client.negotiated_key_exchange_group().unwrap();
    assert_eq!(u16::from(agreed.name()), 0x0202);
}

#[test]
fn ends_without_a_common_group_part() {
    let refused = shake(
        client(&carrier(&["X25519MLKEM768"], SIGNATURE)),
        server(&carrier(&["MLKEM1024"], SIGNATURE)),
    );
    assert_eq!(
        refused.err(),
        Some(Refused::Server(Error::PeerIncompatible(
            PeerIncompatible::NoKxGroupsInCommon
        )))
    );
}

#[test]
fn shares_of_any_other_length_are_refused() {
    let refusal = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
    for name in ["X25519MLKEM768", "SecP256r1MLKEM768", "FrodoKEM-640-SHAKE"] {
        let group = group(name);
        let share = group.start().unwrap().pub_key().to_vec();
        let ciphertext = group.start_and_complete(&share).unwrap().pub_key;
        for length in [0, 1, share.len() - 1] {
            let refused = group.start_and_complete(&share[..length]);
            assert_eq!(refused.map(drop), Err(refusal.clone()), "{name} {length}");
        }
        let longer = [share.as_slice(), &[0]].concat();
        let refused = group.start_and_complete(&longer);
        assert_eq!(refused.map(drop), Err(refusal.clone()), "{name}");
        for length in [0, 1, ciphertext.len() - 1] {
            let refused = group.start().unwrap().complete(&ciphertext[..length]);
            assert_eq!(refused.map(drop), Err(refusal.clone()), "{name} {length}");
        }
        let longer = [ciphertext.as_slice(), &[0]].concat();
        let refused = group.start().unwrap().complete(&longer);
        assert_eq!(refused.map(drop), Err(refusal.clone()), "{name}");
    }
}

#[test]
fn shares_that_their_specifications_refuse_are_refused() {
    let refusal = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);
    let hybrid = group("X25519MLKEM768");
    let share = hybrid.start().unwrap().pub_key().to_vec();
    // RFC 7748 section 6.1: the all-zero point gives everybody the same secret.
    let mut zero = share.clone();
    zero[1184..].fill(0);
    assert_eq!(
        hybrid.start_and_complete(&zero).map(drop),
        Err(refusal.clone())
    );
    // FIPS 203 section 7.2: a coefficient of 4095 is not reduced.
    let mut unreduced = share;
    unreduced[..3].fill(0xFF);
    assert_eq!(
        hybrid.start_and_complete(&unreduced).map(drop),
        Err(refusal)
    );
}

#[test]
fn one_group_is_leaked_once() {
    let (one, other) = (group("MLKEM768"), group("MLKEM768"));
    assert!(std::ptr::addr_eq(one, other));
}

/// AWS-LC's X25519 without what TLS needs of it.
struct OnlyTheKem(Arc<dyn Kem>);

impl Kem for OnlyTheKem {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        self.0.generate(rng)
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        self.0.import_encapsulation_key(bytes)
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        self.0.import_decapsulation_key(form)
    }
}

#[test]
fn a_curve_whose_provider_has_only_the_kem_is_refused() {
    let whole = Registry::builder().with(pqfw_aws_lc::plugin()).build();
    let whole = whole.unwrap();
    let Code::Kem(x25519) = whole.entries_of("X25519")[0].code() else {
        panic!("X25519 is a KEM")
    };
    let provider = ProviderInfo::new("partial", "partial 1");
    let partial = Plugin::new("partial").kem("X25519", provider, OnlyTheKem(x25519.clone()));
    let registry = Registry::builder().with(partial).build().unwrap();
    let (mut rng, name) = (world().rng(), "X25519");
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    let expected = ResolveError::NoBareDiffieHellman {
        id: "X25519".into(),
        provider: "partial".into(),
    };
    assert_eq!(resolver.tls_group(name).map(drop), Err(expected));
}

#[test]
fn a_name_of_nothing_is_refused() {
    let refused = resolve(|r| r.tls_group("X25519MLKEM769")).map(drop);
    assert!(
        matches!(refused, Err(ResolveError::UnknownAlgorithm { .. })),
        "{refused:?}"
    );
    let refused = resolve(|r| r.tls_group("ML-DSA-65")).map(drop);
    assert!(
        matches!(refused, Err(ResolveError::WrongKind { .. })),
        "{refused:?}"
    );
}
