#!/usr/bin/env python3
"""The channel of pqfw_channel.py with itself: both roles, every delivery, and what must be refused.

    test_self.py

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import socket
import sys
import threading
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import datagram  # noqa: E402
import exchange as exchanges  # noqa: E402
import messages as m  # noqa: E402
import pqfw_channel as pq  # noqa: E402
import schedule  # noqa: E402
import vectors  # noqa: E402
from records import ALERT, HANDSHAKE, record, split_records  # noqa: E402
from stream import MAX_IDLE_HEARD, OFFERS_MADE, OFFERS_TAKEN  # noqa: E402

HYBRID = "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256"
LATTICE = "ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256"
CLASSIC = "X25519/Ed25519/ChaCha20-Poly1305/HKDF-SHA256"
SMALL = "P-256/ECDSA-P256/AES-128-GCM/HKDF-SHA384"
ALL = [HYBRID, LATTICE, CLASSIC, SMALL]

KEYS = {side: {n: s.generate() for n, s in pq.SIGNATURES.items()} for side in "abc"}


def config(suites, side, **more) -> pq.Config:
    return pq.Config(suites, KEYS[side], policy=f"policy-{side}", **more)


def pair(initiator=ALL, responder=ALL, **more):
    return pq.initiate(config(initiator, "a", **more)), pq.respond(config(responder, "b", **more))


def pump(one, other, change=None) -> None:
    """Carries bytes until nobody has any. `change(sender, bytes)` is the attacker."""
    change = change or (lambda sender, data: data)
    while True:
        left, right = one.take(), other.take()
        if not left and not right:
            return
        if left:
            other.feed(change(one, left))
        if right:
            one.feed(change(other, right))


def opened(**more):
    one, other = pair(**more)
    pump(one, other)
    assert one.open and other.open, "the handshake did not finish"
    return one, other


def talks(one, other) -> None:
    one.send(b"ping " * 5000, zeros=7)
    other.send(b"pong")
    other.send(b"")
    pump(one, other)
    assert b"".join(other.received) == b"ping " * 5000, "the initiator's data"
    assert one.received == [b"pong", b""], "the responder's data"
    one.received.clear()
    other.received.clear()


def refused(code, action, by=pq.Failure) -> None:
    try:
        action()
    except by as error:
        assert error.code == code, f"alert {error.code}, {code} expected: {error}"
    else:
        raise AssertionError(f"nothing refused, {by.__name__} {code} expected")


# --- units -----------------------------------------------------------------------


def labels_are_rfc_8446s_with_another_prefix() -> None:
    suite = pq.Suite(CLASSIC)
    info = b"\x00\x20" + b"\x0epqfw1 finished" + b"\x00"
    wanted = hmac.new(b"k" * 32, info + b"\x01", hashlib.sha256).digest()
    assert suite.expand_label(b"k" * 32, "finished", b"", 32) == wanted


def kdf_of_rfc_5869() -> None:
    """RFC 5869, test case 1."""
    suite = pq.Suite(CLASSIC)
    prk = suite.extract(bytes(range(13)), b"\x0b" * 22)
    okm = suite.expand(prk, bytes(range(0xF0, 0xFA)), 42)
    assert okm.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def nonces_are_the_iv_and_the_number() -> None:
    key = pq.TrafficKey(pq.Suite(LATTICE), b"s" * 32)
    assert key.nonce(0) == key.iv
    assert key.nonce(1 << 63)[:4] == key.iv[:4]
    assert int.from_bytes(key.nonce(259), "big") ^ int.from_bytes(key.iv, "big") == 259


def transcript_after_a_retry() -> None:
    t = schedule.Transcript()
    t.replace_first_hello(b"h" * 32)
    t.add(m.message(m.RETRY, b"r"))
    suite = pq.Suite(CLASSIC)
    data = b"\xfe\x00\x00\x00\x20" + b"h" * 32 + b"\x03\x00\x00\x00\x01r"
    assert t.hash(suite) == hashlib.sha256(data).digest()


def messages_decode_what_they_encode() -> None:
    hello = m.Hello(0, b"r" * 32, "chat/1", "p", ALL, 1, b"e" * 9, b"c" * 64)
    for value, kind in (
        (hello, m.Hello),
        (m.Answer(b"r" * 32, CLASSIC, b"c" * 32, b"s" * 16), m.Answer),
        (m.Retry(CLASSIC, b"c"), m.Retry),
        (m.Terms("", ALL), m.Terms),
    ):
        _, body = m.split_message(value.encode())
        assert kind.decode(body) == value
        refused(m.DECODE_ERROR, lambda: kind.decode(body + b"\0"))
        for end in range(len(body)):
            try:
                kind.decode(body[:end])
            except pq.Failure:
                continue
            raise AssertionError(f"{kind.__name__} of {end} bytes is read")


def lists_have_their_limits() -> None:
    def hello(suites, share=0, protocol="chat/1"):
        value = m.Hello(0, b"r" * 32, protocol, "p", suites, share, b"e")
        return lambda: m.Hello.decode(m.split_message(value.encode())[1])

    hello([f"s{n}" for n in range(64)])()
    for bad in (
        hello([]),
        hello([f"s{n}" for n in range(65)]),
        hello(["a", "a"]),
        hello(["a b"]),
        hello([""]),
        hello(["a" * 256]),
        hello(["a"], share=1),
        hello(["a"], protocol=""),
        hello(["a"], protocol="p" * 65),
    ):
        refused(m.ILLEGAL_PARAMETER, bad)


# --- handshakes over streams ------------------------------------------------------


def every_suite() -> None:
    for suite in ALL:
        one, other = pair([suite], [suite])
        pump(one, other)
        talks(one, other)
        assert one.endpoint.suite.name == suite
        a, b = one.endpoint, other.endpoint
        wanted = a.schedule.exporter("label", b"context", 40)
        assert b.schedule.exporter("label", b"context", 40) == wanted and len(wanted) == 40
        signature = a.suite.signature
        assert a.peer_spki == signature.spki(KEYS["b"][a.suite.signature_name])
        assert b.peer_spki == signature.spki(KEYS["a"][a.suite.signature_name])
        assert (a.peer_policy, b.hello.policy) == ("policy-b", "policy-a")


def the_responders_order_decides() -> None:
    one, other = pair([CLASSIC, LATTICE], [LATTICE, CLASSIC])
    pump(one, other)
    assert one.endpoint.suite.name == LATTICE and one.endpoint.retried, "by way of a retry"
    talks(one, other)


def a_share_serves_any_suite_of_its_kem() -> None:
    twin = "X25519/Ed25519/AES-256-GCM/HKDF-SHA512"
    one, other = pair([CLASSIC, twin], [twin])
    pump(one, other)
    assert one.endpoint.suite.name == twin and not one.endpoint.retried


def no_suite_in_common() -> None:
    one, other = pair([CLASSIC], [LATTICE])
    refused(m.HANDSHAKE_FAILURE, lambda: pump(one, other))
    alert = other.take()
    assert alert == record(ALERT, bytes([m.HANDSHAKE_FAILURE])), "in the clear, before keys"
    refused(m.HANDSHAKE_FAILURE, lambda: one.feed(alert), pq.PeerAlert)


def refusals_of_the_hello() -> None:
    for code, more in ((m.NO_APPLICATION_PROTOCOL, {"protocol": "qu3/2"}),):
        one = pq.initiate(config(ALL, "a", **more))
        other = pq.respond(config(ALL, "b"))
        refused(code, lambda: other.feed(one.take()))
    exchange = pq.Initiator(config(ALL, "a"), m.EXCHANGE).start()
    refused(m.ILLEGAL_PARAMETER, lambda: pq.respond(config(ALL, "b")).feed(exchange))


def an_identity_that_is_not_accepted() -> None:
    for side in ("a", "b"):
        one = pq.initiate(config([CLASSIC], "a", accept=lambda spki: side == "b"))
        other = pq.respond(config([CLASSIC], "b", accept=lambda spki: side == "a"))
        refused(m.UNKNOWN_PEER, lambda: pump(one, other))
        refuser, hearer = (one, other) if side == "a" else (other, one)
        refused(m.UNKNOWN_PEER, lambda: hearer.feed(refuser.take()), pq.PeerAlert)
        assert not hearer.open, "whoever is open was accepted"


def flip(index: int):
    """Flips a bit of the nth record that passes."""
    passed = 0

    def change(sender, data: bytes) -> bytes:
        nonlocal passed
        out = b""
        for kind, body in split_records(data):
            if passed == index:
                body = body[:-1] + bytes([body[-1] ^ 1])
            out, passed = out + record(kind, body), passed + 1
        return out

    return change


def a_flipped_bit_anywhere_ends_the_handshake() -> None:
    for index in range(9):  # hello, answer, terms, 2 × (identity, proof, finished)
        one, other = pair([HYBRID], [HYBRID])
        try:
            pump(one, other, flip(index))
        except (pq.Failure, pq.PeerAlert):
            assert not (one.open and other.open)
            continue
        raise AssertionError(f"record {index} may be changed")


def changed_hello(edit):
    """The attacker rewrites the hello."""

    def change(sender, data: bytes) -> bytes:
        kind, body = split_records(data)[0]
        if kind != HANDSHAKE or body[0] != m.HELLO:
            return data
        hello = m.Hello.decode(m.split_message(body)[1])
        edit(hello)
        return record(HANDSHAKE, hello.encode())

    return change


def a_stripped_offer_is_noticed() -> None:
    def strip(hello):
        hello.suites.remove(HYBRID)
        hello.share = 0

    one, other = pair([CLASSIC, HYBRID], [HYBRID, CLASSIC])
    refused(m.BAD_RECORD_MAC, lambda: pump(one, other, changed_hello(strip)))
    assert not one.open and not other.open


def a_responder_against_its_own_rule_is_refused() -> None:
    one, other = pair([CLASSIC, HYBRID], [CLASSIC])
    sent = m.Terms.encode
    try:
        m.Terms.encode = lambda self: sent(m.Terms(self.policy, [HYBRID, CLASSIC]))
        refused(m.ILLEGAL_PARAMETER, lambda: pump(one, other))
    finally:
        m.Terms.encode = sent


def proofs_do_not_serve_the_other_role() -> None:
    one, other = pair([CLASSIC], [CLASSIC])
    other.endpoint.role = "initiator"
    refused(m.DECRYPT_ERROR, lambda: pump(one, other))


def an_identity_of_another_algorithm() -> None:
    one, other = pair([CLASSIC], [CLASSIC])
    spki = pq.SIGNATURES["ML-DSA-65"].spki(KEYS["b"]["ML-DSA-65"])
    other.endpoint.sealed = _first_identity_is(spki, other.endpoint.sealed)
    refused(m.BAD_IDENTITY, lambda: pump(one, other))


def _first_identity_is(spki, sealed):
    def send(encoded: bytes) -> None:
        sealed(m.encode_identity(spki) if encoded[0] == m.IDENTITY else encoded)

    return send


# --- retry ---------------------------------------------------------------------------


def retried():
    """(initiator with its second hello in `take`, responder, the retry's record)."""
    one, other = pair([CLASSIC, LATTICE], [LATTICE])
    other.feed(one.take())
    retry = other.take()
    return one, other, retry


def the_responder_keeps_nothing_of_a_retry() -> None:
    one, other, retry = retried()
    one.feed(retry)
    key = other.endpoint.config.cookie_key
    another = pq.respond(config([LATTICE], "b", cookie_key=key))
    pump(one, another)
    talks(one, another)


def a_second_retry() -> None:
    one, _, retry = retried()
    one.feed(retry)
    refused(m.UNEXPECTED_MESSAGE, lambda: one.feed(retry))


def a_changed_cookie() -> None:
    one, other, retry = retried()
    one.feed(retry)

    def edit(hello):
        hello.cookie = hello.cookie[:-1] + bytes([hello.cookie[-1] ^ 1])

    refused(m.ILLEGAL_PARAMETER, lambda: pump(one, other, changed_hello(edit)))


def a_first_hello_changed_before_the_retry() -> None:
    one, other = pair([CLASSIC, LATTICE], [LATTICE])
    other.feed(changed_hello(lambda hello: setattr(hello, "policy", "other"))(one, one.take()))
    refused(m.BAD_RECORD_MAC, lambda: pump(one, other))


def retries_that_say_nothing_new() -> None:
    for suite in (CLASSIC, SMALL):
        one = pq.initiate(config([CLASSIC, LATTICE], "a"))
        retry = record(HANDSHAKE, m.Retry(suite, b"cookie").encode())
        refused(m.ILLEGAL_PARAMETER, lambda: one.feed(retry))


def an_answer_of_another_suite_than_the_retrys() -> None:
    twin = "ML-KEM-768/Ed25519/AES-256-GCM/HKDF-SHA256"
    one = pq.initiate(config([CLASSIC, LATTICE, twin], "a"))
    one.feed(record(HANDSHAKE, m.Retry(LATTICE, b"cookie").encode()))
    ct, _ = pq.Suite(twin).kem.encapsulate(one.endpoint.hello.ek)
    answer = m.Answer(b"r" * 32, twin, ct, b"").encode()
    refused(m.ILLEGAL_PARAMETER, lambda: one.feed(record(HANDSHAKE, answer)))


# --- open streams -----------------------------------------------------------------------


def over_a_socketpair() -> None:
    near, far = socket.socketpair()
    heard = []

    def responder() -> None:
        channel = pq.accept(far, config(ALL, "b"))
        for _ in range(3):
            channel.send(channel.receive_exactly(70_000))
        channel.key_update(True)
        heard.append(channel.receive())
        channel.close()

    thread = threading.Thread(target=responder)
    thread.start()
    channel = pq.connect(near, config(ALL, "a"))
    for action in (lambda: None, lambda: channel.key_update(True), channel.fresh):
        action()
        channel.send(b"x" * 70_000)
        assert channel.receive_exactly(70_000) == b"x" * 70_000
    channel.close()
    assert channel.receive() is None
    thread.join()
    assert heard == [None]


def key_updates() -> None:
    one, other = opened()
    before = one.endpoint.send_key.key.secret
    one.key_update(True)
    one.key_update(True)
    other.key_update(False)
    talks(one, other)
    assert one.updates == {"sent": 2, "received": 2}, one.updates
    assert other.updates == {"sent": 2, "received": 2}, other.updates
    suite = one.endpoint.suite
    assert other.endpoint.recv_key.key.secret == suite.update(suite.update(before))
    other.feed(one.endpoint.send_key.seal(m.message(m.KEY_UPDATE, b"\0"), HANDSHAKE))
    bad = one.endpoint.send_key.updated().seal(m.message(m.KEY_UPDATE, b"\2"), HANDSHAKE)
    refused(m.ILLEGAL_PARAMETER, lambda: other.feed(bad))


def fresh_exchanges() -> None:
    one, other = opened()
    exporter = one.endpoint.schedule.exp
    seen = set()
    for _ in range(3):
        seen.add(one.endpoint.schedule.next)
        one.fresh()
        talks(one, other)
        for key, peer in ((one.endpoint, other.endpoint), (other.endpoint, one.endpoint)):
            assert key.send_key.key.secret == peer.recv_key.key.secret
        assert one.endpoint.schedule.next == other.endpoint.schedule.next
    assert len(seen) == 3 and one.endpoint.schedule.exp == exporter


def fresh_exchanges_have_a_rate() -> None:
    one, other = opened(initiator=[CLASSIC], responder=[CLASSIC])
    for _ in range(OFFERS_MADE):
        one.fresh()
        pump(one, other)
    try:
        one.fresh()
    except RuntimeError:
        pass
    else:
        raise AssertionError("a ninth at once")
    one.made -= 60
    one.fresh()
    pump(one, other)
    for _ in range(OFFERS_MADE + 1, OFFERS_TAKEN):
        one.offers = 0
        one.fresh()
        pump(one, other)
    one.offers = 0
    one.fresh()
    refused(m.UNEXPECTED_MESSAGE, lambda: other.feed(one.take()))


def idle_talk_ends() -> None:
    for idle in (lambda c: c.send(b""), lambda c: c._update(False)):
        one, other = opened(initiator=[CLASSIC], responder=[CLASSIC])
        for _ in range(2):
            for _ in range(MAX_IDLE_HEARD):
                idle(one)
            one.send(b"x")
            pump(one, other)
        for _ in range(MAX_IDLE_HEARD + 1):
            idle(one)
        refused(m.UNEXPECTED_MESSAGE, lambda: other.feed(one.take()))


def answers_are_no_idle_talk() -> None:
    one, other = opened(initiator=[CLASSIC], responder=[CLASSIC])
    for _ in range(3 * MAX_IDLE_HEARD):
        one.send(b"x")
        one.key_update(True)
        pump(one, other)


def fresh_exchange_between_key_updates_and_data() -> None:
    one, other = opened()
    one.send(b"1")
    one.fresh()
    one.send(b"2")
    one.key_update(True)
    one.send(b"3")
    other.key_update(True)
    other.send(b"a")
    pump(one, other)
    talks_before = b"".join(other.received), b"".join(one.received)
    assert talks_before == (b"123", b"a"), talks_before
    one.received.clear()
    other.received.clear()
    talks(one, other)


def messages_out_of_place() -> None:
    _, ek = pq.Suite(CLASSIC).kem.generate()
    offer = m.message(m.FRESH_OFFER, len(ek).to_bytes(4, "big") + ek)
    for side, wrong in (
        (0, [m.message(m.FRESH_DONE, b"")]),
        (0, [offer, offer]),
        (0, [m.message(m.WELCOME, b"")]),
        (0, [m.message(m.FINISHED, bytes(32))]),
        (1, [offer]),
        (1, [m.message(m.FRESH_ANSWER, bytes(4))]),
        (1, [m.message(m.WELCOME, b"")]),
        (1, [m.message(200, b"")]),
    ):
        two = opened(initiator=[CLASSIC], responder=[CLASSIC])
        sender, hearer = two[side], two[1 - side]
        data = b"".join(sender.endpoint.send_key.seal(one, HANDSHAKE) for one in wrong)
        refused(m.UNEXPECTED_MESSAGE, lambda: hearer.feed(data))


def records_that_do_not_belong() -> None:
    for code, data in (
        (m.UNEXPECTED_MESSAGE, lambda c: c.endpoint.send_key.seal(b"", 0)),
        (m.UNEXPECTED_MESSAGE, lambda c: c.endpoint.send_key.seal(b"x", 24)),
        (m.UNEXPECTED_MESSAGE, lambda c: record(HANDSHAKE, m.message(m.WELCOME, b""))),
        (m.UNEXPECTED_MESSAGE, lambda c: record(ALERT, b"\0")),
        (m.UNEXPECTED_MESSAGE, lambda c: b"\x18\0\0\0\0"),
        (m.RECORD_OVERFLOW, lambda c: b"\x17\x00\x04\x00\x12"),
        (m.RECORD_OVERFLOW, lambda c: c.endpoint.send_key.seal(bytes(16_385), 23)),
        (m.BAD_RECORD_MAC, lambda c: record(23, bytes(40))),
        (m.DECODE_ERROR, lambda c: c.endpoint.send_key.seal(b"\0\0", ALERT)),
    ):
        one, other = opened()
        refused(code, lambda: other.feed(data(one)))
        refused(code, lambda: one.feed(other.take()), pq.PeerAlert)


def data_before_welcome() -> None:
    one, other = pair([CLASSIC], [CLASSIC])
    other.feed(one.take())
    one.feed(other.take())
    other.feed(one.take())
    other.take()  # welcome is lost
    other.send(b"x")
    refused(m.BAD_RECORD_MAC, lambda: one.feed(other.take()))


def replayed_swapped_and_dropped_records() -> None:
    for order in ([0, 0], [1, 0], [1]):
        one, other = opened()
        sent = []
        for text in (b"a", b"b"):
            one.send(text)
            sent.append(one.take())
        refused(m.BAD_RECORD_MAC, lambda: [other.feed(sent[n]) for n in order])


def reflected_records() -> None:
    one, other = opened()
    one.send(b"mine")
    refused(m.BAD_RECORD_MAC, lambda: one.feed(one.take()))


def close_and_truncation() -> None:
    one, other = opened()
    one.close()
    pump(one, other)
    other.send(b"still")  # the other direction lives
    pump(one, other)
    assert one.received == [b"still"] and other.peer_closed and not one.peer_closed
    try:
        one.end_of_stream()
    except pq.Truncated:
        pass
    else:
        raise AssertionError("a cut stream passes for a closed one")
    other.close()
    pump(one, other)
    one.end_of_stream()
    other.end_of_stream()


# --- exchanges ------------------------------------------------------------------------------


class Wire:
    """The HTTP of an exchange, in process, with a place for the attacker."""

    def __init__(self, responder):
        self.responder, self.log, self.attack = responder, [], None

    def __call__(self, path, headers, body):
        self.log.append((path, headers, body))
        if self.attack and (answer := self.attack(path, headers, body)):
            return answer
        return self.responder.handle("POST", path, headers, body)


def echo(method, route, body, peer):
    echo.calls.append(body)
    return 200, method.encode() + b" " + route.encode() + b" " + body


echo.calls = []


def exchange(initiator=ALL, responder=ALL, **more):
    echo.calls = []
    wire = Wire(pq.ExchangeResponder(config(responder, "b"), echo, **more))
    return pq.ExchangeInitiator(config(initiator, "a"), wire), wire


def over_an_exchange() -> None:
    for offer in ([HYBRID], [CLASSIC, LATTICE], [SMALL]):
        one, _ = exchange(offer, [offer[-1]])
        for n in range(3):
            assert one.request("GET", "/a", b"%d" % n) == (200, b"GET /a %d" % n)
        assert one.counter == 4
        one.close()
        refusal_of(401, lambda: one.request("GET", "/a", b""))


def refusal_of(status, action) -> None:
    try:
        action()
    except pq.Refused as error:
        assert error.status == status, f"{error.status}, {status} expected"
    else:
        raise AssertionError(f"nothing refused, {status} expected")


def over_http() -> None:
    server = pq.http_server(pq.ExchangeResponder(config(ALL, "b"), echo))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        one = pq.ExchangeInitiator(config(ALL, "a"), pq.http_post(*server.server_address))
        assert one.request("POST", "/x", b"y" * 100_000)[1].endswith(b"yyy")
        one.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def replayed_and_old_counters() -> None:
    one, wire = exchange([CLASSIC])
    one.request("GET", "/", b"once")
    status, _ = wire.responder.handle("POST", *wire.log[-1])
    assert status == 409 and echo.calls == [b"once"]
    late = one.seal(b"late")[1]
    one.counter += 5000
    one.request("GET", "/", b"far")
    assert wire("/pqfw/1/r", one.headers, late)[0] == 409, "below the window"
    one.counter = 0
    assert wire("/pqfw/1/r", one.headers, one.seal(b"x")[1])[0] == 409, "welcome's number"


def what_does_not_open_changes_nothing() -> None:
    one, wire = exchange([CLASSIC])
    session = wire.responder.sessions[one.session]
    for counter in (1, 9, 70_000, 1 << 63):
        body = counter.to_bytes(8, "big") + bytes(40)
        assert wire("/pqfw/1/r", one.headers, body)[0] == 400
    assert session.receiver.window.highest == 0 and session.receiver.epochs.current == 0
    assert one.request("GET", "/", b"")[0] == 200


def requests_and_responses_are_bound() -> None:
    one, wire = exchange([CLASSIC])
    two = pq.ExchangeInitiator(config([CLASSIC], "a"), wire)
    _, sealed = one.seal(b"x")
    assert wire("/pqfw/1/r", two.headers, sealed)[0] == 400, "another session"
    first, body = one.seal(b"\x03GET\0\1/\0\0\0\0")
    second, _ = one.seal(b"")
    _, answer = wire("/pqfw/1/r", one.headers, body)
    refused(m.BAD_RECORD_MAC, lambda: one.open(second, answer))
    refused(m.BAD_RECORD_MAC, lambda: one.open(first, body[8:]))
    assert one.open(first, answer)


def epochs() -> None:
    one, wire = exchange([CLASSIC])
    one.counter = (1 << 16) - 1
    assert one.request("GET", "/", b"0")[0] == 200
    assert one.request("GET", "/", b"1")[0] == 200
    session = wire.responder.sessions[one.session]
    assert session.receiver.epochs.current == 1
    suite, s = one.endpoint.suite, one.endpoint.schedule
    assert session.receiver.epochs.keys[1].secret == suite.update(s.c_ap)
    one.counter = (1 << 16) - 9
    assert one.request("GET", "/", b"old")[0] == 200, "the epoch before is still read"


def an_epoch_that_is_used_up() -> None:
    one, wire = exchange([CLASSIC])
    wire.responder.sessions[one.session].receiver.limit = 3
    junk = (1).to_bytes(8, "big") + bytes(40)
    assert [wire("/pqfw/1/r", one.headers, junk)[0] for _ in range(4)] == [400, 400, 400, 425]
    assert one.request("GET", "/", b"again", repeatable=True)[0] == 200
    assert one.counter == (1 << 16) + 1


def a_forged_hint_repeats_nothing() -> None:
    for status in (401, 425):
        one, wire = exchange([CLASSIC])

        def carried_out_and_denied(path, headers, body):
            if path == "/pqfw/1/r":
                wire.responder.handle("POST", path, headers, body)
                return status, record(ALERT, b"\x0a")

        wire.attack = carried_out_and_denied
        refusal_of(status, lambda: one.request("POST", "/pay", b"10"))
        assert echo.calls == [b"10"], "the request was carried out twice"
        wire.attack = None
        assert one.request("GET", "/", b"")[0] == 200


def junk_does_not_end_a_handshake() -> None:
    responder = pq.ExchangeResponder(config([CLASSIC], "b"), echo)
    wire = Wire(responder)

    def junk_first(path, headers, body):
        if path == "/pqfw/1/finish":
            junk = b"".join(record(23, bytes(60)) for _ in range(3))
            assert responder.handle("POST", path, headers, junk)[0] == 400

    wire.attack = junk_first
    one = pq.ExchangeInitiator(config([CLASSIC], "a"), wire)
    assert one.request("GET", "/", b"")[0] == 200


def a_repeated_finish_gives_the_same_bytes() -> None:
    one, wire = exchange([CLASSIC])
    finish = next(entry for entry in wire.log if entry[0] == "/pqfw/1/finish")
    first, second = (wire.responder.handle("POST", *finish) for _ in range(2))
    assert first == second and first[0] == 200
    assert one.request("GET", "/", b"")[0] == 200


def sessions_end() -> None:
    clock = [0.0]
    one, wire = exchange([CLASSIC], now=lambda: clock[0])
    one.now = lambda: 0.0  # an initiator that does not renew
    one.made = 0.0
    held = [one.seal(exchanges.encode_request("GET", "/", b""))[1] for _ in range(2)]
    clock[0] = 659
    assert wire("/pqfw/1/r", one.headers, held[0])[0] == 200
    clock[0] = 660
    assert wire("/pqfw/1/r", one.headers, held[1])[0] == 401, "held back and delivered"
    refusal_of(401, lambda: one.request("GET", "/", b""))
    assert one.request("GET", "/", b"")[0] == 200, "a new session"


def sessions_are_renewed() -> None:
    clock = [0.0]
    now = lambda: clock[0]  # noqa: E731
    one, wire = exchange([CLASSIC], now=now)
    one.now, one.made = now, 0.0
    sessions = []
    for clock[0] in (0, 599, 600):
        assert one.request("POST", "/", b"")[0] == 200
        sessions.append(one.session)
    assert sessions[0] == sessions[1] != sessions[2] and len(wire.responder.sessions) == 2


def a_peer_has_so_many_sessions() -> None:
    one, wire = exchange([CLASSIC])
    two = pq.ExchangeInitiator(config([CLASSIC], "c"), wire)
    for _ in range(exchanges.MAX_SESSIONS_EACH):
        pq.ExchangeInitiator(config([CLASSIC], "a"), wire)
    assert len(wire.responder.sessions) == exchanges.MAX_SESSIONS_EACH + 1
    assert one.session not in wire.responder.sessions and two.session in wire.responder.sessions


def refusals_name_their_alerts() -> None:
    one, wire = exchange([CLASSIC])
    one.request("GET", "/", b"")
    post = wire.responder.handle
    once = wire.log[-1]
    for expected, got in (
        ((404, m.UNEXPECTED_MESSAGE), post("POST", "/other", {}, b"")),
        ((401, m.UNEXPECTED_MESSAGE), post("POST", once[0], {}, once[2])),
        ((409, m.ILLEGAL_PARAMETER), post("POST", *once)),
        ((400, m.BAD_RECORD_MAC), post("POST", once[0], once[1], bytes(7) + bytes([9] * 60))),
    ):
        assert got == (expected[0], record(ALERT, bytes([expected[1]]))), got


# --- datagrams --------------------------------------------------------------------------------

ADDRESS = ("192.0.2.1", 4000)


class Net:
    """Two sides, a clock, and a network that asks `fate` what arrives of what is sent."""

    def __init__(self, initiator=ALL, responder=ALL, fate=lambda sent: sent):
        self.now, self.fate = 1000.0, fate
        self.other = datagram.DatagramResponder(config(responder, "b"))
        self.one = datagram.DatagramInitiator(config(initiator, "a"), self.now)

    def carry(self, sent: list[bytes]) -> None:
        while sent:
            back = []
            for one in self.fate(sent):
                back += self.other.receive(one, ADDRESS, self.now)
            sent = []
            for one in self.fate(back):
                sent += self.one.receive(one, self.now)

    def connect(self):
        self.carry(self.one.tick(self.now))
        while not self.one.channel:
            self.now += 0.5
            self.carry(self.one.tick(self.now))
        return self.one.channel, self.other.channels[(ADDRESS, self.one.channel.session)]

    def hello(self) -> list[bytes]:
        """All parts of flight 1, with their token."""
        (demand,) = self.other.receive(self.one.tick(self.now)[0], ADDRESS, self.now)
        return self.one.receive(demand, self.now)

    def answers(self, sent: list[bytes]) -> list[bytes]:
        return [back for one in sent for back in self.other.receive(one, ADDRESS, self.now)]


def over_datagrams() -> None:
    for offer in ([HYBRID], [CLASSIC, LATTICE]):
        net = Net(offer, [offer[-1]])
        near, far = net.connect()
        far.open(near.seal(b"up", net.now, zeros=100), net.now)
        near.open(far.seal(b"down", net.now), net.now)
        far.open(near.close(net.now), net.now)
        assert (far.received, near.received, far.peer_closed) == ([b"up"], [b"down"], True)
        assert len(net.other.attempts) == len(offer), "a retry has an attempt of its own"


def lost_doubled_and_late_datagrams() -> None:
    for seed in range(40):
        chance = random.Random(seed)

        def fate(sent: list[bytes]) -> list[bytes]:
            arrives = [data for data in sent for _ in range(chance.choice([0, 1, 1, 1, 1, 2]))]
            chance.shuffle(arrives)
            return arrives

        net = Net([LATTICE], [LATTICE], fate)
        near, far = net.connect()
        far.open(near.seal(b"x", net.now), net.now)
        assert far.received == [b"x"], f"seed {seed}"


def nothing_is_kept_before_a_token() -> None:
    net = Net()
    first = net.one.tick(net.now)
    assert len(first) == 1, "the first part alone"
    (demand,) = net.other.receive(first[0], ADDRESS, net.now)
    assert demand[0] == datagram.DEMAND and len(demand) < len(first[0])
    assert not net.other.attempts
    attempt, token = demand[1:9], demand[9:]
    fits = net.other.token_fits
    assert not fits(token, attempt, ("192.0.2.2", 4000), net.now)
    assert not fits(token, attempt, ("192.0.2.1", 4001), net.now)
    assert not fits(token, bytes(8), ADDRESS, net.now)
    assert not fits(token, attempt, ADDRESS, net.now + 3 * 64)
    assert fits(token, attempt, ADDRESS, net.now + 64)
    hello = net.one.receive(demand, net.now)
    assert len(hello) > 1
    assert not net.one.receive(demand[:-1] + b"x", net.now), "one for each sending"
    for other in (2, 3, 4, 5):
        part = hello[0][:9] + bytes([other]) + hello[0][10:]
        assert not net.other.receive(part, ADDRESS, net.now)


def a_flight_sent_again_is_the_same_bytes() -> None:
    net = Net([CLASSIC], [CLASSIC])
    hello = net.hello()
    first = net.answers(hello)
    net.now += 0.4
    assert not net.answers(hello), "twice in half a second"
    net.now += 0.2
    assert net.answers(hello) == first and first
    again = []
    for _ in range(20):
        net.now += 1
        again.append(net.answers(hello))
    assert sum(map(bool, again)) == datagram.SENDINGS - 2, "a recorded part makes it send for ever"
    assert datagram.SENDINGS == 7


def a_handshake_ends_in_time() -> None:
    net = Net()
    times, began = [], net.now
    try:
        while True:
            times += [net.now - began] * bool(net.one.tick(net.now))
            net.now += 0.5
    except TimeoutError:
        assert times == [0, 1, 3, 7, 15, 31, 63] and net.now - began == 130, times
    net = Net([CLASSIC], [CLASSIC])
    net.connect()
    net.now += 131
    net.other.forget_what_is_over(net.now)
    assert not net.other.attempts and net.other.channels


def sessions_end_in_time() -> None:
    net = Net([CLASSIC], [CLASSIC])
    near, far = net.connect()
    began = net.now
    for hours in range(1, 48):
        net.now = began + hours * 1800
        far.open(near.seal(b"x", net.now), net.now)
        near.open(far.seal(b"x", net.now), net.now)
    net.now = began + 24 * 3600
    refused(m.INTERNAL_ERROR, lambda: near.seal(b"x", net.now))
    near.open(far.seal(b"x", net.now), net.now)
    assert len(near.received) == 48
    assert far.is_over(began + 25 * 3600) and near.is_over(net.now + 3600)


def datagrams_replayed_reflected_and_forged() -> None:
    net = Net([CLASSIC], [CLASSIC])
    near, far = net.connect()
    sent = [near.seal(b"%d" % n, net.now) for n in range(3)]
    for one in (sent[2], sent[0], sent[2], sent[1], sent[0]):
        far.open(one, net.now)
    assert far.received == [b"2", b"0", b"1"]
    near.open(sent[0], net.now)
    far.open(sent[0][:17] + (1 << 40).to_bytes(8, "big") + sent[0][25:], net.now)
    far.open(b"\x20", net.now)
    net.other.receive(near.seal(b"x", net.now), ("192.0.2.9", 1), net.now)
    near.counter += 5000
    far.open(near.seal(b"far", net.now), net.now)
    near.counter = 4
    far.open(near.seal(b"late", net.now), net.now)
    assert not near.received and far.received[3:] == [b"far"]


def forged_parts_and_flights_end_no_attempt() -> None:
    junk = b"".join(record(23, bytes(60)) for _ in range(3))

    def flight(forged: bytes):
        return lambda data: datagram.parts(data[1:9], data[9], data[10:26], forged)

    forgeries = [
        flight(junk),
        flight(record(ALERT, b"\x28")),
        lambda data: flight(bytes(9000))(data)[2:5],
        lambda data: [data[:-1] + bytes([data[-1] ^ 1])],
    ]
    for attacked in (1, 2, 3, 4):
        for forge in forgeries:
            done = []

            def fate(sent: list[bytes]) -> list[bytes]:
                first = next((d for d in sent if d[0] == datagram.PART and d[9] == attacked), None)
                tokenless = attacked == 1 and first and first[10:26] == datagram.NO_TOKEN
                if first is None or tokenless or done:
                    return sent
                done.append(True)
                return forge(first) + sent

            net = Net([CLASSIC], [CLASSIC], fate)
            near, far = net.connect()
            far.open(near.seal(b"x", net.now), net.now)
            assert done and far.received == [b"x"], f"flight {attacked}"


def a_forged_retry_ends_no_attempt() -> None:
    for answers in (CLASSIC, LATTICE):
        done = []

        def fate(sent: list[bytes]) -> list[bytes]:
            first = next((d for d in sent if d[0] == datagram.PART and d[9] == 2), None)
            if first is None or done:
                return sent
            done.append(True)
            retry = record(HANDSHAKE, m.Retry(LATTICE, b"not yours").encode())
            return datagram.parts(first[1:9], 2, datagram.NO_TOKEN, retry) * 2 + sent

        net = Net([CLASSIC, LATTICE], [answers], fate)
        near, far = net.connect()
        far.open(near.seal(b"x", net.now), net.now)
        assert done and far.received == [b"x"], answers


def a_refusal_is_told_under_keys() -> None:
    net = Net([CLASSIC], [CLASSIC])
    net.other.config.accept = lambda spki: False
    try:
        net.connect()
    except pq.PeerAlert as heard:
        assert heard.sealed and heard.code == m.UNKNOWN_PEER
    else:
        raise AssertionError("accepted")
    net = Net([CLASSIC], [LATTICE])
    try:
        net.connect()
    except pq.PeerAlert as heard:
        assert not heard.sealed and heard.code == m.HANDSHAKE_FAILURE and net.now > 1129
    else:
        raise AssertionError("accepted")


def memory_is_bounded() -> None:
    net = Net([CLASSIC], [CLASSIC])
    for number in range(40):
        address = (f"192.0.2.{number // 20}", 1000 + number)
        hello = number.to_bytes(2, "big") + bytes(3000)
        attempt = datagram.attempt_of(hello)
        token = net.other.token(attempt, address, net.now)
        net.other.receive(datagram.parts(attempt, 1, token, hello)[0], address, net.now)
    assert len(net.other.attempts) == 2 * datagram.MAX_ATTEMPTS_NEAR
    net.now += 2
    net.other.receive(datagram.parts(attempt, 1, token, hello)[0], address, net.now)
    assert len(net.other.attempts) == 2 * datagram.MAX_ATTEMPTS_NEAR
    assert (address, attempt) in net.other.attempts, "the oldest gave way"


# --- recorded handshakes ----------------------------------------------------------------------


def recorded_handshakes_are_checked_to_the_last_field() -> None:
    keys = KEYS["a"]
    stream = vectors.Recorder([CLASSIC, SMALL], [SMALL], keys, m.STREAM).case("stream")
    exchange = vectors.Recorder([CLASSIC], [CLASSIC], keys, m.EXCHANGE).case("exchange")
    for case in (stream, exchange):
        vectors.Case(case).verify()
        for field, value in case.items():
            if not isinstance(value, str) or field in ("name", "suite"):
                continue
            spoilt = case | {field: value[:-1] + ("0" if value[-1] != "0" else "1")}
            try:
                vectors.Case(spoilt).verify()
            except AssertionError:
                continue
            raise AssertionError(f"{field} is not checked")


def main() -> int:
    here = dict(globals())
    checks = [
        value
        for name, value in here.items()
        if getattr(value, "__module__", None) == __name__
        and callable(value)
        and getattr(value, "__code__", None) is not None
        and value.__code__.co_argcount == 0
        and value.__annotations__.get("return") == "None"
    ]
    passed = failed = 0
    for check in checks:
        name = check.__name__.replace("_", " ")
        try:
            check()
        except Exception:
            failed += 1
            print(f"  FAIL  {name}")
            for line in traceback.format_exc().rstrip().splitlines()[-8:]:
                print(f"          {line}")
        else:
            passed += 1
            print(f"  pass  {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
