#!/usr/bin/env python3
"""Interop checks of the `qu3-1` dialect, without a test framework.

    test_against.py [--pqfw BINARY] [--vectors DIR] [--set KEY=VALUE]…

1. the recorded conversation, opened and checked with peer.py;
2. the Python client against the Python server;
3. the Python client against the server of the pqfw binary;
4. the client of the pqfw binary against the Python server.

3 and 4 need --pqfw. The last line is `N passed, M failed`; exit status 1 on
any failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

import client as qu3_client  # noqa: E402
import peer  # noqa: E402
from peer import b64e  # noqa: E402

START_SECONDS = 60.0
STOP_SECONDS = 20.0
COMMAND_SECONDS = 120.0
UNICODE = "aß😀"


class Checks:
    """Runs named checks, prints a row for each, counts."""

    def __init__(self):
        self.passed = self.failed = 0
        self.notes: list[str] = []

    def section(self, title: str) -> None:
        print(f"\n{title}")

    def note(self, text: str) -> None:
        print(f"  note  {text}")
        self.notes.append(text)

    def run(self, name: str, function, *args, **kwargs) -> bool:
        try:
            remark = function(*args, **kwargs)
        except Exception as error:
            self.failed += 1
            print(f"  FAIL  {name}")
            if isinstance(error, (AssertionError, peer.ProtocolError, qu3_client.HttpFailure)):
                text = str(error) or type(error).__name__
            else:
                text = "".join(traceback.format_exception(error))
            for line in text.rstrip().splitlines():
                print(f"          {line}")
            sys.stdout.flush()
            return False
        self.passed += 1
        print(f"  pass  {name}", flush=True)
        if isinstance(remark, str):
            self.note(remark)
        return True


def expect(condition: object, message: object) -> None:
    if not condition:
        raise AssertionError(str(message))


def short(value: object, limit: int = 600) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + " …"


# --- processes ---------------------------------------------------------------


def stop(process: subprocess.Popen) -> int:
    """SIGTERM, a bounded wait, the exit status. Kills what does not end."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"did not end within {STOP_SECONDS:.0f} s of SIGTERM") from None


def discard(process: subprocess.Popen) -> None:
    with contextlib.suppress(AssertionError):
        stop(process)


