"""A module beside the one it was made from: the same calls, the same outcomes.

Layout, from the outside in::

    twins      the two, and how they are compared
    search     Hypothesis makes programs, and shrinks the first that tells the two apart
    screening  programs in company, and alone what differs
    pairing    both play and are counted    findings  what is told of it
    pace       the same work in turns, timed
    surface    names, signatures, bases: what others import
    compare    two outcomes, told apart as a caller would
    link       frames to an agent, bounded in time and bytes
    program    what an author writes: calls, kept objects, fakes
    suites     the candidate's tests, run with the original and with variants of it
    agent      in the system under test: listens; each connection is a stage
    stage      imports the module, plays programs in forks
    world      one play                     canon   outcomes as JSON by exact types
    exports    what a module exports        trees   its files, and its tests in a copy of them
"""

from harness.checks.differential.compare import Terms
from harness.checks.differential.findings import Comparison, Divergence
from harness.checks.differential.pace import Pace, pace
from harness.checks.differential.program import (
    Attr,
    Call,
    Counts,
    Fake,
    Name,
    New,
    OneShot,
    Program,
    Raises,
    Ref,
    Returns,
    Text,
)
from harness.checks.differential.surface import surface_changes
from harness.checks.differential.twins import Twins

__all__ = [
    "Attr",
    "Call",
    "Comparison",
    "Counts",
    "Divergence",
    "Fake",
    "Name",
    "New",
    "OneShot",
    "Pace",
    "Program",
    "Raises",
    "Ref",
    "Returns",
    "Terms",
    "Text",
    "Twins",
    "pace",
    "surface_changes",
]
