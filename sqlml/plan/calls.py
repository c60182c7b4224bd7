"""Binding ML calls: model loaded, settings checked, input described, and the whole turned into SQL that stands in the call's place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from sqlml import sql
from sqlml.bigquery.part import Part
from sqlml.errors import DataError, Error, NotSupportedError, ProgrammingError
from sqlml.features import encoding
from sqlml.features.expressions import RESERVED_PREFIX
from sqlml.features.layout import Layout
from sqlml.features.sources import UNTYPED, accepts
from sqlml.functions._registry import find_function
from sqlml.functions._spec import BoundCall, Explanations, FunctionSpec, Input, LoadedModel, Prepared, Relation, Scores
from sqlml.models._options import OptionError, Options, check_options
from sqlml.models._spec import TooLargeForSql
from sqlml.plan.context import Models, PlanContext
from sqlml.plan.ctes import visible_ctes
from sqlml.plan.information_schema import information_table
from sqlml.plan.splice import Spliced, concatenate, embed, located, plain
from sqlml.plan.transform import OUTPUT, is_zoned
from sqlml.plan.values import Values
from sqlml.shown_names import shown_name
from sqlml.source import Source, Span
from sqlml.syntax.nodes import InformationTable, MLCall, ModelName, OptionSetting, Query, QueryArgument, ValueCall
from sqlml.types import Kind, Schema, SqlType, stored_type

_REGISTERED = re.compile(r'"__sqlml_(?:dictionary|terms)_\d')
"""A table of many categories, which is there for as long as the model is loaded."""


class Calls:
    """Binds the ML calls of one statement, inner ones first, and collects what stands in their places."""

    def __init__(self, context: PlanContext, *, in_view: bool = False) -> None:
        self._context = context
        self._in_view = in_view
        self.replacements = list(context.parameters.replacements)
        self._values = Values(context, self.replacements)
        self.models: list[LoadedModel] = []
        """Every model that a bound call names, in the order of binding."""

    @property
    def context(self) -> PlanContext:
        return self._context

    @property
    def source(self) -> Source:
        return self._context.source

    def needs_native_functions(self) -> None:
        """Makes the functions that only sqlml has callable."""
        self._context.engine.native_functions()

    def bind_all(self, query: Query) -> None:
        """Binds every call of a statement, or of a query that is part of one."""
        self._values.group(query.calls)
        for call in query.calls:
            try:
                bound = self._bind_any(call)
            except Error as error:
                raise error.at(call.span) from error.__cause__
            self.replacements.append((call.span, bound))
        if self._in_view and self._values.has_native:
            native = next(call for call in query.calls if isinstance(call, ValueCall))
            raise NotSupportedError(
                "a view or macro cannot hold a function that only sqlml has", code="view_needs_sql_form", span=native.span,
                hint="write CREATE TABLE … AS, or ask in the query itself",
            )  # fmt: skip
        for item in query.unnamed:
            name = " ".join(self._context.source.text[item.span.start : item.span.end].split())
            self.replacements.append((Span(item.span.end, item.span.end), plain(f" AS {sql.quote(name)}")))

    def text(self, span: Span, part: Part = Part.STATEMENT) -> Spliced:
        """The user's text with every bound call inside it replaced."""
        return self._context.text(span, self.replacements, part)

    def describe(self, text: Spliced, spans: Sequence[Span], where: Span) -> Schema:
        """The columns of a query; the engine's complaint points into the user's text, or at `where`."""
        parameters = self._context.parameters.used_in(*spans)
        try:
            return self._context.engine.describe(text.text, parameters)
        except Error as error:
            raise located(error, text).at(where) from error

    def try_describe(self, text: Spliced) -> Schema | None:
        """The columns of a query without parameters, or None; an open transaction stays as it is."""
        return self._context.engine.try_describe(text.text)

    def _bind_any(self, call: MLCall | ValueCall | InformationTable) -> Spliced:
        match call:
            case ValueCall():
                return self._values.bind(call)
            case InformationTable():
                return embed(information_table(call, self._context, in_view=self._in_view), [], call.span)
            case MLCall():
                return self._bind(call)

    def _bind(self, call: MLCall) -> Spliced:
        spec = self._function(call)
        models = tuple(self._load(name) for name in self._models(call, spec))
        self.models += models
        for model in models:
            if not spec.applies_to(model.spec):
                raise NotSupportedError(
                    f"ML.{spec.name} does not apply to {model.spec.model_type} models", code="function_not_applicable",
                    hint=_applicable(spec),
                )  # fmt: skip
        text, data = self._data(call, spec)
        settings = self._settings(call, spec)
        try:
            relation = spec.bind(BoundCall(models, data, settings, call.span), self._answers(call, data))
        except OptionError as error:
            raise error.at(_span_of(call.settings, error.option)) from None
        if self._in_view:
            self._check_view(relation, models, call)
        return embed(f"({relation.sql})", [text] if text else [], call.span)

    def _answers(self, call: MLCall, data: Input | None) -> Answers:
        parameters = self._context.parameters.used_in(*([data.span] if data else []), *call.ctes)
        definitions = [self.text(span, Part.CTE).text for span in visible_ctes(self._context.source.text, call.ctes)]
        with_ctes = f"WITH {'RECURSIVE ' if call.recursive else ''}{', '.join(definitions)} " if definitions else ""
        return Answers(self._context.models, lambda query: self._context.engine.describe(with_ctes + query, parameters))

    def _function(self, call: MLCall) -> FunctionSpec:
        try:
            return find_function(call.function)
        except Error as error:
            raise error.at(call.function_span) from None

    def _load(self, name: ModelName) -> LoadedModel:
        try:
            return self._context.models.load(self._context.key(name), self._context.reference(name))
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
        n_values = 1 if spec.positional else 0
        if len(call.data) > allowed or len(call.values) > n_values:
            extra = call.data[allowed].span if len(call.data) > allowed else call.values[n_values].span
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
            text = concatenate([plain("SELECT * FROM "), self.text(argument.path, Part.RELATION)])
            inner = argument.path
        definitions: list[Spliced] = []
        for span in visible_ctes(self._context.source.text, call.ctes):
            definitions += [plain(", " if definitions else f"WITH {'RECURSIVE ' if call.recursive else ''}"), self.text(span, Part.CTE)]
        # A line comment at the end of the user's text must not swallow the bracket.
        described = concatenate([*definitions, plain(" SELECT * FROM ("), text, plain("\n)")])
        schema = self.describe(described, (inner, *call.ctes), argument.span)
        return text, Input(f"{text.text}\n", schema, argument.span)

    def _settings(self, call: MLCall, spec: FunctionSpec) -> Options:
        try:
            given = self._context.settings(call.settings)
            if call.values:
                if any(name.casefold() == spec.positional for name in given):
                    raise ProgrammingError(f"{spec.positional} is given twice", code="duplicate_option", span=call.values[0].span)
                given[spec.positional] = self._context.parameters.fill(call.values[0].value, call.values[0].span)
            settings, notices = check_options(spec.settings, given, f"ML.{spec.name}")
        except Error as error:
            option = getattr(error, "option", None)
            positional = call.values[0].span if call.values and option == spec.positional else None
            raise error.at(positional or _span_of(call.settings, option)) from None
        self._context.notices.extend(("option", notice) for notice in notices)
        return settings

    def _check_view(self, relation: Relation, models: Sequence[LoadedModel], call: MLCall) -> None:
        names = ", ".join(str(model.version.key) for model in models)
        reason = relation.reason if relation.form != "sql" else "it has more categories than a statement can hold"
        if relation.form != "sql" or _REGISTERED.search(relation.sql):
            raise NotSupportedError(
                f"a view or macro cannot hold ML.{call.function}{f' of {names}' if names else ''}: {reason}", code="view_needs_sql_form",
                hint="write CREATE TABLE … AS, or ask in the query itself",
            )  # fmt: skip
        for model, name in zip(models, call.models, strict=True):
            if not isinstance(name.reference, int):
                version, shown = model.version.version, model.version.key
                if name.as_of is not None:
                    later = "the default at that time; as time goes on it stays with it"
                elif name.reference is None:
                    later = "its default now; create it again after a new version"
                else:
                    later = f"which has the alias {shown_name(name.reference)} now; create it again after that has moved"
                self._context.notices.append(("view_version", f"the view keeps predicting with version {version} of {shown}, {later}"))


