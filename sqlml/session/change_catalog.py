"""ALTER and DROP MODEL: changes of the catalog that train nothing."""

from __future__ import annotations

from typing import assert_never

from sqlml.catalog.records import ModelKey
from sqlml.catalog.store import Catalog
from sqlml.errors import Error
from sqlml.plan.nodes import AlterModel, CatalogChange, MoveAlias, MoveDefault, RemoveAlias, RemoveModel, Rename
from sqlml.session.expiration import erasure_told
from sqlml.session.progress import EventProgress
from sqlml.shown_names import listed, shown_name

_ALTERABLE = {"description": "description", "labels": "labels", "expiration_timestamp": "expires_at"}
_PLACES = {
    "unknown_version": ("version_span",), "unknown_alias": ("version_span", "alias_span"), "alias_name": ("alias_span",),
    "model_exists": ("name_span",),
}  # fmt: skip
"""What a refusal is about, by its code: the first of these that the statement has."""


def change_catalog(plan: CatalogChange, catalog: Catalog, progress: EventProgress) -> str:
    """Makes the change and says in one line what was done."""
    for code, message in plan.notices if isinstance(plan, AlterModel) else ():
        progress.notice(code, message)
    try:
        done = _change(plan, catalog, progress)
    except Error as error:
        places = (getattr(plan, name, None) for name in _PLACES.get(error.code, ()))
        raise error.at(next((place for place in places if place is not None), plan.span)) from error.__cause__
    return f"there is no model {plan.key}" if done is None else f"model {plan.key}: {done}"


def _change(plan: CatalogChange, catalog: Catalog, progress: EventProgress) -> str | None:
    """What was done; None where IF EXISTS found nothing."""
    match plan:
        case RemoveModel():
            version = plan.version
            if version is None:
                return "dropped" if catalog.drop(plan.key, if_exists=plan.if_exists) else None
            if catalog.drop_version(plan.key, version, if_exists=plan.if_exists):
                return f"version {_shown(version)} dropped"
            return None if catalog.find(plan.key) is None else f"there is no version {_shown(version)}"
        case AlterModel():
            changes = {name: getattr(plan, field) for name, field in _ALTERABLE.items() if name in plan.given}
            if not catalog.set_options(plan.key, changes, if_exists=plan.if_exists):
                return None
            return f"altered{_expiration(plan.key, catalog, progress) if 'expiration_timestamp' in changes else ''}"
        case MoveDefault():
            number = catalog.set_default(plan.key, plan.version, if_exists=plan.if_exists)
            return None if number is None else f"version {number} is the default"
        case MoveAlias():
            number = catalog.set_alias(plan.key, plan.alias, plan.version, if_exists=plan.if_exists)
            return None if number is None else f"alias {shown_name(plan.alias)} is version {number}"
        case RemoveAlias():
            if not catalog.drop_alias(plan.key, plan.alias, if_exists=plan.if_exists):
                return None
            return f"alias {shown_name(plan.alias)} dropped{_expiration(plan.key, catalog, progress)}"
        case Rename():
            with erasure_told(catalog, progress):
                is_renamed = catalog.rename(plan.key, plan.name, if_exists=plan.if_exists)
            return f"renamed to {shown_name(plan.name)}" if is_renamed else None
        case _:
            assert_never(plan)


def _shown(version: int | str) -> str:
    return shown_name(version) if isinstance(version, str) else str(version)


def _expiration(key: ModelKey, catalog: Catalog, progress: EventProgress) -> str:
    """What to add where the change let the model expire at once; a notice where aliases keep it from expiring."""
    model = catalog.find(key)
    if model is None:
        return "; it has expired"
    if model.expires_at is not None and model.aliases:
        names = listed([name for name, _ in model.aliases])
        progress.notice("expiration", f"model {key} does not expire while it has an alias ({names})")
    return ""
