"""The channel `pqfw1` in Python, written from docs/protocols/channel.md alone.

Both roles over streams, exchanges and datagrams. One idea per file:

    algorithms.py  suites over the package cryptography
    messages.py    handshake messages and alerts, bytes and back
    schedule.py    transcript, key schedule, signed text
    records.py     records of a stream
    handshake.py   both roles of the handshake
    stream.py      streams: data, key_update, fresh exchange, close_notify
    sealed.py      explicit counters, epochs, windows
    exchange.py    requests and responses
    datagram.py    datagrams: flights in parts, tokens, sealed datagrams
    udp.py         both ends of it on sockets

It serves tests. It wipes no keys, keeps no limits of time on a stream and answers slowly.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from algorithms import SIGNATURES, Suite, TrafficKey  # noqa: E402
from datagram import DatagramInitiator, DatagramResponder  # noqa: E402
from exchange import (  # noqa: E402
    ExchangeInitiator,
    ExchangeResponder,
    OutcomeUnknown,
    Refused,
    http_post,
    http_server,
)
from handshake import Config, Initiator, Responder  # noqa: E402
from messages import Failure, PeerAlert  # noqa: E402
from stream import Channel, Connection, Truncated, accept, connect, initiate, respond  # noqa: E402

__all__ = [
    "Channel", "Config", "Connection", "DatagramInitiator", "DatagramResponder",
    "ExchangeInitiator", "ExchangeResponder", "Failure", "Initiator", "OutcomeUnknown",
    "PeerAlert", "Refused", "Responder", "SIGNATURES", "Suite", "TrafficKey", "Truncated",
    "accept", "connect", "http_post", "http_server", "initiate", "respond",
]  # fmt: skip
