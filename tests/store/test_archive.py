"""Exported sessions: deterministic, whole offline, and safe to check when hostile."""

from __future__ import annotations

import io
import json
import os
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import StoreError, UsageError
from harness.models.event import NoteTaken, Payload, SessionSubmitted
from harness.store import Caps, Store, verify_archive
from harness.store.archive import SEAL_BYTES, seal_of
from harness.testing.builders import payloads

from .conftest import SESSION_ID, tamper


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A file to attach."""
    path = tmp_path / "shadow.bundle"
    path.write_bytes(b"# v2 git bundle\n" + bytes(range(256)))
    return path


@pytest.fixture
def archive(store: Store, tmp_path: Path, bundle: Path) -> Path:
    """An exported session with notes, a sealed submission and an attachment."""
    for text in ("first", "second \0 \u2028 \U0001f600", "third"):
        store.append(SESSION_ID, NoteTaken(by="a", text=text))
    tree = store.put_blob(b"the sealed tree " * 100)
    store.append(
        SESSION_ID,
        SessionSubmitted(submission_sha256=tree, tree="t", files=1, bytes=1600, used_sec=1),
    )
    dest = tmp_path / "session.zip"
    return store.export(SESSION_ID, dest, attachments={"git/shadow.bundle": bundle})


def _kinds(path: Path) -> set[str]:
    report = verify_archive(path)
    assert not report.ok
    return {problem.kind for problem in report.problems}


Members = dict[str, bytes]


def _rewritten(path: Path, change: Callable[[Members], None], *, reseal: bool = True) -> Path:
    """A copy whose members were changed by somebody who knows the format."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    return _written(path.with_name("forged.zip"), members, reseal=reseal)


def _written(path: Path, members: Members, *, reseal: bool = True) -> Path:
    with path.open("w+b") as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, body in members.items():
                archive.writestr(name, body)
            archive.comment = b"0" * SEAL_BYTES
        if reseal:
            _seal(stream)
    return path


def _seal(stream: io.BufferedRandom) -> None:
    seal = seal_of(stream)
    stream.seek(-SEAL_BYTES, os.SEEK_END)
    stream.write(seal)


def test_an_archive_says_the_same_as_the_store(store: Store, archive: Path) -> None:
    """Verified offline, it has the same events, head and verdict."""
    assert verify_archive(archive) == store.verify(SESSION_ID)
    head = store.verify(SESSION_ID).head
    assert verify_archive(archive, known_head=head).ok
    assert not verify_archive(archive, known_head="f" * 64).ok


def test_an_archive_holds_what_was_recorded(store: Store, archive: Path, bundle: Path) -> None:
    """Anybody can read it with an unzip program and a JSON reader."""
    with zipfile.ZipFile(archive) as opened:
        lines = [json.loads(line) for line in opened.read("events.jsonl").splitlines()]
        session = json.loads(opened.read("session.json"))["session"]
        assert opened.read("attachments/git/shadow.bundle") == bundle.read_bytes()
    assert [event.hash for event in store.events(SESSION_ID)] == [line["hash"] for line in lines]
    assert json.loads(lines[1]["payload"])["text"] == "second \0 \u2028 \U0001f600"
    assert store.session(SESSION_ID).model_dump(mode="json") == session


def test_the_same_session_gives_the_same_bytes(store: Store, archive: Path, bundle: Path) -> None:
    """Exporting again, also into a folder, changes no byte and leaves nothing else behind."""
    folder = archive.parent / "out"
    folder.mkdir()
    again = store.export(SESSION_ID, folder, attachments={"git/shadow.bundle": bundle})
    assert again == folder / f"{SESSION_ID}.harness.zip"
    assert again.read_bytes() == archive.read_bytes()
    assert list(folder.iterdir()) == [again]


@given(recorded=st.lists(payloads(), max_size=4))
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_record_survives_export(store: Store, tmp_path: Path, recorded: list[Payload]) -> None:
    """Whatever was recorded, the archive's chain is the store's; missing blobs show in both."""
    for payload in recorded:
        store.append(SESSION_ID, payload)
    exported = store.export(SESSION_ID, tmp_path / "any.zip")
    ours, theirs = store.verify(SESSION_ID), verify_archive(exported)
    assert (ours.events, ours.head) == (theirs.events, theirs.head)
    assert [(one.seq, one.kind) for one in ours.problems] == [
        (one.seq, one.kind) for one in theirs.problems
    ]


