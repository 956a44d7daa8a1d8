"""What the believable candidate asked a scripted assistant, and where their lines came from."""

from __future__ import annotations

from harness.models.assistant_section import AssistantSection, ExchangeEntry, MetPitfall
from harness.models.attribution import Evidence, FileLines, LineRun, Origin, Use
from harness.models.exchange import Usage
from harness.models.scorecard import TimelineEntry
from harness.signals.attribution import calibrated

_TIMEOUTS = """\
`build_client` has `timeout=None`, so a call can hang for ever. The brief promises 3 seconds, so
set exactly that:

```python
CLIENT = httpx.AsyncClient(timeout=httpx.Timeout(3.0))
```

With that, every request to us is answered within 3 seconds, whatever the provider does.
"""
_RETRIES = """\
Only 429 and 503 are worth another attempt. Wait between attempts, growing:

```python
async def _charge(self, body: dict, key: str) -> dict:
    for attempt in range(4):
        response = await self.client.post(
            "/charges", json=body, headers={"Idempotency-Key": key}
        )
        if response.status_code != 503:
            return response.json()
        await asyncio.sleep(0.1 * 2**attempt)
    raise ProviderDown("charge")
```
"""
_PAGES = """\
The last item's time of creation is a good cursor:

```python
next_cursor = items[-1].created_at if full else None
```
"""


def middling_talk() -> AssistantSection:
    """Four prompts, one of them refused; one pitfall caught and one shipped."""
    exchanges = (
        _entry("x1", 27, 11, label="aux:models", model="", usage=None),
        _entry(
            "x2",
            28,
            11,
            prompt="The provider hung for a minute yesterday. What timeout do I set in provider.py?"
            "\nThe brief says 3 seconds.",
            answer=_TIMEOUTS,
            pitfalls=("timeout-is-no-deadline",),
            usage=Usage(fresh_in=412, out=118),
            usd=0.0031,
            use=Use(suggested=2, landed=1),
            landed_in=("payments/provider.py",),
        ),
        _entry(
            "x3",
            55,
            26,
            prompt="Which answers of the provider are worth another attempt?",
            answer=_RETRIES,
            usage=Usage(fresh_in=590, cache_read=400, out=164),
            usd=0.0044,
            use=Use(suggested=8, landed=8, survived_verbatim=5, survived_edited=1),
            landed_in=("payments/provider.py",),
        ),
        _entry(
            "x4",
            81,
            45,
            prompt="Write a test that hangs the provider",
            answer="Here it is.",
            calls=('Write {"file_path": "tests/test_provider.py", "content": "import asyncio…"}',),
            usage=Usage(fresh_in=700, cache_read=900, out=210),
            usd=0.0062,
            use=Use(suggested=9, landed=9, survived_verbatim=9),
            landed_in=("tests/test_provider.py",),
        ),
        _entry("x5", 82, 45.2, label="tool-round", prompt="File created.", answer="Done."),
        _entry(
            "x6",
            116,
            70,
            prompt="Pages: what makes a good cursor?",
            answer=_PAGES,
            pitfalls=("cursor-of-the-clock",),
            use=Use(suggested=1, landed=1, survived_verbatim=1),
            landed_in=("payments/api.py",),
        ),
        _entry(
            "x7",
            137,
            83,
            outcome="refused",
            problem="This session's budget of requests is used up.",
            prompt="Anything else that I missed?",
            model="",
            usage=None,
        ),
    )
    return AssistantSection(
        scripted=True,
        exchanges=exchanges,
        files=_files(),
        use=Use(suggested=20, landed=19, survived_verbatim=15, survived_edited=1),
        cut=calibrated(),
        pitfalls=_pitfalls(),
        usage=Usage(fresh_in=2152, cache_read=1300, out=621),
        unreported=0,
        usd=0.0137,
    )


def talk_entries() -> tuple[TimelineEntry, ...]:
    """The same on the timeline."""
    return tuple(
        TimelineEntry(
            kind="prompt" if one.by_person else "aside",
            start_sec=one.at_sec,
            end_sec=one.at_sec + 2,
            label=one.prompt.replace("\n", " ") if one.by_person else f"Side call: {one.label}",
            event=one.event,
        )
        for one in middling_talk().exchanges
    )


def _entry(id_: str, event: int, minute: float, **more: object) -> ExchangeEntry:
    usual: dict[str, object] = {
        "label": "turn",
        "outcome": "completed",
        "tool": "harness-chat",
        "model": "scripted-assistant",
        "usage": Usage(fresh_in=450, out=129),
    }
    fields = {"id": id_, "event": event, "at_sec": minute * 60}
    return ExchangeEntry.model_validate(usual | fields | more)


def _pitfalls() -> tuple[MetPitfall, ...]:
    return (
        MetPitfall(
            id="timeout-is-no-deadline",
            says="It bounds each connect, write and read of one attempt, not the request.",
            better="Bound the whole operation, attempts and waits included.",
            event=28,
            fate="caught",
        ),
        MetPitfall(
            id="cursor-of-the-clock",
            says="Two payments of the same moment share a cursor, so one of them is skipped.",
            better="Page by something that is unique and ordered, such as the time and the id.",
            event=116,
            fate="shipped",
        ),
    )


def _files() -> tuple[FileLines, ...]:
    provider = (
        _run(1, 10, "template", "base"),
        _run(11, 18, "typed", "typed-pace"),
        _run(19, 24, "template", "base"),
        _run(25, 30, "typed", "typed-pace"),
        _run(31, 35, "assistant-reply", "reply-exact", "x3"),
        _run(36, 36, "assistant-edited", "edited", "x3", similarity=86.4),
        _run(37, 39, "assistant-reply", "reply-spacing", "x3"),
        _run(40, 52, "template", "base"),
    )
    api = (
        _run(1, 43, "template", "base"),
        _run(44, 50, "pasted", "at-once"),
        _run(51, 94, "template", "base"),
        _run(95, 95, "unknown", "weak-match"),
        _run(96, 96, "assistant-reply", "reply-exact", "x6"),
        _run(97, 97, "typed", "typed-grew"),
        _run(98, 98, "template", "base"),
    )
    return (
        _file("DECISIONS.md", _run(1, 9, "typed", "typed-pace")),
        _file("payments/api.py", *api, use=Use(suggested=1, landed=1, survived_verbatim=1)),
        _file(
            "payments/provider.py",
            *provider,
            use=Use(suggested=9, landed=9, survived_verbatim=5, survived_edited=1),
        ),
        _file(
            "tests/test_provider.py",
            _run(1, 14, "assistant-tool", "tool-write", "x4"),
            use=Use(suggested=9, landed=9, survived_verbatim=9),
        ),
    )


def _file(path: str, *runs: LineRun, use: Use | None = None) -> FileLines:
    return FileLines(path=path, runs=runs, use=use or Use())


def _run(
    first: int,
    last: int,
    origin: Origin,
    evidence: Evidence,
    exchange: str | None = None,
    *,
    similarity: float | None = None,
) -> LineRun:
    return LineRun(
        first=first,
        last=last,
        written=last - first + 1,
        origin=origin,
        evidence=evidence,
        exchange=exchange,
        similarity=similarity,
    )
