#!/usr/bin/env python3
"""Interop checks of the channel: the Python peer, written from the page, against the pqfw binary.

    test_against.py [--pqfw BINARY] [--datagrams BINARY] [--vectors FILE]… [--write-vectors FILE]
                    [--set KEY=VALUE]…

1. test_self.py: the Python roles with each other;
2. recorded handshakes: vectors.json beside this file, framework/session/vectors/handshake.json
   where there is one, and every --vectors FILE (their fields: vectors.py);
3. the Python initiator against `pqfw chat serve`;
4. the Python responder against `pqfw chat connect`;
5. both roles on UDP against tests/examples/channel_datagrams.rs.

3 and 4 need --pqfw. A binary whose help does not list `chat` gets a note in their place. The
command lines, the ready file and the bytes of `chat/1` are in the section "the binary" and nowhere
else: when one of them changes, change it there. 5 needs --datagrams, or the example where cargo
puts it.

--write-vectors FILE records new conversations of the Python peer with itself and ends.

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE))

import messages as m  # noqa: E402
import pqfw_channel as pq  # noqa: E402
import udp  # noqa: E402
import vectors  # noqa: E402
from records import HANDSHAKE, record  # noqa: E402

SUITES = [
    "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256",
    "ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256",
    "ML-KEM-768/ML-DSA-65/ChaCha20-Poly1305/HKDF-SHA256",
    "X25519+ML-KEM-768/ML-DSA-87/AES-256-GCM/HKDF-SHA384",
]
OWN_VECTORS = HERE / "vectors.json"
RUST_VECTORS = ROOT / "framework" / "session" / "vectors" / "handshake.json"
START_SECONDS, STOP_SECONDS, SOCKET_SECONDS = 60.0, 20.0, 30.0


# --- the binary --------------------------------------------------------------------


class Binary:
    """Everything that depends on the command line of pqfw."""

    def __init__(self, path: str, settings: list[str]):
        self.path = str(Path(path).resolve())
        self.settings = [word for one in settings for word in ("--set", one)]

    def has_chat(self) -> bool:
        ran = subprocess.run([self.path, "--help"], capture_output=True, timeout=60)
        return any(line.split()[:1] == [b"chat"] for line in ran.stdout.splitlines())

    @staticmethod
    def common(suite: str) -> list[str]:
        kem, signature, aead, kdf = suite.split("/")
        words = [
            "--profile",
            "mlkem-tcp",
            "--set",
            "dialect=channel",
            "--set",
            "transport.kind=tcp",
        ]
        for key, value in (("kem", kem), ("signature", signature), ("aead", aead), ("kdf", kdf)):
            words += ["--set", f"suite.{key}={value}"]
        return words

    def serve(self, suite: str, directory: Path) -> list[str]:
        return [
            self.path, "chat", "serve", *self.common(suite),
            "--set", "transport.listen=127.0.0.1:0", "--set", f"keys.dir={directory / 'keys'}",
            *self.settings, "--ready-file", str(directory / "ready"),
        ]  # fmt: skip

    def connect(self, suite: str, directory: Path, port: int) -> list[str]:
        return [
            self.path, "chat", "connect", *self.common(suite),
            "--set", f"transport.connect=tcp://127.0.0.1:{port}",
            "--set", f"keys.dir={directory / 'keys'}", *self.settings,
        ]  # fmt: skip

    @staticmethod
    def address(ready: Path) -> tuple[str, int]:
        """The ready file: JSON with `url` or `address`, ending in host:port."""
        said = json.loads(ready.read_text())
        host, _, port = (said.get("address") or said["url"]).rsplit("/", 1)[-1].rpartition(":")
        return host, int(port)

    opening = b"chat\n"
    """The first line of an initiator: what the channel is for (docs/protocols/mlkem-tcp.md)."""

    @staticmethod
    def line(text: str) -> bytes:
        """A line of chat as application data of `chat/1`, and as the binary's standard input."""
        return text.encode() + b"\n"


@contextlib.contextmanager
def running(command: list[str], directory: Path):
    """The process, with its output in `log`; ended at the end."""
    log = directory / "log"
    env = {"PATH": os.environ.get("PATH", ""), "XDG_STATE_HOME": str(directory), "NO_COLOR": "1"}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
            cwd=directory, env=env,
        )  # fmt: skip
    try:
        yield process
    except Exception as error:
        raise AssertionError(f"{error!r}\n{command}\n{log.read_text('utf-8', 'replace')[-3000:]}")
    finally:
        with contextlib.suppress(OSError):
            process.stdin.close()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(condition, seconds: float, what: str):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if value := condition():
                return value
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