@contextlib.contextmanager
def python_server(*options: str):
    """The Python server as a process; gives its URL."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "server.py"), "0", *options], stdout=subprocess.PIPE
    )
    try:
        selector = selectors.DefaultSelector()
        selector.register(process.stdout, selectors.EVENT_READ)
        expect(selector.select(START_SECONDS), "the Python server did not get ready")
        line = process.stdout.readline().decode()
        expect(line.startswith("ready http://127.0.0.1:"), f"ready line: {line!r}")
        yield line.split()[1]
        code = stop(process)
        expect(code == 0, f"the Python server ended with {code}")
    finally:
        discard(process)
        process.stdout.close()


def python_client(url: str, keys: Path, *arguments: str) -> tuple[int, dict]:
    """One run of client.py: exit status and outcome."""
    done = subprocess.run(
        [sys.executable, str(HERE / "client.py"), "--url", url, "--keys", str(keys), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=COMMAND_SECONDS,
    )
    lines = done.stdout.decode().splitlines()
    expect(len(lines) == 1, f"{len(lines)} lines of output: {done.stderr.decode()[-2000:]}")
    outcome = json.loads(lines[0])
    expect(done.returncode == (0 if outcome["ok"] else 1), "exit status and outcome differ")
    return done.returncode, outcome


# --- checks of a server ------------------------------------------------------


class ServerChecks:
    """The checks of one running server with the Python client."""

    def __init__(self, checks: Checks, url: str, directory: Path):
        self.checks = checks
        self.url = url
        self.directory = directory
        self.keys = directory / "client"
        self.http = qu3_client.Http(url)

    def command(self, code: int, *arguments: str) -> dict:
        got, outcome = python_client(self.url, self.keys, *arguments)
        expect(got == code, f"exit {got}: {short(outcome)}")
        return outcome

    def fresh_client(self, name: str) -> qu3_client.Client:
        """A client with keys of its own: checks must not meet in the few pending
        sessions a server keeps for one KEM key."""
        keys = peer.KeyDir(self.directory / name)
        if not keys.has("client"):
            keys.generate("client")
        return qu3_client.Client(self.url, keys.path)

    # commands

    def generate(self) -> None:
        self.command(0, "generate")
        expect(not peer.KeyDir(self.keys).problems("client"), "key files")
        self.command(1, "generate")

    def root_and_keys(self) -> None:
        outcome = self.command(0, "raw", "GET", "/")
        expect(isinstance(outcome["body"]["message"], str), short(outcome))
        body = self.command(0, "raw", "GET", "/keys")["body"]
        peer.b64d(body["server_kem_public_key_b64"], peer.KEM_PUBLIC_BYTES)
        peer.b64d(body["server_sign_public_key_b64"], peer.SIGN_PUBLIC_BYTES)

    def infer(self, model: str, form: str, text: str, field: str, result: str) -> None:
        data = json.dumps({"text": text}, ensure_ascii=False)
        outcome = self.command(0, "inference", model, data, "--input-as", form)
        expect(outcome["output_data"] == {field: result}, short(outcome))
        expect(outcome["exact_encoding"], "the response is not exact DEFAULT JSON in order")

    def application_error(self, model: str, form: str, text: str, wanted: str, exact: bool) -> None:
        outcome = self.command(1, "inference", model, text, "--input-as", form)
        expect(outcome.get("http_status") == 200, short(outcome))
        expect(outcome.get("attestation") == "verified", short(outcome))
        message = outcome["error_message"]
        right = message == wanted if exact else message.startswith(wanted) and message[-1] == ")"
        expect(right, f"error_message {message!r}, {wanted!r} expected")

    def unusual_values(self) -> None:
        # The statement signed here and the statement checked there must agree
        # on every byte; the attestation's inputHash must, too.
        data = (
            '{"text": "\\u007f\\u2028/\\"\\\\\\b\\f\\n\\r\\t\\u0001é",'
            ' "n": [1.00, 1E5, 1e16, 1e-7, -0, -0.0, 5e-324, 1000000000000000.0,'
            ' 18446744073709551616, 1000000000000000000000000000000],'
            ' "\\uffff": 1, "😀": {"z": null, "a": true, "": []}}'
        )
        for form in ("object", "string"):
            outcome = self.command(0, "inference", "model_reverse", data, "--input-as", form)
            expected = 'é\x01\t\r\n\f\b\\"/\u2028\x7f'
            expect(outcome["output_data"] == {"reversed_text": expected}, short(outcome))
            expect(outcome["exact_encoding"], "the response is not exact DEFAULT JSON in order")

    def workflow(self) -> None:
        outcome = self.command(0, "workflow", "model_caps -> model_reverse", '{"text": "abc"}')
        expect(outcome["output_data"] == {"reversed_text": "CBA"}, short(outcome))
        expect(len(outcome["steps"]) == 2, short(outcome))
        outcome = self.command(
            0, "workflow", "model_reverse->model_caps->model_reverse", UNICODE, "--input-as", "string"
        )
        # aß😀 → 😀ßa → 😀SSA → ASS😀
        expect(outcome["output_data"] == {"reversed_text": "ASS😀"}, short(outcome))

    def failing_workflow(self) -> None:
        outcome = self.command(1, "workflow", "model_caps->nosuch->model_reverse", '{"text": "x"}')
        expect(outcome["failed_step"] == 2 and outcome["model"] == "nosuch", short(outcome))
        expect(outcome["error"] == "Unknown model ID: 'nosuch'", short(outcome))

    def policy(self) -> None:
        file = self.directory / "policy.txt"
        for text in ("Allow model_caps access.", f"Allow {UNICODE}\n", '{"allow": ["*"]}'):
            file.write_bytes(text.encode("utf-8"))
            outcome = self.command(0, "policy", str(file))
            expect(outcome["signature"] == "verified", short(outcome))

    def forge(self, command: str, text: str) -> None:
        outcome = self.command(0, command)
        expect(len(outcome["attempts"]) == 6, short(outcome))
        expect(outcome["expected"] == [403, text], short(outcome))
        if outcome["honest_after"] != "success":
            self.checks.note(f"{command}: an honest request after it: {outcome['honest_after']}")

    def replay(self) -> None:
        outcome = self.command(0, "replay")
        expect(outcome["first_status"] == 200, short(outcome))
        expect(400 <= outcome["second_status"] < 500, short(outcome))

    def replayed_policy(self) -> None:
        client = self.fresh_client("replayed-policy")
        client.handshake()
        body = client.policy_body(b"Allow once.")
        first, answer = client.http.call("POST", "/policy-update", body)
        expect(first == 200, f"{first} {short(answer)}")
        second, answer = client.http.call("POST", "/policy-update", body)
        expect(400 <= second < 500, f"{second} {short(answer)}")

    def copied_keys(self) -> None:
        self.keys_of_victim = self.directory / "victim"
        peer.KeyDir(self.keys_of_victim).generate("client")
        code, outcome = python_client(self.url, self.keys_of_victim, "copied-keys")
        expect(code == 0, f"exit {code}: {short(outcome)}")
        expect(outcome["attacker_handshakes"][0]["http_status"] == 200, short(outcome))
        expect(outcome["victim_status"] == 200, short(outcome))

    def other_sign_key(self) -> None:
        client = self.fresh_client("pinned")
        client.infer("model_caps", {"text": "pin"})
        public, _ = peer.sign_keypair()
        self.refused("/kem-handshake/initiate", client.handshake_body(public), 403)
        expect(client.infer("model_caps", {"text": "again"})["status"] == "success", "the victim")

    def squatting(self) -> None:
        client = self.fresh_client("squatted")
        public, _ = peer.sign_keypair()
        status, answer = client.http.call(
            "POST", "/kem-handshake/initiate", client.handshake_body(public)
        )
        expect(status == 200, f"{status} {short(answer)}")
        expect(client.infer("model_caps", {"text": "mine"})["status"] == "success", "the owner")

    def handshake_renews(self) -> None:
        client = self.fresh_client("renewed")
        client.infer("model_caps", {"text": "one"})
        old = client.session
        client.handshake()
        fresh = client.session
        client.session = old  # pending beside confirmed: the old one still works
        client.infer("model_caps", {"text": "two"})
        client.session = fresh
        client.infer("model_caps", {"text": "three"})
        client.session = old  # replaced now
        body = client.inference_body("model_caps", {"text": "four"})
        self.refused("/inference", body, 400, "Payload decryption failed: ")

    # HTTP errors

    def refused(
        self, path: str, body: object, status: int, wanted: str | None = None, method: str = "POST"
    ) -> None:
        """`wanted` ends in `: ` when only the beginning of the text is fixed."""
        got, answer = self.http.call(method, path, body)
        expect(got == status, f"{method} {path}: {got}, {status} expected: {short(answer)}")
        expect(isinstance(answer, dict) and isinstance(answer.get("detail"), str), short(answer))
        detail = answer["detail"]
        if wanted is not None:
            right = detail.startswith(wanted) if wanted.endswith(": ") else detail == wanted
            expect(right, f"detail {detail!r}, {wanted!r} expected")

    def inference_body(self, client: qu3_client.Client, **changes: str) -> dict:
        return client.inference_body("model_caps", {"text": "x"}) | changes

    def no_session(self) -> None:
        client = self.fresh_client("no-session")
        client.session = bytes(32)
        self.refused(
            "/inference",
            self.inference_body(client),
            401,
            "No active session key. Perform KEM handshake.",
        )

    def no_session_policy(self) -> None:
        client = self.fresh_client("no-session")
        client.session = bytes(32)
        self.refused(
            "/policy-update", client.policy_body(b"x"), 401, "Session not established or expired."
        )

    def kem_key_format(self) -> None:
        client = self.fresh_client("kem-key-format")
        client.handshake()
        good = b64e(client.kem_public)
        text = "Invalid client KEM public key format."
        bad = {
            "no base64": "!!!!",
            "too short": b64e(client.kem_public[:-1]),
            "too long": b64e(client.kem_public + b"\0"),
            "empty": "",
            "no padding": good.rstrip("="),
            "line break": good[:76] + "\n" + good[76:],
        }
        expect(good.endswith("="), "the key's base64 is padded")
        for name, value in bad.items():
            try:
                body = client.handshake_body() | {"client_kem_pub_key_b64": value}
                self.refused("/kem-handshake/initiate", body, 400, text)
                body = self.inference_body(client, clientKemPublicKeyB64=value)
                self.refused("/inference", body, 400, text)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None

    def sign_key_format(self) -> None:
        client = self.fresh_client("sign-key-format")
        for value in ("!!!!", b64e(bytes(31)), b64e(bytes(33)), ""):
            body = client.handshake_body() | {"client_sign_pub_key_b64": value}
            self.refused("/kem-handshake/initiate", body, 400)

    def undecryptable(self) -> None:
        client = self.fresh_client("undecryptable")
        client.handshake()
        body = self.inference_body(client)
        ciphertext = bytearray(peer.b64d(body["encryptedPayloadB64"]))
        ciphertext[-1] ^= 1
        body["encryptedPayloadB64"] = b64e(bytes(ciphertext))
        self.refused("/inference", body, 400, "Payload decryption failed: ")
        wrong_key, client.session = client.session, bytes(32)
        body = self.inference_body(client)
        client.session = wrong_key
        self.refused("/inference", body, 400, "Payload decryption failed: ")

    def request_format(self) -> None:
        """Either 400 of the two will do: which one covers what is not fixed."""
        client = self.fresh_client("request-format")
        client.handshake()
        bodies = {
            "nonce is no base64": self.inference_body(client, nonceB64="!!!!"),
            "nonce of 11 bytes": self.inference_body(client, nonceB64=b64e(bytes(11))),
            "nonce of 16 bytes": self.inference_body(client, nonceB64=b64e(bytes(16))),
            "nonce is empty": self.inference_body(client, nonceB64=""),
            "payload is no base64": self.inference_body(client, encryptedPayloadB64="!!!!"),
            "payload is empty": self.inference_body(client, encryptedPayloadB64=""),
            "payload is a short tag": self.inference_body(
                client, encryptedPayloadB64=b64e(bytes(15))
            ),
            "plaintext is not JSON": client.sealed_inference(b"not json"),
            "plaintext is not UTF-8": client.sealed_inference(b'{"a": "\xff"}'),
            "plaintext is no object": client.sealed_inference(b"[]"),
        }
        allowed = ("Invalid encrypted request format: ", "Payload decryption failed: ")
        for name, body in bodies.items():
            status, answer = self.http.call("POST", "/inference", body)
            detail = qu3_client.detail_of(answer)
            expect(status == 400, f"{name}: {status}, 400 expected: {short(answer)}")
            expect(isinstance(detail, str) and detail.startswith(allowed), f"{name}: {detail!r}")

    def missing_signature(self) -> None:
        client = self.fresh_client("missing-signature")
        client.handshake()
        payload = {"input_data": {"text": "x"}, "model_id": "model_caps"}
        payload["target_server_url"] = client.target
        self.refused(
            "/inference",
            client.sealed_inference(peer.canon(payload)),
            400,
            "Invalid signature data format: Missing 'pqc_signature_b64' in decrypted payload.",
        )

    def changed_statement(self) -> None:
        """A genuine signature with another model, input or server beside it."""
        client = self.fresh_client("changed-statement")
        client.handshake()
        signature = client.inference_signature("model_caps", {"text": "x"})
        for data, model, target in (
            ({"text": "x"}, "model_reverse", client.target),
            ({"text": "y"}, "model_caps", client.target),
            ({"text": "x"}, "model_caps", client.target + "0"),
            ('{"text": "x"}', "model_caps", client.target),
        ):
            plaintext = peer.inference_plaintext(data, model, target, signature)
            self.refused(
                "/inference", client.sealed_inference(plaintext), 403, "Invalid client signature"
            )

    def policy_errors(self) -> None:
        client = self.fresh_client("policy-errors")
        client.handshake()
        body = client.policy_body(b"Allow.")
        ciphertext = bytearray(peer.b64d(body["ciphertext_b64"]))
        ciphertext[0] ^= 1
        self.refused("/policy-update", body | {"ciphertext_b64": b64e(bytes(ciphertext))}, 400)
        self.refused("/policy-update", body | {"nonce_b64": b64e(bytes(11))}, 400)
        self.refused("/policy-update", body | {"ciphertext_b64": "!!!!"}, 400)
        self.refused("/policy-update", client.policy_body(b"Allow \xff\xfe."), 400)
        client.update_policy(b"Allow.")

    def unprocessable(self) -> None:
        client = self.fresh_client("unprocessable")
        client.session = bytes(32)
        routes = {
            "/kem-handshake/initiate": client.handshake_body(),
            "/inference": self.inference_body(client),
            "/policy-update": client.policy_body(b"x"),
        }
        for path, body in routes.items():
            for field in body:
                without = {name: value for name, value in body.items() if name != field}
                entries = self.entries(path, without)
                expect(len(entries) == 1, f"{path} without {field}: {short(entries)}")
                entry = entries[0]
                expect(entry["loc"] == ["body", field], f"loc {entry['loc']}")
                expect(entry["type"] == "missing", f"type {entry['type']}")
                expect(entry["msg"] == "Field required", f"msg {entry['msg']}")
                for value in (7, None, True, [], {}):
                    entries = self.entries(path, body | {field: value})
                    loc = entries[0]["loc"]
                    expect(loc == ["body", field], f"{path} {field}={value!r}: loc {loc}")
            entries = self.entries(path, {})
            fields = [entry["loc"][1] for entry in entries]
            expect(set(fields) <= set(body) and fields, f"{path} with nothing: {fields}")

    def entries(self, path: str, body: object) -> list[dict]:
        status, answer = self.http.call("POST", path, body)
        expect(status == 422, f"{path}: {status}, 422 expected: {short(answer)}")
        entries = answer["detail"]
        expect(isinstance(entries, list) and entries, short(answer))
        for entry in entries:
            expect({"type", "loc", "msg", "input"} <= set(entry), f"entry {short(entry)}")
        return entries

    def no_json(self) -> None:
        for path in ("/kem-handshake/initiate", "/inference", "/policy-update"):
            for raw in (b"", b"{", b"[]", b"\xff", b'"text"'):
                status, answer = self.http.send("POST", path, raw)
                expect(status in (400, 422), f"{path} {raw!r}: {status} {short(answer.decode())}")
                expect("detail" in json.loads(answer), short(answer.decode()))

    def extra_fields(self) -> None:
        client = self.fresh_client("extra-fields")
        body = client.handshake_body() | {"extra": [1, {"x": None}]}
        status, answer = client.http.call("POST", "/kem-handshake/initiate", body)
        expect(status == 200, f"{status} {short(answer)}")
        ciphertext = peer.b64d(answer["kemCiphertextB64"])
        client.session = peer.session_key(peer.kem_decapsulate(client.kem_secret, ciphertext))
        body = self.inference_body(client, extra="x")
        status, answer = client.http.call("POST", "/inference", body)
        expect(status == 200, f"{status} {short(answer)}")

    def not_found(self) -> None:
        for method, path in (
            ("GET", "/nosuch"),
            ("POST", "/nosuch"),
            ("GET", "/keys/more"),
            ("POST", "/kem-handshake"),
        ):
            self.refused(path, {} if method == "POST" else None, 404, method=method)
        code, outcome = python_client(self.url, self.keys, "raw", "GET", "/nosuch")
        expect(code == 1 and outcome["http_status"] == 404, short(outcome))

    def wrong_method(self) -> None:
        for method, path in (
            ("POST", "/"),
            ("POST", "/keys"),
            ("GET", "/kem-handshake/initiate"),
            ("GET", "/inference"),
            ("GET", "/policy-update"),
            ("PUT", "/inference"),
            ("DELETE", "/keys"),
        ):
            body = None if method in ("GET", "DELETE") else {}
            self.refused(path, body, 405, method=method)

    def run(self) -> None:
        run = self.checks.run
        run("generate: files, sizes, modes, no overwriting", self.generate)
        run("GET / and GET /keys", self.root_and_keys)
        for form in ("string", "object"):
            run(
                f"inference model_caps, input as {form}",
                self.infer, "model_caps", form, "process this data",
                "capitalized_text", "PROCESS THIS DATA",
            )  # fmt: skip
            run(
                f"inference model_reverse, input as {form}",
                self.infer, "model_reverse", form, "abc", "reversed_text", "cba",
            )  # fmt: skip
            run(
                f"inference model_reverse {UNICODE}, input as {form}",
                self.infer, "model_reverse", form, UNICODE, "reversed_text", "😀ßa",
            )  # fmt: skip
            run(
                f"inference model_caps {UNICODE}, input as {form}",
                self.infer, "model_caps", form, UNICODE, "capitalized_text", "ASS😀",
            )  # fmt: skip
        run("inference with unusual numbers, keys and escapes", self.unusual_values)
        text = '{"text": "x"}'
        errors = (
            ("unknown model", "nosuch", "object", text, "Unknown model ID: 'nosuch'", True),
            (
                "string that is not JSON", "model_caps", "string", "plain words",
                "Invalid input_data: failed to parse JSON string. (", False,
            ),
            (
                "string holding a list", "model_caps", "string", "[1]",
                "Invalid input_data: content of JSON string is not an object.", True,
            ),
            (
                "input of another type", "model_caps", "object", "[1]",
                "Invalid input_data type: expected JSON object or JSON string.", True,
            ),
            (
                "no text field", "model_caps", "object", '{"other": "x"}',
                "Invalid input for model_caps: 'text' field must be a string and present"
                " in input_data.", True,
            ),
            (
                "text of another type", "model_caps", "string", '{"text": 5}',
                "Invalid input for model_caps: 'text' field must be a string and present"
                " in input_data.", True,
            ),
        )  # fmt: skip
        for name, model, form, data, wanted, exact in errors:
            run(
                f"application error: {name}",
                self.application_error, model, form, data, wanted, exact,
            )  # fmt: skip
        run("workflow of two and three steps", self.workflow)
        run("workflow with a failing step", self.failing_workflow)
        run("policy update", self.policy)
        run("forged inference: 403", self.forge, "forge-inference", "Invalid client signature")
        run("forged policy: 403", self.forge, "forge-policy", "Invalid client signature on policy.")
        run("403 genuine signature beside another statement", self.changed_statement)
        run("replayed inference is refused", self.replay)
        run("replayed policy is refused", self.replayed_policy)
        run("copied public keys: the victim's session lives on", self.copied_keys)
        run("403 known KEM key with another signing key", self.other_sign_key)
        run("an unconfirmed handshake reserves nothing", self.squatting)
        run("a new session replaces the old on first use", self.handshake_renews)
        run("401 no session (inference)", self.no_session)
        run("401 no session (policy)", self.no_session_policy)
        run("400 KEM key format, strict base64", self.kem_key_format)
        run("400 signing key format", self.sign_key_format)
        run("400 undecryptable payload", self.undecryptable)
        run("400 request format", self.request_format)
        run("400 missing signature", self.missing_signature)
        run("400 policy: undecryptable, nonce, not UTF-8", self.policy_errors)
        run("422 missing and mistyped fields", self.unprocessable)
        run("bodies that are no JSON object", self.no_json)
        run("unknown extra fields are ignored", self.extra_fields)
        run("404 unknown paths", self.not_found)
        run("405 wrong methods", self.wrong_method)


# --- 1. recorded vectors -----------------------------------------------------


def vector_section(checks: Checks, directory: Path) -> None:
    checks.section(f"1. recorded vectors ({directory})")
    transcript = directory / "transcript.json"
    found: list[dict] = []
    if checks.run("transcript.json is there", lambda: found.append(json.loads(transcript.read_text()))):
        for name, function in peer.transcript_checks(found[0]):
            checks.run(name, function)
    others = (
        ("qu3-primitives.json", "liboqs-0.13", peer.primitive_checks),
        ("canon_vectors.json", "python-json", peer.canon_checks),
    )
    for name, folder, make in others:
        for file in (directory / name, directory.parent / folder / name):
            if file.is_file():
                for title, function in make(json.loads(file.read_text())):
                    checks.run(title, function)
                break
        else:
            checks.note(f"{name} not found beside the transcript: its checks did not run")


# --- 2. Python against Python ------------------------------------------------


def self_section(checks: Checks, directory: Path) -> None:
    checks.section("2. Python client against Python server")

    def whole() -> None:
        with python_server("--keys", str(directory / "server")) as url:
            ServerChecks(checks, url, directory).run()
        expect(not peer.KeyDir(directory / "server").problems("server"), "server key files")

    checks.run("server starts, keeps its keys, ends with 0", whole)

    keys = directory / "client-misbehave"
    peer.KeyDir(keys).generate("client")
    policy = directory / "policy-misbehave.txt"
    policy.write_text("Allow.")

    def misbehave(kind: str, failure: str, *arguments: str) -> None:
        for part in ("kem.pub", "sign.pub"):
            (keys / f"server_{part}").unlink(missing_ok=True)
        with python_server("--misbehave", kind) as url:
            code, outcome = python_client(url, keys, *arguments)
        expect(code == 1 and outcome["failure"] == failure, short(outcome))

    inference = ("inference", "model_caps", '{"text": "x"}')
    for kind, failure, arguments in (
        ("bad-attestation", "attestation-signature", inference),
        ("lying-attestation", "attestation-fields", inference),
        ("bad-policy-signature", "policy-signature", ("policy", str(policy))),
        ("wrong-ciphertext", "http", inference),
    ):
        checks.run(f"client refuses {kind}", misbehave, kind, failure, *arguments)

    def changed_server_key() -> None:
        with python_server() as url:
            python_client(url, keys, *inference)
        with python_server() as url:
            code, outcome = python_client(url, keys, *inference)
        expect(code == 1 and outcome["failure"] == "attestation-signature", short(outcome))

    checks.run("client keeps the first server key it saw", changed_server_key)

    def expired() -> None:
        with python_server("--session-seconds", "0.5") as url:
            client = ServerChecks(checks, url, directory / "expiry").fresh_client("client")
            client.infer("model_caps", {"text": "x"})
            time.sleep(0.6)
            this = ServerChecks(checks, url, directory / "expiry")
            this.refused(
                "/inference",
                client.inference_body("model_caps", {"text": "x"}),
                401,
                "Session expired. Perform KEM handshake again.",
            )
            this.refused(
                "/policy-update",
                client.policy_body(b"x"),
                401,
                "Session not established or expired.",
            )
            client.handshake()
            client.infer("model_caps", {"text": "x"})

    checks.run("401 expired session", expired)

    def unavailable() -> None:
        with python_server("--without-keys") as url:
            this = ServerChecks(checks, url, directory)
            this.refused("/keys", None, 503, "Server keys unavailable.", method="GET")

    checks.run("503 server without keys", unavailable)


# --- 3. and 4. the binary ----------------------------------------------------


class Binary:
    def __init__(self, path: Path, directory: Path, settings: list[str]):
        self.path = path
        self.directory = directory
        self.settings = [word for setting in settings for word in ("--set", setting)]
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PQFW")}
        state = directory / "state"
        (directory / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        self.environment |= {
            "HOME": str(directory),
            "XDG_STATE_HOME": str(state),
            "XDG_RUNTIME_DIR": str(directory / "run"),
            "NO_COLOR": "1",
        }
        self.environment.pop("STATE_DIRECTORY", None)

    def run(self, url: str, keys: Path, *arguments: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [
                str(self.path), "qu3", *arguments, "--server", url,
                "--set", f"keys.dir={keys}", *self.settings, "--json",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self.environment,
            timeout=COMMAND_SECONDS,
        )  # fmt: skip
        done.stdout = done.stdout.decode("utf-8")
        done.stderr = done.stderr.decode("utf-8", "replace")
        return done


def documents(text: str) -> list:
    """Machine output: one JSON document, or JSON lines."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def holds(value: object, wanted: str) -> bool:
    """Whether a string occurs as a value or key anywhere, also in JSON text."""
    if isinstance(value, dict):
        return any(holds(k, wanted) or holds(v, wanted) for k, v in value.items())
    if isinstance(value, list):
        return any(holds(item, wanted) for item in value)
    if isinstance(value, str):
        if value == wanted:
            return True
        if value[:1] in "{[":
            with contextlib.suppress(ValueError):
                return holds(json.loads(value), wanted)
    return False


