"""Reports on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import PrerequisiteError, UsageError
from harness.reporting import FORMATS, html, json, markdown, write
from harness.testing.scorecards import middling_scorecard

CARD = middling_scorecard()


def test_each_format_is_written_under_its_name(tmp_path: Path) -> None:
    """The folder is made, and holds the three reports and nothing else."""
    written = write(CARD, tmp_path / "a" / "b", FORMATS)
    assert written == {name: tmp_path / "a" / "b" / f"scorecard.{name}" for name in FORMATS}
    assert written["html"].read_text(encoding="utf-8") == html(CARD)
    assert written["md"].read_text(encoding="utf-8") == markdown(CARD)
    assert written["json"].read_text(encoding="utf-8") == json(CARD)
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(
        path.name for path in written.values()
    )


def test_only_the_owner_can_read_a_report(tmp_path: Path) -> None:
    """It is about a person: sharing it is a decision."""
    assert write(CARD, tmp_path, ["json"])["json"].stat().st_mode & 0o077 == 0


def test_an_unknown_format_writes_nothing(tmp_path: Path) -> None:
    """The message says which there are."""
    with pytest.raises(UsageError, match=r"'docx'.*html, md, json"):
        write(CARD, tmp_path, ["html", "docx"])  # type: ignore[list-item]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash or an error in the middle leaves what was there, and no rubbish."""
    old = write(CARD, tmp_path, ["md"])["md"].read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = CARD.model_copy(update={"rubric_title": "Another"})
    with pytest.raises(PrerequisiteError, match="No space left on device") as caught:
        write(other, tmp_path, ["md"])
    assert caught.value.slug == "report-not-written"
    assert [p.name for p in tmp_path.iterdir()] == ["scorecard.md"]
    assert (tmp_path / "scorecard.md").read_bytes() == old


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    """The operator reads which path it was."""
    (tmp_path / "report").write_text("")
    with pytest.raises(PrerequisiteError, match="report"):
        write(CARD, tmp_path / "report", ["md"])
