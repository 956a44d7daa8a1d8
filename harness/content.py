"""Where the content that ships with the harness lies, in a checkout and in the wheel.

In a checkout `tasks/`, `rubrics/`, `sandboxes/` and `reports/` stand beside
`harness/`; in an installed wheel they are inside it as package data.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def content_dir(name: str) -> Path:
    """The folder `name` (`tasks`, `rubrics`, `sandboxes` or `reports`) that ships with us.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    for candidate in (_PACKAGE.parent / name, _PACKAGE / "_content" / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"The installed harness has no '{name}' folder; reinstall it.")


TASKS = "tasks"
RUBRICS = "rubrics"
SANDBOXES = "sandboxes"
REPORTS = "reports"
