"""What becomes of each kind of node that is no function: nodes that mean the same in DuckDB, and rules for those that do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from sqlml.bigquery import changes, conversions, definitions, files, moment_rules, operators, queries, structs, tables, unnest
from sqlml.bigquery.translation import raw
from sqlml.bigquery.types import duckdb_type

if TYPE_CHECKING:
    from sqlml.bigquery.translate import Translating

Rule = Callable[[Any, "Translating"], exp.Expr]

UNCHANGED: frozenset[type[exp.Expr]] = frozenset({
    # queries
    exp.Select, exp.From, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Join, exp.With, exp.CTE,
    exp.Subquery, exp.Union, exp.Except, exp.Intersect, exp.Distinct, exp.Qualify, exp.Table, exp.TableAlias, exp.Alias, exp.Star,
    exp.Identifier, exp.Rollup, exp.Cube, exp.GroupingSets, exp.Grouping, exp.Window, exp.WindowSpec, exp.IgnoreNulls, exp.RespectNulls, exp.HavingMax,
    # expressions
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.In, exp.Between, exp.Exists, exp.Paren, exp.Null,
    exp.Boolean, exp.Mul, exp.Case, exp.If, exp.Tuple, exp.Parameter, exp.Placeholder, exp.Var,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.DPipe, exp.Any, exp.All, exp.Escape,
    # parts of statements
    exp.Schema, exp.Properties, exp.Property, exp.PartitionedByProperty, exp.Cluster, exp.ClusterProperty, exp.TemporaryProperty,
    exp.LikeProperty, exp.Clone, exp.ReturnsProperty, exp.LanguageProperty, exp.UserDefinedFunction, exp.ColumnConstraint,
    exp.NotNullColumnConstraint, exp.DefaultColumnConstraint, exp.PrimaryKey, exp.ForeignKey, exp.PrimaryKeyColumnConstraint, exp.Reference, exp.IndexParameters, exp.Whens, exp.When, exp.Values,
    exp.FileFormatProperty, exp.MaterializedProperty, exp.ExternalProperty, exp.AlterRename, exp.RenameColumn, exp.AlterSet, exp.AlterColumn, exp.LocationProperty,
    # parts of others
    exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.PropertyEQ, exp.WeekStart, exp.IntervalSpan, exp.Kwarg,
})  # fmt: skip
"""Nodes that DuckDB's generator of sqlglot writes with the same meaning: it minds NULL ordering, names and set operations."""


def _data_type(node: exp.DataType, work: Translating) -> exp.Expr:
    if isinstance(node.parent, exp.DataType | exp.ColumnDef) and node.find_ancestor(exp.DataType) is not None:
        return node  # the outermost one writes all of it
    if isinstance(node.find_ancestor(exp.UserDefinedFunction), exp.UserDefinedFunction) and node.this == exp.DType.VARIANT:
        return raw("ANY TYPE")
    text = duckdb_type(node)
    if text is None:
        raise work.refuse(node, f"DuckDB has nothing for the type {node.sql(dialect='bigquery')}")
    return raw(text)


def _cast(node: exp.Cast, work: Translating) -> exp.Expr:
    """DATE '…' and its like are read here, whatever DuckDB would take them for."""
    return moment_rules.literal(node, work) or conversions.cast(node, work)


RULES: Mapping[type[exp.Expr], Rule] = {
    exp.Literal: operators.literal, exp.Neg: operators.negation, exp.HexString: operators.hexadecimal, exp.Div: operators.division,
    exp.Like: operators.like, exp.BitwiseAnd: operators.bits, exp.BitwiseOr: operators.bits, exp.BitwiseXor: operators.bits,
    exp.BitwiseLeftShift: operators.bits, exp.BitwiseRightShift: operators.bits, exp.BitwiseNot: operators.bit_not,
    exp.DataType: _data_type, exp.ParseJSON: operators.json_literal,
    exp.Cast: _cast, exp.TryCast: conversions.cast, exp.StrToDate: conversions.with_format, exp.StrToTime: conversions.with_format,
    exp.Extract: moment_rules.extract, exp.Interval: moment_rules.interval, exp.AtTimeZone: moment_rules.at_time_zone,
    exp.CurrentDate: moment_rules.current, exp.CurrentDatetime: moment_rules.current, exp.CurrentTime: moment_rules.current,
    exp.CurrentTimestamp: moment_rules.current, exp.Add: moment_rules.add, exp.Sub: moment_rules.subtract,
    exp.Struct: structs.struct, exp.Tuple: structs.tuple_value, exp.Array: queries.array, exp.Bracket: queries.bracket,
    exp.In: queries.in_list, exp.Unnest: unnest.unnest, exp.Select: queries.select, exp.Dot: queries.dot, exp.Column: tables.pseudo_column, exp.Version: tables.version, exp.Table: queries.table, exp.TableSample: tables.sample,
    exp.Create: definitions.create, exp.Insert: changes.insert, exp.Update: changes.update, exp.Delete: changes.delete,
    exp.TruncateTable: changes.truncate, exp.Drop: definitions.drop, exp.Alter: definitions.alter, exp.Merge: changes.merge,
    exp.Export: files.export, exp.LoadData: files.load,
}  # fmt: skip