def output_of(done: subprocess.CompletedProcess, code: int | None, *wanted: str) -> None:
    said = f"\nstdout: {short(done.stdout)}\nstderr: {short(done.stderr)}"
    if code is None:
        expect(done.returncode > 0, f"exit {done.returncode}, a failure expected{said}")
        expect(done.returncode != 70, f"internal fault{said}")
        return
    expect(done.returncode == code, f"exit {done.returncode}, {code} expected{said}")
    if code == 0:
        try:
            found = documents(done.stdout)
        except ValueError as error:
            raise AssertionError(f"stdout is not JSON: {error}{said}") from None
        expect(found, f"no output{said}")
        for text in wanted:
            expect(holds(found, text), f"{text!r} is not in the output{said}")


def server_section(checks: Checks, binary: Binary, directory: Path) -> None:
    checks.section("3. Python client against the pqfw server")
    ready = directory / "ready.json"
    log = directory / "server.log"

    def tail() -> str:
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    with open(log, "wb") as output:
        process = subprocess.Popen(
            [
                str(binary.path), "run", "--profile", "qu3.toml", "--role", "server",
                "--set", "transport.listen=127.0.0.1:0",
                "--set", f"keys.dir={directory / 'keys'}",
                "--set", "store.url=memory:",
                *binary.settings, "--ready-file", str(ready),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=binary.environment,
        )  # fmt: skip
    try:
        url: list[str] = []

        def start() -> None:
            end = time.monotonic() + START_SECONDS
            while time.monotonic() < end:
                expect(process.poll() is None, f"ended with {process.returncode}:\n{tail()}")
                with contextlib.suppress(OSError, ValueError, KeyError):
                    url.append(json.loads(ready.read_text())["url"])
                    return
                time.sleep(0.05)
            raise AssertionError(f"not ready within {START_SECONDS:.0f} s:\n{tail()}")

        if checks.run("pqfw server gets ready", start):
            ServerChecks(checks, url[0], directory).run()
            checks.note("not reachable from outside: 401 expired session, 503 without keys")

        def end() -> None:
            expect(process.poll() is None, f"had ended with {process.returncode}:\n{tail()}")
            code = stop(process)
            expect(code == 0, f"exit {code}:\n{tail()}")

        if url:
            checks.run("pqfw server ends with 0 on SIGTERM", end)
    finally:
        discard(process)

    def key_files() -> None:
        found = peer.KeyDir(directory / "keys").problems("server")
        expect(not found, "; ".join(found))

    checks.run("pqfw server key files", key_files)


def client_section(checks: Checks, binary: Binary, directory: Path) -> None:
    checks.section("4. pqfw client against the Python server")
    keys = directory / "client"
    policy = directory / "policy.txt"
    policy.write_text(f"Allow model_caps access. {UNICODE}\n", encoding="utf-8")
    data = '{"text": "process this data"}'

    def command(url: str, code: int | None, wanted: list[str], *arguments: str, at: Path = keys):
        output_of(binary.run(url, at, *arguments), code, *wanted)

    def key_files() -> None:
        found = peer.KeyDir(keys).problems("client")
        expect(not found, "; ".join(found))

    def python_uses(url: str) -> None:
        code, outcome = python_client(url, keys, "inference", "model_caps", data)
        expect(code == 0, short(outcome))

    def pinned_server_keys(server: Path) -> None:
        for part in ("kem.pub", "sign.pub"):
            seen = peer.KeyDir(keys).load("server", part)
            expect(seen == peer.KeyDir(server).load("server", part), f"server_{part} differs")

    def uses_python_keys(url: str) -> None:
        other = directory / "client-python"
        peer.KeyDir(other).generate("client")
        command(
            url, 0, ["PROCESS THIS DATA"], "run-inference", "model_caps", data, at=other
        )

    server = directory / "server"
    run = checks.run
    with python_server("--keys", str(server)) as url:
        run("generate-keys", command, url, 0, [], "generate-keys")
        run("generate-keys: sizes, modes, pairs", key_files)
        run(
            "run-inference model_caps",
            command, url, 0, ["PROCESS THIS DATA"], "run-inference", "model_caps", data,
        )  # fmt: skip
        run("server keys are kept on first use", pinned_server_keys, server)
        text = json.dumps({"text": UNICODE}, ensure_ascii=False)
        run(
            f"run-inference model_reverse {UNICODE}",
            command, url, 0, ["😀ßa"], "run-inference", "model_reverse", text,
        )  # fmt: skip
        run(
            "run-inference with an unknown model fails",
            command, url, None, [], "run-inference", "nosuch", data,
        )  # fmt: skip
        run(
            "run-agent of two steps",
            command, url, 0, ["ATAD SIHT SSECORP"],
            "run-agent", "model_caps->model_reverse", data,
        )  # fmt: skip
        run(
            "run-agent with a failing step exits with 1",
            command, url, 1, [], "run-agent", "model_caps->nosuch", data,
        )  # fmt: skip
        run(
            "update-policy",
            command, url, 0, [], "update-policy", "--policy-file", str(policy),
        )  # fmt: skip
        run("list-models", command, url, 0, ["model_caps", "model_reverse"], "list-models")
        run("inspect-keys", command, url, 0, [], "inspect-keys")
        run("Python client with keys made by pqfw", python_uses, url)
        run("pqfw client with keys made by Python", uses_python_keys, url)

    def misbehave(kind: str, code: int | None, *arguments: str) -> None:
        at = directory / f"client-{kind}"
        peer.KeyDir(at).generate("client")
        with python_server("--misbehave", kind) as url:
            output_of(binary.run(url, at, *arguments), code)

    inference = ("run-inference", "model_caps", data)
    update = ("update-policy", "--policy-file", str(policy))
    run("bad-attestation: exit 3", misbehave, "bad-attestation", 3, *inference)
    run("bad-attestation in a workflow fails", misbehave, "bad-attestation", None,
        "run-agent", "model_caps->model_reverse", data)  # fmt: skip
    run("bad-policy-signature: exit 3", misbehave, "bad-policy-signature", 3, *update)
    run("wrong-ciphertext fails (inference)", misbehave, "wrong-ciphertext", None, *inference)
    run("wrong-ciphertext fails (policy)", misbehave, "wrong-ciphertext", None, *update)

    def other_server() -> None:
        with python_server() as url:
            output_of(binary.run(url, keys, *inference), None)

    run("a server with other keys than the kept ones is refused", other_server)

    def unavailable() -> None:
        at = directory / "client-unavailable"
        peer.KeyDir(at).generate("client")
        with python_server("--without-keys") as url:
            output_of(binary.run(url, at, *inference), None)

    run("503 server without keys fails", unavailable)


# --- main --------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="Interop checks of the qu3-1 dialect.")
    parser.add_argument("--pqfw", type=Path, help="the pqfw binary; without it 3 and 4 are skipped")
    parser.add_argument(
        "--vectors",
        type=Path,
        default=ROOT / "tests" / "vectors" / "qu3",
        help="directory of transcript.json (default: tests/vectors/qu3 of the repository)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=["dialect=qu3-1"],
        metavar="KEY=VALUE",
        help="one more --set for every run of the binary, after dialect=qu3-1",
    )
    args = parser.parse_args()
    if args.pqfw is not None:
        args.pqfw = args.pqfw.resolve()
        if not os.access(args.pqfw, os.X_OK):
            parser.error(f"{args.pqfw} is not an executable file")

    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="qu3-interop-") as temporary:
        top = Path(temporary)

        def section(name: str, function, *arguments) -> None:
            directory = top / name
            directory.mkdir(mode=0o700)
            # What breaks outside a check is a failure of its own.
            before = checks.failed
            try:
                function(checks, *arguments, directory)
            except Exception as error:
                text = error

                def broken() -> None:
                    raise text

                checks.run(f"section {name} ran to its end", broken)
            if checks.failed > before:
                print(f"  ({checks.failed - before} failed here)")

        try:
            vector_section(checks, args.vectors.resolve())
        except Exception as error:
            print(f"  FAIL  section vectors: {error!r}")
            checks.failed += 1
        section("python", self_section)
        if args.pqfw is not None:
            for name, function in (("pqfw-server", server_section), ("pqfw-client", client_section)):
                section(name, function, Binary(args.pqfw, top / f"{name}-home", args.set))

    print()
    if args.pqfw is None:
        print("*** SKIPPED: 3. Python client against the pqfw server (no --pqfw given)")
        print("*** SKIPPED: 4. pqfw client against the Python server (no --pqfw given)")
    for note in checks.notes:
        print(f"note: {note}")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
