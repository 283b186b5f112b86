"""A channel over requests and responses (docs/protocols/channel.md, 5), and its HTTP."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import threading
import time
from collections import OrderedDict
from typing import Callable

import messages as m
from algorithms import v8, v16, v32
from handshake import Config, Initiator, Responder
from messages import Failure, PeerAlert, Reader
from records import ALERT, DATA, pad, record, split_records, unpad
from sealed import EPOCH_BITS, EpochOver, Epochs, Receiver, epoch_of

HELLO_ROUTE, FINISH_ROUTE, REQUEST_ROUTE = "/pqfw/1/hello", "/pqfw/1/finish", "/pqfw/1/r"
SESSION_HEADER = "pqfw-session"
REQUEST, RESPONSE = 0, 1
HANDSHAKE_SECONDS, MAX_HANDSHAKES = 10, 1_024
RENEW_SECONDS, LIFE_SECONDS = 10 * 60, 11 * 60
MAX_SESSIONS, MAX_SESSIONS_EACH = 4_096, 64


class Refused(Exception):
    """A refusal with its status: a hint, since anybody can write one."""

    def __init__(self, status: int):
        super().__init__(f"refused with {status}")
        self.status = status


class OutcomeUnknown(Refused):
    """The request may or may not have been carried out; repeating it is the caller's choice."""


def associated(direction: int, session: bytes, counter: int) -> bytes:
    return b"POST /pqfw/1/r\0" + bytes([direction]) + session + counter.to_bytes(8, "big")


def encode_request(method: str, route: str, body: bytes) -> bytes:
    return v8(method.encode()) + v16(route.encode()) + v32(body)


def decode_request(content: bytes) -> tuple[str, str, bytes]:
    r = Reader(content)
    method, route, body = r.vector(1), r.vector(2), r.vector(4)
    r.end()
    return method.decode("ascii"), route.decode("utf-8"), body


def encode_response(status: int, body: bytes) -> bytes:
    return status.to_bytes(2, "big") + v32(body)


def decode_response(content: bytes) -> tuple[int, bytes]:
    r = Reader(content)
    status, body = r.number(2), r.vector(4)
    r.end()
    return status, body


class _Session:
    """The responder's half of an open session."""

    def __init__(self, endpoint: Responder, now: float):
        s = endpoint.schedule
        self.id, self.peer_spki = endpoint.session, endpoint.peer_spki
        self.receiver = Receiver(endpoint.suite, s.c_ap)
        self.sender = Epochs(endpoint.suite, s.s_ap)
        self.made = self.used = now
        self.finish_digest, self.welcome = b"", b""

    def over(self, now: float) -> bool:
        return now - self.made >= LIFE_SECONDS

    def seal(self, counter: int, content: bytes, inner: int, zeros: int = 0) -> bytes:
        key = self.sender.key(epoch_of(counter))
        return key.seal(counter, pad(content, inner, zeros), associated(RESPONSE, self.id, counter))


