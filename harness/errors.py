"""Every error the harness raises on purpose, and whose turn it is.

HarnessError
├── UsageError              the person at the command line acts (exit 2)
├── TaskError               a template is wrong: its author acts (exit 2)
│   ├── TaskNotFoundError(LookupError)
│   ├── TaskFormatError(ValueError)
│   └── RubricError(ValueError)
├── SubmissionError         what was handed in cannot be sealed or run (exit 1)
├── PrerequisiteError       Docker missing or old, disk full: the operator acts (exit 3)
├── SandboxError            our machinery failed: never evidence about the candidate (exit 3)
│   ├── SandboxUnavailableError(ConnectionError)
│   ├── SandboxTimeoutError(TimeoutError)
│   ├── ImageBuildError
│   └── OutputLimitExceededError
├── CheckError              a hidden check itself broke (exit 3)
├── RecordingError          the transcript could not be written or read (exit 3)
└── StoreError              the database or a blob could not be written or read (exit 3)
    ├── SessionNotFoundError(LookupError)     (exit 2)
    └── IntegrityError                        an event or blob is not what was recorded (exit 1)

A failing check is a `CheckResult`, not an exception. A dead container is an
exception, not a failing check. Messages say what, which, why and the way out;
the lasting ones carry a `slug` that `docs/messages.md` explains.
"""

from __future__ import annotations


class HarnessError(Exception):
    """Root of everything raised on purpose.

    Args:
        message: What happened, to which thing, and why.
        remedy: What the person whose turn it is can do.
        slug: Name of the message's section in `docs/messages.md`.
    """

    exit_code = 3
    whose_turn = "our machinery"
    default_slug = "internal"

    def __init__(self, message: str, *, remedy: str = "", slug: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.slug = slug or self.default_slug

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(HarnessError):
    """The command was called in a way that cannot work."""

    exit_code = 2
    whose_turn = "the person at the command line"
    default_slug = "usage"


class TaskError(HarnessError):
    """A task or rubric template is wrong; its author acts."""

    exit_code = 2
    whose_turn = "the task's author"
    default_slug = "task-format"


class TaskNotFoundError(TaskError, LookupError):
    """No task of that name on the search path."""

    whose_turn = "the person at the command line"
    default_slug = "task-not-found"


class TaskFormatError(TaskError, ValueError):
    """A task file does not say what the format asks for."""


class RubricError(TaskError, ValueError):
    """A rubric is missing or does not say what the format asks for."""

    default_slug = "rubric-format"


class SubmissionError(HarnessError):
    """What the candidate handed in cannot be sealed or run; shown to the interviewer."""

    exit_code = 1
    whose_turn = "the interviewer"
    default_slug = "submission"


class PrerequisiteError(HarnessError):
    """Something the machine must offer is missing; the operator acts."""

    whose_turn = "the operator"
    default_slug = "prerequisite"


class SandboxError(HarnessError):
    """A sandbox failed us; nothing about the candidate follows from it."""

    default_slug = "sandbox"


class SandboxUnavailableError(SandboxError, ConnectionError):
    """The engine does not answer, or the sandbox is gone."""

    default_slug = "sandbox-unavailable"


class SandboxTimeoutError(SandboxError, TimeoutError):
    """The engine (not the candidate's command) did not finish in time."""

    default_slug = "sandbox-timeout"


class ImageBuildError(SandboxError):
    """An image could not be built; the message ends with the log's last lines."""

    whose_turn = "the task's author or the operator"
    default_slug = "image-build"


class OutputLimitExceededError(SandboxError):
    """More bytes came out of a sandbox than the caller allowed."""

    default_slug = "output-limit"


class CheckError(HarnessError):
    """A hidden check broke; its author acts, and nothing is scored."""

    whose_turn = "the task's author"
    default_slug = "check"


class RecordingError(HarnessError):
    """The transcript could not be written or read."""

    default_slug = "recording"


class StoreError(HarnessError):
    """The database or the blob folder could not be written or read."""

    default_slug = "store"


class SessionNotFoundError(StoreError, LookupError):
    """No session of that id in this store."""

    exit_code = 2
    whose_turn = "the person at the command line"
    default_slug = "session-not-found"


class IntegrityError(StoreError):
    """An event or blob is not what was recorded."""

    exit_code = 1
    whose_turn = "the interviewer"
    default_slug = "integrity"
