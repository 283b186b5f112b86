#!/usr/bin/env python3
"""PQVPN's recorded handshakes, read by code written from docs/protocols/pqvpn.md alone.

    test_against.py [--pqfw BINARY]

The binary is not used: it has no PQVPN yet. The last line is `N passed, M failed`; exit status 1
on any failure.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "hybrid"))
from peer import KEMS, SIGNATURES, HybridKem, HybridSignature  # noqa: E402

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: E402

VECTORS = ROOT / "profiles" / "pqvpn" / "vectors" / "handshake.json"


def der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        head = bytes([length])
    else:
        digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
        head = bytes([0x80 | len(digits)]) + digits
    return bytes([tag]) + head + content


def oid(text: str) -> bytes:
    first, second, *arcs = map(int, text.split("."))
    out = bytes([40 * first + second])
    for arc in arcs:
        digits = [arc & 127]
        while arc := arc >> 7:
            digits.insert(0, 128 | arc & 127)
        out += bytes(digits)
    return der(6, out)


def spki(name: str, key: bytes) -> bytes:
    bare = {"X25519": "1.3.101.110", "Ed25519": "1.3.101.112"}
    if name in bare:
        identifier = oid(bare[name])
    else:
        identifier = oid("1.3.9999.112.113.102.119.1") + der(12, name.encode())
    return der(0x30, der(0x30, identifier) + der(3, b"\0" + key))


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def mac256(key: bytes, *parts: bytes) -> bytes:
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


class Single:
    """A KEM or signature that is no hybrid, with a hybrid's interface."""

    def __init__(self, part):
        self.part, self.parts = part, [part]

    def keys_from_seed(self, seed):
        return self.part.key_from_seed(seed)

    def public(self, key):
        return self.part.public(key)

    def decapsulate(self, key, ct):
        return self.part.decapsulate(key, ct)

    def verify(self, public, message, signature):
        self.part.verify(public, message, signature)


class Hybrid(HybridSignature):
    def verify(self, public, message, signature):
        framed = self.frame(message)
        for part in self.parts:
            own, public = public[: part.n_vk], public[part.n_vk :]
            one, signature = signature[: part.n_sig], signature[part.n_sig :]
            part.verify(own, framed, one)
        assert not public and not signature


class Suite:
    def __init__(self, name: str):
        self.name = name
        self.kem_name, self.signature_name, aead, kdf = name.split("/")
        assert aead == "ChaCha20-Poly1305"
        self.hash = {"HKDF-SHA256": "sha256", "HKDF-SHA512": "sha512"}[kdf]
        self.size = hashlib.new(self.hash).digest_size
        hybrid = "+" in self.kem_name
        self.kem = HybridKem(self.kem_name) if hybrid else Single(KEMS[self.kem_name])
        hybrid = "+" in self.signature_name
        self.signature = (
            Hybrid(self.signature_name) if hybrid else Single(SIGNATURES[self.signature_name])
        )

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        return hmac.new(salt, ikm, self.hash).digest()

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        out, block, count = b"", b"", 1
        while len(out) < length:
            block = hmac.new(prk, block + info + bytes([count]), self.hash).digest()
            out, count = out + block, count + 1
        return out[:length]

    def peer_id(self, verifying: bytes, kem: bytes) -> bytes:
        signature = sha256(spki(self.signature_name, verifying))
        return sha256(b"pqvpn/2 id", signature, sha256(spki(self.kem_name, kem)))


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        assert len(part) == count, "the message is too short"
        self.at += count
        return part

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def rest(self) -> bytes:
        return self.take(len(self.data) - self.at)


