"""FarmHash Fingerprint64 of strings: the hash behind BigQuery's FARM_FINGERPRINT and ML.HASH_BUCKETIZE.

Owns: the hash over Arrow arrays, whole arrays at a time. The function is the one that FarmHash has promised to keep for ever (its "na"
variant, published as Fingerprint64); it takes one of seven courses by the length of the string, so rows are grouped by length and each
group is one run of numpy arithmetic.

In the formulas `s` is where a string begins and `n` how many bytes it has, both int64 of shape (rows,); the rest are uint64 of that shape.
Numbers are read little-endian whatever the machine, and array arithmetic wraps modulo 2⁶⁴, as the definition wants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_SEED = 81
_MASK = 0xFFFFFFFFFFFFFFFF

_ROWS = 1 << 14
"""Rows hashed at a time: the dozen arrays of 128 KB that a formula works on stay in the processor's cache."""

_COURSES = np.repeat(np.arange(6, dtype=np.uint8), [1, 3, 4, 9, 16, 32])
"""The course for a length up to 64 bytes: 0; 1 to 3; 4 to 7; 8 to 16; 17 to 32; 33 to 64."""


def fingerprints(values: pa.Array | pa.ChunkedArray) -> Hashes:
    """Fingerprint64 of each string's UTF-8 bytes, or of each binary value: shape (rows,). What stands at a NULL row means nothing.

    Takes string, binary, their large_ and their _view types; raises TypeError for any other.
    """
    if isinstance(values, pa.ChunkedArray):
        return np.concatenate([np.empty(0, np.uint64), *(fingerprints(chunk) for chunk in values.chunks)])
    kind = values.type
    if kind in {pa.string_view(), pa.binary_view()}:
        return fingerprints(values.cast(pa.large_binary()))
    if kind in {pa.string(), pa.binary()}:
        width: type[np.int32 | np.int64] = np.int32
    elif kind in {pa.large_string(), pa.large_binary()}:
        width = np.int64
    else:
        raise TypeError(f"fingerprints are of strings or binary values, got {kind}")

    rows = len(values)
    _, offsets, content = values.buffers()
    edges = np.frombuffer(offsets, width)[values.offset : values.offset + rows + 1].astype(np.int64, copy=False)
    text = _Text.of(content)
    hashes = np.empty(rows, np.uint64)
    for first in range(0, rows, _ROWS):
        part = edges[first : first + _ROWS + 1]
        hashes[first : first + _ROWS] = _hash(text, part[:-1], part[1:] - part[:-1])
    return hashes


@dataclass(frozen=True)
class _Text:
    """One buffer of bytes, and the same memory as the numbers that begin at each byte; no number reaches past the end of the buffer.

    A course reads only inside its string (the long ones from the front and from the back, overlapping), so nothing is padded or copied.
    """

    bytes: NDArray[np.uint8]
    words: Hashes
    halves: NDArray[np.uint32]

    @classmethod
    def of(cls, content: pa.Buffer | None) -> _Text:
        size = 0 if content is None else content.size
        memory = b"" if content is None else content

        def view(dtype: str, width: int) -> NDArray[np.generic]:
            return np.ndarray(max(size - width + 1, 0), dtype, memory, strides=(1,))

        return cls(view("u1", 1), view("<u8", 8), view("<u4", 4))  # type: ignore[arg-type]


def _hash(text: _Text, s: Places, n: Places) -> Hashes:
    """The fingerprints of some rows, each by the course of its length."""
    courses = np.take(_COURSES, n, mode="clip")
    courses[n > 64] = len(_FORMULAS)
    present = np.bincount(courses, minlength=len(_FORMULAS) + 1)
    hashes = np.full(len(n), _K2, np.uint64)  # that of the empty string
    for course, formula in enumerate(_FORMULAS, start=1):
        if present[course] == len(n):
            return formula(text, s, n)
        if present[course]:
            rows = np.flatnonzero(courses == course)
            hashes[rows] = formula(text, s[rows], n[rows])
    return hashes


def _up_to_3(text: _Text, s: Places, n: Places) -> Hashes:
    first, middle, last = (text.bytes[at].astype(np.uint64) for at in (s, s + (n >> 1), s + (n - 1)))
    y = first + (middle << 8)
    z = n.view(np.uint64) + (last << 2)
    return _shift_mix(y * _K2 ^ z * _K0) * _K2


def _up_to_7(text: _Text, s: Places, n: Places) -> Hashes:
    length = n.view(np.uint64)
    first, last = (text.halves[at].astype(np.uint64) for at in (s, s + (n - 4)))
    return _mix(length + (first << 3), last, _K2 + length * 2)


def _up_to_16(text: _Text, s: Places, n: Places) -> Hashes:
    factor = _K2 + n.view(np.uint64) * 2
    a = text.words[s] + _K2
    b = text.words[s + (n - 8)]
    return _mix(_rotate(b, 37) * factor + a, (_rotate(a, 25) + b) * factor, factor)


