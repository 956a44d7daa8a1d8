"""The rubrics that ship with the harness."""

from __future__ import annotations

import pytest
import yaml

from harness.content import RUBRICS, content_dir
from harness.models.rubric import Rubric

PATHS = sorted(content_dir(RUBRICS).glob("*.yaml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_shipped_rubric_loads_and_is_named_after_its_file(path) -> None:
    """The file name is the id people type."""
    rubric = Rubric.model_validate(yaml.safe_load(path.read_text()))
    assert rubric.id == path.stem


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_anchor_says_something_of_its_own(path) -> None:
    """No two levels share an anchor, and none is a bare adjective."""
    rubric = Rubric.model_validate(yaml.safe_load(path.read_text()))
    anchors = [level.anchor for dimension in rubric.dimensions for level in dimension.levels]
    assert len(set(anchors)) == len(anchors)
    assert min(len(anchor.split()) for anchor in anchors) >= 12


def test_the_staff_backend_rubric_has_the_six_dimensions_with_equal_weights() -> None:
    """The dimensions of the field, none outweighing another without a written reason."""
    rubric = Rubric.model_validate(
        yaml.safe_load((content_dir(RUBRICS) / "staff-backend.yaml").read_text())
    )
    assert (rubric.target_level, rubric.company_stage) == ("staff", "growth")
    assert {dimension.id for dimension in rubric.dimensions} == {
        "tradeoff-reasoning",
        "failure-mode-instinct",
        "verification",
        "stewardship",
        "communication",
        "ai-collaboration",
    }
    assert {dimension.weight for dimension in rubric.dimensions} == {1.0}
