"""A session's whole record as one archive that verifies anywhere."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from harness.loop.desk import Desk
from harness.recorder.shadow import ShadowRepository


def export_session(desk: Desk, session_id: str, dest: Path) -> Path:
    """Events, blobs and the shadow repository (as a git bundle) in one archive at `dest`."""
    git_dir = desk.session_dir(session_id) / "shadow.git"
    with TemporaryDirectory() as folder:
        attachments: dict[str, Path] = {}
        if git_dir.is_dir():
            bundle = Path(folder) / "shadow.bundle"
            ShadowRepository.of(git_dir).bundle(bundle)
            attachments["shadow.bundle"] = bundle
        return desk.store.export(session_id, dest, attachments=attachments)
