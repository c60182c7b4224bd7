"""Binding ML calls: model loaded, settings checked, input described, and the whole turned into SQL that stands in the call's place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pyarrow as pa

from sqlml import sql
from sqlml.errors import DataError, Error, NotSupportedError, ProgrammingError
from sqlml.features import encoding
from sqlml.features.layout import Layout
from sqlml.functions._registry import find_function
from sqlml.functions._spec import BoundCall, FunctionSpec, Input, LoadedModel, Relation
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._spec import TooLargeForSql
from sqlml.plan.context import Models, PlanContext
from sqlml.plan.splice import Spliced, concatenate, embed, plain, splice
from sqlml.source import Span
from sqlml.syntax.nodes import MLCall, ModelName, OptionSetting, QueryArgument
from sqlml.types import Kind, Schema, SqlType

_CTE_NAME = re.compile(r'"(?:[^"]|"")*"|\w+')

_ACCEPTED = {
    Kind.TIMESTAMP: {Kind.TIMESTAMP, Kind.DATE},
}
"""Kinds that a feature takes at prediction besides its own."""


class Calls:
    """Binds the ML calls of one statement, inner ones first, and collects what stands in their places."""

    def __init__(self, context: PlanContext, *, in_view: bool = False) -> None:
        self._context = context
        self._in_view = in_view
        self.replacements = list(context.parameters.replacements)

    def bind_all(self, calls: Sequence[MLCall]) -> None:
        for call in calls:
            try:
                self.replacements.append((call.span, self._bind(call)))
            except Error as error:
                raise error.at(call.span) from error.__cause__

    def text(self, span: Span) -> Spliced:
        """The user's text with every bound call inside it replaced."""
        return splice(self._context.source.text, span, self.replacements)

    def describe(self, text: Spliced, spans: Sequence[Span], where: Span) -> Schema:
        """The columns of a query; the engine's complaint points into the user's text, or at `where`."""
        try:
            return self._context.engine.describe(text.text, self._context.parameters.used_in(*spans))
        except Error as error:
            raise located(error, text).at(where) from error

    def _bind(self, call: MLCall) -> Spliced:
        spec = self._function(call)
        models = tuple(self._load(name) for name in self._models(call, spec))
        for model in models:
            if not spec.applies_to(model.spec):
                raise NotSupportedError(
                    f"ML.{spec.name} does not apply to {model.spec.model_type} models", code="function_not_applicable",
                    hint=_applicable(spec),
                )  # fmt: skip
        text, data = self._data(call, spec)
        settings = self._settings(call, spec)
        try:
            relation = spec.bind(BoundCall(models, data, settings, call.span), Answers(self._context.models))
        except OptionError as error:
            raise error.at(_span_of(call.settings, error.option)) from None
        if self._in_view:
            self._check_view(relation, models[0], call)
        return embed(f"({relation.sql})", [text] if text else [], call.span)

    def _function(self, call: MLCall) -> FunctionSpec:
        try:
            return find_function(call.function)
        except Error as error:
            raise error.at(call.function_span) from None

    def _load(self, name: ModelName) -> LoadedModel:
        try:
            return self._context.models.load(self._context.key(name), name.reference)
        except Error as error:
            raise error.at(name.span) from error.__cause__

    def _models(self, call: MLCall, spec: FunctionSpec) -> tuple[ModelName, ...]:
        if len(call.models) != spec.n_models:
            raise ProgrammingError(
                f"ML.{spec.name} takes {spec.n_models} model{'s' * (spec.n_models != 1)}, got {len(call.models)}", code="function_argument"
            )
        return call.models

    def _data(self, call: MLCall, spec: FunctionSpec) -> tuple[Spliced | None, Input | None]:
        allowed = 0 if spec.data == "none" else 1
        if len(call.data) > allowed or call.values:
            extra = call.data[allowed].span if len(call.data) > allowed else call.values[0].span
            raise ProgrammingError(f"ML.{spec.name} does not take this argument", code="function_argument", span=extra, hint=_usage(spec))
        if not call.data:
            if spec.data == "required":
                raise ProgrammingError(f"ML.{spec.name} needs data", code="function_argument", hint=_usage(spec))
            return None, None
        argument = call.data[0]
        if isinstance(argument, QueryArgument):
            text = self.text(argument.query)
            inner = argument.query
        else:
            text = concatenate([plain("SELECT * FROM "), self.text(argument.path)])
            inner = argument.path
        definitions: list[Spliced] = []
        for span in self._visible(call.ctes):
            definitions += [plain(", " if definitions else f"WITH {'RECURSIVE ' if call.recursive else ''}"), self.text(span)]
        # A line comment at the end of the user's text must not swallow the bracket.
        described = concatenate([*definitions, plain(" SELECT * FROM ("), text, plain("\n)")])
        schema = self.describe(described, (inner, *call.ctes), argument.span)
        return text, Input(f"{text.text}\n", schema, argument.span)

    def _visible(self, ctes: Sequence[Span]) -> list[Span]:
        """The definitions that count: of two with one name the inner, later one."""
        by_name: dict[str, Span] = {}
        for span in ctes:
            text = self._context.source.text[span.start : span.end]
            name = _CTE_NAME.match(text)
            by_name[name[0].strip('"').casefold() if name else text] = span
        return list(by_name.values())

    def _settings(self, call: MLCall, spec: FunctionSpec) -> Options:
        try:
            settings, notices = check_options(spec.settings, self._context.settings(call.settings), f"ML.{spec.name}")
        except Error as error:
            option = getattr(error, "option", None)
            raise error.at(_span_of(call.settings, option)) from None
        self._context.notices.extend(("option", notice) for notice in notices)
        return settings

    def _check_view(self, relation: Relation, model: LoadedModel, call: MLCall) -> None:
        name = model.version.key.name
        if relation.form != "sql":
            raise NotSupportedError(
                f"a view or macro cannot hold ML.{call.function} of {name}: {relation.reason}",
                code="view_needs_sql_form",
                hint="write CREATE TABLE … AS, or ask in the query itself",
            )  # fmt: skip
        if call.models[0].reference is None:
            self._context.notices.append(
                (
                    "view_version",
                    f"the view keeps predicting with version {model.version.version} of {name}; create it again after a new version",
                )
            )


