#!/usr/bin/env python3
"""Accounts for every packet of two nodes: what one took from its interface the other has given to its
own, or the kernel says that it had no room for it. Nothing may be lost to a change of keys."""

import json
import pathlib
import sys

LOST_TO_KEYS = ["refused_data", "refused_unopened", "refused_stray", "refused_queue", "refused_no_peer", "dropped_unsent"]


def facts(path):
    found = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "fact":
            found[event["name"]] = int(event["value"])
    return found


def no_room(path):
    """UDP datagrams that found the socket's buffer full."""
    names, values = [line.split() for line in path.read_text().splitlines() if line.startswith("Udp:")]
    return int(dict(zip(names, values))["RcvbufErrors"])


work = pathlib.Path(sys.argv[1])
ends = {name: facts(work / f"{name}.log") for name in ("left", "right")}
good = True
for name, other in (("left", "right"), ("right", "left")):
    there, here = ends[name], ends[other]
    taken = there["packets_from_interface"] - there["dropped_unrouted"]
    given = here["packets_to_interface"]
    known = no_room(work / f"{other}.snmp") + here["dropped_untaken"] + here["dropped_undelivered"]
    lost = taken - given
    print(f"{name} → {other}: {taken} packets, {lost} lost, {known} of them for want of room; "
          f"{there['rekeys']} changes of keys")
    if there["rekeys"] < 2:
        print(f"{name}: too few changes of keys to show anything")
        good = False
    if lost > known or lost < 0:
        print(f"{name} → {other}: {lost - known} packets are lost without a reason")
        good = False
    for kind in LOST_TO_KEYS:
        if there.get(kind, 0):
            print(f"{name}: {kind} is {there[kind]}")
            good = False
sys.exit(0 if good else 1)