class ExchangeResponder:
    """`serve(method, route, body, peer_spki)` gives (status, body)."""

    def __init__(self, config: Config, serve: Callable, now: Callable[[], float] = time.monotonic):
        self.config, self.serve, self.now = config, serve, now
        self.handshakes: OrderedDict[bytes, tuple[Responder, float]] = OrderedDict()
        self.sessions: dict[bytes, _Session] = {}
        self.lock = threading.Lock()

    def handle(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int, bytes]:
        routes = {
            HELLO_ROUTE: self._hello,
            FINISH_ROUTE: self._finish,
            REQUEST_ROUTE: self._request,
        }
        with self.lock:
            try:
                if method != "POST" or path not in routes:
                    return self._refuse(404, m.UNEXPECTED_MESSAGE)
                if path == HELLO_ROUTE:
                    return self._hello(body)
                return routes[path](self._session_of(headers), body)
            except Failure as failure:
                status = 403 if failure.code == m.UNKNOWN_PEER else 400
                return self._refuse(status, failure.code)
            except Refused as refused:
                codes = {409: m.ILLEGAL_PARAMETER, 425: m.BAD_RECORD_MAC}
                code = codes.get(refused.status, m.UNEXPECTED_MESSAGE)
                return self._refuse(refused.status, code)

    @staticmethod
    def _refuse(status: int, code: int) -> tuple[int, bytes]:
        return status, record(ALERT, bytes([code]))

    @staticmethod
    def _session_of(headers: dict) -> bytes:
        text = headers.get(SESSION_HEADER, "")
        if len(text) != 32 or any(c not in "0123456789abcdef" for c in text):
            raise Refused(401)
        return bytes.fromhex(text)

    def _hello(self, body: bytes) -> tuple[int, bytes]:
        self._forget()
        endpoint = Responder(self.config, m.EXCHANGE)
        self._feed(endpoint, body, count=1)
        if endpoint.state != "waiting":  # else it was a retry, of which nothing is kept
            if len(self.handshakes) >= MAX_HANDSHAKES:
                self.handshakes.popitem(last=False)
            self.handshakes[endpoint.session] = (endpoint, self.now())
        return 200, endpoint.take()

    def _finish(self, session: bytes, body: bytes) -> tuple[int, bytes]:
        self._forget()
        digest = hashlib.sha256(body).digest()
        done = self.sessions.get(session)
        if done is not None:
            # Silent: the welcome of a finish that came twice is the same bytes, never a new seal.
            if done.finish_digest == digest:
                return 200, done.welcome
            raise Refused(409)
        if session not in self.handshakes:
            raise Refused(401)
        endpoint, _ = self.handshakes[session]
        before = endpoint.recv_key.number
        try:
            self._feed(endpoint, body, count=3)
        except Failure:
            # Silent: bytes that open under no key end nobody's handshake.
            if endpoint.recv_key.number != before:
                del self.handshakes[session]
            raise
        del self.handshakes[session]
        self._make_room(endpoint.peer_spki)
        made = self.sessions[session] = _Session(endpoint, self.now())
        made.finish_digest, made.welcome = digest, endpoint.take()
        return 200, made.welcome

    def _make_room(self, peer_spki: bytes) -> None:
        own = [s for s in self.sessions.values() if s.peer_spki == peer_spki]
        if len(self.sessions) >= MAX_SESSIONS or len(own) >= MAX_SESSIONS_EACH:
            goes = min(own or self.sessions.values(), key=lambda s: s.used)
            del self.sessions[goes.id]

    @staticmethod
    def _feed(endpoint: Responder, body: bytes, count: int) -> None:
        records = split_records(body)
        if len(records) != count:
            raise Failure(m.DECODE_ERROR, f"{len(records)} records in a flight of {count}")
        for kind, one in records:
            try:
                endpoint.receive(kind, one)
            except PeerAlert as alert:
                raise Failure(m.UNEXPECTED_MESSAGE, str(alert)) from None

    def _request(self, session: bytes, body: bytes) -> tuple[int, bytes]:
        self._forget()
        s = self.sessions.get(session)
        if s is None:
            raise Refused(401)
        r = Reader(body)
        counter = r.number(8)
        sealed = r.data[r.at :]
        if not s.receiver.window.allows(counter):
            raise Refused(409)
        try:
            plain = s.receiver.open(counter, sealed, associated(REQUEST, session, counter))
        except EpochOver:
            raise Refused(425) from None
        if plain is None:
            raise Failure(m.BAD_RECORD_MAC, "a request does not open")
        s.used = self.now()
        s.sender.key(epoch_of(counter))
        s.sender.advance(epoch_of(counter))
        inner, content = unpad(plain)
        if inner == ALERT and content == bytes([m.CLOSE_NOTIFY]):
            del self.sessions[session]
            return 200, s.seal(counter, content, ALERT)
        if inner != DATA:
            raise Failure(m.UNEXPECTED_MESSAGE, f"inner {inner} in a request")
        status, answer = self.serve(*decode_request(content), s.peer_spki)
        return 200, s.seal(counter, encode_response(status, answer), DATA)

    def _forget(self) -> None:
        now = self.now()
        for session in [k for k, (_, t) in self.handshakes.items() if now - t > HANDSHAKE_SECONDS]:
            del self.handshakes[session]
        for session in [k for k, s in self.sessions.items() if s.over(now)]:
            del self.sessions[session]