# --- checks --------------------------------------------------------------------------


class Peer:
    """The Python side's keys."""

    keys = {name: one.generate() for name, one in pq.SIGNATURES.items()}

    @classmethod
    def config(cls, suites: list[str], **more) -> pq.Config:
        return pq.Config(suites, cls.keys, protocol="chat/1", **more)


@contextlib.contextmanager
def served(binary: Binary, suite: str):
    """`pqfw chat serve`: gives (process, directory, function that connects a socket)."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with running(binary.serve(suite, directory), directory) as process:
            where = until(
                lambda: process.poll() is not None or binary.address(directory / "ready"),
                START_SECONDS, "ready file",
            )  # fmt: skip
            assert process.poll() is None, f"ended with {process.returncode}"
            yield process, directory, lambda: socket.create_connection(where, SOCKET_SECONDS)


def initiator_talks(binary: Binary, suite: str) -> None:
    """Data each way, key_update, fresh exchange, close."""
    with served(binary, suite) as (process, directory, dial):
        with dial() as sock:
            channel = pq.connect(sock, Peer.config([suite]))
            channel.send(binary.opening)
            for number, action in enumerate(
                (lambda: None, lambda: channel.key_update(True), channel.fresh, channel.fresh)
            ):
                action()
                channel.send(binary.line(f"from Python {number}"))
                log = directory / "log"
                wanted = f"from Python {number}"
                until(lambda: wanted in log.read_text("utf-8", "replace"), START_SECONDS, wanted)
                process.stdin.write(binary.line(f"from pqfw {number}"))
                process.stdin.flush()
                got = b""
                while f"from pqfw {number}".encode() not in got:
                    piece = channel.receive()
                    assert piece is not None, "closed before the line"
                    got += piece
            channel.close()


def initiator_is_retried(binary: Binary, suite: str) -> None:
    other = next(one for one in SUITES if one.split("/")[0] != suite.split("/")[0])
    with served(binary, suite) as (_, _, dial), dial() as sock:
        channel = pq.connect(sock, Peer.config([other, suite]))
        assert channel.connection.endpoint.retried, "no retry"
        channel.close()


def responder_refuses(binary: Binary, suite: str) -> None:
    """Each wrong flight is refused with its alert, and the next handshake is served."""
    with served(binary, suite) as (_, _, dial):

        def alert(code: int, data) -> None:
            with dial() as sock:
                connection = pq.initiate(Peer.config([suite]))
                first = connection.take()
                sock.sendall(data(connection, first))
                try:
                    while piece := sock.recv(65_536):
                        connection.feed(piece)
                except pq.PeerAlert as heard:
                    assert heard.code == code, f"alert {heard.code}, {code} expected"
                else:
                    raise AssertionError(f"no alert, {code} expected")

        def hello(**change):
            def data(connection, first: bytes) -> bytes:
                value = connection.endpoint.hello
                for field, new in change.items():
                    setattr(value, field, new)
                return record(HANDSHAKE, value.encode())

            return data

        alert(m.HANDSHAKE_FAILURE, hello(suites=["A/B/C/D"]))
        alert(m.NO_APPLICATION_PROTOCOL, hello(protocol="nothing/1"))
        alert(m.ILLEGAL_PARAMETER, hello(delivery=m.EXCHANGE))
        alert(m.ILLEGAL_PARAMETER, hello(share=1))
        alert(m.ILLEGAL_PARAMETER, hello(suites=[suite, suite]))
        alert(m.ILLEGAL_PARAMETER, hello(cookie=b"not yours"))
        alert(m.UNEXPECTED_MESSAGE, lambda c, first: record(HANDSHAKE, m.message(m.WELCOME, b"")))
        alert(m.UNEXPECTED_MESSAGE, lambda c, first: record(23, bytes(40)))
        alert(m.DECODE_ERROR, lambda c, first: record(HANDSHAKE, first[5:] + b"\0"))
        alert(m.RECORD_OVERFLOW, lambda c, first: b"\x16\x00\x04\x00\x40")

        def wrong_proof(connection) -> None:
            connection.endpoint.role = "responder"

        def wrong_finished(connection) -> None:
            sealed = connection.endpoint.sealed
            connection.endpoint.sealed = lambda one: sealed(
                one[:-1] + bytes([one[-1] ^ 1]) if one[0] == m.FINISHED else one
            )

        for spoil in (wrong_proof, wrong_finished):
            connection = pq.initiate(Peer.config([suite]))
            spoil(connection)
            with dial() as sock:
                try:
                    pq.Channel(sock, connection)
                except pq.PeerAlert as heard:
                    assert heard.code == m.DECRYPT_ERROR, f"alert {heard.code}"
                else:
                    raise AssertionError(f"{spoil.__name__}: accepted")
        with dial() as sock:
            pq.connect(sock, Peer.config([suite])).close()


def responder_talks(binary: Binary, suite: str, own: list[str] | None = None) -> None:
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as listener:
        directory = Path(name)
        listener.settimeout(START_SECONDS)
        command = binary.connect(suite, directory, listener.getsockname()[1])
        with running(command, directory) as process:
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(SOCKET_SECONDS)
                channel = pq.accept(sock, Peer.config(own or [suite]))
                process.stdin.write(binary.line("from pqfw"))
                process.stdin.flush()
                got = b""
                while b"from pqfw" not in got:
                    piece = channel.receive()
                    assert piece is not None, "closed before the line"
                    got += piece
                channel.key_update(True)
                channel.send(binary.line("from Python"))
                log = directory / "log"
                said = lambda: "from Python" in log.read_text("utf-8", "replace")  # noqa: E731
                until(said, START_SECONDS, "from Python")
                channel.close()


def initiator_refuses(binary: Binary, suite: str) -> None:
    """A responder that breaks the page hears the alert that the page names."""

    def breaks(code: int, spoil) -> None:
        with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as at:
            directory = Path(name)
            at.settimeout(START_SECONDS)
            with running(binary.connect(suite, directory, at.getsockname()[1]), directory):
                sock, _ = at.accept()
                with sock:
                    sock.settimeout(SOCKET_SECONDS)
                    connection = pq.respond(Peer.config([suite]))
                    spoil(connection.endpoint)
                    try:
                        pq.Channel(sock, connection)
                    except pq.PeerAlert as heard:
                        assert heard.code == code, f"alert {heard.code}, {code} expected"
                    else:
                        raise AssertionError(f"{spoil.__name__}: accepted")

    def editing(kind: int, edit):
        def spoil(endpoint) -> None:
            for name in ("sealed", "clear"):
                send = getattr(endpoint, name)
                changed = lambda one, send=send: send(edit(one) if one[0] == kind else one)  # noqa: E731
                setattr(endpoint, name, changed)

        return spoil

    last = lambda one: one[:-1] + bytes([one[-1] ^ 1])  # noqa: E731
    terms = m.Terms("p", ["A/B/C/D"]).encode()
    breaks(m.DECRYPT_ERROR, editing(m.FINISHED, last))
    breaks(m.DECRYPT_ERROR, editing(m.PROOF, last))
    breaks(m.ILLEGAL_PARAMETER, editing(m.TERMS, lambda one: terms))
    breaks(m.UNEXPECTED_MESSAGE, editing(m.TERMS, lambda one: m.message(m.WELCOME, b"")))


# --- datagrams ---------------------------------------------------------------------------


class Example:
    """The command line of tests/examples/channel_datagrams.rs."""

    def __init__(self, path: Path):
        self.path = str(path.resolve())

    @staticmethod
    def built() -> Path | None:
        kinds = [ROOT / "target" / kind / "examples" for kind in ("release", "debug")]
        there = [one / "channel_datagrams" for one in kinds if (one / "channel_datagrams").exists()]
        return max(there, key=lambda place: place.stat().st_mtime, default=None)

    def serve(self, suites: list[str]) -> list[str]:
        return [self.path, "serve", "127.0.0.1:0", *suites]

    def connect(self, suites: list[str], port: int) -> list[str]:
        return [self.path, "connect", f"127.0.0.1:{port}", *suites]


def datagrams_to_rust(example: Example, offer: list[str], own: list[str], loss: float = 0) -> None:
    """Data there and back, and close_notify."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        log = directory / "log"
        with running(example.serve(own), directory):
            until(lambda: "udp://" in log.read_text(), START_SECONDS, "its address")
            port = int(log.read_text().split("udp://")[1].split()[0].rsplit(":", 1)[1])
            with udp.Initiator(Peer.config(offer), ("127.0.0.1", port), loss) as initiator:
                for data in (b"from Python", bytes(1158), b""):
                    assert initiator.asks(data) == data
                initiator.close()
            if not loss:
                until(lambda: "closed" in log.read_text(), START_SECONDS, "close_notify")


