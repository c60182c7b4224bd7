"""Labels of a classifier in SQL: their type, the class of a code, the code of a class."""

from __future__ import annotations

from sqlml import sql
from sqlml.functions._spec import LoadedModel
from sqlml.state import damaged_state
from sqlml.types import DOUBLE, VARCHAR, Kind, SqlType, stored_type


def label_type(model: LoadedModel) -> SqlType:
    """The type of `predicted_<label>`: DOUBLE for regressors, the label's own type for classifiers (VARCHAR for an ENUM)."""
    if not model.classes:
        return DOUBLE
    name = model.version.record.label_type or "VARCHAR"
    if SqlType(name).kind is Kind.STRING:
        return VARCHAR
    type_ = stored_type(name)
    if type_ is None:
        raise damaged_state("the type of the label is no type name")
    return type_


def class_sql(model: LoadedModel, code: int) -> str:
    """The class of a code as a value of the label's type."""
    type_ = label_type(model)
    text = sql.literal(model.classes[code])
    return text if type_ == VARCHAR else sql.cast(text, type_.name)


def classes_sql(model: LoadedModel) -> str:
    """All classes in code order, as a list of the label's type."""
    return sql.cast(sql.literal(list(model.classes)), f"{label_type(model).name}[]")


def code_sql(classes: tuple[str, ...], type_: SqlType, value: str) -> str:
    """SQL of the code (from 0) of a label value, NULL for a value that is no class."""
    name = "VARCHAR" if type_.kind is Kind.STRING else type_.name
    typed = sql.cast(sql.literal(list(classes)), f"{name}[]")
    return f"CAST({sql.call('list_position', typed, sql.cast(value, name))} - 1 AS INTEGER)"