class Schedule:
    def __init__(self, suite: Suite):
        self.suite = suite
        self.ck = suite.extract(b"pqvpn/2", suite.name.encode())
        self.fields = b""
        self.field(b"pqvpn/2")
        self.field(suite.name.encode())

    def field(self, data: bytes) -> None:
        self.fields += len(data).to_bytes(4, "big") + data

    def mix(self, secret: bytes) -> None:
        self.ck = self.suite.extract(self.ck, secret)

    @property
    def h(self) -> bytes:
        return hashlib.new(self.suite.hash, self.fields).digest()

    def key(self, label: str, length: int) -> bytes:
        return self.suite.expand(self.ck, b"pqvpn/2 " + label.encode() + self.h, length)

    def open(self, label: str, sealed: bytes) -> bytes:
        plain = ChaCha20Poly1305(self.key(label, 32)).decrypt(bytes(12), sealed, self.h)
        self.field(sealed)
        return plain


class Person:
    def __init__(self, suite: Suite, record: dict):
        self.kem_key = suite.kem.keys_from_seed(bytes.fromhex(record["kem_seed"]))
        self.kem = suite.kem.public(self.kem_key)
        signing = suite.signature.keys_from_seed(bytes.fromhex(record["signature_seed"]))
        self.verifying = suite.signature.public(signing)
        self.id = suite.peer_id(self.verifying, self.kem)
        assert "sha256:" + self.id.hex() == record["peer_id"], "the identities differ"


def rotation(suite: Suite, statement: bytes, former: Person, to: bytes) -> None:
    reader = Reader(statement)
    assert reader.take(len(former.verifying)) == former.verifying
    assert reader.take(32) == sha256(spki(suite.kem_name, former.kem))
    text = b"pqfw/1 pqvpn/2 rotation\0" + former.id + to
    suite.signature.verify(former.verifying, text, reader.rest())


def check_token(case: dict) -> None:
    ticket, token = bytes.fromhex(case["ticket"]), bytes.fromhex(case["token"])
    nonce, _, expiry = ticket[:32], ticket[32], ticket[33:]
    address = bytes(10) + b"\xff\xff" + socket.inet_aton(case["address"])
    text = b"\x01" + address + struct.pack(">HI", case["port"], case["indices"][0]) + nonce + expiry
    assert mac256(bytes.fromhex(case["mint_secret"]), text) == token


def message(frames: list[str], kind: int, token: bytes, ticket: bytes, indices) -> bytes:
    out = b""
    for number, frame in enumerate(map(bytes.fromhex, frames)):
        head, body, mac = frame[:16], frame[16:-16], frame[-16:]
        expected = struct.pack(
            ">BBHIIHBB", 2, kind, 0, *indices, len(frame) - 16, number, len(frames)
        )
        assert head == expected and len(frame) <= 1232
        assert mac256(token, head, body)[:16] == mac
        assert body.startswith(ticket)
        out += body[len(ticket) :]
    return out


