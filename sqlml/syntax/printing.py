"""Nodes back to text: `parse(print(node)) == node` up to the spans. What the node holds as a span is taken from the source, as written."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable

from sqlml.shown_names import CLAUSE_WORDS, RESERVED
from sqlml.source import Source, Span
from sqlml.sql import literal, quote
from sqlml.syntax.nodes import (
    AlterModelOptions,
    CopyModel,
    CreateModel,
    DescribeModel,
    DescribeModelType,
    DropAlias,
    DropModel,
    ExportModel,
    ImportModel,
    IntervalText,
    ModelName,
    OptionSetting,
    ParameterRef,
    Query,
    RefreshModel,
    RenameModel,
    ResetSetting,
    SetAlias,
    SetDefaultVersion,
    SetSetting,
    ShowCreateModel,
    ShowModels,
    ShowModelTypes,
    ShowSettings,
    ShowVersions,
    Statement,
    VerifyModel,
)
from sqlml.types import HparamCandidates, HparamRange

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def print_statement(node: Statement, source: Source) -> str:
    """The statement as text in the DuckDB flavour, without ";".

    Args: source, the text the node was read from.
    """
    match node:
        case CreateModel():
            return _print_create(node, source)
        case DropModel(name, if_exists):
            return f"DROP MODEL {'IF EXISTS ' if if_exists else ''}{print_name(name, source)}"
        case AlterModelOptions(name, if_exists, options):
            return f"{_print_alter(name, if_exists)} SET OPTIONS ({_print_options(options, ', ')})"
        case SetDefaultVersion():
            return f"{_print_alter(node.name, node.if_exists)} SET DEFAULT VERSION = {_print_version(node.version)}"
        case SetAlias():
            return f"{_print_alter(node.name, node.if_exists)} SET ALIAS {_print_part(node.alias)} = {_print_version(node.version)}"
        case DropAlias():
            return f"{_print_alter(node.name, node.if_exists)} DROP ALIAS {_print_part(node.alias)}"
        case RenameModel():
            return f"{_print_alter(node.name, node.if_exists)} RENAME TO {_print_part(node.new_name)}"
        case RefreshModel():
            return _print_refresh(node, source)
        case VerifyModel(name):
            return f"VERIFY MODEL {print_name(name, source)}"
        case CopyModel():
            return f"COPY {_or_replace(node.replace)}MODEL {print_name(node.source, source)} TO {print_name(node.target)}"
        case ExportModel(name, options):
            return f"EXPORT MODEL {print_name(name, source)}{_print_clause(options)}"
        case ImportModel(name, replace, options):
            return f"IMPORT {_or_replace(replace)}MODEL {print_name(name)}{_print_clause(options)}"
        case SetSetting(name, _, value):
            return f"SET sqlml.{_print_part(name)} = {print_value(value.value)}"
        case ResetSetting(name):
            return f"RESET sqlml.{_print_part(name)}"
        case ShowSettings():
            return "SHOW sqlml"
        case ShowModels(schema, pattern):
            scope = f" FROM {_print_path(schema)}" if schema is not None else ""
            return f"SHOW MODELS{scope}" + (f" LIKE {literal(pattern)}" if pattern is not None else "")
        case ShowVersions(name):
            return f"SHOW VERSIONS FROM MODEL {print_name(name)}"
        case ShowCreateModel(name):
            return f"SHOW CREATE MODEL {print_name(name, source)}"
        case DescribeModel(name):
            return f"DESCRIBE MODEL {print_name(name, source)}"
        case ShowModelTypes():
            return "SHOW MODEL TYPES"
        case DescribeModelType(model_type):
            return f"DESCRIBE MODEL TYPE {literal(model_type)}"
        case Query(span=span):
            return _text(span, source)


def print_name(name: ModelName, source: Source | None = None) -> str:
    """A model's name with its version, quoted where it must be.

    Args: source, the text that it was read from, where the name may carry FOR SYSTEM_TIME.
    """
    path = _print_path(name.parts)
    if name.as_of is not None and source is not None:
        return f"{path} FOR SYSTEM_TIME AS OF {_text(name.as_of, source)}"
    return path if name.reference is None else f"{path}@{_print_version(name.reference)}"


def print_value(value: object) -> str:
    """A literal as OPTIONS takes it."""
    match value:
        case list():
            return "[" + _print_values(value) + "]"
        case tuple():
            # One value in brackets is that value, so short structs are spelled out.
            return f"({_print_values(value)})" if len(value) > 1 else f"STRUCT({_print_values(value)})"
        case HparamRange(low, high):
            return f"HPARAM_RANGE({print_value(low)}, {print_value(high)})"
        case HparamCandidates(values):
            return f"HPARAM_CANDIDATES([{_print_values(values)}])"
        case IntervalText(text):
            return text
        case ParameterRef(key):
            return "?" if isinstance(key, int) else f"${key}"
        case datetime.datetime() if value.tzinfo is not None:
            return f"TIMESTAMP '{value.astimezone(datetime.UTC).isoformat(sep=' ')}'"
        case float() if math.isfinite(value):
            return repr(value)
    return literal(value)


def _print_alter(name: ModelName, if_exists: bool) -> str:
    return f"ALTER MODEL {'IF EXISTS ' if if_exists else ''}{print_name(name)}"


def _or_replace(replace: bool) -> str:
    return "OR REPLACE " if replace else ""


def _print_clause(options: tuple[OptionSetting, ...]) -> str:
    return f" OPTIONS ({_print_options(options, ', ')})" if options else ""


def _print_refresh(node: RefreshModel, source: Source) -> str:
    parts = [f"REFRESH MODEL {print_name(node.name)}"]
    if node.options_span is not None:
        parts.append(f"OPTIONS ({_print_options(node.options, ', ')})")
    if node.if_data_changed:
        parts.append("IF DATA CHANGED")
    if node.parameters:
        parts.append(f"WITH ({_print_options(node.parameters, ', ')})")
    if node.condition is not None:
        parts.append(f"PROMOTE IF {_text(node.condition, source)}\n")
    if node.alias is not None:
        parts.append(f"AS {_print_part(node.alias)}")
    return " ".join(parts)


def _print_create(node: CreateModel, source: Source) -> str:
    lines = [f"CREATE {'OR REPLACE ' if node.replace else ''}MODEL {'IF NOT EXISTS ' if node.if_not_exists else ''}{print_name(node.name)}"]
    # A comment in a line of its own ends with the line, so what follows a text as written stands in the next.
    if node.transform is not None:
        lines.append(f"TRANSFORM ({_text(node.transform, source)}\n)")
    if node.options_span is not None:
        options = _print_options(node.options, ",\n  ")
        lines.append(f"OPTIONS ({options})")
    if node.query is not None:
        lines.append(f"AS {_text(node.query, source)}")
    return "\n".join(lines)


def _print_options(options: tuple[OptionSetting, ...], separator: str) -> str:
    return separator.join(f"{_print_part(option.name)} = {print_value(option.value.value)}" for option in options)


def _print_values(values: Iterable[object]) -> str:
    return ", ".join(print_value(value) for value in values)


def _print_version(version: int | str) -> str:
    return str(version) if isinstance(version, int) else _print_part(version)


def _print_path(parts: tuple[str, ...]) -> str:
    return ".".join(_print_part(part) for part in parts)


def _print_part(name: str) -> str:
    plain = _PLAIN_NAME.fullmatch(name) and name.upper() not in RESERVED and name.upper() not in CLAUSE_WORDS
    return name if plain else quote(name)


def _text(span: Span, source: Source) -> str:
    return source.text[span.start : span.end]
