"""A channel over a stream (docs/protocols/channel.md, 4): data, key_update, fresh exchange, close."""

from __future__ import annotations

import socket
import time

import messages as m
from algorithms import v32
from handshake import Config, Endpoint, Initiator, Responder
from messages import Failure, PeerAlert
from records import ALERT, DATA, HANDSHAKE, MAX_CONTENT_BYTES, RecordKey, RecordReader


OFFERS_MADE, OFFERS_TAKEN = 8, 16  # at once; and one more each minute
MAX_IDLE_HEARD, MAX_IDLE_SAID = 32, 16  # records in a row without data


class Truncated(Exception):
    """The stream ended without close_notify."""


class Connection:
    """A channel without a socket: bytes in by `feed`, bytes out by `take`."""

    def __init__(self, endpoint: Endpoint):
        self.endpoint, self.records = endpoint, RecordReader()
        self.initiates = isinstance(endpoint, Initiator)
        self.received: list[bytes] = []
        self.sent_close = self.peer_closed = False
        self.update_asked = False
        self.idle_heard = self.idle_said = self.offers = 0
        self.made = time.monotonic()
        self.fresh_key = None  # initiator: the key that fresh_answer is for
        self.fresh_offer = b""
        self.fresh_recv: RecordKey | None = None  # responder: the key after fresh_done
        self.updates = {"sent": 0, "received": 0}
        endpoint.handlers = self._with_open_handlers(endpoint.handlers)
        if self.initiates:
            endpoint.out = endpoint.start()

    @property
    def open(self) -> bool:
        return self.endpoint.state == "open"

    def take(self) -> bytes:
        return self.endpoint.take()

    def feed(self, data: bytes) -> None:
        """Reads what came; a failure leaves its alert in `take`."""
        self.records.feed(data)
        try:
            while (one := self.records.next()) is not None:
                if self.peer_closed:
                    raise Failure(m.UNEXPECTED_MESSAGE, "a record after close_notify")
                self._record(*one)
        except Failure as failure:
            self.endpoint.out += self.endpoint.alert(failure.code)
            raise
        except PeerAlert:
            self.endpoint.state = "failed"
            raise

    def end_of_stream(self) -> None:
        if not self.peer_closed:
            raise Truncated("the stream ended without close_notify")

    def _record(self, kind: int, body: bytes) -> None:
        try:
            data = self.endpoint.receive(kind, body)
        except PeerAlert as alert:
            # Silent: before `open`, or in the clear, close_notify is no orderly end.
            if alert.code == m.CLOSE_NOTIFY and alert.sealed and self.open:
                self.peer_closed = True
                return
            raise
        if data is not None:
            self.received.append(data)
            self._idle(len(data) == 0)

    def _idle(self, without_data: bool) -> None:
        self.idle_heard = self.idle_heard + 1 if without_data else 0
        if self.idle_heard > MAX_IDLE_HEARD:
            raise Failure(m.UNEXPECTED_MESSAGE, "too many records without data")

    def _offers_allowed(self, at_once: int) -> float:
        return at_once + (time.monotonic() - self.made) // 60

    # --- what is sent in state open

    def _handshake(self, encoded: bytes) -> None:
        self._may_send()
        self.endpoint.out += self.endpoint.send_key.seal(encoded, HANDSHAKE)

    def _may_send(self) -> None:
        if not self.open or self.sent_close:
            raise RuntimeError("this direction is not open")

    def send(self, data: bytes, zeros: int = 0) -> None:
        self._may_send()
        for start in range(0, len(data), MAX_CONTENT_BYTES) or [0]:
            part = data[start : start + MAX_CONTENT_BYTES]
            room = min(zeros, MAX_CONTENT_BYTES - len(part))
            self.endpoint.out += self.endpoint.send_key.seal(part, DATA, room)
            self.idle_said = 0

    def close(self) -> None:
        if not self.sent_close:
            self._may_send()
            self.endpoint.out += self.endpoint.send_key.seal(bytes([m.CLOSE_NOTIFY]), ALERT)
            self.sent_close = True

    def key_update(self, wants_answer: bool = False) -> None:
        if self.idle_said >= MAX_IDLE_SAID:
            raise RuntimeError("the peer has had enough key_updates without data")
        self.idle_said += 1
        asks = wants_answer and not self.update_asked
        self.update_asked |= asks
        self._update(asks)

    def _update(self, asks: bool) -> None:
        self._handshake(m.message(m.KEY_UPDATE, bytes([asks])))
        self.endpoint.send_key = self.endpoint.send_key.updated()
        self.updates["sent"] += 1

    def fresh(self) -> None:
        """The initiator's wish for a fresh exchange."""
        if self.fresh_key is not None or not self.initiates:
            raise RuntimeError("no fresh exchange can begin here")
        if self.offers >= self._offers_allowed(OFFERS_MADE):
            raise RuntimeError("there were as many fresh exchanges as there may be")
        self.offers += 1
        key, ek = self.endpoint.suite.kem.generate()
        offer = m.message(m.FRESH_OFFER, v32(ek))
        self._handshake(offer)
        self.fresh_key, self.fresh_offer = key, offer

    # --- what is received in state open

    def _with_open_handlers(self, handshake):
        mine = {("open", m.KEY_UPDATE): self._on_key_update}
        if self.initiates:
            mine[("open", m.FRESH_ANSWER)] = self._on_fresh_answer
        else:
            mine[("open", m.FRESH_OFFER)] = self._on_fresh_offer
            mine[("open", m.FRESH_DONE)] = self._on_fresh_done
        return lambda: handshake() | mine

    def _on_key_update(self, body: bytes, encoded: bytes) -> None:
        if len(body) != 1:
            raise Failure(m.DECODE_ERROR, "key_update is one byte")
        if body[0] > 1:
            raise Failure(m.ILLEGAL_PARAMETER, f"wants_answer is {body[0]}")
        self.endpoint.recv_key = self.endpoint.recv_key.updated()
        self.updates["received"] += 1
        asked, self.update_asked = self.update_asked, False
        if not asked:
            self._idle(True)
        # Who has sent close_notify owes no answers.
        if body[0] == 1 and not self.sent_close:
            self._update(False)

    def _on_fresh_offer(self, body: bytes, encoded: bytes) -> None:
        e = self.endpoint
        if self.fresh_recv is not None:
            raise Failure(m.UNEXPECTED_MESSAGE, "a fresh exchange inside another")
        ek = m.decode_vector(body)
        if self.offers >= self._offers_allowed(OFFERS_TAKEN):
            raise Failure(m.UNEXPECTED_MESSAGE, "more fresh exchanges than are taken")
        self.offers += 1
        if self.sent_close:  # As with key_update.
            return
        try:
            ct, shared = e.suite.kem.encapsulate(ek)
        except ValueError as error:
            raise Failure(m.ILLEGAL_PARAMETER, f"encapsulation: {error}") from None
        answer = m.message(m.FRESH_ANSWER, v32(ct))
        c_ap, s_ap = e.schedule.fresh(shared, encoded, answer)
        self._handshake(answer)
        e.send_key = RecordKey(e.suite, s_ap)
        self.fresh_recv = RecordKey(e.suite, c_ap)

    def _on_fresh_answer(self, body: bytes, encoded: bytes) -> None:
        e = self.endpoint
        if self.fresh_key is None:
            raise Failure(m.UNEXPECTED_MESSAGE, "an answer to no offer")
        try:
            shared = e.suite.kem.decapsulate(self.fresh_key, m.decode_vector(body))
        except ValueError as error:
            raise Failure(m.ILLEGAL_PARAMETER, f"decapsulation: {error}") from None
        self.fresh_key = None
        c_ap, s_ap = e.schedule.fresh(shared, self.fresh_offer, encoded)
        e.recv_key = RecordKey(e.suite, s_ap)
        if not self.sent_close:
            self._handshake(m.message(m.FRESH_DONE, b""))
            e.send_key = RecordKey(e.suite, c_ap)

    def _on_fresh_done(self, body: bytes, encoded: bytes) -> None:
        m.decode_empty(body)
        if self.fresh_recv is None:
            raise Failure(m.UNEXPECTED_MESSAGE, "fresh_done of no exchange")
        self.endpoint.recv_key, self.fresh_recv = self.fresh_recv, None


