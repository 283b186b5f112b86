#!/usr/bin/env python3
"""Aggregates of the pqfw binary against numpy's, on inputs that nobody has seen before.

    test_against.py --pqfw BINARY [--seed N] [--rounds N]

Each round has another number of devices and values, and liars among them; every rule and clip
is asked of both ends, with models as safetensors, npz and raw float32. The oracle is that of the
recorded vectors (tests/vectors/qflare/make_aggregation.py), written from the papers. What must be
refused is refused, and models that two libraries write are read. The seed is printed, so that a
failure can be had again. The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import secrets
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "vectors" / "qflare"))

import make_aggregation as oracle  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

COMMAND_SECONDS = 120.0
CLOSE = 1e-6


class Checks:
    """Runs named checks, prints a row for each failure, counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def run(self, name: str, function, *args) -> None:
        try:
            function(*args)
        except Exception as error:
            self.failed += 1
            print(f"  FAIL  {name}")
            known = isinstance(error, AssertionError) and str(error)
            text = str(error) if known else "".join(traceback.format_exception(error))
            for line in text.rstrip().splitlines():
                print(f"          {line}")
        else:
            self.passed += 1


def expect(condition: object, message: object) -> None:
    if not condition:
        raise AssertionError(str(message))


def spelled(rule: dict) -> str:
    name = rule["name"]
    if name == "trimmed_mean":
        return f"{name}({rule['beta']})"
    if name in ("krum", "multi_krum"):
        return f"{name}({rule['f']}, {rule['m']})" if "m" in rule else f"{name}({rule['f']})"
    if "at_least" in rule:
        return f"{name}({rule['at_least']})"
    return name


