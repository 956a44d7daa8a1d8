"""Rubric + check results + ratings -> dimension scores and a roll-up; pure functions only."""

from harness.scoring.evidence import evidence_for
from harness.scoring.score import score

__all__ = ["evidence_for", "score"]
