"""Recorded handshakes: what a file says against what this peer computes.

A file is `{"about": …, "fields": …, "cases": […]}`. Values are lower-case hexadecimal unless said
otherwise. Fields of a case, of which `suite` (text) and `messages` are needed:

| field | what |
| --- | --- |
| `name` | text |
| `suite` | text: the agreed suite |
| `messages` | list: every handshake message with its head, in order, from the first hello to the initiator's `finished`; after a retry: hello, retry, hello, answer, … |
| `kem_seed` | the seed of the KEM key in the answered hello; docs/protocols/hybrid.md, Key and Classical parts |
| `shared_secret` | of the KEM; needed without `kem_seed` |
| `th_answer`, `th_responder_finished`, `th_initiator_finished` | transcript hashes |
| `early`, `handshake`, `main`, `c_hs`, `s_hs`, `c_ap`, `s_ap`, `exp`, `next` | secrets |
| `cookie_key` | the responder's, in a case with a retry |
| `records` | list: every record with its head, in order, `welcome` at the end |
| `exporter` | `{"label": text, "context", "length": number, "value"}` |
| `fresh` | `{"kem_seed", "offer", "answer", "c_ap", "s_ap", "next"}`: one fresh exchange, messages with heads |
| `sealed` | list of `{"direction": 0 or 1, "counter": number, "session", "plain", "sealed"}`: section 5, `plain` with `inner` and padding |

A field that is not in this table is a failure: what nobody checks proves nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import messages as m
from algorithms import SIGNATURES, Suite, TrafficKey, v32
from exchange import associated
from handshake import Config, Initiator, Responder
from messages import split_message
from records import HANDSHAKE, RecordKey, pad, split_records
from schedule import Schedule, Transcript, cookie_tag, signed_text, verify_data
from sealed import epoch_of

ORDER = [m.HELLO, m.ANSWER, m.TERMS] + 2 * [m.IDENTITY, m.PROOF, m.FINISHED]
SECRETS = ["early", "handshake", "main", "c_hs", "s_hs", "c_ap", "s_ap", "exp", "next"]
HASHES = ["th_answer", "th_responder_finished", "th_initiator_finished"]
OTHERS = ["name", "suite", "messages", "kem_seed", "shared_secret", "cookie_key", "records",
          "exporter", "fresh", "sealed"]  # fmt: skip


def same(what: str, wanted: bytes, got: bytes) -> None:
    assert wanted == got, f"{what}: the file has {wanted.hex()}, computed is {got.hex()}"


class Case:
    def __init__(self, case: dict):
        unknown = set(case) - set(SECRETS + HASHES + OTHERS)
        assert not unknown, f"fields that nobody checks: {', '.join(sorted(unknown))}"
        self.case, self.suite = case, Suite(case["suite"])
        self.all = [bytes.fromhex(one) for one in case["messages"]]
        kinds = [one[0] for one in self.all]
        self.retried = m.RETRY in kinds
        wanted = [m.HELLO, m.RETRY, *ORDER] if self.retried else ORDER
        assert kinds == wanted, f"messages of types {kinds}, {wanted} expected"
        self.transcript = Transcript()
        self.flight = self.all[2:] if self.retried else self.all
        if self.retried:
            self.transcript.replace_first_hello(self.suite.hash(self.all[0]))
            self.transcript.add(self.all[1])
        self.hello = m.Hello.decode(split_message(self.flight[0])[1])
        self.answer = m.Answer.decode(split_message(self.flight[1])[1])

    def bytes(self, field: str) -> bytes | None:
        return bytes.fromhex(self.case[field]) if field in self.case else None

    def add(self, *which: int) -> bytes:
        for index in which:
            self.transcript.add(self.flight[index])
        return self.transcript.hash(self.suite)

    def verify(self) -> None:
        assert self.answer.suite == self.suite.name, "the answer has another suite"
        terms = m.Terms.decode(split_message(self.flight[2])[1])
        assert m.agreed(terms.suites, self.hello.suites) == self.suite.name, "the rule"
        if self.retried:
            self.retry()
        self.values = {"th_answer": self.add(0, 1)}
        self.schedule = s = Schedule(self.suite, self.shared(), self.values["th_answer"])
        th = self.identity("responder", 3, s.s_hs, self.add(2))
        self.values["th_responder_finished"] = th
        s.responder_finished(th)
        th = self.identity("initiator", 6, s.c_hs, th)
        self.values["th_initiator_finished"] = th
        s.initiator_finished(th)
        for name in SECRETS:
            self.values[name] = getattr(s, name)
        for name in SECRETS + HASHES:
            if name in self.case:
                same(name, self.bytes(name), self.values[name])
        for part in ("records", "exporter", "sealed", "fresh"):  # fresh changes the schedule
            if part in self.case:
                getattr(self, part)(self.case[part])

    def shared(self) -> bytes:
        seed, said = self.bytes("kem_seed"), self.bytes("shared_secret")
        assert seed or said, "neither kem_seed nor shared_secret"
        if seed is None:
            return said
        key, ek = self.suite.kem.generate(seed)
        same("encapsulation key", self.hello.ek, ek)
        shared = self.suite.kem.decapsulate(key, self.answer.ct)
        if said is not None:
            same("shared_secret", said, shared)
        return shared

    def retry(self) -> None:
        retry = m.Retry.decode(split_message(self.all[1])[1])
        assert retry.suite == self.suite.name, "retry has another suite"
        same("the second hello's cookie", self.hello.cookie, retry.cookie)
        first = m.Hello.decode(split_message(self.all[0])[1])
        first.share, first.ek, first.cookie = self.hello.share, self.hello.ek, self.hello.cookie
        assert first == self.hello, "the second hello differs in another field"
        if "cookie_key" in self.case:
            digest = self.suite.hash(self.all[0])
            tag = cookie_tag(self.suite, self.bytes("cookie_key"), digest)
            same("cookie", retry.cookie, digest + tag)

    def identity(self, role: str, at: int, base: bytes, th: bytes) -> bytes:
        """identity, proof and finished of one side; the transcript hash after them."""
        spki = m.decode_identity(split_message(self.flight[at])[1])
        public = self.suite.signature.public(spki)
        assert public is not None, f"{role}: no key of {self.suite.signature_name}"
        th = self.add(at)
        proof = m.decode_vector(split_message(self.flight[at + 1])[1])
        text = signed_text(role, th)
        assert self.suite.signature.verify(public, text, proof), f"{role}: the proof"
        th = self.add(at + 1)
        finished = split_message(self.flight[at + 2])[1]
        same(f"{role}: finished", finished, verify_data(self.suite, base, th))
        return self.add(at + 2)

    def records(self, said: list[str]) -> None:
        s, got = self.schedule, split_records(bytes.fromhex("".join(said)))
        clear = len(self.all) - 7
        for (kind, body), encoded in zip(got[:clear], self.all):
            assert kind == HANDSHAKE, f"a record of kind {kind} in the clear"
            same("record in the clear", body, encoded)
        protected = [(s.s_hs, self.flight[2:6]), (s.c_hs, self.flight[6:]),
                     (s.s_ap, [m.message(m.WELCOME, b"")])]  # fmt: skip
        rest = iter(got[clear:])
        for secret, flight in protected:
            key = RecordKey(self.suite, secret)
            for encoded in flight:
                inner, content = key.open(next(rest)[1])
                assert inner == HANDSHAKE, f"inner {inner}"
                same("protected record", content, encoded)
        assert next(rest, None) is None, "records after welcome"

    def exporter(self, said: dict) -> None:
        context = bytes.fromhex(said["context"])
        value = self.schedule.exporter(said["label"], context, said["length"])
        same("exporter", bytes.fromhex(said["value"]), value)

    def fresh(self, said: dict) -> None:
        offer, answer = bytes.fromhex(said["offer"]), bytes.fromhex(said["answer"])
        key, ek = self.suite.kem.generate(bytes.fromhex(said["kem_seed"]))
        same("fresh_offer", offer, m.message(m.FRESH_OFFER, v32(ek)))
        shared = self.suite.kem.decapsulate(key, m.decode_vector(split_message(answer)[1]))
        s = self.schedule
        c_ap, s_ap = s.fresh(shared, offer, answer)
        for name, got in (("c_ap", c_ap), ("s_ap", s_ap), ("next", s.next)):
            same(f"fresh {name}", bytes.fromhex(said[name]), got)

    def sealed(self, said: list[dict]) -> None:
        for one in said:
            secret = self.schedule.s_ap if one["direction"] else self.schedule.c_ap
            for _ in range(epoch_of(one["counter"])):
                secret = self.suite.update(secret)
            session, counter = bytes.fromhex(one["session"]), one["counter"]
            ad = associated(one["direction"], session, counter)
            key = TrafficKey(self.suite, secret)
            got = key.seal(counter, bytes.fromhex(one["plain"]), ad)
            same(f"sealed {counter}", bytes.fromhex(one["sealed"]), got)


def cases_of(path: Path) -> list[dict]:
    return json.loads(path.read_text())["cases"]


# --- the other way round: a conversation of this peer with itself ---------------------


def fresh_key(name: str):
    return SIGNATURES[name].generate()


class Recorder:
    """Both roles in one process, writing down a case."""

    def __init__(self, offer: list[str], own: list[str], keys: dict, delivery: int):
        self.seed, self.cookie_key = b"", os.urandom(32)
        initiator = Config(offer, keys, kem_generate=self.generate, policy="initiators")
        theirs = {name: fresh_key(name) for name in keys}
        responder = Config(own, theirs, cookie_key=self.cookie_key, policy="responders")
        self.one, self.other = Initiator(initiator, delivery), Responder(responder, delivery)
        self.offered = iter([offer[0], own[0]])
        self.messages, self.records = [], []
        for endpoint in (self.one, self.other):
            endpoint.message = self.listen(endpoint.message)

    def generate(self):
        kem = Suite(next(self.offered)).kem
        self.seed = os.urandom(32 if kem.hybrid else kem.part.n_seed)
        return kem.generate(self.seed)

    def listen(self, handle):
        def message(encoded: bytes) -> None:
            self.messages.append(encoded.hex())
            handle(encoded)

        return message

    def carry(self, data: bytes, endpoint) -> bytes:
        while data:
            length = 5 + int.from_bytes(data[1:5], "big")
            self.records.append(data[:length].hex())
            endpoint.receive(data[0], data[5:length])
            data = data[length:]
        return endpoint.take()

    def case(self, name: str) -> dict:
        data, turn = self.one.start(), self.other
        while data:
            data = self.carry(data, turn)
            turn = self.one if turn is self.other else self.other
        s = self.one.schedule
        case = {"name": name, "suite": self.one.suite.name, "kem_seed": self.seed.hex()}
        case["cookie_key"] = self.cookie_key.hex()
        if not self.one.retried:
            del case["cookie_key"]
        case |= {secret: getattr(s, secret).hex() for secret in SECRETS}
        case["exporter"] = {"label": "EXPORTER-pqfw", "context": "00ff", "length": 48}
        case["exporter"]["value"] = s.exporter("EXPORTER-pqfw", b"\0\xff", 48).hex()
        case |= {"messages": self.messages[:-1], "records": self.records}  # all but welcome
        if self.one.session:
            case["sealed"] = [self.sealed(s, n) for n in (1, (1 << 16) + 2)]
        else:
            case["fresh"] = self.fresh(s)
        return case

    def sealed(self, s: Schedule, counter: int) -> dict:
        secret, direction = (s.s_ap, 1) if counter > 1 else (s.c_ap, 0)
        for _ in range(epoch_of(counter)):
            secret = s.suite.update(secret)
        plain, session = pad(b"content", 23, 3), self.one.session
        key = TrafficKey(s.suite, secret)
        sealed = key.seal(counter, plain, associated(direction, session, counter))
        return {"direction": direction, "counter": counter, "session": session.hex(),
                "plain": plain.hex(), "sealed": sealed.hex()}  # fmt: skip

    def fresh(self, s: Schedule) -> dict:
        kem = s.suite.kem
        seed = os.urandom(len(self.seed))
        _, ek = kem.generate(seed)
        ct, shared = kem.encapsulate(ek)
        offer, answer = m.message(m.FRESH_OFFER, v32(ek)), m.message(m.FRESH_ANSWER, v32(ct))
        c_ap, s_ap = s.fresh(shared, offer, answer)
        named = {"kem_seed": seed, "offer": offer, "answer": answer, "c_ap": c_ap, "s_ap": s_ap}
        return {name: value.hex() for name, value in (named | {"next": s.next}).items()}


def write(path: Path, keys: dict) -> None:
    """A file of cases by this peer, for other implementations to verify."""
    hybrid = "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256"
    lattice = "ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256"
    classic = "X25519/Ed25519/ChaCha20-Poly1305/HKDF-SHA256"
    longer = "P-256/ECDSA-P256/AES-128-GCM/HKDF-SHA384"
    cases = [
        Recorder([suite], [suite], keys, m.STREAM).case(f"stream {suite}")
        for suite in (hybrid, lattice, classic, longer)
    ]
    cases.append(Recorder([classic, longer], [longer], keys, m.STREAM).case("stream, retry"))
    cases.append(Recorder([classic], [classic], keys, m.EXCHANGE).case("exchange"))
    file = {
        "about": "docs/protocols/channel.md, recorded by tests/interop/channel/vectors.py",
        "fields": "the table in tests/interop/channel/vectors.py",
        "cases": cases,
    }
    path.write_text(json.dumps(file, indent=1) + "\n")
