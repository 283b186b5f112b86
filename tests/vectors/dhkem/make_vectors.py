"""DHKEM (RFC 9180 section 4.1) over X25519, P-256, P-384 and brainpoolP512r1, in Python.

Run in this folder: `python3 make_vectors.py` writes the files, `python3 make_vectors.py --check`
compares them with what is there. It needs the package `cryptography`, whose OpenSSL does the curves
and HMAC. Keys come from SHAKE256 of a label, so every run writes the same bytes.

Nothing is written before three checks have passed: the values of RFC 9180, Appendices A.1.1, A.3.1
and A.6.1 (the last for P-521, whose DeriveKeyPair masks and rejects); the values of RFC 7027,
Appendix A.3; and every public key of a curve and every Diffie-Hellman output, computed again with
Python's integers from the parameters of SP 800-186 and RFC 5639. A run takes a minute for that.
"""

import hashlib
import pathlib
import sys

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).resolve().parent
KATS = HERE.parents[2] / "framework" / "src" / "catalogue" / "kats"


def octets(number, length):
    return number.to_bytes(length, "big")


class Dhkem:
    """What the groups share: the key derivation of RFC 9180 sections 4 and 4.1."""

    def __init__(self, name, kem_id, hash_function, length):
        self.name, self.hash, self.length = name, hash_function, length
        self.suite_id = b"KEM" + octets(kem_id, 2)

    def hmac(self, key, *parts):
        mac = hmac.HMAC(key, self.hash)
        for part in parts:
            mac.update(part)
        return mac.finalize()

    def labeled_extract(self, label, ikm):
        # RFC 5869 section 2.2: an absent salt is a hash's length of zeros.
        zeros = bytes(self.hash.digest_size)
        return self.hmac(zeros, b"HPKE-v1", self.suite_id, label, ikm)

    def labeled_expand(self, prk, label, info, length):
        info = octets(length, 2) + b"HPKE-v1" + self.suite_id + label + info
        output, block = b"", b""
        while len(output) < length:
            block = self.hmac(prk, block, info, octets(len(output) // len(prk) + 1, 1))
            output += block
        return output[:length]

    def extract_and_expand(self, dh, kem_context):
        prk = self.labeled_extract(b"eae_prk", dh)
        return self.labeled_expand(prk, b"shared_secret", kem_context, self.hash.digest_size)

    def encapsulate(self, recipient, ephemeral):
        enc = self.public(ephemeral)
        dh = self.diffie_hellman(ephemeral, recipient)
        return enc, self.extract_and_expand(dh, enc + recipient)

    def decapsulate(self, private, enc):
        dh = self.diffie_hellman(private, enc)
        return self.extract_and_expand(dh, enc + self.public(private))


class X25519(Dhkem):
    def derive(self, ikm):
        """RFC 9180 section 7.1.3: the private key, and how many candidates it took."""
        prk = self.labeled_extract(b"dkp_prk", ikm)
        return self.labeled_expand(prk, b"sk", b"", self.length), 1

    def public(self, private):
        key = x25519.X25519PrivateKey.from_private_bytes(private)
        return key.public_key().public_bytes_raw()

    def diffie_hellman(self, private, public):
        key = x25519.X25519PrivateKey.from_private_bytes(private)
        dh = key.exchange(x25519.X25519PublicKey.from_public_bytes(public))
        assert dh == ladder(private, public)
        return dh


class Weierstrass(Dhkem):
    """A curve y^2 = x^3 + a x + b over the integers modulo p with a prime number n of points."""

    def __init__(self, name, kem_id, hash_function, curve, bitmask, p, a, b, generator, n):
        super().__init__(name, kem_id, hash_function, (n.bit_length() + 7) // 8)
        self.curve, self.bitmask = curve, bitmask
        self.p, self.a, self.b, self.generator, self.n = p, a, b, generator, n
        assert self.holds(generator) and self.times(n - 1, generator)[0] == generator[0]

    def derive(self, ikm):
        """RFC 9180 section 7.1.3: the private key, and how many candidates it took."""
        prk = self.labeled_extract(b"dkp_prk", ikm)
        for counter in range(256):
            private = bytearray(
                self.labeled_expand(prk, b"candidate", octets(counter, 1), self.length)
            )
            private[0] &= self.bitmask
            if 0 < int.from_bytes(private, "big") < self.n:
                return bytes(private), counter + 1
        raise ValueError("DeriveKeyPairError")

    def public(self, private):
        key = ec.derive_private_key(int.from_bytes(private, "big"), self.curve)
        public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        assert public == self.encoded(self.times(int.from_bytes(private, "big"), self.generator))
        return public

    def diffie_hellman(self, private, public):
        scalar = int.from_bytes(private, "big")
        key = ec.derive_private_key(scalar, self.curve)
        peer = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, public)
        dh = key.exchange(ec.ECDH(), peer)
        point = self.times(scalar, self.decoded(public))
        assert dh == octets(point[0], self.length)
        return dh

    # The same with Python's integers, by the affine formulas of SEC 1 section 2.2.1.

    def holds(self, point):
        x, y = point
        return (y * y - x * x * x - self.a * x - self.b) % self.p == 0

    def encoded(self, point):
        return b"\x04" + octets(point[0], self.length) + octets(point[1], self.length)

    def decoded(self, public):
        x = int.from_bytes(public[1 : 1 + self.length], "big")
        y = int.from_bytes(public[1 + self.length :], "big")
        assert public[0] == 4 and self.holds((x, y))
        return x, y

    def sum(self, left, right):
        if left is None or right is None:
            return left or right
        (x1, y1), (x2, y2) = left, right
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if left == right:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x3 = (slope * slope - x1 - x2) % self.p
        return x3, (slope * (x1 - x3) - y1) % self.p

    def times(self, scalar, point):
        total = None
        for bit in bin(scalar)[2:]:
            total = self.sum(total, total)
            if bit == "1":
                total = self.sum(total, point)
        return total


def ladder(private, public):
    """X25519 of RFC 7748 section 5, with Python's integers."""
    p, a24 = 2**255 - 19, 121665
    k = int.from_bytes(private, "little") & ~7 & (2**255 - 1) | 2**254
    u = int.from_bytes(public, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, u, 1
    for bit in bin(k)[2:]:
        if bit == "1":
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        x3, z3 = pow(d * a + c * b, 2, p), u * pow(d * a - c * b, 2, p) % p
        aa, bb = a * a % p, b * b % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + a24 * e) % p
        if bit == "1":
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, -1, p) % p).to_bytes(32, "little")


