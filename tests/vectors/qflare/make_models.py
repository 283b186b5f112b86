"""Model files as numpy and the safetensors library write them, and files that must be refused.

    python make_models.py       # writes models/ beside it

`models/models.json` says what is in them.
"""

import hashlib
import io
import json
import pathlib
import pickle
import zipfile

import numpy as np
from safetensors.numpy import save

HERE = pathlib.Path(__file__).parent / "models"


def npz(how=np.savez, **arrays):
    file = io.BytesIO()
    how(file, **arrays)
    return file.getvalue()


def zipped(names, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in names:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return file.getvalue()


class Streamed(io.BytesIO):
    """A file that cannot go back, so that lengths follow the entries."""

    def seekable(self):
        return False

    def seek(self, *_):
        raise io.UnsupportedOperation

    def tell(self):
        raise io.UnsupportedOperation


def streamed(arrays):
    file = Streamed()
    np.savez(file, **arrays)
    return file.getvalue()


def main():
    rng = np.random.default_rng(11)
    arrays = {
        "layer1.weight": rng.normal(size=(4, 3)).astype(np.float32),
        "layer1.bias": rng.normal(size=3).astype(np.float32),
        "a scalar": np.array(0.25, np.float32),
        "nothing": np.zeros((0, 5), np.float32),
        'ä "quoted" name': rng.normal(size=(2, 3, 4)).astype(np.float32),
    }
    canonical = save(arrays)
    fortran = {name: np.array(array, order="F") for name, array in arrays.items()}
    accepted = {
        "canonical.safetensors": canonical,
        "metadata.safetensors": save(arrays, metadata={"made by": "a test", "n": "1"}),
        "stored.npz": npz(**arrays),
        "deflated.npz": npz(np.savez_compressed, **arrays),
        "fortran.npz": npz(**fortran),
        "streamed.npz": streamed(arrays),
    }
    doubles = {name: array.astype(np.float64) for name, array in arrays.items()}
    record = np.zeros(2, dtype=[("a", "<f4"), ("b", "<f4")])
    program = pickle.dumps(arrays)
    refused = {
        "pickle.pkl": ("Pickle", program),
        "object.npz": ("Pickle", npz(a=np.array([{}], dtype=object))),
        "torch.pt": ("Pickle", zipped([("m/data.pkl", program), ("m/data/0", bytes(48))])),
        "double.safetensors": ("DataType", save(doubles)),
        "double.npz": ("DataType", npz(**doubles)),
        "big-endian.npz": ("DataType", npz(a=np.zeros(3, ">f4"))),
        "record.npz": ("DataType", npz(a=record)),
        "nan.safetensors": ("NotFinite", save({"a": np.array([1, np.nan], np.float32)})),
        "infinite.npz": ("NotFinite", npz(a=np.array([1, -np.inf], np.float32))),
        "text.npz": ("Malformed", zipped([("a.txt", b"text")])),
        "bzip2.npz": ("Malformed", zipped([("a.npy", b"text")], zipfile.ZIP_BZIP2)),
    }
    HERE.mkdir(exist_ok=True)
    for name, content in accepted.items():
        (HERE / name).write_bytes(content)
    for name, (_, content) in refused.items():
        (HERE / name).write_bytes(content)
    described = {
        "sha256": hashlib.sha256(canonical).hexdigest(),
        "tensors": [
            {"name": n, "shape": list(arrays[n].shape), "values": [float(v) for v in arrays[n].ravel()]}
            for n in sorted(arrays)
        ],
        "accepted": list(accepted),
        "refused": {name: why for name, (why, _) in refused.items()},
    }
    (HERE / "models.json").write_text(json.dumps(described, indent=1) + "\n")


if __name__ == "__main__":
    main()
