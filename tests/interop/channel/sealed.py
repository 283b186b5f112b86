"""Explicit counters: epochs and windows of exchanges and datagrams (channel.md, 5)."""

from __future__ import annotations

from algorithms import Suite, TrafficKey

EPOCH_BITS = 16
WINDOW = 4_096
AHEAD = 64


def epoch_of(counter: int) -> int:
    return counter >> EPOCH_BITS


class Epochs:
    """The keys of one direction: an epoch, the one before, and up to 64 ahead when asked for."""

    def __init__(self, suite: Suite, secret: bytes):
        self.suite, self.current = suite, 0
        self.keys = {0: TrafficKey(suite, secret)}

    def key(self, epoch: int) -> TrafficKey | None:
        if not self.current - 1 <= epoch <= self.current + AHEAD:
            return None
        while (last := max(self.keys)) < epoch:
            self.keys[last + 1] = TrafficKey(self.suite, self.suite.update(self.keys[last].secret))
        return self.keys.get(epoch)

    def advance(self, epoch: int) -> None:
        """To an epoch in which a record opened, or that this side sends in."""
        if epoch > self.current:
            self.current = epoch
            self.keys = {e: key for e, key in self.keys.items() if e >= epoch - 1}


class Window:
    """Counters accepted once, above the lower edge; moved by `accept` alone."""

    def __init__(self):
        self.highest, self.seen = 0, set()

    def allows(self, counter: int) -> bool:
        # 0 was `welcome`'s: a record under it would share that record's nonce.
        return counter > max(0, self.highest - WINDOW) and counter not in self.seen

    def accept(self, counter: int) -> None:
        self.highest = max(self.highest, counter)
        self.seen.add(counter)
        self.seen = {c for c in self.seen if c > self.highest - WINDOW}


class EpochOver(Exception):
    """An epoch's key has failed to open as often as its AEAD allows."""


class Receiver:
    """Opens what came under explicit counters."""

    def __init__(self, suite: Suite, secret: bytes):
        self.epochs, self.window = Epochs(suite, secret), Window()
        self.failures: dict[int, int] = {}
        self.limit = suite.aead.forgeries

    def open(self, counter: int, sealed: bytes, associated: bytes) -> bytes | None:
        """The plain text; None for what does not open. The window is the caller's to ask first."""
        epoch = epoch_of(counter)
        key = self.epochs.key(epoch)
        if key is None:
            return None
        if self.failures.get(epoch, 0) >= self.limit:
            raise EpochOver(str(epoch))
        plain = key.open(counter, sealed, associated)
        if plain is None:
            self.failures[epoch] = self.failures.get(epoch, 0) + 1
            return None
        self.epochs.advance(epoch)
        self.failures = {e: n for e, n in self.failures.items() if e >= self.epochs.current - 1}
        self.window.accept(counter)
        return plain
