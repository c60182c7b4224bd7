"""ALTER and DROP MODEL: changes of the catalog that train nothing."""

from __future__ import annotations

from typing import assert_never

from sqlml.catalog.store import Catalog
from sqlml.errors import Error
from sqlml.plan.nodes import AlterModel, CatalogChange, MoveAlias, MoveDefault, RemoveAlias, RemoveModel, Rename
from sqlml.session.progress import EventProgress

_ALTERABLE = {"description": "description", "labels": "labels", "expiration_timestamp": "expires_at"}


def change_catalog(plan: CatalogChange, catalog: Catalog, progress: EventProgress) -> str:
    """Makes the change and says in one line what was done."""
    for code, message in plan.notices if isinstance(plan, AlterModel) else ():
        progress.notice(code, message)
    try:
        done = _change(plan, catalog)
    except Error as error:
        raise error.at(plan.span) from error.__cause__
    return f"there is no model {plan.key}" if done is None else f"model {plan.key}: {done}"


def _change(plan: CatalogChange, catalog: Catalog) -> str | None:
    """What was done; None where IF EXISTS found nothing."""
    match plan:
        case RemoveModel():
            version = plan.version
            if version is None:
                return "dropped" if catalog.drop(plan.key, if_exists=plan.if_exists) else None
            if catalog.drop_version(plan.key, version, if_exists=plan.if_exists):
                return f"version {version} dropped"
            return None if catalog.find(plan.key) is None else f"there is no version {version}"
        case AlterModel():
            changes = {name: getattr(plan, field) for name, field in _ALTERABLE.items() if name in plan.given}
            return "altered" if catalog.set_options(plan.key, changes, if_exists=plan.if_exists) else None
        case MoveDefault():
            number = catalog.set_default(plan.key, plan.version, if_exists=plan.if_exists)
            return None if number is None else f"version {number} is the default"
        case MoveAlias():
            number = catalog.set_alias(plan.key, plan.alias, plan.version, if_exists=plan.if_exists)
            return None if number is None else f"{plan.alias} is version {number}"
        case RemoveAlias():
            return f"alias {plan.alias} dropped" if catalog.drop_alias(plan.key, plan.alias, if_exists=plan.if_exists) else None
        case Rename():
            return f"renamed to {plan.name}" if catalog.rename(plan.key, plan.name, if_exists=plan.if_exists) else None
        case _:
            assert_never(plan)
