"""A session's row: kept, found, changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import SessionNotFoundError, StoreError, UsageError
from harness.models.event import NoteTaken
from harness.models.session import Session, SessionStatus
from harness.store import Store
from harness.store.rows import session_of, session_row
from harness.store.schema import SESSIONS
from harness.testing.builders import A_MOMENT, a_session, models

from .conftest import SESSION_ID, tamper


def test_every_field_of_a_session_has_a_column() -> None:
    """A field added to the model without a migration is noticed here."""
    assert set(Session.model_fields) <= set(SESSIONS.c.keys())


@given(session=models(Session))
def test_a_row_gives_back_the_session(session: Session) -> None:
    """Whatever a session holds, its columns hold too."""
    assert session_of(session_row(session)) == session


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_the_database_gives_back_the_session(store: Store, data: st.DataObject) -> None:
    """Whatever text a field holds, the database keeps it (PostgreSQL has no NUL)."""
    texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    changes = {"candidate": data.draw(texts), "loop": data.draw(texts), "image": data.draw(texts)}
    used = data.draw(st.floats(0, 1e9))
    changed = store.update_session(SESSION_ID, used_sec=used, **changes)
    assert store.session(SESSION_ID) == changed == a_session(used_sec=used, **changes)


def test_sessions_come_oldest_first(store: Store) -> None:
    """The list is in the order of opening."""
    earlier = a_session(id="z-earlier", created_at=A_MOMENT.replace(hour=1))
    store.create_session(earlier)
    assert [earlier.id, SESSION_ID] == [session.id for session in store.sessions()]


def test_an_id_is_used_once(store: Store) -> None:
    """A second session of one id is refused."""
    with pytest.raises(StoreError, match="already") as caught:
        store.create_session(a_session())
    assert caught.value.slug == "session-exists"


def test_an_unknown_session_is_said_so(store: Store) -> None:
    """Reading, changing and appending name the id that does not exist."""
    for call in (
        lambda: store.session("nobody"),
        lambda: store.find_session("nobody"),
        lambda: store.update_session("nobody", minutes=1),
        lambda: store.append("nobody", NoteTaken(by="a", text="b")),
        lambda: store.verify("nobody"),
        lambda: store.claim("nobody", "recorder"),
    ):
        with pytest.raises(SessionNotFoundError, match="'nobody'"):
            call()


def test_a_unique_beginning_finds_a_session(store: Store) -> None:
    """People type the first characters of an id."""
    store.create_session(a_session(id="t-1"))
    store.create_session(a_session(id="t-12"))
    assert store.find_session("s").id == SESSION_ID
    assert store.find_session("t-1").id == "t-1"
    with pytest.raises(UsageError, match="t-1, t-12"):
        store.find_session("t-")
    for nothing in ("", "%", "T-1", "_"):
        with pytest.raises(SessionNotFoundError):
            store.find_session(nothing)


def test_only_the_named_fields_change(store: Store) -> None:
    """An update leaves what others changed meanwhile."""
    store.update_session(SESSION_ID, container="c1")
    changed = store.update_session(SESSION_ID, status="running", running_since=A_MOMENT)
    assert (changed.container, changed.status) == ("c1", SessionStatus.RUNNING)
    assert store.session(SESSION_ID) == changed


@pytest.mark.parametrize("changes", [{"minutes": -1}, {"colour": "red"}, {"id": "other"}])
def test_a_wrong_change_is_refused(store: Store, changes: dict[str, object]) -> None:
    """Values are validated, unknown fields and a new id refused, and nothing is changed."""
    with pytest.raises(StoreError) as caught:
        store.update_session(SESSION_ID, **changes)
    assert caught.value.slug == "session-fields"
    assert store.session(SESSION_ID) == a_session()


def test_a_change_can_insist_on_what_was_read(store: Store) -> None:
    """Of two who read the same row, the second to write is told."""
    read = store.session(SESSION_ID)
    store.update_session(SESSION_ID, expect=read, status="running")
    with pytest.raises(StoreError, match=r"somebody else.*status") as caught:
        store.update_session(SESSION_ID, expect=read, status="paused")
    assert caught.value.slug == "session-changed"


def test_a_change_and_its_event_are_kept_together(store: Store) -> None:
    """`record` writes both; when the change is refused, there is no event either."""
    event = store.record(SESSION_ID, NoteTaken(by="a", text="more time"), minutes=120)
    assert (event.seq, store.session(SESSION_ID).minutes) == (1, 120)
    with pytest.raises(StoreError):
        store.record(SESSION_ID, NoteTaken(by="a", text="less"), minutes=-5)
    assert [event] == list(store.events(SESSION_ID))


def test_an_event_that_cannot_be_written_takes_its_change_back(
    store: Store, store_url: str
) -> None:
    """When the insert fails half-way, the row stays as it was."""
    store.append(SESSION_ID, NoteTaken(by="a", text="1"))
    tamper(store_url, "UPDATE events SET seq = 2")  # the next insert collides
    with pytest.raises(StoreError):
        store.record(SESSION_ID, NoteTaken(by="a", text="2"), minutes=5)
    with pytest.raises(StoreError):
        store.append(SESSION_ID, NoteTaken(by="a", text="2"))
    assert store.session(SESSION_ID) == a_session()
    tamper(store_url, "UPDATE events SET seq = 1")
    assert store.append(SESSION_ID, NoteTaken(by="a", text="2")).seq == 2
    assert store.verify(SESSION_ID).ok


def test_a_store_opened_again_has_everything(store_url: str, tmp_path: Path) -> None:
    """Closing and opening loses nothing."""
    with Store.open(store_url, tmp_path) as first:
        first.create_session(a_session())
        event = first.append(SESSION_ID, NoteTaken(by="a", text="b"))
    with Store.open(store_url, tmp_path) as second:
        assert second.session(SESSION_ID) == a_session()
        assert list(second.events(SESSION_ID)) == [event]
