"""What can go wrong with an attempt, as exceptions that a check ends with.

GradeFailure
├── Wrong             the numbers, the trace or the text are not right
├── ContractBroken    wrong type, shape, dtype, argument; a missing name; a changed input
├── AttemptRaised     the attempt raised
├── AttemptDied       its process ended, or sent something that is no answer
├── AttemptTimeout    over its time
├── LimitExceeded     over its memory or output
├── RuleBroken        a forbidden call, or the cost of another algorithm
├── Suspect           a timing that cannot be true
├── TooSlow           right, and not fast enough on this GPU
├── NotStarted        a blank was reached that is still empty
└── Unavailable       this machine cannot run the check; not a fault of the attempt
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from thinkllm_drill.verdict import Cause, CheckStatus, Frame


class GradeFailure(Exception):
    """A check ends here; carries its status and its cause in the learner's language."""

    status: ClassVar[CheckStatus] = "wrong"

    def __init__(self, cause: Cause | str) -> None:
        self.cause = cause if isinstance(cause, Cause) else Cause(message=cause)
        super().__init__(self.cause.message)

    def with_cause(self, **changes: Any) -> GradeFailure:
        """The same failure with parts of its cause replaced."""
        self.cause = replace(self.cause, **changes)
        return self


class Wrong(GradeFailure):
    """The numbers, the trace or the text are not right."""


class ContractBroken(GradeFailure):
    """The answer has the wrong form."""

    status = "contract"


class AttemptDied(GradeFailure):
    """The attempt's process ended, or sent something that is no answer."""

    status = "error"


class AttemptTimeout(GradeFailure):
    """The attempt was over its time."""

    status = "timeout"


class LimitExceeded(GradeFailure):
    """The attempt was over its memory or printed too much."""

    status = "limit"


class RuleBroken(GradeFailure):
    """The answer was reached by a forbidden call, or its cost is that of another algorithm."""

    status = "rule"


class Suspect(GradeFailure):
    """A timing that cannot be true."""

    status = "suspect"


class TooSlow(Wrong):
    """The numbers are right, and it is not fast enough on this GPU."""


class NotStarted(GradeFailure):
    """A blank was reached that is still empty."""

    status = "not_started"


class Unavailable(GradeFailure):
    """This machine cannot run the check."""

    status = "skipped"


class AttemptRaised(GradeFailure):
    """The attempt raised an exception.

    Args:
        raised: type, message, bases, frames and shapes, as `judge.trace` describes it.
    """

    status = "error"

    def __init__(self, raised: Mapping[str, Any]) -> None:
        self.type_name = str(raised["type"])
        self.text = str(raised["message"])
        self.bases: tuple[str, ...] = tuple(map(str, raised["bases"]))
        self.shapes: dict[str, str] = dict(raised["shapes"])
        frames = tuple(Frame(int(f["line"]), str(f["function"]), str(f["code"])) for f in raised["frames"])
        message = f"{self.type_name}: {self.text}" if self.text else self.type_name
        if self.shapes:
            message += "\n" + ", ".join(f"{name}: {shape}" for name, shape in self.shapes.items())
        super().__init__(Cause(message=message, frames=frames))
