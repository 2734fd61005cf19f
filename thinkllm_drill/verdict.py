"""What a grading run says: the verdict, its checks, and the events in which it arrives.

The same shapes travel from the judge to the command line (one JSON object a line), into the progress store and out
of `thinkllm check --json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

CheckStatus = Literal[
    "passed",
    "wrong",
    "contract",
    "error",
    "timeout",
    "limit",
    "rule",
    "suspect",
    "not_started",
    "skipped",
    "internal",
]
CheckKind = Literal["defined", "contract", "values", "edges", "gradients", "properties", "rules", "cost", "speed"]
VerdictStatus = Literal[
    "passed", "passed_speed_unmeasured", "failed", "not_started", "error", "unavailable", "internal"
]

KINDS: tuple[CheckKind, ...] = (
    "defined",
    "contract",
    "values",
    "edges",
    "gradients",
    "properties",
    "rules",
    "cost",
    "speed",
)
EXIT_CODES: Mapping[VerdictStatus, int] = {
    "passed": 0,
    "passed_speed_unmeasured": 0,
    "failed": 1,
    "not_started": 1,
    "error": 1,
    "unavailable": 3,
    "internal": 4,
}


@dataclass(frozen=True)
class Frame:
    """One line of the learner's own file in a traceback."""

    line: int
    function: str
    code: str


@dataclass(frozen=True)
class Cause:
    """Why a check did not pass, in the learner's language.

    `case` describes the smallest failing case, `inputs` gives its arguments (`x = [[1.0]]`, a line or more each) where
    they are small, `expected` and `actual` are short renderings of values, `where` says in words how the two differ,
    `frames` are the learner's own lines from the outermost to where it was raised.
    """

    message: str
    case: str | None = None
    expected: str | None = None
    actual: str | None = None
    where: str | None = None
    frames: tuple[Frame, ...] = ()
    inputs: str | None = None
    rerun: str | None = None
    """The id of the failing case, as `--case` takes it."""
    probe: Mapping[str, Any] | None = None
    """Which run of that case failed, for `thinkllm debug`: its check, sizes, layout, cotangent and draw."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The cause in a JSON object."""
        return cls(**{**data, "frames": tuple(Frame(**frame) for frame in data.get("frames", ()))})


@dataclass(frozen=True)
class Check:
    """One graded check."""

    id: str
    title: str
    kind: CheckKind
    status: CheckStatus
    seconds: float = 0.0
    cause: Cause | None = None
    detail: str | None = None
    """A fact worth telling of a passed or skipped check: a signature, a cost, the reason for skipping."""

    speeds: tuple[Mapping[str, Any], ...] = ()
    """The figures of each shape that was timed on a GPU; see `gpu.ruling.Figures`."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The check in a JSON object."""
        cause, speeds = data.get("cause"), tuple(data.get("speeds", ()))
        return cls(**{**data, "cause": Cause.from_json(cause) if cause else None, "speeds": speeds})


@dataclass(frozen=True)
class Diagnosis:
    """The known mistake that the attempt equals."""

    mistake: str
    says: str


@dataclass(frozen=True)
class Verdict:
    """The result of one grading run."""

    slug: str
    file: str
    status: VerdictStatus
    seed: str
    seconds: float
    device: str = "cpu"
    checks: tuple[Check, ...] = ()
    diagnosis: Diagnosis | None = None
    stdout: str = ""
    note: str | None = None
    """What to know beside the checks: the first empty blank, why nothing could be graded, where to report."""

    @property
    def passed(self) -> bool:
        """Whether the exercise counts as passed."""
        return self.status in ("passed", "passed_speed_unmeasured")

    @property
    def exit_code(self) -> int:
        """The exit code of a command that reports this verdict."""
        return EXIT_CODES[self.status]

    @property
    def failure(self) -> Check | None:
        """The first check that neither passed nor was skipped."""
        return next((check for check in self.checks if check.status not in ("passed", "skipped")), None)

    @property
    def failing(self) -> int:
        """How many checks failed or were not reached; a speed that could not be measured is no failure."""
        return sum(
            check.status != "passed" and not (check.kind == "speed" and check.status == "skipped")
            for check in self.checks
        )

    def to_json(self) -> dict[str, Any]:
        """The JSON contract of `thinkllm check --json`."""
        return {"schema": 1, "passed": self.passed, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The verdict in a JSON object made by `to_json`."""
        fields = {key: value for key, value in data.items() if key not in ("schema", "passed")}
        diagnosis = fields.get("diagnosis")
        fields["checks"] = tuple(Check.from_json(check) for check in fields.get("checks", ()))
        fields["diagnosis"] = Diagnosis(**diagnosis) if diagnosis else None
        return cls(**fields)


@dataclass(frozen=True)
class CheckRequest:
    """What the command line asks the judge to grade.

    The judge grades `source`, the bytes that were read, and not the file, which may change meanwhile.
    """

    slug: str
    file: str
    source: bytes
    content: str
    """The content root: the folder that holds exercises/, solutions/ and graders/."""
    lang: str = "en"
    seed: str | None = None
    case: str | None = None
    device: str = "auto"
    diagnose: bool = True
    options: dict[str, Any] = field(default_factory=dict)
