#!/usr/bin/env python3
"""Interop checks of `pqc-mcp-0.1`: peer.py, written from the page, against the pqfw binary, strict at
both ends.

    test_against.py --pqfw BINARY

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import peer  # noqa: E402

SECONDS = 60
RUN = ["run", "--profile", "mcp", "--set", "dialect=pqc-mcp-0.1"]
# A policy that lets a classical signature be, for the peers that have nothing else.
CLASSICAL = """\
name = "classical"
summary = "interop with plain installs"

[[rule]]
id = "C1"
source = "peers that have nothing else"
statuses = ["standard"]
"""
ODD = {"text": 'Wörld\x7f\\/"\b\f\n\r\t\u2028😀', "big": 10**30, "tiny": 1e-07, "float": 1.0,
       "e": 1e22, "nested": [[], {}, None, True, -0.0, {"é": {"z": 1, "a": 2}}]}  # fmt: skip


def settings(suite: str, directory: Path) -> list[str]:
    chosen = ["--set", f"suite.signature={suite}", "--set", "require=[]"]
    if suite == "Ed25519":
        policy = directory / "classical.toml"
        policy.write_text(CLASSICAL)
        chosen += ["--set", f"policy={policy}", "--set", "mcp.transitional=true"]
    return chosen


def environment(directory: Path) -> dict:
    return {"STATE_DIRECTORY": str(directory / "state"), "NO_COLOR": "1"}


class Server:
    """`pqfw mcp serve`, with the demo's tools or those of a command."""

    def __init__(self, binary: str, directory: Path, *more: str, behind: list[str] | None = None):
        ready = directory / "ready.json"
        ready.unlink(missing_ok=True)
        command = [binary, "mcp", "serve", "--dialect", "pqc-mcp-0.1", "--ready-file", str(ready),
                   "--listen", "127.0.0.1:0", *more]  # fmt: skip
        command += ["--", *behind] if behind else ["--set", "mcp.demo_tools=true"]
        self.errors = (directory / "server.err").open("a+")
        self.process = subprocess.Popen(
            command, cwd=directory, env=environment(directory), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.errors,
        )  # fmt: skip
        end = time.monotonic() + SECONDS
        while not ready.exists():
            assert self.process.poll() is None and time.monotonic() < end, self.told()
            time.sleep(0.02)
        self.url = json.loads(ready.read_text())["url"]
        # The server prints its own name at every start.
        marked = [line for line in self.told().splitlines() if "mcp.server_did" in line]
        self.did = marked[-1].split('"')[1] if '"' in marked[-1] else marked[-1].split()[-1]

    def told(self) -> str:
        self.errors.flush()
        return Path(self.errors.name).read_text()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(SECONDS) == 0, self.told()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(SECONDS)
        self.errors.close()


@contextlib.contextmanager
def running(binary: str, directory: Path, *more: str, behind: list[str] | None = None):
    server = Server(binary, directory, *more, behind=behind)
    try:
        yield server
    finally:
        server.kill()


def allow(*identities: peer.Identity) -> list[str]:
    return ["--set", "mcp.allow_dids=" + json.dumps([one.did for one in identities])]


def refused(client: peer.Client, message: dict, route: str = "/mcp") -> None:
    status, answer = client.raw(route, json.dumps(message).encode())
    assert (status, answer) == (500, {"error": "Internal server error"}), (status, answer)


# --- the Python client, pqfw's server ---------------------------------------------------------


def our_server(binary: str, directory: Path, suite: str) -> None:
    own = peer.Identity(suite)
    with running(binary, directory, *settings(suite, directory), *allow(own)) as server:
        client = peer.Client(server.url, own, server.did)
        names = [tool["name"] for tool in client.request("tools/list")["result"]["tools"]]
        assert sorted(names) == ["echo", "fail", "greet"], names
        assert client.call("greet", {"name": "World"}) == "Hello, World!"
        back = client.call("echo", {"value": ODD})
        assert json.dumps(back) == json.dumps(ODD), back
        assert client.call("fail", {}) == {"code": -32000, "message": "Tool error: boom"}
        assert client.call("x", {})["message"] == "Unknown tool: x"
        assert client.request("ping")["error"]["message"] == "Unknown method: ping"
        assert client.raw("/", b"", "GET") == (200, peer.RUNNING)
        assert client.raw("/mcp", b"") == (200, peer.RUNNING)
        _, unsigned = client.raw("/mcp", b'{"id": 1, "method": "tools/list"}')
        assert unsigned["error"] == {"code": -32600, "message": "Missing _pqc signature envelope"}
        warned = "quantum computer forges" in server.told()
        assert warned == (suite == "Ed25519"), server.told()
        server.stop()


