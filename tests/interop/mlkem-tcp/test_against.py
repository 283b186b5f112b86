#!/usr/bin/env python3
"""Interop checks of mlkem-tcp's `demo-1`: peer.py, written from the page, against the pqfw binary.

    test_against.py --pqfw BINARY

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import peer  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests" / "vectors" / "mlkem-tcp"
SECONDS = 60
FIRST_LINE = "Received server public key. Type messages to send. Type 'exit' to quit."
LINES = ["hello", "", "aß😀", "x" * 2000]


def environment(directory: Path) -> dict:
    return {"XDG_STATE_HOME": str(directory / "state"), "NO_COLOR": "1"}


def until(what, seconds: float = SECONDS):
    """Waits until `what()` is true, and gives it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


class Server:
    """`pqfw run --role server`, and what it prints."""

    def __init__(self, binary: str, directory: Path, *settings: str):
        ready = directory / "ready.json"
        ready.unlink(missing_ok=True)
        command = [binary, "run", "--profile", "mlkem-tcp", "--role", "server",
                   "--set", "dialect=demo-1",
                   "--set", "transport.listen=127.0.0.1:0", "--ready-file", str(ready)]  # fmt: skip
        for setting in settings:
            command += ["--set", setting]
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment(directory), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip
        self.out: list[str] = []
        self.err: list[str] = []
        self.readers = [
            threading.Thread(target=self.collect, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self.readers:
            reader.start()
        until(lambda: ready.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.err
        self.ready = json.loads(ready.read_text())
        self.address = peer.address_of(self.ready["url"])

    @staticmethod
    def collect(stream, lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(SECONDS)
        for reader in self.readers:
            reader.join(SECONDS)
        assert code == 0, f"exit {code}: {self.err}"
        assert self.out[-1] == "Server shutting down.", self.out

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(SECONDS)


@contextlib.contextmanager
def running(binary: str, directory: Path, *settings: str):
    server = Server(binary, directory, *settings)
    try:
        yield server
    finally:
        server.kill()


def run_client(binary: str, directory: Path, server: peer.Server, typed: str, *extra: str):
    command = [binary, "run", "--profile", "mlkem-tcp", "--role", "client",
               "--set", "dialect=demo-1",
               "--set", f"transport.connect=tcp://{server.address}", *extra]  # fmt: skip
    ran = subprocess.run(
        command, cwd=directory, env=environment(directory), input=typed.encode(),
        capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


# --- Python clients, pqfw server --------------------------------------------------------------


def server_hears(binary: str, directory: Path, is_signed: bool) -> None:
    with running(binary, directory, f"mlkem-tcp.signed={str(is_signed).lower()}") as server:
        host, port = server.address
        client = peer.Client(server.address)
        greeting = pickle.loads(client.greeting)
        assert client.greeting == pickle.dumps(greeting, 4), "not the bytes that CPython writes"
        if is_signed:
            shown = peer.fingerprint(client.signer)
            assert shown == server.ready["fingerprint"], server.ready
        else:
            assert client.signer is None
        for line in LINES:
            client.say(line)
        client.say("with aad", aad=b"beside")
        client.say("protocol 3", protocol=3)
        client.say("protocol 5", protocol=5)
        client.say("  ExIt ")
        assert client.ended(), "the server answered"
        server.stop()
        out = server.out
        assert out[0] == f"Server listening on {host}:{port}", out
        assert peer.is_python_address(out[1]), out
        heard = [*LINES, "with aad", "protocol 3", "protocol 5", "  ExIt "]
        assert out[2:] == [
            "Public key sent. Waiting for encrypted messages...",
            *(f"Decrypted from client: {line}" for line in heard),
            "Client requested to exit.",
            "Server shutting down.",
        ], out


class Touch:
    """What unpickles to a new file, where somebody unpickles it."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def server_refuses(binary: str, directory: Path) -> None:
    touched = directory / "touched"
    with running(binary, directory, "mlkem-tcp.max_frame_bytes=5000") as server:
        good, other = peer.Client(server.address), peer.Client(server.address)
        good.say("before")

        def refused(send, words: str) -> None:
            told = len(server.err)
            client = peer.Client(server.address)
            send(client)
            assert client.ended(), f"{words}: the server goes on"
            until(lambda: any(words in line for line in server.err[told:]))
            client.close()

        for protocol in range(6):
            evil = peer.frame(pickle.dumps(Touch(touched), protocol))
            name = "STACK_GLOBAL" if protocol >= 4 else "GLOBAL"
            refused(lambda c, evil=evil: c.stream.sendall(evil), f"the opcode {name} at byte")
        inside = peer.frame(pickle.dumps({"nonce": Touch(touched)}, 4))
        refused(lambda c: c.stream.sendall(inside), "the opcode STACK_GLOBAL")
        assert not touched.exists(), "the pickle was run"

        def tampered(client: peer.Client) -> None:
            bundle = peer.seal(client.public, b"hello")
            bundle["ciphertext"] = bytes([bundle["ciphertext"][0] ^ 1]) + bundle["ciphertext"][1:]
            client.stream.sendall(peer.frame(pickle.dumps(bundle, 4)))

        refused(tampered, "does not decrypt")
        refused(lambda c: c.stream.sendall(b"\xff\xff\xff\xff"), "at most 5000")
        refused(lambda c: c.say(b"\xff"), "not UTF-8")
        refused(lambda c: c.stream.sendall(peer.frame(pickle.dumps([1], 4))), "EMPTY_LIST")

        def cut(client: peer.Client) -> None:
            client.stream.sendall(b"\0\0\1\0half")
            client.stream.shutdown(1)

        refused(cut, "inside a frame")

        good.say("after")
        other.say("and the other")
        for client in (good, other):
            client.say("exit")
            assert client.ended()
        out = server.out
        for line in ("before", "after", "and the other"):
            until(lambda line=line: f"Decrypted from client: {line}" in out)
        server.stop()


def server_escapes(binary: str, directory: Path) -> None:
    with running(binary, directory) as server:
        client = peer.Client(server.address)
        client.say("a\x1b[2J\r\nServer shutting down.\u202e")
        client.say("exit")
        assert client.ended()
        server.stop()
        expected = r"Decrypted from client: a\u{1b}[2J\r\nServer shutting down.\u{202e}"
        assert expected in server.out, server.out


def server_keeps_its_identity(binary: str, directory: Path) -> None:
    shown = []
    for _ in range(2):
        with running(binary, directory, "mlkem-tcp.signed=true") as server:
            client = peer.Client(server.address)
            shown.append((peer.fingerprint(client.signer), client.public))
            client.close()
            server.stop()
    assert shown[0][0] == shown[1][0], "another signing key after a restart"
    assert shown[0][1] != shown[1][1], "the same KEM key after a restart"


# --- pqfw clients, Python server --------------------------------------------------------------


def client_says(binary: str, directory: Path, greet, settings: list[str], warns: str) -> None:
    server = peer.Server(greet)
    typed = "".join(f"{line}\n" for line in [*LINES, " EXIT ", "never sent"])
    code, out, err = run_client(binary, directory, server, typed, *settings)
    assert code == 0, err
    assert server.result() == [*LINES, " EXIT "]
    for payload in server.payloads:
        assert payload == pickle.dumps(pickle.loads(payload), 4), "not what CPython writes"
    assert len({pickle.loads(payload)["kem_ciphertext"] for payload in server.payloads}) == 5
    assert out == f"{FIRST_LINE}\n" + "> " * 5 + "Client exiting.\n", repr(out)
    told = [words for words in ("unauthenticated", "on first use") if words in err]
    assert told == ([warns] if warns else []), err


def client_ends_with_its_input(binary: str, directory: Path) -> None:
    server = peer.Server(peer.plain)
    code, out, err = run_client(binary, directory, server, "one\ntwo")
    assert (code, server.result()) == (0, ["one", "two"]), err
    assert out == f"{FIRST_LINE}\n" + "> " * 3 + "Client exiting.\n", repr(out)


def client_prints_events(binary: str, directory: Path) -> None:
    server = peer.Server(peer.plain)
    code, out, err = run_client(binary, directory, server, "exit\n", "--json")
    assert (code, server.result()) == (0, ["exit"]), err
    events = [json.loads(line) for line in out.splitlines()]
    lines = [event["text"] for event in events if event["event"] == "line"]
    assert lines == [FIRST_LINE, "Client exiting."], events
    assert any(event["event"] == "warning" for event in events), events


def client_refuses(binary: str, directory: Path, greet, settings, code: int, words: str) -> None:
    server = peer.Server(greet)
    ended, out, err = run_client(binary, directory, server, "secret\n", *settings)
    assert ended == code, f"exit {ended}, {code} expected: {err}"
    assert words in err, err
    assert server.payloads == [], "something was sent"
    assert "Received server public key" not in out, out


def client_is_interrupted(binary: str, directory: Path) -> None:
    """SIGINT ends a client that waits for somebody to type."""
    server = peer.Server(peer.plain)
    command = [binary, "run", "--profile", "mlkem-tcp", "--role", "client",
               "--set", "dialect=demo-1",
               "--set", f"transport.connect=tcp://{server.address}"]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=directory, env=environment(directory), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        process.stdin.write(b"exit ")
        process.stdin.flush()
        assert process.stdout.readline().decode().strip() == FIRST_LINE
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0, process.stderr.read()
        assert process.stdout.read() == b"> Client exiting.\n"
    finally:
        process.kill()
        process.wait()
    assert server.result() == []


def recordings() -> None:
    """The recorded peers, read by these ends."""
    data = (VECTORS / "mlkem-s2c.bin").read_bytes()
    assert peer.verified(data[4:])[1] is None
    data = (VECTORS / "mlkem-dsa-s2c.bin").read_bytes()
    assert peer.verified(data[4:])[1] is not None


def main() -> int:
    parser = argparse.ArgumentParser(description="Interop checks of mlkem-tcp's demo-1.")
    parser.add_argument("--pqfw", required=True, help="the pqfw binary")
    binary = str(Path(parser.parse_args().pqfw).resolve())

    us, stranger = MLDSA65PrivateKey.generate(), MLDSA65PrivateKey.generate()
    signed = ["--set", "mlkem-tcp.signed=true"]

    def pin(key: MLDSA65PrivateKey) -> list[str]:
        return ["--set", f'mlkem-tcp.pins=["{peer.fingerprint(key.public_key())}"]']

    def evil(touched: Path):
        return lambda server: pickle.dumps(Touch(touched), 4)

    checks = [
        ("the recordings, by these ends", lambda at: recordings()),
        ("a Python client, a server without a signature", lambda at: server_hears(binary, at, False)),
        ("a Python client, a server with a signature", lambda at: server_hears(binary, at, True)),
        ("clients that misbehave end their own connection", lambda at: server_refuses(binary, at)),
        ("control characters are escaped", lambda at: server_escapes(binary, at)),
        ("an identity outlives the process", lambda at: server_keeps_its_identity(binary, at)),
        ("our client, a key without a signature",
         lambda at: client_says(binary, at, peer.plain, [], "unauthenticated")),
        ("our client, a signed key",
         lambda at: client_says(binary, at, peer.signed(us), signed, "on first use")),
        ("our client, a signed key that is pinned",
         lambda at: client_says(binary, at, peer.signed(us), signed + pin(us), "")),
        ("our client ends with its input", lambda at: client_ends_with_its_input(binary, at)),
        ("our client prints events", lambda at: client_prints_events(binary, at)),
        ("our client is interrupted", lambda at: client_is_interrupted(binary, at)),
        ("a forged signature",
         lambda at: client_refuses(binary, at, peer.signed(us, b"another key"), [], 3, "verify")),
        ("a signature taken away",
         lambda at: client_refuses(binary, at, peer.plain, signed, 3, "not signed")),
        ("another server than the pinned one",
         lambda at: client_refuses(binary, at, peer.signed(stranger), pin(us), 3, "none of")),
        ("a pin and no signature",
         lambda at: client_refuses(binary, at, peer.plain, pin(us), 3, "none of")),
        ("a server whose key is a program",
         lambda at: client_refuses(binary, at, evil(at / "touched"), [], 1, "STACK_GLOBAL")),
    ]  # fmt: skip
    failed = 0
    for name, check in checks:
        with tempfile.TemporaryDirectory(prefix="mlkem-tcp-interop-") as directory:
            try:
                check(Path(directory))
                assert not (Path(directory) / "touched").exists(), "a pickle was run"
                print(f"  ok    {name}")
            except Exception as error:
                failed += 1
                print(f"  FAIL  {name}: {error!r}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
