//! `pqfw keys generate`, `inspect` and `convert`, over real files.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Ran, pqfw};

/// A directory to run in.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Words are parted by spaces.
    pub(crate) fn run(&self, line: &str) -> Ran {
        pqfw(self.0.path(), &line.split(' ').collect::<Vec<_>>()).run()
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        self.run(&format!("{line} --json")).ok().json()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Writes a file that its owner alone may read.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
        #[cfg(unix)]
        self.set_mode(name, 0o600);
    }

    #[cfg(unix)]
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(self.path(name), permissions).unwrap();
    }

    #[cfg(unix)]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        let permissions = fs::metadata(self.path(name)).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777
    }

    fn inspect(&self, name: &str) -> Value {
        self.json(&format!("keys inspect {name}"))[0].clone()
    }
}

/// Signs or encapsulates with what is in `secret` and `public`.
fn works(place: &Place, alg: &str, secret: &str, public: &str, more: &str) {
    if alg.contains("KEM") || alg == "X25519" {
        let (ct, a, b) = ("ct", "a", "b");
        place
            .run(&format!(
                "kem encaps --alg {alg} --public {public} --ciphertext {ct} --shared-secret {a}"
            ))
            .ok();
        place
            .run(&format!(
                "kem decaps --alg {alg} --secret {secret} --ciphertext {ct} --shared-secret {b}{more}"
            ))
            .ok();
        assert_eq!(place.read(a), place.read(b), "{alg}");
    } else {
        place.write("m", b"message");
        place
            .run(&format!(
                "sig sign --alg {alg} --secret {secret} --in m --signature s{more}"
            ))
            .ok();
        place
            .run(&format!(
                "sig verify --alg {alg} --public {public} --in m --signature s"
            ))
            .ok();
    }
}

#[test]
fn generated_keys_say_what_they_are_and_work() {
    for (alg, form) in [
        ("ML-KEM-768", "seed"),
        ("ML-DSA-65", "seed"),
        ("SLH-DSA-SHA2-128f", "expanded"),
        ("X25519", "expanded"),
        ("Ed25519", "expanded"),
    ] {
        let place = Place::new();
        let made = place.json(&format!(
            "keys generate --alg {alg} --secret sk.pem --public pk.pem"
        ));
        let (secret, public) = (place.inspect("sk.pem"), place.inspect("pk.pem"));
        assert_eq!(secret["what"], "private key");
        assert_eq!(public["what"], "public key");
        assert_eq!(secret["form"], form, "{alg}");
        for found in [&secret, &public] {
            assert_eq!(found["algorithms"], json!([alg]));
            assert_eq!(found["consistent"], true, "{alg}: {found}");
            assert_eq!(found["fingerprint"], made["fingerprint"], "{alg}");
            assert_eq!(found["warnings"], json!([]));
        }
        works(&place, alg, "sk.pem", "pk.pem", "");
        #[cfg(unix)]
        assert_eq!(place.mode("sk.pem"), 0o600);
    }
}

#[test]
fn the_form_and_the_packing_are_the_callers() {
    let place = Place::new();
    let generate = "keys generate --alg ML-KEM-512 --force";
    for (form, sizes) in [
        ("seed", json!({ "seed": 64 })),
        ("expanded", json!({ "expanded": 1632 })),
        ("both", json!({ "seed": 64, "expanded": 1632 })),
    ] {
        for packing in ["pem", "der"] {
            place
                .run(&format!(
                    "{generate} --secret sk --public pk --form {form} --format {packing}"
                ))
                .ok();
            let found = place.inspect("sk");
            assert_eq!((&found["form"], &found["sizes"]), (&json!(form), &sizes));
            assert_eq!(found["container"], packing.to_uppercase());
            works(&place, "ML-KEM-512", "sk", "pk", "");
        }
    }
    for (form, length) in [("", 1632), (" --form expanded", 1632), (" --form seed", 64)] {
        place
            .run(&format!(
                "{generate} --secret sk --public pk --format raw{form}"
            ))
            .ok();
        assert_eq!(
            (place.read("sk").len(), place.read("pk").len()),
            (length, 800)
        );
    }
    for (form, packing, text) in [
        ("both", "raw", "one form, not both"),
        ("seed", "pem", "one form"),
    ] {
        let alg = if packing == "raw" {
            "ML-KEM-512"
        } else {
            "Ed25519"
        };
        place
            .run(&format!(
                "keys generate --alg {alg} --secret new --form {form} --format {packing}"
            ))
            .fails(2, text);
        assert!(!place.path("new").exists());
    }
}

