"""From a session's record to the origin of its lines."""

from __future__ import annotations

import json

import pytest

from harness.loop.attributing import attribution_of
from harness.models.exchange import Message, TextPart, ToolCallPart
from harness.models.transcript import Turn
from harness.recorder.recorder import SessionRecorder
from harness.recorder.shadow import ShadowRepository
from harness.store import Store
from harness.testing.builders import a_session

from .talk import record_exchange

CODE = "def spent_budget(window):\n    return window.limit - window.used\n"
MORE = "def refill_budget(window, amount):\n    window.used = max(0, window.used - amount)\n"


class Worked:
    """A session at work: edits and exchanges, in the order in which they are told."""

    def __init__(self, store, tmp_path):
        self.store = store
        self.id = a_session().id
        self.tree = tmp_path / "work"
        self.tree.mkdir()
        self.git_dir = tmp_path / "shadow.git"
        self.shadow = ShadowRepository(self.git_dir, self.tree)
        self.recorder = SessionRecorder(store, self.id, self.shadow)

    def edit(self, name, text):
        (self.tree / name).write_text(text)
        return self.recorder.tick()

    def exchange(self, number, prompt, *parts):
        """A prompt and its reply, just now."""
        record_exchange(self.store, self.id, f"x{number}", prompt, *parts)

    def origins(self, **more):
        """Path -> origins of its lines."""
        made = attribution_of(self.store, self.id, self.git_dir, **more)
        return {
            file.path: [run.origin for run in file.runs for _ in range(run.first, run.last + 1)]
            for file in made.attribution.files
        }


@pytest.fixture
def worked(tmp_path):
    """A session in a store of its own."""
    with Store.open(f"sqlite:///{tmp_path / 'harness.db'}", tmp_path / "data") as store:
        store.create_session(a_session(status="running"))
        made = Worked(store, tmp_path)
        yield made
        made.shadow.close()


def test_a_tools_write_is_followed_from_the_gateway_to_the_line(worked):
    """The exchange's tool call names the file, the snapshot after it has the lines."""
    worked.edit("app.py", "import os\n")
    write = {"file_path": "/workspace/budget.py", "content": CODE}
    call = ToolCallPart(id="c1", name="Write", arguments=json.dumps(write))
    worked.exchange(1, "a budget, please", TextPart(text="so be it"), call)
    worked.edit("budget.py", CODE)
    assert worked.origins() == {"budget.py": ["assistant-tool"] * 2}


def test_a_replys_block_and_its_use(worked):
    """The exchange that showed the lines is named, with what became of them."""
    worked.edit("app.py", "import os\n")
    worked.exchange(1, "a budget, please", TextPart(text=f"```python\n{CODE}{MORE}```"))
    worked.edit("app.py", f"import os\n{CODE}")
    made = attribution_of(worked.store, worked.id, worked.git_dir)
    use = made.attribution.exchanges[0].use
    assert worked.origins() == {"app.py": ["template", "assistant-reply", "assistant-reply"]}
    assert (use.suggested, use.landed, use.survived_verbatim) == (4, 2, 2)
    assert made.turns[0].model == "some-model"


def test_what_the_prompt_held_is_not_the_assistants(worked):
    """The candidate's own code comes back in the reply and is moved: it stays theirs."""
    worked.edit("app.py", "import os\n")
    worked.exchange(1, f"is this right?\n{CODE}", TextPart(text=f"```python\n{CODE}```"))
    worked.edit("app.py", f"import os\n{CODE}")
    assert not any(origin.startswith("assistant") for origin in worked.origins()["app.py"])


def test_an_imported_turn_counts_like_a_recorded_one(worked):
    """A transcript that the candidate handed in offers its replies, too."""
    first = worked.edit("app.py", "import os\n")
    turn = Turn(
        id="claude-code:1",
        at=first.at,
        reply=Message(role="assistant", parts=(TextPart(text=f"```\n{CODE}```"),)),
    )
    worked.edit("app.py", f"import os\n{CODE}")
    assert worked.origins(imported=[turn])["app.py"][1:] == ["assistant-reply"] * 2


def test_links_and_binaries_are_no_lines(worked):
    """They are in the snapshots and have no lines to speak of."""
    worked.edit("app.py", "import os\n")
    (worked.tree / "link").symlink_to("/etc/passwd")
    (worked.tree / "image").write_bytes(b"\0\1\2")
    worked.edit("new.py", "x = 1\n")
    assert set(worked.origins()) == {"new.py"}


def test_before_the_first_snapshot_there_is_nothing_to_say(worked):
    """No tree, no lines."""
    assert attribution_of(worked.store, worked.id, worked.git_dir) is None
