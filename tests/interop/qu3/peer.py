"""Shared pieces of the independent Python peers for the `qu3-1` dialect.

Everything here is written from the protocol's description: round-3 Kyber-768,
round-3.1 SPHINCS+-SHA2-128f-simple, HKDF-SHA256, AES-256-GCM, the two JSON
writers, key files, signed statements and the checks over a recorded
conversation.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import hashlib
import json
import math
import os
import re
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from kyber_py.kyber import Kyber768  # round 3; kyber_py.ml_kem is another scheme
from pqcrypto.sign import sphincs_sha2_128f_simple as _sphincs

KEM_PUBLIC_BYTES = 1184
KEM_SECRET_BYTES = 2400
KEM_CIPHERTEXT_BYTES = 1088
KEM_SHARED_BYTES = 32
SIGN_PUBLIC_BYTES = 32
SIGN_SECRET_BYTES = 64
SIGNATURE_BYTES = 17088
SESSION_KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
HKDF_INFO = b"qu3-aes-gcm-key"

POLICY_ANSWER = b'{"status": "Policy update received and verified successfully."}'

RESPONSE_FIELDS = [
    "status",
    "output_data",
    "error_message",
    "attestation_data",
    "attestation_signature_b64",
    "audit_hash",
]
ATTESTATION_FIELDS = [
    "serverVersion",
    "modelId",
    "status",
    "inputHash",
    "outputHash",
    "timestamp",
]
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


class ProtocolError(Exception):
    """What the other side sent does not follow the protocol.

    `kind` is a short machine word, the message is for people.
    """

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


# --- base64 ------------------------------------------------------------------


def b64e(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def b64d(text: object, length: int | None = None, what: str = "field") -> bytes:
    """Standard alphabet, padding required, one spelling per value."""
    if not isinstance(text, str):
        raise ProtocolError("base64", f"{what} is not a string")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise ProtocolError("base64", f"{what} is not base64") from None
    if b64e(data) != text:
        raise ProtocolError("base64", f"{what} is not canonical base64")
    if length is not None and len(data) != length:
        raise ProtocolError("length", f"{what} has {len(data)} bytes, {length} expected")
    return data


# --- JSON --------------------------------------------------------------------


def _refuse_constant(token: str):
    raise ProtocolError("json", f"{token} is not allowed")


def _finite_float(token: str) -> float:
    value = float(token)
    if not math.isfinite(value):
        raise ProtocolError("json", f"{token} is out of range")
    return value


def _refuse_surrogates(value: object) -> None:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if any(0xD800 <= ord(c) <= 0xDFFF for c in item):
                raise ProtocolError("json", "a string holds a lone surrogate")
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())


def loads(text: str | bytes) -> object:
    """JSON as the protocol takes it: the last duplicate key wins, integers keep
    their digits, NaN, infinities, overflowing floats and lone surrogates are
    refused. Malformed text raises json.JSONDecodeError."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    except RecursionError:
        raise ProtocolError("json", "nested too deeply") from None
    _refuse_surrogates(value)
    return value


def canon(value: object) -> bytes:
    """CANON: sorted keys, no spaces, ASCII only."""
    _refuse_surrogates(value)
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def default_json(value: object, sort_keys: bool = False) -> bytes:
    """DEFAULT: `, ` and `: `, insertion order unless sorting is asked for."""
    _refuse_surrogates(value)
    return json.dumps(
        value, sort_keys=sort_keys, separators=(", ", ": "), ensure_ascii=True, allow_nan=False
    ).encode("ascii")


def spelled_out(value: object) -> str:
    """The attestation's "hash" of a value: base64 of its sorted default JSON."""
    return b64e(default_json(value, sort_keys=True))


# --- cryptography ------------------------------------------------------------


def kem_keypair() -> tuple[bytes, bytes]:
    return Kyber768.keygen()


def kem_encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """Returns (shared secret, ciphertext)."""
    _length("KEM public key", public, KEM_PUBLIC_BYTES)
    return Kyber768.encaps(public)


