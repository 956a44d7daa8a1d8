"""Three quick checks."""

import random

from harness.checks import Measure, Sut, Upstream, check, status


@check(
    id="behaviour.greets",
    family="behaviour",
    dimension="verification",
    shows="It greets by name.",
    derived_from="`GET /hello?name=N` greets.",
    control="None is needed: nothing is timed.",
)
async def test_greets(sut: Sut, rng: random.Random, measure: Measure) -> None:
    """A name that nobody could foresee."""
    name = f"n{rng.randrange(10**9)}"
    reply = await sut.get(f"/hello?name={name}")
    measure.true(f"greets by name ({reply})", reply.object() == {"hello": name})


@check(
    id="behaviour.no-price",
    family="behaviour",
    dimension="failure-mode-instinct",
    shows="A missing price is said as such.",
    derived_from="answers 503 when there is none, within 3 seconds",
    control="The price on a good day.",
)
async def test_no_price(sut: Sut, provider: Upstream, measure: Measure) -> None:
    """First a good day, then a provider without prices."""
    good = await sut.get("/price")
    assert good.object() == {"price": 7}, f"GET /price on a good day: {good}"
    provider.plan = lambda _: status(503)
    bad = await sut.get("/price")
    measure("status without a price", bad.status, equals=503)


@check(
    id="shutdown.keeps-notes",
    family="shutdown",
    dimension="failure-mode-instinct",
    shows="What was accepted survives a crash.",
    derived_from="A note that was accepted is kept in `DATA_DIR`, whatever happens.",
    control="The note is there before the crash.",
)
async def test_keeps_notes(sut: Sut, measure: Measure) -> None:
    """A note, SIGKILL, a new start."""
    await sut.post("/notes", "remember")
    before = await sut.get("/notes")
    assert before.json() == ["remember"], f"GET /notes before the crash: {before}"
    await sut.kill()
    state = await sut.state()
    await sut.restart()
    after = await sut.get("/notes")
    measure.info("exit code after SIGKILL", state.exit_code)
    measure.true("the note is there after the crash", after.json() == ["remember"])
    stopped = await sut.stop(grace_sec=2)
    measure.info("seconds to leave on SIGTERM", stopped.duration_sec)
