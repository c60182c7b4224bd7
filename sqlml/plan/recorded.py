"""What a version remembers of the statement that made it, and the way back: from a stored record to a CREATE MODEL that can be bound again.

Values of parameters are kept as JSON with their type, from a closed table; anything else is remembered by name only. What is read back is
a stranger's text: it is parsed as one CREATE MODEL, nothing in it is believed, and errors in it show it as what it is.
Parameters have names here: `?` and `$1` are p1, p2, …, `$name` and `@name` are name.
"""

from __future__ import annotations

import base64
import datetime
import decimal
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sqlml.catalog.records import StoredVersion
from sqlml.errors import Error, ProgrammingError, did_you_mean
from sqlml.models._registry import find_model_type
from sqlml.plan.context import BoundParameters
from sqlml.source import Source, Span
from sqlml.state import damaged_state
from sqlml.syntax import find_parameters, parse_statement, print_value, split_statements
from sqlml.syntax.nodes import CreateModel, OptionSetting

MAX_VALUE_LENGTH = 1_000_000
"""Characters of one recorded value: a parameter is a cutoff or a list of names, not a data set."""
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Override:
    """An option of the recorded statement that another statement gives another value."""

    setting: OptionSetting
    """As the other statement has it."""
    value: object
    """Parameters filled in."""


@dataclass(frozen=True)
class RecordedStatement:
    """A CREATE MODEL as recorded, or with other options: `node` has its places in `source`."""

    source: Source
    node: CreateModel
    parameters: BoundParameters
    overrides: tuple[tuple[Span, OptionSetting], ...]
    """Where in `source` an option stands that came from the statement that is running, and where it came from."""

    def locate(self, error: Error) -> Error:
        """An error from binding `source`, with its place in the running statement where the option came from there."""
        if error.span is not None and error.source is None:
            for span, setting in self.overrides:
                if span.start <= error.span.start and error.span.end <= span.end:
                    is_value = error.span.start > span.start
                    error.span = setting.value.span if is_value else setting.span
                    return error
        return error.with_source(self.source)


# ---- Values ----