def kem_decapsulate(secret: bytes, ciphertext: bytes) -> bytes:
    _length("KEM secret key", secret, KEM_SECRET_BYTES)
    _length("KEM ciphertext", ciphertext, KEM_CIPHERTEXT_BYTES)
    return Kyber768.decaps(secret, ciphertext)


def sign_keypair() -> tuple[bytes, bytes]:
    return _sphincs.generate_keypair()


def sign(secret: bytes, message: bytes) -> bytes:
    _length("signing key", secret, SIGN_SECRET_BYTES)
    return _sphincs.sign(secret, message)


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != SIGN_PUBLIC_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    return _sphincs.verify(public, message, signature)


def session_key(shared: bytes) -> bytes:
    return HKDF(SHA256(), SESSION_KEY_BYTES, salt=None, info=HKDF_INFO).derive(shared)


def seal(key: bytes, plaintext: bytes, nonce: bytes | None = None) -> tuple[bytes, bytes]:
    """Returns (nonce, ciphertext with the tag at its end)."""
    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    return nonce, AESGCM(key).encrypt(nonce, plaintext, None)


def open_sealed(key: bytes, nonce: bytes, ciphertext: bytes) -> bytes:
    _length("nonce", nonce, NONCE_BYTES)
    if len(ciphertext) < TAG_BYTES:
        raise ProtocolError("decrypt", "the ciphertext is shorter than its tag")
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, None)
    except InvalidTag:
        raise ProtocolError("decrypt", "the ciphertext does not authenticate") from None


