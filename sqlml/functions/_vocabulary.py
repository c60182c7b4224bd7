"""The two forms of a vocabulary: a table of terms (of an ordinary query, or of many learned terms), and terms written into the statement.

Terms are in alphabetical order and numbered from 1; 0 stands for everything else and NULL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlml import sql
from sqlml.features import expressions
from sqlml.features.expressions import CODE, VALUE
from sqlml.features.list_expressions import POSITION_LIMIT

COUNT = "__sqlml_count"
"""Column of a table of terms: the rows that hold the term."""


@dataclass(frozen=True, slots=True)
class TableVocabulary:
    """Terms in a relation (VALUE, CODE from 0, COUNT), a name or a query in brackets. `n_rows` is SQL of the number of rows counted."""

    table: str
    n_rows: str

    def code(self, text: str) -> str:
        found = f"(SELECT {CODE} + 1 FROM {self.table} WHERE {VALUE} = {text})"
        return sql.cast(f"coalesce({found}, 0)", "BIGINT")

    def codes(self, texts: str) -> str:
        elements = f"SELECT {sql.call('unnest', texts)} AS __sqlml_element, {sql.call('generate_subscripts', texts, '1')} AS __sqlml_place"
        code = sql.cast(f"coalesce(__sqlml_terms.{CODE} + 1, 0)", "BIGINT")
        found = (
            f"SELECT {sql.call('list', f'{code} ORDER BY __sqlml_place')} FROM ({elements}) AS __sqlml_elements"
            f" LEFT JOIN {self.table} AS __sqlml_terms ON __sqlml_terms.{VALUE} = __sqlml_element"
        )
        return f"CASE WHEN {texts} IS NOT NULL THEN coalesce(({found}), CAST([] AS BIGINT[])) END"

    @property
    def most_frequent(self) -> str:
        found = f"(SELECT {CODE} + 1 FROM {self.table} ORDER BY {COUNT} DESC, {VALUE} LIMIT 1)"
        return sql.cast(f"coalesce({found}, 0)", "BIGINT")

    @property
    def inverse_frequencies(self) -> str:
        each = sql.call("ln", f"1.0e0 + {self.n_rows} / (1.0e0 + {COUNT})")
        listed = sql.call("list", f"__sqlml_idf ORDER BY {CODE}")
        frequencies = f"SELECT {each} AS __sqlml_idf, {CODE} FROM {self.table}"
        return f"(SELECT {sql.call('list_prepend', sql.call('avg', '__sqlml_idf'), listed)} FROM ({frequencies}))"


@dataclass(frozen=True, slots=True)
class ListVocabulary:
    """Learned terms that are few enough to stand in the statement."""

    terms: tuple[str, ...]
    counts: tuple[int, ...]
    n_rows: int

    def code(self, text: str) -> str:
        return sql.cast(f"coalesce({expressions.code(text, self.terms, None, None)} + 1, 0)", "BIGINT")

    def codes(self, texts: str) -> str:
        if not self.terms:
            return sql.call("list_transform", texts, "lambda sqlml_term: CAST(0 AS BIGINT)")
        if len(self.terms) > POSITION_LIMIT:
            return TableVocabulary(expressions.terms_table(self.terms), str(self.n_rows)).codes(texts)
        place = sql.call("list_position", sql.literal(list(self.terms)), "sqlml_term")
        return sql.call("list_transform", texts, f"lambda sqlml_term: {sql.cast(f'coalesce({place}, 0)', 'BIGINT')}")

    @property
    def most_frequent(self) -> str:
        return sql.cast(str(most_frequent(self.counts)), "BIGINT")

    @property
    def inverse_frequencies(self) -> str:
        return sql.literal(inverse_frequencies(self.counts, self.n_rows))


def most_frequent(counts: Sequence[int]) -> int:
    """The number of the most frequent term, the first of several; 0 without terms."""
    return counts.index(max(counts)) + 1 if counts else 0


def inverse_frequencies(counts: Sequence[int], n_rows: int) -> list[float]:
    """ln(1 + N / (1 + n)) of every term, behind their mean, which stands for unknown terms."""
    each = [math.log(1.0 + n_rows / (1.0 + count)) for count in counts]
    return [math.fsum(each) / len(each) if each else 0.0, *each]