def encode_parameters(values: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Values by parameter as they are stored, and the parameters whose value cannot be."""
    stored: dict[str, str] = {}
    unknown = []
    for name, value in values.items():
        try:
            text = json.dumps(_encode(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
            if len(text) > MAX_VALUE_LENGTH:
                raise TypeError(name)
        except (TypeError, RecursionError, ValueError):
            text = json.dumps({"type": _UNKNOWN, "value": type(value).__name__[:100]})
            unknown.append(name)
        stored[name] = text
    return stored, tuple(unknown)


def decode_parameters(stored: Mapping[str, str]) -> dict[str, object]:
    """The values back; without those that could not be stored.

    Raises: IntegrityError `damaged_state`.
    """
    values: dict[str, object] = {}
    for name, text in stored.items():
        try:
            if len(text) > MAX_VALUE_LENGTH:
                raise ValueError(name)
            found = json.loads(text)
            if found["type"] != _UNKNOWN:
                values[name] = _decode(found)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, decimal.DecimalException):
            raise damaged_state(f"the recorded value of parameter {name[:100]} cannot be read") from None
    return values


def _encode(value: object) -> dict[str, object]:
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    match value:
        case None:
            return {"type": "null", "value": None}
        case bool():
            return {"type": "bool", "value": value}
        case int():
            return {"type": "int", "value": str(int(value))}
        case float():
            return {"type": "float", "value": repr(float(value))}
        case str():
            return {"type": "str", "value": str(value)}
        case bytes() | bytearray():
            return {"type": "bytes", "value": base64.b64encode(value).decode("ascii")}
        case decimal.Decimal():
            return {"type": "decimal", "value": str(value)}
        case datetime.datetime():
            return {"type": "datetime", "value": value.isoformat()}
        case datetime.date():
            return {"type": "date", "value": value.isoformat()}
        case datetime.time():
            return {"type": "time", "value": value.isoformat()}
        case datetime.timedelta():
            return {"type": "timedelta", "value": [value.days, value.seconds, value.microseconds]}
        case list() | tuple():
            return {"type": "list", "value": [_encode(item) for item in value]}
        case dict():
            return {"type": "dict", "value": [[_encode(key), _encode(item)] for key, item in value.items()]}
    raise TypeError(type(value).__name__)


def _decode(stored: Mapping[str, object]) -> object:
    value = stored["value"]
    match stored["type"], value:
        case "null", None:
            return None
        case "bool", bool():
            return value
        case "int", str():
            return int(value)
        case "float", str():
            return float(value)
        case "str", str():
            return value
        case "bytes", str():
            return base64.b64decode(value, validate=True)
        case "decimal", str():
            return decimal.Decimal(value)
        case "datetime", str():
            return datetime.datetime.fromisoformat(value)
        case "date", str():
            return datetime.date.fromisoformat(value)
        case "time", str():
            return datetime.time.fromisoformat(value)
        case "timedelta", [int() as days, int() as seconds, int() as microseconds]:
            return datetime.timedelta(days=days, seconds=seconds, microseconds=microseconds)
        case "list", list():
            return [_decode(item) for item in value]
        case "dict", list():
            return {_decode(key): _decode(item) for key, item in value}
    raise ValueError("not in the table of types")


# ---- Statements ----


def recorded_statement(
    version: StoredVersion, *, overrides: Sequence[Override] = (), values: Mapping[str, tuple[object, Span]] | None = None
) -> RecordedStatement:
    """The statement that made a version, with other options or other values of its parameters.

    Args: values, new values by parameter, each with its place in the statement that gives it.
    Raises: ProgrammingError `unknown_parameter`, `missing_parameter`, `option_literal`; IntegrityError `damaged_state` for a record that is
        no CREATE MODEL with a query.
    """
    name = f"{version.key}@{version.version}"
    source = Source(version.record.statement, f"the statement recorded with {name}")
    node = _parse(source)
    known = {key: internal for _, key, internal in _parameters(source, version)}
    given = _values(version, known, values or {})
    if overrides:
        source, places, given = _with_options(source, node, version, overrides, given)
        node = _parse(source)
    else:
        places = ()
    found = find_parameters(source, node.span)
    internal = {_internal(key): given[_public(key)] for _, key in found if _public(key) in given}
    return RecordedStatement(source, node, BoundParameters(internal, found, source.text), places)


def _parse(source: Source) -> CreateModel:
    try:
        (span,) = split_statements(source)
        node = parse_statement(source, span)
    except (Error, ValueError) as error:
        raise damaged_state("the statement recorded with it cannot be read") from error
    if not isinstance(node, CreateModel) or node.query is None:
        raise damaged_state("the statement recorded with it is no CREATE MODEL with a query")
    return node


def _internal(key: int | str) -> str:
    return f"p{key}" if isinstance(key, int) else key


def _public(key: int | str) -> str:
    return f"p{key + 1}" if isinstance(key, int) else key


def _parameters(source: Source, version: StoredVersion) -> list[tuple[Span, str, str]]:
    """The parameters of a recorded statement: place, name, and name inside the engine."""
    recorded = version.record.parameters
    found = find_parameters(source)
    # "@x" is an operator and a column unless a value of that name came with the statement.
    return [(span, _public(key), _internal(key)) for span, key in found if source.text[span.start] != "@" or _public(key) in recorded]


def _values(version: StoredVersion, known: Mapping[str, str], given: Mapping[str, tuple[object, Span]]) -> dict[str, object]:
    """Recorded values with the new ones in their place."""
    recorded = decode_parameters(version.record.parameters)
    values = {name: value for name, value in recorded.items() if name in known}
    spelled = {name.casefold(): name for name in known}
    for name, (value, span) in given.items():
        target = name if name in known else spelled.get(name.casefold())
        if target is None:
            shown = ", ".join(known)
            raise ProgrammingError(
                f"the recorded statement has no parameter {name}", code="unknown_parameter", span=span,
                hint=did_you_mean(name, list(known)) or (f"it has {shown}" if known else "it has none"),
            )  # fmt: skip
        values[target] = value
    missing = [name for name in known if name not in values]
    if missing:
        raise ProgrammingError(
            f"no value was recorded for parameter {missing[0]} of the training query", code="missing_parameter",
            hint=f"REFRESH MODEL … WITH ({missing[0]} = …) gives it one",
        )  # fmt: skip
    return values


def _with_options(
    source: Source, node: CreateModel, version: StoredVersion, overrides: Sequence[Override], values: dict[str, object]
) -> tuple[Source, tuple[tuple[Span, OptionSetting], ...], dict[str, object]]:
    """The statement with other options, where these stand in it, and the values of its parameters by their new numbers."""
    names = _names_of(version)
    replaced = {names.get(override.setting.name.lower(), override.setting.name.lower()) for override in overrides}
    kept = [setting for setting in node.options if names.get(setting.name.lower(), setting.name.lower()) not in replaced]
    assert node.options_span is not None, "a model type was given"
    before = source.text[: node.options_span.start] + "OPTIONS ("
    parts = [source.text[setting.span.start : setting.span.end] for setting in kept]
    length = len(before) + sum(len(part) + 2 for part in parts)
    places = []
    for override in overrides:
        text = f"{_quoted(override.setting.name)} = {_printed(override)}"
        places.append((Span(length, length + len(text)), override.setting))
        parts.append(text)
        length += len(text) + 2
    text = f"{before}{', '.join(parts)}){source.text[node.options_span.end :]}"
    gone = [setting.span for setting in node.options if setting not in kept]
    left = [key for span, key in find_parameters(source) if not any(part.start <= span.start < part.end for part in gone)]
    changed = Source(text, source.name)
    # `?` count from the start of the text: where one is gone, those behind it have other numbers.
    renumbered = {
        _public(new): values[_public(old)] for old, (_, new) in zip(left, find_parameters(changed), strict=True) if _public(old) in values
    }
    return changed, tuple(places), renumbered


def _names_of(version: StoredVersion) -> dict[str, str]:
    """Names and aliases of the model type's options, each to the name."""
    try:
        spec = find_model_type(version.record.model_type)
    except Error:
        return {}
    return {name: option.name for option in spec.options for name in (option.name, *option.aliases)}


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else '"' + name.replace('"', '""') + '"'


def _printed(override: Override) -> str:
    try:
        return print_value(override.value)
    except TypeError:
        raise ProgrammingError(
            f"option {override.setting.name} takes no value of type {type(override.value).__name__}", code="option_value",
            span=override.setting.value.span,
        ) from None  # fmt: skip
