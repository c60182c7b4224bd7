"""SHOW sqlml: every setting with its value, where that comes from, and what it does."""

from __future__ import annotations

import pyarrow as pa

from sqlml import sql
from sqlml.plan.context import PlanContext
from sqlml.settings import SETTINGS


def show_settings(context: PlanContext) -> pa.Table:
    """One row a setting, in the order of their declaration."""
    rows = []
    for setting in SETTINGS.values():
        value = getattr(context.configuration, setting.name)
        origin = context.configuration.origins.get(setting.name)
        if setting.of_engine:
            # The engine's own statement may have changed it since.
            ((value,),) = context.engine.rows(f"SELECT {sql.call('current_setting', sql.literal(setting.name))}")
            origin = origin or "engine"
        rows.append((setting.name, _text(value), _text(setting.default), origin or "default", setting.doc))
    names = ("name", "value", "default", "origin", "description")
    columns = zip(*rows, strict=True)
    return pa.table({name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)})


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case tuple():
            return sql.literal(value)
    return str(value)
