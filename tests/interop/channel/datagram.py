"""A channel over datagrams (docs/protocols/channel.md, 6): flights in parts, tokens, sealed data.

Neither side owns a socket or a clock: `receive` and `tick` take the time and give datagrams. An
address is a host and a port.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import ipaddress
import os
from collections import OrderedDict

import messages as m
from handshake import Config, Endpoint, Initiator, Responder
from messages import Failure, PeerAlert
from records import ALERT, DATA, pad, split_records, unpad
from sealed import EpochOver, Epochs, Receiver, epoch_of

PART, DEMAND, SEALED = 30, 31, 32
HELLO, ANSWER, FINISH, WELCOME = 1, 2, 3, 4
HEAD_BYTES, PART_BYTES, DATA_HEAD_BYTES = 34, 1_100, 25
MAX_FLIGHT_BYTES, MAX_TOTALS, MAX_RETRIES, MAX_WRONG = 524_288, 4, 3, 1 << 10
SENDINGS, PAUSE_SECONDS, ATTEMPT_SECONDS, WELCOME_SECONDS = 7, 0.5, 130, 60
TOKEN_SECONDS, YOUNG_SECONDS, DAY_SECONDS, HOUR_SECONDS = 64, 2, 86_400, 3_600
MAX_ATTEMPTS, MAX_BYTES, MAX_ATTEMPTS_NEAR, MAX_BYTES_NEAR = 1_024, 8 << 20, 16, 1 << 20
NO_TOKEN = bytes(16)

Address = tuple[str, int]


def attempt_of(hello: bytes) -> bytes:
    return hashlib.sha256(hello).digest()[:8]


def parts(attempt: bytes, flight: int, token: bytes, data: bytes) -> list[bytes]:
    head = bytes([PART]) + attempt + bytes([flight]) + token + len(data).to_bytes(4, "big")
    return [
        head + offset.to_bytes(4, "big") + data[offset : offset + PART_BYTES]
        for offset in range(0, len(data), PART_BYTES)
    ]


class Part:
    """ValueError for what is no piece of a flight."""

    def __init__(self, datagram: bytes):
        self.attempt, self.flight = datagram[1:9], int.from_bytes(datagram[9:10], "big")
        self.token, self.bytes = datagram[10:26], datagram[HEAD_BYTES:]
        self.total = int.from_bytes(datagram[26:30], "big")
        self.offset = int.from_bytes(datagram[30:34], "big")
        left = self.total - self.offset
        if not HELLO <= self.flight <= WELCOME or not 0 < left <= self.total <= MAX_FLIGHT_BYTES:
            raise ValueError("outside its flight")
        if self.offset % PART_BYTES or len(self.bytes) != min(PART_BYTES, left):
            raise ValueError("cut elsewhere")


class Assembly:
    """The parts of one flight, for up to four totals."""

    def __init__(self):
        self.kept: dict[int, dict[int, bytes]] = {}
        self.votes: dict[int, int] = {}

    def size(self) -> int:
        return sum(len(piece) for pieces in self.kept.values() for piece in pieces.values())

    def add(self, part: Part) -> bytes | None:
        if part.total not in self.kept and len(self.kept) == MAX_TOTALS:
            self.votes = {total: votes - 1 for total, votes in self.votes.items()}
            self.kept = {total: one for total, one in self.kept.items() if self.votes[total]}
            if len(self.kept) == MAX_TOTALS:
                return None
        pieces = self.kept.setdefault(part.total, {})
        self.votes[part.total] = self.votes.get(part.total, 0) + 1
        pieces.setdefault(part.offset, part.bytes)
        if sum(map(len, pieces.values())) < part.total:
            return None
        del self.kept[part.total], self.votes[part.total]
        return b"".join(piece for _, piece in sorted(pieces.items()))


class DataChannel:
    """Sealed datagrams of one open session, one side's view."""

    def __init__(self, endpoint: Endpoint, now: float):
        s, self.initiates = endpoint.schedule, isinstance(endpoint, Initiator)
        mine, theirs = (s.c_ap, s.s_ap) if self.initiates else (s.s_ap, s.c_ap)
        self.session, self.peer_spki = endpoint.session, endpoint.peer_spki
        self.sender, self.receiver = Epochs(endpoint.suite, mine), Receiver(endpoint.suite, theirs)
        self.counter = 1
        self.made = self.used = now
        self.received: list[bytes] = []
        self.peer_closed = False

    def is_over(self, now: float) -> bool:
        old = now - self.made >= DAY_SECONDS + HOUR_SECONDS
        return self.peer_closed or old or now - self.used >= HOUR_SECONDS

    def seal(self, content: bytes, now: float, inner: int = DATA, zeros: int = 0) -> bytes:
        if self.is_over(now) or (self.initiates and now - self.made >= DAY_SECONDS):
            raise Failure(m.INTERNAL_ERROR, "a session that is over")
        counter, self.counter, self.used = self.counter, self.counter + 1, now
        key = self.sender.key(epoch_of(counter))
        self.sender.advance(epoch_of(counter))
        head = bytes([SEALED]) + self.session + counter.to_bytes(8, "big")
        return head + key.seal(counter, pad(content, inner, zeros), head)

    def open(self, datagram: bytes, now: float) -> None:
        """Anything wrong is dropped without a word."""
        head, sealed = datagram[:DATA_HEAD_BYTES], datagram[DATA_HEAD_BYTES:]
        counter = int.from_bytes(head[17:], "big")
        short = len(head) != DATA_HEAD_BYTES
        if short or self.is_over(now) or not self.receiver.window.allows(counter):
            return
        try:
            plain = self.receiver.open(counter, sealed, head)
        except EpochOver:
            self.peer_closed = True
            return
        if plain is None:
            return
        self.used = now
        try:
            inner, content = unpad(plain)
        except Failure:
            return
        if inner == DATA:
            self.received.append(content)
        elif inner == ALERT and len(content) == 1:
            self.peer_closed = True

    def close(self, now: float) -> bytes:
        closing = self.seal(bytes([m.CLOSE_NOTIFY]), now, ALERT)
        self.peer_closed = True
        return closing


