"""Which change comes next: one of a wanted kind that the present state allows."""

from __future__ import annotations

import random

from .expected import MAIN, OTHER, VARIANTS, Change, State, after

NAMES = tuple(f"{MAIN}.{name}" for name in ("alpha", "beta", "gamma"))
FREE_NAMES = tuple(f"{MAIN}.{name}" for name in ("delta", "epsilon", "zeta"))
ALIASES = ("champion", "challenger")
MAX_VERSIONS = 3
"""Of one model, so that checking stays quick."""
MAX_MODELS = 3
KINDS = (
    "create", "replace", "replace and retain", "set options", "set default", "set alias", "move alias", "drop alias", "rename", "drop",
    "drop version", "insert", "transaction", "transaction of drops", "rollback", "checkpoint", "close", "refresh", "copy",
)  # fmt: skip


def choose(kind: str, state: State, moments: random.Random) -> list[Change]:
    """Changes of which the last is of that kind; those before it make it possible."""
    made: list[Change] = []
    for _ in range(20):
        change = _change(kind, state, moments)
        if change is not None:
            return [*made, change]
        helper = _help(kind, state, moments)
        made.append(helper)
        state = after(state, helper)
    raise AssertionError(f"no state allows a change of kind {kind}")


def _help(kind: str, state: State, moments: random.Random) -> Change:
    ours = _main(state)
    if kind in {"create", "copy"} and len(ours) >= MAX_MODELS:
        return {"do": "drop", "name": moments.choice(ours)}
    if kind == "copy" and any(name.startswith(f"{OTHER}.") for name in state["models"]):
        return {"do": "drop", "name": next(name for name in state["models"] if name.startswith(f"{OTHER}."))}
    if kind == "drop alias" and ours:
        name = moments.choice(ours)
        return {"do": "set alias", "name": name, "alias": ALIASES[0], "version": _version(state, name, moments)}
    if ours and kind in {"set default", "drop version", "move alias", "replace and retain"}:
        return _publish(state, moments.choice(ours), moments)
    return _create(state, moments)


def _change(kind: str, state: State, moments: random.Random) -> Change | None:
    ours = _main(state)
    models = state["models"]
    if kind == "create":
        return _create(state, moments) if len(ours) < MAX_MODELS else None
    if kind in {"insert", "checkpoint", "close"}:
        return {"do": kind, **({"entry": len(state["ledger"])} if kind == "insert" else {})}
    if not ours:
        return None
    name = moments.choice(ours)
    model = models[name]
    match kind:
        case "replace":
            return _publish(state, name, moments)
        case "replace and retain":
            return {**_publish(state, name, moments), "keep": moments.choice((1, 2))} if len(model["versions"]) > 1 else None
        case "refresh":
            return {"do": "refresh", "name": name, "keep": MAX_VERSIONS}
        case "copy":
            target = f"{OTHER}.{moments.choice(('one', 'two'))}"
            return None if target in models else {"do": "copy", "name": name, "to": target}
        case "set options":
            return {"do": "set options", "name": name, "description": f"text {moments.randrange(10**6)}"}
        case "set default":
            others = [int(number) for number in model["versions"] if int(number) != model["default"]]
            return {"do": "set default", "name": name, "version": moments.choice(others)} if others else None
        case "set alias":
            return {"do": "set alias", "name": name, "alias": moments.choice(ALIASES), "version": _version(state, name, moments)}
        case "move alias":
            pairs = [(alias, n) for alias, at in model["aliases"].items() for n in model["versions"] if int(n) != at]
            if not pairs:
                return None if not model["aliases"] and len(model["versions"]) < 2 else _change("set alias", state, moments)
            alias, number = moments.choice(pairs)
            return {"do": "set alias", "name": name, "alias": alias, "version": int(number)}
        case "drop alias":
            return {"do": "drop alias", "name": name, "alias": moments.choice(list(model["aliases"]))} if model["aliases"] else None
        case "rename":
            free = [other for other in FREE_NAMES + NAMES if other not in models]
            return {"do": "rename", "name": name, "to": moments.choice(free)}
        case "drop":
            return {"do": "drop", "name": name}
        case "drop version":
            free = [int(n) for n in model["versions"] if int(n) != model["default"] and int(n) not in model["aliases"].values()]
            return {"do": "drop version", "name": name, "version": moments.choice(free)} if free else None
        case "transaction":
            return _transaction(state, moments, "COMMIT", ("insert", "replace", "set alias", "insert", "set options"))
        case "transaction of drops":
            return _transaction(state, moments, "COMMIT", ("insert", "drop", "create", "rename"))
        case "rollback":
            return _transaction(state, moments, "ROLLBACK", ("insert", "create", "replace", "drop"))
    raise AssertionError(kind)


def _transaction(state: State, moments: random.Random, end: str, kinds: tuple[str, ...]) -> Change:
    changes: list[Change] = []
    for kind in kinds:
        change = _change(kind, state, moments)
        if change is not None:
            change.pop("keep", None)
            changes.append(change)
            state = after(state, change)
    return {"do": "transaction", "changes": changes, "end": end}


def _create(state: State, moments: random.Random) -> Change:
    free = [name for name in NAMES + FREE_NAMES if name not in state["models"]]
    return {"do": "create", "name": free[0], "variant": moments.choice(list(VARIANTS))}


def _publish(state: State, name: str, moments: random.Random) -> Change:
    change: Change = {"do": "replace", "name": name, "variant": moments.choice(list(VARIANTS))}
    return {**change, "keep": 2} if len(state["models"][name]["versions"]) >= MAX_VERSIONS else change


def _version(state: State, name: str, moments: random.Random) -> int:
    return int(moments.choice(list(state["models"][name]["versions"])))


def _main(state: State) -> list[str]:
    return [name for name in state["models"] if name.startswith(f"{MAIN}.")]
