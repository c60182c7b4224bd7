"""The counterfactual flip test as SQL: how often those most alike in the other group are predicted otherwise.

Source: Amazon SageMaker Clarify, FT: its formula, and its library's neighbours (Euclidean distance between columns of numbers as they are;
the majority of the five nearest rows, the nearest alone where the advantaged are ten or fewer). The library turns the sign of the formula
around; it takes no text, which is compared here as if one-hot encoded.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlml import sql
from sqlml.functions._spec import Input, LoadedModel
from sqlml.models._options import OptionError
from sqlml.types import Column, Kind

_NEIGHBOURS = 5
_FEW = 10
_NUMBERS = (Kind.NUMBER, Kind.BOOLEAN)


def compared_columns(model: LoadedModel, data: Input, facet: Column) -> list[Column]:
    """The model's features but the facet, as the data have them.

    Raises: OptionError `option_not_applicable` when there is none, or one that has no distance.
    """
    found = [data.schema.find(feature.name) for feature in model.version.record.features]
    columns = [column for column in found if column is not None and column != facet]
    for column in columns:
        if column.type.kind not in (*_NUMBERS, Kind.STRING):
            raise OptionError(
                "flip_test", f"flip_test compares numbers, BOOLs and strings; the feature {column.name} is {column.type}",
                code="option_not_applicable",
            )  # fmt: skip
    if not columns:
        raise OptionError("flip_test", f"flip_test needs a feature beside {facet.name}", code="option_not_applicable")
    return columns


def flip_test_sql(rows: str, columns: Sequence[tuple[str, Column]]) -> str:
    """A query of one number: (members of d rejected though their neighbours in a are accepted, less the reverse) / members of d.

    Rows in which a number is missing have no distance and are left out. Rows as far apart are taken in the order of their scores, which
    decide alike, so that the result does not depend on the order of rows. Takes as long as there are pairs of a row of each group.

    Args: rows, the name of a relation with `disadvantaged`, `accepted` (BOOLEAN) and `score`; columns, SQL over it of what is compared.
    """
    items: list[str] = []
    complete: list[str] = []
    distances: list[str] = []
    for index, (value, column) in enumerate(columns):
        name = f"x{index}"
        if column.type.kind in _NUMBERS:
            number = sql.cast(value if column.type.kind is Kind.NUMBER else sql.cast(value, "INTEGER"), "DOUBLE")
            items.append(f"{number} AS {name}")
            complete.append(f"{name} IS NOT NULL AND NOT {sql.call('isnan', name)}")
            distances.append(f"(d.{name} - a.{name}) * (d.{name} - a.{name})")
        else:
            items.append(f"{value} AS {name}")
            distances.append(f"CASE WHEN d.{name} IS DISTINCT FROM a.{name} THEN 2.0e0 ELSE 0.0e0 END")
    where = f" WHERE {' AND '.join(complete)}" if complete else ""
    neighbour = sql.call(
        "struct_pack", f"distance := {sql.total(distances)}", "score := a.score", f"accepted := {sql.cast('a.accepted', 'INTEGER')}"
    )
    few = f"(SELECT {sql.call('count', '*')} FROM __sqlml_compared WHERE NOT disadvantaged) <= {_FEW}"
    nearest = sql.call("list_slice", "nearest", "1", f"CASE WHEN {few} THEN 1 ELSE {_NEIGHBOURS} END")
    votes = sql.call("list_transform", nearest, "lambda one: one.accepted")
    share = sql.call("list_aggregate", votes, sql.literal("avg"))
    flipped = [sql.call("count", "*") + f" FILTER (WHERE {which})" for which in ("NOT accepted AND likely", "accepted AND NOT likely")]
    return (
        f"WITH __sqlml_compared AS MATERIALIZED (SELECT *, {sql.call('row_number')} OVER () AS id FROM"
        f" (SELECT disadvantaged, accepted, score, {', '.join(items)} FROM {rows}){where}),"
        f" __sqlml_nearest AS (SELECT d.id, {sql.call('any_value', 'd.accepted')} AS accepted,"
        f" {sql.call('min', neighbour, str(_NEIGHBOURS))} AS nearest"
        f" FROM __sqlml_compared d CROSS JOIN __sqlml_compared a WHERE d.disadvantaged AND NOT a.disadvantaged GROUP BY d.id),"
        f" __sqlml_voted AS (SELECT accepted, {share} > 0.5e0 AS likely FROM __sqlml_nearest)"
        f" SELECT {sql.cast(f'{flipped[0]} - {flipped[1]}', 'DOUBLE')} / nullif({sql.call('count', '*')}, 0) FROM __sqlml_voted"
    )
