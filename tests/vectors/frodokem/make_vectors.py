"""FrodoKEM from its specification, in Python, and the known answers made with it.

Source: draft-longa-cfrg-frodokem, and for the unsalted form the NIST round 3 submission of
2021-06-04. It shares no code with any library that pqfw measures. It is not in constant time: use it
for nothing but vectors.

    pip install numpy cryptography
    python3 make_vectors.py            # checks itself, then writes framework/src/catalogue/kats
    python3 make_vectors.py --all      # the check takes all 100 counts of every official file

Before it writes anything it must reproduce (1) the digests that liboqs publishes of the official
test vectors, for all twelve algorithms: key generation and encapsulation, bit for bit; and (2) the
decapsulations that liboqs 0.13 made, forged ciphertexts included (../liboqs-0.13/primitives.json).
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

HERE = pathlib.Path(__file__).parent
KATS = HERE / "../../../framework/src/catalogue/kats"
NBAR = 8
LEN_SEED_A = 16

# n: (D, B, bytes of the shared secret, SHAKE, cumulative distribution)
PARAMETERS = {
    640: (15, 2, 16, hashlib.shake_128, [4643, 13363, 20579, 25843, 29227, 31145, 32103, 32525,
                                         32689, 32745, 32762, 32766, 32767]),
    976: (16, 3, 24, hashlib.shake_256, [5638, 15915, 23689, 28571, 31116, 32217, 32613, 32731,
                                         32760, 32766, 32767]),
    1344: (16, 4, 32, hashlib.shake_256, [9142, 23462, 30338, 32361, 32725, 32765, 32767]),
}


def aes_ecb(key, blocks):
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(blocks) + encryptor.finalize()


class Frodo:
    """One of the twelve: (n, "AES" or "SHAKE", salted or not)."""

    def __init__(self, n, generator, salted):
        self.n, self.generator, self.salted = n, generator, salted
        self.D, self.B, self.len_sec, self.xof, self.table = PARAMETERS[n]
        # The standard form doubles seedSE and adds a salt of that length.
        self.len_seed_se = 2 * self.len_sec if salted else self.len_sec
        self.len_salt = 2 * self.len_sec if salted else 0
        self.len_mu = self.B * NBAR * NBAR // 8
        self.mask = (1 << self.D) - 1
        self.name = f"{'' if salted else 'e'}FrodoKEM-{n}-{generator}"

    def shake(self, data, length):
        return self.xof(data).digest(length)

    def gen_a(self, seed):
        n = self.n
        if self.generator == "AES":
            blocks = np.zeros((n, n // 8, 8), dtype="<u2")
            blocks[:, :, 0] = np.arange(n)[:, None]
            blocks[:, :, 1] = np.arange(0, n, 8)[None, :]
            stream = aes_ecb(seed, blocks.tobytes())
        else:
            rows = (hashlib.shake_128(i.to_bytes(2, "little") + seed).digest(2 * n) for i in range(n))
            stream = b"".join(rows)
        return np.frombuffer(stream, dtype="<u2").reshape(n, n) & self.mask

    def sample(self, stream, rows, columns):
        r = np.frombuffer(stream, dtype="<u2").astype(np.int32)
        magnitude = sum((r >> 1) > bound for bound in self.table).astype(np.int32)
        return np.where(r & 1, -magnitude, magnitude).astype(np.int16).reshape(rows, columns)

    def pack(self, matrix):
        bits = np.unpackbits(matrix.astype(">u2").reshape(-1, 1).view(np.uint8), axis=1)
        return np.packbits(bits[:, 16 - self.D:]).tobytes()

    def unpack(self, data, rows, columns):
        bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8)).reshape(rows * columns, self.D)
        wide = np.zeros((rows * columns, 16), dtype=np.uint8)
        wide[:, 16 - self.D:] = bits
        return np.packbits(wide, axis=1).view(">u2").astype(np.uint16).reshape(rows, columns)

    def encode(self, mu):
        bits = np.unpackbits(np.frombuffer(mu, dtype=np.uint8), bitorder="little")
        words = bits.reshape(NBAR * NBAR, self.B) @ (1 << np.arange(self.B))
        return (words << (self.D - self.B)).astype(np.uint16).reshape(NBAR, NBAR)

    def decode(self, matrix):
        half = 1 << (self.D - self.B - 1)
        words = ((matrix.astype(np.int64) + half) >> (self.D - self.B)) % (1 << self.B)
        bits = (words.reshape(-1, 1) >> np.arange(self.B)) & 1
        return np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()

    def product(self, left, right):
        return (left.astype(np.uint16) @ right.astype(np.uint16)) & self.mask

    def keygen(self, random):
        coins = random(self.len_sec + self.len_seed_se + LEN_SEED_A)
        s, seed_se = coins[:self.len_sec], coins[self.len_sec:-LEN_SEED_A]
        seed_a = self.shake(coins[-LEN_SEED_A:], LEN_SEED_A)
        stream = self.shake(b"\x5f" + seed_se, 4 * self.n * NBAR)
        half = 2 * self.n * NBAR
        s_t = self.sample(stream[:half], NBAR, self.n)
        e = self.sample(stream[half:], self.n, NBAR)
        b = (self.product(self.gen_a(seed_a), s_t.T) + e.astype(np.uint16)) & self.mask
        pk = seed_a + self.pack(b)
        sk = s + pk + s_t.astype("<i2").tobytes() + self.shake(pk, self.len_sec)
        return pk, sk, coins

    def reencrypt(self, pk, pkh, mu, salt):
        n = self.n
        seeds = self.shake(pkh + mu + salt, self.len_seed_se + self.len_sec)
        stream = self.shake(b"\x96" + seeds[:self.len_seed_se], 2 * (2 * n + NBAR) * NBAR)
        cut = 2 * n * NBAR
        s1 = self.sample(stream[:cut], NBAR, n)
        e1 = self.sample(stream[cut:2 * cut], NBAR, n)
        e2 = self.sample(stream[2 * cut:], NBAR, NBAR)
        b1 = (self.product(s1, self.gen_a(pk[:LEN_SEED_A])) + e1.astype(np.uint16)) & self.mask
        b = self.unpack(pk[LEN_SEED_A:], n, NBAR)
        v = (self.product(s1, b) + e2.astype(np.uint16)) & self.mask
        c = (v + self.encode(mu)) & self.mask
        return self.pack(b1) + self.pack(c), seeds[self.len_seed_se:]

    def encaps(self, pk, random):
        coins = random(self.len_mu + self.len_salt)
        mu, salt = coins[:self.len_mu], coins[self.len_mu:]
        c, k = self.reencrypt(pk, self.shake(pk, self.len_sec), mu, salt)
        ct = c + salt
        return ct, self.shake(ct + k, self.len_sec), coins

    def decaps(self, sk, ct):
        n, sec = self.n, self.len_sec
        len_pk = LEN_SEED_A + self.D * n
        s, pk = sk[:sec], sk[sec:sec + len_pk]
        s_t = np.frombuffer(sk[sec + len_pk:-sec], dtype="<i2").reshape(NBAR, n)
        c, salt = ct[:len(ct) - self.len_salt], ct[len(ct) - self.len_salt:]
        b1 = self.unpack(c[:self.D * n], NBAR, n)
        c2 = self.unpack(c[self.D * n:], NBAR, NBAR)
        mu = self.decode((c2 - self.product(b1, s_t.T)) & self.mask)
        again, k = self.reencrypt(pk, sk[-sec:], mu, salt)
        return self.shake(ct + (k if again == c else s), sec)


class KatDrbg:
    """CTR_DRBG of SP 800-90A with AES-256 and no derivation function, as NIST's KAT program has it."""

    def __init__(self, entropy):
        self.key, self.v = bytes(32), 0
        self.update(entropy)

    def blocks(self, count):
        counters = [(self.v + 1 + i) % (1 << 128) for i in range(count)]
        self.v = counters[-1]
        return aes_ecb(self.key, b"".join(c.to_bytes(16, "big") for c in counters))

    def update(self, data):
        mixed = bytes(a ^ b for a, b in zip(self.blocks(3), data))
        self.key, self.v = mixed[:32], int.from_bytes(mixed[32:], "big")

    def __call__(self, length):
        out = self.blocks(-(-length // 16))[:length]
        self.update(bytes(48))
        return out


def official(frodo, counts):
    """The official test vectors: the text, and the values of its first case."""
    outer, text, first = KatDrbg(bytes(range(48))), [], None
    for count in range(counts):
        seed = outer(48)
        random = KatDrbg(seed)
        pk, sk, keygen_coins = frodo.keygen(random)
        ct, ss, encaps_coins = frodo.encaps(pk, random)
        assert frodo.decaps(sk, ct) == ss
        values = {"seed": seed, "pk": pk, "sk": sk, "ct": ct, "ss": ss}
        lines = "".join(f"{name} = {value.hex().upper()}\n" for name, value in values.items())
        text.append(f"count = {count}\n{lines}")
        first = first or values | {"keygen_coins": keygen_coins, "encaps_coins": encaps_coins}
    return "\n".join(text), first


def forged(ct):
    return bytes([ct[0] ^ 1]) + ct[1:]


def check_liboqs():
    """Decapsulates what liboqs encapsulated. Its names are those of the unsalted form."""
    made = json.loads((HERE / "../liboqs-0.13/primitives.json").read_text())["kem"]
    for name in [name for name in made if name.startswith("FrodoKEM")]:
        _, n, generator = name.split("-")
        frodo, case = Frodo(int(n), generator, False), made[name]
        value = {field: bytes.fromhex(case[field]) for field in case}
        assert frodo.decaps(value["sk"], value["ct"]) == value["ss"], name
        rejected = frodo.decaps(value["sk"], forged(value["ct"]))
        assert rejected == value["ct_tampered_first_byte_xor_1_ss"], name
        print("decapsulates as liboqs 0.13:", name)


def kat(frodo, case, digest):
    sk, ct = case["sk"], case["ct"]
    comments = [
        f"{frodo.name}, official test vectors (PQCkemKAT), count 0.",
        "Made by tests/vectors/frodokem/make_vectors.py, an implementation in Python from the",
        "specification. The SHA-256 of count 0 in NIST's format is the one that liboqs publishes:",
        f"{digest}.",
        "keygen_coins = s || seedSE || z and encaps_coins = mu || salt are what the algorithms draw.",
    ]
    values = {
        "dk": sk, "ct": ct, "ss": case["ss"], "tampered_ss": frodo.decaps(sk, forged(ct)),
        "keygen_coins": case["keygen_coins"], "encaps_coins": case["encaps_coins"],
    }
    lines = [f"# {text}" for text in comments] + [f"{k} = {v.hex()}" for k, v in values.items()]
    return "\n".join(lines) + "\n"


def main():
    everything = "--all" in sys.argv
    check_liboqs()
    published = json.loads((HERE / "liboqs_kats.json").read_text())
    for n in PARAMETERS:
        for generator in ("AES", "SHAKE"):
            for salted in (True, False):
                frodo = Frodo(n, generator, salted)
                text, case = official(frodo, 1)
                digest = hashlib.sha256(text.encode()).hexdigest()
                assert digest == published[frodo.name]["single"], frodo.name
                if everything:
                    text, _ = official(frodo, 100)
                    found = hashlib.sha256(text.encode()).hexdigest()
                    assert found == published[frodo.name]["all"], frodo.name
                (KATS / f"{frodo.name.lower()}.kat").write_text(kat(frodo, case, digest))
                print("as published:", frodo.name)


if __name__ == "__main__":
    main()
