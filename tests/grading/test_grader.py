"""The grader's channel: strict, bounded, and never the submission's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CheckError, SandboxError
from harness.grading.grader import (
    ChannelBrokenError,
    Grader,
    GraderRun,
    Verdict,
    require_checks,
)
from harness.models.check import CheckDeclaration, CheckOutcome, CheckResult
from harness.models.grader import CheckFinished, Declared, GraderBrief, Request
from harness.models.sandbox import SandboxSpec
from harness.sandbox.process import ProcessBackend

CHECK = CheckDeclaration(
    id="a.b", family="behaviour", dimension="d", shows="s", derived_from="x", control="c"
)
RESULT = CheckResult(
    id="a.b", family="behaviour", dimension="d", weight=1, shows="s", outcome=CheckOutcome.PASSED
)
DECLARED = Declared(checks=(CHECK,))
BRIEF = GraderBrief(
    task="t", contract={}, upstreams=(), ready_path="/", ready_timeout_sec=1, seed="00"
)
PRELUDE = "import json, sys\nbrief = json.loads(sys.stdin.readline())\n"


async def conduct(tmp_path: Path, script: str, verbs: Any = None) -> GraderRun:
    """Run a script as the grader."""
    backend = ProcessBackend(tmp_path / "data", tmp_path / "cache")
    environment = await backend.start(SandboxSpec(owner="g-x", role="grader", image="/usr"))
    grader = Grader(
        environment, ["python3", "-c", PRELUDE + script], verbs, lambda _: None, GraderRun()
    )
    try:
        return await grader.conduct(BRIEF, timeout_sec=20)
    finally:
        await environment.remove()


def says(*lines: Any) -> str:
    """A script that sends these lines."""
    return "".join(
        f"print({json.dumps(line if isinstance(line, str) else line.model_dump_json())})\n"
        for line in lines
    )


async def test_results_arrive(tmp_path: Path) -> None:
    """Declarations and results are taken; without the last line the run has not finished."""
    script = says(DECLARED, CheckFinished(result=RESULT)) + "print('to people', file=sys.stderr)"
    run = await conduct(tmp_path, script)
    assert run.declared == (CHECK,)
    assert run.results == {"a.b": RESULT}
    assert run.trouble == "The grader ended with status 0 before its time."
    assert run.last_words == "to people\n"


async def test_requests_are_answered_side_by_side(tmp_path: Path) -> None:
    """A slow verb does not hold up a quick one, and an error goes back to who asked."""
    quick = asyncio.Event()

    async def verbs(request: Request) -> dict[str, Any]:
        if request.verb == "stop":
            await quick.wait()
            return {"exit_code": 0}
        if request.verb == "kill":
            raise SandboxError("no engine")
        quick.set()
        return {"text": "log"}

    asked = [Request(id=n, verb=v, sut="s") for n, v in ((1, "stop"), (2, "logs"), (3, "kill"))]
    script = (
        says(DECLARED, *asked)
        + "sys.stdout.flush()\n"
        + "print([json.loads(sys.stdin.readline()) for _ in range(3)], file=sys.stderr)\n"
        + 'print(\'{"kind": "finished"}\')'
    )
    run = await conduct(tmp_path, script, verbs)
    assert run.finished
    assert run.trouble == ""


async def test_a_verdict_ends_the_run(tmp_path: Path) -> None:
    """A verb can end the run at once; the grader is not waited for."""

    async def verbs(_: Request) -> dict[str, Any]:
        raise Verdict("it does not start")

    script = says(DECLARED, Request(id=1, verb="start"))
    script += "sys.stdout.flush()\nimport time; time.sleep(600)"
    with pytest.raises(Verdict, match="it does not start"):
        await conduct(tmp_path, script, verbs)


@pytest.mark.parametrize("error", [OSError(28, "No room"), RecursionError("deep"), TimeoutError()])
async def test_a_verb_that_breaks_loses_no_result(tmp_path: Path, error: Exception) -> None:
    """Whoever asked is told, and the run goes on; a timeout of a verb's own ends no run either."""

    async def verbs(_: Request) -> dict[str, Any]:
        raise error

    script = (
        says(DECLARED, Request(id=1, verb="put_data", sut="s"))
        + "sys.stdout.flush()\n"
        + f"wanted = {f'put_data: {type(error).__name__}: {error}'!r}\n"
        + "assert json.loads(sys.stdin.readline())['error'] == wanted\n"
        + says(CheckFinished(result=RESULT))
        + 'print(\'{"kind": "finished"}\')'
    )
    run = await conduct(tmp_path, script, verbs)
    assert (run.trouble, run.finished, run.results) == ("", True, {"a.b": RESULT})


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "{}",
        '{"kind": "finished", "extra": 1}',
        '{"kind": "request", "id": 1, "verb": "exec"}',
        DECLARED.model_dump_json(),
        CheckFinished(result=RESULT.model_copy(update={"id": "c.d"})).model_dump_json(),
        '{"kind": "result", "result": {"id": "a.b", "score": 9}}',
    ],
)
async def test_a_line_that_is_not_ours(tmp_path: Path, line: str) -> None:
    """A malformed or unexpected line breaks the channel; what came before stays."""
    run = await conduct(tmp_path, says(DECLARED, line))
    assert run.declared == (CHECK,)
    assert run.trouble.startswith("The grader")
    assert not run.finished


async def test_a_line_without_end(tmp_path: Path) -> None:
    """A line above the channel's limit is not collected in memory."""
    run = await conduct(tmp_path, "sys.stdout.write('x' * 6_000_000); sys.stdout.flush()")
    assert run.trouble == "The grader sent a line above 4194304 bytes."


def test_a_result_counts_once() -> None:
    """A second result for a check is refused."""
    run = GraderRun()
    run.take(DECLARED)
    run.take(CheckFinished(result=RESULT))
    with pytest.raises(ChannelBrokenError, match="not due"):
        run.take(CheckFinished(result=RESULT))


def test_nothing_declared_is_the_authors_matter() -> None:
    """Hidden checks that cannot be collected are reported with their last lines."""
    run = GraderRun(trouble="It broke.", stderr=b"ImportError: no module")
    with pytest.raises(CheckError, match="It broke") as caught:
        require_checks([run])
    assert "ImportError" in caught.value.message
