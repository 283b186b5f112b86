"""Alerts and handshake messages: bytes and back (docs/protocols/channel.md, 2 and 7)."""

from __future__ import annotations

from dataclasses import dataclass, field

from algorithms import v8, v16, v32

CLOSE_NOTIFY, UNEXPECTED_MESSAGE, BAD_RECORD_MAC, RECORD_OVERFLOW = 0, 10, 20, 22
HANDSHAKE_FAILURE, BAD_IDENTITY, ILLEGAL_PARAMETER, UNKNOWN_PEER = 40, 42, 47, 48
DECODE_ERROR, DECRYPT_ERROR, INTERNAL_ERROR, NO_APPLICATION_PROTOCOL = 50, 51, 80, 120

HELLO, ANSWER, RETRY, TERMS, IDENTITY, PROOF, FINISHED, WELCOME = range(1, 9)
KEY_UPDATE, FRESH_OFFER, FRESH_ANSWER, FRESH_DONE, MESSAGE_HASH = 9, 10, 11, 12, 254

STREAM, EXCHANGE, DATAGRAM = 0, 1, 2
VERSION, IDENTITY_SPKI = 1, 1
MAX_BODY_BYTES = 262_144
MAX_SUITES, MAX_NAME_BYTES, MAX_PROTOCOL_BYTES, MAX_COOKIE_BYTES = 64, 255, 64, 255


class Failure(Exception):
    """What this side found wrong, with the alert that says so."""

    def __init__(self, code: int, text: str):
        super().__init__(f"{text} (alert {code})")
        self.code = code


class PeerAlert(Exception):
    """The other side's alert. `sealed` is false for one that anybody could have written."""

    def __init__(self, code: int, sealed: bool):
        super().__init__(f"the peer sent alert {code}{'' if sealed else ', in the clear'}")
        self.code, self.sealed = code, sealed


class Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise Failure(DECODE_ERROR, "a structure is cut short")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    def name(self, low: int, high: int) -> str:
        raw = self.vector(2)
        if not low <= len(raw) <= high:
            raise Failure(ILLEGAL_PARAMETER, f"a name of {len(raw)} bytes")
        if any(not 0x21 <= byte <= 0x7E for byte in raw):
            raise Failure(ILLEGAL_PARAMETER, "a name is not printable ASCII without spaces")
        return raw.decode()

    def suites(self) -> list[str]:
        count = self.number(1)
        if not 1 <= count <= MAX_SUITES:
            raise Failure(ILLEGAL_PARAMETER, f"{count} suites")
        names = [self.name(1, MAX_NAME_BYTES) for _ in range(count)]
        if len(set(names)) != count:
            raise Failure(ILLEGAL_PARAMETER, "a suite stands twice")
        return names

    def version(self) -> None:
        version = self.number(1)
        if version != VERSION:
            raise Failure(ILLEGAL_PARAMETER, f"version {version}")

    def end(self) -> None:
        if self.at != len(self.data):
            raise Failure(DECODE_ERROR, "bytes after the last field")


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + v32(body)


def split_message(data: bytes) -> tuple[int, bytes]:
    reader = Reader(data)
    kind = reader.number(1)
    length = reader.number(4)
    if length > MAX_BODY_BYTES:
        raise Failure(DECODE_ERROR, f"a message of {length} bytes")
    body = reader.take(length)
    reader.end()
    return kind, body


def names_list(names: list[str]) -> bytes:
    return bytes([len(names)]) + b"".join(v16(name.encode()) for name in names)


@dataclass
class Hello:
    delivery: int
    random: bytes
    protocol: str
    policy: str
    suites: list[str]
    share: int
    ek: bytes
    cookie: bytes = b""

    def encode(self) -> bytes:
        body = bytes([VERSION, self.delivery]) + self.random
        body += v16(self.protocol.encode()) + v16(self.policy.encode()) + names_list(self.suites)
        body += bytes([self.share]) + v32(self.ek) + v16(self.cookie)
        return message(HELLO, body)

    @classmethod
    def decode(cls, body: bytes) -> Hello:
        r = Reader(body)
        r.version()
        delivery, random = r.number(1), r.take(32)
        protocol, policy = r.name(1, MAX_PROTOCOL_BYTES), r.name(0, MAX_NAME_BYTES)
        suites, share, ek, cookie = r.suites(), r.number(1), r.vector(4), r.vector(2)
        r.end()
        if share >= len(suites):
            raise Failure(ILLEGAL_PARAMETER, "the share is of no suite")
        if len(cookie) > MAX_COOKIE_BYTES:
            raise Failure(ILLEGAL_PARAMETER, f"a cookie of {len(cookie)} bytes")
        return cls(delivery, random, protocol, policy, suites, share, ek, cookie)


@dataclass
class Answer:
    random: bytes
    suite: str
    ct: bytes = field(repr=False)
    session: bytes

    def encode(self) -> bytes:
        body = bytes([VERSION]) + self.random + v16(self.suite.encode())
        return message(ANSWER, body + v32(self.ct) + v8(self.session))

    @classmethod
    def decode(cls, body: bytes) -> Answer:
        r = Reader(body)
        r.version()
        answer = cls(r.take(32), r.name(1, MAX_NAME_BYTES), r.vector(4), r.vector(1))
        r.end()
        return answer


@dataclass
class Retry:
    suite: str
    cookie: bytes

    def encode(self) -> bytes:
        return message(RETRY, bytes([VERSION]) + v16(self.suite.encode()) + v16(self.cookie))

    @classmethod
    def decode(cls, body: bytes) -> Retry:
        r = Reader(body)
        r.version()
        retry = cls(r.name(1, MAX_NAME_BYTES), r.vector(2))
        r.end()
        if not 1 <= len(retry.cookie) <= MAX_COOKIE_BYTES:
            raise Failure(ILLEGAL_PARAMETER, f"a cookie of {len(retry.cookie)} bytes")
        return retry


@dataclass
class Terms:
    policy: str
    suites: list[str]

    def encode(self) -> bytes:
        return message(TERMS, v16(self.policy.encode()) + names_list(self.suites))

    @classmethod
    def decode(cls, body: bytes) -> Terms:
        r = Reader(body)
        terms = cls(r.name(0, MAX_NAME_BYTES), r.suites())
        r.end()
        return terms


def encode_identity(spki: bytes) -> bytes:
    return message(IDENTITY, bytes([IDENTITY_SPKI]) + v32(spki))


def decode_identity(body: bytes) -> bytes:
    r = Reader(body)
    kind, spki = r.number(1), r.vector(4)
    r.end()
    if kind != IDENTITY_SPKI:
        raise Failure(BAD_IDENTITY, f"an identity of type {kind}")
    return spki


def decode_vector(body: bytes) -> bytes:
    """The one v32 of `proof`, `fresh_offer` and `fresh_answer`."""
    r = Reader(body)
    value = r.vector(4)
    r.end()
    return value


def decode_empty(body: bytes) -> None:
    Reader(body).end()


def agreed(own: list[str], offer: list[str]) -> str | None:
    """The rule of section 1: the first of the responder's list that is in the offer."""
    return next((name for name in own if name in offer), None)
