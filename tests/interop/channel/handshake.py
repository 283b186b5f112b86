"""The handshake, both roles, without input or output: records in, records out.

Where the page is silent the choice made here is marked `Silent:` and stands in the review.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from typing import Callable

import messages as m
from algorithms import Suite, kem_of
from messages import Failure, PeerAlert
from records import ALERT, DATA, HANDSHAKE, RecordKey, record
from schedule import Schedule, Transcript, cookie_tag, signed_text, verify_data


@dataclass
class Config:
    """One party: its list, its keys, whom it accepts."""

    suites: list[str]
    identities: dict  # signature name → private key
    accept: Callable[[bytes], bool] = lambda spki: True
    protocol: str = "chat/1"
    policy: str = "none"
    cookie_key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    kem_generate: Callable | None = None  # for vectors
    keylog: Callable[[str, bytes], None] | None = None


class Endpoint:
    """What both roles share: keys, records, alerts."""

    role = peer_role = ""

    def __init__(self, config: Config, delivery: int):
        self.config, self.delivery = config, delivery
        self.transcript = Transcript()
        self.suite: Suite | None = None
        self.schedule: Schedule | None = None
        self.send_key: RecordKey | None = None
        self.recv_key: RecordKey | None = None
        self.peer_spki: bytes | None = None
        self.session = b""
        self.state = "start"
        self.out = b""

    # --- output

    def clear(self, encoded: bytes) -> None:
        self.transcript.add(encoded)
        self.out += record(HANDSHAKE, encoded)

    def sealed(self, encoded: bytes) -> None:
        self.transcript.add(encoded)
        self.out += self.send_key.seal(encoded, HANDSHAKE)

    def take(self) -> bytes:
        out, self.out = self.out, b""
        return out

    def alert(self, code: int) -> bytes:
        """An alert under the sending key in force, in the clear without one."""
        self.state = "failed"
        if self.send_key is None:
            return record(ALERT, bytes([code]))
        return self.send_key.seal(bytes([code]), ALERT)

    # --- input

    def receive(self, kind: int, body: bytes) -> bytes | None:
        """One record. Gives application data, else None."""
        if self.state == "failed":
            raise Failure(m.UNEXPECTED_MESSAGE, "a record after the failure")
        if kind == ALERT:
            if len(body) != 1:
                raise Failure(m.DECODE_ERROR, "an alert is one byte")
            if not self.may_hear_in_the_clear():
                raise Failure(m.UNEXPECTED_MESSAGE, "an alert in the clear after keys")
            raise PeerAlert(body[0], sealed=False)
        if kind == HANDSHAKE:
            if self.recv_key is not None:
                raise Failure(m.UNEXPECTED_MESSAGE, "a message in the clear after keys")
            self.message(body)
            return None
        if self.recv_key is None:
            raise Failure(m.UNEXPECTED_MESSAGE, "a protected record before keys")
        inner, content = self.recv_key.open(body)
        if inner == HANDSHAKE:
            self.message(content)
            return None
        if inner == ALERT:
            if len(content) != 1:
                raise Failure(m.DECODE_ERROR, "an alert is one byte")
            raise PeerAlert(content[0], sealed=True)
        if inner == DATA and self.state == "open":
            return content
        raise Failure(m.UNEXPECTED_MESSAGE, f"inner {inner} in state {self.state}")

    def may_hear_in_the_clear(self) -> bool:
        return self.recv_key is None

    def message(self, encoded: bytes) -> None:
        kind, body = m.split_message(encoded)
        handler = self.handlers().get((self.state, kind))
        if handler is None:
            raise Failure(m.UNEXPECTED_MESSAGE, f"message {kind} in state {self.state}")
        handler(body, encoded)

    def handlers(self) -> dict:
        raise NotImplementedError

    # --- identity, proof, finished: the same in both directions

    def th(self) -> bytes:
        return self.transcript.hash(self.suite)

    def log(self, label: str, secret: bytes) -> None:
        if self.config.keylog:
            self.config.keylog(label, secret)

    def send_identity(self, base: bytes) -> None:
        signature = self.suite.signature
        private = self.config.identities[self.suite.signature_name]
        self.sealed(m.encode_identity(signature.spki(private)))
        proof = signature.sign(private, signed_text(self.role, self.th()))
        self.sealed(m.message(m.PROOF, len(proof).to_bytes(4, "big") + proof))
        self.sealed(m.message(m.FINISHED, verify_data(self.suite, base, self.th())))

    def on_identity(self, body: bytes, encoded: bytes) -> None:
        spki = m.decode_identity(body)
        self.peer_public = self.suite.signature.public(spki)
        if self.peer_public is None:
            raise Failure(m.BAD_IDENTITY, f"no key of {self.suite.signature_name}")
        self.peer_spki = spki
        self.transcript.add(encoded)
        self.state = "wait proof"

    def on_proof(self, body: bytes, encoded: bytes) -> None:
        proof = m.decode_vector(body)
        text = signed_text(self.peer_role, self.th())
        if not self.suite.signature.verify(self.peer_public, text, proof):
            raise Failure(m.DECRYPT_ERROR, "the proof does not verify")
        own = self.suite.signature.spki(self.config.identities[self.suite.signature_name])
        if self.peer_spki == own or not self.config.accept(self.peer_spki):
            raise Failure(m.UNKNOWN_PEER, "the identity is not accepted")
        self.transcript.add(encoded)
        self.state = "wait finished"

    def check_finished(self, body: bytes, base: bytes, encoded: bytes) -> None:
        if len(body) != self.suite.hash_bytes:
            raise Failure(m.DECODE_ERROR, f"finished of {len(body)} bytes")
        if not hmac.compare_digest(body, verify_data(self.suite, base, self.th())):
            raise Failure(m.DECRYPT_ERROR, "finished does not verify")
        self.transcript.add(encoded)


class Initiator(Endpoint):
    role, peer_role = "initiator", "responder"

    def __init__(self, config: Config, delivery: int):
        super().__init__(config, delivery)
        self.retried: m.Retry | None = None
        self.hello = m.Hello(
            delivery, os.urandom(32), config.protocol, config.policy, config.suites, 0, b""
        )

    def handlers(self) -> dict:
        return {
            ("offered", m.ANSWER): self.on_answer,
            ("offered", m.RETRY): self.on_retry,
            ("wait terms", m.TERMS): self.on_terms,
            ("wait identity", m.IDENTITY): self.on_identity,
            ("wait proof", m.PROOF): self.on_proof,
            ("wait finished", m.FINISHED): self.on_finished,
            ("sent", m.WELCOME): self.on_welcome,
        }

    def start(self, share: int = 0) -> bytes:
        self.offer(share)
        return self.take()

    def offer(self, share: int) -> None:
        kem = Suite(self.hello.suites[share]).kem
        self.kem_key, self.hello.ek = (self.config.kem_generate or kem.generate)()
        self.hello.share = share
        self.first_hello = self.hello.encode()
        self.clear(self.first_hello)
        self.state = "offered"

    def on_retry(self, body: bytes, encoded: bytes) -> None:
        if self.retried:
            raise Failure(m.UNEXPECTED_MESSAGE, "a second retry")
        retry = m.Retry.decode(body)
        names = self.hello.suites
        if retry.suite not in names:
            raise Failure(m.ILLEGAL_PARAMETER, "retry names a suite that was not offered")
        if kem_of(retry.suite) == kem_of(names[self.hello.share]):
            raise Failure(m.ILLEGAL_PARAMETER, "retry names the KEM of the share")
        self.retried = retry
        self.transcript.replace_first_hello(Suite(retry.suite).hash(self.first_hello))
        self.transcript.add(encoded)
        self.hello.cookie = retry.cookie
        self.offer(names.index(retry.suite))

    def on_answer(self, body: bytes, encoded: bytes) -> None:
        answer = m.Answer.decode(body)
        names = self.hello.suites
        if answer.suite not in names:
            raise Failure(m.ILLEGAL_PARAMETER, "the answer's suite was not offered")
        if kem_of(answer.suite) != kem_of(names[self.hello.share]):
            raise Failure(m.ILLEGAL_PARAMETER, "the answer's KEM is not the share's")
        # Silent: RFC 8446 section 4.1.4 asks for this.
        if self.retried and answer.suite != self.retried.suite:
            raise Failure(m.ILLEGAL_PARAMETER, "the answer's suite is not the retry's")
        if len(answer.session) != (0 if self.delivery == m.STREAM else 16):
            raise Failure(m.ILLEGAL_PARAMETER, f"a session of {len(answer.session)} bytes")
        self.suite, self.session = Suite(answer.suite), answer.session
        try:
            shared = self.suite.kem.decapsulate(self.kem_key, answer.ct)
        except ValueError as error:
            raise Failure(m.ILLEGAL_PARAMETER, f"decapsulation: {error}") from None
        self.kem_key = None
        self.transcript.add(encoded)
        self.schedule = s = Schedule(self.suite, shared, self.th())
        self.log("C_HS", s.c_hs)
        self.log("S_HS", s.s_hs)
        self.recv_key = RecordKey(self.suite, s.s_hs)
        self.send_key = RecordKey(self.suite, s.c_hs)
        self.state = "wait terms"

    def on_terms(self, body: bytes, encoded: bytes) -> None:
        terms = m.Terms.decode(body)
        if m.agreed(terms.suites, self.hello.suites) != self.suite.name:
            raise Failure(m.ILLEGAL_PARAMETER, "another suite than the rule's")
        self.peer_policy = terms.policy
        self.transcript.add(encoded)
        self.state = "wait identity"

    def on_finished(self, body: bytes, encoded: bytes) -> None:
        s = self.schedule
        self.check_finished(body, s.s_hs, encoded)
        s.responder_finished(self.th())
        self.send_identity(s.c_hs)
        s.initiator_finished(self.th())
        self.log("C_AP_0", s.c_ap)
        self.log("S_AP_0", s.s_ap)
        self.recv_key = RecordKey(self.suite, s.s_ap)
        self.send_key = RecordKey(self.suite, s.c_ap)
        self.state = "sent"

    def on_welcome(self, body: bytes, encoded: bytes) -> None:
        m.decode_empty(body)
        self.state = "open"


class Responder(Endpoint):
    role, peer_role = "responder", "initiator"

    def __init__(self, config: Config, delivery: int):
        super().__init__(config, delivery)
        self.state = "waiting"

    def handlers(self) -> dict:
        return {
            ("waiting", m.HELLO): self.on_hello,
            ("wait identity", m.IDENTITY): self.on_identity,
            ("wait proof", m.PROOF): self.on_proof,
            ("wait finished", m.FINISHED): self.on_finished,
        }

    def may_hear_in_the_clear(self) -> bool:
        # The initiator has no keys when it cannot use our answer.
        return self.state in ("waiting", "wait identity")

    def on_hello(self, body: bytes, encoded: bytes) -> None:
        hello = m.Hello.decode(body)
        if hello.delivery != self.delivery:
            raise Failure(m.ILLEGAL_PARAMETER, f"delivery {hello.delivery} came by another")
        if hello.protocol != self.config.protocol:
            raise Failure(m.NO_APPLICATION_PROTOCOL, f"{hello.protocol} is not served")
        name = m.agreed(self.config.suites, hello.suites)
        if name is None:
            raise Failure(m.HANDSHAKE_FAILURE, "no suite in common")
        suite = Suite(name)
        retry = self.check_cookie(suite, hello)
        if kem_of(name) != kem_of(hello.suites[hello.share]):
            if retry:
                raise Failure(m.ILLEGAL_PARAMETER, "a second hello with another KEM again")
            self.send_retry(suite, encoded)
            return
        if retry and hello.share != hello.suites.index(name):
            raise Failure(m.ILLEGAL_PARAMETER, "the share is not the position of retry's suite")
        self.answer(suite, hello, encoded)

    def check_cookie(self, suite: Suite, hello: m.Hello) -> m.Retry | None:
        """The retry that the cookie stands for, put into the transcript."""
        if not hello.cookie:
            return None
        digest, tag = hello.cookie[: suite.hash_bytes], hello.cookie[suite.hash_bytes :]
        if not hmac.compare_digest(tag, cookie_tag(suite, self.config.cookie_key, digest)):
            raise Failure(m.ILLEGAL_PARAMETER, "the cookie is not ours")
        retry = m.Retry(suite.name, hello.cookie)
        self.transcript.replace_first_hello(digest)
        self.transcript.add(retry.encode())
        return retry

    def send_retry(self, suite: Suite, encoded: bytes) -> None:
        """Nothing is kept: the state stays `waiting`, the transcript empty."""
        digest = suite.hash(encoded)
        cookie = digest + cookie_tag(suite, self.config.cookie_key, digest)
        self.out += record(HANDSHAKE, m.Retry(suite.name, cookie).encode())

    def answer(self, suite: Suite, hello: m.Hello, encoded: bytes) -> None:
        self.suite, self.hello = suite, hello
        try:
            ct, shared = suite.kem.encapsulate(hello.ek)
        except ValueError as error:
            raise Failure(m.ILLEGAL_PARAMETER, f"encapsulation: {error}") from None
        self.transcript.add(encoded)
        self.session = b"" if self.delivery == m.STREAM else os.urandom(16)
        self.clear(m.Answer(os.urandom(32), suite.name, ct, self.session).encode())
        self.schedule = s = Schedule(suite, shared, self.th())
        self.send_key = RecordKey(suite, s.s_hs)
        self.recv_key = RecordKey(suite, s.c_hs)
        self.sealed(m.Terms(self.config.policy, self.config.suites).encode())
        self.send_identity(s.s_hs)
        s.responder_finished(self.th())
        self.send_key = RecordKey(suite, s.s_ap)
        self.state = "wait identity"

    def on_finished(self, body: bytes, encoded: bytes) -> None:
        s = self.schedule
        self.check_finished(body, s.c_hs, encoded)
        s.initiator_finished(self.th())
        self.recv_key = RecordKey(self.suite, s.c_ap)
        self.out += self.send_key.seal(m.message(m.WELCOME, b""), HANDSHAKE)
        self.state = "open"
