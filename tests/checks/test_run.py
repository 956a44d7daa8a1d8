"""Whole runs of `python -m harness.checks` against a small service."""

import asyncio
import textwrap
import time
from pathlib import Path

import pytest

import harness.checks as kit
from harness.checks import ControlFailed, Measure
from harness.checks.bench import Bench
from harness.checks.verdict import Attempt
from harness.errors import CheckError
from harness.models.grader import CheckStarted, GraderBrief, Request
from harness.models.task import InterviewSection, SutSpec, UpstreamSpec
from tests.checks.standin import StandIn
from tests.checks.test_verdict import declaration

SERVICE = """
import json, os, sys, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            print("last words", flush=True)
            os._exit(3)
        body = b"{}"
        if self.path == "/depot":
            with urllib.request.urlopen(os.environ["DEPOT_URL"] + "/stock") as reply:
                body = reply.read()
        if self.path == "/kept":
            path = os.path.join(os.environ["DATA_DIR"], "count")
            count = int(open(path).read()) if os.path.exists(path) else 0
            open(path, "w").write(str(count + 1))
            body = json.dumps({"count": count}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

print('{"kind": "finished", "forged": 1}', flush=True)
if os.environ.get("BROKEN"):
    sys.exit("cannot read the settings")
if os.environ.get("DEAF"):
    import time
    time.sleep(60)
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""

HEAD = """
from harness.checks import Answer, ControlFailed, check

def declared(name, **more):
    return check(id=f"behaviour.{name}", family="behaviour", dimension="d", shows="s",
                 derived_from="b", control="c", **more)

"""


def grade(folder: Path, checks: str, **options: object) -> StandIn:
    """Run these checks against the service."""
    (folder / "service").mkdir(exist_ok=True)
    (folder / "service" / "__main__.py").write_text(SERVICE)
    tests = folder / "tests"
    tests.mkdir(exist_ok=True)
    (tests / "test_toy.py").write_text(HEAD + textwrap.dedent(checks))
    interview = InterviewSection(
        kind="service",
        title="t",
        minutes=1,
        level="mid",
        rubric="r",
        contract={"deadline_sec": 2},
        upstreams=(UpstreamSpec(host="depot", port=9300),),
        sut=SutSpec(
            command=("python", "-m", "service"),
            port=8000,
            ready_path="/ready",
            env={"DEPOT_URL": "http://depot:9300"},
        ),
    )
    refuse_verb = str(options.pop("refuse_verb", ""))
    lane = options.pop("lane", 0)
    standin = StandIn(interview, tests, folder, **options)  # type: ignore[arg-type]
    standin.refuse_verb = refuse_verb
    standin.brief = standin.brief.model_copy(update={"lane": lane})
    standin.run()
    return standin


def test_every_kind_of_outcome(tmp_path: Path):
    """Passed, partial, failed and invalid, each with its reason, in declaration order."""
    run = grade(
        tmp_path,
        """
        @declared("passes")
        async def test_passes(sut, upstreams, contract, measure, rng, seed):
            print("noise")
            upstreams["depot"].route("GET", "/stock", lambda call: Answer(200, {"tea": 3}))
            reply = await sut.get("/depot")
            assert reply.object() == {"tea": 3}
            assert len(upstreams["depot"].calls) == 1
            measure.info("seed", seed)
            measure.info("drawn", rng.random())
            measure("reply", reply.elapsed, unit="s", at_most=contract["deadline_sec"])

        @declared("halfway")
        async def test_halfway(sut, measure):
            measure("kept", 5, at_least=9, partly_at_least=5)

        @declared("misses")
        async def test_misses(sut, measure):
            measure("kept", 1, at_least=9, partly_at_least=5)

        @declared("says-why")
        async def test_says_why(sut):
            assert not sut.address, "the card was charged twice"

        @declared("no-control")
        async def test_no_control(sut):
            raise ControlFailed("The stub did not answer.")

        @declared("mistake")
        async def test_mistake(sut, contract):
            contract["no_such_number"]

        @declared("stub-breaks")
        async def test_stub_breaks(sut, upstreams, measure):
            upstreams["depot"].route("GET", "/stock", lambda call: 1 / 0)
            await sut.get("/depot")
            measure("kept", 1, at_least=1)
        """,
        seed="ab",
    )
    outcomes = {id_: result.outcome.value for id_, result in run.results.items()}
    assert list(outcomes) == run.declared
    assert outcomes == {
        "behaviour.passes": "passed",
        "behaviour.halfway": "partial",
        "behaviour.misses": "failed",
        "behaviour.says-why": "failed",
        "behaviour.no-control": "invalid",
        "behaviour.mistake": "invalid",
        "behaviour.stub-breaks": "invalid",
    }
    results = run.results
    assert results["behaviour.halfway"].score == 0.5
    assert results["behaviour.says-why"].summary == "the card was charged twice"
    assert results["behaviour.no-control"].attempts == 2
    assert "The stub did not answer." in results["behaviour.no-control"].summary
    assert "it has: deadline_sec" in results["behaviour.mistake"].summary
    assert "ZeroDivisionError" in results["behaviour.stub-breaks"].summary
    assert results["behaviour.passes"].log_tail == ""
    assert "forged" in results["behaviour.misses"].log_tail
    assert results["behaviour.passes"].measurements[0].value == "ab:behaviour.passes"
    assert run.finished is not None
    assert (run.returncode, "noise" in run.stderr) == (0, True)


FLAKY = """
runs = []

