#!/usr/bin/env python3
"""Interop checks of hybrids: peer.py, written from the page, against the pqfw binary.

    test_against.py --pqfw BINARY

The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from peer import HybridKem, HybridSignature  # noqa: E402

KEMS = [
    "X25519+ML-KEM-768",
    "P-256+ML-KEM-768",
    "P-384+ML-KEM-1024",
    "brainpoolP512r1+ML-KEM-1024",
    "X25519+P-384+ML-KEM-768+ML-KEM-1024",
]
SEEDED_SIGNATURES = ["Ed25519+ML-DSA-65", "Ed25519+ML-DSA-87"]
SIGNATURES = SEEDED_SIGNATURES + ["ECDSA-P256+ML-DSA-65"]
COMMAND_SECONDS = 60


class Tool:
    def __init__(self, binary: str, directory: Path):
        self.binary, self.directory = binary, directory

    def __call__(self, *args: str, expected: int = 0) -> None:
        env = {"XDG_STATE_HOME": str(self.directory), "NO_COLOR": "1"}
        command = [self.binary, *args]
        ran = subprocess.run(
            command, cwd=self.directory, env=env, capture_output=True, timeout=COMMAND_SECONDS
        )
        assert ran.returncode == expected, f"{command}: {ran.returncode} {ran.stderr.decode()}"

    def read(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        (self.directory / name).write_bytes(data)


def kem_seed(tool: Tool, name: str) -> None:
    """One seed, one key pair, whoever expands it."""
    seed = os.urandom(32)
    kem = HybridKem(name)
    tool("kem", "keygen", "--alg", name, "--seed", seed.hex(), "--raw", "--secret", "sk",
         "--public", "pk", "--force")  # fmt: skip
    assert tool.read("pk") == kem.public(kem.keys_from_seed(seed)), "the public keys differ"


def kem_to_us(tool: Tool, name: str) -> None:
    seed = os.urandom(32)
    kem = HybridKem(name)
    tool("kem", "keygen", "--alg", name, "--seed", seed.hex(), "--raw", "--secret", "sk",
         "--public", "pk", "--force")  # fmt: skip
    ct, secret = kem.encapsulate(tool.read("pk"))
    tool.write("ct", ct)
    tool("kem", "decaps", "--alg", name, "--raw", "--secret", "sk", "--ciphertext", "ct",
         "--shared-secret", "ss")  # fmt: skip
    assert tool.read("ss") == secret, "the secrets differ"
    forged = bytearray(ct)
    forged[-1] ^= 1
    tool.write("ct", bytes(forged))
    tool("kem", "decaps", "--alg", name, "--raw", "--secret", "sk", "--ciphertext", "ct",
         "--shared-secret", "ss")  # fmt: skip
    keys = kem.keys_from_seed(seed)
    assert tool.read("ss") == kem.decapsulate(keys, bytes(forged)), "rejection differs"
    assert tool.read("ss") != secret, "a forged ciphertext gives the secret"


def kem_from_us(tool: Tool, name: str) -> None:
    kem = HybridKem(name)
    keys = kem.keys_from_seed(os.urandom(32))
    tool.write("pk", kem.public(keys))
    tool("kem", "encaps", "--alg", name, "--raw", "--public", "pk", "--ciphertext", "ct",
         "--shared-secret", "ss")  # fmt: skip
    assert tool.read("ss") == kem.decapsulate(keys, tool.read("ct")), "the secrets differ"


def signature_by_us(tool: Tool, name: str) -> None:
    tool("sig", "keygen", "--alg", name, "--raw", "--secret", "sk", "--public", "vk", "--force")
    tool.write("m", b"a message from us")
    tool("sig", "sign", "--alg", name, "--raw", "--secret", "sk", "--in", "m", "--signature", "s")
    hybrid = HybridSignature(name)
    vk, signature = tool.read("vk"), tool.read("s")
    assert hybrid.verify(vk, b"a message from us", signature), "ours does not verify"
    assert not hybrid.verify(vk, b"a message from uz", signature), "another message verifies"


def signature_seed(tool: Tool, name: str) -> None:
    seed = os.urandom(32)
    hybrid = HybridSignature(name)
    tool("sig", "keygen", "--alg", name, "--seed", seed.hex(), "--raw", "--secret", "sk",
         "--public", "vk", "--force")  # fmt: skip
    assert tool.read("vk") == hybrid.public(hybrid.keys_from_seed(seed)), "the keys differ"


def signature_by_them(tool: Tool, name: str) -> None:
    hybrid = HybridSignature(name)
    seeded = name in SEEDED_SIGNATURES
    keys = hybrid.keys_from_seed(os.urandom(32)) if seeded else hybrid.fresh()
    message = b"a message from them"
    signature = hybrid.sign(keys, message)
    tool.write("vk", hybrid.public(keys))
    tool.write("m", message)
    verify = ["sig", "verify", "--alg", name, "--raw", "--public", "vk", "--in", "m",
              "--signature", "s"]  # fmt: skip
    tool.write("s", signature)
    tool(*verify)
    last = signature[:-1] + bytes([signature[-1] ^ 1])
    first = signature[:10] + bytes([signature[10] ^ 1]) + signature[11:]
    for what, forged in (("last leg", last), ("first leg", first), ("tail", signature + b"\0")):
        tool.write("s", forged)
        try:
            tool(*verify, expected=3)
        except AssertionError as error:
            raise AssertionError(f"{what}: {error}") from error


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pqfw", required=True)
    args, _ = parser.parse_known_args()
    binary = str(Path(args.pqfw).resolve())
    checks = [(f, name) for name in KEMS for f in (kem_seed, kem_to_us, kem_from_us)]
    checks += [(signature_seed, name) for name in SEEDED_SIGNATURES]
    checks += [(f, name) for name in SIGNATURES for f in (signature_by_us, signature_by_them)]
    passed = failed = 0
    for function, name in checks:
        with tempfile.TemporaryDirectory() as directory:
            try:
                function(Tool(binary, Path(directory)), name)
            except Exception as error:  # every failure is a row
                failed += 1
                print(f"  FAIL  {function.__name__} {name}\n          {error!r}")
            else:
                passed += 1
                print(f"  pass  {function.__name__} {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
