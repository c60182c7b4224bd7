"""Binding REFRESH MODEL: the version that would be replaced, what was recorded with it, and the condition; nothing is trained here.

The version that would be replaced is the alias' target, and the default where no alias is named or there is none of that name yet. It is
its recorded statement that runs again.
"""

from __future__ import annotations

from sqlml.catalog.records import ModelInfo, ModelKey
from sqlml.catalog.references import check_alias
from sqlml.errors import Error, ProgrammingError
from sqlml.functions._spec import LoadedModel
from sqlml.functions.evaluate import METRICS
from sqlml.models._registry import find_model_type
from sqlml.models._spec import ModelSpec
from sqlml.plan.context import PlanContext
from sqlml.plan.gate import bind_gate
from sqlml.plan.nodes import Refresh
from sqlml.plan.recorded import Override, RecordedStatement, recorded_statement
from sqlml.syntax.nodes import RefreshModel


def bind_refresh_model(node: RefreshModel, context: PlanContext) -> Refresh:
    """The plan of a REFRESH MODEL.

    Raises: ProgrammingError `unknown_model`, `unknown_parameter`, `missing_parameter`, `unknown_metric`, `unknown_alias`, `alias_name`,
        `model_task`, `duplicate_option`; IntegrityError for a damaged version; what `check_publishable` raises.
    """
    try:
        if node.alias is not None:
            check_alias(node.alias)
    except Error as error:
        raise error.at(node.alias_span) from None
    key = context.key_to_change(node.name)
    try:
        model, incumbent = _incumbent(context, key, node.alias)
        context.catalog.check_publishable(key, replace=True)
        statement = _statement(node, context, incumbent)
    except Error as error:
        raise error.at(node.name.span) from error.__cause__
    metrics, aliases = METRICS[incumbent.spec.task], dict(model.aliases)
    gate = None if node.condition is None else bind_gate(node.condition, context, metrics, tuple(aliases))
    others = {} if gate is None else {name.casefold(): number for name, number in aliases.items() if name.casefold() in gate.aliases}
    return Refresh(
        key=incumbent.version.key, incumbent=incumbent, statement=statement, gate=gate, others=others, alias=node.alias,
        if_data_changed=node.if_data_changed, overrides=tuple(setting.name for setting in node.options), query_place=node.name.span,
        span=node.span,
    )  # fmt: skip


def _incumbent(context: PlanContext, key: ModelKey, alias: str | None) -> tuple[ModelInfo, LoadedModel]:
    model = context.catalog.find(key)
    names = [] if model is None else [name for name, _ in model.aliases]
    known = alias is not None and any(name.casefold() == alias.casefold() for name in names)
    loaded = context.models.load(key, alias if known else None)
    assert model is not None, "without one there is nothing to load"
    return model, loaded


def _statement(node: RefreshModel, context: PlanContext, incumbent: LoadedModel) -> RecordedStatement:
    values = context.settings(node.parameters)
    given = {setting.name: (values[setting.name], setting.span) for setting in node.parameters}
    options = context.settings(node.options)
    overrides = [Override(setting, options[setting.name]) for setting in node.options]
    for override in overrides:
        if override.setting.name.lower() == "model_type":
            _check_task(override, incumbent.spec)
    return recorded_statement(incumbent.version, overrides=overrides, values=given)


def _check_task(override: Override, spec: ModelSpec) -> None:
    """Raises: ProgrammingError `model_task`: versions of a model can be compared, so they do the same thing."""
    if not isinstance(override.value, str):
        return  # refused where options are checked
    try:
        found = find_model_type(override.value)
    except Error as error:
        raise error.at(override.setting.value.span) from None
    if found.task is not spec.task:
        raise ProgrammingError(
            f"the model is for {spec.task.value}, a {found.model_type} model for {found.task.value}", code="model_task",
            span=override.setting.value.span, hint="CREATE OR REPLACE MODEL makes something else of a model",
        )  # fmt: skip
