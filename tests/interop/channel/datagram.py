"""A channel over datagrams (docs/protocols/channel.md, 6): flights in parts, tokens, sealed data.

Neither side owns a socket or a clock: `receive` and `tick` take the time and give datagrams.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import Counter, OrderedDict

import messages as m
from handshake import Config, Endpoint, Initiator, Responder
from messages import Failure, PeerAlert
from records import ALERT, DATA, pad, split_records, unpad
from sealed import EpochOver, Epochs, Receiver, epoch_of

PART, DEMAND, SEALED = 30, 31, 32
HEAD_BYTES, PART_BYTES, DATA_HEAD_BYTES = 34, 1_200, 25
MAX_FLIGHT_BYTES, MAX_ATTEMPTS, MAX_PARTS_BYTES = 524_288, 1_024, 8 << 20
FIRST_REPEAT_SECONDS, REPEATS, REPEAT_GAP_SECONDS, TOKEN_SECONDS = 1, 6, 0.5, 64
ANSWER_TO = {1: 2, 3: 4, 5: 6}
NO_TOKEN = bytes(16)


def parts(attempt: bytes, flight: int, token: bytes, data: bytes) -> list[bytes]:
    room = PART_BYTES - HEAD_BYTES
    head = bytes([PART]) + attempt + bytes([flight]) + token + len(data).to_bytes(4, "big")
    return [
        head + offset.to_bytes(4, "big") + data[offset : offset + room]
        for offset in range(0, len(data), room)
    ]


class Part:
    def __init__(self, datagram: bytes):
        if not HEAD_BYTES < len(datagram) <= PART_BYTES:
            raise Failure(m.DECODE_ERROR, f"a part of {len(datagram)} bytes")
        self.attempt, self.flight = datagram[1:9], datagram[9]
        self.token, self.bytes = datagram[10:26], datagram[34:]
        self.total = int.from_bytes(datagram[26:30], "big")
        self.offset = int.from_bytes(datagram[30:34], "big")
        if self.total > MAX_FLIGHT_BYTES or self.offset + len(self.bytes) > self.total:
            raise Failure(m.DECODE_ERROR, "a part beyond its flight")


class Assembly:
    """The parts of one flight. Silent: of two that overlap the first stays."""

    def __init__(self, total: int):
        self.data, self.have, self.total = bytearray(total), bytearray(total), total

    def add(self, part: Part) -> bytes | None:
        if part.total != self.total:
            return None
        for at, byte in enumerate(part.bytes, part.offset):
            if not self.have[at]:
                self.data[at], self.have[at] = byte, 1
        return bytes(self.data) if all(self.have) else None


class DataChannel:
    """Sealed datagrams of one open session, one side's view."""

    def __init__(self, endpoint: Endpoint):
        s, initiates = endpoint.schedule, isinstance(endpoint, Initiator)
        mine, theirs = (s.c_ap, s.s_ap) if initiates else (s.s_ap, s.c_ap)
        self.session, self.peer_spki = endpoint.session, endpoint.peer_spki
        self.sender, self.receiver = Epochs(endpoint.suite, mine), Receiver(endpoint.suite, theirs)
        self.counter = 1  # Silent for the initiator: `welcome` took 0 of the responder's
        self.received: list[bytes] = []
        self.peer_closed = False

    def seal(self, content: bytes, inner: int = DATA, zeros: int = 0) -> bytes:
        counter, self.counter = self.counter, self.counter + 1
        key = self.sender.key(epoch_of(counter))
        self.sender.advance(epoch_of(counter))
        head = bytes([SEALED]) + self.session + counter.to_bytes(8, "big")
        return head + key.seal(counter, pad(content, inner, zeros), head)

    def open(self, datagram: bytes) -> None:
        """Anything wrong is dropped without a word."""
        head, sealed = datagram[:DATA_HEAD_BYTES], datagram[DATA_HEAD_BYTES:]
        counter = int.from_bytes(head[17:], "big")
        if len(head) != DATA_HEAD_BYTES or not self.receiver.window.allows(counter):
            return
        try:
            plain = self.receiver.open(counter, sealed, head)
            if plain is None:
                return
            inner, content = unpad(plain)
        except (EpochOver, Failure):
            return
        if inner == DATA and not self.peer_closed:
            self.received.append(content)
        elif inner == ALERT:
            self.peer_closed = True

    def close(self) -> bytes:
        return self.seal(bytes([m.CLOSE_NOTIFY]), ALERT)


def feed(endpoint: Endpoint, flight: bytes) -> bytes:
    for kind, body in split_records(flight):
        endpoint.receive(kind, body)
    return endpoint.take()