X25519_GROUP = X25519("x25519", 0x0020, hashes.SHA256(), 32)

# SP 800-186 section 3.2.1.
P_256 = Weierstrass(
    "p-256",
    0x0010,
    hashes.SHA256(),
    ec.SECP256R1(),
    0xFF,
    p=2**256 - 2**224 + 2**192 + 2**96 - 1,
    a=-3,
    b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    generator=(
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
    n=0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
)
P_384 = Weierstrass(
    "p-384",
    0x0011,
    hashes.SHA384(),
    ec.SECP384R1(),
    0xFF,
    p=2**384 - 2**128 - 2**96 + 2**32 - 1,
    a=-3,
    b=0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    generator=(
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
    n=0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
)
P_521 = Weierstrass(
    "p-521",
    0x0012,
    hashes.SHA512(),
    ec.SECP521R1(),
    0x01,
    p=2**521 - 1,
    a=-3,
    b=0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    generator=(
        0x00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE3348B3C1856A429BF97E7E31C2E5BD66,
        0x011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761353C7086A272C24088BE94769FD16650,
    ),
    n=0x01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
)
# RFC 5639 section 3.7. The KEM identifier is private: see the catalogue.
BRAINPOOL_P512R1 = Weierstrass(
    "brainpoolp512r1",
    0xFE12,
    hashes.SHA512(),
    ec.BrainpoolP512R1(),
    0xFF,
    p=0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3,
    a=0x7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA,
    b=0x3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723,
    generator=(
        0x81AEE4BDD82ED9645A21322E9C4C6A9385ED9F70B5D916C1B43B62EEF4D0098EFF3B1F78E2D0D48D50D1687B93B97D5F7C6D5047406A5E688B352209BCB9F822,
        0x7DDE385D566332ECC0EABFA9CF7822FDF209F70024A57B1AA000C55B881F8111B2DCDE494A5F485E5BCA4BD88A2763AED1CA2B2FA8F0540678CD1E0F3AD80892,
    ),
    n=0xAADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069,
)

# ikmR, skRm, pkRm, ikmE, skEm, pkEm = enc, shared_secret.
RFC_9180 = {
    X25519_GROUP: (
        "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
        "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
        "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
        "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
        "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
        "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc",
    ),
    P_256: (
        "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550",
        "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
        "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a"
        "826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
        "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
        "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
        "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325a"
        "c98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
        "c0d26aeab536609a572b07695d933b589dcf363ff9d93c93adea537aeabb8cb8",
    ),
    P_521: (
        "2ad954bbe39b7122529f7dde780bff626cd97f850d0784a432784e69d86eccaa"
        "de43b6c10a8ffdb94bf943c6da479db137914ec835a7e715e36e45e29b587bab3bf1",
        "01462680369ae375e4b3791070a7458ed527842f6a98a79ff5e0d4cbde83c271"
        "96a3916956655523a6a2556a7af62c5cadabe2ef9da3760bb21e005202f7b2462847",
        "0401b45498c1714e2dce167d3caf162e45e0642afc7ed435df7902ccae0e84ba"
        "0f7d373f646b7738bbbdca11ed91bdeae3cdcba3301f2457be452f271fa6837580"
        "e661012af49583a62e48d44bed350c7118c0d8dc861c238c72a2bda17f64704f46"
        "4b57338e7f40b60959480c0e58e6559b190d81663ed816e523b6b6a418f66d2451ec64",
        "7f06ab8215105fc46aceeb2e3dc5028b44364f960426eb0d8e4026c2f8b5d7e7"
        "a986688f1591abf5ab753c357a5d6f0440414b4ed4ede71317772ac98d9239f70904",
        "014784c692da35df6ecde98ee43ac425dbdd0969c0c72b42f2e708ab9d535415"
        "a8569bdacfcc0a114c85b8e3f26acf4d68115f8c91a66178cdbd03b7bcc5291e374b",
        "040138b385ca16bb0d5fa0c0665fbbd7e69e3ee29f63991d3e9b5fa740aab890"
        "0aaeed46ed73a49055758425a0ce36507c54b29cc5b85a5cee6bae0cf1c21f2731"
        "ece2013dc3fb7c8d21654bb161b463962ca19e8c654ff24c94dd2898de12051f1e"
        "d0692237fb02b2f8d1dc1c73e9b366b529eb436e98a996ee522aef863dd5739d2f29b0",
        "776ab421302f6eff7d7cb5cb1adaea0cd50872c71c2d63c30c4f1d5e43653336"
        "fef33b103c67e7a98add2d3b66e2fda95b5b2a667aa9dac7e59cc1d46d30e818",
    ),
}

# dA, x_qA, y_qA, dB, x_qB, y_qB, x_Z.
RFC_7027_A3 = (
    "16302FF0DBBB5A8D733DAB7141C1B45ACBC8715939677F6A56850A38BD87BD59"
    "B09E80279609FF333EB9D4C061231FB26F92EEB04982A5F1D1764CAD57665422",
    "0A420517E406AAC0ACDCE90FCD71487718D3B953EFD7FBEC5F7F27E28C614999"
    "9397E91E029E06457DB2D3E640668B392C2A7E737A7F0BF04436D11640FD09FD",
    "72E6882E8DB28AAD36237CD25D580DB23783961C8DC52DFA2EC138AD472A0FCE"
    "F3887CF62B623B2A87DE5C588301EA3E5FC269B373B60724F5E82A6AD147FDE7",
    "230E18E1BCC88A362FA54E4EA3902009292F7F8033624FD471B5D8ACE49D12CF"
    "ABBC19963DAB8E2F1EBA00BFFB29E4D72D13F2224562F405CB80503666B25429",
    "9D45F66DE5D67E2E6DB6E93A59CE0BB48106097FF78A081DE781CDB31FCE8CCB"
    "AAEA8DD4320C4119F1E9CD437A2EAB3731FA9668AB268D871DEDA55A5473199F",
    "2FDC313095BCDD5FB3A91636F07A959C8E86B5636A1E930E8396049CB481961D"
    "365CC11453A06C719835475B12CB52FC3C383BCE35E27EF194512B71876285FA",
    "A7927098655F1F9976FA50A9D566865DC530331846381C87256BAF3226244B76"
    "D36403C024D7BBF0AA0803EAFF405D3D24F11A9B5C0BEF679FE1454B21C4CD1F",
)


def check_rfc_9180():
    for group, values in RFC_9180.items():
        ikm_r, sk_r, pk_r, ikm_e, sk_e, enc, secret = map(bytes.fromhex, values)
        for ikm, private, public in [(ikm_r, sk_r, pk_r), (ikm_e, sk_e, enc)]:
            assert group.derive(ikm)[0] == private and group.public(private) == public
        assert group.encapsulate(pk_r, sk_e) == (enc, secret)
        assert group.decapsulate(sk_r, enc) == secret


def check_rfc_7027():
    d_a, x_a, y_a, d_b, x_b, y_b, x_z = map(bytes.fromhex, RFC_7027_A3)
    group, q_a, q_b = BRAINPOOL_P512R1, b"\x04" + x_a + y_a, b"\x04" + x_b + y_b
    assert group.public(d_a) == q_a and group.public(d_b) == q_b
    assert group.diffie_hellman(d_a, q_b) == group.diffie_hellman(d_b, q_a) == x_z


def seed_of(group, purpose, index):
    label = "pqfw dhkem vectors, %s, %s, %d" % (group.name, purpose, index)
    return hashlib.shake_256(label.encode()).digest(group.length)


def block(comment, **values):
    lines = ["# " + comment] if comment else []
    return "\n".join(lines + ["%s = %s" % (name, value.hex()) for name, value in values.items()])


def made_here(group, index):
    """One whole case: a recipient from its seed, and an encapsulation to it."""
    seed = seed_of(group, "recipient", index)
    private, candidates = group.derive(seed)
    ephemeral, _ = group.derive(seed_of(group, "ephemeral", index))
    public = group.public(private)
    enc, secret = group.encapsulate(public, ephemeral)
    assert group.decapsulate(private, enc) == secret
    case = dict(seed=seed, dk=private, ek=public, ephemeral=ephemeral, ct=enc, ss=secret)
    return candidates, case


def known_answers(group, title):
    cases = []
    if group in RFC_9180:
        ikm_r, sk_r, pk_r, ikm_e, sk_e, enc, secret = map(bytes.fromhex, RFC_9180[group])
        comment = "ikmR, skRm, pkRm, skEm, enc, shared_secret."
        whole = dict(seed=ikm_r, dk=sk_r, ek=pk_r, ephemeral=sk_e, ct=enc, ss=secret)
        cases.append(block(comment, **whole))
        cases.append(block("ikmE, skEm, pkEm.", seed=ikm_e, dk=sk_e, ek=enc))
    else:
        # The first case of each number of candidates up to three, where the order rejects any.
        rejecting = group.n >> (8 * group.length - 1) and group.n < 2 ** (8 * group.length) * 7 // 8
        for wanted in (1, 2, 3) if rejecting else (1,):
            index = 0
            while (found := made_here(group, index))[0] != wanted:
                index += 1
            comment = "Candidate %d of DeriveKeyPair (RFC 9180 section 7.1.3)." % wanted
            cases.append(block(comment, **found[1]))
    return title + "\n".join(cases[:1]) + "".join("\n\n" + case for case in cases[1:]) + "\n"


def random_cases(group, count):
    title = (
        "# %d random cases of DHKEM over %s, made by make_vectors.py: see ORIGIN.md.\n"
        % (count, group.name)
    )
    cases = []
    for index in range(count):
        _, case = made_here(group, 1000 + index)
        # ek and ephemeral can be computed from the others, and the secret depends on them.
        kept = {name: case[name] for name in ("seed", "dk", "ct", "ss")}
        cases.append(block(None, **kept))
    return title + "\n\n".join(cases) + "\n"


MADE = (
    "# Made by tests/vectors/dhkem/make_vectors.py with the Python package cryptography 48.0.0\n"
    "# (OpenSSL 4.0.0); every point was computed again with Python's integers.\n"
)
RFC = "RFC 9180 (February 2022), Appendix %s.\n# Recomputed by tests/vectors/dhkem/make_vectors.py.\n"

TITLES = {
    X25519_GROUP: "# DHKEM(X25519, HKDF-SHA256), KEM id 0x0020: " + RFC % "A.1.1",
    P_256: "# DHKEM(P-256, HKDF-SHA256), KEM id 0x0010: " + RFC % "A.3.1",
    P_384: "# DHKEM(P-384, HKDF-SHA384), KEM id 0x0011, for which RFC 9180 has no vectors.\n" + MADE,
    BRAINPOOL_P512R1: "# DHKEM(brainpoolP512r1, HKDF-SHA512), private KEM id 0xFE12.\n" + MADE,
}


def main():
    check_rfc_9180()
    check_rfc_7027()
    files = {}
    for group, title in TITLES.items():
        files[KATS / (group.name + ".kat")] = known_answers(group, title)
        count = 300 if group is BRAINPOOL_P512R1 else 50
        files[HERE / (group.name + ".kat")] = random_cases(group, count)
    for path, text in files.items():
        if "--check" in sys.argv[1:]:
            assert path.read_text() == text, path
        else:
            path.write_text(text)
        print("%s: %d bytes" % (path.name, len(text)))


if __name__ == "__main__":
    main()
