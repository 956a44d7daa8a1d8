"""A hostile folder becomes a tar that is the same every time, and safe to unpack."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from harness.errors import IntegrityError, SubmissionError
from harness.grading.seal import SealLimits, seal, stays_inside
from harness.grading.unseal import unpack, verify
from harness.models.session import Submission


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with one file in it."""
    folder = tmp_path / "tree"
    (folder / "pkg").mkdir(parents=True)
    (folder / "pkg/main.py").write_text("print('hello')\n")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where sealed trees go."""
    return tmp_path / "sealed"


def names(submission: Submission) -> list[str]:
    """What is in a sealed tree."""
    with tarfile.open(submission.path) as archive:
        return archive.getnames()


def test_same_tree_same_bytes(tree: Path, out: Path) -> None:
    """Times, owners and exact modes do not change the seal; content does."""
    first = seal(tree, out)
    os.utime(tree / "pkg/main.py", (1, 1))
    (tree / "pkg/main.py").chmod(0o600)
    assert seal(tree, out) == first
    (tree / "pkg/main.py").chmod(0o700)
    assert seal(tree, out).sha256 != first.sha256


def test_counts_and_place(tree: Path, out: Path) -> None:
    """The seal is named by its hash and counts files and bytes."""
    submission = seal(tree, out)
    assert Path(submission.path) == out / f"{submission.sha256}.tar"
    assert (submission.files, submission.bytes) == (1, 15)
    assert hashlib.sha256(Path(submission.path).read_bytes()).hexdigest() == submission.sha256
    assert [path.name for path in out.iterdir()] == [f"{submission.sha256}.tar"]


def test_what_is_left_out(tree: Path, out: Path) -> None:
    """Version control, environments and caches are not part of a submission."""
    for name in (".git", "__pycache__", ".venv", "node_modules", ".pytest_cache"):
        (tree / name).mkdir()
        (tree / name / "x").write_text("x")
    (tree / "pkg/main.pyc").write_text("x")
    submission = seal(tree, out)
    assert names(submission) == ["pkg", "pkg/main.py"]
    assert submission.skipped == ()


def test_special_files_are_skipped_and_named(tree: Path, out: Path) -> None:
    """A pipe, a socket and links that lead out are left out with the reason."""
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "sock"))
    (tree / "inside").symlink_to("pkg/main.py")
    (tree / "absolute").symlink_to("/etc/passwd")
    (tree / "outside").symlink_to("pkg/../../x")
    submission = seal(tree, out)
    assert names(submission) == ["inside", "pkg", "pkg/main.py"]
    assert submission.skipped == (
        "absolute: is a link that leads out of the folder",
        "outside: is a link that leads out of the folder",
        "pipe: is a pipe, not a file",
        "sock: is a socket, not a file",
    )


@pytest.mark.parametrize(
    ("path", "target", "inside"),
    [
        ("a", "b", True),
        ("d/a", "../b", True),
        ("d/a", "..", True),
        ("a", "..", False),
        ("d/a", "../../b", False),
        ("a", "/b", False),
        ("a", "", False),
        # `link` may lead upwards, so that a step up after it starts elsewhere
        ("a", "d/link/../..", False),
        ("a", "./d/./b", True),
    ],
)
def test_where_links_lead(path: str, target: str, inside: bool) -> None:
    """Only links that cannot leave the folder, whatever the other links do, stay."""
    assert stays_inside(tuple(path.split("/")), target) is inside


def test_odd_names_survive(tree: Path, out: Path, tmp_path: Path) -> None:
    """Names with bytes that are no UTF-8, newlines and great length come back as they were."""
    odd = [b"caf\xe9", "naïve\n.py".encode(), b"x" * 255, b"-rf"]
    for name in odd:
        (tree / os.fsdecode(name)).write_text("odd")
    submission = seal(tree, out)
    submission.model_dump_json()
    dest = tmp_path / "unpacked"
    dest.mkdir()
    unpack(submission, dest)
    assert {os.fsencode(path.name) for path in dest.iterdir()} == {*odd, b"pkg"}


def test_skipped_names_are_printable(tree: Path, out: Path) -> None:
    """A skipped path cannot carry terminal bytes or undecodable ones into the record."""
    os.mkfifo(os.fsencode(tree) + b"/\x1b[31m\xff")
    (told,) = seal(tree, out).skipped
    assert told == "\\x1b[31m\\xff: is a pipe, not a file"


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (SealLimits(files=2), "more than 2 files"),
        (SealLimits(bytes=20), "more than 20 bytes"),
        (SealLimits(depth=0), "more than 0 deep"),
        (SealLimits(path_bytes=10), "longer than 10 bytes"),
    ],
)
def test_limits(tree: Path, out: Path, limits: SealLimits, words: str) -> None:
    """Beyond a limit the submission is refused with that limit, and nothing stays behind."""
    (tree / "more.py").write_text("x" * 10)
    with pytest.raises(SubmissionError, match=words):
        seal(tree, out, limits=limits)
    assert list(out.iterdir()) == []


def test_sparse_giant_is_refused_at_once(tree: Path, out: Path) -> None:
    """A file of a terabyte of nothing is refused by its length."""
    with (tree / "giant").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SubmissionError, match="at giant"):
        seal(tree, out)


def test_empty_submission(tmp_path: Path, out: Path) -> None:
    """A folder without files cannot be graded, and the message says what was skipped."""
    (tmp_path / "tree/only-folders").mkdir(parents=True)
    os.mkfifo(tmp_path / "tree/pipe")
    with pytest.raises(SubmissionError, match=r"is empty.*pipe: is a pipe"):
        seal(tmp_path / "tree", out)


@pytest.mark.parametrize("kind", ["absent", "file", "link"])
def test_not_a_folder(tree: Path, out: Path, kind: str) -> None:
    """What is no folder, or a link to one, is refused."""
    path = tree / kind
    if kind == "file":
        path.write_text("")
    elif kind == "link":
        path.symlink_to("pkg")
    with pytest.raises(SubmissionError, match="not a folder that can be read"):
        seal(path, out)


def test_folder_swapped_for_a_link(tree: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that becomes a link between the look and the opening is not followed."""
    real = os.open

    def swapping(path: object, flags: int, *args: object, **kwargs: object) -> int:
        if path == "pkg":
            (tree / "pkg").rename(tree.parent / "away")
            (tree / "pkg").symlink_to("/etc")
        return real(path, flags, *args, **kwargs)  # type: ignore[arg-type]

    (tree / "a.py").write_text("")
    monkeypatch.setattr(os, "open", swapping)
    submission = seal(tree, out)
    assert names(submission) == ["a.py", "pkg"]
    assert [text.split(":")[0] for text in submission.skipped] == ["pkg"]


