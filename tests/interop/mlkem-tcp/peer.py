"""Both ends of `demo-1`, written from docs/protocols/mlkem-tcp.md with CPython's own pickle.

`pickle.loads` runs whatever it is given: these ends are for the bytes of our own processes on
loopback, in tests, and for nothing else.
"""

from __future__ import annotations

import ast
import hashlib
import os
import pickle
import re
import socket
import struct
import threading

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECONDS = 30


def frame(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


def exactly(stream: socket.socket, length: int) -> bytes | None:
    data = b""
    while len(data) < length:
        piece = stream.recv(length - len(data))
        if not piece:
            return None
        data += piece
    return data


def read_frame(stream: socket.socket) -> bytes | None:
    head = exactly(stream, 4)
    return None if head is None else exactly(stream, struct.unpack(">I", head)[0])


def key_of(secret: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, b"ml-kem-aesgcm-v1").derive(secret)


def seal(public: bytes, text: bytes, aad: bytes = b"") -> dict:
    secret, ciphertext = MLKEM768PublicKey.from_public_bytes(public).encapsulate()
    nonce = os.urandom(12)
    sealed = AESGCM(key_of(secret)).encrypt(nonce, text, aad)
    return {"kem_ciphertext": ciphertext, "nonce": nonce, "ciphertext": sealed, "aad": aad}


def open_bundle(private: MLKEM768PrivateKey, bundle: dict) -> bytes:
    key = key_of(private.decapsulate(bundle["kem_ciphertext"]))
    return AESGCM(key).decrypt(bundle["nonce"], bundle["ciphertext"], bundle["aad"])


def fingerprint(key: MLDSA65PublicKey) -> str:
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256:" + hashlib.sha256(der).hexdigest()


def verified(payload: bytes) -> tuple[bytes, MLDSA65PublicKey | None]:
    """The server's KEM key, and the key that signed it; raises when the signature is wrong."""
    greeting = pickle.loads(payload)
    if isinstance(greeting, bytes):
        return greeting, None
    assert list(greeting) == ["kem_pubkey", "sig_pubkey", "sig_alg", "signature"], list(greeting)
    assert greeting["sig_alg"] == "ML-DSA-65", greeting["sig_alg"]
    key = MLDSA65PublicKey.from_public_bytes(greeting["sig_pubkey"])
    key.verify(greeting["signature"], greeting["kem_pubkey"])
    return greeting["kem_pubkey"], key


class Client:
    """A client that has received the server's key."""

    def __init__(self, address: tuple[str, int]):
        self.stream = socket.create_connection(address, SECONDS)
        self.greeting = read_frame(self.stream)
        assert self.greeting is not None, "no key"
        self.public, self.signer = verified(self.greeting)

    def say(self, text: str | bytes, aad: bytes = b"", protocol: int = 4) -> bytes:
        text = text.encode() if isinstance(text, str) else text
        sent = frame(pickle.dumps(seal(self.public, text, aad), protocol))
        self.stream.sendall(sent)
        return sent

    def ended(self) -> bool:
        """Whether the server ends the connection, without a word."""
        try:
            return self.stream.recv(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.stream.close()


class Server:
    """A server of one session, in a thread."""

    def __init__(self, greet):
        self.private = MLKEM768PrivateKey.generate()
        self.public = self.private.public_key().public_bytes_raw()
        self.greeting = greet(self)
        self.payloads: list[bytes] = []
        self.heard: list[str] = []
        self.failure: Exception | None = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SECONDS)
        self.address = "{}:{}".format(*self.listener.getsockname())
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            stream, _ = self.listener.accept()
            with stream:
                stream.settimeout(SECONDS)
                stream.sendall(frame(self.greeting))
                while (payload := read_frame(stream)) is not None:
                    self.payloads.append(payload)
                    text = open_bundle(self.private, pickle.loads(payload)).decode()
                    self.heard.append(text)
                    if text.strip().lower() == "exit":
                        break
        except Exception as error:
            self.failure = error

    def result(self) -> list[str]:
        self.thread.join(SECONDS)
        self.listener.close()
        if self.failure is not None:
            raise self.failure
        return self.heard


def plain(server: Server) -> bytes:
    return pickle.dumps(server.public, 4)


def signed(signer: MLDSA65PrivateKey, over: bytes | None = None):
    """A greeting that is signed; with `over`, by a signature over that instead."""

    def greet(server: Server) -> bytes:
        greeting = {
            "kem_pubkey": server.public,
            "sig_pubkey": signer.public_key().public_bytes_raw(),
            "sig_alg": "ML-DSA-65",
            "signature": signer.sign(server.public if over is None else over),
        }
        return pickle.dumps(greeting, 4)

    return greet


def address_of(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def is_python_address(text: str) -> bool:
    """Whether a line is `Connected by` and an address as Python prints it."""
    found = re.fullmatch(r"Connected by (\(.*\))", text)
    return found is not None and ast.literal_eval(found[1])[0] == "127.0.0.1"