@given(data=st.data())
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_any_changed_byte_shows(archive: Path, data: st.DataObject) -> None:
    """Whichever byte of the file changes, wherever it is cut or lengthened."""
    body = bytearray(archive.read_bytes())
    at = data.draw(st.integers(0, len(body) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "add"]))
    if how == "flip":
        body[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del body[at:]
    else:
        body[at:at] = data.draw(st.binary(min_size=1, max_size=9))
    forged = archive.with_name("forged.zip")
    forged.write_bytes(body)
    assert not verify_archive(forged).ok


def test_a_rewritten_event_shows(archive: Path) -> None:
    """Somebody who also recomputes manifest and seal still breaks the chain."""

    def edit(members: Members) -> None:
        members["events.jsonl"] = members["events.jsonl"].replace(b"first", b"worst")

    assert {"edited", "file-changed"} <= _kinds(_rewritten(archive, edit))


def test_a_dropped_tail_shows(archive: Path) -> None:
    """The session's file knows where the record ended."""

    def drop(members: Members) -> None:
        members["events.jsonl"] = b"\n".join(members["events.jsonl"].split(b"\n")[:2]) + b"\n"

    assert "truncated" in _kinds(_rewritten(archive, drop))


def test_lines_in_another_order_show(archive: Path) -> None:
    """The order of lines is the order of events."""

    def swap(members: Members) -> None:
        lines = members["events.jsonl"].splitlines(keepends=True)
        members["events.jsonl"] = b"".join([lines[0], lines[2], lines[1], lines[3]])

    assert "reordered" in _kinds(_rewritten(archive, swap))


def test_a_line_that_is_no_event_shows(archive: Path) -> None:
    """Garbage between events is noted and the rest still read."""

    def add(members: Members) -> None:
        members["events.jsonl"] += b"[" * 100_000 + b"\n"

    report = verify_archive(_rewritten(archive, add))
    assert report.events == 4
    assert "edited" in {problem.kind for problem in report.problems}


def test_members_that_are_missing_changed_or_new_show(archive: Path) -> None:
    """Blobs and attachments are held to the manifest and blobs to their names."""

    def change(members: Members) -> None:
        blob = next(name for name in members if name.startswith("blobs/"))
        members[blob] += b"!"
        del members["attachments/git/shadow.bundle"]
        members["attachments/extra"] = b"?"

    kinds = {"blob-changed", "file-changed", "file-missing", "file-unexpected"}
    assert kinds <= _kinds(_rewritten(archive, change))


def test_a_missing_blob_shows_at_its_event(archive: Path) -> None:
    """Also when the manifest was changed with it."""

    def remove(members: Members) -> None:
        blob = next(name for name in members if name.startswith("blobs/"))
        del members[blob]
        manifest = json.loads(members["manifest.json"])
        del manifest["members"][blob]
        members["manifest.json"] = json.dumps(manifest).encode()

    report = verify_archive(_rewritten(archive, remove))
    assert [(one.seq, one.kind) for one in report.problems] == [(4, "blob-missing")]


def test_changes_without_a_new_seal_show(archive: Path) -> None:
    """The comment is the hash of everything before it."""
    forged = _rewritten(archive, lambda members: None, reseal=False)
    assert _kinds(forged) == {"archive"}


def test_damage_is_exported_as_it_is(store: Store, store_url: str, tmp_path: Path) -> None:
    """An export hides nothing that verifying the store would show."""
    for text in "abc":
        store.append(SESSION_ID, NoteTaken(by="a", text=text))
    tamper(store_url, "UPDATE events SET payload = '?' WHERE seq = 2")
    exported = store.export(SESSION_ID, tmp_path / "damaged.zip")
    assert verify_archive(exported).problems == store.verify(SESSION_ID).problems != ()


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a//b", "", "a\\b", "-x", "nul\0"])
def test_odd_attachment_names_are_refused(store: Store, bundle: Path, name: str) -> None:
    """Names must be plain on every file system; nothing is written."""
    dest = bundle.with_name("odd.zip")
    with pytest.raises(UsageError):
        store.export(SESSION_ID, dest, attachments={name: bundle})
    assert not dest.exists()


def test_a_failed_export_leaves_the_old_archive(store: Store, archive: Path) -> None:
    """The new archive takes its place whole or not at all."""
    before = archive.read_bytes()
    with pytest.raises(StoreError):
        store.export(SESSION_ID, archive, attachments={"a": archive.with_name("missing")})
    assert archive.read_bytes() == before
    assert list(archive.parent.glob(".session.zip*")) == []


def test_an_export_into_nowhere_is_said_so(store: Store, tmp_path: Path) -> None:
    """A folder that does not exist is named."""
    with pytest.raises(StoreError, match="nowhere"):
        store.export(SESSION_ID, tmp_path / "nowhere" / "a.zip")


# Archives that nobody should unpack


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "blobs/../../evil", "C:\\evil", "events.jsonl/", "blobs/aa/x"]
)
def test_names_that_lead_out_are_refused(archive: Path, name: str) -> None:
    """Only the names of the format are read at all."""
    forged = _rewritten(archive, lambda members: members.update({name: b""}))
    assert _kinds(forged) == {"archive"}


