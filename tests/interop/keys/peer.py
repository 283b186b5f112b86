"""What Python's `cryptography` can do with the keys of each algorithm.

A table from pqfw's names to classes of `cryptography`, with the operations that
show a key works. Key agreement on curves has no KEM there: DHKEM of RFC 9180
section 4.1 is written out below, over its Diffie-Hellman.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)


@dataclass(frozen=True)
class Signature:
    """Signing and verifying."""

    generate: Callable
    sign: Callable
    verify: Callable
    forms: tuple[str, ...] = ("expanded",)


@dataclass(frozen=True)
class Kem:
    """Encapsulating to a public key, giving (ciphertext, secret), and back."""

    generate: Callable
    encapsulate: Callable
    decapsulate: Callable
    forms: tuple[str, ...] = ("expanded",)


SEED_FORMS = ("seed", "expanded", "both")


def lattice_kem(private) -> Kem:
    def encapsulate(key):
        secret, ciphertext = key.encapsulate()
        return ciphertext, secret

    return Kem(private.generate, encapsulate, lambda key, ct: key.decapsulate(ct), SEED_FORMS)


def plain_signature(private, forms=("expanded",)) -> Signature:
    return Signature(
        private.generate,
        lambda key, message: key.sign(message),
        lambda key, message, signature: key.verify(signature, message),
        forms,
    )


def ecdsa(curve, digest) -> Signature:
    return Signature(
        lambda: ec.generate_private_key(curve()),
        lambda key, message: key.sign(message, ec.ECDSA(digest())),
        lambda key, message, signature: key.verify(signature, message, ec.ECDSA(digest())),
    )


# --- DHKEM, RFC 9180 section 4.1 ----------------------------------------------


def labeled_extract(digest, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.new(b"\0" * digest().digest_size, b"HPKE-v1" + suite + label + ikm, digest).digest()


def labeled_expand(digest, suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    output, block, counter = b"", b"", 1
    while len(output) < length:
        block = hmac.new(prk, block + info + bytes([counter]), digest).digest()
        output, counter = output + block, counter + 1
    return output[:length]


@dataclass(frozen=True)
class Group:
    kem_id: int
    digest: Callable
    secret_bytes: int
    generate: Callable
    exchange: Callable
    encode: Callable
    decode: Callable

    def derive(self, dh: bytes, ciphertext: bytes, public: bytes) -> bytes:
        suite = b"KEM" + self.kem_id.to_bytes(2, "big")
        prk = labeled_extract(self.digest, suite, b"eae_prk", dh)
        context = ciphertext + public
        return labeled_expand(
            self.digest, suite, prk, b"shared_secret", context, self.secret_bytes
        )

    def kem(self) -> Kem:
        def encapsulate(key):
            ephemeral = self.generate()
            ciphertext = self.encode(ephemeral.public_key())
            dh = self.exchange(ephemeral, key)
            return ciphertext, self.derive(dh, ciphertext, self.encode(key))

        def decapsulate(key, ciphertext):
            dh = self.exchange(key, self.decode(ciphertext))
            return self.derive(dh, ciphertext, self.encode(key.public_key()))

        return Kem(self.generate, encapsulate, decapsulate)


def curve_group(kem_id: int, digest, secret_bytes: int, curve) -> Group:
    return Group(
        kem_id,
        digest,
        secret_bytes,
        lambda: ec.generate_private_key(curve()),
        lambda private, public: private.exchange(ec.ECDH(), public),
        lambda public: public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        lambda data: ec.EllipticCurvePublicKey.from_encoded_point(curve(), data),
    )


X25519 = Group(
    0x0020,
    hashlib.sha256,
    32,
    x25519.X25519PrivateKey.generate,
    lambda private, public: private.exchange(public),
    lambda public: public.public_bytes_raw(),
    x25519.X25519PublicKey.from_public_bytes,
)

ALGORITHMS: dict[str, Kem | Signature] = {
    "ML-KEM-768": lattice_kem(mlkem.MLKEM768PrivateKey),
    "ML-KEM-1024": lattice_kem(mlkem.MLKEM1024PrivateKey),
    "X25519": X25519.kem(),
    "P-256": curve_group(0x0010, hashlib.sha256, 32, ec.SECP256R1).kem(),
    "P-384": curve_group(0x0011, hashlib.sha384, 48, ec.SECP384R1).kem(),
    # No registered identifier: the private one of the catalogue.
    "brainpoolP512r1": curve_group(0xFE12, hashlib.sha512, 64, ec.BrainpoolP512R1).kem(),
    "ML-DSA-44": plain_signature(mldsa.MLDSA44PrivateKey, SEED_FORMS),
    "ML-DSA-65": plain_signature(mldsa.MLDSA65PrivateKey, SEED_FORMS),
    "ML-DSA-87": plain_signature(mldsa.MLDSA87PrivateKey, SEED_FORMS),
    "Ed25519": plain_signature(ed25519.Ed25519PrivateKey),
    "ECDSA-P256": ecdsa(ec.SECP256R1, hashes.SHA256),
    "ECDSA-P384": ecdsa(ec.SECP384R1, hashes.SHA384),
}


def private_file(key, encoding=Encoding.PEM, encryption=NoEncryption()) -> bytes:
    return key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)


def public_file(key, encoding=Encoding.PEM) -> bytes:
    return key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(public_key) -> str:
    return "sha256:" + hashlib.sha256(public_file(public_key, Encoding.DER)).hexdigest()
