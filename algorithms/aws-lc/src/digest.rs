//! SHA-2 (FIPS 180-4) and SHA-3 (FIPS 202). `aws-lc-rs` has no SHAKE.

use aws_lc_rs::digest::{Algorithm, Context, SHA3_256, SHA3_384, SHA3_512, SHA256, SHA384, SHA512};
use pqfw_framework::hash::{Hash, HashState};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .hash("SHA-256", provider(), AwsLc(&SHA256))
        .hash("SHA-384", provider(), AwsLc(&SHA384))
        .hash("SHA-512", provider(), AwsLc(&SHA512))
        .hash("SHA3-256", provider(), AwsLc(&SHA3_256))
        .hash("SHA3-384", provider(), AwsLc(&SHA3_384))
        .hash("SHA3-512", provider(), AwsLc(&SHA3_512))
}

fn provider() -> ProviderInfo {
    super::provider().constant_time(
        ConstantTime::Unclaimed,
        "AWS-LC claims nothing; neither SHA-2 nor Keccak has a branch or table that its input \
         could steer",
    )
}

/// A hash function of AWS-LC.
struct AwsLc(&'static Algorithm);

impl Hash for AwsLc {
    fn start(&self) -> Box<dyn HashState> {
        Box::new(State(Context::new(self.0)))
    }
}

struct State(Context);

impl HashState for State {
    fn update(&mut self, input: &[u8]) {
        self.0.update(input);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>, output: &mut [u8]) {
        let digest = self.0.finish();
        let digest = digest.as_ref();
        assert_eq!(
            output.len(),
            digest.len(),
            "the caller asks for a digest of the catalogue's length"
        );
        output.copy_from_slice(digest);
    }
}
