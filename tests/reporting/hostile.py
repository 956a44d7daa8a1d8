"""A scorecard in which every string that somebody else controls tries to get out."""

from __future__ import annotations

from harness.models.assistant_section import AssistantSection
from harness.models.check import CheckOutcome, Measurement
from harness.models.recording import Command, FileChange, SkippedFile
from harness.models.rubric import Rating
from harness.models.scorecard import (
    FileDiff,
    NoteEntry,
    RecordingHealth,
    Scorecard,
    Signal,
    TerminalMoment,
    TimelineEntry,
)
from harness.testing.scorecards import middling_scorecard, staff_backend_rubric

SCRIPT = "<script>alert('owned')</script>"
ATTRIBUTE = "\" onmouseover=\"alert('owned')\" x='"
SVG = "</svg><svg onload=alert('owned')><image href=//evil.example/x.png>"
STYLE = "</style><style>*{background:url(//evil.example)}</style>"
COMMENT = "--><img src=x onerror=alert('owned')><!--"
TEMPLATE = "{{ card.__class__ }}{% for x in y %}${alert('owned')}"
MARKDOWN = (
    "![x](http://evil.example/i.png) [a](javascript:alert(1)) <b>b</b> | x | www.evil.example"
)
FENCES = "```\n# heading\n~~~\n`````` <script>x</script>\n````"
ANSI = "\x1b[2J\x1b]8;;http://evil.example\x07click\x1b]8;;\x07\x9b31m\r\x08\x7f"
BIDI = "a\u202e\u2066// if admin\u2069 \u2066 b \u200b\u200d\ufeff\u2028\u061c\U000e0041\u3164"
NUL = "a\x00b\x0b\x0c\x1c\x85c"
SURROGATE = "caf\udce9 \ud800"
STACKED = "Z" + "\u0301" * 400
LONG = "A" * 20_000
MENTION = "ask @everyone or root@evil.example, see http://evil.example#1"

NASTY = (
    SCRIPT,
    ATTRIBUTE,
    SVG,
    STYLE,
    COMMENT,
    TEMPLATE,
    MARKDOWN,
    FENCES,
    ANSI,
    BIDI,
    NUL,
    SURROGATE,
    STACKED,
    LONG,
    MENTION,
    "# heading",
    "1. list",
    "- item",
    "> quote",
    "===",
    "    code",
    "",
    " ",
)


def hostile_scorecard(nasty: str) -> Scorecard:
    """The middling session with one string put everywhere."""
    card = middling_scorecard()
    level = staff_backend_rubric().dimensions[0].levels[0]
    rating = Rating.model_construct(
        rater=nasty, dimension="x", level=4, observation=nasty, evidence=(nasty, f"check:{nasty}")
    )
    dimensions = tuple(
        score.model_copy(
            update={
                "ratings": (rating,),
                "final_level": 4.0,
                "dimension": score.dimension.model_copy(
                    update={
                        "title": nasty,
                        "question": nasty,
                        "weight_rationale": nasty,
                        "levels": tuple(
                            level.model_copy(update={"value": n, "name": nasty, "anchor": nasty})
                            for n in range(1, 6)
                        ),
                    }
                ),
            }
        )
        for score in card.dimensions
    )
    checks = tuple(
        check.model_copy(
            update={
                "shows": nasty,
                "summary": nasty,
                "derived_from": nasty,
                "log_tail": nasty,
                "advisory": nasty,
                "outcome": outcome,
                "measurements": (
                    Measurement(name=nasty, value=nasty, unit=nasty, threshold=nasty, met=False),
                    Measurement(name=nasty, value=float("nan"), threshold="<= 1"),
                    Measurement(name=nasty, value=10**400, threshold="<= 1"),
                    Measurement(name=nasty, value=float("inf"), threshold=">= 1e999"),
                ),
            }
        )
        for check, outcome in zip(card.checks, list(CheckOutcome) * 4, strict=False)
    )
    stray = checks[0].model_copy(update={"id": nasty})
    return card.model_copy(
        update={
            "session": card.session.model_copy(
                update={"candidate": nasty, "task": nasty, "task_title": nasty, "id": nasty}
            ),
            "rubric_title": nasty,
            "dimensions": dimensions,
            "checks": (*checks, stray),
            "signals": (Signal(id=nasty, title=nasty, value=nasty, explanation=nasty),),
            "timeline": (
                *(
                    TimelineEntry(kind=kind, start_sec=n, end_sec=n, label=nasty, event=n + 1)
                    for n, kind in enumerate(
                        ("edit", "command", "test", "note", "gap", "submit", "prompt", "aside")
                    )
                ),
            ),
            "diffs": (_diff(nasty), _diff(f"{nasty}/{nasty}")),
            "terminal": (_moment(nasty),),
            "assistant": _talk(card, nasty),
            "notes": (NoteEntry(event=50, at_sec=1, by=nasty, text=nasty),),
            "recording": RecordingHealth(
                gaps=(nasty,),
                failures=(nasty,),
                skipped=(SkippedFile(path=nasty, reason="too-large"),),
            ),
            "gradings": tuple(
                grading.model_copy(update={"images": {nasty: nasty}, "backend": nasty, "id": nasty})
                for grading in card.gradings
            ),
        }
    )


def _diff(path: str) -> FileDiff:
    lines = path.split("\n")
    body = "".join(f"+{line}\n" for line in lines)
    patch = f"--- a/{path}\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@ {path}\n{body}"
    change = FileChange(path=path, old_path=path, kind="renamed", added=len(lines))
    return FileDiff(change=change, patch=patch)


def _talk(card: Scorecard, nasty: str) -> AssistantSection:
    """Every exchange says it, every file is called so, and tools are told it."""
    assert card.assistant is not None
    said = dict.fromkeys(("problem", "tool", "model", "prompt", "answer"), nasty)
    return card.assistant.model_copy(
        update={
            "exchanges": tuple(
                one.model_copy(
                    update={
                        **said,
                        "calls": (nasty,),
                        "landed_in": (nasty,),
                        "more_prompt": 7,
                        "more_answer": 7,
                    }
                )
                for one in card.assistant.exchanges
            ),
            "files": tuple(
                file.model_copy(update={"path": path})
                for file, path in zip(
                    card.assistant.files[:2], (nasty, f"{nasty}/{nasty}"), strict=True
                )
            ),
            "pitfalls": tuple(
                met.model_copy(update={"says": nasty, "better": nasty})
                for met in card.assistant.pitfalls
            ),
        }
    )


def _moment(text: str) -> TerminalMoment:
    command = Command(terminal="t", text=text, exit_code=1, started_sec=0, ended_sec=1)
    return TerminalMoment(event=40, at_sec=2, command=command, output=text)
