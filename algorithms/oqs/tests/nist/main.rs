//! The first known answer of each submission to NIST, made again by liboqs.
//!
//! liboqs is asked for a key pair and a ciphertext or signature with the randomness that NIST
//! prescribed; the answer is written down as the submissions' `PQCkemKAT` and `PQCsignKAT` files
//! have it, and hashed. The digests are those of `tests/KATs` of liboqs 0.13.0 (`single`); where
//! PQClean has the algorithm, its `META.yml` has the same ones. So what liboqs computes here is
//! what the submitters published, and the catalogue's known answers of SPHINCS+ and Falcon, which
//! are these values, are theirs.
#![cfg(feature = "liboqs")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod drbg;

use std::fmt::Write as _;

use oqs::{kem, sig};
use pqfw_framework::catalogue::{self, Kat};
use sha2::{Digest, Sha256};

use drbg::{Drbg, SEED};

const KEMS: [(kem::Algorithm, &str); 12] = [
    (
        kem::Algorithm::MlKem512,
        "c70041a761e01cd6426fa60e9fd6a4412c2be817386c8d0f3334898082512782",
    ),
    (
        kem::Algorithm::MlKem768,
        "5352539586b6c3df58be6158a6250aeff402bd73060b0a3de68850ac074c17c3",
    ),
    (
        kem::Algorithm::MlKem1024,
        "f580d851e5fb27e6876e5e203fa18be4cdbfd49e05d48fec3d3992c8f43a13e6",
    ),
    (
        kem::Algorithm::Kyber512,
        "bb0481d3325d828817900b709d23917cefbc10026fc857f098979451f67bb0ca",
    ),
    (
        kem::Algorithm::Kyber768,
        "89e82a5bf2d4ddb2c6444e10409e6d9ca65dafbca67d1a0db2c9b54920a29172",
    ),
    (
        kem::Algorithm::Kyber1024,
        "5afcf2a568ad32d49b55105b032af1850f03f3888ff9e2a72f4059c58e968f60",
    ),
    (
        kem::Algorithm::FrodoKem640Aes,
        "c1f006531583896c47416e10707d1c8e487fe549df304d7a9c43155d5e47b8b6",
    ),
    (
        kem::Algorithm::FrodoKem640Shake,
        "df2b77b8e108c61d16c78a99e79f3351ab15840a690f25c1f87a8e89295e9219",
    ),
    (
        kem::Algorithm::FrodoKem976Aes,
        "7e415ab659d0d08d8f43135e1e9d75a8b342f52b65e8326ebf8135521b987615",
    ),
    (
        kem::Algorithm::FrodoKem976Shake,
        "0d3d3a3ad11b69a93e72f1233b310884e97be8d16c9981bf1eb1321880cd0658",
    ),
    (
        kem::Algorithm::FrodoKem1344Aes,
        "2f4f1c352c1b343cce386c54234ca39fe29b48e45c66300f7311f5d3060d82b3",
    ),
    (
        kem::Algorithm::FrodoKem1344Shake,
        "6e54e319cc590c3f136af81990a04cd0009ef78dec92825d2eb834adfec661dc",
    ),
];

