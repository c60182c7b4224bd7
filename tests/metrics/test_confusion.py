"""Confusion matrices against scikit-learn's, and the names of their columns."""

from __future__ import annotations

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sk_confusion_matrix

from sqlml.metrics.confusion import column_names, confusion_cells, confusion_matrix

CONNECTION = duckdb.connect()
CODES = st.one_of(st.none(), st.integers(0, 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CODES, CODES), max_size=40))
def test_equal_to_scikit_learn(pairs):
    CONNECTION.register(
        "rows", pa.table({"y": pa.array([y for y, _ in pairs], pa.int32()), "p": pa.array([p for _, p in pairs], pa.int32())})
    )
    query = confusion_matrix(confusion_cells("FROM rows", "y", "p"), "['a', 'b', 'c', 'd']", ("a", "b", "c", "d"))
    judged = [pair for pair in pairs if None not in pair]
    expected = sk_confusion_matrix(*zip(*judged, strict=True), labels=range(4)).tolist() if judged else [[0] * 4] * 4
    assert CONNECTION.sql(query).fetchall() == [(label, *row) for label, row in zip("abcd", expected, strict=True)]


def test_names_are_valid_and_unique():
    assert column_names(("0", "1")) == ("_0", "_1")
    assert column_names(("<=50K", ">50K")) == ("__50K", "_50K")
    # A class whose text is a name keeps it.
    assert column_names((" 1", "_1", "-1", "a", "A", "a_1")) == ("_1_1", "_1", "_1_2", "a", "A_2", "a_1")
    assert column_names(("", "expected_label", "Grüße", "x" * 400)) == ("_", "expected_label_1", "Grüße", "x" * 300)
