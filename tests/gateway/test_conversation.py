"""However a conversation branches, every exchange has its whole history, stored once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.gateway.conversation import Conversations
from harness.gateway.formats import FORMATS
from harness.gateway.reading import read_recording
from harness.gateway.spool import Spool, read_spool
from harness.models.exchange import Exchange, Message, Stored, TextPart

FORM = FORMATS["anthropic"]
WORDS = st.sampled_from(["a", "b", "c"])
STEP = st.tuples(
    st.integers(0, 6),  # how many of the last conversation's messages are kept
    st.lists(WORDS, min_size=1, max_size=3),  # what is said after them
    st.none() | WORDS,  # what is answered, if anything
    st.sampled_from(["s1", "s2"]),
)


def exchange(name: str, session: str, understood, reply) -> Exchange:
    """A completed one."""
    return Exchange(
        id=name,
        session=session,
        at=datetime(2026, 1, 1, tzinfo=UTC),
        format="anthropic",
        operation="generate",
        method="POST",
        path="/v1/messages",
        label="turn",
        outcome="completed",
        status=200,
        duration_sec=0,
        continues=understood.continues,
        kept=understood.kept,
        messages=understood.fresh,
        reply=reply,
    )


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_every_history_comes_back(steps: list):
    """Rewound, repeated, in two sessions, unanswered: what is read is what was sent."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spool"
        spool = Spool(path, limit_bytes=10**9, version="1")
        conversations, sent, last = Conversations(spool), {}, []
        for number, (kept, words, answer, session) in enumerate(steps):
            said = last[:kept] + words
            body = {
                "messages": [
                    {"role": ("user", "assistant")[place % 2], "content": text}
                    for place, text in enumerate(said)
                ]
            }
            asked = FORM.asked(body, path="")
            understood = conversations.understand(session, asked, FORM, "generate")
            role = ("user", "assistant")[len(said) % 2]
            message = Message(role=role, parts=(TextPart(text=answer),)) if answer else None
            reply = spool.store(message) if message else None
            name = str(number)
            conversations.remember(session, name, understood, reply=reply, reply_id="")
            spool.write(exchange(name, session, understood, reply))
            sent[name] = said
            last = said + ([answer] if answer else [])
        spool.close()
        recording = read_recording(path)
        for one in recording.exchanges:
            assert [message.text for message in recording.said(one)] == sent[one.id]
            if one.continues is not None:
                before = next(e for e in recording.exchanges if e.id == one.continues)
                assert before.session == one.session
        hashes = [r.sha256 for _, r in read_spool(path) if isinstance(r, Stored)]
        assert len(hashes) == len(set(hashes)) <= 6


def test_tools_that_differ_in_a_kind_of_value_are_other_tools(tmp_path: Path):
    """1, 1.0 and true are not the same to a model; the same tools again are stored once."""
    spool = Spool(tmp_path / "spool", limit_bytes=10**9, version="1")
    conversations = Conversations(spool)
    stored = []
    for limit in (1, 1.0, True, 1):
        body = {
            "messages": [{"role": "user", "content": "a"}],
            "tools": [{"name": "t", "input_schema": {"maximum": limit}}],
        }
        asked = FORM.asked(body, path="")
        stored.append(conversations.understand("s", asked, FORM, "generate").tools)
    spool.close()
    assert len(set(stored)) == 3
    assert stored[3] == stored[0]
    texts = [r.text for _, r in read_spool(tmp_path / "spool") if isinstance(r, Stored)]
    assert sum('"maximum":true' in text for text in texts) == 1
