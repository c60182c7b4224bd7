"""How far a row lies from what a k-means or PCA model expects, as SQL over the model's scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sqlml import sql
from sqlml.features.layout import CategoryTerm, Layout, MultiHotTerm, NumericTerm, SparseTerm, Term, VectorTerm
from sqlml.functions._spec import CallContext, Input, LoadedModel, Prepared
from sqlml.models._spec import Task
from sqlml.models.kmeans import KMeansState
from sqlml.models.pca import PCAState
from sqlml.state import FloatArray

RATIOS, COMPONENTS, SQUARES = "__sqlml_ratios", "__sqlml_components", "__sqlml_squares"


@dataclass(frozen=True, slots=True)
class Outlyingness:
    """`value` (DOUBLE, never NULL) and `centroid` (BIGINT, k-means) over `relation`, which is in brackets and holds those of `data` too."""

    value: str
    centroid: str | None
    relation: str
    data: Prepared
    form: Literal["sql", "arrow"]
    reason: str


def outlyingness(model: LoadedModel, data: Input, context: CallContext) -> Outlyingness:
    """k-means: the least distance to a centroid in multiples of the cluster's radius. PCA: the mean squared error of the reconstruction.

    Raises: as `CallContext.scores`.
    """
    scores = context.scores(model, data)
    if model.spec.task is Task.CLUSTERING:
        relation = f"(SELECT *, {_ratios(model.state, scores.sql)} AS {RATIOS} FROM {scores.data.relation})"
        least = sql.call("list_min", RATIOS)
        nearest = sql.cast(sql.call("list_position", RATIOS, least), "BIGINT")
        return Outlyingness(least, nearest, relation, scores.data, scores.form, scores.reason)
    # The other half of the error is SQL over the same terms: the row's square length. A model of another form reads them in the same way.
    lengths = context.scores(replace(model, spec=replace(model.spec, scores_sql=square_length)), data)
    assert lengths.data.relation == scores.data.relation
    relation = f"(SELECT *, {scores.sql} AS {COMPONENTS}, {lengths.sql} AS {SQUARES} FROM {scores.data.relation})"
    lost = f"{SQUARES} - {sql.call('list_dot_product', COMPONENTS, COMPONENTS)}"
    # Rounding may leave less than nothing of a row that the components give back whole.
    error = f"{sql.call('greatest', lost, sql.literal(0.0))} / {sql.literal(float(len(model.state.column_means)))}"
    return Outlyingness(f"({error})", None, relation, scores.data, scores.form, scores.reason)


def _ratios(state: KMeansState, distances: str) -> str:
    """Distances in multiples of radii. A cluster of equal rows has none: only a row that is like them is near it; an empty one has no row
    near it."""
    infinite = sql.literal(float("inf"))
    radii = sql.literal([float(radius) if size else 0.0 for radius, size in zip(state.radii, state.sizes, strict=True)])
    radius = sql.call("list_extract", radii, "i")
    none = " OR ".join(f"i = {index + 1}" for index, size in enumerate(state.sizes) if not size) or "FALSE"
    ratio = f"CASE WHEN {none} THEN {infinite} WHEN {radius} > 0 THEN d / {radius} WHEN d = 0 THEN 0.0e0 ELSE {infinite} END"
    return sql.call("list_transform", distances, f"lambda d, i: {ratio}")


def square_length(state: PCAState, layout: Layout) -> str:
    """The squared distance of a row's matrix columns from their means, as one DOUBLE expression.

    Cancellation costs the error of a row about 1e-16 of this.
    """
    parts = zip(layout.terms, layout.slices, strict=True)
    return sql.total([_of_term(layout, term, state.column_means[columns]) for term, columns in parts])


def _of_term(layout: Layout, term: Term, means: FloatArray) -> str:
    value = layout.value_sql(term)
    origin = float(means @ means)
    match term:
        case NumericTerm():
            return sql.call("pow", f"{value} - {sql.literal(float(means[0]))}", "2")
        case CategoryTerm():
            # A row with code c has 1 in column c and 0 in the others; a row of an unseen category has 0 in all.
            squares = sql.literal((origin - means**2 + (1.0 - means) ** 2).tolist())
            return f"coalesce({sql.call('list_extract', squares, f'{value} + 1')}, {sql.literal(origin)})"
        case MultiHotTerm():
            each = sql.call("list_extract", sql.literal((1.0 - 2.0 * means).tolist()), "c + 1")
            codes = sql.call("list_distinct", value)  # without NULLs
            return _sum_of(sql.call("list_transform", codes, f"lambda c: {each}"), origin)
        case VectorTerm():
            filled = f"CASE WHEN v IS NULL OR {sql.call('isnan', 'v')} THEN {_at(term.means, 'i')} ELSE v END"
            square = sql.call("pow", f"{filled} - {_at(means, 'i')}", "2")
            apart = sql.call("list_transform", value, f"lambda v, i: {square}")
            return _sum_of(apart, 0.0)
        case SparseTerm():
            return _of_pairs(value, term.size, means, origin)
    raise AssertionError("the closed list of terms")


def _of_pairs(value: str, size: int, means: FloatArray, origin: float) -> str:
    """Of index-value pairs, of which those of one index add: the sum of v * (that index's sum) - 2 * v * mean over all pairs."""
    starts = sql.call("range", "1", sql.call("len", "p"), "2")
    index = sql.call("list_extract", "p", "i")
    known = f"{index} >= 0 AND {index} < {size} AND {sql.call('list_extract', 'p', 'i + 1')} IS NOT NULL"
    kept = sql.call("list_filter", starts, f"lambda i: {known}")
    of_index = f"CASE WHEN {sql.call('list_extract', 'p', 'j')} = {index} THEN {sql.call('list_extract', 'p', 'j + 1')} ELSE 0.0e0 END"
    total = sql.call("list_sum", sql.call("list_transform", "s", f"lambda j: {of_index}"))
    mean = _at(means, f"{sql.cast(index, 'BIGINT')} + 1")
    each = sql.call("list_transform", "s", f"lambda i: {sql.call('list_extract', 'p', 'i + 1')} * ({total} - 2 * {mean})")
    row = sql.call("list_transform", sql.call("list_value", kept), f"lambda s: {_sum_of(each, origin)}")
    rows = sql.call("list_transform", sql.call("list_value", value), f"lambda p: {sql.call('list_extract', row, '1')}")
    return sql.call("list_extract", rows, "1")


def _at(values: FloatArray, position: str) -> str:
    return sql.call("list_extract", sql.literal(values.tolist()), position)


def _sum_of(values: str, constant: float) -> str:
    return f"({sql.literal(constant)} + coalesce({sql.call('list_sum', values)}, 0.0e0))"