def test_round_trip(tree: Path, out: Path, tmp_path: Path) -> None:
    """What was sealed comes back: content, execute bits, links, empty folders."""
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "run.sh").chmod(0o755)
    (tree / "link").symlink_to("pkg")
    (tree / "empty").mkdir()
    submission = seal(tree, out)
    assert verify(submission) == 5
    dest = tmp_path / "unpacked"
    dest.mkdir()
    unpack(submission, dest)
    assert seal(dest, out) == submission


def forged(out: Path, *members: tarfile.TarInfo) -> Submission:
    """A tar that we did not make, with a right hash."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    out.mkdir(exist_ok=True)
    path = out / "forged.tar"
    path.write_bytes(buffer.getvalue())
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return Submission(sha256=sha256, path=str(path), files=1, bytes=1)


def member(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "") -> tarfile.TarInfo:
    """An entry of a tar."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, linkname
    return info


@pytest.mark.parametrize(
    "entry",
    [
        member("../x"),
        member("/etc/x"),
        member("a/../../x"),
        member("a//b"),
        member("link", tarfile.SYMTYPE, "/etc"),
        member("link", tarfile.SYMTYPE, "../.."),
        member("hard", tarfile.LNKTYPE, "/etc/passwd"),
        member("device", tarfile.CHRTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda entry: f"{entry.name}-{entry.type.decode()}",
)
def test_forged_seal_is_not_unpacked(out: Path, tmp_path: Path, entry: tarfile.TarInfo) -> None:
    """An entry that seal never makes stops the unpacking before anything is written."""
    dest = tmp_path / "dest"
    dest.mkdir()
    submission = forged(out, member("fine"), entry)
    with pytest.raises(IntegrityError, match="unsafe entry"):
        unpack(submission, dest)
    with pytest.raises(IntegrityError, match="unsafe entry"):
        verify(submission)
    assert list(dest.iterdir()) == []


def test_changed_seal(tree: Path, out: Path, tmp_path: Path) -> None:
    """A tar that is not what its hash says is refused."""
    submission = seal(tree, out)
    with Path(submission.path).open("ab") as file:
        file.write(b"x")
    with pytest.raises(IntegrityError, match="has hash"):
        unpack(submission, tmp_path)
    Path(submission.path).unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        verify(submission)