#[test]
fn generate_makes_the_key_of_a_seed_and_replaces_nothing_by_accident() {
    let place = Place::new();
    let seed = "07".repeat(32);
    let line = format!("keys generate --alg ML-DSA-44 --secret sk --seed {seed}");
    place.run(&line).ok();
    let first = place.read("sk");
    place.run(&line).fails(1, "--force");
    place.run(&format!("{line} --force")).ok();
    assert_eq!(place.read("sk"), first);
    place
        .run("keys generate --alg Kyber-512 --secret s --seed 07")
        .fails(2, "not made from a seed");
    place
        .run("keys generate --alg ML-DSA-44 --secret s --seed 07")
        .fails(1, "1 bytes, expected 32");
    place
        .run("keys generate --alg AES-256-GCM --secret s")
        .fails(2, "is a aead");
    place
        .run("keys generate --alg Ed25519 --secret - --json")
        .fails(2, "stdout is for the JSON");
}

#[test]
fn an_encrypted_key_works_with_its_passphrase_alone() {
    for (alg, kdf) in [
        ("ML-DSA-65", "scrypt"),
        ("ML-KEM-768", "pbkdf2"),
        ("Ed25519", "scrypt"),
    ] {
        let place = Place::new();
        place.write("pass", b"correct horse\n");
        place.write("wrong", b"wrong horse\n");
        place
            .run(&format!(
                "keys generate --alg {alg} --secret sk --public pk --passphrase-file pass --kdf {kdf}"
            ))
            .ok();
        assert!(
            place
                .read("sk")
                .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        );
        let found = place.inspect("sk");
        assert_eq!(found["what"], "encrypted private key");
        assert_eq!(found["consistent"], Value::Null);
        assert_eq!(found["algorithms"], json!([]));
        let inside = place.inspect("sk --passphrase-file pass");
        assert_eq!(inside["algorithms"], json!([alg]));
        assert_eq!(inside["consistent"], true);
        let public = place.inspect("pk");
        assert_eq!(inside["fingerprint"], public["fingerprint"]);
        works(&place, alg, "sk", "pk", " --passphrase-file pass");
        place.write("m", b"message");
        let verb = if alg.contains("KEM") {
            "kem decaps --ciphertext m --shared-secret out"
        } else {
            "sig sign --in m --signature out"
        };
        let line = format!("{verb} --alg {alg} --secret sk");
        place.run(&line).fails(2, "--passphrase-file");
        place
            .run(&format!("{line} --passphrase-file wrong"))
            .fails(3, "the passphrase is wrong, or the file is damaged");
        assert!(!place.path("out").exists());
        place
            .run("keys inspect sk --passphrase-file wrong")
            .fails(1, "cannot be used");
    }
}

