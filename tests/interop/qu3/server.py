#!/usr/bin/env python3
"""A `qu3-1` server that enforces signatures.

    server.py PORT [--keys DIR] [--misbehave KIND] …

Listens on 127.0.0.1 (port 0: a free one) and prints `ready http://127.0.0.1:PORT`.
SIGTERM and SIGINT end it with status 0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peer  # noqa: E402
from peer import ProtocolError, b64d, b64e  # noqa: E402

VERSION = "interop-python-1"
MAX_BODY = 1 << 20
SESSION_SECONDS = 3600.0
SESSION_MESSAGES = 1 << 24
PENDING_SECONDS = 30.0
PENDING_PER_KEY = 4
MAX_KNOWN_KEYS = 1024  # pins, and KEM keys with pending sessions

MISBEHAVIOURS = {
    "bad-attestation": "change a byte of the attestation signature",
    "lying-attestation": "sign an attestation about another input",
    "bad-policy-signature": "change a byte of the signature on the policy answer",
    "wrong-ciphertext": "answer handshakes with the ciphertext of another secret",
}


class Refused(Exception):
    """An HTTP error. `detail` is a text or the list of a 422."""

    def __init__(self, status: int, detail: object):
        super().__init__(f"{status}: {detail}")
        self.status, self.detail = status, detail


# --- models ------------------------------------------------------------------


def _upper(text: str) -> dict:
    return {"capitalized_text": text.upper()}


def _reverse(text: str) -> dict:
    return {"reversed_text": text[::-1]}


MODELS = {"model_caps": _upper, "model_reverse": _reverse}


class ModelError(Exception):
    """An application error: HTTP 200 with status `error` inside."""


def run_model(model_id: str, input_data: object) -> dict:
    if isinstance(input_data, str):
        try:
            input_data = peer.loads(input_data)
        except (ValueError, ProtocolError) as error:
            raise ModelError(
                f"Invalid input_data: failed to parse JSON string. ({error})"
            ) from None
        if not isinstance(input_data, dict):
            raise ModelError("Invalid input_data: content of JSON string is not an object.")
    elif not isinstance(input_data, dict):
        raise ModelError("Invalid input_data type: expected JSON object or JSON string.")
    model = MODELS.get(model_id)
    if model is None:
        raise ModelError(f"Unknown model ID: '{model_id}'")
    text = input_data.get("text")
    if not isinstance(text, str):
        raise ModelError(
            f"Invalid input for {model_id}: 'text' field must be a string and present in input_data."
        )
    return model(text)


# --- sessions ----------------------------------------------------------------


class Session:
    def __init__(self, key: bytes, sign_public: bytes, now: float):
        self.key = key
        self.sign_public = sign_public
        self.created = now
        self.messages = 0
        self.seen: set[tuple[bytes, bytes]] = set()


class Sessions:
    """One confirmed session per KEM key, a few pending ones beside it.

    A handshake proves nothing: it only makes a pending session. The first
    request that decrypts under it and verifies makes it the confirmed one and,
    the first time, ties the signing key to the KEM key.
    """

    def __init__(self, lifetime: float):
        self.lifetime = lifetime
        self.lock = threading.Lock()
        self.confirmed: dict[bytes, Session] = {}
        self.pending: dict[bytes, list[Session]] = {}
        self.pins: dict[bytes, bytes] = {}

    def _prune(self, now: float) -> None:
        for kem in list(self.pending):
            alive = [s for s in self.pending[kem] if now - s.created < PENDING_SECONDS]
            if alive:
                self.pending[kem] = alive
            else:
                del self.pending[kem]

    def check_pin(self, kem: bytes, sign_public: bytes) -> None:
        with self.lock:
            pinned = self.pins.get(kem)
        if pinned is not None and pinned != sign_public:
            raise Refused(403, "Client signing key does not match the known one.")

    def add_pending(self, kem: bytes, session: Session) -> None:
        with self.lock:
            now = time.monotonic()
            self._prune(now)
            waiting = self.pending.get(kem)
            if waiting is None:
                if len(self.pending) >= MAX_KNOWN_KEYS:
                    raise Refused(503, "Too many handshakes in progress.")
                waiting = self.pending[kem] = []
            waiting.append(session)
            del waiting[:-PENDING_PER_KEY]  # the oldest give way

    def candidates(self, kem: bytes, no_session: str, expired: str) -> list[Session]:
        """The sessions a request may belong to, the confirmed one first."""
        with self.lock:
            now = time.monotonic()
            self._prune(now)
            found = []
            confirmed = self.confirmed.get(kem)
            ended = False
            if confirmed is not None:
                ended = (
                    now - confirmed.created >= self.lifetime
                    or confirmed.messages >= SESSION_MESSAGES
                )
                if not ended:
                    found.append(confirmed)
            found.extend(self.pending.get(kem, []))
            if not found:
                raise Refused(401, expired if ended else no_session)
            return found

    def accept(self, kem: bytes, session: Session, nonce: bytes, ciphertext: bytes) -> None:
        """A request decrypted and verified: count it, refuse it when it was seen
        before, confirm its session."""
        mark = (nonce, hashlib.sha256(ciphertext).digest())
        with self.lock:
            if mark in session.seen:
                raise Refused(409, "Replayed request.")
            if self.confirmed.get(kem) is not session:
                if session not in self.pending.get(kem, []):
                    raise Refused(401, "No active session key. Perform KEM handshake.")
                pinned = self.pins.get(kem)
                if pinned is None:
                    if len(self.pins) >= MAX_KNOWN_KEYS:
                        raise Refused(503, "No room for another client.")
                    self.pins[kem] = session.sign_public
                elif pinned != session.sign_public:
                    raise Refused(403, "Client signing key does not match the known one.")
                self.confirmed[kem] = session
                self.pending[kem] = [
                    other
                    for other in self.pending[kem]
                    if other is not session and other.sign_public == session.sign_public
                ]
            session.messages += 1
            session.seen.add(mark)


# --- the protocol ------------------------------------------------------------


class Peer:
    """Keys, sessions and the routes, free of HTTP details."""

    def __init__(self, keys: peer.KeyDir | None, lifetime: float, misbehave: str | None):
        self.sessions = Sessions(lifetime)
        self.misbehave = misbehave
        self.keys = keys
        if keys is not None:
            if not keys.has("server"):
                keys.generate("server")
            self.kem_public = keys.load("server", "kem.pub")
            self.sign_public = keys.load("server", "sign.pub")
            self.sign_secret = keys.load("server", "sign.sec")

    def _need_keys(self) -> None:
        if self.keys is None:
            raise Refused(503, "Server keys unavailable.")

    def root(self, _body: dict) -> dict:
        return {"message": "Independent Python QU3 server is running."}

    def show_keys(self, _body: dict) -> dict:
        self._need_keys()
        return {
            "server_kem_public_key_b64": b64e(self.kem_public),
            "server_sign_public_key_b64": b64e(self.sign_public),
        }

    @staticmethod
    def _kem_key(text: str) -> bytes:
        try:
            return b64d(text, peer.KEM_PUBLIC_BYTES)
        except ProtocolError:
            raise Refused(400, "Invalid client KEM public key format.") from None

    def handshake(self, body: dict) -> dict:
        self._need_keys()
        kem = self._kem_key(body["client_kem_pub_key_b64"])
        try:
            sign_public = b64d(body["client_sign_pub_key_b64"], peer.SIGN_PUBLIC_BYTES)
        except ProtocolError:
            raise Refused(400, "Invalid client signing public key format.") from None
        self.sessions.check_pin(kem, sign_public)
        shared, ciphertext = peer.kem_encapsulate(kem)
        if self.misbehave == "wrong-ciphertext":
            _, ciphertext = peer.kem_encapsulate(kem)
        session = Session(peer.session_key(shared), sign_public, time.monotonic())
        self.sessions.add_pending(kem, session)
        return {"kemCiphertextB64": b64e(ciphertext)}

    @staticmethod
    def _open(sessions: list[Session], nonce: bytes, ciphertext: bytes) -> tuple[Session, bytes]:
        for session in sessions:
            try:
                return session, peer.open_sealed(session.key, nonce, ciphertext)
            except ProtocolError:
                continue
        raise Refused(400, "Payload decryption failed: the payload does not authenticate.")

    def _sign(self, message: bytes, spoil: str) -> bytes:
        signature = peer.sign(self.sign_secret, message)
        if self.misbehave == spoil:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return signature

    def inference(self, body: dict) -> dict:
        self._need_keys()
        kem = self._kem_key(body["clientKemPublicKeyB64"])
        sessions = self.sessions.candidates(
            kem,
            "No active session key. Perform KEM handshake.",
            "Session expired. Perform KEM handshake again.",
        )
        try:
            nonce = b64d(body["nonceB64"], peer.NONCE_BYTES, "nonceB64")
            ciphertext = b64d(body["encryptedPayloadB64"], what="encryptedPayloadB64")
        except ProtocolError as error:
            raise Refused(400, f"Invalid encrypted request format: {error}.") from None
        session, plaintext = self._open(sessions, nonce, ciphertext)
        try:
            payload = peer.loads(plaintext)
        except (ValueError, ProtocolError):
            raise Refused(400, "Invalid encrypted request format: not JSON.") from None
        if not isinstance(payload, dict):
            raise Refused(400, "Invalid encrypted request format: not an object.")
        if "pqc_signature_b64" not in payload:
            raise Refused(
                400,
                "Invalid signature data format: Missing 'pqc_signature_b64' in decrypted payload.",
            )
        for name in ("input_data", "model_id", "target_server_url"):
            if name not in payload:
                raise Refused(400, f"Invalid encrypted request format: no {name}.")
        model_id, input_data = payload["model_id"], payload["input_data"]
        target = payload["target_server_url"]
        if not isinstance(model_id, str) or not isinstance(target, str):
            raise Refused(400, "Invalid encrypted request format: a text is not a string.")
        try:
            signature = b64d(payload["pqc_signature_b64"])
        except ProtocolError:
            raise Refused(400, "Invalid signature data format: not base64.") from None
        statement = peer.inference_statement(input_data, model_id, target)
        if not peer.verify(session.sign_public, statement, signature):
            raise Refused(403, "Invalid client signature")
        self.sessions.accept(kem, session, nonce, ciphertext)

        output, message, status = None, None, "success"
        try:
            output = run_model(model_id, input_data)
        except ModelError as error:
            message, status = str(error), "error"
        attested = {"text": "another input"} if self.misbehave == "lying-attestation" else input_data
        attestation = peer.make_attestation(VERSION, model_id, status, attested, output)
        signature = self._sign(peer.canon(attestation), "bad-attestation")
        answer = {
            "status": status,
            "output_data": output,
            "error_message": message,
            "attestation_data": attestation,
            "attestation_signature_b64": b64e(signature),
            "audit_hash": None,
        }
        nonce, ciphertext = peer.seal(session.key, peer.default_json(answer))
        return {"nonceB64": b64e(nonce), "encryptedPayloadB64": b64e(ciphertext)}

    def policy(self, body: dict) -> dict:
        self._need_keys()
        kem = self._kem_key(body["client_kem_pub_key_b64"])
        text = "Session not established or expired."
        sessions = self.sessions.candidates(kem, text, text)
        try:
            nonce = b64d(body["nonce_b64"], peer.NONCE_BYTES, "nonce_b64")
            ciphertext = b64d(body["ciphertext_b64"], what="ciphertext_b64")
            signature = b64d(body["signature_b64"], what="signature_b64")
        except ProtocolError as error:
            raise Refused(400, f"Invalid policy request format: {error}.") from None
        session, policy = self._open(sessions, nonce, ciphertext)
        try:
            policy.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(400, "Policy is not valid UTF-8.") from None
        if not peer.verify(session.sign_public, policy, signature):
            raise Refused(403, "Invalid client signature on policy.")
        self.sessions.accept(kem, session, nonce, ciphertext)
        signature = self._sign(peer.POLICY_ANSWER, "bad-policy-signature")
        nonce, ciphertext = peer.seal(session.key, peer.POLICY_ANSWER)
        return {
            "nonce_b64": b64e(nonce),
            "ciphertext_b64": b64e(ciphertext),
            "signature_b64": b64e(signature),
        }


# path -> (method, name of the Peer method, fields of the body, all strings)
ROUTES = {
    "/": ("GET", "root", []),
    "/keys": ("GET", "show_keys", []),
    "/kem-handshake/initiate": (
        "POST",
        "handshake",
        ["client_kem_pub_key_b64", "client_sign_pub_key_b64"],
    ),
    "/inference": (
        "POST",
        "inference",
        ["clientKemPublicKeyB64", "nonceB64", "encryptedPayloadB64"],
    ),
    "/policy-update": (
        "POST",
        "policy",
        ["client_kem_pub_key_b64", "nonce_b64", "ciphertext_b64", "signature_b64"],
    ),
}


def checked_body(raw: bytes, fields: list[str]) -> dict:
    """The request's object, or the 422 that says what is wrong with it."""

    def entry(kind: str, loc: list, msg: str, value: object, **more) -> dict:
        return {"type": kind, "loc": ["body", *loc], "msg": msg, "input": value, **more}

    if not raw:
        raise Refused(422, [entry("missing", [], "Field required", None)])
    try:
        body = peer.loads(raw)
    except (ValueError, ProtocolError) as error:
        where = getattr(error, "pos", 0)
        ctx = {"error": str(error)}
        raise Refused(
            422, [entry("json_invalid", [where], "JSON decode error", {}, ctx=ctx)]
        ) from None
    if not isinstance(body, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise Refused(422, [entry("model_attributes_type", [], message, body)])
    problems = []
    for name in fields:
        if name not in body:
            problems.append(entry("missing", [name], "Field required", body))
        elif not isinstance(body[name], str):
            message = "Input should be a valid string"
            problems.append(entry("string_type", [name], message, body[name]))
    if problems:
        raise Refused(422, problems)
    return body


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "qu3-interop"
    sys_version = ""
    timeout = 60  # of an idle connection
    wbufsize = 1 << 16  # head and body leave together

    def log_message(self, format, *args):  # noqa: A002
        """Nothing is logged."""

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise Refused(411, "Content-Length required.")
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if length < 0:
            self.close_connection = True
            raise Refused(400, "Bad Content-Length.")
        if length > MAX_BODY:
            self.close_connection = True
            raise Refused(413, "Request body too large.")
        return self.rfile.read(length)

    def _answer(self) -> None:
        extra = {}
        try:
            raw = self._read_body()
            route = ROUTES.get(self.path.split("?", 1)[0])
            if route is None:
                raise Refused(404, "Not Found")
            method, name, fields = route
            if self.command != method:
                extra["Allow"] = method
                raise Refused(405, "Method Not Allowed")
            body = checked_body(raw, fields) if method == "POST" else {}
            status, answer = 200, getattr(self.server.peer, name)(body)
        except Refused as refused:
            status, answer = refused.status, {"detail": refused.detail}
        except Exception as error:  # a fault here, not the client's
            print(f"server fault: {error!r}", file=sys.stderr, flush=True)
            status, answer = 500, {"detail": "Internal Server Error"}
        data = json.dumps(answer, separators=(",", ":")).encode("ascii")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for key, value in extra.items():
            self.send_header(key, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _answer


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, protocol: Peer):
        super().__init__(("127.0.0.1", port), Handler)
        self.peer = protocol

    def handle_error(self, request, client_address):
        """A connection that broke off is the client's business."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A qu3-1 server that enforces signatures.")
    parser.add_argument("port", type=int, help="port on 127.0.0.1, 0 for a free one")
    parser.add_argument("--keys", help="key directory (default: a temporary one)")
    parser.add_argument(
        "--misbehave",
        choices=sorted(MISBEHAVIOURS),
        help="; ".join(f"{name}: {text}" for name, text in MISBEHAVIOURS.items()),
    )
    parser.add_argument("--without-keys", action="store_true", help="answer 503 everywhere")
    parser.add_argument("--session-seconds", type=float, default=SESSION_SECONDS)
    args = parser.parse_args(argv)

    with tempfile.TemporaryDirectory(prefix="qu3-server-") as temporary:
        keys = None if args.without_keys else peer.KeyDir(args.keys or temporary)
        server = Server(args.port, Peer(keys, args.session_seconds, args.misbehave))

        def stop(_signal, _frame):
            threading.Thread(target=server.shutdown, daemon=True).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        print(f"ready http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever(poll_interval=0.1)
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
