"""A slice of the fuzzer of the BigQuery flavour, and the faults that it has found."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent)]
from bigquery_fuzzer import SECONDS, Mutator, check_text, corpus, watchdog

from sqlml.bigquery.translate import Context, translate
from sqlml.errors import Error, ProgrammingError


@pytest.fixture(scope="module")
def mutator() -> Mutator:
    return Mutator(corpus(), seed=20260101)


@pytest.mark.parametrize("chunk", range(8))
def test_mutations_end_in_errors_of_ours(chunk: int, mutator: Mutator) -> None:
    for number in range(chunk * 40, chunk * 40 + 40):
        with watchdog():
            check_text(mutator.text(number))


def test_the_statements_themselves() -> None:
    for text in corpus()[:80]:
        check_text(text)


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("STRUCT(", ")"), ("CAST(", " AS INT64)"), ("SAFE_CAST(", " AS STRING)"), ("a[", "]"), ("1 / (", ")"), ("(", ")"), ("[", "]"), ("IF(", ", 1, 2)")],
)  # fmt: skip
def test_nesting_takes_neither_time_nor_text_that_grows_with_its_power(opening: str, closing: str) -> None:
    texts = []
    began = time.process_time()
    texts += [translate(f"SELECT {opening * depth}a{closing * depth}", Context()) for depth in (10, 20)]
    assert time.process_time() - began < SECONDS
    assert len(texts[1]) < 5 * len(texts[0])


@pytest.mark.parametrize("opening", ["STRUCT(", "(", "[", "ABS(", "(SELECT ", "ARRAY<", "NOT ", "CASE WHEN ", "STRUCT<a "])
def test_what_is_nested_too_deeply_is_an_error(opening: str) -> None:
    with pytest.raises(ProgrammingError) as caught:
        translate(f"SELECT {opening * 3_000}", Context())
    assert caught.value.code == "syntax_error"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM WHERE x",
        "SELECT DATE_DIFF('2017-12-17', '2017-12-18', WEEK() MONDAY)",
        "SELECT * FROM t FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP() INTERVAL 1 HOUR)",
        "\U0001f600ELECT(10, 0)",
        "SELECT TI\x00ME(15)",
        "SELECT 1 +",
        "SELECT (1",
        "LOAD DATA OVERWRIT",
        "SELECT TO_JSON(1) (2)",
        "SELECT SAFE.ABS(1).ABS(2)",
    ],
)
def test_faults_that_were_found(text: str) -> None:
    with pytest.raises(Error):
        translate(text, Context())
    check_text(text)
