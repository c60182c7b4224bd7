"""FarmHash Fingerprint64 against BigQuery's documented values, published vectors of other implementations, and a plain scalar version."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlml.farm_hash import fingerprints

K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
ALL = (1 << 64) - 1
BINARY = [pa.binary(), pa.large_binary(), pa.binary_view()]
TEXT = [pa.string(), pa.large_string(), pa.string_view()]

PUBLISHED = {
    "": 11160318154034397263,
    "Q": 13816109650407654260,
    ",=": 1326014594494455617,
    "WW5": 6316074107149058620,
    "e#p8": 252499459662674074,
    "&QEO\\": 673322083973757863,
    ")D<l91": 6440615040757739207,
    "P9|0-Xg": 15614415556471156694,
    "#cDR^sLO": 328147020574120176,
    "K6Pjv<>ad": 16506019169567922731,
    "D<wQ1DVVpS": 876767294656777789,
    "?c^6BkI#-SLw": 13133570674398037786,
    "/dWQW6&i7h$1@": 11452602314494946942,
    "5C $WnO2K@:(4#h": 2463546464490189,
    "bF&d$MYIhB.Ac=qC": 17582099205024456557,
    "M)(iJ1-nf>5XCc0L?": 9968500208262240300,
    "&&3gRU?[^&ok:He[|K:": 11792583603419566171,
    "hg[F|$D&hb$,V4OeXHOa": 11873385450325105043,
    "9JqLl0AW7e69Y.&vMHQ5C": 2827089714349584095,
    "9>Nleb)=|CR#4=G2&7[HOP": 10511875379468936029,
    "T#e:),mqALpU]hrJ%f.*|=&r": 11789374840096016445,
    "!/tU|0cMaw=/-Yg)m_*4UNvwB": 14890523890635468863,
    "wi=%v]GoIPI6zm[Rrgmq]7J?.|": 8222623341199956836,
    "dXB@tDQ-v5<H]rq2Pcc*s>nC-[Mdy": 8365906589669344754,
    "mC=6Tz,AYH|&n99(G!6LyG&QfZ=1^:": 10432240328043398052,
    "wE,gHSvhK Jv=KR#(R |!%vctTJ0fx)": 413905253809041649,
    "n?(o|a[EX|KN-9./=tCVEmN%?<MXe8F<": 1754206644017466002,
    "7.b^/n=oR_w(vLN?c?xN<5t$p8HY2!s:U": 2506644862971557451,
    "EsIIjI65<^!j$)V.,!]M]@Q5[$(oyxI_nF": 4212098974972931626,
    "ECCD828C-5D7A-4C8B-9A1B-F244747E96C3": 9693850515132481856,
    "2/?98ns)xbzEVL^:wCS$7l3@_g!zP^<D.-bd6": 9728733090894310797,
    "fDVY|(%&aF#3<l>b?1Y Hqt)qY(0%b@VIk#Rlofs": 1687730506231245221,
    "F7479877-4690-4A44-AFC9-8FE987EA512F:some_other_id": 6862335115798125349,
    "test": 8581389452482819506,
    "test" * 8: -4196240717365766262 & ALL,
    "test" * 64: 3500507768004279527,
}
"""From the tests of the Airship SDKs and of Guava, both checked there against the C++ original."""


def rotated(x: int, bits: int) -> int:
    return (x >> bits | x << 64 - bits) & ALL


def folded(x: int) -> int:
    return x ^ x >> 47


def joined(u: int, v: int, m: int) -> int:
    a = folded((u ^ v) * m & ALL)
    return folded((v ^ a) * m & ALL) * m & ALL


def weak(w: int, x: int, y: int, z: int, a: int, b: int) -> tuple[int, int]:
    a = a + w & ALL
    b = rotated(b + a + z & ALL, 21)
    c = a
    a = a + x + y & ALL
    b = b + rotated(a, 44) & ALL
    return a + z & ALL, b + c & ALL


def expected(data: bytes) -> int:
    """Fingerprint64 of one value, written straight from the published definition."""
    n = len(data)

    def word(at: int, width: int = 8) -> int:
        return int.from_bytes(data[at : at + width], "little")

    m = K2 + 2 * n & ALL
    if n == 0:
        return K2
    if n < 4:
        y, z = data[0] + (data[n // 2] << 8), n + (data[-1] << 2)
        return folded((y * K2 ^ z * K0) & ALL) * K2 & ALL
    if n < 8:
        return joined(n + (word(0, 4) << 3), word(n - 4, 4), m)
    if n <= 16:
        a, b = word(0) + K2 & ALL, word(n - 8)
        return joined(rotated(b, 37) * m + a & ALL, (rotated(a, 25) + b) * m & ALL, m)
    if n <= 64:
        a, b, c, d = word(0) * (K1 if n <= 32 else K2) & ALL, word(8), word(n - 8) * m & ALL, word(n - 16) * K2 & ALL
        y = rotated(a + b & ALL, 43) + rotated(c, 30) + d & ALL
        z = joined(y, a + rotated(b + K2 & ALL, 18) + c & ALL, m)
        if n <= 32:
            return z
        e, f, g, h = word(16) * m & ALL, word(24), (y + word(n - 32)) * m & ALL, (z + word(n - 24)) * m & ALL
        return joined(rotated(e + f & ALL, 43) + rotated(g, 30) + h & ALL, e + rotated(f + a & ALL, 18) + g & ALL, m)

    x, y = 81, 81 * K1 + 113 & ALL
    z = folded(y * K2 + 113 & ALL) * K2 & ALL
    v, w = (0, 0), (0, 0)
    x = x * K2 + word(0) & ALL
    end = (n - 1) // 64 * 64
    for s in range(0, end, 64):
        x = rotated(x + y + v[0] + word(s + 8) & ALL, 37) * K1 & ALL
        y = rotated(y + v[1] + word(s + 48) & ALL, 42) * K1 & ALL
        x ^= w[1]
        y = y + v[0] + word(s + 40) & ALL
        z = rotated(z + w[0] & ALL, 33) * K1 & ALL
        v = weak(word(s), word(s + 8), word(s + 16), word(s + 24), v[1] * K1, x + w[0])
        w = weak(word(s + 32), word(s + 40), word(s + 48), word(s + 56), z + w[1], y + word(s + 16))
        z, x = x, z
    m, s = K1 + (z % 256 << 1), n - 64
    w = (w[0] + (n - 1) % 64 & ALL, w[1])
    v = (v[0] + w[0] & ALL, v[1])
    w = (w[0] + v[0] & ALL, w[1])
    x = rotated(x + y + v[0] + word(s + 8) & ALL, 37) * m & ALL
    y = rotated(y + v[1] + word(s + 48) & ALL, 42) * m & ALL
    x ^= w[1] * 9 & ALL
    y = y + v[0] * 9 + word(s + 40) & ALL
    z = rotated(z + w[0] & ALL, 33) * m & ALL
    v = weak(word(s), word(s + 8), word(s + 16), word(s + 24), v[1] * m, x + w[0])
    w = weak(word(s + 32), word(s + 40), word(s + 48), word(s + 56), z + w[1], y + word(s + 16))
    z, x = x, z
    return joined(joined(v[0], w[0], m) + folded(y) * K0 + z & ALL, joined(v[1], w[1], m) + x & ALL, m)


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """Arithmetic that wraps is meant, and nobody is to hear of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_the_values_that_bigquery_documents() -> None:
    found = fingerprints(pa.array(["1footrue", "2applefalse", "3true"])).view(np.int64)
    assert found.tolist() == [-1541654101129638711, 2794438866806483259, -4880158226897771312]


