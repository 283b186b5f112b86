"""A device of `qflare-1`, written from docs/protocols/qflare.md alone.

    device = Device("http://127.0.0.1:8000", "camera-7")
    device.enroll(token)
    version, weights = device.global_model()      # a numpy array of float32
    device.submit(train(weights), examples=600, version=version)

Dilithium2 is that of round 3.1 (dilithium-py), the KEM is in frodo.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import os
import urllib.error
import urllib.request

import frodo
import numpy as np
from dilithium_py.dilithium import Dilithium2


class Refused(Exception):
    """The server's answer when it is not 200."""

    def __init__(self, status: int, body: dict, headers: dict):
        super().__init__(f"{status}: {body}")
        self.status, self.body, self.headers = status, body, headers


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 with SHA-256 and no salt, for at most one block."""
    prk = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")[:length]


class Broken(Exception):
    """The connection broke before the answer was whole."""


def request(url: str, body: object = None, method: str | None = None) -> dict:
    data = body if isinstance(body, bytes) else None
    if body is not None and data is None:
        data = json.dumps(body).encode()
    asked = urllib.request.Request(url, data, method=method)
    asked.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(error.code, json.load(error), dict(error.headers)) from None
    except http.client.HTTPException as error:
        raise Broken(repr(error)) from None


class Device:
    def __init__(self, url: str, device_id: str):
        self.url, self.device_id = url, device_id
        self.sign_public, self.sign_secret = Dilithium2.keygen()
        self.kem_public, self.kem_secret = frodo.keygen(os.urandom(48))

    def request(self, path: str, body: object = None) -> dict:
        return request(self.url + path, body)

    def enrolment(self, token: str) -> dict:
        return {
            "device_id": self.device_id,
            "enrollment_token": token,
            "kem_public_key": b64(self.kem_public),
            "signature_public_key": b64(self.sign_public),
        }

    def enroll(self, token: str) -> dict:
        return self.request("/api/enroll", self.enrolment(token))

    def challenge(self) -> bytes:
        answer = self.request("/api/challenge", {"device_id": self.device_id})
        return base64.b64decode(answer["challenge"])

    def answer(self, ciphertext: bytes) -> bytes:
        key = hkdf(frodo.decaps(self.kem_secret, ciphertext), b"qflare-1 confirm", 32)
        return hmac.digest(key, self.device_id.encode() + b"\0" + ciphertext, hashlib.sha256)

    def authenticate(self) -> str:
        response = b64(self.answer(self.challenge()))
        body = {"device_id": self.device_id, "challenge_response": response}
        return self.request("/api/verify_challenge", body)["session_token"]

    def global_model(self) -> tuple[str, np.ndarray]:
        answer = self.request("/api/global_model")
        weights = np.frombuffer(base64.b64decode(answer["model_weights"]), dtype="<f4")
        return answer["model_version"], weights

    def update(self, weights: np.ndarray, **metadata) -> dict:
        data = np.ascontiguousarray(weights, dtype="<f4").tobytes()
        return {
            "device_id": self.device_id,
            "model_weights": b64(data),
            "signature": b64(Dilithium2.sign(self.sign_secret, data)),
            "metadata": metadata,
        }

    def submit(self, weights: np.ndarray, examples: int, version: str) -> int:
        body = self.update(weights, num_samples=examples, model_version=version)
        return self.request("/api/submit_model", body)["aggregation_round"]
