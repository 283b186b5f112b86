#!/usr/bin/env python3
"""Interop checks of `qflare-1`: peer.py, written from the page, against the pqfw binary.

    test_against.py --pqfw BINARY

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))
import frodo  # noqa: E402
import kills  # noqa: E402
import numpy as np  # noqa: E402
import peer  # noqa: E402
from dilithium_py.dilithium import Dilithium2  # noqa: E402
from dilithium_py.ml_dsa import ML_DSA_44  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
# Made with liboqs 0.13, which calls the unsalted form FrodoKEM-640-AES: see ORIGIN.md there.
VECTORS = ROOT / "tests" / "vectors" / "liboqs-0.13" / "primitives.json"
SECONDS = 120
SETTINGS = ["dialect=qflare-1", "transport.listen=127.0.0.1:0", "qflare.initial={ w = [2, 3] }",
            "qflare.rule=fedavg", "qflare.clip=none", "qflare.close_at=2", "qflare.admin="]  # fmt: skip


class Server:
    """`pqfw run --role server`, and its operator."""

    def __init__(self, binary: str, directory: Path, *settings: str):
        self.binary, self.directory = binary, directory
        self.settings = [f"--set={setting}" for setting in (*SETTINGS, *settings)]
        self.environment = {"XDG_STATE_HOME": str(directory / "state"), "NO_COLOR": "1"}
        self.ready = ready = directory / "ready.json"
        ready.unlink(missing_ok=True)
        command = [binary, "run", "--profile=qflare", "--role=server", f"--ready-file={ready}"]
        self.log = (directory / "log").open("w")
        self.process = subprocess.Popen(
            command + self.settings, cwd=directory, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        end = time.monotonic() + SECONDS
        while not ready.exists():
            assert self.process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < end, "the server is not ready"
            time.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(SECONDS)
        self.log.close()
        assert code == 0, (code, (self.directory / "log").read_text())

    def kill(self) -> None:
        """As a power failure would."""
        self.process.kill()
        self.process.wait(SECONDS)
        self.log.close()
        self.ready.unlink()

    def entries(self) -> list:
        """The whole audit."""
        command = [self.binary, "qflare", "audit", "export", *self.settings]
        text = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, check=True
        ).stdout
        return [json.loads(line) for line in text.splitlines()]

    def operator(self, *args: str) -> dict:
        command = [self.binary, "--json", "qflare", *args, *self.settings]
        ran = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, timeout=SECONDS
        )
        assert ran.returncode == 0, ran.stderr.decode()
        return json.loads(ran.stdout)

    def token(self, device: str) -> str:
        return self.operator("token", "create", device)["enrollment_token"]

    def enrolled(self, name: str) -> peer.Device:
        device = peer.Device(self.url, name)
        device.enroll(self.token(name))
        return device


def refused(status: int, call) -> dict:
    try:
        answer = call()
    except peer.Refused as error:
        assert error.status == status, error
        return error.body
    raise AssertionError(f"not refused with {status}: {answer}")


def vectors(*_: object) -> None:
    found = json.loads(VECTORS.read_text())
    kem = found["kem"]["FrodoKEM-640-AES"]
    cases = kem if isinstance(kem, list) else [kem]
    for case in cases:
        read = {name: bytes.fromhex(value) for name, value in case.items() if isinstance(value, str)}
        assert frodo.decaps(read["sk"], read["ct"]) == read["ss"]
        wrong = bytes([read["ct"][0] ^ 1]) + read["ct"][1:]
        assert frodo.decaps(read["sk"], wrong) == read["ct_tampered_first_byte_xor_1_ss"]
    sig = found["sig"]["Dilithium2"]
    for case in sig if isinstance(sig, list) else [sig]:
        read = {name: bytes.fromhex(value) for name, value in case.items() if isinstance(value, str)}
        assert Dilithium2.verify(read["pk"], read["msg"], read["sig"])


def the_whole_way(server: Server) -> None:
    one, two = server.enrolled("camera-1"), server.enrolled("camera-2")
    assert one.request("/health")["status"] == "healthy"
    assert len(one.authenticate()) == 43
    version, weights = one.global_model()
    assert weights.tolist() == [0] * 6 and version.startswith("r0-")
    assert one.submit(np.full(6, 1.0), 10, version) == 1
    assert two.submit(np.full(6, 4.0), 20, version) == 1
    end = time.monotonic() + SECONDS
    while (found := one.global_model())[0] == version:
        assert time.monotonic() < end, "the round is not closed"
        time.sleep(0.05)
    version, weights = found
    assert version.startswith("r1-") and weights.tolist() == [3.0] * 6
    status = one.request("/api/enclave/status")
    assert (status["enclave_type"], status["total_aggregations"]) == ("none", 1)
    stale = refused(409, lambda: one.submit(np.full(6, 5.0), 1, "r0-000000000000"))
    assert (stale["current_round"], stale["model_version"]) == (2, version)
    verified = server.operator("audit", "verify")
    assert verified["status"] == "verified" and verified["signed"] > 0


def tokens_are_for_one_use(server: Server) -> None:
    token = server.token("d")
    device = peer.Device(server.url, "d")
    device.enroll(token)
    again = refused(401, lambda: device.enroll(token))
    other = refused(401, lambda: peer.Device(server.url, "e").enroll(token))
    unknown = refused(401, lambda: peer.Device(server.url, "e").enroll("x" * 43))
    assert again == other == unknown == {"detail": "Invalid or expired enrollment token"}
    refused(409, lambda: device.enroll(server.token("d")))


def ml_dsa_is_another_algorithm(server: Server) -> None:
    public, secret = ML_DSA_44.keygen()
    device = peer.Device(server.url, "d")
    # SubjectPublicKeyInfo of ML-DSA-44 (RFC 9881).
    label = bytes.fromhex("30820532300b0609608648016503040311038205 2100")
    token = server.token("d")
    body = device.enrolment(token)
    body["signature_public_key"] = peer.b64(label + public)
    detail = refused(422, lambda: device.request("/api/enroll", body))["detail"]
    assert detail[0]["loc"] == ["body", "signature_public_key"], detail
    # Its raw key has the right length, and enrols as what the server takes it for.
    device.sign_public = public
    device.enroll(token)
    weights = np.zeros(6, dtype="<f4").tobytes()
    update = device.update(np.zeros(6)) | {"signature": peer.b64(ML_DSA_44.sign(secret, weights))}
    detail = refused(401, lambda: device.request("/api/submit_model", update))
    assert detail == {"detail": "Invalid model signature"}


def answers_are_for_one_use(server: Server) -> None:
    device = server.enrolled("d")
    for wrong, status in [(bytes(32), 401), (bytes(31), 400)]:
        ciphertext = device.challenge()
        for response, expected in [(wrong, status), (device.answer(ciphertext), 401)]:
            body = {"device_id": "d", "challenge_response": peer.b64(response)}
            refused(expected, lambda: device.request("/api/verify_challenge", body))
    refused(404, lambda: peer.Device(server.url, "e").challenge())


def bad_bodies(server: Server) -> None:
    device = server.enrolled("d")
    for body in [b"{", b"[]", b"{}", b'{"device_id": 1}']:
        detail = refused(422, lambda: device.request("/api/enroll", body))["detail"]
        assert all({"type", "loc", "msg", "input"} <= set(fault) for fault in detail)
    pickle = b"\x80\x04cos\nsystem\n(S'touch opened'\ntR."
    signature = peer.b64(Dilithium2.sign(device.sign_secret, pickle))
    body = {"device_id": "d", "model_weights": peer.b64(pickle), "signature": signature}
    refused(415, lambda: device.request("/api/submit_model", body))
    assert not (server.directory / "opened").exists()
    refused(410, lambda: device.request("/api/request_qkey"))
    refused(404, lambda: device.request("/api/devices/nobody"))
    refused(405, lambda: device.request("/api/enroll"))


def large_bodies(server: Server) -> None:
    address = urlsplit(server.url)
    for headers in [{"content-length": str(1 << 40)}, {"transfer-encoding": "chunked"}]:
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=SECONDS)
        connection.putrequest("POST", "/api/submit_model")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        if "transfer-encoding" in headers:
            try:
                for _ in range(64):
                    connection.send(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
            except OSError:
                pass  # The server has closed its end, with its answer on the way.
        assert connection.getresponse().status == 413, headers
        connection.close()


def rates(server: Server) -> None:
    device = server.enrolled("d")
    update = device.update(np.zeros(6))
    for _ in range(2):
        device.request("/api/submit_model", update)
    try:
        device.request("/api/submit_model", update)
    except peer.Refused as error:
        headers = {name.lower(): value for name, value in error.headers.items()}
        assert error.status == 429 and headers["retry-after"] == "60", headers
    else:
        raise AssertionError("there is no limit")


def revoked(server: Server) -> None:
    device = server.enrolled("d")
    server.operator("devices", "revoke", "d")
    detail = refused(403, lambda: device.request("/api/submit_model", device.update(np.zeros(6))))
    assert detail == {"detail": "Device revoked"}


def the_guides_example(server: Server) -> None:
    guide = (ROOT / "docs" / "guide" / "qflare.md").read_text()
    code = guide.split("```python\n")[1].split("```")[0]
    assert "http://127.0.0.1:8000" in code
    (server.directory / "device.py").write_text(code.replace("http://127.0.0.1:8000", server.url))
    (server.directory / "token.txt").write_text(server.token("camera-7") + "\n")
    ran = subprocess.run(
        [sys.executable, "device.py"], cwd=server.directory, capture_output=True, text=True,
        env={"PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1"}, timeout=SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Model update received and stored" in ran.stdout, ran.stdout


def killed(binary: str, directory: Path) -> None:
    kills.check(lambda place: Server(binary, place, *kills.SETTINGS), directory)


def main() -> int:
    parser = argparse.ArgumentParser(description="Interop checks of qflare-1.")
    parser.add_argument("--pqfw", required=True, help="the pqfw binary")
    binary = str(Path(parser.parse_args().pqfw).resolve())
    checks = [
        ("our decapsulation and signatures are those of liboqs", vectors, None),
        ("a device enrols, authenticates, submits, and takes the next model", the_whole_way, []),
        ("a token enrols once", tokens_are_for_one_use, []),
        ("ML-DSA-44 is not Dilithium2", ml_dsa_is_another_algorithm, []),
        ("a challenge is answered once", answers_are_for_one_use, []),
        ("bad bodies", bad_bodies, []),
        ("large bodies", large_bodies, ["transport.limits.body_bytes=65536"]),
        ("a device has its share", rates, ["qflare.per_device_per_minute=2"]),
        ("a revoked device", revoked, []),
        ("the example of the guide", the_guides_example, []),
        (f"a server that is killed {kills.KILLS} times", killed, None),
    ]
    failed = 0
    for name, check, settings in checks:
        with tempfile.TemporaryDirectory(prefix="qflare-interop-") as directory:
            try:
                if settings is None:
                    check(binary, Path(directory))
                else:
                    with Server(binary, Path(directory), *settings) as server:
                        check(server)
                print(f"  ok    {name}")
            except Exception as error:
                failed += 1
                print(f"  FAIL  {name}: {error!r}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
