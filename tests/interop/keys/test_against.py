#!/usr/bin/env python3
"""Key files of the pqfw binary against those of Python's `cryptography`.

    test_against.py --pqfw BINARY

For every algorithm that both have: keys made here are loaded there and the other
way round, in PEM and DER, plain and encrypted; then both ends use them on each
other. What one of the two lacks is listed as skipped, with the reason: SLH-DSA,
ML-KEM-512 and the expanded forms need OpenSSL itself (3.5 and later), which the
feature `openssl` of pqfw vendors; a test over it can stand beside that crate.
The last line is `N passed, M failed`; exit status 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cryptography  # noqa: E402
import peer  # noqa: E402
from cryptography.exceptions import UnsupportedAlgorithm  # noqa: E402
from cryptography.hazmat.backends.openssl.backend import backend  # noqa: E402
from cryptography.hazmat.primitives.serialization import (  # noqa: E402
    BestAvailableEncryption,
    Encoding,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

COMMAND_SECONDS = 120.0
PASSPHRASE = b"correct horse battery staple"
MESSAGE = b"a message of both ends"


class Skipped(Exception):
    """A check that one of the two ends cannot take part in; the text says why."""


class Checks:
    """Runs named checks, prints a row for each, counts."""

    def __init__(self):
        self.passed = self.failed = 0
        self.skipped: list[str] = []

    def skip(self, text: str) -> None:
        print(f"  skip  {text}")
        self.skipped.append(text)

    def run(self, name: str, function, *args) -> None:
        try:
            function(*args)
        except Skipped as reason:
            self.skip(f"{name}: {reason}")
        except Exception as error:
            self.failed += 1
            print(f"  FAIL  {name}")
            known = isinstance(error, AssertionError) and str(error)
            text = str(error) if known else "".join(traceback.format_exception(error))
            for line in text.rstrip().splitlines():
                print(f"          {line}")
        else:
            self.passed += 1
            print(f"  pass  {name}", flush=True)


def expect(condition: object, message: object) -> None:
    if not condition:
        raise AssertionError(str(message))


class Pqfw:
    """The binary, in a directory of its own."""

    def __init__(self, binary: Path, home: Path):
        self.binary, self.home = binary, home

    def run(self, *arguments: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [str(self.binary), *arguments],
            cwd=self.home,
            env={"XDG_STATE_HOME": str(self.home / "state"), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=COMMAND_SECONDS,
        )
        if code is not None:
            said = done.stderr.decode(errors="replace")[-2000:]
            expect(done.returncode == code, f"{arguments}: exit {done.returncode}: {said}")
        return done.stdout.decode(errors="replace")

    def knows(self, algorithm: str) -> bool:
        described = json.loads(self.run("describe", algorithm, "--json", code=None))
        return bool(described.get("providers"))

    def inspect(self, name: str, *more: str) -> dict:
        return json.loads(self.run("keys", "inspect", name, "--json", *more))[0]

    def read(self, name: str) -> bytes:
        return (self.home / name).read_bytes()

    def write(self, name: str, data: bytes) -> None:
        path = self.home / name
        path.write_bytes(data)
        path.chmod(0o600)


class Pair:
    """A key pair that both ends hold: as files for pqfw, as objects for `cryptography`."""

    def __init__(self, pqfw: Pqfw, algorithm: str, private, public, secret_file: str, public_file: str):
        self.pqfw, self.algorithm = pqfw, algorithm
        self.private, self.public = private, public
        self.secret_file, self.public_file = secret_file, public_file

    def works(self, *passphrase: str) -> None:
        """Both ends use the key on what the other end made."""
        if isinstance(peer.ALGORITHMS[self.algorithm], peer.Kem):
            self.kem_works(*passphrase)
        else:
            self.signature_works(*passphrase)

    def kem_works(self, *passphrase: str) -> None:
        pqfw, kem = self.pqfw, peer.ALGORITHMS[self.algorithm]
        ciphertext, secret = kem.encapsulate(self.public)
        pqfw.write("ct", ciphertext)
        pqfw.run("kem", "decaps", "--alg", self.algorithm, "--secret", self.secret_file,
                 "--ciphertext", "ct", "--shared-secret", "ss", *passphrase)  # fmt: skip
        expect(pqfw.read("ss") == secret, "encapsulated there, another secret here")
        pqfw.run("kem", "encaps", "--alg", self.algorithm, "--public", self.public_file,
                 "--ciphertext", "ct", "--shared-secret", "ss")  # fmt: skip
        secret = kem.decapsulate(self.private, pqfw.read("ct"))
        expect(pqfw.read("ss") == secret, "encapsulated here, another secret there")

    def signature_works(self, *passphrase: str) -> None:
        pqfw, signature = self.pqfw, peer.ALGORITHMS[self.algorithm]
        pqfw.write("m", MESSAGE)
        verify = ("sig", "verify", "--alg", self.algorithm, "--public", self.public_file,
                  "--in", "m", "--signature", "s")  # fmt: skip
        pqfw.write("s", signature.sign(self.private, MESSAGE))
        pqfw.run(*verify)
        pqfw.write("m", MESSAGE + b"!")
        pqfw.run(*verify, code=3)
        pqfw.write("m", MESSAGE)
        pqfw.run("sig", "sign", "--alg", self.algorithm, "--secret", self.secret_file,
                 "--in", "m", "--signature", "s", *passphrase)  # fmt: skip
        signature.verify(self.public, MESSAGE, pqfw.read("s"))


class AlgorithmChecks:
    """All checks of one algorithm."""

    def __init__(self, checks: Checks, pqfw: Pqfw, algorithm: str):
        self.checks, self.pqfw, self.algorithm = checks, pqfw, algorithm
        self.table = peer.ALGORITHMS[algorithm]
        pqfw.write("pass", PASSPHRASE + b"\n")
        pqfw.write("wrong", b"wrong\n")

    def run(self) -> None:
        run, name = self.checks.run, self.algorithm
        for packing in ("pem", "der"):
            run(f"{name}: made here, {packing}, used by both", self.ours, packing)
            run(f"{name}: made there, {packing}, used by both", self.theirs, packing)
        for kdf in ("scrypt", "pbkdf2"):
            run(f"{name}: encrypted here under {kdf}", self.ours_encrypted, kdf)
        run(f"{name}: encrypted there", self.theirs_encrypted)
        for form in self.table.forms:
            if form != self.table.forms[0]:
                run(f"{name}: form {form}", self.form, form)

    def generate(self, *more: str) -> None:
        self.pqfw.run("keys", "generate", "--alg", self.algorithm, "--secret", "sk",
                      "--public", "pk", "--force", *more)  # fmt: skip

    def ours(self, packing: str) -> None:
        pqfw = self.pqfw
        self.generate("--format", packing)
        if packing == "pem":
            private = load_pem_private_key(pqfw.read("sk"), None)
            public, encoding = load_pem_public_key(pqfw.read("pk")), Encoding.PEM
        else:
            private = load_der_private_key(pqfw.read("sk"), None)
            public, encoding = load_der_public_key(pqfw.read("pk")), Encoding.DER
        expect(peer.public_file(public, encoding) == pqfw.read("pk"), "public file differs")
        expect(private.public_key() == public, "the halves do not belong together there")
        written = peer.private_file(private, encoding)
        expect(written == pqfw.read("sk"), "private file is written differently there")
        expect(pqfw.inspect("pk")["fingerprint"] == peer.fingerprint(public), "fingerprint")
        Pair(pqfw, self.algorithm, private, public, "sk", "pk").works()

    def theirs(self, packing: str) -> None:
        pqfw = self.pqfw
        encoding = Encoding.PEM if packing == "pem" else Encoding.DER
        private = self.table.generate()
        pqfw.write("sk", peer.private_file(private, encoding))
        pqfw.write("pk", peer.public_file(private.public_key(), encoding))
        for name in ("sk", "pk"):
            found = pqfw.inspect(name)
            expect(found["consistent"] is True, found)
            expect(self.algorithm in found["algorithms"], found)
            expect(found["fingerprint"] == peer.fingerprint(private.public_key()), found)
        self.same_after_conversion("sk", packing)
        Pair(pqfw, self.algorithm, private, private.public_key(), "sk", "pk").works()

    def same_after_conversion(self, name: str, packing: str) -> None:
        """A file of theirs, read and written here, is still their file."""
        self.pqfw.run("keys", "convert", "--in", name, "--out", "again", "--to", packing,
                      "--alg", self.algorithm, "--force")  # fmt: skip
        expect(self.pqfw.read("again") == self.pqfw.read(name), "converted file differs")

    def ours_encrypted(self, kdf: str) -> None:
        pqfw = self.pqfw
        self.generate("--passphrase-file", "pass", "--kdf", kdf)
        private = load_pem_private_key(pqfw.read("sk"), PASSPHRASE)
        public = load_pem_public_key(pqfw.read("pk"))
        expect(private.public_key() == public, "the halves do not belong together there")
        try:
            load_pem_private_key(pqfw.read("sk"), b"wrong")
        except ValueError:
            pass
        else:
            raise AssertionError("opened there with a wrong passphrase")
        pair = Pair(pqfw, self.algorithm, private, public, "sk", "pk")
        pair.works("--passphrase-file", "pass")

    def theirs_encrypted(self) -> None:
        pqfw = self.pqfw
        private = self.table.generate()
        pqfw.write("pk", peer.public_file(private.public_key()))
        for encoding in (Encoding.PEM, Encoding.DER):
            encryption = BestAvailableEncryption(PASSPHRASE)
            pqfw.write("sk", peer.private_file(private, encoding, encryption))
            expect(pqfw.inspect("sk")["what"] == "encrypted private key", "not recognised")
            found = pqfw.inspect("sk", "--passphrase-file", "pass")
            expect(found["fingerprint"] == peer.fingerprint(private.public_key()), found)
            pqfw.run("keys", "inspect", "sk", "--passphrase-file", "wrong", code=1)
        pair = Pair(pqfw, self.algorithm, private, private.public_key(), "sk", "pk")
        pair.works("--passphrase-file", "pass")

    def form(self, form: str) -> None:
        pqfw = self.pqfw
        self.generate("--form", form)
        public = load_pem_public_key(pqfw.read("pk"))
        try:
            private = load_pem_private_key(pqfw.read("sk"), None)
        except (UnsupportedAlgorithm, ValueError):
            raise Skipped(f"cryptography {cryptography.__version__} reads seeds alone") from None
        expect(private.public_key() == public, "the halves do not belong together there")
        Pair(pqfw, self.algorithm, private, public, "sk", "pk").works()


def not_offered(checks: Checks, pqfw: Pqfw) -> None:
    """What has key files here and is unknown there."""
    listed = json.loads(pqfw.run("list-algorithms", "--json"))
    named = {row["id"] for row in listed if row["kind"] in ("kem", "signature") and row["oid"]}
    for algorithm in sorted(named - set(peer.ALGORITHMS)):
        checks.skip(f"{algorithm}: cryptography {cryptography.__version__} does not offer it")


def main() -> int:
    parser = argparse.ArgumentParser(description="Interop checks of key files.")
    parser.add_argument("--pqfw", type=Path, required=True, help="the pqfw binary")
    # The options of the other suites are not ours.
    args, _ = parser.parse_known_args()
    binary = args.pqfw.resolve()
    if not os.access(binary, os.X_OK):
        parser.error(f"{binary} is not an executable file")
    print(f"cryptography {cryptography.__version__}, {backend.openssl_version_text()}")

    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="keys-interop-") as temporary:
        pqfw = Pqfw(binary, Path(temporary))
        for algorithm in peer.ALGORITHMS:
            if pqfw.knows(algorithm):
                AlgorithmChecks(checks, pqfw, algorithm).run()
            else:
                checks.skip(f"{algorithm}: this pqfw does not have it")
        not_offered(checks, pqfw)

    print()
    for text in checks.skipped:
        print(f"*** SKIPPED: {text}")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
