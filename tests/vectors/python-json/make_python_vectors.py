"""Writes python_vectors.json: what CPython 3.11's json module makes of some texts.

Run in this folder with `python3 make_python_vectors.py`. The same interpreter always writes the
same file; a newer one words some errors differently, so the version is checked.
"""

import json
import math
import random
import struct
import sys
from decimal import Decimal

assert sys.version_info[:2] == (3, 11), "the reference is CPython 3.11"
assert json.scanner.c_make_scanner, "the reference is the scanner written in C"

random.seed(20260101)


def float_of(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def random_floats(count):
    """Returns floats of every magnitude, written with more digits than they need."""
    floats = []
    while len(floats) < count:
        value = float_of(random.getrandbits(64))
        if math.isfinite(value):
            floats.append(value)
    return ["%.20e" % value for value in floats]


def floats_around(powers):
    """Returns the float nearest to each power of ten, and its neighbours on both sides."""
    nearest = [float("1e%d" % power) for power in powers]
    return [
        "%.17e" % value
        for middle in nearest
        for value in (math.nextafter(middle, 0), middle, math.nextafter(middle, math.inf))
    ]


def powers_of_two(exponents):
    """Returns powers of two: the gap to the next float is narrower below them than above."""
    return ["%.17e" % math.ldexp(1, exponent) for exponent in exponents]


def ties(count):
    """Returns floats exactly halfway between the two shortest texts that read back as them."""
    found = []
    while len(found) < count:
        value = (random.getrandbits(random.randint(1, 53)) | 1) / 2 ** random.randint(1, 40)
        exact = Decimal(value).as_tuple().digits
        shortest = Decimal(repr(value)).as_tuple().digits
        if len(exact) == len(shortest) + 1 and exact[-1] == 5:
            found.append(str(Decimal(value)))
    return found


def array(tokens):
    return "[" + ",".join(tokens) + "]"


ACCEPTED = [
    # words and whitespace
    "null", "true", "false", "0", '""', "[]", "{}",
    " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", "{ }", "[ ]",
    '\n{\n"a"\r:\t1 ,\n"b" : [ ]\n}\n',
    # integers
    "[1,-1,0,-0,10,100]",
    "[9007199254740993,-9223372036854775808,9223372036854775807,9223372036854775808]",
    "[18446744073709551615,18446744073709551616,-18446744073709551617]", "123456789" * 40,
    "-" + "9" * 4300,
    # floats: the token decides
    "[1.0,1.00,1e0,1E0,1e+0,1e-0,10e-1,-1.0,-1e0]",
    "[1E5,1e5,1e05,1E+05,100000.0,1e15,1e16,1e17,1e21,1e22,1e23]",
    "[0.0,-0.0,0e0,-0e0,0E-5,-0.0e+9,0e400,1e-400,-1e-400]",
    "[0.1,0.10,0.2,0.30000000000000004,3.14159,2.5,123456789.125]",
    "[0.001,0.0001,0.00001,1e-3,1e-4,1e-5,1e-6,1e-7,1e-10,1e-100]",
    "[999999999999999.9,9999999999999998.0,9999999999999999.0,99999999999999999.0]",
    "[5e-324,4.9e-324,2.5e-324,2.4e-324,2.2250738585072014e-308,2.225073858507201e-308]",
    "[1.7976931348623157e308,1.7976931348623158e308,-1.7976931348623157E+308]",
    "[9007199254740993.0,9007199254740992.0,4503599627370497.5,2e-44,8.41e21,2.0e-3]",
    "[5.0e125,9.5e-322,1e-323,8.98846567431158e307,6.631236846766476e-316]",
    "0." + "0" * 400 + "1e401", "1" + "0" * 400 + "e-400", "0." + "3" * 1000,
    array(floats_around(range(-8, 0))), array(floats_around(range(14, 24))),
    array(powers_of_two(range(-1074, 1024, 7))), array(random_floats(150)),
    array(ties(80)),
    # strings
    json.dumps("".join(map(chr, range(0x180)))),
    '"\u007f\u0080\u00e9\u2028\u2029\ufeff\uffff\U0001f600\U0010ffff"', r'"\"\\\/\b\f\n\r\t"',
    r'"\u0000\u001F\u001f\u00E9\u00e9\uFFFF\uD83D\uDE00\ud83d\ude00"', '"/"', '"\\u002f\\/"',
    '"\\u0022\\u005c"',
    # order of names, duplicates
    '{"b":1,"a":2,"c":{"z":1,"y":{"B":0,"A":0}},"B":[{"b":0,"a":0}]}',
    '{"\U0001f600":1,"\uffff":2,"\ud7ff":3,"\ue000":4,"a":5,"":6,"~":7,"\u007f":8,"aa":9}',
    '{"a\\u0000":1,"a":2}',
    '{"10":1,"9":2,"1":3,"-1":4," ":5}', '{"a":1,"a":2}', '{"a":1,"b":2,"a":3,"c":4,"b":[5]}',
    '{"a":{"x":1},"a":{"y":2,"y":3}}', '{"\\u0061":1,"a":2}', '{"":0,"":1}',
    # depth
    "[" * 100 + "]" * 100, '{"a":' * 100 + "1" + "}" * 100,
]

REFUSED = [
    # nothing, or not a value
    "", " ", "\n", "\n\n  ", "\t\r\n", "nul", "nulL", "tru", "fals", "True", "None", "undefined",
    "'a'", "a", "\u00e9", "\U0001f600", "\u00a0", "\u00a01", "\v1", "\f1", "\ufeff", "\ufeff1",
    " \ufeff1", "]", "}", ",", ":", "/", "// 1", "#", "\u0000", "(1)", "<a>",
    # numbers
    "-", "+1", "+", ".5", "-.5", "01", "-01", "00", "1.", "1.e5", "-1.", "1e", "1e+", "1E-", "1.5e",
    "1.5e+", "0x10", "1_000", "1,000", "- 1", "--1", "-a", "-I", "-Infinit", "-NaN", "1a", "\uff11",
    "1\u0661", "1.\u0661", "[1e]", "[-]", "[-,1]", "[.5]", "[01]", "[1.]", "[1 2]", "In", "Infinit",
    "Na", "nan", "inf", "infinity", "-infinity",
    # extra data
    "1 2", "null null", "nullx", "truefalse", "[] []", "{} x", '"a" "b"', '"a"b', "[1]]", "{}}",
    "1\n2", "1 \n\n \u00e9", "0 0", "{},", "[1],\n[2]", '"\u00e9\U0001f600" x',
    # arrays
    "[", "[ ", "[1", "[1 ", "[1,", "[1, ", "[,", "[,1]", "[1,]", "[1,,2]", "[1, ]", "[1\n2]", "[1}",
    "[}", "[:", "[1:2]", "[\n1,\n2\n3]", "[[1,2],[3", "[[[", "[nul]", "[tru,1]", '["a"', '["a",',
    '["a" "b"]', "[1;2]", "[\u00e91]", "[1\u00a0,2]",
    # objects
    "{", "{ ", "{\n", "{1", "{1:2}", "{a", "{a:1}", "{'a':1}", "{,", "{,}", '{"a"', '{"a" ',
    '{"a" 1}', '{"a",1}', '{"a"}', '{"a":', '{"a": ', '{"a":}', '{"a":,}', '{"a":1', '{"a":1 ',
    '{"a":1,', '{"a":1, ', '{"a":1,}', '{"a":1, }', '{"a":1,,"b":2}', '{"a":1 "b":2}', '{"a":1]',
    '{"a":1;', '{"a"::1}', '{"a"=1}', '{"a":1,b:2}', '{"a":1,\n"b"\n2}', '{\n"a":\n{\n"b":\n}}',
    '{"a":{"b":[1,{"c":2,}]}}', "{null:1}", "{[]:1}", '{"\u00e9":1,\n"\U0001f600" 2}', "{]",
    '{"a":nul}', '{"a"\n\n:\n}',
    # strings
    '"', '"a', '"\\', '"a\\', '"\\"', '"a\\\\', '["a', '{"a', '{"a":"b', '\n\n  "abc',
    '"\u00e9\U0001f600', '[1,\n"x', '"\n"', '"a\nb"', '"\u0000"', '"a\u001f"', '"\t"', '"\r\n"',
    '{"a\n":1}', '["\u00e9","\U0001f600\u0001"]', '"abc\n', '"\u007f\u0080\u001f"', '"\\a"',
    '"\\x41"', '"\\\'"', '"\\ "', '"\\\n"', '"\\0"', '"\\U0041"', '"\\\u00e9"',
    '"\u00e9\\\U0001f600"', '["ok","\\v"]', '"\\e', '"\\u', '"\\u"', '"\\u1', '"\\u12', '"\\u123',
    '"\\u123"', '"\\u1234', '"\\u12 4"', '"\\u123g"', '"\\uXXXX"', '"\\u+123"', '"\\u-123"',
    '"\\u 123"', '"\\u0x41"', '"\\u1_23"', '"\\u\u00e9\u00e9\u00e9\u00e9"',
    '"\\u\uff11\uff12\uff13\uff14"', '"\u00e9\\u00e"', '"\\u{41}"', '"\\u00e9\\u00',
    '"\\u12\U0001f600"', '"\\u123\u00e9"',
    # half a surrogate pair, and then something that Python refuses too
    '"\\ud83d', '"\\ud83d\\', '"\\ud83d\\u', '"\\ud83d\\u"', '"\\ud83d\\ude00', '"\\ud83d\\ude0',
    '"\\ud83d\\ude0"', '"\\ud83d\\ud83', '"\\ud83d\\uzzzz"', '"\\ud83dx', '"\\ud83d\\x"',
    '"\\ud83d\\ud83d\\ude00', '["\\ud800",]', '{"\\udc00" 1}', '"\\udc00\n"',
    # a number that is not finite, and then something that Python refuses too
    "NaN NaN", "Infinity1", "-Infinityy", "NaNN", "[NaN", "[NaN,]", "[Infinity -Infinity]",
    '{"a":NaN,}', "1e400 x", "[1e400,]", "[-1e999", '{"a":1e400 "b"}',
]

NOT_JSON = [
    "NaN", "Infinity", "-Infinity", "[1,NaN]", '{"a":[Infinity],"b":-Infinity}', " NaN ", "1e400",
    "-1e400", "[1.8e308]", "1.7976931348623159e308", "1e99999999999999999999",
    "1" + "0" * 400 + ".0", "9" * 309 + "e0", r'"\ud800"', r'"\udc00"', r'"\ud83d"',
    r'"\ude00\ud83d"', r'"\ud83d\ud83d\ude00"', r'"\ud83d\u0041"', r'"\ud83d\n"', r'"\ud83dx"',
    r'{"\ud800":1}', r'["a","\uDBFF\uE000"]',
]


def accepted(text):
    value = json.loads(text)
    return {
        "input": text,
        "canonical": json.dumps(value, sort_keys=True, separators=(",", ":")),
        "default": json.dumps(value),
        "default_sorted": json.dumps(value, sort_keys=True),
    }


def refused(text):
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return {"input": text, "error": str(error)}
    raise AssertionError("Python reads " + repr(text))


vectors = {
    "accepted": list(map(accepted, ACCEPTED)),
    "refused": list(map(refused, REFUSED)),
    "accepted_though_not_json": list(map(accepted, NOT_JSON)),
}
with open("python_vectors.json", "w", encoding="ascii") as file:
    json.dump(vectors, file, indent=1)
    file.write("\n")
