"""Makes dilithium2.kat: Dilithium2 keys and signatures by the Python package dilithium-py 1.5.1.

    pip install dilithium-py==1.5.1 pycryptodome
    python make_vectors.py > dilithium2.kat
    python make_vectors.py check FILE      # verifies the vk, message and signature of each case

Its generator is seeded, so a second run gives the same file. It signs deterministically.
"""

import sys

from dilithium_py.dilithium import Dilithium2

MESSAGES = [b"", b"pqfw", bytes(range(256)) * 3]


def make():
    Dilithium2.set_drbg_seed(bytes(range(48)))
    print("# Dilithium2 round 3.1 by dilithium-py 1.5.1: make_vectors.py beside this file.")
    for message in MESSAGES:
        vk, sk = Dilithium2.keygen()
        signature = Dilithium2.sign(sk, message)
        assert Dilithium2.verify(vk, message, signature)
        values = {"vk": vk, "sk": sk, "message": message, "signature": signature}
        for name, value in values.items():
            print(f"{name} = {value.hex()}".strip())
        print()


def check(path):
    verified = 0
    with open(path) as file:
        for case in file.read().split("\n\n"):
            lines = [line for line in case.splitlines() if line and not line.startswith("#")]
            if not lines:
                continue
            values = {name.strip(): value for name, _, value in (l.partition("=") for l in lines)}
            names = ("vk", "message", "signature")
            vk, message, signature = (bytes.fromhex(values[name]) for name in names)
            assert Dilithium2.verify(vk, message, signature)
            assert not Dilithium2.verify(vk, message + b"\0", signature)
            verified += 1
    print(verified, "signatures verify")


if sys.argv[1:2] == ["check"]:
    check(sys.argv[2])
else:
    make()