def datagrams_from_rust(
    example: Example, offer: list[str], own: list[str], loss: float = 0
) -> None:
    with tempfile.TemporaryDirectory() as name, udp.Responder(Peer.config(own), loss) as responder:
        directory = Path(name)
        log = directory / "log"
        with running(example.connect(offer, responder.port), directory) as process:
            channel = responder.accepts()
            until(lambda: own[0] in log.read_text(), START_SECONDS, "its first line")
            if loss:
                return
            for line in (b"from Rust", b"x" * 1000):
                process.stdin.write(line + b"\n")
                process.stdin.flush()
                responder.sends_back(channel, line)
                said = lambda line=line: line.decode() in log.read_text()  # noqa: E731
                until(said, START_SECONDS, "the line that came back")
            process.stdin.close()
            responder.runs_until(lambda: channel.peer_closed, "close_notify")
            assert process.wait(STOP_SECONDS) == 0


def rust_hears_a_refusal(example: Example, suite: str) -> None:
    refusing = Peer.config([suite], accept=lambda spki: False)
    with tempfile.TemporaryDirectory() as name, udp.Responder(refusing) as responder:
        directory = Path(name)
        with running(example.connect([suite], responder.port), directory) as process:
            responder.runs_until(lambda: process.poll() is not None, "its end")
            log = (directory / "log").read_text()
            proven = "unknown_peer" in log and "unprotected" not in log
            assert process.returncode == 1 and proven, log


