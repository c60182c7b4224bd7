"""COPY, EXPORT and IMPORT MODEL: where a model comes from and where it goes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlml.errors import Error, NotSupportedError, ProgrammingError
from sqlml.models._options import Boolean, Effect, Integer, Option, Options, String, check_options
from sqlml.plan.context import PlanContext
from sqlml.plan.nodes import CopyStored, ReadFolder, WriteFolder
from sqlml.source import Span
from sqlml.syntax.nodes import CopyModel, ExportModel, ImportModel, OptionSetting

_URI = Option("uri", String(), doc="The folder.")
_FORMAT = Option("format", String(), "SQLML", doc="sqlml: a manifest and files of data, all that a model is.")
EXPORT_OPTIONS = (
    _URI,
    _FORMAT,
    Option("overwrite", Boolean(), False, doc="Whether an earlier export in the folder is replaced."),
    Option("trial_id", Integer(), effect=Effect.REJECTED, reason="models are not tuned in trials; name a version", doc="A trial."),
)
IMPORT_OPTIONS = (_URI, _FORMAT)

_FOREIGN_FORMATS = {
    "ML_TF_SAVED_MODEL": "it is TensorFlow's",
    "ML_XGBOOST_BOOSTER": "it holds programs, and lacks what sqlml learned around the trees",
    "ONNX": "it cannot hold what sqlml learned around the model",
    "PICKLE": "reading it runs code",
}


def bind_copy(node: CopyModel, context: PlanContext) -> CopyStored:
    """Raises: as `PlanContext.key`, `PlanContext.reference`."""
    return CopyStored(
        context.key_to_change(node.source),
        context.reference(node.source),
        context.key_to_change(node.target),
        node.replace,
        node.source.span,
        node.target.span,
    )


def bind_export(node: ExportModel, context: PlanContext) -> WriteFolder:
    """Raises: ProgrammingError `missing_option`, OptionError; NotSupportedError `format_not_supported`."""
    key, reference = context.key(node.name), context.reference(node.name)
    options, uri_span = _options(EXPORT_OPTIONS, node.options, "EXPORT MODEL", node.span, context)
    return WriteFolder(key, reference, options["uri"], options["overwrite"], node.name.span, uri_span)


def bind_import(node: ImportModel, context: PlanContext) -> ReadFolder:
    """Raises: as `bind_export`."""
    options, uri_span = _options(IMPORT_OPTIONS, node.options, "IMPORT MODEL", node.span, context)
    return ReadFolder(context.key_to_change(node.name), options["uri"], node.replace, node.name.span, uri_span)


def _options(
    declared: tuple[Option, ...], settings: Sequence[OptionSetting], owner: str, span: Span, context: PlanContext
) -> tuple[Options, Span]:
    """The checked options, and the span of `uri`."""
    spans = {setting.name.lower(): setting.span for setting in settings}
    try:
        options, _ = check_options(declared, context.settings(settings), owner)
    except Error as error:
        option = getattr(error, "option", None)
        raise error.at(None if option is None else spans.get(option.lower())) from None
    if not options["uri"]:
        raise ProgrammingError(f"{owner} needs option uri", code="missing_option", span=span, hint="OPTIONS (uri = 'folder')")
    name = options["format"].upper()
    if name != "SQLML":
        why = f": {_FOREIGN_FORMATS[name]}" if name in _FOREIGN_FORMATS else ""
        raise NotSupportedError(
            f"format {options['format']} is not available{why}", code="format_not_supported", span=spans.get("format"),
            hint="format = 'sqlml'",
        )  # fmt: skip
    return options, spans["uri"]