def branch(endpoint: Endpoint) -> Endpoint:
    """A copy to try a flight on: what is wrong changes nothing."""
    tried = copy.copy(endpoint)
    for name in ("transcript", "hello", "schedule", "send_key", "recv_key"):
        setattr(tried, name, copy.copy(getattr(tried, name, None)))
    return tried


def feed(endpoint: Endpoint, flight: bytes) -> bytes:
    for kind, body in split_records(flight):
        endpoint.receive(kind, body)
    return endpoint.take()


class Flight:
    """A flight of the initiator's: sealed once, sent until it is answered."""

    def __init__(self, attempt: bytes, number: int, data: bytes, over: float, now: float):
        self.attempt, self.number, self.data, self.over = attempt, number, data, over
        self.sendings, self.due, self.demanded = 0, now, False
        self.answer = Assembly()

    def is_due(self, now: float) -> bool:
        if now < self.due or self.sendings == SENDINGS:
            return False
        self.due, self.demanded = now + (1 << self.sendings), False
        self.sendings += 1
        return True

    def send(self, token: bytes) -> list[bytes]:
        whole = parts(self.attempt, self.number, token, self.data)
        return whole[:1] if token == NO_TOKEN else whole


class DatagramInitiator:
    def __init__(self, config: Config, now: float):
        self.channel: DataChannel | None = None
        self.refusal: Exception | None = None
        self.retries: set[bytes] = set()
        self.wrong = 0
        self.hellos: dict[bytes, tuple[Endpoint, Flight]] = {}
        self.tokens: dict[bytes, bytes] = {}
        self.finish: tuple[Endpoint, Flight] | None = None
        endpoint = Initiator(config, m.DATAGRAM)
        self.offer(endpoint, endpoint.start(), now)

    def offer(self, endpoint: Endpoint, hello: bytes, now: float) -> None:
        attempt = attempt_of(hello)
        flight = Flight(attempt, HELLO, hello, now + ATTEMPT_SECONDS, now)
        self.hellos[attempt], self.tokens[attempt] = (endpoint, flight), NO_TOKEN

    def tick(self, now: float) -> list[bytes]:
        """What is sent again; TimeoutError, or the last refusal, when it is over."""
        if self.channel:
            return []
        if self.finish:
            flights = [self.finish[1]]
        else:
            flights = [flight for _, flight in self.hellos.values()]
        alive = [flight for flight in flights if now < flight.over]
        if not alive:
            raise self.refusal or TimeoutError("the responder does not answer")
        due = [flight for flight in alive if flight.is_due(now)]
        return [one for flight in due for one in flight.send(self.tokens[flight.attempt])]

    def receive(self, datagram: bytes, now: float) -> list[bytes]:
        kind = datagram[:1]
        if kind == bytes([SEALED]):
            if self.channel and datagram[1:17] == self.channel.session:
                self.channel.open(datagram, now)
        elif kind == bytes([DEMAND]) and len(datagram) == 25:
            return self.demand(datagram[1:9], datagram[9:])
        elif kind == bytes([PART]) and not self.channel:
            try:
                part = Part(datagram)
            except ValueError:
                return []
            return self.part(part, now)
        return []

    def demand(self, attempt: bytes, token: bytes) -> list[bytes]:
        if self.finish or attempt not in self.hellos or token == self.tokens[attempt]:
            return []
        flight = self.hellos[attempt][1]
        if flight.demanded:
            return []
        flight.demanded, self.tokens[attempt] = True, token
        return flight.send(token)

    def part(self, part: Part, now: float) -> list[bytes]:
        if self.finish:
            if part.flight == WELCOME and part.attempt == self.finish[1].attempt:
                self.welcome(part, now)
            return []
        if part.flight != ANSWER or part.attempt not in self.hellos:
            return []
        endpoint, hello = self.hellos[part.attempt]
        flight = hello.answer.add(part)
        if flight is None or flight in self.retries:
            return []
        tried = branch(endpoint)
        try:
            out = feed(tried, flight)
            if tried.state == "offered" and out:
                if len(self.retries) == MAX_RETRIES:
                    raise Failure(m.UNEXPECTED_MESSAGE, "more retries than are believed")
                self.retries.add(flight)
                self.offer(tried, out, now)
            elif tried.state == "sent":
                finish = Flight(part.attempt, FINISH, out, hello.over, now)
                self.finish, self.hellos = (tried, finish), {}
            else:
                raise Failure(m.DECODE_ERROR, "a flight that is cut off")
        except (Failure, PeerAlert) as refusal:
            self.count_wrong(refusal)
        return self.tick(now)

    def welcome(self, part: Part, now: float) -> None:
        endpoint, finish = self.finish
        flight = finish.answer.add(part)
        if flight is None:
            return
        before = endpoint.recv_key.number
        try:
            feed(endpoint, flight)
        except (Failure, PeerAlert) as refusal:
            if endpoint.recv_key.number > before:
                raise
            self.count_wrong(refusal)
            return
        self.channel = DataChannel(endpoint, now)

    def count_wrong(self, refusal: Exception) -> None:
        self.wrong, self.refusal = self.wrong + 1, refusal
        if self.wrong == MAX_WRONG:
            raise refusal


