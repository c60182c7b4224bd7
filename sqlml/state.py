"""Learned values as data: frozen dataclasses of arrays in, named flat arrays out, and back with every promise checked.

A model's state is a frozen dataclass whose fields are declared with `floats`, `integers`, `strings` or a plain
`int`/`float`/`bool`/`str`. The catalog stores each field as an `Array` (shape plus one flat list), so nothing in a database is ever
executed to read a model. What comes back from a database is a stranger's until `from_arrays` has checked it: kind, number of dimensions,
dimensions
that share a name, range and finiteness. A state may add its own checks in a method `check(self) -> None` that raises
`damaged_state`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sqlml.errors import IntegrityError

State = TypeVar("State")
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Array:
    """One stored field: a shape and the flat values, of exactly one of three kinds."""

    shape: tuple[int, ...]
    integers: IntArray | None = None
    floats: FloatArray | None = None
    strings: tuple[str | None, ...] | None = None


@dataclass(frozen=True, slots=True)
class _FieldRule:
    kind: str
    dims: tuple[str, ...]
    dtype: str
    finite: bool
    ge: int | None
    lt: str | None
    nullable: bool


def floats(*dims: str, dtype: str = "float64", finite: bool = True) -> Any:
    """A field of floats with one named dimension per axis, e.g. `floats("n_classes", "n_columns")`."""
    return dataclasses.field(metadata={"rule": _FieldRule("floats", dims, dtype, finite, None, None, False)})


def integers(*dims: str, dtype: str = "int64", ge: int | None = None, lt: str | None = None) -> Any:
    """A field of integers; `ge` is their lower bound, `lt` names the dimension that they must stay below."""
    return dataclasses.field(metadata={"rule": _FieldRule("integers", dims, dtype, True, ge, lt, False)})


def strings(dim: str, *, nullable: bool = False) -> Any:
    """A field of type `tuple[str, ...]`."""
    return dataclasses.field(metadata={"rule": _FieldRule("strings", (dim,), "str", True, None, None, nullable)})


def damaged_state(reason: str) -> IntegrityError:
    """The error for a stored state that does not keep its promises."""
    return IntegrityError(
        f"the stored state of this model is damaged: {reason}",
        code="damaged_state",
        hint="restore the database from a backup, or train the model again",
    )


def to_arrays(state: object) -> dict[str, Array]:
    """The fields of a state by name, flat."""
    arrays: dict[str, Array] = {}
    for field in dataclasses.fields(state):  # type: ignore[arg-type]  # any dataclass instance
        value = getattr(state, field.name)
        rule: _FieldRule | None = field.metadata.get("rule")
        if rule is None:
            arrays[field.name] = _scalar_to_array(field.name, value)
        elif rule.kind == "strings":
            arrays[field.name] = Array((len(value),), strings=tuple(value))
        elif rule.kind == "floats":
            arrays[field.name] = Array(value.shape, floats=np.ascontiguousarray(value, np.float64).ravel())
        else:
            arrays[field.name] = Array(value.shape, integers=np.ascontiguousarray(value, np.int64).ravel())
    return arrays


def from_arrays(state_type: type[State], arrays: Mapping[str, Array]) -> State:
    """A state from stored arrays.

    Raises: IntegrityError `damaged_state` for a missing or superfluous field, a wrong kind, shape, range, or a value that is not finite.
    """
    fields = dataclasses.fields(state_type)  # type: ignore[arg-type]  # a dataclass by contract
    names = {field.name for field in fields}
    if set(arrays) != names:
        raise damaged_state(f"fields {sorted(set(arrays) ^ names)} are missing or unknown")
    sizes: dict[str, int] = {}
    values: dict[str, object] = {}
    for field in fields:
        rule: _FieldRule | None = field.metadata.get("rule")
        array = arrays[field.name]
        if rule is None:
            values[field.name] = _scalar_from_array(field.name, getattr(field.type, "__name__", str(field.type)), array)
        else:
            values[field.name] = _checked(field.name, rule, array, sizes)
    for field in fields:
        rule = field.metadata.get("rule")
        if rule is not None and rule.lt is not None:
            numbers = values[field.name]
            limit = sizes.get(rule.lt)
            if isinstance(numbers, np.ndarray) and numbers.size and (limit is None or int(numbers.max()) >= limit):
                raise damaged_state(f"{field.name} points outside {rule.lt}")
    state = state_type(**values)
    check = getattr(state, "check", None)
    if check is not None:
        check()
    return state


def checksum(arrays: Mapping[str, Array]) -> str:
    """SHA-256 over names, shapes and the exact values; the same on every platform and in every release."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name}\0{array.shape}\0".encode())
        if array.integers is not None:
            digest.update(b"i" + array.integers.astype("<i8").tobytes())
        elif array.floats is not None:
            digest.update(b"f" + array.floats.astype("<f8").tobytes())
        else:
            for item in array.strings or ():
                data = b"" if item is None else item.encode()
                digest.update(f"s{'-' if item is None else len(data)}\0".encode() + data)
    return digest.hexdigest()


def _checked(name: str, rule: _FieldRule, array: Array, sizes: dict[str, int]) -> object:
    values = getattr(array, rule.kind)
    if values is None or len(array.shape) != len(rule.dims):
        raise damaged_state(f"{name} is not an array of {len(rule.dims)} dimensions of {rule.kind}")
    if any(size < 0 for size in array.shape) or _product(array.shape) != len(values):
        raise damaged_state(f"{name} has {len(values)} values, not its shape {array.shape}")
    for dim, size in zip(rule.dims, array.shape, strict=True):
        if sizes.setdefault(dim, size) != size:
            raise damaged_state(f"{name} disagrees with other fields about {dim}")
    if rule.kind == "strings":
        if not rule.nullable and any(item is None for item in values):
            raise damaged_state(f"{name} holds NULL")
        return values
    if rule.kind == "floats":
        # A number that was stored as float32 is one still; any other that is too large for it becomes infinite here.
        with np.errstate(over="ignore"):
            numbers = values.astype(rule.dtype)
        if rule.finite and not np.isfinite(numbers).all():
            raise damaged_state(f"{name} holds values that are not finite")
        return numbers.reshape(array.shape)
    info = np.iinfo(rule.dtype)
    if values.size and (int(values.min()) < max(info.min, info.min if rule.ge is None else rule.ge) or int(values.max()) > info.max):
        raise damaged_state(f"{name} is out of range")
    return values.astype(rule.dtype).reshape(array.shape)


def _product(shape: tuple[int, ...]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


def _scalar_to_array(name: str, value: object) -> Array:
    match value:
        case bool() | int():
            return Array((), integers=np.array([value], np.int64))
        case float():
            return Array((), floats=np.array([value], np.float64))
        case str():
            return Array((), strings=(value,))
    raise TypeError(f"state field {name} has no storage form for {type(value).__name__}")


def _scalar_from_array(name: str, type_name: str, array: Array) -> object:
    if array.shape == ():
        if type_name in {"int", "bool"} and array.integers is not None and len(array.integers) == 1:
            number = int(array.integers[0])
            if type_name == "int":
                return number
            if number in (0, 1):
                return bool(number)
        if type_name == "float" and array.floats is not None and len(array.floats) == 1:
            if np.isfinite(array.floats[0]):
                return float(array.floats[0])
            raise damaged_state(f"{name} is not finite")
        if type_name == "str" and array.strings is not None and len(array.strings) == 1 and array.strings[0] is not None:
            return array.strings[0]
    raise damaged_state(f"{name} is not a {type_name}")
