"""Aggregates of random updates by numpy, written from docs/protocols/qflare.md and its papers.

    python make_aggregation.py > aggregation.json

No line of it comes from the Rust code: medians are numpy's, distances are numpy's, and the trimmed
mean sorts whole columns.
"""

import json
import math

import numpy as np

CASES = [  # n, d, seed
    (1, 5, 1),
    (2, 9, 2),
    (4, 17, 3),
    (5, 16, 4),
    (7, 67, 5),
    (8, 33, 6),
    (9, 8, 7),
    (12, 130, 8),
]


def clip(deltas, how):
    norms = np.array([np.linalg.norm(d) for d in deltas])
    if how is None:
        return deltas, [False] * len(deltas)
    most = float(np.median(norms)) if how == "median" else how
    out = [d * (most / n) if n > most else d for d, n in zip(deltas, norms)]
    return np.array(out), [bool(n > most) for n in norms]


def weighted(deltas, examples, chosen):
    total = sum(e for e, c in zip(examples, chosen) if c)
    return sum(np.float64(e / total) * d for d, e, c in zip(deltas, examples, chosen) if c)


def krum_scores(deltas, f):
    n = len(deltas)
    square = ((deltas[:, None, :] - deltas[None, :, :]) ** 2).sum(axis=2)
    return [float(np.sort(np.delete(square[i], i))[: n - f - 2].sum()) for i in range(n)]


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def aggregate(base, deltas, examples, rule):
    n = len(deltas)
    everyone = [True] * n
    name = rule["name"]
    if name == "fedavg":
        return base + weighted(deltas, examples, everyone), everyone
    if name == "median":
        return base + np.median(deltas, axis=0), everyone
    if name == "trimmed_mean":
        drop = math.floor(round(rule["beta"] * n, 9))
        return base + np.sort(deltas, axis=0)[drop : n - drop].mean(axis=0), everyone
    if name in ("krum", "multi_krum"):
        scores = krum_scores(deltas, rule["f"])
        m = 1 if name == "krum" else rule.get("m", n - rule["f"])
        best = sorted(range(n), key=lambda i: (scores[i], i))[:m]
        return base + deltas[best].mean(axis=0), [i in best for i in range(n)]
    if name == "cosine":
        reference = np.median(deltas, axis=0)
        chosen = [cosine(d, reference) >= rule["at_least"] for d in deltas]
    else:
        chosen = [cosine(base + d, base) >= rule["at_least"] for d in deltas]
    if not any(chosen):
        return None, chosen
    return base + weighted(deltas, examples, chosen), chosen


def rules(n):
    yield {"name": "fedavg"}, None
    yield {"name": "fedavg"}, 0.5
    yield {"name": "fedavg"}, "median"
    yield {"name": "median"}, None
    yield {"name": "median"}, "median"
    for beta in (0.0, 0.1, 0.25, 0.49):
        yield {"name": "trimmed_mean", "beta": beta}, None
    f = (n - 3) // 2
    for f in range(0, f + 1):
        yield {"name": "krum", "f": f}, None
        yield {"name": "multi_krum", "f": f}, "median"
        yield {"name": "multi_krum", "f": f, "m": min(2, n - f)}, None
    yield {"name": "cosine", "at_least": 0.2}, "median"
    yield {"name": "cosine", "at_least": 0.9}, 1.0
    yield {"name": "qflare_cosine", "at_least": 0.8}, None


def case(n, d, seed):
    rng = np.random.default_rng(seed)
    base = rng.normal(size=d).astype(np.float32)
    step = rng.normal(size=d) * 0.2
    weights = (base + step + rng.normal(size=(n, d)) * 0.1).astype(np.float32)
    for bad in range(n // 4):
        weights[rng.integers(n)] = (base - 5 * step * (bad + 1)).astype(np.float32)
    examples = [int(e) for e in rng.integers(1, 500, size=n)]
    base64, deltas = base.astype(np.float64), weights.astype(np.float64) - base
    expected = []
    for rule, how in rules(n):
        clipped, marks = clip(deltas, how)
        result, used = aggregate(base64, clipped, examples, rule)
        expected.append(
            {
                "rule": rule,
                "clip": how,
                "weights": None if result is None else [float(x) for x in result],
                "used": used,
                "clipped": marks,
            }
        )
    return {
        "base": [float(x) for x in base],
        "updates": [
            {"device": f"device-{i:02}", "examples": e, "weights": [float(x) for x in w]}
            for i, (e, w) in enumerate(zip(examples, weights))
        ],
        "expected": expected,
    }


if __name__ == "__main__":
    cases = [json.dumps(case(*shape)) for shape in CASES]
    print("[" + ",\n".join(cases) + "]")