def against_datagrams(checks: Checks, example: Example) -> None:
    for suite in SUITES:
        checks.run(f"datagrams to Rust: {suite}", datagrams_to_rust, example, [suite], [suite])
        checks.run(f"datagrams from Rust: {suite}", datagrams_from_rust, example, [suite], [suite])
    offer, own = [SUITES[0], SUITES[1]], [SUITES[1]]
    checks.run("datagrams to Rust: retry", datagrams_to_rust, example, offer, own)
    checks.run("datagrams from Rust: retry", datagrams_from_rust, example, offer, own)
    lossy = (example, [SUITES[0]], [SUITES[0]], 0.2)
    checks.run("datagrams to Rust: one in five lost", datagrams_to_rust, *lossy)
    checks.run("datagrams from Rust: one in five lost", datagrams_from_rust, *lossy)
    checks.run("datagrams from Rust: not accepted", rust_hears_a_refusal, example, SUITES[0])


# --- rows --------------------------------------------------------------------------------


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name: str, function, *arguments) -> None:
        try:
            function(*arguments)
        except Exception as error:  # every failure is a row
            self.failed += 1
            expected = isinstance(error, (AssertionError, pq.Failure, pq.PeerAlert, OSError))
            text = str(error) if expected else "".join(traceback.format_exception(error))
            print(f"  FAIL  {name}")
            for line in (text or repr(error)).rstrip().splitlines():
                print(f"          {line}")
        else:
            self.passed += 1
            print(f"  pass  {name}", flush=True)


def self_test() -> None:
    ran = subprocess.run([sys.executable, str(HERE / "test_self.py")], capture_output=True)
    assert ran.returncode == 0, ran.stdout.decode() + ran.stderr.decode()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pqfw")
    parser.add_argument("--datagrams", type=Path, default=Example.built())
    parser.add_argument("--vectors", action="append", type=Path, default=[])
    parser.add_argument("--write-vectors", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    args, _ = parser.parse_known_args()
    if args.write_vectors:
        vectors.write(args.write_vectors, Peer.keys)
        return 0
    checks = Checks()
    checks.run("the Python roles with each other", self_test)
    files = [OWN_VECTORS, *args.vectors]
    if RUST_VECTORS.exists() and RUST_VECTORS not in args.vectors:
        files.append(RUST_VECTORS)
    for path in files:
        cases = vectors.cases_of(path)
        assert cases, f"{path} has no cases"
        for number, case in enumerate(cases):
            name = f"{path.name}: {case.get('name', number)}"
            checks.run(name, lambda case=case: vectors.Case(case).verify())
    if args.pqfw:
        binary = Binary(args.pqfw, args.settings)
        if binary.has_chat():
            against(checks, binary)
        else:
            print("  note  this binary has no `chat`: nothing of it was checked")
    if args.datagrams:
        against_datagrams(checks, Example(args.datagrams))
    else:
        print("  note  no example channel_datagrams: nothing was checked on UDP; build it with")
        print("        cargo build -p pqfw-tests --example channel_datagrams")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def against(checks: Checks, binary: Binary) -> None:
    for suite in SUITES:
        checks.run(f"initiator to pqfw: {suite}", initiator_talks, binary, suite)
        checks.run(f"responder to pqfw: {suite}", responder_talks, binary, suite)
    checks.run("initiator to pqfw: retry", initiator_is_retried, binary, SUITES[0])
    checks.run("pqfw refuses as responder", responder_refuses, binary, SUITES[0])
    checks.run("pqfw refuses as initiator", initiator_refuses, binary, SUITES[0])


if __name__ == "__main__":
    sys.exit(main())
