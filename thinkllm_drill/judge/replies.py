"""What a runner's reply says went wrong, as the failure that the learner is told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from thinkllm_drill.judge.failures import AttemptRaised, ContractBroken, LimitExceeded, NotStarted, RuleBroken, Wrong
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Cause, Frame

MAX_RULES = 3
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "CUDA out of memory")


def broken_rule(hit: Mapping[str, Any]) -> Cause:
    """What to say of a forbidden call that was reached: its name, the learner's line and what stands there."""
    name, used, line = str(hit["name"]), str(hit["used"]), int(hit["line"])
    frames = tuple(Frame(int(f["line"]), str(f["function"]), str(f["code"])) for f in hit["frames"])
    if not used:
        return Cause(message=text("grading.forbidden", names=name), frames=frames)
    key = "grading.forbidden_at" if used == name else "grading.forbidden_by"
    return Cause(message=text(key, name=name, used=used, line=line), frames=frames)


def raise_if_failed(failure: AttemptRaised | None, hits: Sequence[Mapping[str, Any]], limits: Limits) -> None:
    """Raise what a reply says went wrong: forbidden calls first, an exception of the attempt as what it means."""
    forbidden = [broken_rule(hit) for hit in hits]
    if forbidden:
        message = "\n".join(cause.message for cause in forbidden[:MAX_RULES])
        raise RuleBroken(replace(forbidden[0], message=message))
    if failure is None:
        return
    if failure.type_name == "NotImplementedError" and failure.text.startswith("blank "):
        raise NotStarted(text("grading.blank_reached", blank=failure.text)).with_cause(frames=failure.cause.frames)
    if failure.type_name == "MemoryError" or any(sign in failure.text for sign in _OUT_OF_MEMORY):
        memory = limits.memory_bytes / 2**30
        limit = LimitExceeded(text("grading.memory_limit", gigabytes=f"{memory:g}"))
        raise limit.with_cause(frames=failure.cause.frames)
    if failure.type_name == "NoGradient":
        raise Wrong(text("grading.no_gradient"))
    if failure.type_name == "UnsendableValue":
        raise ContractBroken(text("grading.unsendable", problem=failure.text))
    raise failure