def _with_info(archive: Path, info: zipfile.ZipInfo, body: bytes) -> Path:
    forged = archive.with_name("forged.zip")
    forged.write_bytes(archive.read_bytes())
    with forged.open("r+b") as stream:
        with zipfile.ZipFile(stream, "a") as opened:
            opened.writestr(info, body)
        _seal(stream)
    return forged


def test_links_are_refused(archive: Path) -> None:
    """A member that would unpack as a link."""
    info = zipfile.ZipInfo("attachments/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert _kinds(_with_info(archive, info, b"/etc/passwd")) == {"archive"}


def test_other_compressions_are_refused(archive: Path) -> None:
    """Only what we write ourselves is unpacked."""
    info = zipfile.ZipInfo("attachments/lzma")
    info.compress_type = zipfile.ZIP_LZMA
    assert _kinds(_with_info(archive, info, b"x")) == {"archive"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(archive: Path) -> None:
    """Programs differ in which of the two they show."""
    info = zipfile.ZipInfo("session.json")
    assert _kinds(_with_info(archive, info, b"{}")) == {"archive"}


def test_bombs_are_refused_before_they_unpack(archive: Path) -> None:
    """What a member says it unpacks to is added up first; memory stays small."""
    forged = _rewritten(archive, lambda members: members.update({"attachments/b": bytes(10**8)}))
    caps = Caps(total_bytes=10**7)
    tracemalloc.start()
    report = verify_archive(forged, caps=caps)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {"archive"} == {problem.kind for problem in report.problems}
    assert peak < 10**7
    assert "unpacks to more than" in report.problems[0].message


def test_a_member_that_lies_about_its_size_is_not_believed(archive: Path) -> None:
    """No more than the declared size is unpacked; the checksum then tells."""
    body = bytearray(
        _rewritten(archive, lambda m: m.update({"attachments/b": bytes(10**6)})).read_bytes()
    )
    entry = body.rindex(b"attachments/b") - 46
    body[entry + 24 : entry + 28] = (5).to_bytes(4, "little")
    forged = archive.with_name("liar.zip")
    forged.write_bytes(body)
    with forged.open("r+b") as stream:
        _seal(stream)
    assert "file-unexpected" in _kinds(forged)


@pytest.mark.parametrize(
    "caps",
    [Caps(members=3), Caps(directory_bytes=100), Caps(json_bytes=10), Caps(total_bytes=10)],
)
def test_every_bound_holds(archive: Path, caps: Caps) -> None:
    """Each cap alone refuses the archive."""
    report = verify_archive(archive, caps=caps)
    assert [problem.kind for problem in report.problems] == ["archive"]
    assert report.events == 0


@pytest.mark.parametrize(
    "body", [b"", b"PK", b"not a zip" * 100, b"PK\5\6" + b"\0" * 16 + b"\x40\0" + b"0" * 64]
)
def test_other_files_are_refused(tmp_path: Path, body: bytes) -> None:
    """Something that is no archive of ours gives a report, not a traceback."""
    path = tmp_path / "other"
    path.write_bytes(body)
    assert _kinds(path) == {"archive"}


@pytest.mark.parametrize("missing", ["manifest.json", "session.json", "events.jsonl"])
def test_an_archive_without_its_parts_shows(archive: Path, missing: str) -> None:
    """Every part is needed."""

    def remove(members: Members) -> None:
        del members[missing]

    assert not verify_archive(_rewritten(archive, remove)).ok


@given(garbage=st.binary(max_size=300))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
def test_parts_of_any_content_give_a_report(archive: Path, garbage: bytes) -> None:
    """Whatever stands in the parts, verifying ends with a report."""
    for part in ("manifest.json", "session.json", "events.jsonl"):
        forged = _rewritten(archive, lambda members, part=part: members.update({part: garbage}))
        assert not verify_archive(forged).ok


def test_a_pipe_in_an_archives_place_is_refused(tmp_path: Path) -> None:
    """Verifying never waits for something that is not a file."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="regular"):
        verify_archive(tmp_path / "pipe")
