"""Both ends of `pqc-mcp-0.1`, written from docs/protocols/mcp.md alone, with the standard library and
PyPI's `cryptography`. It shares no line with pqfw and is strict where the page says "strict"."""

from __future__ import annotations

import datetime
import hashlib
import http.client
import http.server
import json
import os
import threading
import urllib.parse

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

WINDOW = datetime.timedelta(seconds=300)
RUNNING = {"status": "PQC MCP Server running"}
RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw


class Refused(Exception):
    """What a strict end does not take."""


class Algorithm:
    """A suite, under the label that the wire has for it."""

    def __init__(self, name: str, label: str, private, public):
        self.name, self.label, self.private, self.public = name, label, private, public

    def generate(self):
        return self.private.generate()

    def verify(self, key: bytes, text: bytes, signature: bytes) -> None:
        try:
            self.public.from_public_bytes(key).verify(signature, sha3(text))
        except (InvalidSignature, ValueError) as error:
            raise Refused(f"signature: {error!r}") from error


SUITES = {
    suite.name: suite
    for suite in [
        Algorithm("ML-DSA-44", "ML-DSA-44", mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
        Algorithm("ML-DSA-65", "ML-DSA-65", mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
        Algorithm("ML-DSA-87", "ML-DSA-87", mldsa.MLDSA87PrivateKey, mldsa.MLDSA87PublicKey),
        # What a plain install signs with, and what it calls it.
        Algorithm("Ed25519", "ML-DSA-65", ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey),
    ]
}


def sha3(text: bytes) -> bytes:
    return hashlib.sha3_256(text).digest()


def canon(message: dict) -> bytes:
    """The text that is signed."""
    bare = {name: value for name, value in message.items() if name != "_pqc"}
    return json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()


def fresh() -> str:
    return os.urandom(16).hex()


def timestamp() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()


def in_time(text: str) -> None:
    off = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(text)
    if abs(off) > WINDOW:
        raise Refused(f"{text} is not of this time")


def did_of(public_key: bytes) -> str:
    return "did:pqaid:" + sha3(public_key).hex()


class Identity:
    def __init__(self, suite: str = "ML-DSA-65"):
        self.suite = SUITES[suite]
        self.key = self.suite.generate()
        self.public_key = self.key.public_key().public_bytes(*RAW)
        self.did = did_of(self.public_key)

    def sign(self, text: bytes) -> str:
        return self.key.sign(sha3(text)).hex()

    def envelope(self, message: dict, session: str | None = None) -> dict:
        """The message with its envelope behind it."""
        envelope = {
            "signer_did": self.did,
            "algorithm": self.suite.label,
            "timestamp": timestamp(),
            "nonce": fresh(),
            "signature": self.sign(canon(message)),
            "public_key": self.public_key.hex(),
        }
        if session is not None:
            envelope["session_id"] = session
        return {**message, "_pqc": envelope}


def verify(suite: Algorithm, message: dict, did: str, public_key: bytes) -> None:
    """A message is signed by this one and by nobody else."""
    envelope = message.get("_pqc")
    if envelope is None:
        raise Refused("it is not signed")
    if (envelope["signer_did"], envelope["public_key"]) != (did, public_key.hex()):
        raise Refused("it is signed by somebody else")
    if envelope["algorithm"] != suite.label:
        raise Refused("another label")
    in_time(envelope["timestamp"])
    suite.verify(public_key, canon(message), bytes.fromhex(envelope["signature"]))


class Client:
    """Connects, and pins the server's name."""

    def __init__(self, url: str, identity: Identity, server_did: str):
        self.address = urllib.parse.urlsplit(url).netloc
        self.identity = identity
        self.suite = identity.suite
        request = self.handshake()
        response = self.post("/handshake", request)
        assert list(response) == ["type", "server_did", "server_public_key", "algorithm",
                                  "client_nonce", "server_nonce", "signature", "session_id"]  # fmt: skip
        assert response["type"] == "pqc_handshake_response"
        assert response["client_nonce"] == request["nonce"]
        self.server_key = bytes.fromhex(response["server_public_key"])
        self.server_did = response["server_did"]
        if self.server_did != server_did or did_of(self.server_key) != server_did:
            raise Refused(f"the server is {self.server_did}")
        self.session = response["session_id"]
        text = [self.server_did, request["nonce"], response["server_nonce"], self.session]
        signature = bytes.fromhex(response["signature"])
        self.suite.verify(self.server_key, ":".join(text).encode(), signature)
        self.nonces: set[str] = set()

    def handshake(self) -> dict:
        nonce, now = fresh(), timestamp()
        text = f"{self.identity.did}:{nonce}:{now}"
        return {
            "type": "pqc_handshake_request",
            "client_did": self.identity.did,
            "client_public_key": self.identity.public_key.hex(),
            "algorithm": self.suite.label,
            "timestamp": now,
            "nonce": nonce,
            "signature": self.identity.sign(text.encode()),
        }

    def raw(self, route: str, body: bytes, method: str = "POST") -> tuple[int, dict]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, route, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def post(self, route: str, message: dict) -> dict:
        status, answer = self.raw(route, json.dumps(message).encode())
        if status != 200:
            raise Refused(f"status {status}: {answer}")
        return answer

    def request(self, method: str, params: dict | None = None) -> dict:
        message = {"jsonrpc": "2.0", "method": method, "id": fresh()}
        if params is not None:
            message["params"] = params
        answer = self.post("/mcp", self.identity.envelope(message, self.session))
        verify(self.suite, answer, self.server_did, self.server_key)
        assert "session_id" not in answer["_pqc"]
        assert list(answer)[:2] == ["jsonrpc", "id"] and list(answer)[-1] == "_pqc", list(answer)
        if answer["id"] != message["id"] or answer["_pqc"]["nonce"] in self.nonces:
            raise Refused("the answer is to another request")
        self.nonces.add(answer["_pqc"]["nonce"])
        return answer

    def call(self, tool: str, arguments: dict):
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        return answer.get("error") or answer["result"]["content"]


class Server:
    """Serves `greet`, `echo` and `fail` to the clients that it lists, on a thread of its own.

    It closes the socket behind every answer without saying so, as deployed servers do. `lie` may
    change an answer on its way out."""

    def __init__(self, identity: Identity, allow: list[str], lie=None):
        self.identity, self.allow, self.lie = identity, allow, lie
        self.suite = identity.suite
        self.sessions: dict[str, tuple[str, bytes]] = {}
        self.used: set[str] = set()
        self.seen: list[dict] = []
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.reply(200, RUNNING)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not body:
                    return self.reply(200, RUNNING)
                try:
                    message = json.loads(body)
                    handle = server.handshake if self.path == "/handshake" else server.message
                    answer = handle(message)
                except (Refused, ValueError, KeyError, TypeError):
                    return self.reply(500, {"error": "Internal server error"})
                if server.lie and self.path != "/handshake":
                    answer = server.lie(answer)
                return self.reply(200, answer)

            def reply(self, status: int, answer: dict) -> None:
                body = json.dumps(answer).encode()
                head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                head += f"Content-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)
                self.close_connection = True

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def once(self, value: str) -> None:
        if value in self.used:
            raise Refused("it was used before")
        self.used.add(value)

    def handshake(self, request: dict) -> dict:
        assert list(request) == ["type", "client_did", "client_public_key", "algorithm",
                                 "timestamp", "nonce", "signature"], list(request)  # fmt: skip
        key = bytes.fromhex(request["client_public_key"])
        did, nonce = request["client_did"], request["nonce"]
        if request["type"] != "pqc_handshake_request" or request["algorithm"] != self.suite.label:
            raise Refused("no handshake of ours")
        if did_of(key) != did or did not in self.allow:
            raise Refused("it is not on the list")
        in_time(request["timestamp"])
        text = f"{did}:{nonce}:{request['timestamp']}"
        self.suite.verify(key, text.encode(), bytes.fromhex(request["signature"]))
        self.once(nonce)
        session, server_nonce = fresh(), fresh()
        self.sessions[session] = did, key
        text = f"{self.identity.did}:{nonce}:{server_nonce}:{session}"
        return {
            "type": "pqc_handshake_response",
            "server_did": self.identity.did,
            "server_public_key": self.identity.public_key.hex(),
            "algorithm": self.suite.label,
            "client_nonce": nonce,
            "server_nonce": server_nonce,
            "signature": self.identity.sign(text.encode()),
            "session_id": session,
        }

    def message(self, message: dict) -> dict:
        envelope = message["_pqc"]
        assert list(envelope)[-1] == "session_id" and list(message)[-1] == "_pqc"
        did, key = self.sessions[envelope["session_id"]]
        verify(self.suite, message, did, key)
        self.once(envelope["nonce"])
        self.once(envelope["signature"])
        self.seen.append(message)
        answer = {"jsonrpc": "2.0", "id": message["id"], **self.outcome(message)}
        return self.identity.envelope(answer)

    @staticmethod
    def outcome(message: dict) -> dict:
        def error(code: int, text: str) -> dict:
            return {"error": {"code": code, "message": text}}

        if message["method"] == "tools/list":
            assert "params" not in message
            names = ["greet", "echo", "fail"]
            return {"result": {"tools": [{"name": name, "description": ""} for name in names]}}
        if message["method"] != "tools/call":
            return error(-32601, f"Unknown method: {message['method']}")
        name, arguments = message["params"]["name"], message["params"]["arguments"]
        match name:
            case "greet":
                return {"result": {"content": f"Hello, {arguments['name']}!"}}
            case "echo":
                return {"result": {"content": arguments["value"]}}
            case "fail":
                return error(-32000, "Tool error: boom")
            case _:
                return error(-32601, f"Unknown tool: {name}")
