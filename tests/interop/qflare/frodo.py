"""FrodoKEM-640-AES of NIST round 3 (the unsalted form: eFrodoKEM-640-AES), in numpy.

Written from "FrodoKEM, Learning With Errors Key Encapsulation", 30 September 2020, sections 2.2.
For tests alone: nothing here takes constant time.
"""

from __future__ import annotations

import hashlib

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

N, NBAR, D, BITS, SECRET = 640, 8, 15, 2, 16
MASK = (1 << D) - 1
# Table 4: the cumulative distribution of the errors, as 15-bit numbers.
CDF = np.array([4643, 13363, 20579, 25843, 29227, 31145, 32103, 32525, 32689, 32745, 32762, 32766])
PUBLIC_KEY = 16 + D * N
C1 = D * N * NBAR // 8
CIPHERTEXT = C1 + D * NBAR * NBAR // 8


def shake(data: bytes, length: int) -> bytes:
    return hashlib.shake_128(data).digest(length)


def matrix_a(seed: bytes) -> np.ndarray:
    """Algorithm 7: A from AES-128 over blocks of row and column."""
    blocks = np.zeros((N, N // 8, 8), dtype="<u2")
    blocks[:, :, 0] = np.arange(N)[:, None]
    blocks[:, :, 1] = np.arange(0, N, 8)[None, :]
    encryptor = Cipher(algorithms.AES(seed), modes.ECB()).encryptor()
    stream = encryptor.update(blocks.tobytes()) + encryptor.finalize()
    return np.frombuffer(stream, dtype="<u2").reshape(N, N).astype(np.int64) & MASK


def sample(stream: bytes, rows: int, columns: int) -> np.ndarray:
    """Algorithms 5 and 6."""
    r = np.frombuffer(stream, dtype="<u2").astype(np.int64)
    magnitude = (CDF[None, :] < (r >> 1)[:, None]).sum(axis=1)
    return np.where(r & 1, -magnitude, magnitude).reshape(rows, columns)


def pack(matrix: np.ndarray) -> bytes:
    """Algorithm 3: D bits each, the most significant first."""
    shifts = np.arange(D - 1, -1, -1)
    bits = (matrix.reshape(-1, 1) & MASK) >> shifts & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


def unpack(data: bytes, rows: int, columns: int) -> np.ndarray:
    """Algorithm 4."""
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).reshape(-1, D).astype(np.int64)
    return (bits << np.arange(D - 1, -1, -1)).sum(axis=1).reshape(rows, columns)


def encode(message: bytes) -> np.ndarray:
    """Algorithm 1."""
    bits = np.unpackbits(np.frombuffer(message, dtype=np.uint8), bitorder="little")
    values = bits.reshape(-1, BITS).astype(np.int64) << np.arange(BITS)
    return values.sum(axis=1).reshape(NBAR, NBAR) << (D - BITS)


def decode(matrix: np.ndarray) -> bytes:
    """Algorithm 2."""
    values = ((matrix + (1 << (D - BITS - 1))) >> (D - BITS)) & ((1 << BITS) - 1)
    bits = (values.reshape(-1, 1) >> np.arange(BITS)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()


def keygen(random: bytes) -> tuple[bytes, bytes]:
    """Algorithm 12, from 48 random bytes: the public and the secret key."""
    s, seed_se, z = random[:16], random[16:32], random[32:48]
    seed_a = shake(z, 16)
    stream = shake(b"\x5f" + seed_se, 4 * N * NBAR)
    half = 2 * N * NBAR
    st = sample(stream[:half], NBAR, N)
    b = (matrix_a(seed_a) @ st.T + sample(stream[half:], N, NBAR)) & MASK
    public = seed_a + pack(b)
    return public, s + public + st.astype("<i2").tobytes() + shake(public, 16)


def decaps(secret: bytes, ciphertext: bytes) -> bytes:
    """Algorithm 14."""
    assert len(ciphertext) == CIPHERTEXT
    s, public = secret[:16], secret[16 : 16 + PUBLIC_KEY]
    rest = secret[16 + PUBLIC_KEY :]
    st = np.frombuffer(rest[: 2 * N * NBAR], dtype="<i2").reshape(NBAR, N).astype(np.int64)
    pkh = rest[2 * N * NBAR :]
    b1 = unpack(ciphertext[:C1], NBAR, N)
    c = unpack(ciphertext[C1:], NBAR, NBAR)
    message = decode((c - b1 @ st.T) & MASK)
    seed_and_k = shake(pkh + message, 16 + SECRET)
    seed_se, k = seed_and_k[:16], seed_and_k[16:]
    stream = shake(b"\x96" + seed_se, 2 * (2 * NBAR * N + NBAR * NBAR))
    half = 2 * NBAR * N
    s1, e1 = sample(stream[:half], NBAR, N), sample(stream[half : 2 * half], NBAR, N)
    e2 = sample(stream[2 * half :], NBAR, NBAR)
    b2 = (s1 @ matrix_a(public[:16]) + e1) & MASK
    v = (s1 @ unpack(public[16:], N, NBAR) + e2) & MASK
    same = np.array_equal(b1, b2) and np.array_equal(c, (v + encode(message)) & MASK)
    return shake(ciphertext + (k if same else s), SECRET)
