"""The rate of signed calls between the Python client and the Python server, both in this process."""

from __future__ import annotations

import http.server
import sys
import threading
import time

import peer


def rate(server: peer.Server, identities: list[peer.Identity], secs: float) -> float:
    """Calls a second of as many clients as there are identities."""
    clients = [peer.Client(server.url, who, server.identity.did) for who in identities]
    done = [0] * len(clients)
    until = time.monotonic() + secs

    def work(number: int) -> None:
        while time.monotonic() < until:
            said = clients[number].call("greet", {"name": "World"})
            assert said == "Hello, World!", said
            done[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(clients))]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begin)


def main() -> None:
    secs = float(sys.argv[1])
    http.server.ThreadingHTTPServer.request_queue_size = 256
    identities = [peer.Identity() for _ in range(64)]
    server = peer.Server(peer.Identity(), [who.did for who in identities])
    for callers in (1, 64):
        found = rate(server, identities[:callers], secs)
        print(f"{'Python, signed':<28} {callers:>12} {found:>10.0f}")
    server.close()


if __name__ == "__main__":
    main()