def rules(n: int, rng: np.random.Generator):
    """Those of the vectors, and every other rule with every kind of clip."""
    yield from oracle.rules(n)
    norm = float(rng.uniform(0.1, 3.0))
    for how in (norm, "median"):
        yield {"name": "trimmed_mean", "beta": round(float(rng.uniform(0, 0.49)), 6)}, how
        if n >= 3:
            f = int(rng.integers(0, (n - 3) // 2 + 1))
            yield {"name": "krum", "f": f}, how
            yield {"name": "multi_krum", "f": f}, how
            yield {"name": "multi_krum", "f": f, "m": int(rng.integers(1, n - f + 1))}, how
        yield {"name": "cosine", "at_least": round(float(rng.uniform(-1, 1)), 3)}, how
    yield {"name": "qflare_cosine", "at_least": round(float(rng.uniform(-1, 1)), 3)}, None


class Round:
    """A base and updates, in files of three formats."""

    def __init__(self, pqfw: Path, directory: Path, rng: np.random.Generator):
        self.pqfw, self.directory, self.rng = pqfw, directory, rng
        self.n = int(rng.integers(1, 16))
        # Two tensors, so that names and shapes matter; `a` comes first wherever it is written.
        self.shapes = {"a": (int(rng.integers(0, 5)),), "b": (int(rng.integers(1, 40)), 3)}
        d = sum(int(np.prod(shape)) for shape in self.shapes.values())
        base = rng.normal(size=d).astype(np.float32)
        step = rng.normal(size=d) * 0.2
        weights = (base + step + rng.normal(size=(self.n, d)) * 0.1).astype(np.float32)
        for bad in range(self.n // 4):
            weights[rng.integers(self.n)] = (base - 5 * step * (bad + 1)).astype(np.float32)
        self.base, self.weights = base, weights
        self.examples = [int(e) for e in rng.integers(1, 500, size=self.n)]
        save_file(self.tensors(base), directory / "base.safetensors")
        self.files = [self.file(i) for i in range(self.n)]

    def tensors(self, values: np.ndarray) -> dict:
        tensors, at = {}, 0
        for name, shape in self.shapes.items():
            length = int(np.prod(shape))
            tensors[name] = values[at : at + length].reshape(shape)
            at += length
        return tensors

    def file(self, i: int) -> Path:
        path = self.directory / f"update-{i}"
        tensors = self.tensors(self.weights[i])
        match i % 4:
            case 0:
                save_file(tensors, path, metadata={"round": "1"})
            case 1:
                np.savez(path.open("wb"), **tensors)
            case 2:
                np.savez_compressed(path.open("wb"), **tensors)
            case _:
                path.write_bytes(self.weights[i].astype("<f4").tobytes())
        return path

    def ask(self, rule: dict, clip, *options: str, updates=None) -> subprocess.CompletedProcess:
        listed = [f"device-{i:02}:{self.examples[i]}:{self.files[i]}" for i in range(self.n)]
        # The order of arrival is nobody's business.
        self.rng.shuffle(listed)
        command = [self.pqfw, "qflare", "aggregate", "--base", "base.safetensors", "--json"]
        command += ["--rule", spelled(rule), "--clip", str(clip or "none").lower(), *options]
        return subprocess.run(
            [str(part) for part in command + (updates or listed)],
            cwd=self.directory,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def compare(self, rule: dict, clip) -> None:
        base = self.base.astype(np.float64)
        deltas, _ = oracle.clip(self.weights.astype(np.float64) - base, clip)
        expected, used = oracle.aggregate(base, deltas, self.examples, rule)
        ran = self.ask(rule, clip, "--out", "next.safetensors", "--memory", str(self.rng.integers(2)))
        if expected is None:
            expect(ran.returncode == 1 and b"none of" in ran.stderr, ran.stderr.decode())
            return
        expect(ran.returncode == 0, ran.stderr.decode())
        report = json.loads(ran.stdout)
        ours = [update["verdict"] == "used" for update in report["updates"]]
        expect(ours == used, f"used {ours}, numpy {used}")
        path = self.directory / "next.safetensors"
        expect(hashlib.sha256(path.read_bytes()).hexdigest() == report["sha256"], "another hash")
        tensors = load_file(path)
        expect({n: t.shape for n, t in tensors.items()} == self.shapes, "another layout")
        found = np.concatenate([tensors[name].ravel() for name in sorted(tensors)])
        worst = float(np.max(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))
        expect(worst <= CLOSE, f"{worst} from numpy")

    def too_few(self) -> None:
        """n = 2f + 2 is refused, and 2f + 3 is not."""
        for f in range(self.n):
            rule = {"name": "multi_krum", "f": f}
            ran = self.ask(rule, "median")
            allowed = self.n >= 2 * f + 3
            expect((ran.returncode == 0) == allowed, f"f = {f} of {self.n}: {ran.stderr.decode()}")
            if not allowed:
                expect(f"needs {2 * f + 3} ".encode() in ran.stderr, ran.stderr.decode())

    def hostile(self) -> None:
        """A pickle, an object array and NaN are rejected, and the others go on."""
        (self.directory / "pickle").write_bytes(pickle.dumps(self.tensors(self.base)))
        with (self.directory / "object").open("wb") as file:
            np.savez(file, a=np.array([{}], dtype=object))
        spoilt = self.base.copy()
        spoilt[-1] = np.nan
        (self.directory / "nan").write_bytes(spoilt.astype("<f4").tobytes())
        bad = [f"{name}:1:{name}" for name in ("nan", "object", "pickle")]
        ran = self.ask({"name": "fedavg"}, None, updates=[f"good:1:{self.files[0]}", *bad])
        expect(ran.returncode == 0, ran.stderr.decode())
        verdicts = {u["device"]: u["verdict"] for u in json.loads(ran.stdout)["updates"]}
        expected = {"good": "used", "nan": "rejected", "object": "rejected", "pickle": "rejected"}
        expect(verdicts == expected, verdicts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pqfw", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    print(f"seed {args.seed}, numpy {np.__version__}")
    rng = np.random.default_rng(args.seed)
    checks = Checks()
    for number in range(args.rounds):
        with tempfile.TemporaryDirectory() as directory:
            one = Round(args.pqfw.resolve(), Path(directory), rng)
            before = checks.passed
            for rule, clip in rules(one.n, rng):
                name = f"round {number}: {spelled(rule)}, clip {clip}, {one.n} devices"
                checks.run(name, one.compare, rule, clip)
            checks.run(f"round {number}: 2f + 3 of {one.n}", one.too_few)
            checks.run(f"round {number}: what is no model", one.hostile)
            print(f"  round {number}: {one.n} devices, {checks.passed - before} passed", flush=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
