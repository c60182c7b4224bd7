"""Pages from declarations: what a function is called with, what it may be told, what it applies to."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from sqlml.errors import NotSupportedError, ProgrammingError, did_you_mean
from sqlml.functions import _registry as functions
from sqlml.functions._spec import FunctionSpec
from sqlml.functions._value_spec import REQUIRED, Parameter, ValueSpec
from sqlml.help.columns import COLUMNS
from sqlml.help.docstrings import Block, Example, read_docstring
from sqlml.models import _registry as models
from sqlml.models._options import Effect, Option
from sqlml.models._spec import ModelSpec

Kind = Literal["function", "preprocessing", "model type"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting, option or argument; `default` is "" where there is none."""

    name: str
    type: str
    default: str
    doc: str


@dataclass(frozen=True, slots=True)
class Page:
    """What there is to say of one name.

    `entries_title`: what the entries are, as in "settings". `applies_to`: model types, or for a model type the functions that take it;
    empty where that is no question. `columns`: of the result, where every model has the same. `body`: examples and notes in the order of
    the docstring.
    """

    name: str
    kind: Kind
    summary: str
    usage: str
    entries_title: str
    entries: tuple[Entry, ...]
    applies_title: str
    applies_to: tuple[str, ...]
    columns: str
    body: tuple[Block, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        return tuple(block.text for block in self.body if isinstance(block, Example) and block.is_sql)

    @property
    def notes(self) -> tuple[Block, ...]:
        """Everything in the body but the examples."""
        return tuple(block for block in self.body if not (isinstance(block, Example) and block.is_sql))


def topics() -> dict[Kind, tuple[str, ...]]:
    """The names that have a page."""
    return {
        "function": tuple(f"ML.{name}" for name in functions.FUNCTIONS),
        "preprocessing": functions.VALUE_FUNCTIONS,
        "model type": models.MODEL_TYPES,
    }


def find_page(name: str) -> Page:
    """The page of a name, in any case, "ML." written or not.

    Raises: ProgrammingError `unknown_topic`; NotSupportedError `function_not_supported`, `model_type_not_supported`.
    """
    wanted = name.strip().rstrip(";").upper()
    known = topics()
    for key in (wanted, f"ML.{wanted}"):
        if key in known["function"]:
            return _function_page(functions.find_function(key.removeprefix("ML.")))
        if key in known["preprocessing"]:
            return _value_page(functions.find_value_function(key))
        if key in known["model type"]:
            return _model_page(models.find_model_type(key))
    bare = wanted.removeprefix("ML.")
    if bare in functions.NOT_YET:
        raise NotSupportedError(f"ML.{bare} is not available in this release", code="function_not_supported")
    if wanted in models.NOT_YET:
        raise NotSupportedError(f"model type {wanted} is not available in this release", code="model_type_not_supported")
    names = [topic for of_kind in known.values() for topic in of_kind]
    close = did_you_mean(wanted, names) or did_you_mean(f"ML.{bare}", names)
    raise ProgrammingError(f"there is no page {name.strip()}", code="unknown_topic", hint=close or "help without a name lists all pages")


def _function_page(spec: FunctionSpec) -> Page:
    types = tuple(name for name in models.MODEL_TYPES if spec.applies_to(models.find_model_type(name))) if spec.n_models else ()
    return Page(
        name=f"ML.{spec.name}", kind="function", summary=spec.doc, usage=spec.usage,
        entries_title="settings", entries=tuple(_option(option) for option in spec.settings),
        applies_title="applies to", applies_to=types, columns=COLUMNS.get(spec.name, ""), body=_body(spec.bind.__module__),
    )  # fmt: skip


def _value_page(spec: ValueSpec) -> Page:
    return Page(
        name=spec.name, kind="preprocessing", summary=spec.doc, usage=spec.usage,
        entries_title="arguments", entries=tuple(_parameter(parameter) for parameter in spec.parameters),
        applies_title="", applies_to=(), columns="", body=_body(f"sqlml.functions.{spec.name.removeprefix('ML.').lower()}"),
    )  # fmt: skip


def _model_page(spec: ModelSpec) -> Page:
    own = tuple(option for option in spec.options if option.name != "model_type")
    asked = [functions.find_function(name) for name in functions.FUNCTIONS]
    return Page(
        name=spec.model_type, kind="model type", summary=spec.doc,
        usage=f"CREATE MODEL m OPTIONS (model_type = '{spec.model_type}', …) AS SELECT …",
        entries_title="options", entries=tuple(_option(option) for option in own), applies_title="functions",
        applies_to=tuple(f"ML.{function.name}" for function in asked if function.n_models and function.applies_to(spec)),
        columns="", body=(),
    )  # fmt: skip


def _body(module: str) -> tuple[Block, ...]:
    """The docstring of a function's module, which has been loaded with its declaration."""
    return read_docstring(sys.modules[module].__doc__ or "")


def _option(option: Option) -> Entry:
    reason = option.reason.removeprefix("without effect: ")
    told = {Effect.HONOURED: "", Effect.NOTICE: f"Without effect: {reason}.", Effect.REJECTED: f"Not available: {reason}."}
    default = "" if option.default is None else _shown(option.default)
    return Entry(option.name, option.type.describe(), default, f"{option.doc} {told[option.effect]}".strip())


def _parameter(parameter: Parameter) -> Entry:
    if parameter.takes is not None:
        return Entry(parameter.name, parameter.takes.value, _default(parameter), "")
    assert parameter.literal is not None, "one of both is set"
    return Entry(parameter.name, f"{parameter.literal.describe()}, a constant", _default(parameter), "")


def _default(parameter: Parameter) -> str:
    return "" if parameter.default is REQUIRED or parameter.default is None else _shown(parameter.default)


def _shown(value: object) -> str:
    """A default as it would be written in SQL; "" for what cannot be."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            return f"'{value}'"
        case list() | tuple():
            return f"[{', '.join(_shown(item) for item in value)}]"
        case int() | float():
            return str(value)
    return ""