class _Attempt:
    def __init__(self, config: Config, now: float):
        self.endpoint: Endpoint | None = Responder(config, m.DATAGRAM)
        self.began, self.over = now, now + ATTEMPT_SECONDS
        self.awaited, self.assembly = HELLO, Assembly()
        self.reply, self.number, self.sendings, self.last = b"", 0, 0, now
        self.wrong = 0

    def size(self) -> int:
        return self.assembly.size() + len(self.reply)

    def keep(self, number: int, reply: bytes, awaited: int, now: float) -> bool:
        self.number, self.reply, self.awaited = number, reply, awaited
        self.assembly, self.sendings, self.last = Assembly(), 1, now
        return bool(reply)

    def part(self, part: Part, now: float) -> bool:
        """Whether the reply is to be sent."""
        if self.reply and part.offset == 0 and part.flight + 1 == self.number:
            if self.sendings == SENDINGS or now - self.last < PAUSE_SECONDS:
                return False
            self.sendings, self.last = self.sendings + 1, now
            return True
        if part.flight != self.awaited:
            return False
        flight = self.assembly.add(part)
        if flight is None:
            return False
        if self.awaited == HELLO:
            return self.hello(part.attempt, flight, now)
        return self.finish(flight, now)

    def hello(self, attempt: bytes, flight: bytes, now: float) -> bool:
        if attempt_of(flight) != attempt:
            return self.count_wrong(now)
        try:
            reply = feed(self.endpoint, flight)
        except PeerAlert:
            return self.keep(ANSWER, b"", 0, now)
        except Failure as failure:
            self.endpoint.send_key = None
            return self.keep(ANSWER, self.endpoint.alert(failure.code), 0, now)
        retried = self.endpoint.state == "waiting"
        return self.keep(ANSWER, reply, 0 if retried else FINISH, now)

    def finish(self, flight: bytes, now: float) -> bool:
        tried, opened = branch(self.endpoint), 0
        try:
            for kind, body in split_records(flight):
                opened = tried.recv_key.number
                tried.receive(kind, body)
        except (Failure, PeerAlert) as refusal:
            if tried.recv_key is None or tried.recv_key.number == opened:
                return self.count_wrong(now)
            answer = b"" if isinstance(refusal, PeerAlert) else tried.alert(refusal.code)
            return self.keep(WELCOME, answer, 0, now)
        if tried.state != "open":
            return self.count_wrong(now)
        self.endpoint, self.over = tried, max(self.over, now + WELCOME_SECONDS)
        return self.keep(WELCOME, tried.take(), 0, now)

    def count_wrong(self, now: float) -> bool:
        self.wrong += 1
        if self.wrong == MAX_WRONG:
            self.keep(0, b"", 0, now)
        return False