class Answers:
    """CallContext over loaded models."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def scores(self, model: LoadedModel, data: Input) -> tuple[str, Literal["sql", "arrow"], str]:
        layout = self._layout(model, data)
        reason = "it runs on the model's native predictor"
        if model.spec.scores_sql is not None:
            try:
                scores = model.spec.scores_sql(model.state, layout)
            except TooLargeForSql:
                reason = "the model is too large for one SQL expression"
            else:
                return scores, "sql", "the model is an expression over its input"
        return self._models.batch_scores(model, [layout.value_sql(term) for term in layout.terms]), "arrow", reason

    def table(self, rows: pa.Table) -> str:
        return f"SELECT * FROM {self._models.register_rows(rows)}"

    def _layout(self, model: LoadedModel, data: Input) -> Layout:
        """The model's layout over the types that the data have.

        Raises: DataError `missing_feature`, `feature_type`.
        """
        features = model.version.record.features
        missing = [feature.name for feature in features if data.schema.find(feature.name) is None]
        if missing:
            raise DataError(
                f"the input lacks {'the feature' if len(missing) == 1 else 'features'} {', '.join(missing)}"
                f" of model {model.version.key.name}",
                code="missing_feature", span=data.span, hint=f"it has {_listed(data.schema.names)}",
            )  # fmt: skip
        types: dict[str, SqlType] = {}
        for feature in features:
            column = data.schema.find(feature.name)
            assert column is not None
            trained, given = SqlType(feature.sql_type), column.type
            if given.kind is not trained.kind and given.kind not in _ACCEPTED.get(trained.kind, ()) and given.name != '"NULL"':
                raise DataError(
                    f"feature {feature.name} of model {model.version.key.name} was trained on {trained}, the input has {given}",
                    code="feature_type", span=data.span, hint=f"write CAST({sql.quote(column.name)} AS {trained})",
                )  # fmt: skip
            types[feature.name.casefold()] = given if given.kind is trained.kind else trained
        stored = model.encoding
        wanted = tuple(types[column.casefold()].name for column in stored.columns)
        if wanted == stored.types:
            return model.layout
        return encoding.layout(replace(stored, types=wanted), lambda term, categories: self._models.dictionary(model, term, categories))


def located(error: Error, text: Spliced) -> Error:
    """An engine's error with its place translated from the text that was run to the user's."""
    if error.span is not None and error.source is None:
        error.span = text.origin(error.span)
    return error


def _span_of(settings: Sequence[OptionSetting], option: str | None) -> Span | None:
    return next((setting.span for setting in settings if option is not None and setting.name.casefold() == option.casefold()), None)


def _usage(spec: FunctionSpec) -> str:
    data = {"required": ", {TABLE t | (query)}", "optional": " [, {TABLE t | (query)}]", "none": ""}[spec.data]
    settings = " [, STRUCT(value AS setting, …)]" if spec.settings else ""
    return f"write ML.{spec.name}(MODEL m{data}{settings})"


def _applicable(spec: FunctionSpec) -> str:
    from sqlml.models._registry import MODEL_TYPES, find_model_type

    return f"it applies to {', '.join(name for name in MODEL_TYPES if spec.applies_to(find_model_type(name)))}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
