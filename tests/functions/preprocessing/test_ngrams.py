"""ML.NGRAMS."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer
from vocabulary_calls import call, type_of

from sqlml.functions.ngrams import NgramRange


def test_sample_row() -> None:
    assert call("ML.NGRAMS", [["a", "b", "c"]], range=[2, 3], separator="#") == [["a#b", "a#b#c", "b#c"]]
    assert type_of("ML.NGRAMS", [], range=[1, 2]) == "VARCHAR[]"


def test_order_is_by_start_then_by_length() -> None:
    assert call("ML.NGRAMS", [["a", "b", "c"]], range=[1, 3]) == [["a", "a b", "a b c", "b", "b c", "c"]]


def test_one_number_is_both_ends() -> None:
    assert call("ML.NGRAMS", [["a", "b", "c"]], range=2) == [["a b", "b c"]]


def test_missing_short_and_empty_arrays() -> None:
    assert call("ML.NGRAMS", [None, [], ["a"], ["a", "b"]], range=[2, 4]) == [None, [], [], ["a b"]]


def test_a_run_with_a_null_token_is_null() -> None:
    assert call("ML.NGRAMS", [["a", None, "b", "c"]], range=[1, 2]) == [["a", None, None, None, "b", "b c", "c"]]


def test_separators_and_tokens_are_taken_literally() -> None:
    assert call("ML.NGRAMS", [["a'", "", "b\\"]], range=[2, 2], separator="'%s\\") == [["a''%s\\", "'%s\\b\\"]]
    assert call("ML.NGRAMS", [["a", "b"]], range=[2, 2], separator="") == [["ab"]]


def test_longer_than_any_array() -> None:
    assert call("ML.NGRAMS", [["a", "b"]], range=[1, 2**63]) == [["a", "a b", "b"]]


def test_an_expression_with_a_subquery() -> None:
    assert call("ML.NGRAMS", [["a", "b"]], expression="(SELECT list_reverse(x))", range=[1, 2]) == [["b", "b a", "a"]]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "cc"]), max_size=12), st.integers(1, 4), st.integers(0, 4))
def test_equals_scikit_learn(tokens: list[str], shortest: int, more: int) -> None:
    analyzer = CountVectorizer(
        ngram_range=(shortest, shortest + more), tokenizer=str.split, token_pattern=None, lowercase=False
    ).build_analyzer()
    (found,) = call("ML.NGRAMS", [tokens], range=[shortest, shortest + more])
    assert Counter(found) == Counter(analyzer(" ".join(tokens)))


@pytest.mark.parametrize("value", [[1], [1, 2, 3], [], ["1", 2], "1", [1.5, 2], True, [True, 2], None])
def test_the_range_must_be_two_whole_numbers(value: object) -> None:
    with pytest.raises(ValueError, match="must be an array of two whole numbers"):
        NgramRange().convert(value)


@pytest.mark.parametrize("value", [[0, 1], [2, 1], 0, -1, [-1, 2]])
def test_the_range_must_ascend_from_one(value: object) -> None:
    with pytest.raises(ValueError, match="1 <= shortest <= longest"):
        NgramRange().convert(value)
