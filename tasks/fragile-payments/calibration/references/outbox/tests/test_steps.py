"""The rules in `payments.steps`, whatever the provider says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from payments.provider import End, Result
from payments.steps import MAX_SENDS, Next, State, after_charge, after_lookup, overdue

ENDS = st.sampled_from(list(End))


@given(
    answers=st.lists(st.tuples(ENDS, st.floats(0.05, 5), st.booleans()), max_size=60),
    promised=st.booleans(),
)
def test_a_payment_ends_properly(answers: list[tuple[End, float, bool]], promised: bool) -> None:
    now, sends, tries, doubt, kind = 0.0, 0, 0, False, Next.CHARGE
    due_by = 14.0 if promised else None
    wrong = False
    for end, took, found in answers:
        before = State(now, 0.0, sends, doubt, tries, now, due_by)
        if overdue(before):
            return
        now += took
        if kind is Next.CHARGE:
            assert sends < MAX_SENDS
            assert not wrong, "sent again after an answer that says that it is wrong"
            sends += 1
        state = State(now, 0.0, sends, doubt, tries, now, due_by)
        if kind is Next.CHARGE:
            step = after_charge(state, Result(end, "ch_1"))
            wrong = wrong or end is End.WRONG
            maybe = doubt or end in (End.UNKNOWN, End.TIMED_OUT, End.GARBLED)
        else:
            step = after_lookup(state, Result(end, ["ch_1"] if found else []))
            maybe = True
        if step.next in (Next.CAPTURED, Next.DECLINED):
            assert end in (End.DONE, End.DECLINED)
            return
        if step.next is Next.FAILED:
            assert not maybe or (promised and now >= 14.0) or now > 600
            assert step.doubt or not maybe or now > 600
            return
        assert step.at >= now
        assert step.doubt == maybe
        if step.no_more_sends:
            sends = MAX_SENDS
        tries = tries + 1 if step.next is kind else 0
        doubt, now, kind = step.doubt, step.at, step.next
