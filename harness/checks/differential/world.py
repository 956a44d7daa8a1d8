"""One play of a program: values made, calls taken, what came of them; runs beside the module.

See `program.py` for what a program is and how its values are written. What few programs need is
imported where they need it: everything that a stage holds is paid for in each fork.
"""

from __future__ import annotations

import datetime
import decimal
import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

MAX_FILES = 50
MAX_FILE_BYTES = 100_000

Json = Any


def _fraction(text: str) -> Any:  # noqa: ANN401
    from fractions import Fraction

    return Fraction(text)


def _uuid(text: str) -> Any:  # noqa: ANN401
    from uuid import UUID

    return UUID(text)


_MAKERS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "Decimal": decimal.Decimal,
    "Fraction": _fraction,
    "UUID": _uuid,
    "bytes": bytes.fromhex,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda parts: datetime.timedelta(*parts),
    "int": lambda text: int(text, 16),
    "StringIO": lambda text: io.StringIO(text, newline=""),
    "module": importlib.import_module,
}


class Fake:
    """Stands in for what a module is given: answers from a script and remembers what was asked."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __harness_fake__(self) -> str:
        """Its name, for whoever encodes it."""
        return self._name


class World:
    """Everything one program sees and leaves."""

    def __init__(self, program: Json, canon: Callable[[], Any]) -> None:
        self._canon = canon
        self._kept: dict[str, Any] = {}
        self._fakes: dict[str, Any] = {}
        self._trace: list[Json] = []
        self._files = program.get("files")
        if self._files is not None:
            self._origin = os.getcwd()
            self._scratch = _folder()
            os.chdir(self._scratch)
            for name, text in self._files.items():
                with open(name, "w", encoding="utf-8", newline="") as file:
                    file.write(text)

    def close(self) -> None:
        """Nothing stays."""
        if self._files is not None:
            os.chdir(self._origin)
            _emptied(self._scratch)

    # -- steps ---------------------------------------------------------------------

    def take(self, step: Json) -> Json:
        """Make the call and tell everything that can be seen of it."""
        self._trace = []
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        told: dict[str, Json] = {}
        printed, shown = io.StringIO(), sys.stdout
        sys.stdout = printed
        try:
            args += [self.make(item) for item in step["args"]]
            kwargs |= {name: self.make(item) for name, item in step["kwargs"].items()}
            target = self._target(step)
            for _ in range(int(step["repeat"])):
                value = target(*args, **kwargs)
            told |= self._returned(step, value, args, kwargs)
        except BaseException as exc:  # noqa: BLE001 - whatever is raised is an outcome
            told["raised"] = self._canon().raised(exc)
        finally:
            sys.stdout = shown
        told["args"] = self._after(args, kwargs)
        told["trace"] = self._trace
        if printed.getvalue():
            told["printed"] = self._canon().value(printed.getvalue())
        return told

    def left(self) -> Json:
        """What the kept objects have become, and the files."""
        told: dict[str, Json] = {
            name: self._canon().value(value) for name, value in self._kept.items()
        }
        found: dict[str, Json] = {"kept": told}
        if self._files is not None:
            found["files"] = dict(self._found_files())
        return found

    def _target(self, step: Json) -> Callable[..., Any]:
        if step.get("of") is None:
            return named(step["call"])  # type: ignore[no-any-return]  # called, whatever it is
        return getattr(self.make(step["of"]), step["call"])  # type: ignore[no-any-return]

    def _returned(self, step: Json, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Json:  # noqa: ANN401
        told: dict[str, Json] = {}
        if (same := self._same(value, args, kwargs)) is not None:
            told["is"] = same
        if step.get("keep"):
            self._kept[step["keep"]] = value
            if isinstance(value, Iterator):
                told["value"] = {"$": "iterator"}
                return told
        told["value"] = self._drained(value, int(step.get("drain", 10_000)))
        return told

    def _drained(self, value: Any, most: int) -> Json:  # noqa: ANN401
        """The items of an iterator, with marks in the trace at each; other values as they are."""
        if not isinstance(value, Iterator) or isinstance(value, Fake | io.IOBase):
            return self._canon().value(value)
        items: list[Json] = []
        told: Json = {"$": "iterator", "items": items}
        self._trace.append({"mark": "returned"})
        canon = self._canon()
        try:
            while len(items) < most:
                items.append(canon.value(next(value)))
                self._trace.append({"mark": f"item {len(items)}"})
        except StopIteration:
            told["end"] = True
        except BaseException as exc:  # noqa: BLE001 - as above
            told["raised"] = canon.raised(exc)
        return told

    def _same(self, value: object, args: list[Any], kwargs: dict[str, Any]) -> str | None:
        """Which argument or kept object it is, not only equals; for what can change only."""
        if isinstance(value, str | int | float | tuple | frozenset | bytes | type(None)):
            return None
        if type(value).__module__ in ("decimal", "datetime") or isinstance(value, type):
            return None
        named = [(f"argument {number}", item) for number, item in enumerate(args, 1)]
        named += [*kwargs.items(), *self._kept.items()]
        return next((name for name, item in named if item is value), None)

    def _after(self, args: list[Any], kwargs: dict[str, Any]) -> Json:
        canon = self._canon()
        named = {str(number): item for number, item in enumerate(args, 1)} | kwargs
        return {name: canon.value(item) for name, item in named.items()}

    def _found_files(self) -> Iterator[tuple[str, Json]]:
        found = [
            os.path.join(folder, name)
            for folder, _, names in os.walk(self._scratch)
            for name in names
        ]
        for path in sorted(found)[:MAX_FILES]:
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    text = file.read(MAX_FILE_BYTES).decode("utf-8", "backslashreplace")
                yield os.path.relpath(path, self._scratch), text

    # -- values --------------------------------------------------------------------

    def make(self, value: Json) -> Any:  # noqa: ANN401, PLR0911 - one line a tag
        """A value as it was written; containers are fresh each time."""
        if type(value) is list:
            return [self.make(item) for item in value]
        if type(value) is not dict:
            return value
        tag: str = value["$"]
        held: Any = value.get("v")
        if tag in _MAKERS:
            return _MAKERS[tag](held)
        if tag == "dict":
            return {self.make(key): self.make(item) for key, item in held}
        if tag in ("tuple", "set", "frozenset"):
            kinds: dict[str, Any] = {"tuple": tuple, "set": set, "frozenset": frozenset}
            return kinds[tag](self.make(item) for item in held)
        if tag == "iterator":
            return self._one_shot([self.make(item) for item in held])
        if tag == "ref":
            return self._reached(self._kept[held], value.get("path", []))
        if tag == "name":
            return named(held)
        if tag == "new":
            return named(held)(*(self.make(item) for item in value["args"]))
        if tag == "fake":
            return self._fake(value)
        raise ValueError(f"no value '{tag}'")

    def _reached(self, value: Any, path: list[Json]) -> Any:  # noqa: ANN401
        """An item of an item of a kept object."""
        for part in path:
            if type(part) is dict and part["$"] == "attr":
                value = getattr(value, part["v"])
            else:
                value = value[self.make(part)]
        return value

    def _one_shot(self, items: list[Any]) -> Iterator[Any]:
        for number, item in enumerate(items, 1):
            self._trace.append({"mark": f"input {number} taken"})
            yield item

    def _fake(self, value: Json) -> Any:  # noqa: ANN401
        """A stand-in: a class of its own with the scripted methods, or a plain function."""
        name = value["v"]
        if name in self._fakes:
            return self._fakes[name]
        if value.get("call") is not None:
            made: Any = self._scripted(name, value["call"])
        else:
            methods = {
                method: self._method(f"{name}.{method}", script)
                for method, script in value["methods"].items()
            }
            made = type("Fake", (Fake,), methods)(name)
        self._fakes[name] = made
        return made

    def _method(self, name: str, script: Json) -> Callable[..., Any]:
        function = self._scripted(name, script)

        def method(_self: object, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return function(*args, **kwargs)

        return method

    def _scripted(self, name: str, script: list[Json]) -> Callable[..., Any]:
        """Each call takes the next line of the script, the last one again and again."""
        taken = 0

        def scripted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            nonlocal taken
            canon = self._canon()
            call = [canon.value(item) for item in args]
            told = {key: canon.value(item) for key, item in kwargs.items()}
            self._trace.append({"call": name, "args": call, "kwargs": told})
            line: Json = script[min(taken, len(script) - 1)] if script else {"returns": None}
            taken += 1
            if "raises" in line:
                raise named(line["raises"])(*(self.make(item) for item in line.get("args", [])))
            if "counts" in line:
                return line["counts"].replace("{}", str(taken))
            return self.make(line["returns"])

        return scripted


def named(path: str) -> Any:  # noqa: ANN401
    """`package.module:name.name`."""
    module, _, names = path.partition(":")
    found: Any = sys.modules.get(module) or importlib.import_module(module)
    for name in names.split(".") if names else ():
        found = getattr(found, name)
    return found


def _folder() -> str:
    """A new one; `tempfile` would bring half of the standard library along."""
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"play-{os.urandom(8).hex()}")  # noqa: S108 - nobody guesses it
    os.mkdir(path, 0o700)
    return path


def _emptied(path: str) -> None:
    """Gone, with what can be removed of its content."""
    for folder, folders, files in os.walk(path, topdown=False):
        for remove, names in ((os.unlink, files), (_unfold, folders)):
            for name in names:
                _tried(remove, os.path.join(folder, name))
    _tried(os.rmdir, path)


def _unfold(path: str) -> None:
    (os.unlink if os.path.islink(path) else os.rmdir)(path)


def _tried(remove: Callable[[str], None], path: str) -> None:
    try:
        remove(path)
    except OSError:
        return  # the stage's end is the container's, sooner or later


def pickled(value: object) -> object:
    """There and back."""
    import pickle

    return pickle.loads(pickle.dumps(value))  # noqa: S301 - it was made here, a moment ago