class DatagramResponder:
    def __init__(self, config: Config):
        self.config, self.token_key = config, os.urandom(32)
        self.attempts: OrderedDict[tuple[Address, bytes], _Attempt] = OrderedDict()
        self.channels: dict[tuple[Address, bytes], DataChannel] = {}

    def token(self, attempt: bytes, address: Address, now: float) -> bytes:
        ip = ipaddress.ip_address(address[0])
        packed = ip.packed if ip.version == 6 else bytes(10) + b"\xff\xff" + ip.packed
        slot = int(now // TOKEN_SECONDS).to_bytes(8, "big")
        text = b"pqfw1 token" + slot + attempt + packed + address[1].to_bytes(2, "big")
        return hmac.new(self.token_key, text, hashlib.sha256).digest()[:16]

    def token_fits(self, token: bytes, attempt: bytes, address: Address, now: float) -> bool:
        slots = [one for one in (now, now - TOKEN_SECONDS) if one >= 0]
        fits = [hmac.compare_digest(token, self.token(attempt, address, one)) for one in slots]
        return any(fits)

    def receive(self, datagram: bytes, address: Address, now: float) -> list[bytes]:
        """What goes back to the address."""
        if datagram[:1] == bytes([SEALED]):
            channel = self.channels.get((address, datagram[1:17]))
            if channel:
                channel.open(datagram, now)
            return []
        if datagram[:1] != bytes([PART]):
            return []
        try:
            part = Part(datagram)
        except ValueError:
            return []
        if part.flight not in (HELLO, FINISH):
            return []
        self.forget_what_is_over(now)
        key = (address, part.attempt)
        if key not in self.attempts:
            if part.flight != HELLO:
                return []
            if not self.token_fits(part.token, part.attempt, address, now):
                token = self.token(part.attempt, address, now)
                return [bytes([DEMAND]) + part.attempt + token]
        if not self.make_room(key, len(part.bytes), now):
            return []
        attempt = self.attempts.setdefault(key, _Attempt(self.config, now))
        was_open = attempt.endpoint.state == "open"
        if not attempt.part(part, now):
            return []
        if attempt.endpoint.state == "open" and not was_open:
            channel = DataChannel(attempt.endpoint, now)
            self.channels[(address, channel.session)] = channel
        if not self.make_room(key, 0, now):
            del self.attempts[key]
            return []
        return parts(part.attempt, attempt.number, NO_TOKEN, attempt.reply)

    def forget_what_is_over(self, now: float) -> None:
        for key in [key for key, attempt in self.attempts.items() if attempt.over <= now]:
            del self.attempts[key]

    def make_room(self, key: tuple[Address, bytes], size: int, now: float) -> bool:
        new, here = key not in self.attempts, neighbour(key[0])
        while True:
            near = [one for one in self.attempts if neighbour(one[0]) == here]
            sizes = {one: attempt.size() for one, attempt in self.attempts.items()}
            crowded_near = (
                len(near) + new > MAX_ATTEMPTS_NEAR
                or sum(sizes[one] for one in near) + size > MAX_BYTES_NEAR
            )
            crowded = (
                len(self.attempts) + new > MAX_ATTEMPTS or sum(sizes.values()) + size > MAX_BYTES
            )
            if not crowded and not crowded_near:
                return True
            others = [one for one in (near if crowded_near else self.attempts) if one != key]
            if not others or now - self.attempts[others[0]].began < YOUNG_SECONDS:
                return False
            del self.attempts[others[0]]


def neighbour(address: Address) -> bytes:
    ip = ipaddress.ip_address(address[0])
    return ip.packed if ip.version == 4 else ip.packed[:8]
