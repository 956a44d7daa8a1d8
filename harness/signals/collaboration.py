"""How somebody worked with an assistant: shown with what it rests on, never scored.

Not to have used one is not rated, and says nothing here but that nothing was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.models.assistant_section import MetPitfall
from harness.models.exchange import Pitfall
from harness.models.scorecard import Signal
from harness.signals.checking import first_test, verified
from harness.signals.secrets import secrets
from harness.signals.texts import count
from harness.signals.together import Asked, Collaboration

_ALTERNATIVES = re.compile(
    r"\b(alternativ\w*|trade-?offs?|other (ways?|options?|approach\w*)|pros and cons|compare\w*"
    r"|versus|vs\.?|instead of|what else|why not|options)\b",
    re.IGNORECASE,
)
_PUSH_BACK = re.compile(
    r"^\s*(no\b|nope|wrong|stop|wait\b)|\b(that|this|it)('s| is| was)? (not right|wrong|incorrect)"
    r"|\b(does ?n[o']?t|did ?n[o']?t) work|\b(revert|undo|roll back|take (that|it) (out|back))\b"
    r"|\b(you (missed|forgot|broke)|i disagree|are you sure)\b",
    re.IGNORECASE,
)
_DECISIONS = re.compile(
    r"\b(architect\w*|design\w*|schema|migrat\w*|data model|queue|consisten\w*|idempoten\w*"
    r"|concurren\w*|transaction\w*|retr(y|ies) (policy|strategy|budget)|rate.?limit\w*|scal\w*"
    r"|cache (strategy|invalidation)|fail(ure|over|ing) \w+|should (we|i) (use|split|move|keep))\b",
    re.IGNORECASE,
)


def signals(
    together: Collaboration,
    *,
    contract: Mapping[str, float] = {},
    added: Sequence[str] = (),
) -> Iterator[Signal]:
    """Every signal of working with an assistant, in a fixed order.

    Args:
        together: What happened.
        contract: Numbers that the brief publishes, by name.
        added: The added lines of the final diff.
    """
    yield _use(together)
    yield _lines(together)
    yield verified(together)
    yield first_test(together)
    yield _turned_down(together)
    yield _asked_for(together)
    yield _constraints(together, contract)
    yield _decisions(together)
    yield _secrets(together)
    if together.pitfalls:
        yield _pitfalls(together, added)


def _use(together: Collaboration) -> Signal:
    usage = [one.turn.usage for one in together.asked if one.turn.usage]
    tokens = sum(each.total for each in usage)
    prompts = count(len(together.prompts), "prompt")
    return Signal(
        id="assistant.use",
        title="Use of the assistant",
        value=f"{prompts}, {count(len(together.asked), 'exchange')}, {count(tokens, 'token')}"
        if together.asked
        else "no exchange recorded",
        explanation="Exchanges that went through the gateway. Not to have used an assistant is "
        "not rated and costs nothing; neither is it rated to have used one much.",
        events=_events(together.prompts),
    )


def _lines(together: Collaboration) -> Signal:
    use = together.attribution.use
    kept = "" if use.survival is None else f"; {use.survival * 100:.0f} % of what landed is there"
    return Signal(
        id="assistant.lines",
        title="What became of suggested lines",
        value=f"{use.suggested} suggested, {use.landed} landed, {use.survived_verbatim} there as "
        f"suggested, {use.survived_edited} edited{kept}"
        if use.suggested
        else "none were suggested",
        explanation="Blank and trivial lines are not counted. It is survival, not acceptance: "
        "nobody recorded what was looked at and passed over. A changed line counts as edited "
        f"when it is at least {together.attribution.cut:g} % alike; see docs/attribution.md.",
    )


def _turned_down(together: Collaboration) -> Signal:
    uses = {each.exchange: each.use for each in together.attribution.exchanges}
    brought = [
        one for one in together.asked if uses.get(one.turn.id) and uses[one.turn.id].suggested
    ]
    never = [one for one in brought if not uses[one.turn.id].landed]
    changed = [
        one
        for one in brought
        if uses[one.turn.id].landed
        and (
            uses[one.turn.id].survived_edited
            or uses[one.turn.id].survived < uses[one.turn.id].landed
        )
    ]
    pushed = together.matching(_PUSH_BACK)
    return Signal(
        id="assistant.turned-down",
        title="Suggestions turned down or corrected",
        value=f"of {count(len(brought), 'exchange')} with code: {len(never)} never landed, "
        f"{len(changed)} landed and were changed or taken out; "
        f"{count(len(pushed), 'prompt')} pushed back"
        if brought or pushed
        else "none",
        explanation="Code may not land because it was only asked about. Pushing back is found by "
        "words (wrong, revert, are you sure): read the exchanges.",
        events=_events((*never, *changed, *pushed)),
    )


def _asked_for(together: Collaboration) -> Signal:
    found = together.matching(_ALTERNATIVES)
    return Signal(
        id="assistant.alternatives",
        title="Asked for alternatives",
        value=count(len(found), "prompt") if found else "none found",
        explanation="Prompts with words such as alternative, trade-off, compare, instead of. "
        "Somebody can weigh alternatives without asking an assistant for them.",
        events=_events(found),
    )


def _constraints(together: Collaboration, contract: Mapping[str, float]) -> Signal:
    found: dict[str, Asked] = {}
    for name, number in contract.items():
        for one in together.prompts:
            if _states(one.prompt, name, number):
                found.setdefault(name, one)
    return Signal(
        id="assistant.constraints",
        title="Told the assistant the brief's constraints",
        value=f"{len(found)} of {count(len(contract), 'published number')}"
        + (f": {', '.join(found)}" if found else "")
        if contract
        else "the brief publishes no numbers",
        explanation="Numbers of the contract, by value or by name, in what was typed. An "
        "assistant in the workspace may have read the brief by itself.",
        events=_events(found.values()),
    )


def _states(prompt: str, name: str, number: float) -> bool:
    """Whether a prompt has a number (not inside of another), or its name."""
    words = "[ _-]?".join(map(re.escape, name.split("_")))
    value = re.escape(f"{number:g}")
    return bool(
        re.search(rf"\b{words}\b", prompt, re.IGNORECASE)
        or (number > 1 and re.search(rf"(?<![\d.]){value}(?![\d]|\.\d)", prompt))
    )


def _decisions(together: Collaboration) -> Signal:
    found = together.matching(_DECISIONS)
    return Signal(
        id="assistant.decisions",
        title="Exchanges about consequential decisions",
        value=f"{count(len(found), 'prompt')} to read" if found else "none found",
        explanation="Found by words (design, schema, queue, consistency and the like). Who took "
        "the decision, the person or the assistant, is for a rater to say.",
        events=_events(found),
    )


def _secrets(together: Collaboration) -> Signal:
    found = [one for one in together.prompts if any(secrets(one.prompt))]
    return Signal(
        id="assistant.secrets",
        title="Secrets in prompts",
        value=f"{count(len(found), 'prompt')} may have one" if found else "none found",
        explanation="Texts in the form of keys, tokens and passwords. A placeholder looks the "
        "same, and the task's own test keys are no secrets.",
        events=_events(found),
    )


def fates(together: Collaboration, added: Sequence[str]) -> tuple[MetPitfall, ...]:
    """What became of each declared pitfall that was met, in the order of their declaration.

    Args:
        together: What happened.
        added: The added lines of the final diff.
    """
    met: dict[str, list[Asked]] = {}
    for one in together.asked:
        for name in one.pitfalls:
            met.setdefault(name, []).append(one)
    return tuple(
        MetPitfall(
            id=pitfall.id,
            says=pitfall.says,
            better=pitfall.better,
            event=met[pitfall.id][0].event,
            fate="shipped" if _is_shipped(pitfall, met[pitfall.id], together, added) else "caught",
        )
        for pitfall in together.pitfalls
        if pitfall.id in met
    )


def _pitfalls(together: Collaboration, added: Sequence[str]) -> Signal:
    met = fates(together, added)
    caught, shipped = (
        ", ".join(one.id for one in met if one.fate == fate) or "none"
        for fate in ("caught", "shipped")
    )
    number = count(len(together.pitfalls), "pitfall")
    return Signal(
        id="assistant.pitfalls",
        title="Declared pitfalls",
        value=f"{len(met)} of {number} met; caught: {caught}; shipped: {shipped}",
        explanation="The scripted assistant suggests these to everybody who asks for them. "
        "Shipped: a sign of it is in an added line of the final diff and no sign of its cure, or, "
        "where it declares no sign, lines of that exchange are there as suggested. Caught: met and "
        "not shipped.",
        events=_events(one for one in together.asked if one.pitfalls),
    )


def _is_shipped(
    pitfall: Pitfall, met: Sequence[Asked], together: Collaboration, added: Sequence[str]
) -> bool:
    if pitfall.signs:
        shows = any(re.search(sign, line) for sign in pitfall.signs for line in added)
        return shows and not any(re.search(cure, line) for cure in pitfall.cures for line in added)
    uses = {each.exchange: each.use for each in together.attribution.exchanges}
    return any(one.turn.id in uses and uses[one.turn.id].survived_verbatim > 0 for one in met)


def _events(found: Iterable[Asked]) -> tuple[int, ...]:
    return tuple(sorted({one.event for one in found}))
