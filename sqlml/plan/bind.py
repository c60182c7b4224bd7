"""From a statement as written to a plan: one arm per kind of statement."""

from __future__ import annotations

from typing import assert_never

from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.models._options import Effect, Option, Pairs, String, Timestamp, check_options
from sqlml.plan import show
from sqlml.plan.calls import Calls
from sqlml.plan.context import PlanContext
from sqlml.plan.create_model import bind_create_model
from sqlml.plan.move_model import bind_copy, bind_export, bind_import
from sqlml.plan.nodes import (
    AlterModel,
    ChangeSetting,
    MoveAlias,
    MoveDefault,
    Plan,
    RemoveAlias,
    RemoveModel,
    Rename,
    RestoreSetting,
    RunQuery,
    ShowRows,
)
from sqlml.plan.refresh_model import bind_refresh_model
from sqlml.plan.settings import show_settings
from sqlml.plan.verify_model import bind_verify_model
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

_NO_SERVICE = "there is no such service on this machine; the value changes nothing"

_OF_TRAINING = (
    "ALTER MODEL sets description, labels and expiration_timestamp; with options of training "
    "REFRESH MODEL … OPTIONS (…) makes a new version"
)
ALTER_OPTIONS = (
    Option("description", String(), doc="A text for people."),
    Option("labels", Pairs(str), doc="Keys and values for people and tools."),
    Option("expiration_timestamp", Timestamp(), doc="When the model ceases to exist."),
    Option("friendly_name", String(), effect=Effect.NOTICE, reason="use description", doc="A title."),
    Option("kms_key_name", String(), effect=Effect.NOTICE, reason=_NO_SERVICE, doc="A key of a key service."),
    Option("vertex_ai_model_id", String(), effect=Effect.NOTICE, reason=_NO_SERVICE, doc="A name in a registry."),
)
"""What ALTER MODEL … SET OPTIONS takes."""


def bind(node: Statement, context: PlanContext) -> Plan:
    """The plan of one statement.

    Raises: sqlml errors with their place in the statement.
    """
    match node:
        case Query():
            return _query(node, context)
        case CreateModel():
            return bind_create_model(node, context)
        case DropModel():
            return _drop(node, context)
        case AlterModelOptions():
            return _alter(node, context)
        case SetDefaultVersion():
            return MoveDefault(context.key_to_change(node.name), node.if_exists, node.version, node.version_span, node.name.span)
        case SetAlias():
            return MoveAlias(
                context.key_to_change(node.name), node.if_exists, node.alias, node.alias_span, node.version, node.version_span,
                node.name.span,
            )  # fmt: skip
        case DropAlias():
            return RemoveAlias(context.key_to_change(node.name), node.if_exists, node.alias, node.alias_span, node.name.span)
        case RenameModel():
            return Rename(context.key_to_change(node.name), node.if_exists, node.new_name, node.new_name_span, node.name.span)
        case RefreshModel():
            return bind_refresh_model(node, context)
        case VerifyModel():
            return bind_verify_model(node, context)
        case CopyModel():
            return bind_copy(node, context)
        case ExportModel():
            return bind_export(node, context)
        case ImportModel():
            return bind_import(node, context)
        case SetSetting():
            return ChangeSetting(node.name, context.parameters.fill(node.value.value, node.value.span), node.name_span, node.value.span)
        case ResetSetting():
            return RestoreSetting(node.name, node.name_span)
        case ShowSettings():
            return ShowRows(show_settings(context))
        case ShowModels():
            return ShowRows(show.show_models(node, context))
        case ShowVersions():
            return ShowRows(show.show_versions(node, context))
        case ShowCreateModel():
            return ShowRows(show.show_create_model(node, context))
        case DescribeModel():
            return ShowRows(show.describe_model(node, context))
        case ShowModelTypes():
            return ShowRows(show.show_model_types())
        case DescribeModelType():
            return ShowRows(show.describe_model_type(node))
        case _:
            assert_never(node)


def _query(node: Query, context: PlanContext) -> RunQuery:
    if node.calls and context.parameters.found and context.source.text[node.span.start :][:7].upper() == "PREPARE":
        raise NotSupportedError(
            "PREPARE of a statement with ML functions takes no parameters", code="statement_not_supported",
            span=context.parameters.found[0][0], hint="pass the values with the statement itself, each time that it runs",
        )  # fmt: skip
    calls = Calls(context, in_view=node.creates_view)
    calls.bind_all(node)
    return RunQuery(calls.text(node.span), context.parameters.used_in(node.span), has_model=True, notices=tuple(context.notices))


def _drop(node: DropModel, context: PlanContext) -> RemoveModel:
    if node.name.as_of is not None:
        raise ProgrammingError(
            "DROP MODEL takes no time", code="syntax_error", span=node.name.span, hint=f"name the version: {node.name.parts[-1]}@1"
        )
    return RemoveModel(context.key_to_change(node.name), node.if_exists, node.name.reference, node.name.span)


def _alter(node: AlterModelOptions, context: PlanContext) -> AlterModel:
    given = context.settings(node.options)
    try:
        options, notices = check_options(ALTER_OPTIONS, given, "ALTER MODEL", advice=_OF_TRAINING)
    except Error as error:
        option = getattr(error, "option", None)
        raise error.at(next((setting.span for setting in node.options if setting.name == option), None)) from None
    return AlterModel(
        context.key_to_change(node.name), node.if_exists, node.name.span, options["description"], options["labels"],
        options["expiration_timestamp"],
        options.given, tuple(("option", notice) for notice in notices),
    )  # fmt: skip
