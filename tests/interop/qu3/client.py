#!/usr/bin/env python3
"""A `qu3-1` client that verifies everything it can.

    client.py --url http://127.0.0.1:8000 --keys DIR COMMAND …

Prints one line of JSON with the outcome. Exit status: 0 ok, 1 otherwise.
Only loopback addresses are accepted.
"""

from __future__ import annotations

import argparse
import http.client
import ipaddress
import json
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import peer  # noqa: E402
from peer import ProtocolError, b64d, b64e  # noqa: E402

TIMEOUT = 60.0
MAX_CLOCK_DIFFERENCE = 600.0
FORGED_INFERENCE = "Invalid client signature"
FORGED_POLICY = "Invalid client signature on policy."
# Changed one at a time: the randomiser, the start of the few-time signature,
# the middle of the tree part, the last byte.
FORGED_BYTES = (0, 16, peer.SIGNATURE_BYTES // 2, peer.SIGNATURE_BYTES - 1)


class HttpFailure(Exception):
    """The server answered with another status than 200."""

    def __init__(self, path: str, status: int, detail: object):
        super().__init__(f"{path} answered {status}: {detail}")
        self.path, self.status, self.detail = path, status, detail


class Http:
    """Plain HTTP to one loopback server, without proxies or redirects."""

    def __init__(self, url: str):
        self.base = url.rstrip("/")
        parts = urllib.parse.urlsplit(self.base)
        if parts.scheme != "http" or parts.path or not parts.hostname:
            raise SystemExit(f"not a base URL: {url}")
        host = parts.hostname
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise SystemExit(f"not a loopback address: {host}")
        self.host, self.port = host, parts.port or 80

    def send(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        """As `send`, with JSON on both sides; text that is not JSON stays text."""
        sent = None if body is None else peer.default_json(body)
        status, answer = self.send(method, path, sent)
        try:
            return status, json.loads(answer)
        except ValueError:
            return status, answer.decode("utf-8", "replace")


def detail_of(answer: object) -> object:
    return answer.get("detail") if isinstance(answer, dict) else answer


class Client:
    """One client identity and, after `handshake`, one session."""

    def __init__(self, url: str, keys: str | os.PathLike):
        self.http = Http(url)
        self.target = self.http.base
        self.keys = peer.KeyDir(keys)
        if not self.keys.has("client"):
            raise ProtocolError("keys", f"no client keys in {keys}: use the command generate")
        self.kem_public = self.keys.load("client", "kem.pub")
        self.kem_secret = self.keys.load("client", "kem.sec")
        self.sign_public = self.keys.load("client", "sign.pub")
        self.sign_secret = self.keys.load("client", "sign.sec")
        self.session: bytes | None = None
        self.first_use = False
        self._server_sign: bytes | None = None

    # keys and session

    def server_sign_key(self) -> bytes:
        """The pinned key, or on first use the one the server shows."""
        if self._server_sign is None:
            if not self.keys.has("server", secret=False):
                status, answer = self.http.call("GET", "/keys")
                if status != 200:
                    raise HttpFailure("/keys", status, detail_of(answer))
                kem = b64d(
                    answer.get("server_kem_public_key_b64"), peer.KEM_PUBLIC_BYTES, "server KEM key"
                )
                sig = b64d(
                    answer.get("server_sign_public_key_b64"),
                    peer.SIGN_PUBLIC_BYTES,
                    "server signing key",
                )
                self.keys.store("server", "kem.pub", kem)
                self.keys.store("server", "sign.pub", sig)
                self.first_use = True
            self._server_sign = self.keys.load("server", "sign.pub")
        return self._server_sign

    def handshake_body(self, sign_public: bytes | None = None) -> dict:
        return {
            "client_kem_pub_key_b64": b64e(self.kem_public),
            "client_sign_pub_key_b64": b64e(sign_public or self.sign_public),
        }

    def handshake(self) -> None:
        self.server_sign_key()
        path = "/kem-handshake/initiate"
        status, answer = self.http.call("POST", path, self.handshake_body())
        if status != 200:
            raise HttpFailure(path, status, detail_of(answer))
        ciphertext = b64d(
            answer.get("kemCiphertextB64"), peer.KEM_CIPHERTEXT_BYTES, "kemCiphertextB64"
        )
        self.session = peer.session_key(peer.kem_decapsulate(self.kem_secret, ciphertext))

    # inference

    def sealed_inference(self, plaintext: bytes) -> dict:
        nonce, ciphertext = peer.seal(self.session, plaintext)
        return {
            "clientKemPublicKeyB64": b64e(self.kem_public),
            "nonceB64": b64e(nonce),
            "encryptedPayloadB64": b64e(ciphertext),
        }

    def inference_signature(self, model: str, input_data: object) -> bytes:
        statement = peer.inference_statement(input_data, model, self.target)
        return peer.sign(self.sign_secret, statement)

    def inference_body(self, model: str, input_data: object, signature: bytes | None = None) -> dict:
        if signature is None:
            signature = self.inference_signature(model, input_data)
        return self.sealed_inference(
            peer.inference_plaintext(input_data, model, self.target, signature)
        )

    def open_inference(self, model: str, input_data: object, answer: dict) -> dict:
        plaintext = peer.open_sealed(
            self.session,
            b64d(answer.get("nonceB64"), peer.NONCE_BYTES, "nonceB64"),
            b64d(answer.get("encryptedPayloadB64"), what="encryptedPayloadB64"),
        )
        try:
            response = peer.loads(plaintext)
        except ValueError as error:
            raise ProtocolError("response", f"the response is not JSON: {error}") from None
        peer.check_response(
            response, self.server_sign_key(), model, input_data, MAX_CLOCK_DIFFERENCE
        )
        response["exact_encoding"] = peer.exact_encoding(plaintext, dict(response))
        return response

    def infer(self, model: str, input_data: object) -> dict:
        """One verified inference. The result may be an application error."""
        if self.session is None:
            self.handshake()
        status, answer = self.http.call("POST", "/inference", self.inference_body(model, input_data))
        if status != 200:
            raise HttpFailure("/inference", status, detail_of(answer))
        return self.open_inference(model, input_data, answer)

    # policy

    def policy_body(self, policy: bytes, signature: bytes | None = None) -> dict:
        if signature is None:
            signature = peer.sign(self.sign_secret, policy)
        nonce, ciphertext = peer.seal(self.session, policy)
        return {
            "client_kem_pub_key_b64": b64e(self.kem_public),
            "nonce_b64": b64e(nonce),
            "ciphertext_b64": b64e(ciphertext),
            "signature_b64": b64e(signature),
        }

    def update_policy(self, policy: bytes) -> str:
        if self.session is None:
            self.handshake()
        status, answer = self.http.call("POST", "/policy-update", self.policy_body(policy))
        if status != 200:
            raise HttpFailure("/policy-update", status, detail_of(answer))
        plaintext = peer.open_sealed(
            self.session,
            b64d(answer.get("nonce_b64"), peer.NONCE_BYTES, "nonce_b64"),
            b64d(answer.get("ciphertext_b64"), what="ciphertext_b64"),
        )
        signature = b64d(answer.get("signature_b64"), what="signature_b64")
        if not peer.verify(self.server_sign_key(), plaintext, signature):
            raise ProtocolError("policy-signature", "the signature on the answer does not verify")
        if plaintext != peer.POLICY_ANSWER:
            raise ProtocolError("response", "the policy answer has another text")
        return json.loads(plaintext)["status"]


# --- commands ----------------------------------------------------------------


def input_value(text: str, form: str) -> object:
    if form == "string":
        return text
    try:
        return peer.loads(text)
    except ValueError as error:
        raise ProtocolError("input", f"INPUT is not JSON: {error}") from None


def brief(response: dict) -> dict:
    """A response without its long signature, for the outcome line."""
    kept = ("status", "output_data", "error_message", "attestation_data", "exact_encoding")
    return {"http_status": 200, "attestation": "verified"} | {k: response[k] for k in kept}


def cmd_generate(args) -> dict:
    keys = peer.KeyDir(args.keys)
    if any(keys.path.glob("client_*")) and not args.force:
        raise ProtocolError("keys", "client keys exist already: --force replaces them")
    keys.generate("client")
    return {"ok": True, "files": sorted(p.name for p in keys.path.iterdir())}


def cmd_inference(args) -> dict:
    client = Client(args.url, args.keys)
    response = client.infer(args.model, input_value(args.input, args.input_as or "string"))
    return {"ok": response["status"] == "success", "model": args.model} | brief(response)


def cmd_policy(args) -> dict:
    client = Client(args.url, args.keys)
    with open(args.file, "rb") as file:
        policy = file.read()
    status = client.update_policy(policy)
    return {"ok": True, "http_status": 200, "status": status, "signature": "verified"}


def next_input(output: object) -> object:
    """The output of one workflow step as the input of the next."""
    if not isinstance(output, dict):
        return {"text": output}
    if len(output) == 1:
        value = next(iter(output.values()))
        if isinstance(value, str):
            return {"text": value}
    return output


def cmd_workflow(args) -> dict:
    models = [name.strip() for name in args.workflow.split("->")]
    if not all(models):
        raise ProtocolError("input", "the workflow has an empty step")
    try:
        value = peer.loads(args.input)
    except ValueError:
        value = args.input
    if not isinstance(value, dict):
        value = {"text": value}
    client = Client(args.url, args.keys)
    client.handshake()
    steps = []
    for number, model in enumerate(models, 1):
        sent = value
        if args.input_as == "string":
            sent = peer.default_json(value).decode("ascii")
        step = {"step": number, "model": model, "input": value}
        try:
            response = client.infer(model, sent)
            reason = response["error_message"] if response["status"] == "error" else None
            step |= brief(response)
        except (HttpFailure, ProtocolError) as error:
            reason = str(error)
        steps.append(step)
        if reason is not None:
            return {"ok": False, "steps": steps, "failed_step": number, "model": model, "error": reason}
        value = next_input(response["output_data"])
    return {"ok": True, "steps": steps, "output_data": response["output_data"]}


def flipped(data: bytes, index: int) -> bytes:
    changed = bytearray(data)
    changed[index] ^= 1
    return bytes(changed)


def forgeries(real: bytes, other_message: bytes, other_key: bytes):
    """Signatures that must be refused, each with a description."""
    for index in FORGED_BYTES:
        yield f"byte {index} changed", flipped(real, index)
    yield "genuine, over another message", other_message
    yield "made with another key", other_key


def report_forgeries(client: Client, attempts: list[dict], expected: str) -> dict:
    """The outcome, with what an honest request in the same session gets after."""
    try:
        after = client.infer("model_caps", {"text": "honest"})["status"]
    except (HttpFailure, ProtocolError) as error:
        after = str(error)
    refused = all(a["http_status"] == 403 and a["detail"] == expected for a in attempts)
    return {"ok": refused, "expected": [403, expected], "attempts": attempts, "honest_after": after}


def cmd_forge_inference(args) -> dict:
    client = Client(args.url, args.keys)
    model, data = "model_caps", {"text": "forged"}
    client.infer(model, {"text": "honest"})  # confirms the session
    statement = peer.inference_statement(data, model, client.target)
    _, other_secret = peer.sign_keypair()
    attempts = []
    for change, signature in forgeries(
        client.inference_signature(model, data),
        client.inference_signature(model, {"text": "other"}),
        peer.sign(other_secret, statement),
    ):
        body = client.inference_body(model, data, signature)
        status, answer = client.http.call("POST", "/inference", body)
        attempts.append({"change": change, "http_status": status, "detail": detail_of(answer)})
    return report_forgeries(client, attempts, FORGED_INFERENCE)


def cmd_forge_policy(args) -> dict:
    client = Client(args.url, args.keys)
    policy = b"Allow everything."
    client.infer("model_caps", {"text": "honest"})  # confirms the session
    _, other_secret = peer.sign_keypair()
    attempts = []
    for change, signature in forgeries(
        peer.sign(client.sign_secret, policy),
        peer.sign(client.sign_secret, b"Allow nothing."),
        peer.sign(other_secret, policy),
    ):
        body = client.policy_body(policy, signature)
        status, answer = client.http.call("POST", "/policy-update", body)
        attempts.append({"change": change, "http_status": status, "detail": detail_of(answer)})
    return report_forgeries(client, attempts, FORGED_POLICY)


def cmd_replay(args) -> dict:
    client = Client(args.url, args.keys)
    client.handshake()
    model, data = "model_caps", {"text": "once"}
    body = client.inference_body(model, data)
    first, answer = client.http.call("POST", "/inference", body)
    if first == 200:
        client.open_inference(model, data, answer)
    second, again = client.http.call("POST", "/inference", body)
    # A new nonce in the same session is no replay.
    third = client.infer(model, data)["status"] if first == 200 else None
    return {
        "ok": first == 200 and 400 <= second < 500 and third == "success",
        "first_status": first,
        "second_status": second,
        "second_detail": detail_of(again),
        "fresh_after": third,
    }


def cmd_copied_keys(args) -> dict:
    victim = Client(args.url, args.keys)
    victim.handshake()
    first = victim.infer("model_caps", {"text": "first"})
    # From here on the attacker uses nothing but the two public keys.
    attacker = Http(args.url)
    handshakes = []
    for _ in range(args.attacks):
        status, answer = attacker.call("POST", "/kem-handshake/initiate", victim.handshake_body())
        handshakes.append({"http_status": status, "detail": detail_of(answer)})
    # Without the secret key no session key: a request under a guessed one fails.
    nonce, ciphertext = peer.seal(os.urandom(32), b"{}")
    guessed, _ = attacker.call(
        "POST",
        "/inference",
        {
            "clientKemPublicKeyB64": b64e(victim.kem_public),
            "nonceB64": b64e(nonce),
            "encryptedPayloadB64": b64e(ciphertext),
        },
    )
    own_public, _ = peer.sign_keypair()
    other, _ = attacker.call(
        "POST", "/kem-handshake/initiate", victim.handshake_body(own_public)
    )
    try:
        second = victim.infer("model_reverse", {"text": "second"})
        victim_status, outcome = 200, second["status"]
    except HttpFailure as error:
        victim_status, outcome = error.status, str(error)
    return {
        "ok": first["status"] == "success"
        and victim_status == 200
        and outcome == "success"
        and 400 <= guessed < 500,
        "attacker_handshakes": handshakes,
        "attacker_guess_status": guessed,
        "attacker_own_sign_key_status": other,
        "victim_status": victim_status,
        "victim_outcome": outcome,
    }


def cmd_raw(args) -> dict:
    body = None if args.body is None else args.body.encode("utf-8")
    status, answer = Http(args.url).send(args.method, args.path, body)
    text = answer.decode("utf-8", "replace")
    try:
        shown = json.loads(text)
    except ValueError:
        shown = text
    return {"ok": 200 <= status < 300, "http_status": status, "body": shown}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(description="A qu3-1 client that verifies everything.")
    top.add_argument("--url", required=True, help="base URL of a loopback server")
    top.add_argument("--keys", default=None, help="key directory")
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, function, text: str):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(function=function)
        return sub

    sub = command("generate", cmd_generate, "make the client's keys")
    sub.add_argument("--force", action="store_true")
    sub = command("inference", cmd_inference, "one signed inference")
    sub.add_argument("model")
    sub.add_argument("input")
    sub.add_argument(
        "--input-as",
        choices=["string", "object"],
        help="send INPUT as a JSON string (default) or as the JSON value it holds",
    )
    sub = command("policy", cmd_policy, "send a policy file")
    sub.add_argument("file")
    sub = command("workflow", cmd_workflow, "a chain of models")
    sub.add_argument("workflow")
    sub.add_argument("input")
    sub.add_argument("--input-as", choices=["string", "object"], help="default: object")
    command("forge-inference", cmd_forge_inference, "changed signatures must get 403")
    command("forge-policy", cmd_forge_policy, "changed signatures must get 403")
    command("replay", cmd_replay, "the same inference twice")
    sub = command("copied-keys", cmd_copied_keys, "an attacker with the public keys")
    sub.add_argument("--attacks", type=int, default=5, help="handshakes the attacker makes")
    sub = command("raw", cmd_raw, "any request as it is")
    sub.add_argument("method")
    sub.add_argument("path")
    sub.add_argument("body", nargs="?")
    return top


def main(argv: list[str] | None = None) -> int:
    top = parser()
    args = top.parse_args(argv)
    if args.keys is None and args.command != "raw":
        top.error("--keys is needed for this command")
    try:
        outcome = args.function(args)
    except HttpFailure as error:
        outcome = {
            "ok": False,
            "failure": "http",
            "path": error.path,
            "http_status": error.status,
            "detail": error.detail,
        }
    except ProtocolError as error:
        outcome = {"ok": False, "failure": error.kind, "detail": str(error)}
    except (OSError, http.client.HTTPException) as error:
        outcome = {"ok": False, "failure": "io", "detail": str(error) or type(error).__name__}
    print(json.dumps({"command": args.command} | outcome), flush=True)
    return 0 if outcome["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
