"""Suites of the channel over the package cryptography: KEM, signature, AEAD and KDF by name."""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305


def _hybrid_peer():
    """tests/interop/hybrid/peer.py, the independent combiner and DHKEM."""
    path = Path(__file__).resolve().parent.parent / "hybrid" / "peer.py"
    spec = importlib.util.spec_from_file_location("hybrid_peer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HYBRID = _hybrid_peer()


class Kem:
    """One KEM or a hybrid of them; private keys are opaque."""

    def __init__(self, name: str):
        self.name = name
        self.hybrid = HYBRID.HybridKem(name) if "+" in name else None
        self.part = None if self.hybrid else HYBRID.KEMS[name]
        parts = self.hybrid.parts if self.hybrid else [self.part]
        self.n_ek = sum(part.n_pk for part in parts)
        self.n_ct = sum(part.n_ct for part in parts)

    def generate(self, seed: bytes | None = None):
        """(private key, encapsulation key)."""
        if self.hybrid:
            key = self.hybrid.keys_from_seed(seed or os.urandom(32))
            return key, self.hybrid.public(key)
        key = self.part.key_from_seed(seed or os.urandom(self.part.n_seed))
        return key, self.part.public(key)

    def encapsulate(self, ek: bytes) -> tuple[bytes, bytes]:
        """(ciphertext, secret); ValueError for a key that is none."""
        if len(ek) != self.n_ek:
            raise ValueError(f"{len(ek)} bytes are no key of {self.name}")
        return (self.hybrid or self.part).encapsulate(ek)

    def decapsulate(self, key, ct: bytes) -> bytes:
        if len(ct) != self.n_ct:
            raise ValueError(f"{len(ct)} bytes are no ciphertext of {self.name}")
        return (self.hybrid or self.part).decapsulate(key, ct)


@dataclass(frozen=True)
class Signature:
    """A signature algorithm; public keys are DER SubjectPublicKeyInfo."""

    generate: object
    fits: object  # public key object → is it of this algorithm?
    options: tuple = ()  # what cryptography wants besides the message

    def spki(self, private) -> bytes:
        return private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def public(self, spki: bytes):
        """The public key, or None when it is unreadable or of another algorithm."""
        try:
            key = serialization.load_der_public_key(spki)
        except (ValueError, UnsupportedAlgorithm):
            return None
        return key if self.fits(key) else None

    def sign(self, private, message: bytes) -> bytes:
        return private.sign(message, *self.options)

    def verify(self, public, message: bytes, signature: bytes) -> bool:
        try:
            public.verify(signature, message, *self.options)
        except InvalidSignature:
            return False
        return True


def _of(kind):
    return lambda key: isinstance(key, kind)


def _ecdsa(curve, digest) -> Signature:
    return Signature(
        lambda: ec.generate_private_key(curve()),
        lambda key: isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve),
        (ec.ECDSA(digest()),),
    )


SIGNATURES = {
    "Ed25519": Signature(ed25519.Ed25519PrivateKey.generate, _of(ed25519.Ed25519PublicKey)),
    "ML-DSA-44": Signature(mldsa.MLDSA44PrivateKey.generate, _of(mldsa.MLDSA44PublicKey)),
    "ML-DSA-65": Signature(mldsa.MLDSA65PrivateKey.generate, _of(mldsa.MLDSA65PublicKey)),
    "ML-DSA-87": Signature(mldsa.MLDSA87PrivateKey.generate, _of(mldsa.MLDSA87PublicKey)),
    "ECDSA-P256": _ecdsa(ec.SECP256R1, hashes.SHA256),
    "ECDSA-P384": _ecdsa(ec.SECP384R1, hashes.SHA384),
}


@dataclass(frozen=True)
class Aead:
    cipher: type
    key_bytes: int
    nonce_bytes: int = 12
    tag_bytes: int = 16
    messages: int = 1 << 24  # conservative; GCM's limit for full records is near it
    forgeries: int = 1 << 36


AEADS = {
    "AES-128-GCM": Aead(AESGCM, 16),
    "AES-256-GCM": Aead(AESGCM, 32),
    "ChaCha20-Poly1305": Aead(ChaCha20Poly1305, 32),
}

KDFS = {"HKDF-SHA256": "sha256", "HKDF-SHA384": "sha384", "HKDF-SHA512": "sha512"}


class Suite:
    """`KEM/SIGNATURE/AEAD/KDF`. KeyError for a name that this peer does not have."""

    def __init__(self, name: str):
        self.name = name
        parts = name.split("/")
        if len(parts) != 4:
            raise KeyError(name)
        self.kem_name, self.signature_name, self.aead_name, self.kdf_name = parts
        self.kem = Kem(self.kem_name)
        self.signature = SIGNATURES[self.signature_name]
        self.aead = AEADS[self.aead_name]
        self.digest = KDFS[self.kdf_name]

    @cached_property
    def hash_bytes(self) -> int:
        return hashlib.new(self.digest).digest_size

    def hash(self, data: bytes) -> bytes:
        return hashlib.new(self.digest, data).digest()

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        return hmac.new(salt, ikm, self.digest).digest()

    def expand(self, secret: bytes, info: bytes, length: int) -> bytes:
        output, block, number = b"", b"", 1
        while len(output) < length:
            block = hmac.new(secret, block + info + bytes([number]), self.digest).digest()
            output, number = output + block, number + 1
        return output[:length]

    def expand_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        full = b"pqfw1 " + label.encode()
        info = length.to_bytes(2, "big") + v8(full) + v8(context)
        return self.expand(secret, info, length)

    def derive(self, secret: bytes, label: str, transcript_hash: bytes) -> bytes:
        return self.expand_label(secret, label, transcript_hash, self.hash_bytes)

    def update(self, secret: bytes) -> bytes:
        return self.derive(secret, "traffic upd", b"")


def kem_of(suite_name: str) -> str:
    """The KEM of any suite's name, ours or not."""
    return suite_name.split("/")[0]


def v8(data: bytes) -> bytes:
    return len(data).to_bytes(1, "big") + data


def v16(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def v32(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class TrafficKey:
    """Key and nonces of one traffic secret."""

    def __init__(self, suite: Suite, secret: bytes):
        self.suite, self.secret = suite, secret
        aead = suite.aead
        self.cipher = aead.cipher(suite.expand_label(secret, "key", b"", aead.key_bytes))
        self.iv = suite.expand_label(secret, "iv", b"", aead.nonce_bytes)

    def nonce(self, number: int) -> bytes:
        counter = number.to_bytes(8, "big").rjust(len(self.iv), b"\0")
        return bytes(a ^ b for a, b in zip(self.iv, counter))

    def seal(self, number: int, plain: bytes, associated: bytes) -> bytes:
        return self.cipher.encrypt(self.nonce(number), plain, associated)

    def open(self, number: int, sealed: bytes, associated: bytes) -> bytes | None:
        if len(sealed) < self.suite.aead.tag_bytes:
            return None
        try:
            return self.cipher.decrypt(self.nonce(number), sealed, associated)
        except InvalidTag:
            return None
