"""What others may import from a module, asked of the module; runs beside it, see `stage.py`."""

from __future__ import annotations

import importlib
import inspect
import types
from typing import Any

Json = Any


def surface(module: types.ModuleType) -> Json:
    """What others may use of a module: names, signatures, defaults, bases, whether it pickles."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [name for name, item in vars(module).items() if _is_public(name, item, module)]
    return {str(name): _described(module, str(name)) for name in names}


def _is_public(name: str, item: object, module: types.ModuleType) -> bool:
    top = module.__name__.partition(".")[0]
    home = getattr(item, "__module__", None)
    if name.startswith("_") or isinstance(item, types.ModuleType):
        return False
    return not isinstance(home, str) or home.partition(".")[0] == top


def _described(module: types.ModuleType, name: str) -> Json:
    item = getattr(module, name, None)
    if isinstance(item, type):
        methods = {
            method: signature(getattr(item, method, None))
            for base in item.__mro__
            for method, found in vars(base).items()
            if base.__module__.partition(".")[0] == module.__name__.partition(".")[0]
            and (not method.startswith("_") or method == "__init__")
            and not isinstance(found, property)
            and callable(getattr(item, method, None))
        }
        bases = [base.__name__ for base in item.__mro__ if not base.__name__.startswith("_")]
        return {"kind": "class", "mro": bases, "methods": methods, "pickles": _pickles(item)}
    if callable(item):
        return {"kind": "function", "signature": signature(item), "pickles": _pickles(item)}
    if not hasattr(module, name):
        return {"kind": "missing"}
    return {"kind": "value", "type": type(item).__name__}


def signature(item: Any) -> Json:  # noqa: ANN401
    """Parameters in order: name, kind, and the default's text."""
    try:
        parameters = inspect.signature(item).parameters.values()
    except (TypeError, ValueError):
        return None
    empty = inspect.Parameter.empty
    return [
        [one.name, one.kind.name, None if one.default is empty else _default(one.default)]
        for one in parameters
    ]


def _default(value: object) -> str:
    plain = isinstance(value, str | int | float | bool | tuple | list | dict | type(None))
    return repr(value)[:200] if plain else type(value).__name__


def _pickles(item: Any) -> bool:  # noqa: ANN401
    """Whether it is found again where it says it is, which is what a pickle needs."""
    try:
        found: Any = importlib.import_module(item.__module__)
        for name in item.__qualname__.split("."):
            found = getattr(found, name)
    except (AttributeError, ImportError):
        return False
    return found is item
