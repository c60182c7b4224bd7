"""The rows of a training query: counted, hashed, split, and staged where reading them again would cost too much or give something else.

A plain scan of a table or of Parquet files is read anew for every pass: nothing is copied. Any other query runs once into a temporary
table, so that every pass sees the same rows. Nothing here outlives the statement: temporary tables are dropped, on success and on error.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from sqlml import sql
from sqlml.engines.engine import Engine, Parameters
from sqlml.errors import DataError
from sqlml.training.data import Progress
from sqlml.training.splits import HASH, OCCURRENCE, SplitRule, evaluation_condition
from sqlml.types import Schema

_SCANS = frozenset({"SEQ_SCAN", "TABLE_SCAN", "PARQUET_SCAN", "READ_PARQUET", "PROJECTION", "FILTER", "ARROW_SCAN", "PANDAS_SCAN"})
_VOLATILE = re.compile(r"\b(random|setseed|uuid|uuidv[47]|gen_random_uuid|nextval|sample|tablesample|get_current_time)\b", re.IGNORECASE)
_numbers = itertools.count(1)

HASH_VECTOR_SQL = f"SELECT {sql.call('hash', '42', sql.literal('sqlml'), sql.literal(1.5), 'NULL', 'TRUE')}"
"""Self-test of the engine's hash: it changed between releases, and fingerprints compare only where this value agrees."""


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """How to count labels that cannot be learned from."""

    column: str
    is_number: bool


