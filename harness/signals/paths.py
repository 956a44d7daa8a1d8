"""What a file is for, by its name."""

from __future__ import annotations

import re

_TEST = re.compile(
    r"(^|/)(tests?|__tests__|spec|specs|testing)/"
    r"|(^|/)(test_[^/]*|conftest)\.py$"
    r"|(_test\.(py|go|rs)|_spec\.rb|\.(test|spec)\.[cm]?[jt]sx?)$"
)
_DOCUMENT = re.compile(r"\.(md|rst|adoc|txt)$|(^|/)docs?/", re.IGNORECASE)


def is_test(path: str) -> bool:
    """Whether a file holds tests."""
    return bool(_TEST.search(path))


def is_document(path: str) -> bool:
    """Whether a file is written for people."""
    return bool(_DOCUMENT.search(path)) and not is_test(path)
