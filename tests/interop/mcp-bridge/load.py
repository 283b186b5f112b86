"""A thousand sessions at a time over HTTP, and an end that is killed: bounded memory, clear errors, and
the service goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

from ends import Ends, arguments, everything

SESSIONS = 1000

#: Memory that one open session may cost the server's end, in kB.
MOST_KB = 256


async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP server that says again what it is told."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length, body))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


async def ask(streams, port: int, number: int) -> None:
    reader, writer = streams
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "ping"}).encode()
    writer.write(
        b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n%s"
        % (port, len(body), body)
    )
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(len(body)) == body


def resident_kb(process: subprocess.Popen) -> int:
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("no VmRSS")


async def thousand(given) -> None:
    upstream = await asyncio.start_server(answers, "127.0.0.1", 0, backlog=SESSIONS)
    address = upstream.sockets[0].getsockname()
    with Ends(given.pqfw, given.kind) as ends:
        # Apart: the upstream answers while the ends start.
        serve = await asyncio.to_thread(
            ends.serve, "--upstream", f"http://127.0.0.1:{address[1]}/mcp", "--set",
            "transport.limits.connections=2000",
        )
        process = ends.process
        door = await asyncio.to_thread(
            ends.door, serve, "--set", "transport.limits.connections=2000"
        )
        port = int(door.rsplit(":", 1)[1])
        before = resident_kb(process)
        open_now = []
        for _ in range(SESSIONS // 50):
            some = [asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
            some = await asyncio.gather(*some)
            await asyncio.gather(*(ask(streams, port, n) for n, streams in enumerate(some)))
            open_now += some
        for turn in range(2):
            await asyncio.gather(*(ask(streams, port, turn) for streams in open_now))
        cost = (resident_kb(process) - before) / SESSIONS
        for _, writer in open_now:
            writer.close()
        again = await asyncio.open_connection("127.0.0.1", port)
        await ask(again, port, 1)
        again[1].close()
    upstream.close()
    print(f"{SESSIONS} sessions at a time, {cost:.0f} kB each at the server's end")
    if cost > MOST_KB:
        sys.exit(f"more than {MOST_KB} kB")


def killed(given) -> None:
    """`kill -9` of the server's end in the middle of a call of the reference server."""
    with Ends(given.pqfw, given.kind) as ends:
        behind = ["--", *everything(given.peers, "stdio")]
        url = ends.serve(*behind)
        first = ends.process
        host = subprocess.Popen(
            ends.connect(url), env=ends.environment("host"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1,
        )

        def say(message: dict) -> None:
            host.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")

        def hear(number: int) -> dict:
            while True:
                message = json.loads(host.stdout.readline())
                if message.get("id") == number and "method" not in message:
                    return message

        client = {"name": "load", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        say({"id": 0, "method": "initialize", "params": params})
        hear(0)
        say({"method": "notifications/initialized"})
        slow = {"name": "trigger-long-running-operation", "arguments": {"duration": 60, "steps": 2}}
        say({"id": 1, "method": "tools/call", "params": slow})
        echo = {"name": "echo", "arguments": {"message": "hello"}}
        say({"id": 2, "method": "tools/call", "params": echo})
        assert "hello" in json.dumps(hear(2))
        first.send_signal(signal.SIGKILL)
        error = hear(1)["error"]
        assert error["code"] == 1001, error
        first.wait()
        ends.serve(*behind, listen=url.split("://")[1])
        say({"id": 3, "method": "tools/call", "params": echo})
        assert "hello" in json.dumps(hear(3))
        host.stdin.close()
        assert host.wait(20) == 0
    print("killed in the middle of a call: an error for the host, and then the next server")


if __name__ == "__main__":
    arguments_given = arguments().parse_args()
    asyncio.run(thousand(arguments_given))
    killed(arguments_given)