const SIGNATURES: [(sig::Algorithm, &str); 20] = [
    (
        sig::Algorithm::MlDsa44,
        "9a196e7fb32fbc93757dc2d8dc1924460eab66303c0c08aeb8b798fb8d8f8cf3",
    ),
    (
        sig::Algorithm::MlDsa65,
        "7cb96242eac9907a55b5c84c202f0ebd552419c50b2e986dc2e28f07ecebf072",
    ),
    (
        sig::Algorithm::MlDsa87,
        "4537905d2aabcf302fab2f242baed293459ecda7c230e6a67063b02c7e2840ed",
    ),
    (
        sig::Algorithm::Dilithium2,
        "26ae9c1224171e957dbe38672942d31edb7dffbe700825e0cb52128cdb45280a",
    ),
    (
        sig::Algorithm::Dilithium3,
        "eea584803c3d6991a4acbf9f117147bbdd246faf822cfb1a17effe20b2052ba9",
    ),
    (
        sig::Algorithm::Dilithium5,
        "3f6e58603a38be57cf08d79b01fcfd0ccc1129a09e14a6122c6fe22c906ddc3b",
    ),
    (
        sig::Algorithm::SphincsSha2128fSimple,
        "cd1e13db3a56c0a6b3486a7b12bcddfda50cf5d1e4d14d3113e6456e969b8114",
    ),
    (
        sig::Algorithm::SphincsSha2128sSimple,
        "08c2e0f08bd96f50d065ca0ced04874c709d192864bfeaccb6daa4bfa9c58a28",
    ),
    (
        sig::Algorithm::SphincsSha2192fSimple,
        "fd4e301339b29ed5dc392c628d6c6db3d77a46ea61d16f7ff0e2b414f962f44c",
    ),
    (
        sig::Algorithm::SphincsSha2192sSimple,
        "0fa07f3f77752233b382911bcc19e671522bd57069f9edca39b3924ba2713839",
    ),
    (
        sig::Algorithm::SphincsSha2256fSimple,
        "bd88b49453162a9b527e14228f037615d0fcbd13d24b48ece41ae1370ed13480",
    ),
    (
        sig::Algorithm::SphincsSha2256sSimple,
        "05d15a74253962d35912bab3a9ee3230c2e721c798f4e757ecffa529071b0748",
    ),
    (
        sig::Algorithm::SphincsShake128fSimple,
        "46f4f87949dc994aa2b63b31c7307f44ca5ed025d7308ff408c8ba33473324dc",
    ),
    (
        sig::Algorithm::SphincsShake128sSimple,
        "bae2979565dabad96d885a1e264bc213ab54aff3c3b4308880b788e87702af3b",
    ),
    (
        sig::Algorithm::SphincsShake192fSimple,
        "60a9d2fd74adbef971a74477eca3170599beb4476d6428ced78b43b9641cc929",
    ),
    (
        sig::Algorithm::SphincsShake192sSimple,
        "87aedb87a77cb46f939a3bfd0099b08b0d889c9fa46be00f15c36827c117c838",
    ),
    (
        sig::Algorithm::SphincsShake256fSimple,
        "f6d0825afeb4ce25943c974a0efde5659ceea927d2507b0ea1a92e092f536acd",
    ),
    (
        sig::Algorithm::SphincsShake256sSimple,
        "37d37c9b43d71341b7dd5da7f8ebbe8bbae3d7bfc53f5378446023cbcf6e04f2",
    ),
    (
        sig::Algorithm::Falcon512,
        "da27fe8a462de7307ddf1f9b00072a457d9c5b14e838c148fbe2662094b9a2ca",
    ),
    (
        sig::Algorithm::Falcon1024,
        "e699d88eb214fef30597385f40814baeb84ac505d5f05f5c257b0726fc4530b8",
    ),
];

/// Rows whose known answers are the values made here, by the head of their names.
const KNOWN: [&str; 2] = ["SPHINCS+-", "Falcon-"];
/// Recorded from liboqs with a random key, and checked by another implementation.
const RECORDED_OTHERWISE: &str = "SPHINCS+-SHA2-128f-simple";

// One test, since liboqs has one generator.
#[test]
fn liboqs_makes_the_known_answers_of_the_submissions() {
    oqs::init();
    for (algorithm, digest) in KEMS {
        assert_eq!(sha_256(&kem_record(algorithm)), digest, "{algorithm}");
    }
    for (algorithm, digest) in SIGNATURES {
        let made = Made::by(algorithm);
        assert_eq!(sha_256(&made.record(algorithm)), digest, "{algorithm}");
        let name = algorithm.name();
        if name != RECORDED_OTHERWISE && KNOWN.iter().any(|head| name.starts_with(head)) {
            made.assert_in_catalogue(name);
        }
    }
}

