//! The plugins of this build.

use pqfw_framework::registry::{Builder, Registry};

// Referenced so that the linker keeps their registrations.
use pqfw_aead as _;
use pqfw_aws_lc as _;
use pqfw_classical as _;
use pqfw_composite as _;
use pqfw_dilithium as _;
use pqfw_fn_dsa as _;
use pqfw_frodokem as _;
use pqfw_hash as _;
use pqfw_http as _;
use pqfw_kyber as _;
#[cfg(feature = "libcrux")]
use pqfw_libcrux as _;
use pqfw_mcp as _;
use pqfw_memory as _;
use pqfw_ml_dsa as _;
use pqfw_ml_kem as _;
use pqfw_mlkem_tcp as _;
#[cfg(feature = "openssl")]
use pqfw_openssl as _;
#[cfg(feature = "liboqs")]
use pqfw_oqs as _;
use pqfw_pqclean as _;
use pqfw_pqvpn as _;
use pqfw_qflare as _;
use pqfw_qu3 as _;
use pqfw_quic as _;
use pqfw_slh_dsa as _;
use pqfw_tcp as _;
use pqfw_udp as _;

/// Begins a registry with every built-in plugin.
#[must_use]
pub fn registry() -> Builder {
    Registry::discover()
}
