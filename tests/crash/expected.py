"""What must hold of a database, as plain values: models with versions, aliases and options, a table of the user's, and what each change makes of them.

A change is a dictionary that can be written to the journal: its kind under "do", and its arguments. `statements` is its SQL.
"""

from __future__ import annotations

import copy
from typing import Any

State = dict[str, Any]
Change = dict[str, Any]

EMPTY: State = {"models": {}, "ledger": []}
MAIN, OTHER = "kill", "other"
POINTS = "CREATE TABLE points AS SELECT i AS id, (i % 10)::DOUBLE AS x, (i * 7 % 13)::DOUBLE AS z FROM range(50) AS r(i)"
LEDGER = "CREATE TABLE ledger (entry BIGINT)"
_LABEL = "input_label_cols = ['y'], data_split_method = 'NO_SPLIT'"
_KINDS = {
    "linear": f"OPTIONS (model_type = 'linear_reg', {_LABEL}) AS SELECT x, z, {{a}} * x + z + (id % 3) AS y FROM {MAIN}.points",
    "transform": "TRANSFORM (ML.STANDARD_SCALER(x) OVER () AS x, z, y) "
    f"OPTIONS (model_type = 'linear_reg', {_LABEL}) AS SELECT x, z, {{a}} * x - z + (id % 4) AS y FROM {MAIN}.points",
    "clusters": f"OPTIONS (model_type = 'kmeans', num_clusters = 2) AS SELECT {{a}} * x AS x, z FROM {MAIN}.points",
    "classes": f"OPTIONS (model_type = 'logistic_reg', l2_reg = 0.5, {_LABEL}) "
    f"AS SELECT x, z, x + {{a}} * z + (id % 5) > 18 AS y FROM {MAIN}.points",
    "trees": f"OPTIONS (model_type = 'boosted_tree_regressor', max_iterations = 3, max_tree_depth = 2, {_LABEL}) "
    f"AS SELECT x, z, {{a}} * x * z AS y FROM {MAIN}.points",
}
VARIANTS = {f"{kind} {a}": text.format(a=a) for kind, text in _KINDS.items() for a in (1, 2, 3, 5)}
"""What a model is trained as, by a name; each predicts something else."""
PREDICTED = {"linear": "predicted_y", "transform": "predicted_y", "trees": "predicted_y", "classes": "predicted_y_probs",
             "clusters": "(centroid_id, nearest_centroids_distance)"}  # fmt: skip


def predict(model: str, variant: str) -> str:
    """The query that asks a version for all it says of a few rows, exactly: DuckDB's text of a DOUBLE has all its digits."""
    shown = PREDICTED[variant.split(maxsplit=1)[0]]
    return (
        f"SELECT id, CAST({shown} AS VARCHAR) FROM ML.PREDICT(MODEL {model}, "
        "(SELECT i AS id, i * 1.25 AS x, 11.5 - i AS z FROM range(8) AS r(i))) ORDER BY id"
    )


def statements(change: Change) -> list[str]:
    """The SQL of a change; none where it is no SQL (closing)."""
    name = change.get("name", "")
    match change["do"]:
        case "create":
            return [f"CREATE MODEL {name} {VARIANTS[change['variant']]}"]
        case "replace":
            return [f"CREATE OR REPLACE MODEL {name} {VARIANTS[change['variant']]}"]
        case "refresh":
            return [f"REFRESH MODEL {name}"]
        case "copy":
            return [f"COPY MODEL {name} TO {change['to']}"]
        case "set options":
            return [f"ALTER MODEL {name} SET OPTIONS (description = '{change['description']}')"]
        case "set default":
            return [f"ALTER MODEL {name} SET DEFAULT VERSION = {change['version']}"]
        case "set alias":
            return [f"ALTER MODEL {name} SET ALIAS {change['alias']} = {change['version']}"]
        case "drop alias":
            return [f"ALTER MODEL {name} DROP ALIAS {change['alias']}"]
        case "rename":
            return [f"ALTER MODEL {name} RENAME TO {change['to'].partition('.')[2]}"]
        case "drop":
            return [f"DROP MODEL {name}"]
        case "drop version":
            return [f"DROP MODEL {name}@{change['version']}"]
        case "insert":
            return [f"INSERT INTO {MAIN}.ledger VALUES ({change['entry']})"]
        case "transaction":
            inner = [text for part in change["changes"] for text in statements(part)]
            return ["BEGIN", *inner, change["end"]]
        case "checkpoint":
            return [f"CHECKPOINT {MAIN}"]
        case "close":
            return []
    raise AssertionError(change)


def after(state: State, change: Change) -> State:
    """The state that a change leads to."""
    state = copy.deepcopy(state)
    models = state["models"]
    name = change.get("name", "")
    match change["do"]:
        case "create":
            models[name] = {"versions": {"1": change["variant"]}, "default": 1, "last": 1, "aliases": {}, "description": None}
        case "replace" | "refresh":
            model = models[name]
            model["last"] += 1
            variant = change.get("variant") or model["versions"][str(model["default"])]
            model["versions"][str(model["last"])] = variant
            model["default"] = model["last"]
            if "keep" in change:
                _retain(model, change["keep"])
        case "copy":
            models[change["to"]] = copy.deepcopy(models[name])
        case "set options":
            models[name]["description"] = change["description"]
        case "set default":
            models[name]["default"] = change["version"]
        case "set alias":
            models[name]["aliases"][change["alias"]] = change["version"]
        case "drop alias":
            del models[name]["aliases"][change["alias"]]
        case "rename":
            models[change["to"]] = models.pop(name)
        case "drop":
            del models[name]
        case "drop version":
            del models[name]["versions"][str(change["version"])]
        case "insert":
            state["ledger"] = sorted([*state["ledger"], change["entry"]])
        case "transaction" if change["end"] == "COMMIT":
            for part in change["changes"]:
                state = after(state, part)
    return state


def _retain(model: State, keep: int) -> None:
    protected = {model["default"], *model["aliases"].values()}
    numbers = sorted(map(int, model["versions"]))
    for number in numbers[: max(0, len(numbers) - keep)]:
        if number not in protected:
            del model["versions"][str(number)]