def check_handshake(case: dict) -> None:
    suite = Suite(case["suite"])
    near, far = Person(suite, case["initiator"]), Person(suite, case["responder"])
    former = Person(suite, case["former"])
    ticket, token = bytes.fromhex(case["ticket"]), bytes.fromhex(case["token"])
    i_index, r_index = case["indices"]
    hello = bytes.fromhex(case["hello"])
    nonce, suite_id = hello[:32], sha256(suite.name.encode())[:4]
    assert hello[32:37] == b"\x01" + suite_id and not any(hello[37:])
    assert len(hello) == 1200 - 32

    s1 = Reader(message(case["s1_frames"], 1, token, ticket, (i_index, 0)))
    assert s1.data == bytes.fromhex(case["s1"])
    assert s1.take(4) == suite_id and s1.take(32) == nonce
    assert s1.take(5) == b"\x01" + suite_id
    n_ct = sum(part.n_ct for part in suite.kem.parts)
    schedule = Schedule(suite)
    for field in (far.id, ticket, i_index.to_bytes(4, "big"), nonce, suite_id):
        schedule.field(field)
    ct = s1.take(n_ct)
    schedule.field(ct)
    schedule.mix(suite.kem.decapsulate(far.kem_key, ct))
    assert schedule.open("S1 identity", s1.take(64 + 16)) == near.id + former.id
    schedule.field(near.id + former.id)
    schedule.field(s1.take(len(near.kem)))
    h = schedule.h
    payload = Reader(schedule.open("S1 payload", s1.rest()))
    assert payload.take(len(near.verifying)) == near.verifying
    assert payload.take(len(near.kem)) == near.kem
    rotation(suite, payload.take(payload.number(2)), former, near.id)
    assert payload.number(1) == 2
    signed, signature = payload.data[: payload.at], payload.rest()
    suite.signature.verify(near.verifying, b"pqfw/1 pqvpn/2 S1\0" + h + signed, signature)

    s2 = Reader(message(case["s2_frames"], 2, token, b"", (r_index, i_index)))
    assert s2.data == bytes.fromhex(case["s2"])
    schedule.field(r_index.to_bytes(4, "big"))
    schedule.field(s2.take(n_ct))
    schedule.mix(bytes.fromhex(case["ephemeral_secret"]))
    ct = s2.take(n_ct)
    schedule.field(ct)
    schedule.mix(suite.kem.decapsulate(near.kem_key, ct))
    h = schedule.h
    payload = Reader(schedule.open("S2 payload", s2.rest()))
    assert payload.number(1) == 3
    payload.take(4 + 37 + 32)
    signed, signature = payload.data[: payload.at], payload.rest()
    suite.signature.verify(far.verifying, b"pqfw/1 pqvpn/2 S2\0" + h + signed, signature)

    assert schedule.key("session id", 8).hex() == case["session_id"]
    assert schedule.key("i2r", suite.size).hex() == case["i2r"]
    assert schedule.key("r2i", suite.size).hex() == case["r2i"]
    exporter = schedule.key("exporter", suite.size)
    assert suite.expand(exporter, b"pqvpn/2 export a label", 40).hex() == case["export"]


def check_data(case: dict) -> None:
    suite = Suite(case["suite"])
    chain = suite.expand(bytes.fromhex(case["i2r"]), b"pqvpn/2 shard\x01", suite.size)
    second = suite.expand(chain, b"pqvpn/2 next", suite.size)
    packet = bytes.fromhex(case["packet"])
    # The third was sealed 120 seconds after the first: the next epoch.
    expected = [(chain, 0), (chain, 1), (second, 1 << 20)]
    for (secret, counter), frame in zip(expected, map(bytes.fromhex, case["data_frames"])):
        head = struct.pack(">BBBBIQ", 2, 3, 1, 0, case["indices"][1] | 1, counter)
        assert frame[:16] == head
        key = suite.expand(secret, b"pqvpn/2 key", 32)
        nonce = bytes(4) + counter.to_bytes(8, "little")
        plain = ChaCha20Poly1305(key).decrypt(nonce, frame[16:], head)
        assert plain == packet + bytes(128 - len(packet))


def check_record(case: dict) -> None:
    suite = Suite(case["suite"])
    near, former = Person(suite, case["initiator"]), Person(suite, case["former"])
    record = Reader(bytes.fromhex(case["record"]))
    assert record.number(1) == 2
    assert record.take(record.number(2)).decode() == suite.kem_name
    assert record.take(record.number(2)).decode() == suite.signature_name
    assert record.take(record.number(4)) == near.verifying
    assert record.take(record.number(4)) == near.kem
    assert record.take(record.number(4)) == b"\1\2\3"
    assert record.number(1) == 1 and record.number(8) == 4_102_444_800
    rotation(suite, record.take(record.number(2)), former, near.id)
    signed, signature = record.data[: record.at], record.rest()
    suite.signature.verify(near.verifying, b"pqfw/1 pqvpn/2 record\0" + signed, signature)


def main() -> int:
    cases = json.loads(VECTORS.read_text())["cases"]
    passed = failed = 0
    for case in cases:
        for check in (check_token, check_handshake, check_data, check_record):
            name = f"{check.__name__} {case['suite']}"
            try:
                check(case)
            except Exception as error:  # a check that cannot go on has failed
                failed += 1
                print(f"FAIL {name}: {type(error).__name__} {error}")
            else:
                passed += 1
                print(f"ok   {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