@declared("flaky", timing=True)
async def test_flaky(sut, measure):
    runs.append(sut.id)
    assert (await sut.get("/kept")).object() == {"count": 0}, "not a fresh one"
    measure("reply", 9 if len(runs) in SLOW else 1, unit="s", at_most=3)
"""


@pytest.mark.parametrize(
    ("slow", "outcome", "attempts"),
    [("{1}", "passed", 3), ("{1, 2}", "failed", 2), ("{1, 3}", "failed", 3), ("{9}", "passed", 1)],
)
def test_failing_timing_checks_are_confirmed_on_fresh_services(
    tmp_path: Path, slow: str, outcome: str, attempts: int
):
    """Fail and fail is a fail; fail and pass takes a third, and says so."""
    run = grade(tmp_path, FLAKY.replace("SLOW", slow))
    result = run.results["behaviour.flaky"]
    assert (result.outcome, result.attempts) == (outcome, attempts)
    assert ("Not unanimous" in result.summary) == (attempts == 3)
    started = [line.attempt for line in run.lines if isinstance(line, CheckStarted)]
    assert started == list(range(1, attempts + 1))


def test_confirmation_can_be_left_out(tmp_path: Path):
    """The brief decides."""
    run = grade(tmp_path, FLAKY.replace("SLOW", "{1}"), confirm=False)
    assert run.results["behaviour.flaky"].attempts == 1


LIFE = """
import asyncio
@declared("life")
async def test_life(sut, measure):
    for count in range(3):
        reply = await sut.get("/kept")
        measure("count", reply.object()["count"], equals=count)
        if count == 0:
            await sut.kill()
        else:
            stopped = await sut.stop(grace_sec=5)
            measure.info("exit", stopped.exit_code)
            measure("stopping", stopped.duration_sec, at_most=5)
            measure.true("left by itself", not stopped.killed)
        assert (await sut.ending()).startswith("ended with exit code")
        await sut.restart()
    measure("processes", (await sut.stats()).pids, at_least=1)

@declared("dies")
async def test_dies(sut, measure):
    reply = await sut.get("/die")
    while not await sut.ending():  # its connections close a moment before its parent hears of it
        await asyncio.sleep(0.01)
    measure.true("answered", reply.ok)
"""


def test_lifecycle_verbs_keep_the_volume(tmp_path: Path):
    """Killed, stopped and started again, the service finds its data; a dead one is mentioned."""
    run = grade(tmp_path, LIFE)
    assert run.results["behaviour.life"].outcome == "passed", run.results
    died = run.results["behaviour.dies"]
    assert died.outcome == "failed"
    assert died.summary.endswith("The service ended with exit code 3.")
    assert died.log_tail.endswith("last words\n")


SIMPLE = """
@declared("simple")
async def test_simple(sut, measure):
    measure.true("alive", (await sut.get("/")).ok)

@declared("other")
async def test_other(sut, measure):
    measure.true("alive", True)
