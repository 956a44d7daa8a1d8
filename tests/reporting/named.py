"""A scorecard in which somebody's name stands wherever a candidate or an interviewer can write."""

from __future__ import annotations

from harness.models.assistant_section import AssistantSection
from harness.models.check import GradingFailure
from harness.models.matching import ReviewScores, Share
from harness.models.recording import Command, FileChange, SkippedFile
from harness.models.review_section import ReviewSection, ShownComment
from harness.models.scorecard import (
    Debrief,
    Decision,
    FileDiff,
    NoteEntry,
    RecordingHealth,
    Scorecard,
    TerminalMoment,
    TimelineEntry,
)
from harness.testing.scorecards import OPENED, middling_scorecard

NOTHING = Share()
REVIEW = ReviewSection(
    pull="7",
    title="Batch the payouts",
    verdict="request-changes",
    right_verdict=True,
    clean=None,
    clean_verdict=None,
    right_clean_verdict=False,
    summary="",
    problems=(),
    comments=(
        ShownComment(number=1, place="a.py:1", severity="nit", text="A name", kind="unjudged"),
    ),
    items=(),
    files=(),
    elsewhere=(),
    scores=ReviewScores(
        recall=NOTHING,
        found={},
        precision=NOTHING,
        noise=0,
        severity=NOTHING,
        confusion={},
        verdict=NOTHING,
        balanced_accuracy=None,
        verdicts={},
        false_blocks=0,
        nits_let_slide=NOTHING,
        decoys_not_bitten=NOTHING,
        explanation=NOTHING,
    ),
)


def named_scorecard(text: str) -> Scorecard:
    """The middling session with one text in every place that is not ours."""
    card = middling_scorecard()
    check = card.checks[0]
    return card.model_copy(
        update={
            "session": card.session.model_copy(update={"candidate": text}),
            "checks": (
                check.model_copy(
                    update={
                        "summary": f"It answered {text}.",
                        "log_tail": f"INFO {text}\nlisten",
                        "measurements": (
                            check.measurements[0].model_copy(update={"value": f"by {text}"}),
                        ),
                    }
                ),
                *card.checks[1:],
            ),
            "dimensions": tuple(
                one.model_copy(
                    update={
                        "ratings": tuple(
                            rating.model_copy(
                                update={
                                    "observation": f"I saw {text} read it first.",
                                    "evidence": (f"file:docs/{text}.md", f"see {text}"),
                                }
                            )
                            for rating in one.ratings
                        )
                    }
                )
                for one in card.dimensions
            ),
            "debriefs": (
                Debrief(event=9, dimension="verification", by="rater-1", text=f"On {text}: kept."),
            ),
            "decisions": (
                Decision(event=150, at=OPENED, outcome="hold", by=("rater-1",), reason=f"({text})"),
            ),
            "gradings": (
                card.gradings[0].model_copy(
                    update={"failure": GradingFailure(kind="submission", message=f"no {text}")}
                ),
                *card.gradings[1:],
            ),
            "signals": (card.signals[0].model_copy(update={"value": f"9, in {text}"}),),
            "timeline": (
                TimelineEntry(kind="edit", start_sec=1, end_sec=2, label=f"Edited {text}", event=3),
                TimelineEntry(kind="command", start_sec=3, end_sec=4, label=f"ls {text}", event=4),
                TimelineEntry(kind="clock", start_sec=3, end_sec=9, label=f"for {text}", event=5),
            ),
            "diffs": (*card.diffs, _diff(text)),
            "terminal": (
                TerminalMoment(
                    event=40,
                    at_sec=2,
                    command=Command(
                        terminal="t-1", text=f"cat {text}", started_sec=0, ended_sec=1, exit_code=0
                    ),
                    output=f"total 4\n-rw-r--r-- 1 {text} {text} 12 notes\n",
                ),
            ),
            "notes": (NoteEntry(event=50, at_sec=1, by="rater-1", text=f"{text} asked twice."),),
            "assistant": _talk(card, text),
            "recording": RecordingHealth(
                gaps=(f"gap {text}",),
                failures=(f"failed {text}",),
                skipped=(SkippedFile(path=f"{text}/big.bin", reason="too-large"),),
            ),
            "review": REVIEW.model_copy(
                update={
                    "summary": f"Best, {text}",
                    "comments": tuple(
                        one.model_copy(update={"text": f"{one.text} ({text})"})
                        for one in REVIEW.comments
                    ),
                }
            ),
        }
    )


def _talk(card: Scorecard, text: str) -> AssistantSection:
    assert card.assistant is not None
    one = card.assistant.exchanges[1]
    said = {
        "prompt": f"I am {text}. Why?",
        "answer": f"Hello {text}!",
        "calls": (f'Write {{"content": "by {text}"}}',),
        "problem": f"refused to {text}",
        "landed_in": (f"docs/{text}.md",),
        "tool": text,
        "model": text,
    }
    file = card.assistant.files[0]
    return card.assistant.model_copy(
        update={
            "exchanges": (one.model_copy(update=said),),
            "files": (file.model_copy(update={"path": f"docs/{text}.md"}),),
        }
    )


def _diff(text: str) -> FileDiff:
    # three comments in which people leave names, one of them in a to-do
    lines = [f"# {text} was here", f'OWNER = "{text}"', f"  // TODO({text})"]
    path = f"docs/{text}.md"
    patch = (
        f"diff --git a/{path} b/{path}\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1,{len(lines)} @@ {text}\n" + "".join(f"+{line}\n" for line in lines)
    )
    return FileDiff(change=FileChange(path=path, kind="added", added=len(lines)), patch=patch)
