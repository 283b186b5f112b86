//! What counts when a provider draws other bytes than a vector has.

use std::sync::Arc;

use pqfw_framework::catalogue::{AlgorithmInfo, SignatureSizes, Sizes};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Code;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use pqfw_framework::vectors::{self, Case, CaseKind, Expected, Format, PrivateKey};
use pqfw_framework::vectors::{Subject, Tally, VectorFile};

/// Its signatures are the first eight bytes that it draws.
#[derive(Clone, Copy)]
struct Toy {
    draws: usize,
    broken: bool,
}

impl Signature for Toy {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        Ok(Box::new(*self))
    }

    fn import_signing_key(&self, _: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        Ok(Box::new(*self))
    }

    fn import_verifying_key(&self, _: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        Err(SignatureError::VerifyingKeyInvalid)
    }
}

impl Sign for Toy {
    fn verifying_key(&self) -> Vec<u8> {
        vec![7]
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        Err(SignatureError::FormUnsupported(kind))
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        _: &[&[u8]],
        _: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        if self.broken {
            return Err(SignatureError::ProviderFailed);
        }
        let mut drawn = vec![0; self.draws];
        rng.fill_bytes(&mut drawn);
        drawn.resize(8, 0);
        Ok(drawn)
    }
}

fn tally(toy: Toy, provider: ProviderInfo, signature: [u8; 8]) -> Tally {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 1,
        signing_key: 1,
        signature: 8,
        variable_length: false,
        context: false,
    };
    let info = AlgorithmInfo::new("Toy", Sizes::Signature(sizes), "this test");
    let case = Case {
        id: "1".into(),
        subject: Subject::Named("Toy".into()),
        comment: String::new(),
        flags: Vec::new(),
        group: Arc::default(),
        expected: Expected::Valid,
        kind: CaseKind::Sign {
            key: PrivateKey::Expanded(vec![0]),
            vk: Some(vec![7]),
            message: Vec::new(),
            context: Vec::new(),
            randomness: (1..=8).collect(),
            signature: signature.to_vec(),
        },
    };
    let file = VectorFile {
        format: Format::Acvp,
        title: "Toy".into(),
        cases: vec![case],
    };
    let mut tally = vectors::run(&file, &info, &provider, &Code::Signature(Arc::new(toy)));
    // The toy verifies nothing, which is another check.
    tally
        .failed
        .retain(|failure| !failure.why.starts_with("verification"));
    tally
}

fn drawing(draws: usize, signature: [u8; 8]) -> Tally {
    let toy = Toy {
        draws,
        broken: false,
    };
    tally(toy, ProviderInfo::new("toy", "1"), signature)
}

const SCRIPT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
const OTHER: [u8; 8] = [9; 8];

#[test]
fn the_vectors_own_bytes_are_handed_out() {
    assert_eq!(drawing(8, SCRIPT).passed, 1);
}

#[test]
fn an_output_that_is_the_vectors_passes_whatever_was_drawn() {
    assert_eq!(drawing(4, [1, 2, 3, 4, 0, 0, 0, 0]).passed, 1);
    assert_eq!(drawing(0, [0; 8]).passed, 1);
}

#[test]
fn another_output_from_the_same_bytes_fails() {
    let tally = drawing(8, OTHER);
    assert_eq!(tally.failed[0].why, "the signature: differs");
}

#[test]
fn another_output_from_fewer_bytes_fails() {
    let tally = drawing(4, OTHER);
    assert!(
        tally.failed[0]
            .why
            .contains("draws 4 random bytes where the standard takes 8")
    );
}

#[test]
fn another_output_from_more_bytes_does_not_apply() {
    let tally = drawing(9, OTHER);
    let reason = "given randomness: the provider draws 9 bytes where the case has 8";
    assert_eq!(tally.not_applicable.get(reason), Some(&1));
    assert!(tally.is_clean());
}

#[test]
fn deterministic_signing_does_not_apply_to_a_hedged_vector() {
    let tally = drawing(0, OTHER);
    let reason = "hedged signing: the provider signs deterministically";
    assert_eq!(tally.not_applicable.get(reason), Some(&1));
}

#[test]
fn a_provider_with_its_own_generator_is_not_asked_for_the_vectors_output() {
    let toy = Toy {
        draws: 8,
        broken: false,
    };
    let tally = tally(toy, ProviderInfo::new("toy", "1").own_randomness(), OTHER);
    let reason = "given randomness: the provider draws its own";
    assert_eq!(tally.not_applicable.get(reason), Some(&1));
    assert!(tally.is_clean());
}

#[test]
fn code_that_gives_up_fails() {
    let toy = Toy {
        draws: 8,
        broken: true,
    };
    let tally = tally(toy, ProviderInfo::new("toy", "1"), SCRIPT);
    assert_eq!(tally.failed[0].why, "signing: the provider's code failed");
}
