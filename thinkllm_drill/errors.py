"""The errors that a user can meet.

ThinkLLMError
├── UsageError           what the user typed cannot be done            exit 2
├── ContentError         an exercise on disk is broken                 exit 3
├── EnvironmentProblem   the machine lacks something                   exit 3
├── ProgressError        the progress database cannot be used          exit 3
└── InternalError        our fault                                     exit 4

Each knows its exit code and, where there is one, the command that helps. Only the command line renders them.
"""

from __future__ import annotations

from pathlib import Path


class ThinkLLMError(Exception):
    """Base of every error that is shown without a traceback.

    Args:
        message: what is wrong and where, in the user's language, without a final hint.
        hint: what to do about it, usually a command.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ThinkLLMError):
    """What the user typed cannot be done."""

    exit_code = 2


class ContentError(ThinkLLMError):
    """An exercise on disk is broken; names the file and, where known, the line and the key."""

    exit_code = 3

    def __init__(
        self, message: str, *, file: Path | str | None = None, line: int | None = None, hint: str | None = None
    ) -> None:
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(place + message, hint=hint)
        self.file = None if file is None else Path(file)
        self.line = line
        self.problem = message


class EnvironmentProblem(ThinkLLMError):
    """The machine lacks something that the command needs."""

    exit_code = 3


class ProgressError(ThinkLLMError):
    """The progress database cannot be used."""

    exit_code = 3


class InternalError(ThinkLLMError):
    """Our fault; never counts for or against the learner."""

    exit_code = 4
