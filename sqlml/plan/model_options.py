"""MODEL_TYPE and the options of a CREATE MODEL: found, checked against their declarations, errors at their place."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from sqlml.catalog.store import ALTERABLE
from sqlml.errors import Error, ProgrammingError
from sqlml.models._options import Options, check_options
from sqlml.models._registry import MODEL_TYPES, find_model_type
from sqlml.models._spec import ModelSpec
from sqlml.shown_names import shown_name
from sqlml.syntax.nodes import CreateModel, OptionSetting


def model_type(given: dict[str, object], node: CreateModel) -> ModelSpec:
    """The declaration of the model type, which is taken out of the given options.

    Raises: ProgrammingError `missing_model_type`, `unknown_model_type`, `option_value`; NotSupportedError `model_type_not_supported`.
    """
    written = next((name for name in given if name.lower() == "model_type"), None)
    if written is None:
        close = next((name for name in given if difflib.get_close_matches(name.lower(), ["model_type"])), None)
        raise ProgrammingError(
            "option model_type is missing", code="missing_model_type",
            span=setting_of(node, close).name_span if close else node.options_span or node.name.span,
            hint=f"did you mean model_type instead of {close}?" if close
            else f"write OPTIONS (model_type = '…'); available are {', '.join(MODEL_TYPES)}",
        )  # fmt: skip
    value = given.pop(written)
    setting = setting_of(node, written)
    if not isinstance(value, str):
        raise ProgrammingError(
            "option model_type must be a string",
            code="option_value",
            span=setting.value.span,
            hint=f"write model_type = 'LINEAR_REG'; available are {', '.join(MODEL_TYPES)}",
        )
    try:
        return find_model_type(value)
    except Error as error:
        raise error.at(setting.value.span) from None


def model_options(spec: ModelSpec, given: Mapping[str, object], node: CreateModel) -> tuple[Options, list[str]]:
    """The checked options, and the notices that go with them.

    Raises: as `check_options` and the model type's own check, with the place of the option.
    """
    try:
        options, notices = check_options(spec.options, given, f"model type {spec.model_type}")
        spec.check(options)
    except Error as error:
        option = getattr(error, "option", None)
        if option is not None and option.lower() in ALTERABLE:
            name = ".".join(map(shown_name, node.name.parts))
            instead = f"ALTER MODEL {name} SET OPTIONS ({option} = …)"
            if error.code == "unknown_option":
                error.hint = f"it belongs to the model, not to a version: {instead} sets it"
            elif error.code == "option_value":  # `labels`, which training has too
                error.hint = f"here {option} are the columns to be predicted; {instead} sets those of the model"
        setting = find_setting(node, spec, option)
        if setting is None:
            raise error.at(node.options_span) from None
        is_value = error.code in {"option_value", "option_not_supported"}
        raise error.at(setting.value.span if is_value else setting.span) from None
    return Options(options, options.given | {"model_type"}), notices


def setting_of(node: CreateModel, name: str | None) -> OptionSetting:
    """The setting of that name, which is there."""
    return next(setting for setting in node.options if name is not None and setting.name.lower() == name.lower())


def find_setting(node: CreateModel, spec: ModelSpec, name: str | None) -> OptionSetting | None:
    """The setting of an option by its name or one of its aliases."""
    if name is None:
        return None
    names = {name.lower()}
    for option in spec.options:
        if name.lower() in (option.name, *option.aliases):
            names |= {option.name, *option.aliases}
    return next((setting for setting in node.options if setting.name.lower() in names), None)
