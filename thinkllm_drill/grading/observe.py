"""What a scenario shows: labelled values, frozen at the moment they were shown, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from thinkllm_drill.grading.local import LocalObject, raised
from thinkllm_drill.judge.failures import AttemptRaised, GradeFailure
from thinkllm_drill.judge.remote import Raised, RemoteObject
from thinkllm_drill.judge.wire import Record, as_record


@dataclass(frozen=True)
class Outcome:
    """The observations of one run of a scenario; one that raised ends with a `Raised`.

    `failure` is what an attempt's run ended with otherwise: no answer, a limit, a broken rule.
    """

    observations: tuple[tuple[str, Any], ...] = ()
    changed: tuple[str, ...] = ()
    failure: GradeFailure | None = field(default=None, compare=False)

    def part(self, index: int) -> Outcome:
        """One observation alone; none, where there are fewer."""
        return Outcome(self.observations[index : index + 1])


def freeze(value: Any) -> Any:
    """A copy that later calls cannot change: tensors detached and cloned, objects as records."""
    if isinstance(value, RemoteObject | LocalObject):
        if isinstance(value, RemoteObject) and value._opaque.kind != "object":
            return value
        fetched = value.fetch()
        return value if isinstance(fetched, RemoteObject) else freeze(fetched)
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(freeze(item) for item in value)
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    record = as_record(value)
    if record is not None:
        name, fields, is_tuple = record._record
        return Record(name, {key: freeze(item) for key, item in fields.items()}, is_tuple=is_tuple)
    return value


def detached(value: Any) -> Any:
    """The value with its tensors detached; objects that live elsewhere are left there."""
    if isinstance(value, Tensor):
        return value.detach()
    if type(value) in (list, tuple):
        return type(value)(detached(item) for item in value)
    if isinstance(value, dict):
        return {key: detached(item) for key, item in value.items()}
    return value


def observe(scenario: Callable[[], Iterable[Any]], *, trusted: bool) -> Outcome:
    """Run a scenario to its end.

    Args:
        scenario: returns an iterator of `(label, value)` pairs or bare values.
        trusted: the implementation is the reference, whose exceptions are observations; those of the grader itself
            are not told apart from them.
    """
    shown: list[tuple[str, Any]] = []
    try:
        for label, value in labelled(scenario()):
            shown.append((label, freeze(value)))
    except AttemptRaised as failure:
        shown.append(("", Raised(failure.type_name, failure.bases, failure)))
        return Outcome(tuple(shown), failure=failure)
    except GradeFailure as failure:
        return Outcome(tuple(shown), failure=failure)
    except Exception as error:
        if not trusted:
            raise
        shown.append(("", raised(error)))
    return Outcome(tuple(shown))


def labelled(shown: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Pairs of label and value; a bare value has the label ""."""
    for item in shown:
        if type(item) is tuple and len(item) == 2 and type(item[0]) is str:
            yield item
        else:
            yield "", item


def parts(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested tuples, lists, dicts and records, each with its path."""
    if isinstance(value, Record):
        for name, item in value._record[1].items():
            yield from parts(item, f"{path}.{name}")
    elif type(value) in (list, tuple):
        for index, item in enumerate(value):
            yield from parts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from parts(item, f"{path}[{key!r}]")
    else:
        yield path, value


def all_finite(outcome: Outcome) -> bool:
    """Whether something was shown, no exception is among it, and no NaN or infinity."""
    leaves = [leaf for _, value in outcome.observations for _, leaf in parts(value)]
    return bool(leaves) and all(_is_finite(leaf) for leaf in leaves)


def _is_finite(leaf: Any) -> bool:
    if isinstance(leaf, Tensor | np.ndarray | np.generic | float):
        numbers = torch.as_tensor(leaf)
        return not (numbers.is_floating_point() or numbers.is_complex()) or bool(numbers.isfinite().all())
    return not isinstance(leaf, Raised)


def discrete(outcome: Outcome) -> list[Any]:
    """All in an outcome that rounding must not decide: what is not a finite float, and the places of those that are."""
    found: list[Any] = []
    for label, value in outcome.observations:
        for path, leaf in parts(value):
            if isinstance(leaf, np.ndarray | np.generic):
                leaf = torch.from_numpy(np.asarray(leaf).copy())
            if isinstance(leaf, Tensor):
                if leaf.is_complex():
                    leaf = torch.view_as_real(leaf.resolve_conj())
                pattern = leaf.nan_to_num(0.0, 1.0, -1.0) * ~leaf.isfinite() if leaf.is_floating_point() else leaf
                kinds = leaf.isnan().tolist() if leaf.is_floating_point() else None
                found.append((label, path, tuple(leaf.shape), pattern.tolist(), kinds))
            elif isinstance(leaf, float):
                found.append((label, path, leaf if leaf - leaf != 0 and leaf == leaf else leaf != leaf))
            elif isinstance(leaf, Raised):
                found.append((label, path, leaf.type_name))
            elif not isinstance(leaf, torch.dtype):  # that of the run
                found.append((label, path, repr(leaf)))
    return found
