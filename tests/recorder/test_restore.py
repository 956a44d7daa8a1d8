"""A recorded tree comes back as it was."""

from __future__ import annotations

import pytest

from harness.errors import RecordingError

from .trees import recorded


def test_restored_tree_is_equal_byte_by_byte(shadow, tree, tmp_path):
    """What is restored has the same bytes, links and executable bits."""
    (tree / "run.sh").write_text("#!/bin/sh\r\n")
    (tree / "run.sh").chmod(0o755)
    (tree / "data.bin").write_bytes(bytes(range(256)))
    (tree / "link").symlink_to("../outside")
    (tree / ".gitattributes").write_text("* text eol=lf ident working-tree-encoding=UTF-16\n")
    (tree / "ident.txt").write_text("$Id$\r\n")
    shadow.snapshot()
    dest = recorded(shadow, tmp_path)
    assert (dest / "run.sh").read_bytes() == b"#!/bin/sh\r\n"
    assert (dest / "run.sh").stat().st_mode & 0o111
    assert (dest / "data.bin").read_bytes() == bytes(range(256))
    assert (dest / "link").readlink().as_posix() == "../outside"
    assert (dest / "ident.txt").read_bytes() == b"$Id$\r\n"
    with pytest.raises(RecordingError, match="not empty"):
        shadow.checkout(shadow.tree_of(shadow.head()), dest)