class Answers:
    """CallContext over loaded models."""

    def __init__(self, models: Models, describe: Callable[[str], Schema]) -> None:
        self._models = models
        self._describe = describe

    def scores(self, model: LoadedModel, data: Input) -> Scores:
        prepared, layout = self._read(model, data)
        reason = "it runs on the model's native predictor"
        if model.spec.scores_sql is not None:
            try:
                scores = model.spec.scores_sql(model.state, layout)
            except TooLargeForSql as error:
                reason = str(error) or "the model is too large for one SQL expression"
            else:
                if model.transform is not None and model.transform.native:
                    return Scores(scores, prepared, "arrow", "its TRANSFORM clause calls a function that only sqlml has")
                return Scores(scores, prepared, "sql", "the model is an expression over its input")
        values = [layout.value_sql(term) for term in layout.terms]
        return Scores(self._models.batch_scores(model, values), prepared, "arrow", reason)

    def explanations(self, model: LoadedModel, data: Input, *, approximate: bool) -> Explanations:
        prepared, layout = self._read(model, data)
        # Over a TRANSFORM the terms read columns of our names; the model's own layout has those of its outputs.
        features = model.layout.features
        reason = "attributions come from the model's native predictor"
        if model.spec.attributions_sql is not None:
            try:
                explained = model.spec.attributions_sql(model.state, layout)
            except TooLargeForSql as error:
                reason = str(error) or "the model is too large for one SQL expression"
            else:
                if model.transform is not None and model.transform.native:
                    return Explanations(explained, features, prepared, "arrow", "its TRANSFORM clause calls a function that only sqlml has")
                return Explanations(explained, features, prepared, "sql", "attributions are an expression over the input")
        values = [layout.value_sql(term) for term in layout.terms]
        explained = self._models.batch_explanations(model, values, approximate=approximate)
        return Explanations(explained, features, prepared, "arrow", reason)

    def prepare(self, model: LoadedModel, data: Input) -> Prepared:
        return self._prepared(model, data, self._checked_types(model, data))

    def table(self, rows: pa.Table) -> str:
        return f"SELECT * FROM {self._models.register_rows(rows)}"

    def _read(self, model: LoadedModel, data: Input) -> tuple[Prepared, Layout]:
        """The data and the layout over the types that they have.

        Raises: DataError `missing_feature`, `feature_type`.
        """
        given = self._checked_types(model, data)
        prepared = self._prepared(model, data, given)
        stored = model.encoding
        if model.transform is not None:
            # Outputs stand beside the data's own columns under names of ours.
            types = {column.name.casefold(): column.type for column in model.transform.outputs}
            if any(given[column.name.casefold()] != column.type for column in model.transform.inputs if column.name.casefold() in given):
                types = self._output_types(prepared)
            places = {column.name: f"{OUTPUT}{index}" for index, (column, _) in enumerate(prepared.outputs)}
            typed = encoding.retyped(stored, types)
            wanted = replace(typed, columns=tuple(places[name] for name in typed.columns))
            items = ", ".join(f"{expression} AS {sql.quote(places[column.name])}" for column, expression in prepared.outputs)
            prepared = replace(prepared, relation=f"(SELECT *, {items} FROM {prepared.relation})")
            return prepared, encoding.layout(wanted, lambda term, categories: self._models.dictionary(model, term, categories))
        wanted = encoding.retyped(stored, given)
        if wanted is stored:
            return prepared, model.layout
        return prepared, encoding.layout(wanted, lambda term, categories: self._models.dictionary(model, term, categories))

    def _output_types(self, prepared: Prepared) -> dict[str, SqlType]:
        names = [column.name for column, _ in prepared.outputs]
        items = ", ".join(expression for _, expression in prepared.outputs)
        schema = self._describe(f"SELECT {items} FROM {prepared.relation}")
        return {name.casefold(): column.type for name, column in zip(names, schema, strict=True)}

    def _checked_types(self, model: LoadedModel, data: Input) -> dict[str, SqlType]:
        """The data's type of every column that the model reads, by name in lower case."""
        features = model.version.record.features
        missing = [feature.name for feature in features if data.schema.find(feature.name) is None]
        if missing:
            raise DataError(
                f"the input lacks {'the feature' if len(missing) == 1 else 'features'} {', '.join(missing)}"
                f" of model {model.version.key}",
                code="missing_feature", span=data.span, hint=f"it has {_listed(data.schema.names)}",
            )  # fmt: skip
        types: dict[str, SqlType] = {}
        for feature in features:
            column = data.schema.find(feature.name)
            assert column is not None
            trained, given = SqlType(feature.sql_type), column.type
            if not accepts(trained, given):
                raise DataError(
                    f"feature {feature.name} of model {model.version.key} was trained on {trained}, the input has {given}",
                    code="feature_type", span=data.span, hint=f"write CAST({sql.quote(column.name)} AS {trained})",
                )  # fmt: skip
            if model.transform is not None and trained.is_integer and given.kind is Kind.NUMBER and not given.is_integer:
                raise DataError(
                    f"column {feature.name} of model {model.version.key} was trained on {trained}, the input has {given}, of which"
                    " its TRANSFORM clause could make something else", code="feature_type", span=data.span,
                    hint=f"write CAST({sql.quote(column.name)} AS {trained})",
                )  # fmt: skip
            types[feature.name.casefold()] = given
        return types

    def _prepared(self, model: LoadedModel, data: Input, given: Mapping[str, SqlType]) -> Prepared:
        """The data, with the arguments of the model's TRANSFORM beside them if it has one.

        A column of another type than at training becomes one of that type for the clause, where the clause would else do another thing with
        it; its own value stays beside it.
        """
        if model.transform is None:
            return Prepared(f"({data.sql})")
        columns: dict[str, str] = {}
        casts: list[str] = []
        kept: list[str] = []
        for index, column in enumerate(model.transform.inputs):
            found = data.schema.find(column.name)
            if found is not None and _needs_cast(column.type, given.get(column.name.casefold(), found.type)):
                original = sql.quote(f"{RESERVED_PREFIX}o{index}")
                casts.append(f"{_cast(sql.quote(found.name), column.type, found.type)} AS {sql.quote(found.name)}")
                kept.append(f"{sql.quote(found.name)} AS {original}")
                columns[found.name.casefold()] = original
        relation = f"({data.sql})"
        if casts:
            relation = f"(SELECT * REPLACE ({', '.join(casts)}), {', '.join(kept)} FROM {relation})"
        # What passes through and is no feature (the label, a column of the split) need not be in the data.
        outputs = tuple(
            (column, expression)
            for column, expression in model.transform.expressions()
            if not model.transform.passes(column) or data.schema.find(column.name) is not None
        )
        return Prepared(model.transform.layers(relation), columns, outputs)