/// The seed of the first answer: what the generator gives that is itself seeded with 0, 1, 2, …
fn first() -> (Drbg, [u8; SEED]) {
    let mut drbg = Drbg::new(&std::array::from_fn(|at| u8::try_from(at).unwrap()));
    let mut seed = [0; SEED];
    drbg.fill(&mut seed);
    (drbg, seed)
}

fn kem_record(algorithm: kem::Algorithm) -> String {
    let (_, seed) = first();
    drbg::install(&seed);
    let kem = kem::Kem::new(algorithm).unwrap();
    let (public, secret) = kem.keypair().unwrap();
    let (ciphertext, shared) = kem.encapsulate(&public).unwrap();
    let mut record = String::from("count = 0\n");
    line(&mut record, "seed", &seed);
    line(&mut record, "pk", public.as_ref());
    line(&mut record, "sk", secret.as_ref());
    line(&mut record, "ct", ciphertext.as_ref());
    line(&mut record, "ss", shared.as_ref());
    record
}

/// A key pair, a message and its signature.
struct Made {
    seed: [u8; SEED],
    message: [u8; 33],
    public: sig::PublicKey,
    secret: sig::SecretKey,
    signature: sig::Signature,
}

impl Made {
    fn by(algorithm: sig::Algorithm) -> Self {
        let (mut drbg, seed) = first();
        let mut message = [0; 33];
        drbg.fill(&mut message);
        drbg::install(&seed);
        let sig = sig::Sig::new(algorithm).unwrap();
        let (public, secret) = sig.keypair().unwrap();
        let signature = sig.sign(&message, &secret).unwrap();
        Self {
            seed,
            message,
            public,
            secret,
            signature,
        }
    }

    fn record(&self, algorithm: sig::Algorithm) -> String {
        let mut record = String::from("count = 0\n");
        line(&mut record, "seed", &self.seed);
        writeln!(record, "mlen = {}", self.message.len()).unwrap();
        line(&mut record, "msg", &self.message);
        line(&mut record, "pk", self.public.as_ref());
        line(&mut record, "sk", self.secret.as_ref());
        let signed = match algorithm {
            sig::Algorithm::Falcon512 => self.falcon(0x29),
            sig::Algorithm::Falcon1024 => self.falcon(0x2a),
            _ => [self.signature.as_ref(), &self.message].concat(),
        };
        writeln!(record, "smlen = {}", signed.len()).unwrap();
        line(&mut record, "sm", &signed);
        record
    }

    /// Falcon's submission puts the message between the nonce and the rest, and a length before.
    fn falcon(&self, head: u8) -> Vec<u8> {
        let (nonce, rest) = self.signature.as_ref()[1..].split_at(40);
        let length = u16::try_from(1 + rest.len()).unwrap().to_be_bytes();
        [&length, nonce, &self.message, &[head], rest].concat()
    }

    fn assert_in_catalogue(&self, id: &str) {
        let rows = catalogue::builtin();
        let row = rows.iter().find(|row| row.id == id).unwrap();
        let kat = Kat::parse(&row.known_answers).unwrap();
        let values = [
            ("sk", self.secret.as_ref()),
            ("vk", self.public.as_ref()),
            ("message", &self.message),
            ("signature", self.signature.as_ref()),
        ];
        for (name, value) in values {
            assert_eq!(kat.cases[0].value(name), Some(value), "{id}: {name}");
        }
    }
}

fn line(record: &mut String, name: &str, bytes: &[u8]) {
    write!(record, "{name} = ").unwrap();
    hex(record, bytes, |text, byte| write!(text, "{byte:02X}"));
    record.push('\n');
}

fn hex(text: &mut String, bytes: &[u8], digits: fn(&mut String, u8) -> std::fmt::Result) {
    bytes.iter().for_each(|byte| digits(text, *byte).unwrap());
}

fn sha_256(record: &str) -> String {
    let mut text = String::new();
    let digest = Sha256::digest(record.as_bytes());
    hex(&mut text, &digest, |text, byte| write!(text, "{byte:02x}"));
    text
}
