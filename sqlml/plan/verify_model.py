"""Binding VERIFY MODEL: the version and what was recorded with it."""

from __future__ import annotations

from sqlml.errors import Error
from sqlml.plan.context import PlanContext
from sqlml.plan.nodes import Verify
from sqlml.plan.recorded import recorded_statement
from sqlml.syntax.nodes import VerifyModel


def bind_verify_model(node: VerifyModel, context: PlanContext) -> Verify:
    """The plan of a VERIFY MODEL.

    Raises: ProgrammingError `unknown_model`, `unknown_version`, `unknown_alias`, `missing_parameter`; IntegrityError for a damaged version.
    """
    reference = context.reference(node.name)
    try:
        model = context.models.load(context.key(node.name), reference)
        statement = recorded_statement(model.version)
    except Error as error:
        raise error.at(node.name.span) from error.__cause__
    return Verify(key=model.version.key, model=model, statement=statement, query_place=node.name.span, span=node.span)
