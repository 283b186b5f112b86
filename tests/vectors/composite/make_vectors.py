"""Makes composite.kat: composite ML-DSA of draft-ietf-lamps-pq-composite-sigs-19, with contexts, by
Python packages that share no code with ours.

    pip install dilithium-py==1.5.1 cryptography==50.0.2 pycryptodome
    python make_vectors.py > composite.kat
    python make_vectors.py check ID FILE   # verifies vk, message, context, signature of each case

The keys come from a seed. ECDSA draws its own randomness, so a second run gives other signatures.
"""

import hashlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dilithium_py.ml_dsa import ML_DSA_44, ML_DSA_65, ML_DSA_87

# Section 6: ML-DSA, bytes of its public key and signature, the other component, the pre-hash.
SETS = {
    "MLDSA44-Ed25519-SHA512": (ML_DSA_44, 1312, 2420, None, None, "sha512"),
    "MLDSA44-ECDSA-P256-SHA256": (ML_DSA_44, 1312, 2420, ec.SECP256R1(), hashes.SHA256(), "sha256"),
    "MLDSA65-ECDSA-P256-SHA512": (ML_DSA_65, 1952, 3309, ec.SECP256R1(), hashes.SHA256(), "sha512"),
    "MLDSA65-ECDSA-P384-SHA512": (ML_DSA_65, 1952, 3309, ec.SECP384R1(), hashes.SHA384(), "sha512"),
    "MLDSA65-Ed25519-SHA512": (ML_DSA_65, 1952, 3309, None, None, "sha512"),
    "MLDSA87-ECDSA-P384-SHA512": (ML_DSA_87, 2592, 4627, ec.SECP384R1(), hashes.SHA384(), "sha512"),
}
# RFC 5915: what stands around the scalar, with the curve and without the public key.
AROUND = {
    "secp256r1": ("303102010104" + "20", "a00a06082a8648ce3d030107"),
    "secp384r1": ("303e02010104" + "30", "a00706052b81040022"),
}
CASES = [(b"pqfw", b"a context"), (bytes(range(256)) * 2, b"c" * 255)]


def representative(name, prehash, message, context):
    """M' of section 3.2."""
    head = b"CompositeAlgorithmSignatures2025" + b"COMPSIG-" + name.encode()
    return head + bytes([len(context)]) + context + hashlib.new(prehash, message).digest()


def traditional(curve, seed):
    """A key pair, and both keys as section 4 encodes them."""
    if curve is None:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(seed[:32])
        raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        return key, key.public_key().public_bytes(*raw), seed[:32]
    scalar = seed[: curve.key_size // 8]
    key = ec.derive_private_key(int.from_bytes(scalar, "big"), curve)
    point = serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    before, after = (bytes.fromhex(part) for part in AROUND[curve.name])
    return key, key.public_key().public_bytes(*point), before + scalar + after


def verify(name, vk, message, context, signature):
    ml_dsa, vk_bytes, bytes_of_signature, curve, digest, prehash = SETS[name]
    signed = representative(name, prehash, message, context)
    label = b"COMPSIG-" + name.encode()
    halves = signature[:bytes_of_signature], signature[bytes_of_signature:]
    if not ml_dsa.verify(vk[:vk_bytes], signed, halves[0], ctx=label):
        return False
    try:
        if curve is None:
            key = ed25519.Ed25519PublicKey.from_public_bytes(vk[vk_bytes:])
            key.verify(halves[1], signed)
        else:
            key = ec.EllipticCurvePublicKey.from_encoded_point(curve, vk[vk_bytes:])
            key.verify(halves[1], signed, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def make():
    print("# Composite ML-DSA, draft-ietf-lamps-pq-composite-sigs-19: make_vectors.py beside this file.")
    for name, (ml_dsa, _, _, curve, digest, prehash) in SETS.items():
        for number, (message, context) in enumerate(CASES):
            seed = hashlib.shake_256(f"{name} {number}".encode()).digest(32 + 48)
            public, secret = ml_dsa.key_derive(seed[:32])
            key, vk, sk = traditional(curve, b"\x3f" + seed[33:])
            vk, sk = public + vk, seed[:32] + sk
            signed = representative(name, prehash, message, context)
            first = ml_dsa.sign(secret, signed, ctx=b"COMPSIG-" + name.encode())
            second = key.sign(signed) if curve is None else key.sign(signed, ec.ECDSA(digest))
            assert verify(name, vk, message, context, first + second)
            values = {"vk": vk, "sk": sk, "message": message, "context": context}
            values["signature"] = first + second
            print(f"id = {name.encode().hex()}")
            for label, value in values.items():
                print(f"{label} = {value.hex()}".strip())
            print()


def check(name, path):
    verified = 0
    with open(path) as file:
        for case in file.read().split("\n\n"):
            lines = [line for line in case.splitlines() if line and not line.startswith("#")]
            values = dict((part.strip() for part in line.split("=")) for line in lines)
            values = {label: bytes.fromhex(value) for label, value in values.items()}
            if "id" in values and values["id"] != name.encode() or not values:
                continue
            arguments = values["message"], values.get("context", b""), values["signature"]
            assert verify(name, values["vk"], *arguments)
            assert not verify(name, values["vk"], arguments[0] + b"\0", *arguments[1:])
            verified += 1
    print(verified, "signatures verify")


if sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:4])
else:
    make()
