"""Times calls of a small tool in rounds, one way after the other, so that all see the same machine."""

from __future__ import annotations

import json
import os
import subprocess
import time

from ends import Ends, arguments, end, free_port

#: Calls of one way before the next has its turn.
ROUND = 100


class Way:
    """One way to the server; `call` waits for the answer."""

    def __init__(self, name: str, command: list[str], environment=None):
        self.name, self.micros = name, []
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=0,
        )
        params = {"protocolVersion": "2025-11-25", "capabilities": {}}
        self.ask({"id": 0, "method": "initialize", "params": params})

    def ask(self, message: dict) -> bytes:
        line = json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"
        os.write(self.process.stdin.fileno(), line)
        answer = b""
        while not answer.endswith(b"\n"):
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                raise SystemExit(f"{self.name}: the server is gone")
            answer += more
        return answer

    def call(self, number: int, timed: bool = True) -> None:
        arguments = {"name": "add", "arguments": {"a": 2, "b": 3}}
        before = time.perf_counter_ns()
        answer = self.ask({"id": number, "method": "tools/call", "params": arguments})
        if timed:
            self.micros.append((time.perf_counter_ns() - before) / 1000)
        assert b'"text":"5"' in answer, answer

    def at(self, part: float) -> float:
        return sorted(self.micros)[int(len(self.micros) * part)]


def main() -> None:
    parser = arguments()
    parser.add_argument("--calls", type=int, default=3000)
    given = parser.parse_args()
    server = [given.pqfw, "mcp", "demo-server"]
    port = free_port()
    listen = f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,nodelay"
    chain = subprocess.Popen(["socat", listen, "EXEC:" + " ".join(server)])
    time.sleep(0.5)
    ways = []
    with Ends(given.pqfw, "tcp") as tcp, Ends(given.pqfw, "quic") as quic:
        try:
            ways.append(Way("direct", server))
            ways.append(Way("socat", ["socat", "-", f"TCP:127.0.0.1:{port},nodelay"]))
            for ends in (tcp, quic):
                command = ends.connect(ends.serve("--", *server))
                ways.append(Way(f"bridge, {ends.kind}", command, ends.environment("host")))
            for way in ways:
                for number in range(200):
                    way.call(number, timed=False)
            for _ in range(given.calls // ROUND):
                for way in ways:
                    for number in range(ROUND):
                        way.call(number)
        finally:
            for way in ways:
                end(way.process)
            end(chain)
    direct = ways[0].at(0.5)
    print(f"{'way':<14} {'p50 µs':>8} {'p99 µs':>8} {'p50 added':>10}")
    for way in ways:
        print(f"{way.name:<14} {way.at(0.5):8.0f} {way.at(0.99):8.0f} {way.at(0.5) - direct:10.0f}")


if __name__ == "__main__":
    main()
