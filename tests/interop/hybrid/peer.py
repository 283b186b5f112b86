"""Hybrids as docs/protocols/hybrid.md describes them, over the package cryptography.

Written from the page alone: names, seeds, combiner and signature frames, for X25519, P-256,
P-384 and brainpoolP512r1 with ML-KEM-768 and ML-KEM-1024, and for Ed25519 and ECDSA-P256 with
ML-DSA.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, x25519
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

RAW = serialization.Encoding.Raw
POINT = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


class Dhkem:
    """DHKEM of RFC 9180 section 4.1."""

    def __init__(self, kem_id, digest, n_sk, n_pk, curve=None, order=None, bitmask=0xFF):
        self.suite = b"KEM" + kem_id.to_bytes(2, "big")
        self.digest, self.n_sk, self.n_pk = digest, n_sk, n_pk
        self.curve, self.order, self.bitmask = curve, order, bitmask
        self.n_secret = digest.digest_size
        self.n_ct, self.n_seed = n_pk, n_sk

    def extract(self, label: bytes, ikm: bytes) -> bytes:
        mac = HMAC(b"\0" * self.digest.digest_size, self.digest)
        mac.update(b"HPKE-v1" + self.suite + label + ikm)
        return mac.finalize()

    def expand(self, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        info = length.to_bytes(2, "big") + b"HPKE-v1" + self.suite + label + info
        return HKDFExpand(self.digest, length, info).derive(prk)

    def key_from_seed(self, ikm: bytes):
        """DeriveKeyPair, section 7.1.3."""
        prk = self.extract(b"dkp_prk", ikm)
        if self.curve is None:
            scalar = self.expand(prk, b"sk", b"", self.n_sk)
            return x25519.X25519PrivateKey.from_private_bytes(scalar)
        for counter in range(256):
            candidate = bytearray(self.expand(prk, b"candidate", bytes([counter]), self.n_sk))
            candidate[0] &= self.bitmask
            scalar = int.from_bytes(candidate, "big")
            if 0 < scalar < self.order:
                return ec.derive_private_key(scalar, self.curve)
        raise ValueError("DeriveKeyPairError")

    def fresh(self):
        if self.curve is None:
            return x25519.X25519PrivateKey.generate()
        return ec.generate_private_key(self.curve)

    def public(self, key) -> bytes:
        if self.curve is None:
            return key.public_key().public_bytes_raw()
        return key.public_key().public_bytes(*POINT)

    def dh(self, key, public: bytes) -> bytes:
        if self.curve is None:
            return key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, public)
        return key.exchange(ec.ECDH(), peer)

    def secret(self, dh: bytes, context: bytes) -> bytes:
        prk = self.extract(b"eae_prk", dh)
        return self.expand(prk, b"shared_secret", context, self.n_secret)

    def encapsulate(self, public: bytes):
        ephemeral = self.fresh()
        enc = self.public(ephemeral)
        return enc, self.secret(self.dh(ephemeral, public), enc + public)

    def decapsulate(self, key, enc: bytes) -> bytes:
        return self.secret(self.dh(key, enc), enc + self.public(key))


class MlKem:
    n_seed = 64

    def __init__(self, private, public, n_pk, n_ct):
        self.private_type, self.public_type = private, public
        self.n_pk, self.n_ct = n_pk, n_ct

    def key_from_seed(self, seed: bytes):
        return self.private_type.from_seed_bytes(seed)

    def public(self, key) -> bytes:
        return key.public_key().public_bytes_raw()

    def encapsulate(self, public: bytes):
        secret, ct = self.public_type.from_public_bytes(public).encapsulate()
        return ct, secret

    def decapsulate(self, key, ct: bytes) -> bytes:
        return key.decapsulate(ct)


BRAINPOOL_ORDER = int(
    "AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870"
    "553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069",
    16,
)
P256_ORDER = int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16)
P384_ORDER = int(
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF"
    "581A0DB248B0A77AECEC196ACCC52973",
    16,
)

KEMS = {
    "X25519": Dhkem(0x0020, hashes.SHA256(), 32, 32),
    "P-256": Dhkem(0x0010, hashes.SHA256(), 32, 65, ec.SECP256R1(), P256_ORDER),
    "P-384": Dhkem(0x0011, hashes.SHA384(), 48, 97, ec.SECP384R1(), P384_ORDER),
    "brainpoolP512r1": Dhkem(
        0xFE12, hashes.SHA512(), 64, 129, ec.BrainpoolP512R1(), BRAINPOOL_ORDER
    ),
    "ML-KEM-768": MlKem(mlkem.MLKEM768PrivateKey, mlkem.MLKEM768PublicKey, 1184, 1088),
    "ML-KEM-1024": MlKem(mlkem.MLKEM1024PrivateKey, mlkem.MLKEM1024PublicKey, 1568, 1568),
}


def part_seed(seed: bytes, name: str, length: int) -> bytes:
    return hashlib.shake_256(seed + name.encode()).digest(length)


def split(data: bytes, lengths) -> list[bytes]:
    parts, rest = [], data
    for length in lengths:
        parts.append(rest[:length])
        rest = rest[length:]
    if rest or any(len(part) != length for part, length in zip(parts, lengths)):
        raise ValueError(f"{len(data)} bytes are not {sum(lengths)}")
    return parts


class HybridKem:
    def __init__(self, name: str):
        self.name, self.names = name, name.split("+")
        self.parts = [KEMS[part] for part in self.names]

    def combine(self, secrets, cts, eks) -> bytes:
        label = b"pqfw-hybrid-1:" + self.name.encode() + bytes([len(self.name)])
        return hashlib.sha3_256(b"".join(secrets + cts + eks) + label).digest()

    def keys_from_seed(self, seed: bytes):
        pairs = zip(self.parts, self.names)
        return [part.key_from_seed(part_seed(seed, name, part.n_seed)) for part, name in pairs]

    def public(self, keys) -> bytes:
        return b"".join(part.public(key) for part, key in zip(self.parts, keys))

    def encapsulate(self, public: bytes):
        eks = split(public, [part.n_pk for part in self.parts])
        cts, secrets = zip(*(part.encapsulate(ek) for part, ek in zip(self.parts, eks)))
        return b"".join(cts), self.combine(list(secrets), list(cts), eks)

    def decapsulate(self, keys, ct: bytes) -> bytes:
        cts = split(ct, [part.n_ct for part in self.parts])
        legs = zip(self.parts, keys, cts)
        secrets = [part.decapsulate(key, one) for part, key, one in legs]
        eks = [part.public(key) for part, key in zip(self.parts, keys)]
        return self.combine(secrets, cts, eks)


class Ed25519:
    n_seed, n_vk, n_sig, variable = 32, 32, 64, False

    def key_from_seed(self, seed):
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)

    def public(self, key):
        return key.public_key().public_bytes_raw()

    def sign(self, key, message):
        return key.sign(message)

    def verify(self, public, message, signature):
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


class EcdsaP256:
    n_vk, n_sig, variable = 65, None, True

    def fresh(self):
        return ec.generate_private_key(ec.SECP256R1())

    def public(self, key):
        return key.public_key().public_bytes(*POINT)

    def sign(self, key, message):
        return key.sign(message, ec.ECDSA(hashes.SHA256()))

    def verify(self, public, message, signature):
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public)
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))


class MlDsa:
    n_seed, variable = 32, False

    def __init__(self, private, public, n_vk, n_sig):
        self.private_type, self.public_type = private, public
        self.n_vk, self.n_sig = n_vk, n_sig

    def key_from_seed(self, seed):
        return self.private_type.from_seed_bytes(seed)

    def fresh(self):
        return self.private_type.generate()

    def public(self, key):
        return key.public_key().public_bytes_raw()

    def sign(self, key, message):
        return key.sign(message)

    def verify(self, public, message, signature):
        self.public_type.from_public_bytes(public).verify(signature, message)


SIGNATURES = {
    "Ed25519": Ed25519(),
    "ECDSA-P256": EcdsaP256(),
    "ML-DSA-65": MlDsa(mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey, 1952, 3309),
    "ML-DSA-87": MlDsa(mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey, 2592, 4627),
}


class HybridSignature:
    def __init__(self, name: str):
        self.name, self.names = name, name.split("+")
        self.parts = [SIGNATURES[part] for part in self.names]

    def frame(self, message: bytes) -> bytes:
        name = self.name.encode()
        lengths = len(name).to_bytes(2, "big"), len(message).to_bytes(8, "big")
        return b"pqfw-hybrid-sig-1" + lengths[0] + name + lengths[1] + message

    def keys_from_seed(self, seed: bytes):
        pairs = zip(self.parts, self.names)
        return [part.key_from_seed(part_seed(seed, name, part.n_seed)) for part, name in pairs]

    def fresh(self):
        return [part.fresh() for part in self.parts]

    def public(self, keys) -> bytes:
        return b"".join(part.public(key) for part, key in zip(self.parts, keys))

    def sign(self, keys, message: bytes) -> bytes:
        framed, out = self.frame(message), b""
        for part, key in zip(self.parts, keys):
            signature = part.sign(key, framed)
            out += (len(signature).to_bytes(4, "big") if part.variable else b"") + signature
        return out

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        framed, accepted = self.frame(message), True
        keys = split(public, [part.n_vk for part in self.parts])
        for part, key in zip(self.parts, keys):
            length = part.n_sig
            if part.variable:
                length, signature = int.from_bytes(signature[:4], "big"), signature[4:]
            own, signature = signature[:length], signature[length:]
            try:
                part.verify(key, framed, own)
            except InvalidSignature:
                accepted = False
        return accepted and not signature
