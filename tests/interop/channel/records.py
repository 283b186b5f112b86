"""The records of a stream (docs/protocols/channel.md, 4); flights elsewhere are made of them too."""

from __future__ import annotations

from algorithms import Suite, TrafficKey, v32
from messages import (
    BAD_RECORD_MAC,
    DECODE_ERROR,
    MAX_BODY_BYTES,
    RECORD_OVERFLOW,
    UNEXPECTED_MESSAGE,
    Failure,
)

ALERT, HANDSHAKE, PROTECTED, DATA = 21, 22, 23, 23
MAX_CONTENT_BYTES = 16_384
MAX_TAG_BYTES = 16


def record(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + v32(body)


class RecordReader:
    """Splits what arrives, refusing a long record by its head."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data: bytes) -> None:
        self.buffer += data

    def next(self) -> tuple[int, bytes] | None:
        if len(self.buffer) < 5:
            return None
        kind, length = self.buffer[0], int.from_bytes(self.buffer[1:5], "big")
        if kind not in (ALERT, HANDSHAKE, PROTECTED):
            raise Failure(UNEXPECTED_MESSAGE, f"a record of kind {kind}")
        if length > MAX_BODY_BYTES + 1 + MAX_TAG_BYTES:
            raise Failure(RECORD_OVERFLOW, f"a record of {length} bytes")
        if len(self.buffer) < 5 + length:
            return None
        body, self.buffer = self.buffer[5 : 5 + length], self.buffer[5 + length :]
        return kind, body


def split_records(data: bytes) -> list[tuple[int, bytes]]:
    """All records of a whole flight; nothing may be left."""
    reader, found = RecordReader(), []
    reader.feed(data)
    while (one := reader.next()) is not None:
        found.append(one)
    if reader.buffer:
        raise Failure(DECODE_ERROR, "a flight ends inside a record")
    return found


def pad(content: bytes, inner: int, zeros: int = 0) -> bytes:
    return content + bytes([inner]) + bytes(zeros)


def unpad(plain: bytes) -> tuple[int, bytes]:
    stripped = plain.rstrip(b"\0")
    if not stripped:
        raise Failure(UNEXPECTED_MESSAGE, "a content of zeros alone")
    return stripped[-1], stripped[:-1]


class RecordKey:
    """A traffic key with its running number."""

    def __init__(self, suite: Suite, secret: bytes):
        self.suite, self.key, self.number = suite, TrafficKey(suite, secret), 0

    def seal(self, content: bytes, inner: int, zeros: int = 0) -> bytes:
        plain = pad(content, inner, zeros)
        length = len(plain) + self.suite.aead.tag_bytes
        head = bytes([PROTECTED]) + length.to_bytes(4, "big")
        sealed = self.key.seal(self.number, plain, head)
        self.number += 1
        return head + sealed

    def open(self, body: bytes) -> tuple[int, bytes]:
        head = bytes([PROTECTED]) + len(body).to_bytes(4, "big")
        plain = self.key.open(self.number, body, head)
        if plain is None:
            raise Failure(BAD_RECORD_MAC, f"record {self.number} does not open")
        self.number += 1
        inner, content = unpad(plain)
        limit = MAX_BODY_BYTES if inner == HANDSHAKE else MAX_CONTENT_BYTES
        if len(plain) - 1 > limit:
            raise Failure(RECORD_OVERFLOW, f"{len(plain) - 1} bytes in a record of inner {inner}")
        return inner, content

    def updated(self) -> RecordKey:
        return RecordKey(self.suite, self.suite.update(self.key.secret))