def test_the_buckets_that_bigquery_documents() -> None:
    assert (fingerprints(pa.array(["a", "b", "c", "d"])) % 3).tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize("kind", TEXT, ids=str)
def test_published_values(kind: pa.DataType) -> None:
    assert fingerprints(pa.array(PUBLISHED, kind)).tolist() == list(PUBLISHED.values())


def test_published_values_one_at_a_time() -> None:
    assert [fingerprints(pa.array([text]))[0] for text in PUBLISHED] == list(PUBLISHED.values())


def test_every_length_up_to_3200_bytes_as_guava_does() -> None:
    """Guava's comparison with the C++ original: 3,200 values of up to 3,200 bytes, each made from the hashes before it."""
    buffer, used, mixed = bytearray(3200), 0, 0
    asked: list[bytes] = []
    answers: list[int] = []
    for i in range(800):
        for turn in range(4):
            length = (i, i**2 % max(used, 1), i**3 % max(used, 1), used)[turn]
            asked.append(bytes(buffer[:length]))
            answers.append(expected(asked[-1]))
            mixed ^= answers[-1]
            mixed = (mixed ^ mixed >> 41) * 949921979 & ALL
            buffer[used] = ord("a") + mixed % 2**20 % 26
            used += 1
        x0, x1, x2, x3 = buffer[used - 1], buffer[used - 2], buffer[used - 3], buffer[used // 2]
        buffer[((x0 << 16) + (x1 << 8) + x2) % used] ^= x3
        buffer[((x1 << 16) + (x2 << 8) + x3) % used] ^= i % 256
    assert mixed == 0x7A1D67C50EC7E167
    assert fingerprints(pa.array(asked, pa.binary())).tolist() == answers


@pytest.mark.parametrize("kind", BINARY, ids=str)
def test_all_lengths_alone_and_together(kind: pa.DataType) -> None:
    data = [bytes((7 * at + 13 * length) % 256 for at in range(length)) for length in range(200)]
    together = fingerprints(pa.array(data, kind))
    assert together.dtype == np.uint64
    assert together.tolist() == [expected(value) for value in data]
    assert [fingerprints(pa.array([value], kind))[0] for value in data] == together.tolist()


def test_more_rows_than_are_hashed_at_a_time() -> None:
    values = pa.array([str(number) * (number % 20) for number in range(40_000)])
    found = fingerprints(values)
    for row in (0, 1, 16_383, 16_384, 16_385, 32_767, 32_768, 39_999):
        assert found[row] == expected(values[row].as_py().encode())


@settings(max_examples=150, deadline=None)
@given(data=st.data(), kind=st.sampled_from(BINARY))
def test_slices_and_nulls(data: st.DataObject, kind: pa.DataType) -> None:
    lengths = data.draw(st.lists(st.none() | st.integers(0, 200), max_size=30))
    seed = data.draw(st.integers(0, 2**32))
    random = np.random.default_rng(seed)
    values = [None if length is None else random.bytes(length) for length in lengths]
    start = data.draw(st.integers(0, len(values)))
    stop = data.draw(st.integers(start, len(values)))
    array = pa.array(values, kind)

    for part, plain in (
        (array[start:stop], values[start:stop]),
        (pa.chunked_array([array[:start], array[start:stop], array[stop:]], kind), values),
    ):
        found = fingerprints(part)
        assert len(found) == len(plain)
        assert [hashed for hashed, value in zip(found.tolist(), plain, strict=True) if value is not None] == [
            expected(value) for value in plain if value is not None
        ]


@given(st.lists(st.text(), max_size=20), st.sampled_from(TEXT))
def test_text_is_hashed_as_utf8(texts: list[str], kind: pa.DataType) -> None:
    assert fingerprints(pa.array(texts, kind)).tolist() == [expected(text.encode()) for text in texts]


@pytest.mark.parametrize("kind", [*TEXT, *BINARY], ids=str)
def test_nothing_to_hash(kind: pa.DataType) -> None:
    for empty in (pa.array([], kind), pa.chunked_array([], kind), pa.array(["a"], kind)[1:]):
        found = fingerprints(empty)
        assert (found.dtype, found.shape) == (np.uint64, (0,))
    assert fingerprints(pa.nulls(3, kind)).shape == (3,)
    assert fingerprints(pa.array(["", ""], kind)).tolist() == [K2, K2]


def test_a_view_that_ends_where_the_memory_ends() -> None:
    """Nothing past the last byte is read: the buffer is exactly as long as the strings."""
    for length in (1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 128, 129):
        value = bytes(range(100, 100 + length))
        offsets = np.array([0, length], np.int32)
        exact = pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(value)])
        assert fingerprints(exact)[0] == expected(value)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="got int64"):
        fingerprints(pa.array([1, 2]))