def _up_to_32(text: _Text, s: Places, n: Places) -> Hashes:
    factor = _K2 + n.view(np.uint64) * 2
    end = s + n
    a = text.words[s] * _K1
    u, v = _ends(a, text.words[s + 8], text.words[end - 8] * factor, text.words[end - 16] * _K2)
    return _mix(u, v, factor)


def _up_to_64(text: _Text, s: Places, n: Places) -> Hashes:
    factor = _K2 + n.view(np.uint64) * 2
    end = s + n
    a = text.words[s] * _K2
    y, v = _ends(a, text.words[s + 8], text.words[end - 8] * factor, text.words[end - 16] * _K2)
    z = _mix(y, v, factor)
    e = text.words[s + 16] * factor
    f = text.words[s + 24]
    g = (y + text.words[end - 32]) * factor
    h = (z + text.words[end - 24]) * factor
    return _mix(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, factor)


def _over_64(text: _Text, s: Places, n: Places) -> Hashes:
    """Blocks of 64 bytes, all but the last 1 to 64 bytes, then the last 64 bytes of the string.

    The longest strings stand first, so that the rows which still have a block are a prefix of all.
    """
    order = np.argsort(-n, kind="stable")
    s, n = s[order], n[order]
    blocks = (n - 1) >> 6
    state = _State.start(text.words[s])
    # How many rows have more than 0, 1, 2, … blocks.
    for block, active in enumerate(np.cumsum(np.bincount(blocks)[::-1])[::-1][1:].tolist()):
        state.rows(active).advance(text, s[:active] + (block << 6), _K1)

    factor = _K1 + (state.z & np.uint64(0xFF)) * 2
    state.w[0] += ((n - 1) & 63).view(np.uint64)
    state.v[0] += state.w[0]
    state.w[0] += state.v[0]
    state.advance(text, s + (n - 64), factor, 9)
    front = _mix(state.v[0], state.w[0], factor) + _shift_mix(state.y) * _K0 + state.z
    hashes = np.empty(len(n), np.uint64)
    hashes[order] = _mix(front, _mix(state.v[1], state.w[1], factor) + state.x, factor)
    return hashes


_FORMULAS = (_up_to_3, _up_to_7, _up_to_16, _up_to_32, _up_to_64, _over_64)
"""For the courses from 1 on; an empty string needs none."""


@dataclass(frozen=True)
class _State:
    """The 56 bytes that the course for long strings carries along, for each row; `v` and `w` have shape (2, rows). Updated in place."""

    x: Hashes
    y: Hashes
    z: Hashes
    v: Hashes
    w: Hashes

    @classmethod
    def start(cls, first: Hashes) -> _State:
        y = (_SEED * _K1 + 113) & _MASK
        z = (y * _K2 + 113) & _MASK
        z = (z ^ (z >> 47)) * _K2 & _MASK
        rows = len(first)
        pair = np.zeros((2, rows), np.uint64)
        return cls(first + (_SEED * _K2 & _MASK), np.full(rows, y, np.uint64), np.full(rows, z, np.uint64), pair, pair.copy())

    def rows(self, count: int) -> _State:
        """The first rows; what is done to them is done to these."""
        return _State(self.x[:count], self.y[:count], self.z[:count], self.v[:, :count], self.w[:, :count])

    def advance(self, text: _Text, s: Places, factor: int | Hashes, weight: int = 1) -> None:
        """Takes in the 64 bytes at `s`."""
        words = [text.words[s + at] for at in range(0, 64, 8)]
        x = _rotate(self.x + self.y + self.v[0] + words[1], 37) * factor ^ self.w[1] * weight
        y = _rotate(self.y + self.v[1] + words[6], 42) * factor + self.v[0] * weight + words[5]
        z = _rotate(self.z + self.w[0], 33) * factor
        self.v[:] = _absorb(words[:4], self.v[1] * factor, x + self.w[0])
        self.w[:] = _absorb(words[4:], z + self.w[1], y + words[2])
        self.x[:], self.y[:], self.z[:] = z, y, x


def _absorb(words: list[Hashes], a: Hashes, b: Hashes) -> tuple[Hashes, Hashes]:
    """32 bytes taken into a pair of numbers (the original's WeakHashLen32WithSeeds)."""
    a = a + words[0]
    total = a + words[1] + words[2]
    b = _rotate(b + a + words[3], 21) + _rotate(total, 44)
    return total + words[3], b + a


def _ends(a: Hashes, b: Hashes, c: Hashes, d: Hashes) -> tuple[Hashes, Hashes]:
    """Two numbers from the first 16 bytes of a string (a, b) and its last 16 (d, c)."""
    return _rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + _K2, 18) + c


def _mix(u: Hashes, v: Hashes, factor: Hashes) -> Hashes:
    """Two numbers into one (the original's HashLen16)."""
    return _shift_mix((v ^ _shift_mix((u ^ v) * factor)) * factor) * factor


def _shift_mix(number: Hashes) -> Hashes:
    return number ^ (number >> np.uint64(47))


def _rotate(number: Hashes, bits: int) -> Hashes:
    return (number >> np.uint64(bits)) | (number << np.uint64(64 - bits))
