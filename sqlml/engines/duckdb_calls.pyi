from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

def _sqlml_call(function: Callable[..., T], /, *arguments: object, **keywords: object) -> T: ...
