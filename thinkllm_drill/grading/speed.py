"""How a grader file declares how fast a kernel has to be, as parts of what the device was measured to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from thinkllm_drill.grading.cases import Case, case


@dataclass(frozen=True)
class Speed:
    """One timed shape of a kernel.

    Attributes:
        case: its title and the parameters of `inputs`; scored shapes take 100 µs or more on a data-centre GPU.
        bytes: the fewest bytes that any implementation must move; compared with the measured copy bandwidth.
        flops: the floating-point operations; only told. A case of `bytes` or one of `peer` decides.
        peer: the suite's method that the time is compared with (cuBLAS, SDPA), for kernels that are compute-bound.
        at_least: the part of the copy bandwidth, or of the peer's speed, that passes.
        star: the part that earns a star.
    """

    case: Case
    bytes: int | None
    flops: int | None
    peer: str | None
    at_least: float
    star: float


def speed(
    *,
    en: str,
    zh: str,
    bytes: int | None = None,
    flops: int | None = None,
    peer: str | None = None,
    at_least: float = 0.6,
    star: float = 0.8,
    dtype: str = "bfloat16",
    **params: Any,
) -> Speed:
    """Declare a timed shape in a suite's `speeds`; all other keywords go to the suite's `inputs`.

    Raises:
        ValueError: neither `bytes` nor `peer` says what the time is compared with.
    """
    if bytes is None and peer is None:
        raise ValueError("speed() needs bytes, the fewest to move, or peer, a method to compare with")
    return Speed(replace(case(en=en, zh=zh, **params), dtype=dtype), bytes, flops, peer, at_least, star)
