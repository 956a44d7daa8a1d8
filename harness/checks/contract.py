"""The numbers that the brief publishes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.errors import CheckError

SLACK_SEC = 0.25
"""Added to published times: more than ten times the scheduling noise seen on a busy machine."""


class Contract(Mapping[str, float]):
    """`[interview.contract]` of the task; checks take their thresholds from here only."""

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._numbers = dict(numbers)

    def __getitem__(self, name: str) -> float:
        try:
            return self._numbers[name]
        except KeyError:
            known = ", ".join(sorted(self._numbers)) or "none"
            raise CheckError(
                f"The contract has no number '{name}'; it has: {known}.",
                remedy="Add it to [interview.contract] in task.toml and to the brief.",
                slug="contract-number",
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)
