#!/usr/bin/env python3
"""Sends or receives bytes over TCP, and prints their SHA-256.

    transfer.py receive ADDRESS PORT          one connection, until it ends
    transfer.py send ADDRESS PORT BYTES       pseudo-random bytes, the same each time
"""

import hashlib
import random
import socket
import sys

BLOCK = 1 << 20


def receive(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family) as server:
        print("listening", flush=True)
        connection, _ = server.accept()
        digest, total = hashlib.sha256(), 0
        with connection:
            while block := connection.recv(BLOCK):
                digest.update(block)
                total += len(block)
            connection.sendall(digest.digest())
    print(total, digest.hexdigest())


def send(address, port, count):
    block = random.Random(7).randbytes(BLOCK)
    digest = hashlib.sha256()
    with socket.create_connection((address, port)) as connection:
        left, number = count, 0
        while left > 0:
            # No two blocks are the same, so that none can take another's place.
            piece = (number.to_bytes(8, "big") + block[8:])[:left]
            digest.update(piece)
            connection.sendall(piece)
            left -= len(piece)
            number += 1
        connection.shutdown(socket.SHUT_WR)
        theirs = b""
        while part := connection.recv(32):
            theirs += part
    if theirs != digest.digest():
        sys.exit("what came is not what was sent")
    print(count, digest.hexdigest())


if __name__ == "__main__":
    what, address, port, *rest = sys.argv[1:]
    if what == "receive":
        receive(address, int(port))
    else:
        send(address, int(port), int(rest[0]))
