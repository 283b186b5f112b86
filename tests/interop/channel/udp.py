"""The two ends of datagram.py on UDP sockets of this machine, with as much loss as is asked for."""

from __future__ import annotations

import random
import socket
import time

from datagram import DataChannel, DatagramInitiator, DatagramResponder
from handshake import Config

SECONDS, PAUSE_SECONDS, AGAIN_SECONDS = 60.0, 0.05, 0.5


class _End:
    def __init__(self, loss: float):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PAUSE_SECONDS)
        self.port = self.socket.getsockname()[1]
        self.loss, self.chance = loss, random.Random(1)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, datagrams: list[bytes], address: tuple[str, int]) -> None:
        for one in datagrams:
            if self.chance.random() >= self.loss:
                self.socket.sendto(one, address)

    def receive(self) -> tuple[bytes, tuple[str, int]] | None:
        try:
            datagram, address = self.socket.recvfrom(65_536)
        except TimeoutError:
            return None
        return None if self.chance.random() < self.loss else (datagram, address)

    def turn(self) -> None:
        """Takes one datagram, or lets a little time pass."""
        raise NotImplementedError

    def runs_until(self, condition, what: str) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {SECONDS:.0f} s"
            self.turn()


class Initiator(_End):
    def __init__(self, config: Config, peer: tuple[str, int], loss: float = 0):
        super().__init__(loss)
        self.peer, self.machine = peer, DatagramInitiator(config, time.time())
        self.runs_until(lambda: self.machine.channel, "a channel")

    def turn(self) -> None:
        self.send(self.machine.tick(time.time()), self.peer)
        came = self.receive()
        if came and came[1] == self.peer:
            self.send(self.machine.receive(came[0], time.time()), self.peer)

    def asks(self, data: bytes) -> bytes:
        """What comes back; the data is sent until something does."""
        received = self.machine.channel.received
        received.clear()
        due = 0.0

        def came() -> bool:
            nonlocal due
            if time.monotonic() >= due and not received:
                due = time.monotonic() + AGAIN_SECONDS
                self.send([self.machine.channel.seal(data, time.time())], self.peer)
            return bool(received)

        self.runs_until(came, "an answer")
        return received[0]

    def close(self) -> None:
        self.send([self.machine.channel.close(time.time())], self.peer)


class Responder(_End):
    def __init__(self, config: Config, loss: float = 0):
        super().__init__(loss)
        self.machine = DatagramResponder(config)

    def turn(self) -> None:
        came = self.receive()
        if came:
            datagram, address = came
            self.send(self.machine.receive(datagram, address, time.time()), address)

    def accepts(self) -> DataChannel:
        """The one channel; with loss, `welcome` goes on being asked for."""
        self.runs_until(lambda: self.machine.channels, "a channel")
        if self.loss:
            end = time.monotonic() + 10
            self.runs_until(lambda: time.monotonic() >= end, "ten seconds")
        return next(iter(self.machine.channels.values()))

    def sends_back(self, channel: DataChannel, expected: bytes) -> None:
        self.runs_until(lambda: channel.received, "data")
        data = channel.received.pop(0)
        assert data == expected, data
        (address, _), _ = next(iter(self.machine.channels.items()))
        self.send([channel.seal(data, time.time())], address)
