"""Transcript, key schedule, proofs (docs/protocols/channel.md, 3)."""

from __future__ import annotations

from algorithms import Suite, v32
from messages import MESSAGE_HASH


class Transcript:
    """The messages, hashed once the suite is known."""

    def __init__(self):
        self.bytes = b""

    def add(self, encoded: bytes) -> None:
        self.bytes += encoded

    def replace_first_hello(self, digest: bytes) -> None:
        """RFC 8446 section 4.4.1; `retry` is then added as any message."""
        self.bytes = bytes([MESSAGE_HASH]) + v32(digest)

    def hash(self, suite: Suite) -> bytes:
        return suite.hash(self.bytes)


class Schedule:
    """The secrets, in the order in which the transcript gives them."""

    def __init__(self, suite: Suite, shared: bytes, th_answer: bytes):
        self.suite = suite
        zeros, empty = bytes(suite.hash_bytes), suite.hash(b"")
        self.early = suite.extract(zeros, zeros)
        self.handshake = suite.extract(suite.derive(self.early, "derived", empty), shared)
        self.c_hs = suite.derive(self.handshake, "c hs traffic", th_answer)
        self.s_hs = suite.derive(self.handshake, "s hs traffic", th_answer)
        self.main = suite.extract(suite.derive(self.handshake, "derived", empty), zeros)

    def responder_finished(self, th: bytes) -> None:
        self.c_ap = self.suite.derive(self.main, "c ap traffic", th)
        self.s_ap = self.suite.derive(self.main, "s ap traffic", th)

    def initiator_finished(self, th: bytes) -> None:
        self.exp = self.suite.derive(self.main, "exp master", th)
        self.next = self.suite.derive(self.main, "fresh", th)
        self.stand_in = th  # what FH is made over at the next fresh exchange

    def fresh(self, shared: bytes, offer: bytes, answer: bytes) -> tuple[bytes, bytes]:
        """The new (c ap, s ap)."""
        suite = self.suite
        salt = suite.derive(self.next, "derived", suite.hash(b""))
        main = suite.extract(salt, shared)
        self.stand_in = fh = suite.hash(self.stand_in + offer + answer)
        self.next = suite.derive(main, "fresh", fh)
        self.c_ap = suite.derive(main, "c ap traffic", fh)
        self.s_ap = suite.derive(main, "s ap traffic", fh)
        return self.c_ap, self.s_ap

    def exporter(self, label: str, context: bytes, length: int) -> bytes:
        suite = self.suite
        secret = suite.derive(self.exp, label, suite.hash(b""))
        return suite.expand_label(secret, "exporter", suite.hash(context), length)


def verify_data(suite: Suite, base: bytes, th: bytes) -> bytes:
    return suite.extract(suite.expand_label(base, "finished", b"", suite.hash_bytes), th)


def signed_text(role: str, th: bytes) -> bytes:
    return b"pqfw/1 channel/" + role.encode() + b"-identity-spki\0" + th


def cookie_tag(suite: Suite, key: bytes, digest: bytes) -> bytes:
    name = suite.name.encode()
    data = b"pqfw1 retry" + len(name).to_bytes(2, "big") + name + digest
    return suite.extract(key, data)[:32]
