"""Card tokens of payments that we have answered with 202.

Such a payment is finished even if the process is killed, and that takes the token. It is the only
thing that must not stay: a row of a database leaves copies behind in free pages and in the log, a
file that is removed does not. So each is a file of its own, only for as long as the payment has
no outcome. (Payments that are answered at once never get here.)
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path


class Vault:
    """A directory with one small file per pending payment."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, payment_id: str, card_token: str) -> None:
        """Keep a token; it is on the disk when this returns."""
        fd = os.open(self._path(payment_id), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(fd, card_token.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        self._sync()

    def get(self, payment_id: str) -> str | None:
        """The token of a payment, or None."""
        try:
            return self._path(payment_id).read_text() or None
        except FileNotFoundError:
            return None

    def drop(self, payment_id: str) -> None:
        """Forget a token."""
        self._path(payment_id).unlink(missing_ok=True)

    def keep_only(self, payment_ids: Collection[str]) -> None:
        """Forget all tokens but these."""
        for path in self._directory.iterdir():
            if path.name not in payment_ids:
                path.unlink(missing_ok=True)

    def _path(self, payment_id: str) -> Path:
        return self._directory / payment_id

    def _sync(self) -> None:
        fd = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
