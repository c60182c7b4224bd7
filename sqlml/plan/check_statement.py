"""One statement checked without a database: names of functions and model types, options and settings, and all that is translated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlml.bigquery.part import Part
from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.functions._registry import find_function, find_value_function
from sqlml.functions._spec import FunctionSpec
from sqlml.models._options import Option, check_options
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec, Task
from sqlml.plan.arguments import bind_arguments
from sqlml.plan.flavour import refused, translated
from sqlml.plan.model_options import find_setting, model_options, model_type
from sqlml.plan.splice import Spliced, plain, splice
from sqlml.plan.transform_flavour import engine_clause
from sqlml.source import Source, Span
from sqlml.syntax import parse_query, parse_transform
from sqlml.syntax.nodes import (
    AlterModelOptions,
    CreateModel,
    DescribeModelType,
    ExportModel,
    ImportModel,
    InformationTable,
    MLCall,
    ModelName,
    OptionSetting,
    ParameterRef,
    Query,
    QueryArgument,
    RefreshModel,
    SetAlias,
    Statement,
    StructField,
    Transform,
    TransformColumn,
    TransformFields,
    ValueCall,
)

_Result = TypeVar("_Result")


@dataclass
class Known:
    """What the statements before have made."""

    functions: set[str] = field(default_factory=set)
    """In lower case."""
    models: dict[tuple[str, ...], ModelSpec] = field(default_factory=dict)
    """By the parts of the name, in lower case."""


class _ParameterGiven(Exception):
    """A literal is a parameter, whose value comes when the statement runs."""


class StatementCheck:
    """One statement of a script."""

    def __init__(self, source: Source, dialect: str, known: Known) -> None:
        self._source = source
        self._dialect = dialect
        self._known = known
        self._errors: list[Error] = []

    def run(self, node: Statement) -> list[Error]:
        """All that would be refused, whatever tables there are."""
        match node:
            case Query():
                self._query(node, node.span)
            case CreateModel():
                self._create_model(node)
            case AlterModelOptions():
                from sqlml.plan.bind import ALTER_OPTIONS

                self._settings(ALTER_OPTIONS, node.options, "ALTER MODEL")
            case ExportModel():
                from sqlml.plan.move_model import EXPORT_OPTIONS

                self._settings(EXPORT_OPTIONS, node.options, "EXPORT MODEL")
            case ImportModel():
                from sqlml.plan.move_model import IMPORT_OPTIONS

                self._settings(IMPORT_OPTIONS, node.options, "IMPORT MODEL")
            case DescribeModelType():
                self._try(lambda: find_model_type(node.model_type), node.type_span)
            case SetAlias() | RefreshModel():
                from sqlml.catalog.references import check_alias

                if node.alias is not None:
                    self._try(lambda: check_alias(str(node.alias)), node.alias_span or node.span)
        return self._errors

    def _try(self, look: Callable[[], _Result], span: Span) -> _Result | None:
        """The result, or None where it is refused."""
        try:
            return look()
        except Error as error:
            self._errors.append(error.at(span))
        return None

    # queries

    def _query(self, node: Query, span: Span) -> None:
        replacements: list[tuple[Span, Spliced]] = []
        for call in node.calls:
            match call:
                case MLCall():
                    self._try(lambda call=call: self._ml_call(call, replacements), call.span)  # type: ignore[misc]
                case ValueCall():
                    self._try(lambda call=call: self._value_call(call, replacements), call.span)  # type: ignore[misc]
                case InformationTable():
                    pass  # always there
            replacements.append((call.span, plain("(SELECT NULL)")))
        self._text(span, replacements)

    def _text(self, span: Span, replacements: Sequence[tuple[Span, Spliced]], part: Part = Part.STATEMENT) -> None:
        """Looks at a text with the ML calls inside it left out: they have been looked at."""
        if self._dialect == "bigquery":
            from sqlml.bigquery.translate import Context

            known = self._known.functions
            self._errors += refused(self._source, span, replacements, part, Context(lambda name: name.casefold() in known))
        elif part is Part.STATEMENT:
            from sqlml.engines.duckdb_syntax import syntax_error

            text = splice(self._source.text, span, replacements)
            error = syntax_error(text.text)
            if error is not None:
                error.span = (None if error.span is None else text.origin(error.span)) or span
                self._errors.append(error)

    def _ml_call(self, call: MLCall, replacements: Sequence[tuple[Span, Spliced]]) -> None:
        for argument in call.data:
            if isinstance(argument, QueryArgument):
                self._text(argument.query, replacements)
            else:
                self._text(argument.path, replacements, Part.RELATION)
        spec = self._try(lambda: find_function(call.function), call.function_span)
        if spec is None:
            return
        self._settings(spec.settings, call.settings, f"ML.{spec.name}")
        self._check_arguments(call, spec)

    def _check_arguments(self, call: MLCall, spec: FunctionSpec) -> None:
        if len(call.models) != spec.n_models:
            raise ProgrammingError(
                f"ML.{spec.name} takes {spec.n_models} model{'s' * (spec.n_models != 1)}, got {len(call.models)}", code="function_argument",
                hint=f"write {spec.usage}",
            )  # fmt: skip
        allowed, n_values = int(spec.data != "none"), int(bool(spec.positional))
        if len(call.data) > allowed or len(call.values) > n_values:
            extra = call.data[allowed].span if len(call.data) > allowed else call.values[n_values].span
            raise ProgrammingError(
                f"ML.{spec.name} does not take this argument", code="function_argument", span=extra, hint=f"write {spec.usage}"
            )
        if not call.data and spec.data == "required":
            raise ProgrammingError(f"ML.{spec.name} needs data", code="function_argument", hint=f"write {spec.usage}")
        for name in call.models:
            model = self._known.models.get(_key(name))
            if model is not None and not spec.applies_to(model):
                raise NotSupportedError(
                    f"ML.{spec.name} does not apply to {model.model_type} models", code="function_not_applicable", span=name.span
                )

    def _value_call(self, call: ValueCall, replacements: Sequence[tuple[Span, Spliced]]) -> None:
        spec = self._try(lambda: find_value_function(call.function), call.function_span)
        for span in _expressions(call):
            self._text(span, replacements, Part.EXPRESSION)
        if spec is None:
            return
        with contextlib.suppress(_ParameterGiven):
            bind_arguments(call, spec, lambda span: self._source.text[span.start : span.end], lambda span: None, _without_parameters)

    # models

    def _create_model(self, node: CreateModel) -> None:
        spec = self._model_options(node)
        if spec is not None:
            self._known.models[_key(node.name)] = spec
            if spec.task is Task.PREPROCESSING and node.transform is None:
                self._errors.append(
                    ProgrammingError(
                        f"a {spec.model_type} model needs a TRANSFORM clause", code="missing_transform", span=node.name.span,
                        hint="write CREATE MODEL name TRANSFORM (…) OPTIONS (…) AS query",
                    )
                )  # fmt: skip
        if node.transform is not None:
            self._transform(node.transform)
        if node.query is not None:
            query = node.query
            found = self._try(lambda: parse_query(self._source, query, self._dialect), query)
            if found is not None:
                self._query(found, query)
        elif spec is not None:
            self._errors.append(
                ProgrammingError(
                    "CREATE MODEL needs a training query", code="syntax_error", span=node.span,
                    hint="end the statement with AS SELECT … FROM …",
                )
            )  # fmt: skip

    def _model_options(self, node: CreateModel) -> ModelSpec | None:
        """The declaration of the model's type, where it can be told."""
        given = self._given(node.options)
        if any(name.lower() == "model_type" and _has_parameter(value) for name, value in given.items()):
            return None
        spec = self._try(lambda: model_type(given, node), node.span)
        if spec is None:
            return None
        if any(_has_parameter(value) for value in given.values()):
            given = {name: value for name, value in given.items() if not _has_parameter(value)}
            self._check_each(spec.options, given, f"model type {spec.model_type}", lambda name: find_setting(node, spec, name))
        elif not self._check_each(spec.options, given, f"model type {spec.model_type}", lambda name: find_setting(node, spec, name)):
            self._try(lambda: model_options(spec, given, node), node.options_span or node.name.span)
        return spec

    def _transform(self, span: Span) -> None:
        found = self._try(lambda: parse_transform(self._source, span, self._dialect, check=self._dialect == "duckdb"), span)
        if found is None:
            return
        before = len(self._errors)
        replacements: list[tuple[Span, Spliced]] = []
        for call in found.calls:
            self._try(lambda call=call: self._value_call(call, replacements), call.span)  # type: ignore[misc]
            replacements.append((call.span, plain("(SELECT NULL)")))
        for item in _items(found):
            self._text(item, replacements, Part.EXPRESSION)
        if self._dialect == "bigquery" and len(self._errors) == before:
            self._translated_transform(span)

    def _translated_transform(self, span: Span) -> None:
        """What a TRANSFORM may hold is checked on its translation, as when it runs."""
        clause = self._try(lambda: engine_clause(_Translates(self._source), span), span)
        if clause is None:
            return
        try:
            parse_transform(clause.source, clause.span)
        except Error as error:
            error.source = None
            error.span = span if error.span is None else clause.locate(error.span)
            self._errors.append(error)

    # options and settings

    def _settings(self, declared: tuple[Option, ...], settings: Sequence[OptionSetting], owner: str) -> None:
        spans = {setting.name.lower(): setting for setting in settings}
        given = {name: value for name, value in self._given(settings).items() if not _has_parameter(value)}
        if not self._check_each(declared, given, owner, spans.get):
            everything = len(given) == len(settings)
            try:
                check_options(declared, given, owner)
            except Error as error:
                if everything:
                    setting = spans.get(str(getattr(error, "option", "")).lower())
                    self._errors.append(error.at(None if setting is None else setting.span))

    def _check_each(
        self, declared: tuple[Option, ...], given: Mapping[str, object], owner: str, setting_of: Callable[[str], OptionSetting | None]
    ) -> bool:
        """Checks one option after the other; whether any was refused."""
        before = len(self._errors)
        for name, value in given.items():
            try:
                check_options(declared, {name: value}, owner)
            except Error as error:
                if error.code != "option_not_applicable":  # that depends on the others
                    setting = setting_of(name.lower())
                    if setting is not None:
                        error.at(setting.name_span if error.code == "unknown_option" else setting.value.span)
                    self._errors.append(error)
        return len(self._errors) > before

    def _given(self, settings: Sequence[OptionSetting]) -> dict[str, object]:
        values: dict[str, object] = {}
        for setting in settings:
            if any(setting.name.casefold() == known.casefold() for known in values):
                self._errors.append(ProgrammingError(f"{setting.name} is given twice", code="duplicate_option", span=setting.name_span))
            else:
                values[setting.name] = setting.value.value
        return values


class _Translates:
    """Translates parts of a text, of whose tables nothing is known."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def text(self, span: Span, replacements: Sequence[tuple[Span, Spliced]], part: Part = Part.STATEMENT) -> Spliced:
        from sqlml.bigquery.translate import Context

        return translated(self.source, span, replacements, part, Context())


def _key(name: ModelName) -> tuple[str, ...]:
    return tuple(part.casefold() for part in name.parts)


def _items(node: Transform) -> list[Span]:
    return [item.expression for item in node.items if isinstance(item, TransformColumn | TransformFields)]


def _expressions(call: ValueCall) -> list[Span]:
    """The arguments, or their fields, that are no literals."""
    found: list[Span] = []
    for argument in call.arguments:
        fields: tuple[StructField, ...] | None = argument.fields
        if fields is not None:
            found += [part.expression for part in fields]
        elif argument.value is None:
            found.append(argument.span)
    return found


def _has_parameter(value: object) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_parameter(item) for item in value)
    return isinstance(value, ParameterRef)


def _without_parameters(value: object, span: Span) -> object:
    del span
    if _has_parameter(value):
        raise _ParameterGiven
    return value