def our_server_refuses(binary: str, directory: Path) -> None:
    own, stranger = peer.Identity(), peer.Identity()
    with running(binary, directory, *allow(own)) as server:
        client = peer.Client(server.url, own, server.did)
        message = {"jsonrpc": "2.0", "method": "tools/list", "id": "1"}
        good = own.envelope(message, client.session)
        changed = {**good, "id": "2"}
        refused(client, changed)
        client.post("/mcp", good)
        refused(client, good)
        moved = {**good, "_pqc": {**good["_pqc"], "nonce": peer.fresh()}}
        refused(client, moved)
        refused(client, own.envelope({**message, "id": "3"}))
        refused(client, own.envelope({**message, "id": "3"}, peer.fresh()))
        refused(client, stranger.envelope({**message, "id": "3"}, client.session))
        refused(client, [good])
        handshake = client.handshake()
        client.post("/handshake", handshake)
        refused(client, handshake, "/handshake")
        try:
            peer.Client(server.url, stranger, server.did)
        except peer.Refused as error:
            assert "500" in str(error)
        else:
            raise AssertionError("a stranger was let in")
        server.stop()
    # Nothing of it opens anything after a restart.
    with running(binary, directory, *allow(own)) as server:
        again = peer.Client(server.url, own, server.did)
        refused(again, handshake, "/handshake")
        now = {"session_id": again.session, "nonce": peer.fresh(), "timestamp": peer.timestamp()}
        refused(again, {**good, "_pqc": {**good["_pqc"], **now}})
        assert again.call("greet", {"name": "again"}) == "Hello, again!"
        server.stop()
    audited = [json.loads(line) for line in (directory / "state/audit.jsonl").open()]
    assert [line["number"] for line in audited] == list(range(len(audited)))
    operations = {line["entry"]["operation"] for line in audited}
    assert operations == {"handshake", "verify", "tool_call", "tool_response"}, operations


def gateway(binary: str, directory: Path) -> None:
    own = peer.Identity()
    small = [sys.executable, str(Path(__file__).resolve().parent / "stdio_server.py")]
    with running(binary, directory, *allow(own), behind=small) as server:
        client = peer.Client(server.url, own, server.did)
        tools = client.request("tools/list")["result"]["tools"]
        assert tools == [{"name": "add", "description": "Adds"}], tools
        assert client.call("add", {"a": 2, "b": 10**20}) == [
            {"type": "text", "text": "100000000000000000002"}
        ]
        assert client.call("add", {"a": 2})["message"].startswith("Tool error: cannot add")
        assert client.call("sub", {})["message"] == "Tool error: no such tool"
        server.stop()


# --- pqfw's client, the Python server ---------------------------------------------------------


def ask(binary: str, directory: Path, server: peer.Server, *more: str):
    command = [binary, *RUN, "--role", "client", "--set", f"transport.connect={server.url}", *more]
    ran = subprocess.run(
        command, cwd=directory, env=environment(directory), capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    return ran.returncode, ran.stdout.decode(), ran.stderr.decode()


def known_client(binary: str, directory: Path, suite: str, server: peer.Server) -> None:
    """Lets pqfw make its identity, and puts it on the server's list."""
    code, _, told = ask(binary, directory, server, *settings(suite, directory))
    assert code == 1, told
    made = [word for word in told.split() if word.startswith("did:pqaid:")]
    server.allow.append(next(word for word in made if word != server.identity.did))


def our_client(binary: str, directory: Path, suite: str) -> None:
    server = peer.Server(peer.Identity(suite), [])
    try:
        known_client(binary, directory, suite, server)
        pin = ["--set", f"mcp.server_did={server.identity.did}", *settings(suite, directory)]
        code, out, told = ask(binary, directory, server, *pin)
        assert (code, out.strip()) == (0, '"Hello, World!"'), (code, out, told)
        echo = ["--set", "mcp.tool=echo", "--set", f"mcp.arguments={json.dumps({'value': ODD})}"]
        code, out, told = ask(binary, directory, server, *pin, *echo)
        assert code == 0 and json.loads(out) == ODD, (code, out, told)
        assert json.dumps(server.seen[-1]["params"]["arguments"]["value"]) == json.dumps(ODD)
        code, _, told = ask(binary, directory, server, *pin, "--set", "mcp.tool=fail")
        assert code == 1 and "boom" in told, (code, told)
    finally:
        server.close()


def our_client_refuses(binary: str, directory: Path) -> None:
    stranger = peer.Identity()
    server = peer.Server(peer.Identity(), [])
    bare = lambda answer: {k: v for k, v in answer.items() if k != "_pqc"}  # noqa: E731
    lies = [
        bare,
        lambda answer: stranger.envelope(bare(answer)),
        lambda answer: server.identity.envelope({**bare(answer), "id": "another"}),
        lambda answer: {**answer, "result": {"content": "Hello, Mallet!"}},
    ]
    try:
        known_client(binary, directory, "ML-DSA-65", server)
        code, out, told = ask(binary, directory, server)
        assert code == 0 and "on first use" in told, (code, out, told)
        for number, lie in enumerate(lies):
            server.lie = lie
            code, out, told = ask(binary, directory, server)
            assert (code, out) == (3, ""), (number, code, out, told)
        server.lie = None
        server.identity = stranger
        code, out, told = ask(binary, directory, server)
        assert (code, out) == (3, ""), (code, out, told)
        pin = ["--set", f"mcp.server_did={peer.Identity().did}"]
        code, out, told = ask(binary, directory, server, *pin)
        assert (code, out) == (3, ""), (code, out, told)
    finally:
        server.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pqfw", required=True)
    arguments, _ = parser.parse_known_args()
    binary = os.path.abspath(arguments.pqfw)
    checks = [("strict server", our_server_refuses, ()), ("strict client", our_client_refuses, ()),
              ("gateway", gateway, ())]  # fmt: skip
    for suite in peer.SUITES:
        checks += [(f"server, {suite}", our_server, (suite,))]
        checks += [(f"client, {suite}", our_client, (suite,))]
    failed = 0
    for name, check, more in checks:
        with tempfile.TemporaryDirectory() as directory:
            try:
                check(binary, Path(directory), *more)
            except Exception:
                failed += 1
                print(f"FAILED {name}\n{traceback.format_exc()}")
            else:
                print(f"ok     {name}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
