"""A server under load that is killed at random points: nothing that it accepted is lost, nothing is
there twice, and the models are those of a server that nobody kills."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error

import numpy as np
import peer

DEVICES, ROUNDS, KILLS, SEED = 6, 60, 50, 20261121
SECONDS = 600
SETTINGS = [
    f"qflare.close_at={DEVICES}",
    "qflare.lease_secs=0",
    "qflare.per_device_per_minute=0",
    "transport.limits.per_ip_per_minute=0",
]


class Fleet:
    """Devices with updates that are signed before the first of them is sent."""

    def __init__(self) -> None:
        self.devices = [peer.Device("", f"d{n}") for n in range(DEVICES)]
        self.updates = [
            [device.update(np.full(6, n * 0.3 + r), round=r, num_samples=n + 1) for r in range(1, ROUNDS + 1)]
            for n, device in enumerate(self.devices)
        ]  # fmt: skip


class Run:
    """The fleet against one state directory, through however many servers."""

    def __init__(self, fleet: Fleet, tokens: list[str]):
        self.fleet, self.tokens = fleet, tokens
        self.url: str | None = None
        # Devices wait behind this round, so that there is work left when the last server is killed,
        # however fast it is.
        self.last = ROUNDS
        self.acknowledged: set[tuple[int, str]] = set()
        self.faults: list[BaseException] = []
        self.threads = [threading.Thread(target=self.live, args=(n,), daemon=True) for n in range(DEVICES)]
        self.end = time.monotonic() + SECONDS

    def ask(self, path: str, body: dict) -> tuple[int, dict]:
        """Asks until some server answers."""
        while time.monotonic() < self.end:
            if (url := self.url) is None:
                time.sleep(0.002)
                continue
            try:
                return 200, peer.request(url + path, body)
            except peer.Refused as refused:
                return refused.status, refused.body
            except (OSError, urllib.error.URLError, json.JSONDecodeError, peer.Broken):
                time.sleep(0.002)
        raise AssertionError("no answer in time")

    def live(self, n: int) -> None:
        try:
            device = self.fleet.devices[n]
            status, answer = self.ask("/api/enroll", device.enrolment(self.tokens[n]))
            # The answer to the first may have died with its server.
            assert status in (200, 401), answer
            for round_, update in enumerate(self.fleet.updates[n], 1):
                while round_ > self.last and time.monotonic() < self.end:
                    time.sleep(0.0005)
                while True:
                    status, answer = self.ask("/api/submit_model", update)
                    if status == 200:
                        assert answer["aggregation_round"] == round_, answer
                        self.acknowledged.add((round_, device.device_id))
                        break
                    assert status == 409, answer
                    if answer["current_round"] > round_:
                        break  # It was accepted, or the round would not have ended.
        except BaseException as fault:  # noqa: BLE001
            self.faults.append(fault)

    def finish(self) -> None:
        for thread in self.threads:
            thread.join(max(0.0, self.end - time.monotonic()))
        assert not self.faults, self.faults
        assert not any(thread.is_alive() for thread in self.threads), "devices are stuck"


def settle(server) -> str:
    """The model after the last round."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        version = peer.request(server.url + "/api/global_model")["model_version"]
        if version.startswith(f"r{ROUNDS}-"):
            return version
        time.sleep(0.02)
    raise AssertionError("the last round is not closed")


def check(server_of, directory) -> None:
    """`server_of(directory)` starts a server on the state there."""
    fleet = Fleet()
    models = []
    for name, kills in [("calm", 0), ("killed", KILLS)]:
        place = directory / name
        place.mkdir()
        chance = random.Random(SEED)
        with server_of(place) as first:
            tokens = [first.token(device.device_id) for device in fleet.devices]
        run = Run(fleet, tokens)
        if kills:
            run.last = 0
        for thread in run.threads:
            thread.start()
        for kill in range(1, kills + 1):
            server = server_of(place)
            run.last = ROUNDS * kill // (kills + 1)
            # So many more receipts, and then somewhere in the middle of what is under way.
            enough = len(run.acknowledged) + chance.randint(0, 3)
            run.url = server.url
            while len(run.acknowledged) < enough and not run.faults:
                time.sleep(0.0005)
            time.sleep(chance.uniform(0, 0.02))
            assert any(thread.is_alive() for thread in run.threads), "nobody loads the server"
            server.kill()
            run.url = None
        with server_of(place) as server:
            run.last, run.url = ROUNDS, server.url
            run.finish()
            models.append(settle(server))
            assert server.operator("audit", "verify")["status"] == "verified"
            entries = server.entries()
        accepted = [
            (event["round"], event["device"])
            for event in (entry["entry"]["event"] for entry in entries)
            if event["kind"] == "update_accepted"
        ]
        assert len(accepted) == len(set(accepted)) == DEVICES * ROUNDS, "an update is lost or double"
        assert run.acknowledged <= set(accepted), "a receipt is lost"
        kinds = [entry["entry"]["event"]["kind"] for entry in entries]
        assert kinds.count("device_enrolled") == DEVICES
        assert kinds.count("round_closed") == ROUNDS
    assert models[0] == models[1], models