#[test]
fn a_passphrase_is_the_one_line_of_a_file() {
    let place = Place::new();
    let generate = "keys generate --alg Ed25519 --force --secret sk --passphrase-file pass";
    place.write("pass", b"one\r\n");
    place.run(generate).ok();
    place.write("pass", b"one");
    place.run("keys inspect sk --passphrase-file pass").ok();
    for (bad, text) in [
        (&b"one\ntwo\n"[..], "more than one line"),
        (b"\n", "the passphrase is empty"),
        (b"", "the passphrase is empty"),
    ] {
        place.write("pass", bad);
        place.run(generate).fails(2, text);
    }
    place
        .run("keys generate --alg Ed25519 --secret raw --format raw --passphrase-file pass")
        .fails(2, "cannot be encrypted");
    place
        .run("keys convert --in - --out x --passphrase-file -")
        .fails(2, "stdin can be read once");
    #[cfg(unix)]
    {
        place.write("pass", b"one\n");
        place.set_mode("pass", 0o644);
        let ran = place.run(generate).ok();
        assert!(
            ran.stderr.contains("others may read this passphrase"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn the_environment_can_name_the_file_of_the_passphrase() {
    let place = Place::new();
    place.write("pass", b"one\n");
    let line = ["keys", "generate", "--alg", "Ed25519", "--secret", "sk"];
    pqfw(place.0.path(), &line)
        .env("PQFW_PASSPHRASE_FILE", "pass")
        .run()
        .ok();
    assert_eq!(place.inspect("sk")["what"], "encrypted private key");
}

#[test]
fn a_key_goes_through_every_packing_and_comes_back() {
    for alg in ["ML-KEM-512", "ML-DSA-44", "X25519", "Ed25519", "Kyber-512"] {
        let place = Place::new();
        place
            .run(&format!(
                "keys generate --alg {alg} --secret sk.pem --public pk.pem"
            ))
            .ok();
        let (secret, public) = (place.read("sk.pem"), place.read("pk.pem"));
        for (packing, half) in [
            ("der", ""),
            ("raw", " --half private"),
            ("hex", " --half private"),
            ("base64", " --half private"),
        ] {
            let seed = if alg.starts_with("ML-") && !half.is_empty() {
                " --form seed"
            } else {
                ""
            };
            place
                .run(&format!(
                    "keys convert --in sk.pem --out there --to {packing}{seed} --public-out p --force"
                ))
                .ok();
            let from = format!("--from {packing} --alg {alg}");
            place
                .run(&format!(
                    "keys convert --in there --out back {from}{half} --force"
                ))
                .ok();
            assert_eq!(place.read("back"), secret, "{alg} {packing}");
            let half = half.replace("private", "public");
            place
                .run(&format!("keys convert --in p --out back {from}{half}"))
                .ok();
            assert_eq!(place.read("back"), public, "{alg} {packing}");
        }
    }
}

#[test]
fn a_seed_becomes_the_expanded_form_and_never_the_other_way() {
    for alg in ["ML-KEM-768", "ML-DSA-65"] {
        let place = Place::new();
        let keygen = format!("keys generate --alg {alg} --secret seed --public pk");
        place.run(&keygen).ok();
        for form in ["expanded", "both"] {
            place
                .run(&format!(
                    "keys convert --in seed --out {form} --form {form}"
                ))
                .ok();
            works(&place, alg, form, "pk", "");
        }
        for form in ["seed", "both"] {
            place
                .run(&format!(
                    "keys convert --in expanded --out no --form {form}"
                ))
                .fails(2, "cannot be turned back into the seed");
        }
        place
            .run("keys convert --in both --out again --form seed")
            .ok();
        assert_eq!(place.read("again"), place.read("seed"));
        assert!(!place.path("no").exists());
    }
}

#[test]
fn conversion_changes_the_passphrase() {
    let place = Place::new();
    place.write("old", b"old\n");
    place.write("new", b"new\n");
    place
        .run("keys generate --alg Ed25519 --secret a --passphrase-file old")
        .ok();
    place
        .run("keys convert --in a --out b --passphrase-file old --new-passphrase-file new --to der")
        .ok();
    place
        .run("keys inspect b --passphrase-file old")
        .fails(1, "cannot be used");
    place.run("keys inspect b --passphrase-file new").ok();
    place
        .run("keys convert --in b --out c --passphrase-file new")
        .ok();
    let (a, c) = (place.inspect("a --passphrase-file old"), place.inspect("c"));
    assert_eq!(a["fingerprint"], c["fingerprint"]);
    assert_eq!(c["what"], "private key");
}

/// QU3's key directory: bare bytes whose names say which half they are.
#[test]
fn key_files_of_the_deployed_qu3_become_standard_ones() {
    let place = Place::new();
    place
        .run("qu3 generate-keys --set dialect=qu3-1 --set keys.dir=keys")
        .ok();
    for (key, alg) in [("kem", "Kyber-768"), ("sign", "SPHINCS+-SHA2-128f-simple")] {
        let found = place.inspect(&format!("keys/client_{key}.sec"));
        assert_eq!(
            (&found["what"], &found["consistent"]),
            (&json!("bare bytes"), &Value::Null)
        );
        let candidates = found["algorithms"].to_string();
        assert!(
            candidates.contains(&format!("{alg} private key")),
            "{candidates}"
        );
        for (half, out) in [("sec", "sk"), ("pub", "pk")] {
            place
                .run(&format!(
                    "keys convert --in keys/client_{key}.{half} --from raw --alg {alg} --out {out} --force"
                ))
                .ok();
        }
        let (secret, public) = (place.inspect("sk"), place.inspect("pk"));
        assert_eq!(secret["fingerprint"], public["fingerprint"]);
        place
            .run("keys convert --in sk --out back --to raw --force")
            .ok();
        assert_eq!(
            place.read("back"),
            place.read(&format!("keys/client_{key}.sec"))
        );
    }
}

/// The identity file of pqc-mcp, with the hash of the public key as its name.
#[test]
fn an_identity_of_pqc_mcp_becomes_a_key_file() {
    let place = Place::new();
    let hex = |place: &Place, name: &str| String::from_utf8(place.read(name)).unwrap();
    place
        .run("keys generate --alg ML-DSA-65 --secret sk --public pk --format hex --form expanded")
        .ok();
    let (secret, public) = (hex(&place, "sk"), hex(&place, "pk"));
    let public = public.trim();
    // From the golden vectors of the deployed package: its seed is 00..1f.
    let identity = |did: &str, public: &str, secret: &str| {
        json!({
            "name": "somebody", "did": did, "algorithm": "ML-DSA-65",
            "public_key": public, "private_key": secret,
        })
        .to_string()
    };
    let golden_public = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
    let golden_did = "did:pqaid:25dc6af5b9ab0ab034fa8eafd6109105572b6a1f69f53cedae843ecdd74561e1";
    let golden_secret: String = (0..32).map(|byte: u8| format!("{byte:02x}")).collect();
    let convert = "keys convert --in identity.json --from mcp-identity --out id.pem --force";
    let golden = identity(golden_did, golden_public, &golden_secret);
    place.write("identity.json", golden.as_bytes());
    place.run(&format!("{convert} --alg Ed25519")).ok();
    assert_eq!(place.inspect("id.pem")["algorithms"], json!(["Ed25519"]));
    // The label says ML-DSA-65, and the key is not one: its bytes are a seed of another key.
    place
        .run(&format!("{convert} --alg ML-DSA-65"))
        .fails(1, "public key is not that of its private key");
    place.run(convert).fails(2, "name the algorithm by --alg");
    for (text, error) in [
        (
            identity(golden_did, public, secret.trim()),
            "did is not the hash",
        ),
        (
            identity(golden_did, golden_public, secret.trim()),
            "expected 32",
        ),
        (
            identity(golden_did, golden_public, &"08".repeat(32)),
            "public key is not that of",
        ),
        (
            json!({ "did": golden_did }).to_string(),
            "no text under `private_key`",
        ),
        ("[]".to_owned(), "no JSON object"),
    ] {
        place.write("identity.json", text.as_bytes());
        place
            .run(&format!("{convert} --alg Ed25519"))
            .fails(1, error);
    }
}

#[test]
fn bare_bytes_need_their_algorithm_and_sometimes_their_half() {
    let place = Place::new();
    place
        .run("keys generate --alg X25519 --secret sk --public pk --format raw")
        .ok();
    place
        .run("keys convert --in sk --out o --from raw")
        .fails(2, "--alg");
    place
        .run("keys convert --in sk --out o --from raw --alg X25519")
        .fails(2, "--half");
    place
        .run("keys convert --in sk --out o --from raw --alg ML-KEM-768")
        .fails(
            1,
            "32 bytes are no key of ML-KEM-768 (seed 64, encapsulation key 1184",
        );
    place
        .run("keys convert --in sk --out o --from raw --alg X25519 --half private")
        .ok();
    place
        .run("keys convert --in sk --out o2")
        .fails(1, "neither PEM nor DER");
    place
        .run("keys convert --in o --out o2 --from der")
        .fails(2, "not packed as --from says");
    place
        .run("keys convert --in sk --out o2 --from hex --alg X25519")
        .fails(1, "not text");
    place.write("text", b"not! base64\n");
    place
        .run("keys convert --in text --out o2 --from base64 --alg X25519")
        .fails(1, "not base64");
    place
        .run("keys convert --in o --out o2 --alg Ed25519")
        .fails(1, "identifier");
    for option in ["--form seed", "--new-passphrase-file sk", "--public-out p"] {
        place
            .run(&format!(
                "keys convert --in pk --out o2 --from raw --alg X25519 --half public {option}"
            ))
            .fails(2, "is for private keys");
    }
    assert!(!place.path("o2").exists());
}

#[test]
fn what_disagrees_with_itself_is_found() {
    let place = Place::new();
    place
        .run("keys generate --alg ML-KEM-512 --secret sk --public pk --form both --format der")
        .ok();
    let mut file = place.read("sk");
    let last = file.len() - 1;
    file[last] ^= 1;
    place.write("bad", &file);
    let ran = place.run("keys inspect sk bad pk --json");
    assert_eq!(ran.code, 1);
    let first: Value = serde_json::from_str(ran.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(first[1]["consistent"], false);
    assert!(
        first[1]["reason"]
            .as_str()
            .unwrap()
            .contains("two different keys")
    );
    assert_eq!(first[2]["consistent"], true);
    place
        .run("kem decaps --alg ML-KEM-512 --secret bad --ciphertext pk --shared-secret s")
        .fails(1, "two different keys");
    place
        .run("keys convert --in bad --out out")
        .fails(1, "two different keys");
    place.run("keys inspect nosuch").fails(1, "cannot be used");
    #[cfg(unix)]
    {
        place.set_mode("sk", 0o644);
        let found = place.inspect("sk");
        assert!(
            found["warnings"][0]
                .as_str()
                .unwrap()
                .contains("chmod 600 sk")
        );
    }
}

#[test]
fn inspect_prints_no_secret() {
    let place = Place::new();
    let seed = "c3".repeat(32);
    place
        .run(&format!(
            "keys generate --alg ML-DSA-44 --secret sk --seed {seed}"
        ))
        .ok();
    for line in [
        "keys inspect sk",
        "keys inspect sk --json --verbose --log-level trace",
    ] {
        let ran = place.run(line).ok();
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("c3c3") && !said.contains("w8PDw8"), "{said}");
        assert!(said.contains("ML-DSA-44"), "{said}");
    }
}