def _needs_cast(trained: SqlType, given: SqlType) -> bool:
    """Whether a TRANSFORM clause would do another thing with the given type than with the one that it was written over.

    A number of a wider type stays as it is: it may not fit.
    """
    if trained in (given, stored_type(given.name)):  # the same; what was stored has its field names in quotes
        return False
    if trained.kind is not Kind.NUMBER or given.kind is not Kind.NUMBER:
        return True
    return _RANKS.get(given.name, _DECIMAL_RANK) < _RANKS.get(trained.name, _DECIMAL_RANK)


def _cast(name: str, trained: SqlType, given: SqlType) -> str:
    """A column as the trained type; points in time without zone are in UTC, whatever the session's zone."""
    if trained.kind is not Kind.TIMESTAMP or given.name == UNTYPED or is_zoned(trained) == is_zoned(given):
        return sql.cast(name, trained.name)
    moment = name if is_zoned(given) else sql.cast(name, "TIMESTAMP")
    return sql.cast(sql.call("timezone", sql.literal("UTC"), moment), trained.name)


_RANKS = {
    "TINYINT": 1, "UTINYINT": 1, "SMALLINT": 2, "USMALLINT": 2, "INTEGER": 3, "UINTEGER": 3, "BIGINT": 4, "UBIGINT": 4, "HUGEINT": 5,
    "UHUGEINT": 5, "FLOAT": 7, "DOUBLE": 8,
}  # fmt: skip
"""Types of numbers by what they can hold."""
_DECIMAL_RANK = 6


def _span_of(settings: Sequence[OptionSetting], option: str | None) -> Span | None:
    return next((setting.span for setting in settings if option is not None and setting.name.casefold() == option.casefold()), None)


def _usage(spec: FunctionSpec) -> str:
    return f"write {spec.usage}"


def _applicable(spec: FunctionSpec) -> str:
    from sqlml.models._registry import MODEL_TYPES, find_model_type

    return f"it applies to {', '.join(name for name in MODEL_TYPES if spec.applies_to(find_model_type(name)))}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
