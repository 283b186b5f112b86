"""The two ends of the bridge as processes, with directories of their own, and what stands behind."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pqfw", required=True)
    parser.add_argument("--peers", required=True, type=Path)
    parser.add_argument("--kind", default="tcp")
    return parser


def everything(peers: Path, *arguments: str) -> list[str]:
    """The command of the reference server."""
    package = peers / "node_modules/@modelcontextprotocol/server-everything"
    return [str(peers / "node_modules/.bin/node"), str(package / "dist/index.js"), *arguments]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Ends:
    """`serve` and `connect`, which know each other by their fingerprints."""

    def __init__(self, pqfw: str, kind: str):
        self.pqfw, self.kind = pqfw, kind
        self.stack = contextlib.ExitStack()
        self.home = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.server_is = self.identity("server")
        self.host_is = self.identity("host")

    def __enter__(self) -> "Ends":
        return self

    def __exit__(self, *exception) -> None:
        self.stack.close()

    def environment(self, who: str) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.home / who)}

    def identity(self, who: str) -> str:
        command = [self.pqfw, "mcp", "identity", "show"]
        done = subprocess.run(
            command, env=self.environment(who), check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def start(self, who: str, command: list[str]) -> dict:
        """Starts `pqfw mcp …`, and gives the JSON of its ready file."""
        ready_file = self.home / f"{who}-{time.monotonic_ns()}.json"
        log = self.stack.enter_context((self.home / f"{who}.log").open("ab"))
        process = subprocess.Popen(
            [*command[:3], "--ready-file", str(ready_file), *command[3:]],
            env=self.environment(who),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        self.stack.callback(end, process)
        until = time.monotonic() + 60
        while not ready_file.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{who}: {(self.home / f'{who}.log').read_text()}")
            time.sleep(0.02)
        self.process = process
        return json.loads(ready_file.read_text())

    def serve(self, *what: str, listen: str = "127.0.0.1:0") -> str:
        """The server's end; gives its address."""
        kind = f"transport.kind={self.kind}"
        command = [self.pqfw, "mcp", "serve", "--listen", listen, "--set", kind,
                   "--allow-peer", self.host_is, *what]
        return self.start("server", command)["url"]

    def connect(self, url: str, *more: str) -> list[str]:
        """The command of the host's end."""
        return [self.pqfw, "mcp", "connect", "--log-level", "warn", "--to", url,
                "--server", self.server_is, *more]

    def door(self, url: str, *more: str) -> str:
        """The host's end for HTTP; gives its address."""
        return self.start("host", self.connect(url, "--http-listen", "127.0.0.1:0", *more))["url"]


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def http_server(peers: Path):
    """The reference server over HTTP; gives its address."""
    port = free_port()
    process = subprocess.Popen(
        everything(peers, "streamableHttp"),
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if time.monotonic() > until or process.poll() is not None:
                    raise SystemExit("the reference server does not start")
                time.sleep(0.1)
        yield url
    finally:
        end(process)