def _length(what: str, data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise ProtocolError("length", f"{what} has {len(data)} bytes, {expected} expected")


# --- keys on disk ------------------------------------------------------------

KEY_FILES = {
    "kem.pub": KEM_PUBLIC_BYTES,
    "kem.sec": KEM_SECRET_BYTES,
    "sign.pub": SIGN_PUBLIC_BYTES,
    "sign.sec": SIGN_SECRET_BYTES,
}


class KeyDir:
    """Raw key files `client_kem.pub`, `server_sign.sec` … in one directory."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)

    def _name(self, owner: str, part: str) -> Path:
        return self.path / f"{owner}_{part}"

    def has(self, owner: str, secret: bool = True) -> bool:
        parts = ["kem.pub", "sign.pub"] + (["kem.sec", "sign.sec"] if secret else [])
        return all(self._name(owner, part).exists() for part in parts)

    def load(self, owner: str, part: str) -> bytes:
        data = self._name(owner, part).read_bytes()
        _length(str(self._name(owner, part)), data, KEY_FILES[part])
        return data

    def store(self, owner: str, part: str, data: bytes) -> None:
        _length(part, data, KEY_FILES[part])
        self.path.mkdir(parents=True, exist_ok=True)
        os.chmod(self.path, 0o700)
        handle, temporary = tempfile.mkstemp(dir=self.path)  # 0600 from the start
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            if part.endswith(".pub"):
                os.chmod(temporary, 0o644)
            os.replace(temporary, self._name(owner, part))
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise

    def generate(self, owner: str) -> None:
        for name, (public, secret) in (("kem", kem_keypair()), ("sign", sign_keypair())):
            self.store(owner, f"{name}.sec", secret)
            self.store(owner, f"{name}.pub", public)

    def problems(self, owner: str) -> list[str]:
        """What is wrong with the files of one owner: sizes, modes, mismatch."""
        found = []
        mode = stat.S_IMODE(self.path.stat().st_mode)
        if mode != 0o700:
            found.append(f"directory mode {mode:o}, 700 expected")
        for part, size in KEY_FILES.items():
            file = self._name(owner, part)
            if not file.exists():
                found.append(f"{file.name} is missing")
                continue
            if file.stat().st_size != size:
                found.append(f"{file.name} has {file.stat().st_size} bytes, {size} expected")
            mode = stat.S_IMODE(file.stat().st_mode)
            if part.endswith(".sec") and mode != 0o600:
                found.append(f"{file.name} mode {mode:o}, 600 expected")
        if not found:
            shared, ciphertext = kem_encapsulate(self.load(owner, "kem.pub"))
            if kem_decapsulate(self.load(owner, "kem.sec"), ciphertext) != shared:
                found.append("the KEM keys do not belong together")
            signature = sign(self.load(owner, "sign.sec"), b"together")
            if not verify(self.load(owner, "sign.pub"), b"together", signature):
                found.append("the signing keys do not belong together")
        return found


# --- signed statements -------------------------------------------------------


def inference_statement(input_data: object, model_id: str, target: str) -> bytes:
    """The bytes a client signs for one inference."""
    return canon({"input_data": input_data, "model_id": model_id, "target_server_url": target})


def inference_plaintext(input_data: object, model_id: str, target: str, signature: bytes) -> bytes:
    return canon(
        {
            "input_data": input_data,
            "model_id": model_id,
            "pqc_signature_b64": b64e(signature),
            "target_server_url": target,
        }
    )


def make_attestation(version: str, model_id: str, status: str, input_data, output_data) -> dict:
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "serverVersion": version,
        "modelId": model_id,
        "status": status,
        "inputHash": spelled_out(input_data),
        "outputHash": spelled_out(output_data),
        "timestamp": now.isoformat(timespec="microseconds"),
    }


def check_response(
    response: object,
    server_sign_public: bytes,
    model_id: str,
    input_data: object,
    max_age: float | None = None,
) -> None:
    """Everything a client can hold against a decrypted inference response."""
    if not isinstance(response, dict):
        raise ProtocolError("response", "the response is not an object")
    missing = [name for name in RESPONSE_FIELDS if name not in response]
    if missing:
        raise ProtocolError("response", f"the response lacks {', '.join(missing)}")
    if response["status"] not in ("success", "error"):
        raise ProtocolError("response", f"unknown status {response['status']!r}")
    if response["audit_hash"] is not None:
        raise ProtocolError("response", "audit_hash is not null")
    if response["status"] == "error" and not isinstance(response["error_message"], str):
        raise ProtocolError("response", "an error without error_message")
    if response["status"] == "success" and response["error_message"] is not None:
        raise ProtocolError("response", "a success with error_message")

    attestation = response["attestation_data"]
    if not isinstance(attestation, dict):
        raise ProtocolError("attestation-fields", "attestation_data is not an object")
    signature = b64d(response["attestation_signature_b64"], what="attestation_signature_b64")
    if not verify(server_sign_public, canon(attestation), signature):
        raise ProtocolError("attestation-signature", "the attestation signature does not verify")

    expected = {
        "modelId": model_id,
        "status": response["status"],
        "inputHash": spelled_out(input_data),
        "outputHash": spelled_out(response["output_data"]),
    }
    for name, value in expected.items():
        if attestation.get(name) != value:
            raise ProtocolError("attestation-fields", f"attestation {name} is not what was sent")
    version = attestation.get("serverVersion")
    if not isinstance(version, str) or not version:
        raise ProtocolError("attestation-fields", "serverVersion is missing")
    timestamp = attestation.get("timestamp")
    if not isinstance(timestamp, str) or not _TIMESTAMP.fullmatch(timestamp):
        raise ProtocolError("attestation-fields", f"timestamp has another form: {timestamp!r}")
    try:
        moment = datetime.datetime.fromisoformat(timestamp)
    except ValueError:
        raise ProtocolError("attestation-fields", f"timestamp is no date: {timestamp!r}") from None
    if max_age is not None:
        age = (datetime.datetime.now(datetime.timezone.utc) - moment).total_seconds()
        if abs(age) > max_age:
            raise ProtocolError("attestation-fields", f"timestamp is {age:.0f} s away from now")


def exact_encoding(plaintext: bytes, response: dict) -> bool:
    """Whether a response is byte for byte what the DEFAULT writer makes, with
    its fields and the attestation's in the described order."""
    return (
        default_json(response) == plaintext
        and list(response) == RESPONSE_FIELDS
        and list(response["attestation_data"]) == ATTESTATION_FIELDS
    )


# --- recorded conversations and known answers --------------------------------


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _flip(data: bytes, index: int) -> bytes:
    changed = bytearray(data)
    changed[index] ^= 1
    return bytes(changed)


class Recording:
    """One part of a recorded transcript, with its steps found by kind."""

    def __init__(self, steps: list[dict]):
        self.http = [step for step in steps if "method" in step]
        self.hkdf = [step["hkdf"] for step in steps if "hkdf" in step]
        self.aead = {
            step["aes_256_gcm"]["op"]: step for step in steps if "aes_256_gcm" in step
        }

    def exchange(self, path: str) -> tuple[dict | None, dict]:
        found = [step for step in self.http if step["path"] == path]
        _expect(len(found) == 1, f"{len(found)} exchanges with {path}")
        _expect(found[0]["status"] == 200, f"{path} was not 200")
        request = found[0]["request_body"]
        return (json.loads(request) if request else None), json.loads(found[0]["response_body"])

    def key(self) -> bytes:
        """The session key, derived here from the recorded HKDF input."""
        _expect(len(self.hkdf) == 1, "one key derivation expected")
        record = self.hkdf[0]
        _expect(record["info"].encode() == HKDF_INFO and record["salt"] == "", "HKDF parameters")
        key = session_key(bytes.fromhex(record["ikm"]))
        _expect(key.hex() == record["okm"], "the derived key differs from the recorded one")
        return key

    def plaintext(
        self, operation: str, nonce_b64: str, ciphertext_b64: str, newline_lost: bool = False
    ) -> bytes:
        """Opens one recorded body, compares with the record, seals it again.

        The body is what was on the wire and is authenticated; the record's
        plaintext is a note beside it. With `newline_lost` that note may lack
        the body's final line feed, and nothing else.
        """
        record = self.aead[operation]
        key = self.key()
        _expect(record["aes_256_gcm"]["key"] == key.hex(), "the recorded AES key is another one")
        nonce, ciphertext = b64d(nonce_b64, NONCE_BYTES), b64d(ciphertext_b64)
        _expect(record["aes_256_gcm"]["nonce"] == nonce.hex(), "the recorded nonce is another one")
        plaintext = open_sealed(key, nonce, ciphertext)
        noted = record["plaintext"].encode()
        same = plaintext == noted or (newline_lost and plaintext == noted + b"\n")
        _expect(same, f"the body opens to {plaintext!r}, the record says {noted!r}")
        _expect(seal(key, plaintext, nonce)[1] == ciphertext, "sealing again differs")
        for index in (0, len(ciphertext) // 2, -1):
            try:
                open_sealed(key, nonce, _flip(ciphertext, index))
            except ProtocolError:
                continue
            raise AssertionError("a changed ciphertext was opened")
        return plaintext


def _signature_holds(public: bytes, message: bytes, signature: bytes) -> None:
    _expect(len(signature) == SIGNATURE_BYTES, "signature length")
    _expect(verify(public, message, signature), "the recorded signature does not verify")
    _expect(not verify(public, message + b" ", signature), "verifies for another message")
    for index in (0, 16, SIGNATURE_BYTES // 2, SIGNATURE_BYTES - 1):
        _expect(not verify(public, message, _flip(signature, index)), f"byte {index} is not covered")


def transcript_checks(transcript: dict) -> list[tuple[str, object]]:
    """Named checks over a recorded transcript: callables that raise on failure
    and may return a remark (a string)."""
    inference = Recording(transcript["inference"])
    policy = Recording(transcript["policy_update"])

    def server_key() -> bytes:
        _, answer = inference.exchange("/keys")
        b64d(answer["server_kem_public_key_b64"], KEM_PUBLIC_BYTES)
        return b64d(answer["server_sign_public_key_b64"], SIGN_PUBLIC_BYTES)

    def handshake(part: Recording) -> tuple[bytes, bytes]:
        request, answer = part.exchange("/kem-handshake/initiate")
        _expect(
            list(request) == ["client_kem_pub_key_b64", "client_sign_pub_key_b64"], "request fields"
        )
        _expect(list(answer) == ["kemCiphertextB64"], "answer fields")
        b64d(answer["kemCiphertextB64"], KEM_CIPHERTEXT_BYTES)
        kem = b64d(request["client_kem_pub_key_b64"], KEM_PUBLIC_BYTES)
        kem_encapsulate(kem)
        return kem, b64d(request["client_sign_pub_key_b64"], SIGN_PUBLIC_BYTES)

    def check_shapes() -> None:
        server_key()
        _expect(handshake(inference) == handshake(policy), "the client's keys changed")
        for part in (inference, policy):
            for step in part.http:
                # Requests use the default separators, answers the compact ones.
                if step["request_body"]:
                    body = json.loads(step["request_body"])
                    _expect(default_json(body).decode() == step["request_body"], "request text")
                answer = json.loads(step["response_body"])
                text = json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
                _expect(text == step["response_body"], "answer text")

    def inference_request() -> tuple[dict, bytes]:
        request, _ = inference.exchange("/inference")
        _expect(
            b64d(request["clientKemPublicKeyB64"]) == handshake(inference)[0], "another KEM key"
        )
        plaintext = inference.plaintext(
            "encrypt", request["nonceB64"], request["encryptedPayloadB64"]
        )
        return loads(plaintext), plaintext

    def check_inference_request() -> None:
        payload, plaintext = inference_request()
        _expect(canon(payload) == plaintext, "CANON of the request differs")
        again = inference_plaintext(
            payload["input_data"],
            payload["model_id"],
            payload["target_server_url"],
            b64d(payload["pqc_signature_b64"]),
        )
        _expect(again == plaintext, "building the request again differs")

    def check_inference_signature() -> None:
        payload, _ = inference_request()
        statement = inference_statement(
            payload["input_data"], payload["model_id"], payload["target_server_url"]
        )
        _signature_holds(handshake(inference)[1], statement, b64d(payload["pqc_signature_b64"]))

    def inference_response() -> tuple[dict, bytes]:
        _, answer = inference.exchange("/inference")
        plaintext = inference.plaintext(
            "decrypt", answer["nonceB64"], answer["encryptedPayloadB64"]
        )
        return loads(plaintext), plaintext

    def check_inference_response() -> None:
        response, plaintext = inference_response()
        _expect(exact_encoding(plaintext, response), "DEFAULT of the response differs")

    def check_attestation() -> None:
        payload, _ = inference_request()
        response, _ = inference_response()
        check_response(response, server_key(), payload["model_id"], payload["input_data"])
        _signature_holds(
            server_key(),
            canon(response["attestation_data"]),
            b64d(response["attestation_signature_b64"]),
        )

    def policy_request() -> tuple[dict, bytes]:
        request, _ = policy.exchange("/policy-update")
        _expect(b64d(request["client_kem_pub_key_b64"]) == handshake(policy)[0], "another KEM key")
        return request, policy.plaintext(
            "encrypt", request["nonce_b64"], request["ciphertext_b64"], newline_lost=True
        )

    def check_policy_request() -> str | None:
        request, plaintext = policy_request()
        public, signature = handshake(policy)[1], b64d(request["signature_b64"])
        _signature_holds(public, plaintext, signature)
        noted = policy.aead["encrypt"]["plaintext"].encode()
        if noted == plaintext:
            return None
        _expect(not verify(public, noted, signature), "two texts under one signature")
        return (
            "transcript.json: the policy request's body opens to text that ends in a line feed"
            " and the signature covers it; the recorded plaintext beside it lacks the line feed"
        )

    def check_policy_response() -> None:
        _, answer = policy.exchange("/policy-update")
        plaintext = policy.plaintext("decrypt", answer["nonce_b64"], answer["ciphertext_b64"])
        _expect(plaintext == POLICY_ANSWER, "the answer's text differs")
        _expect(default_json(loads(plaintext)) == plaintext, "DEFAULT of the answer differs")
        _signature_holds(server_key(), plaintext, b64d(answer["signature_b64"]))

    return [
        ("bodies and keys have the described shapes", check_shapes),
        ("inference: HKDF input gives the key", inference.key),
        ("inference: request opens, CANON again is equal", check_inference_request),
        ("inference: client signature verifies, changed ones do not", check_inference_signature),
        ("inference: response opens, DEFAULT again is equal", check_inference_response),
        ("inference: attestation signature and fields", check_attestation),
        ("policy: HKDF input gives the key", policy.key),
        ("policy: request opens, signature over raw bytes verifies", check_policy_request),
        ("policy: answer opens, server signature verifies", check_policy_response),
    ]


def primitive_checks(vectors: dict) -> list[tuple[str, object]]:
    """Known answers for the KEM and the signature scheme."""
    kem = {name: bytes.fromhex(value) for name, value in vectors["kyber768"].items()}
    sig = {
        name: bytes.fromhex(value)
        for name, value in vectors["sphincs_sha2_128f_simple"].items()
    }

    def check_kem() -> None:
        _expect(kem_decapsulate(kem["sk"], kem["ct"]) == kem["ss"], "another shared secret")
        _expect(kem["sk"][1152:2336] == kem["pk"], "the secret key holds another public key")
        shared, ciphertext = kem_encapsulate(kem["pk"])
        _expect(kem_decapsulate(kem["sk"], ciphertext) == shared, "round trip")
        rejected = kem_decapsulate(kem["sk"], _flip(kem["ct"], 0))
        digest = hashlib.sha3_256(_flip(kem["ct"], 0)).digest()
        expected = hashlib.shake_256(kem["sk"][-32:] + digest).digest(32)
        _expect(rejected == expected, "implicit rejection is not the round-3 one")

    def check_signature() -> None:
        _expect(sig["sk"][32:] == sig["pk"], "secret key layout")
        _signature_holds(sig["pk"], sig["msg"], sig["sig"])
        _signature_holds(sig["pk"], sig["msg"], sign(sig["sk"], sig["msg"]))

    return [
        ("round-3 Kyber-768 known answer", check_kem),
        ("round-3.1 SPHINCS+-SHA2-128f-simple known answer", check_signature),
    ]


def canon_checks(vectors: list[dict]) -> list[tuple[str, object]]:
    """Golden vectors of the canonical writer."""

    def check() -> None:
        for number, vector in enumerate(vectors):
            lone = re.search(r"\\ud[89ab]..(?!\\ud[c-f])", vector["input_json"], re.I)
            try:
                value = loads(vector["input_json"])
            except ProtocolError:
                _expect(lone is not None, f"vector {number} was refused")
                continue
            _expect(lone is None, f"vector {number} has a lone surrogate and was taken")
            value.pop("_pqc", None)  # the vectors were made that way
            text = canon(value)
            _expect(text == vector["canonical"].encode(), f"vector {number} differs")
            _expect(hashlib.sha3_256(text).hexdigest() == vector["sha3_256"], f"digest {number}")
        own = {
            "1E5": b"100000.0",
            "1e0": b"1.0",
            "-0": b"0",
            '{"a":1,"a":2}': b'{"a":2}',
            '{"/":"/"}': b'{"/":"/"}',
        }
        for text, expected in own.items():
            _expect(canon(loads(text)) == expected, f"CANON of {text}")
        for text in ("NaN", "-Infinity", "1e400", '"\\udc00"'):
            try:
                loads(text)
            except ProtocolError:
                continue
            raise AssertionError(f"{text} was taken")

    return [("canonical JSON golden vectors", check)]
