#!/usr/bin/env python3
"""What qflare.sh runs: makes updates, aggregates them by pqfw and by numpy, prints a table.

Each run is a process of its own, so that its peak memory is its own. Times are of the
aggregation alone, the weights in files that the page cache holds: pqfw reads them in pieces, numpy
all at once into float64, which is counted, too. numpy computes as one would write it: Krum's
distances by one product of matrices, all else by the functions that numpy has for it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

MEMORY_MIB = 64


def rules(n: int):
    f = (n - 3) // 3
    yield "fedavg", "none"
    yield "fedavg", "median"
    yield "median", "none"
    yield "trimmed_mean(0.3)", "none"
    yield f"krum({f})", "none"
    yield f"multi_krum({f})", "median"
    yield "cosine(0.2)", "median"
    yield "qflare_cosine(0.8)", "none"


def by_numpy(rule: str, clip: str, directory: Path, n: int) -> np.ndarray:
    base = load_file(directory / "base.safetensors")["w"].astype(np.float64)
    deltas = np.stack([load_file(directory / f"{i}.safetensors")["w"] for i in range(n)])
    deltas = deltas.astype(np.float64)
    deltas -= base
    if clip == "median":
        norms = np.linalg.norm(deltas, axis=1)
        deltas *= np.minimum(1.0, np.median(norms) / norms)[:, None]
    name, _, settings = rule.rstrip(")").partition("(")
    if name == "median":
        return base + np.median(deltas, axis=0)
    if name == "trimmed_mean":
        drop = int(float(settings) * n + 1e-9)
        return base + np.sort(deltas, axis=0)[drop : n - drop].mean(axis=0)
    chosen = np.ones(n, dtype=bool)
    if name in ("krum", "multi_krum"):
        f = int(settings)
        squares = np.einsum("ij,ij->i", deltas, deltas)
        distances = squares[:, None] + squares[None] - 2.0 * (deltas @ deltas.T)
        np.fill_diagonal(distances, np.inf)
        scores = np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)
        best = np.argsort(scores, kind="stable")[: 1 if name == "krum" else n - f]
        chosen = np.isin(np.arange(n), best)
    elif name in ("cosine", "qflare_cosine"):
        vectors, reference = deltas, np.median(deltas, axis=0) if name == "cosine" else base
        if name == "qflare_cosine":
            vectors = deltas + base
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(reference)
        chosen = vectors @ reference / lengths >= float(settings)
    # Every device has as many examples.
    return base + deltas[chosen].mean(axis=0)


def make(directory: Path, n: int, d: int) -> None:
    """A step that most saw with noise, and a tenth of liars."""
    rng = np.random.default_rng(1)
    base = rng.normal(size=d).astype(np.float32)
    step = (rng.normal(size=d) * 0.1).astype(np.float32)
    save_file({"w": base}, directory / "base.safetensors")
    for i in range(n):
        noise = rng.standard_normal(size=d, dtype=np.float32) * np.float32(0.1)
        delta = step * np.float32(-10) if i % 10 == 0 else step
        save_file({"w": base + delta + noise}, directory / f"{i}.safetensors")


def run(command: list) -> tuple[bytes, float]:
    """What a process printed, and its peak memory in MiB."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"qflare.py: {command[0]} ended with {process.returncode}")
    return printed, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pqfw", type=Path, required=True)
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--numpy", nargs=3, metavar=("RULE", "CLIP", "DIRECTORY"))
    args = parser.parse_args()
    n = args.updates
    if args.numpy:
        rule, clip, directory = args.numpy
        began = time.perf_counter()
        model = by_numpy(rule, clip, Path(directory), n)
        print(1000 * (time.perf_counter() - began))
        np.save(Path(directory) / "numpy.npy", model)
        return
    print(f"{n} updates of {args.parameters} parameters, numpy {np.__version__}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; pieces of {MEMORY_MIB} MiB\n")
    print("| rule | clip | pqfw, s | peak, MiB | numpy, s | peak, MiB | apart |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make(directory, n, args.parameters)
        base, out = directory / "base.safetensors", directory / "next.safetensors"
        updates = [f"d{i:04}:1:{directory}/{i}.safetensors" for i in range(n)]
        for rule, clip in rules(n):
            ours = [args.pqfw, "qflare", "aggregate", "--json", "--base", base, "--out", out]
            ours += ["--rule", rule, "--clip", clip, "--memory", MEMORY_MIB, *updates]
            printed, peak = run(ours)
            seconds = json.loads(printed)["milliseconds"] / 1000
            theirs = [sys.executable, __file__, "--pqfw", args.pqfw, "--updates", n]
            printed, their_peak = run([*theirs, "--numpy", rule, clip, directory])
            their_seconds = float(printed) / 1000
            apart = np.abs(load_file(out)["w"] - np.load(directory / "numpy.npy")).max()
            cells = (f"{seconds:.2f}", f"{peak:.0f}", f"{their_seconds:.2f}", f"{their_peak:.0f}")
            print(f"| {rule} | {clip} | {' | '.join(cells)} | {apart:.0e} |", flush=True)
            if apart > 1e-6:
                sys.exit(f"qflare.py: {rule}: the models are {apart} apart")


if __name__ == "__main__":
    main()
