#!/usr/bin/env python3
"""Writes pickles.json and opcodes.tsv beside itself, with CPython's own pickle.

Bytes are written as hexadecimal words; `XX*N` is the byte XX, N times.
"""

import collections
import copyreg
import datetime
import io
import json
import os
import pickle
import pickletools
import re
from pathlib import Path

HERE = Path(__file__).parent


def words(data: bytes) -> str:
    found = []
    for run in re.finditer(rb"(?s)(.)\1{63,}|(?:(?!(.)\2{63,}).)+", data):
        piece = run.group()
        if run.group(1) is not None:
            found.append(f"{piece[0]:02x}*{len(piece)}")
        else:
            found.append(piece.hex())
    return " ".join(found)


def described(value):
    if isinstance(value, bytes):
        return {"bytes": words(value)}
    if isinstance(value, str):
        return {"text": words(value.encode())}
    return {"dict": [[key, described(item)] for key, item in value.items()]}


class Call:
    def __reduce__(self):
        return os.system, ("id",)


class Plain:
    def __init__(self):
        self.a = 1


class State:
    def __getstate__(self):
        return {"a": b"b"}


class Extended:
    pass


class Persistent(pickle.Pickler):
    def persistent_id(self, value):
        return "id" if isinstance(value, Call) else None


def persistent(protocol: int) -> bytes:
    out = io.BytesIO()
    Persistent(out, protocol).dump(Call())
    return out.getvalue()


# Distinct objects: what CPython caches, such as b"" and b"x", occurs once at most.
VALUES = {
    "empty bytes": b"",
    "bytes 255": b"a" * 255,
    "bytes 256": b"a" * 256,
    "bytes 65535": b"a" * 65535,
    "bytes 65536": b"a" * 65536,
    "bytes 70000": b"ab" + b"c" * 69998,
    "empty text": "",
    "text": "aß😀\n",
    "text 256": "a" * 256,
    "text 65536": "a" * 65536,
    "empty dict": {},
    "one item": {"key": b"value"},
    "two items": {"a": b"one", "b": "two"},
    "nested": {"a": {"b": {"c": b"deep"}}, "d": {}},
    "bundle": {"kem_ciphertext": b"\x01" * 1088, "nonce": bytes(range(12)),
               "ciphertext": b"\x02" * 21, "aad": b""},
    "large bundle": {"kem_ciphertext": b"\x01" * 1088, "nonce": bytes(range(12)),
                     "ciphertext": b"\x02" * 200_000, "aad": b""},
    "two frames": {"a": b"\x01" * 40_000, "b": b"\x02" * 40_000, "c": b"\x03" * 40_000},
    "large first": {"a": b"\x01" * 70_000, "b": b"\x02" * 40_000},
    "large twice": {"a": b"\x01" * 70_000, "b": b"\x02" * 70_000},
}  # fmt: skip

# What each is refused for, in protocol 4 unless said.
REFUSED = {
    "a call": (Call(), "STACK_GLOBAL"),
    "a call, protocol 0": (pickle.dumps(Call(), 0), "GLOBAL"),
    "a call, protocol 3": (pickle.dumps(Call(), 3), "GLOBAL"),
    "a call inside a dict": ({"nonce": Call()}, "STACK_GLOBAL"),
    "an object": (Plain(), "STACK_GLOBAL"),
    "an object, protocol 0": (pickle.dumps(Plain(), 0), "GLOBAL"),
    "an ordered dict": (collections.OrderedDict(a=b"b"), "STACK_GLOBAL"),
    "a date": (datetime.date(2026, 1, 1), "STACK_GLOBAL"),
    "bytes, protocol 2": (pickle.dumps(b"bytes", 2), "GLOBAL"),
    "a bytearray, protocol 5": (pickle.dumps(bytearray(b"a"), 5), "BYTEARRAY8"),
    "a persistent id": (persistent(4), "BINPERSID"),
    "a persistent id, protocol 0": (persistent(0), "PERSID"),
    "an integer": (7, "BININT1"),
    "a large integer": (1 << 80, "LONG1"),
    "a float": (1.5, "BINFLOAT"),
    "none": (None, "NONE"),
    "true": (True, "NEWTRUE"),
    "a list": ([b"a"], "EMPTY_LIST"),
    "a tuple": ((), "EMPTY_TUPLE"),
    "a pair": ((b"a", b"b"), "TUPLE2"),
    "a set": ({b"a"}, "EMPTY_SET"),
    "a frozen set": (frozenset([b"a"]), "FROZENSET"),
    "an instance by INST": (b"\x80\x04(i__main__\nPlain\n.", "INST"),
    "an instance by OBJ": (b"\x80\x04(}o.", "OBJ"),
    "a state by BUILD": (b"\x80\x04}}b.", "BUILD"),
    "a new object": (b"\x80\x04}}\x81.", "NEWOBJ"),
    "a call by REDUCE": (b"\x80\x04}}R.", "REDUCE"),
    "an extension": (None, "EXT1"),
}


def main() -> None:
    copyreg.add_extension("__main__", "Extended", 7)
    REFUSED["an extension"] = (pickle.dumps(Extended(), 4), "EXT1")
    good = []
    for name, value in VALUES.items():
        for protocol in (3, 4, 5):
            data = pickle.dumps(value, protocol)
            good.append({"name": name, "protocol": protocol,
                         "value": described(value), "pickle": words(data)})  # fmt: skip
    # Two batches of pairs, the second one short or empty.
    for count in (1000, 1001):
        value = {f"{n:04d}": b"%04d" % n for n in range(count)}
        good.append({"name": f"{count} items", "protocol": 4, "value": {"numbered": count},
                     "pickle": words(pickle.dumps(value, 4))})  # fmt: skip
    # Shared objects: written once and asked of the memo from there on.
    shared = b"shared"
    for protocol in (3, 4, 5):
        value = {"a": shared, "b": shared, "c": "a"}
        good.append({"name": "shared", "protocol": protocol, "shared": True,
                     "value": described(value), "pickle": words(pickle.dumps(value, protocol))})  # fmt: skip
    bad = []
    for name, (value, opcode) in REFUSED.items():
        data = value if isinstance(value, bytes) else pickle.dumps(value, 4)
        bad.append({"name": name, "opcode": opcode, "pickle": words(data)})
    def lines(rows):
        return ",\n".join(json.dumps(row, ensure_ascii=True) for row in rows)

    text = f'{{"read": [\n{lines(good)}\n],\n"refused": [\n{lines(bad)}\n]}}\n'
    (HERE / "pickles.json").write_text(text)
    codes = [f"{ord(op.code):02x}\t{op.name}\n" for op in pickletools.opcodes]
    (HERE / "opcodes.tsv").write_text("".join(codes))


if __name__ == "__main__":
    main()