def initiate(config: Config) -> Connection:
    return Connection(Initiator(config, m.STREAM))


def respond(config: Config) -> Connection:
    return Connection(Responder(config, m.STREAM))


class Channel:
    """A Connection with its socket."""

    def __init__(self, sock: socket.socket, connection: Connection):
        self.sock, self.connection = sock, connection
        self._flush()
        while not connection.open:
            self._read()

    def _flush(self) -> None:
        if out := self.connection.take():
            self.sock.sendall(out)

    def _read(self) -> bool:
        data = self.sock.recv(65_536)
        if not data:
            self.connection.end_of_stream()
            return False
        try:
            self.connection.feed(data)
        finally:
            self._flush()
        return True

    def send(self, data: bytes) -> None:
        self.connection.send(data)
        self._flush()

    def receive(self) -> bytes | None:
        """The next piece of data; None once the peer has closed its direction."""
        while not self.connection.received:
            if self.connection.peer_closed or not self._read():
                return None
        return self.connection.received.pop(0)

    def receive_exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.receive()
            if piece is None:
                raise Truncated(f"{len(data)} of {count} bytes before close_notify")
            data += piece
        return data

    def key_update(self, wants_answer: bool = False) -> None:
        self.connection.key_update(wants_answer)
        self._flush()

    def fresh(self) -> None:
        self.connection.fresh()
        self._flush()

    def close(self) -> None:
        self.connection.close()
        self._flush()


def connect(sock: socket.socket, config: Config) -> Channel:
    return Channel(sock, initiate(config))


def accept(sock: socket.socket, config: Config) -> Channel:
    return Channel(sock, respond(config))