class ExchangeInitiator:
    """`post(path, headers, body)` gives (status, body)."""

    def __init__(self, config: Config, post: Callable, now: Callable[[], float] = time.monotonic):
        self.config, self.post, self.now = config, post, now
        self.connect()

    def connect(self) -> None:
        endpoint = Initiator(self.config, m.EXCHANGE)
        flight = self._flight(endpoint, HELLO_ROUTE, {}, endpoint.start())
        if endpoint.state == "offered":
            flight = self._flight(endpoint, HELLO_ROUTE, {}, flight)
        self.headers = {SESSION_HEADER: endpoint.session.hex()}
        self._flight(endpoint, FINISH_ROUTE, self.headers, flight)
        if endpoint.state != "open":
            raise Failure(m.UNEXPECTED_MESSAGE, "no welcome")
        s = endpoint.schedule
        self.made = self.now()
        self.endpoint, self.session, self.counter = endpoint, endpoint.session, 1
        self.sender = Epochs(endpoint.suite, s.c_ap)
        self.receiver = Epochs(endpoint.suite, s.s_ap)

    def _flight(self, endpoint: Initiator, path: str, headers: dict, body: bytes) -> bytes:
        status, answer = self.post(path, headers, body)
        if status != 200:
            raise Refused(status)
        for kind, one in split_records(answer):
            endpoint.receive(kind, one)
        return endpoint.take()

    def seal(self, content: bytes, inner: int = DATA, zeros: int = 0) -> tuple[int, bytes]:
        """(counter, body of the request)."""
        counter, self.counter = self.counter, self.counter + 1
        key = self.sender.key(epoch_of(counter))
        if key is None:
            raise RuntimeError("the next epoch but one: make a new session")
        ad = associated(REQUEST, self.session, counter)
        return counter, counter.to_bytes(8, "big") + key.seal(
            counter, pad(content, inner, zeros), ad
        )

    def open(self, counter: int, sealed: bytes) -> tuple[int, bytes]:
        key = self.receiver.key(epoch_of(counter))
        plain = key and key.open(counter, sealed, associated(RESPONSE, self.session, counter))
        if plain is None:
            raise Failure(m.BAD_RECORD_MAC, f"the response to {counter} does not open")
        # Only what opened moves an epoch: a forged 425 leads one epoch ahead and no further.
        self.sender.advance(epoch_of(counter))
        self.receiver.advance(epoch_of(counter))
        return unpad(plain)

    def request(
        self, method: str, route: str, body: bytes, repeatable: bool = False
    ) -> tuple[int, bytes]:
        """401 and 425 are no proof that nothing happened: only a repeatable request is repeated."""
        content = encode_request(method, route, body)
        for attempt in range(2):
            if self.now() - self.made >= RENEW_SECONDS:
                self.connect()
            counter, sealed = self.seal(content)
            status, answer = self.post(REQUEST_ROUTE, self.headers, sealed)
            if status == 200:
                inner, plain = self.open(counter, answer)
                if inner != DATA:
                    raise Failure(m.UNEXPECTED_MESSAGE, f"inner {inner} in a response")
                return decode_response(plain)
            if status == 401:
                self.connect()
            elif status == 425:
                self.counter = (epoch_of(counter) + 1) << EPOCH_BITS
            if status not in (401, 425) or not repeatable or attempt:
                raise OutcomeUnknown(status)
        raise AssertionError("unreachable")

    def close(self) -> None:
        notify = bytes([m.CLOSE_NOTIFY])
        counter, sealed = self.seal(notify, ALERT)
        status, answer = self.post(REQUEST_ROUTE, self.headers, sealed)
        if status != 200 or self.open(counter, answer) != (ALERT, notify):
            raise Refused(status)


# --- HTTP ----------------------------------------------------------------------


def http_post(host: str, port: int) -> Callable:
    def post(path: str, headers: dict, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(host, port, timeout=60)
        try:
            head = {"content-type": "application/octet-stream"} | headers
            connection.request("POST", path, body, head)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    return post


def http_server(responder: ExchangeResponder) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = responder.handle("POST", self.path, headers, body)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