class TrainingRows:
    """The rows of one training query, and which of them evaluate.

    `prefix` makes `training_rows`, `evaluation_rows` and `all_rows` known to the query that follows it. After `transform` the first two
    are the rows as a TRANSFORM clause makes them; `all_rows`, `raw_training_rows` and `raw_evaluation_rows` stay as the query gives them.
    """

    def __init__(self, engine: Engine, query: str, parameters: Parameters, schema: Schema, progress: Progress) -> None:
        self._engine = engine
        self._progress = progress
        self._parameters = parameters
        self._schema = schema
        self._staged: list[str] = []
        self._relation = f"({query})"
        self._has_occurrence = False
        self._evaluation: str | None = None
        self._outputs: str | None = None
        self._relation_of: Callable[[str], str] = lambda rows: rows
        self.n_rows = 0
        self.n_eval = 0
        self.fingerprint = ""
        is_scan = self._read_plan(query)
        if _VOLATILE.search(query) or not is_scan:
            self._stage()

    @property
    def n_train(self) -> int:
        return self.n_rows - self.n_eval

    def close(self) -> None:
        """Drops what was staged."""
        for name in self._staged:
            self._engine.rows(f"DROP TABLE IF EXISTS {name}")
        self._staged.clear()

    def survey(self, rule: SplitRule, label: LabelCheck | None, seed: int) -> None:
        """Counts, checks labels, and settles the split. One pass, and one more where rows that repeat must be numbered.

        Raises: DataError `no_rows`, `null_label`, `infinite_label`, `empty_split`.
        """
        counts = [sql.call("count", "*"), sql.call("sum", sql.cast(HASH, "HUGEINT"))]
        counts.append(sql.call("count", f"DISTINCT {HASH}") if rule.may_be_random else "NULL")
        if label is not None:
            name = sql.quote(label.column)
            counts.append(f"{sql.call('count', '*')} FILTER ({name} IS NULL)")
            bad = f"NOT {sql.call('isfinite', sql.cast(name, 'DOUBLE'))}" if label.is_number else "FALSE"
            counts.append(f"{sql.call('count', '*')} FILTER ({bad})")
        (row,) = self.rows(f"SELECT {', '.join(counts)} FROM all_rows")
        self.n_rows = int(str(row[0]))
        if self.n_rows == 0:
            raise DataError("the training query gives no rows", code="no_rows", hint="run the query after AS alone to see why")
        self.fingerprint = f"{int(str(row[1])) % 2**64:016x}"
        if label is not None:
            self._check_label(label, int(str(row[3])), int(str(row[4])))
        if rule.may_be_random and int(str(row[2])) < self.n_rows:
            self._number_occurrences()
        self._evaluation = evaluation_condition(rule, self.n_rows, seed, self._nth_largest)
        if self._evaluation is not None:
            ((n_eval,),) = self.rows(f"SELECT {sql.call('count', '*')} FROM evaluation_rows")
            self.n_eval = int(str(n_eval))
            if self.n_eval == self.n_rows:
                raise DataError(
                    f"the split leaves no rows to train on: all {self.n_rows} rows evaluate", code="empty_split",
                    hint="use DATA_SPLIT_METHOD = 'NO_SPLIT' or a smaller DATA_SPLIT_EVAL_FRACTION",
                )  # fmt: skip

    def transform(self, relation: Callable[[str], str], items: str) -> None:
        """From now on training and evaluation rows are transformed.

        Args: relation, a relation of raw rows in brackets to the one that the outputs are written over; items, the outputs, with names.
        """
        self._relation_of, self._outputs = relation, items

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """All rows of a small query over `training_rows`, `evaluation_rows` or `all_rows`."""
        self._progress.check()
        return self._engine.rows(self.prefix + query, self._parameters)

    def describe(self, query: str) -> Schema:
        """The columns of a query over the rows."""
        return self._engine.describe(self.prefix + query, self._parameters)

    def stage_query(self, query: str) -> str:
        """Runs a query over the rows into a temporary table and gives its name; it goes with this object."""
        self._progress.check()
        name = f'temp.main."__sqlml_rows_{next(_numbers)}"'
        self._staged.append(name)
        self._engine.rows(f"CREATE TEMP TABLE {name} AS {self.prefix}{query}", self._parameters)
        return name

    def batches(self, query: str, n_rows: int) -> Iterator[pa.RecordBatch]:
        """Streams a query over the rows."""
        self._progress.check()
        batches = self._engine.batches(self.prefix + query, self._parameters, n_rows=n_rows)
        try:
            for batch in batches:
                self._progress.check()
                yield batch
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()

    @property
    def prefix(self) -> str:
        hashed = ", ".join(sql.quote(name) for name in sorted(self._schema.names))
        occurrence = "" if self._has_occurrence else f", 1 AS {OCCURRENCE}"
        row_hash = "" if self._has_occurrence else f", {sql.call('hash', hashed)} AS {HASH}"
        everything = f"all_rows AS (SELECT *{row_hash}{occurrence} FROM {self._relation})"
        train = "all_rows" if self._evaluation is None else f"(SELECT * FROM all_rows WHERE NOT {self._evaluation})"
        evaluate = "all_rows WHERE FALSE" if self._evaluation is None else f"all_rows WHERE {self._evaluation}"
        raw = f"WITH {everything}, raw_training_rows AS (SELECT * FROM {train}), raw_evaluation_rows AS (SELECT * FROM {evaluate}), "
        made = ", ".join(f"{part} AS (SELECT {self._made(f'raw_{part}')})" for part in ("training_rows", "evaluation_rows"))
        return f"{raw}{made} "

    def _made(self, part: str) -> str:
        if self._outputs is None:
            return f"* FROM {part}"
        return f"{self._outputs}, {HASH}, {OCCURRENCE} FROM {self._relation_of(f'(SELECT * FROM {part})')}"

    def _stage(self) -> None:
        name = f'temp.main."__sqlml_rows_{next(_numbers)}"'
        self._staged.append(name)
        self._progress.check()
        self._engine.rows(f"CREATE TEMP TABLE {name} AS SELECT * FROM {self._relation}", self._parameters)
        self._relation, self._parameters = name, None

    def _number_occurrences(self) -> None:
        window = f"{sql.call('row_number')} OVER (PARTITION BY {HASH})"
        numbered = f"SELECT * EXCLUDE ({OCCURRENCE}), {window} AS {OCCURRENCE} FROM all_rows"
        # The parameters are spent once the rows are staged; the old stage is dropped with the others.
        self._relation, self._parameters, self._has_occurrence = self.stage_query(numbered), None, True

    def _read_plan(self, query: str) -> bool:
        """Whether the engine's plan is nothing but a scan with filters and projections."""
        rows = self._engine.rows(f"EXPLAIN (FORMAT json) {query}", self._parameters)
        operators: set[str] = set()
        pending = list(json.loads(str(rows[0][1])))
        while pending:
            node = pending.pop()
            operators.add(str(node["name"]).strip())
            pending.extend(node["children"])
        return operators <= _SCANS

    def _nth_largest(self, column: str, n: int) -> tuple[str, str] | None:
        name = sql.quote(column)
        found = self._schema.find(column)
        rows = self.rows(
            f"SELECT {sql.cast(name, 'VARCHAR')} FROM all_rows WHERE {name} IS NOT NULL ORDER BY {name} DESC LIMIT 1 OFFSET {n - 1}"
        )
        return (str(rows[0][0]), found.type.name) if rows and found is not None else None

    def _check_label(self, label: LabelCheck, n_null: int, n_infinite: int) -> None:
        name = sql.quote(label.column) if not label.column.isidentifier() else label.column
        if n_null:
            raise DataError(
                f"the label {label.column} is NULL in {n_null} of {self.n_rows} rows", code="null_label",
                hint=f"leave them out: WHERE {name} IS NOT NULL",
            )  # fmt: skip
        if n_infinite:
            raise DataError(
                f"the label {label.column} is infinite or NaN in {n_infinite} of {self.n_rows} rows", code="infinite_label",
                hint=f"leave them out: WHERE isfinite({name})",
            )  # fmt: skip
