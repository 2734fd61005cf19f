"""What the figures of a measurement mean: passed or not, and what the learner is told. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from thinkllm_drill.gpu.stats import Interval
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.gpu.protocol import Measurement
    from thinkllm_drill.grading.speed import Speed

Outcome = Literal["passed", "star", "slow", "close", "wrong", "suspect"]


@dataclass(frozen=True)
class Figures:
    """One timed shape as it is kept with the verdict: seconds, shares with intervals, and what they were compared with.

    Attributes:
        case: its title.
        outcome: see `Outcome`.
        against: "copy", or the name of the method that the time is compared with.
        at_least, star: the shares asked for.
        share: seconds of the limit by seconds of the attempt, with its interval.
        seconds: of everybody.
        shares: the others' seconds by the attempt's.
        bytes, flops: what the shape takes at least.
        copy_bytes_per_second: measured, where a copy was timed.
        peak_flops: of the device, where it is known.
    """

    case: str
    outcome: Outcome
    against: str
    at_least: float
    star: float
    share: Mapping[str, float]
    seconds: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    bytes: int | None
    flops: int | None
    copy_bytes_per_second: float | None
    peak_flops: float | None
    device: str
    reason: str | None = None
    launches: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON."""
        return asdict(self)


def figures_of(
    speed: Speed, measured: Measurement, *, device: str, peak_flops: float | None = None, launches: int | None = None
) -> Figures:
    """The figures of a shape, with the outcome."""
    seconds = {name: interval.value for name, interval in measured.others.items()}
    seconds |= {"attempt": measured.attempt.value, speed.peer or "copy": measured.limit.value}
    copied = seconds.get("copy")
    return Figures(
        case=speed.case.words.here,
        outcome=_outcome(speed, measured),
        against=speed.peer or "copy",
        at_least=speed.at_least,
        star=speed.star,
        share=asdict(measured.share),
        seconds=seconds,
        shares={name: asdict(interval) for name, interval in measured.shares.items()},
        bytes=speed.bytes,
        flops=speed.flops,
        copy_bytes_per_second=speed.bytes / copied if speed.bytes and copied else None,
        peak_flops=peak_flops,
        device=device,
        reason=measured.wrong or measured.suspect,
        launches=launches,
    )


def _outcome(speed: Speed, measured: Measurement) -> Outcome:
    if measured.wrong is not None:
        return "wrong"
    if measured.suspect is not None:
        return "suspect"
    if measured.share.low >= speed.star:
        return "star"
    if measured.share.low >= speed.at_least:
        return "passed"
    return "slow" if measured.share.high < speed.at_least else "close"


def told(figures: Figures) -> str:
    """The shape in a line: how far from the limit it is, and how the others do."""
    share = Interval(**figures.share)
    parts = [text("gpu.share", percent=_percent(share.value), what=_limit(figures), interval=_range(share))]
    for name in ("eager", "compile"):
        if name in figures.shares:
            parts.append(text(f"gpu.against_{name}", times=f"{figures.shares[name]['value']:.2f}"))
    line = text("gpu.comma").join(parts)
    return f"{line} ★" if figures.outcome == "star" else line


def slow(figures: Figures) -> str:
    """Why a shape did not pass, and what to look at."""
    share = Interval(**figures.share)
    asked = text(
        "gpu.slow", case=figures.case, wanted=_percent(figures.at_least), what=_limit(figures), found=_range(share)
    )
    return "\n".join([asked, *advice(figures)])


def advice(figures: Figures) -> list[str]:
    """What to look at when a kernel is slow, the likeliest first."""
    found = []
    share = figures.share["value"]
    if figures.launches is not None and figures.launches > 1:
        found.append(text("gpu.look.launches", count=figures.launches))
    if figures.against == "copy":
        found.append(text("gpu.look.traffic", times=f"{1 / share:.1f}"))
        found.append(text("gpu.look.access"))
    else:
        found.append(text("gpu.look.tiles"))
        found.append(text("gpu.look.pipeline"))
    compiled = figures.shares.get("compile", {}).get("value")
    if compiled is not None and compiled < 0.9:
        found.append(text("gpu.look.compile", times=f"{1 / compiled:.1f}"))
    return found


def _limit(figures: Figures) -> str:
    return limit_of(figures.against)


def limit_of(against: str) -> str:
    """What the time is compared with, in words."""
    return text("gpu.copy") if against == "copy" else text("gpu.peer", name=against)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _range(interval: Interval) -> str:
    return f"{_percent(interval.low)}–{_percent(interval.high)}"