"""


def test_a_submission_that_ends_at_start_failed(tmp_path: Path):
    """Its own last words go with the result."""
    run = grade(tmp_path, SIMPLE, env={"BROKEN": "1"}, only=["behaviour.simple"])
    assert run.declared == ["behaviour.simple"]
    result = run.results["behaviour.simple"]
    assert result.outcome == "failed"
    assert "ended with exit code 1 before it was ready" in result.summary
    assert "cannot read the settings" in result.log_tail


def test_a_submission_that_never_gets_ready_failed(tmp_path: Path):
    """It runs, but does not answer on its ready path."""
    run = grade(
        tmp_path, SIMPLE, env={"DEAF": "1"}, only=["behaviour.other"], ready_timeout_sec=1.2
    )
    result = run.results["behaviour.other"]
    assert result.outcome == "failed"
    assert "did not become ready within 1.2 s" in result.summary


def test_machinery_that_fails_is_nobodys_fault(tmp_path: Path):
    """No service could be started: invalid, and the run goes on."""
    run = grade(tmp_path, SIMPLE, refuse_verb="start")
    assert [result.outcome for result in run.results.values()] == ["invalid", "invalid"]
    assert "the engine does not answer" in run.results["behaviour.simple"].summary
    assert run.finished is not None


@pytest.mark.parametrize(
    ("lane", "asked"),
    [
        (0, ["loud", "long-timed", "long", "timed", "quick"]),
        (1, ["long-timed", "long", "timed", "quick", "loud"]),
    ],
)
def test_what_takes_longest_is_begun_first(tmp_path: Path, lane: int, asked: list[str]):
    """One lane begins with the loud ones, which wait for each other; the others leave them to it.

    A loud check keeps its turn from one attempt to the next: it waits for half a machine.
    """
    checks = "".join(
        f"""
        @declared({name!r}, {more})
        async def test_{name.replace("-", "_")}(measure):
            measure.true("fine", {name not in ("loud", "timed")})
        """
        for name, more in (
            ("quick", ""),
            ("timed", "timing=True"),
            ("long", "long=True"),
            ("loud", "loud=True, timing=True"),
            ("long-timed", "long=True, timing=True"),
        )
    )
    run = grade(tmp_path, checks, lane=lane)
    assert run.declared[0] == "behaviour.quick", "as written, whatever is begun first"
    turns: dict[str, list[str]] = {}
    for line in run.lines:
        if isinstance(line, Request) and line.verb == "claim":
            verbs = turns[str(line.args["check"])] = []
        elif isinstance(line, Request):
            verbs.append(line.verb.removesuffix("_turn"))
    assert list(turns) == [f"behaviour.{name}" for name in asked]
    attempt = ["take", "end"]
    assert turns == {
        "behaviour.quick": [*attempt, "end"],
        "behaviour.timed": [*attempt, *attempt, "end"],
        "behaviour.long": [*attempt, "end"],
        "behaviour.loud": ["take", "take", "end"],
        "behaviour.long-timed": [*attempt, "end"],
    }


@pytest.mark.parametrize(
    ("checks", "only", "words"),
    [
        (SIMPLE, ["behaviour.none"], "no check behaviour.none"),
        (SIMPLE + SIMPLE.replace("test_", "test_again_"), [], "declared twice"),
        ("def test_plain(): pass", [], "without @check"),
        ("import no_such_module", [], "no_such_module"),
        ("", [], "no tests ran"),
    ],
)
def test_broken_checks_do_not_run(tmp_path: Path, checks: str, only: list[str], words: str):
    """Exit status 3, no last line, and the reason for the author on standard error."""
    run = grade(tmp_path, checks, only=only)
    assert (run.returncode, run.finished, run.results) == (3, None, {})
    assert words in run.stderr


def bench() -> Bench:
    """One without a harness."""
    brief = GraderBrief(
        task="t", contract={}, upstreams=(), ready_path="/", ready_timeout_sec=1, seed="00"
    )
    return Bench(None, brief, Attempt(declaration(timing=True), 1))  # type: ignore[arg-type]


def test_a_check_that_hangs_is_ended():
    """Its time is bounded, and the reason is ours."""
    one = bench()
    with pytest.raises(CheckError, match=r"did not end within 0.05 s"):
        one.run(asyncio.sleep(60), limit_sec=0.05)
    one.close()


def test_a_loop_that_stands_still_is_noticed():
    """The bench's heart skips a beat."""

    async def stand_still() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - the loop is meant to stand still
        await asyncio.sleep(0.05)

    one = bench()
    one.run(stand_still())
    assert one.attempt.lag_sec > 0.2
    assert one.attempt.swamped_sec == 0, "it did nothing meanwhile, as on a busy machine"
    one.close()


def test_a_loop_with_too_much_to_do_is_noticed(monkeypatch: pytest.MonkeyPatch):
    """It is late, and has a processor all the while."""
    monkeypatch.setattr(time, "thread_time", time.monotonic)

    async def work() -> None:
        await asyncio.sleep(0.05)
        time.sleep(0.3)  # noqa: ASYNC251 - stands for work, by the clock above
        await asyncio.sleep(0.05)

    one = bench()
    one.run(work())
    assert one.attempt.swamped_sec >= 0.3
    one.close()


def test_public_names_are_importable():
    """`__all__` is what check authors get."""
    assert all(hasattr(kit, name) for name in kit.__all__)
    assert {ControlFailed, Measure} <= {getattr(kit, name) for name in kit.__all__}
