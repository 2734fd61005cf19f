"""How a grader file declares its data: cases, titles and kinds of checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from thinkllm_drill import locale
from thinkllm_drill.verdict import CheckKind

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Words:
    """A short text in both languages."""

    en: str
    zh: str

    @property
    def here(self) -> str:
        """The text in the current language."""
        return self.zh if locale.current() == "zh" else self.en


@dataclass(frozen=True)
class Case:
    """One set of parameters of a suite's scenario.

    `reduction` is the length of the longest sum behind an output element, for the tolerance; `factor` says directly how
    many roundoffs an answer may be off, where honest ones were measured; `dtype` is that of the floating-point inputs.
    """

    words: Words
    params: Mapping[str, Any] = field(default_factory=dict)
    reduction: int | None = None
    dtype: str = "float32"
    factor: float | None = None

    @property
    def id(self) -> str:
        """The name that `--case` takes."""
        words = self.words.en.lower().replace("±", "plus-minus-")
        return re.sub(r"[^a-z0-9]+", "-", words).strip("-")

    def with_params(self, params: Mapping[str, Any]) -> Case:
        """The case with other parameters."""
        return replace(self, params=dict(params))

    def describe(self) -> str:
        """The parameters in words: `batch 1, heads 2, seq_len 3`."""
        shown = [f"{name} {_short(value)}" for name, value in self.params.items()]
        if self.dtype != "float32":
            shown.append(self.dtype)
        return ", ".join(shown)


def case(
    *,
    en: str,
    zh: str,
    reduction: int | None = None,
    dtype: str = "float32",
    factor: float | None = None,
    **params: Any,
) -> Case:
    """Declare a case; all other keywords go to the suite's `run`, `inputs` and `config`."""
    return Case(Words(en, zh), params, reduction, dtype, factor)


def title(*, en: str, zh: str) -> Callable[[F], F]:
    """Give an own test its title in both languages."""

    def decorate(function: F) -> F:
        function._title = Words(en, zh)  # type: ignore[attr-defined]
        return function

    return decorate


def check(kind: CheckKind) -> Callable[[F], F]:
    """Say which kind of check an own test is; without it, "properties"."""

    def decorate(function: F) -> F:
        function._kind = kind  # type: ignore[attr-defined]
        return function

    return decorate


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
