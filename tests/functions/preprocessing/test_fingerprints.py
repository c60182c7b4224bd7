"""FARM_FINGERPRINT and ML.HASH_BUCKETIZE."""

from __future__ import annotations

from typing import Any

import pytest

# Values that the vendor prints for FARM_FINGERPRINT.
PRINTED = {"1footrue": -1541654101129638711, "2applefalse": 2794438866806483259, "3true": -4880158226897771312}


def strings(*values: object, type_: str = "VARCHAR") -> dict[str, Any]:
    return {"s": (type_, values)}


def test_fingerprints_are_the_vendor_s(preprocess: Any) -> None:
    assert preprocess("FARM_FINGERPRINT", strings(*PRINTED, None)) == [*PRINTED.values(), None]
    assert preprocess.type("FARM_FINGERPRINT", strings("a")) == "BIGINT"


def test_fingerprints_of_bytes(preprocess: Any) -> None:
    given = strings(*[text.encode() for text in PRINTED], None, type_="BLOB")
    assert preprocess("FARM_FINGERPRINT", given) == [*PRINTED.values(), None]


def test_fingerprints_of_an_enumeration(preprocess: Any) -> None:
    assert preprocess("FARM_FINGERPRINT", strings("3true", type_="ENUM('1footrue', '3true')")) == [PRINTED["3true"]]


def test_hash_buckets_are_of_the_unsigned_hash(preprocess: Any) -> None:
    assert preprocess("ML.HASH_BUCKETIZE", strings("a", "b", "c", "d", None), hash_bucket_size=3) == [0, 1, 1, 2, None]
    assert preprocess.type("ML.HASH_BUCKETIZE", strings("a"), hash_bucket_size=3) == "BIGINT"


@pytest.mark.parametrize("size", [1, 7, 2**62 + 1, 2**63 - 1])
def test_hash_buckets(preprocess: Any, size: int) -> None:
    found = preprocess("ML.HASH_BUCKETIZE", strings(*PRINTED), hash_bucket_size=size)
    assert found == [value % 2**64 % size for value in PRINTED.values()]


def test_no_buckets_give_the_hash_itself(preprocess: Any) -> None:
    assert preprocess("ML.HASH_BUCKETIZE", strings(*PRINTED, None), hash_bucket_size=0) == [*PRINTED.values(), None]
    assert preprocess.type("ML.HASH_BUCKETIZE", strings("a"), hash_bucket_size=0) == "BIGINT"


@pytest.mark.parametrize("size", [-1, 1.5, "3", 2**63])
def test_sizes_that_are_refused(preprocess: Any, size: object) -> None:
    with pytest.raises(ValueError, match="must be"):
        preprocess("ML.HASH_BUCKETIZE", strings("a"), hash_bucket_size=size)
