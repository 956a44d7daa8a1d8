"""Seals what was handed in, runs hidden checks on it, and proves that the checks are right.

seal         a hostile folder -> a deterministic tar        unseal   and back
grading      one grading from start to clean-up
grader       the grader's container and its channel
sut          lifecycle of systems under test          places   where they find their dependencies
readiness    whether a submission starts, and what hinders it
prove        the kill matrix        calibration   submissions whose truth is known
junit        a grading as JUnit XML
"""