class DatagramInitiator:
    def __init__(self, config: Config, now: float):
        self.endpoint, self.attempt = Initiator(config, m.DATAGRAM), os.urandom(8)
        self.token, self.channel = NO_TOKEN, None
        self.begin(1, self.endpoint.start(), now)

    def begin(self, flight: int, data: bytes, now: float) -> None:
        self.flight, self.data, self.assembly = flight, data, None
        self.repeats, self.wait, self.due = 0, FIRST_REPEAT_SECONDS, now + FIRST_REPEAT_SECONDS

    def flight_parts(self) -> list[bytes]:
        return parts(self.attempt, self.flight, self.token, self.data)

    def tick(self, now: float) -> list[bytes]:
        if self.channel or now < self.due:
            return []
        if self.repeats == REPEATS:
            raise TimeoutError("the responder does not answer")
        self.repeats, self.wait = self.repeats + 1, self.wait * 2
        self.due = now + self.wait
        return self.flight_parts()

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        kind = datagram[:1]
        if kind == bytes([SEALED]):
            if self.channel and datagram[1:17] == self.channel.session:
                self.channel.open(datagram)
        elif kind == bytes([DEMAND]) and len(datagram) == 25 and datagram[1:9] == self.attempt:
            # Silent: one token for each flight, so that demands cannot be made to multiply parts.
            if self.flight == 1 and self.token != datagram[9:]:
                self.token = datagram[9:]
                return self.flight_parts()
        elif kind == bytes([PART]) and not self.channel:
            return self.part(datagram, now)
        return []

    def part(self, datagram: bytes, now: float) -> list[bytes]:
        try:
            part = Part(datagram)
        except Failure:
            return []
        if part.attempt != self.attempt or part.flight != ANSWER_TO[self.flight]:
            return []
        self.assembly = self.assembly or Assembly(part.total)
        whole = self.assembly.add(part)
        if whole is None:
            return []
        try:
            out = feed(self.endpoint, whole)
        except PeerAlert as alert:
            if alert.sealed:
                raise
            self.assembly = None  # Silent: a hint, and anybody's; the real flight may come yet
            return []
        if self.endpoint.state == "open":
            self.channel = DataChannel(self.endpoint)
            return []
        self.begin(5 if self.endpoint.state == "offered" else 3, out, now)
        return self.flight_parts()


class _Attempt:
    def __init__(self, config: Config):
        self.endpoint = Responder(config, m.DATAGRAM)
        self.assemblies: dict[int, Assembly] = {}
        self.answers: dict[int, bytes] = {}  # flight → its answer, kept byte for byte
        self.sent: dict[int, float] = {}
        self.times: Counter[int] = Counter()

    def size(self) -> int:
        return sum(one.total for one in self.assemblies.values())


class DatagramResponder:
    def __init__(self, config: Config):
        self.config, self.token_key = config, os.urandom(32)
        self.attempts: OrderedDict[tuple[bytes, bytes], _Attempt] = OrderedDict()
        self.channels: dict[bytes, DataChannel] = {}

    def token(self, address: bytes, now: float) -> bytes:
        data = b"pqfw1 token" + int(now // TOKEN_SECONDS).to_bytes(8, "big") + address
        return hmac.new(self.token_key, data, hashlib.sha256).digest()[:16]

    def token_fits(self, token: bytes, address: bytes, now: float) -> bool:
        slots = (now, now - TOKEN_SECONDS)
        return any(
            hmac.compare_digest(token, self.token(address, one)) for one in slots if one >= 0
        )

    def receive(self, datagram: bytes, address: bytes, now: float) -> list[bytes]:
        """What goes back to the address."""
        if datagram[:1] == bytes([SEALED]):
            channel = self.channels.get(datagram[1:17])
            if channel:
                channel.open(datagram)
            return []
        if datagram[:1] != bytes([PART]):
            return []
        try:
            part = Part(datagram)
        except Failure:
            return []
        if part.flight not in ANSWER_TO:
            return []
        key = (address, part.attempt)
        if key not in self.attempts:
            # Silent: an attempt that is known has shown its address; its token may have run out.
            if not self.token_fits(part.token, address, now):
                demand = bytes([DEMAND]) + part.attempt + self.token(address, now)
                return [demand] if part.flight == 1 else []
            if part.flight == 3:
                return []
            self.attempts[key] = _Attempt(self.config)
        return self.part(self.attempts[key], part, now)

    def part(self, attempt: _Attempt, part: Part, now: float) -> list[bytes]:
        if part.flight not in attempt.answers:
            whole = attempt.assemblies.setdefault(part.flight, Assembly(part.total)).add(part)
            self.make_room()
            if whole is None or not self.answer(attempt, part.flight, whole):
                return []
        elif now - attempt.sent[part.flight] < REPEAT_GAP_SECONDS:
            return []
        # Silent: a bound, since replayed parts of ours would else make it send for ever.
        if attempt.times[part.flight] > REPEATS:
            return []
        attempt.times[part.flight] += 1
        attempt.sent[part.flight] = now
        answer = attempt.answers[part.flight]
        return parts(part.attempt, ANSWER_TO[part.flight], part.token, answer)

    def answer(self, attempt: _Attempt, flight: int, whole: bytes) -> bool:
        endpoint = attempt.endpoint
        del attempt.assemblies[flight]
        before = endpoint.recv_key and endpoint.recv_key.number
        try:
            attempt.answers[flight] = feed(endpoint, whole)
        except PeerAlert:
            return False
        except Failure as failure:
            # Silent: junk ends nothing; what opened and is wrong is answered by an alert.
            if before is not None and endpoint.recv_key.number == before:
                return False
            attempt.answers[flight] = endpoint.alert(failure.code)
        if endpoint.state == "open":
            self.channels[endpoint.session] = DataChannel(endpoint)
        return True

    def make_room(self) -> None:
        while (
            len(self.attempts) > MAX_ATTEMPTS
            or sum(one.size() for one in self.attempts.values()) > MAX_PARTS_BYTES
        ):
            self.attempts.popitem(last=False)
