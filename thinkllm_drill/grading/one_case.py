"""Runs one case of a grader once, for a learner who watches: nothing is shrunk, repeated or looked into.

A pytest plugin beside `plugin.Grading`: of the collected checks it keeps the one that is wanted, and where that check
is of the battery, runs one probe of it.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from thinkllm_drill.errors import UsageError
from thinkllm_drill.grading import battery, explain
from thinkllm_drill.grading.compare import Mismatch
from thinkllm_drill.grading.observe import Outcome, parts
from thinkllm_drill.grading.plugin import Grading
from thinkllm_drill.grading.session import GradingSession
from thinkllm_drill.grading.show import show
from thinkllm_drill.grading.suites import Suite
from thinkllm_drill.judge.failures import GradeFailure
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Cause, Check

LINES = 12
KINDS = {"values": battery.FORWARD, "edges": battery.FORWARD, "gradients": battery.BACKWARD}


@dataclass(frozen=True)
class Wanted:
    """What to run: a check by its id, a case by its name, or the probe that a verdict names; all may be missing."""

    check: str | None = None
    case: str | None = None
    probe: Mapping[str, Any] | None = None


class OneCase:
    """The plugin; `result` is the last event once the case has run.

    Args:
        session: whose attempt is run.
        wanted: what to run.
        emit: takes the event that tells what is about to run.
    """

    def __init__(self, session: GradingSession, wanted: Wanted, emit: Callable[[dict[str, Any]], None]) -> None:
        self.plugin = Grading(session)
        self.result: dict[str, Any] | None = None
        self._session, self._wanted, self._emit = session, wanted, emit
        self._item: Any = None
        self._probe: battery.Probe | None = None
        self._error: UsageError | None = None

    @pytest.hookimpl(hookwrapper=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Iterator[None]:
        """Keep the one check."""
        yield
        try:
            self._item, self._probe = self._chosen(self.plugin.items)
        except UsageError as error:
            self._error = error
        items[:] = [] if self._item is None else [self._item]

    def pytest_sessionfinish(self) -> None:
        """Tell how it ended."""
        if self._error is not None:
            self.result = {
                "event": "problem",
                "message": self._error.message,
                "hint": self._error.hint,
                "exit_code": self._error.exit_code,
            }
        elif self.result is None and self._session.checks:
            self._ended(self._session.checks[-1])

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
        """Run one probe; a whole check is run by the other plugin."""
        plan = self.plugin.plan_of(pyfuncitem)
        told = {"check": asdict(plan), "seed": self._session.seed, "case": None}
        if self._probe is None:
            self._emit({"event": "case", **told})
            return None
        self._emit({"event": "case", **told, "case": explain.named(self._probe)})
        suite, check = pyfuncitem.cls(), _inputs_of(pyfuncitem)
        try:
            shown = self._run(suite, self._probe, check)
        except GradeFailure as failure:
            cause = replace(failure.cause, case=explain.named(self._probe), rerun=self._probe.case.id)
            self._ended(replace(plan, status=failure.status, cause=cause))
        except Exception:
            fault = text("grading.internal", error=traceback.format_exc()[-1500:])
            self._ended(replace(plan, status="internal", cause=Cause(fault)))
        else:
            self._ended(replace(plan, status="passed"), shown)
        return True

    def _ended(self, check: Check, shown: str | None = None) -> None:
        self.result = {"event": "result", "check": asdict(check), "returned": shown}

    # which case

    def _chosen(self, items: list[Any]) -> tuple[Any, battery.Probe | None]:
        """The check to run, and the probe where it is one of the battery."""
        wanted = self._wanted
        item = next((each for each in items if self.plugin.plan_of(each).id == wanted.check), None)
        if wanted.case is not None:
            ordered = sorted((each for each in items if _probed(each)), key=lambda each: each is not item)
            for each in ordered:
                found = [probe for probe in self._probes(each) if probe.case.id == wanted.case]
                if found:
                    return each, self._exact(each, found) or found[0]
            raise self._unknown()
        if item is None:
            item = next((each for each in items if _probed(each)), None) or next(iter(items[1:]), None)
        if item is not None and _of_battery(item, "contract") and wanted.probe is not None:
            return item, self._exact(item, [battery.Probe(item.cls.cases[0])])
        if item is None or not _probed(item):
            return item, None
        probes = self._probes(item)
        return item, self._exact(item, probes) or next(iter(probes), None)

    def _probes(self, item: Any) -> list[battery.Probe]:
        item.cls.graded = self._session
        return battery.probes_of(self._session, item.cls(), item.obj._kind)

    def _exact(self, item: Any, probes: list[battery.Probe]) -> battery.Probe | None:
        """The probe that the verdict names, with its sizes."""
        named = self._wanted.probe
        if named is None or self.plugin.plan_of(item).id != self._wanted.check:
            return None
        for probe in probes:
            if (probe.case.id, probe.layout, probe.cotangent) == (named["case"], named["layout"], named["cotangent"]):
                params = probe.case.params
                sizes = {name: _as(params[name], v) for name, v in named["sizes"].items() if name in params}
                return replace(probe, case=probe.case.with_params({**params, **sizes}), draw=named["draw"])
        return None

    def _unknown(self) -> UsageError:
        known, case = self._session.known_cases, self._wanted.case or ""
        close = difflib.get_close_matches(case, known, 1, 0.0)
        return UsageError(
            text("grading.unknown_case", case=case, known=", ".join(known)),
            hint=f"thinkllm debug {self._session.slug}" + (f" --case {close[0]}" if close else ""),
        )

    # running it

    def _run(self, suite: Suite, probe: battery.Probe, check: str) -> str | None:
        """What the attempt showed, where that is right; a GradeFailure otherwise."""
        session, kind = self._session, KINDS[check]
        truth = battery.truth_of(session, suite, probe, check, kind)
        outcome = battery.run_attempt(session, suite, probe, check, kind)
        found = battery.judged(suite, probe, kind, truth, outcome)
        if isinstance(found, Mismatch):
            exact = battery.conditioned(session, suite, probe, check, kind, truth)
            found = battery.judged(suite, probe, kind, exact, outcome)
        if isinstance(found, Mismatch):
            raise explain.failure(session, suite, probe, check, kind, found)
        if found is not None:
            raise found
        if (problem := battery.changed_in_place(suite, outcome)) is not None:
            raise problem
        return _shown(outcome)


def _probed(item: Any) -> bool:
    """Whether a check runs probes of the battery."""
    return any(_of_battery(item, kind) for kind in KINDS)


def _of_battery(item: Any, kind: str) -> bool:
    """Whether a check is that one of the battery, as all suites have it."""
    suite, name = item.cls, item.name
    if suite is None or not issubclass(suite, Suite) or getattr(item.obj, "_kind", None) != kind:
        return False
    return getattr(suite, name) is getattr(Suite, name, None)


def _inputs_of(item: Any) -> str:
    """The check whose inputs a check of the battery takes."""
    return "values" if item.obj._kind == "contract" else str(item.obj._kind)


def _as(declared: Any, value: Any) -> Any:
    """A size that has travelled as JSON, in the type in which it was declared."""
    return tuple(value) if type(declared) is tuple else value


def _shown(outcome: Outcome) -> str | None:
    """All that the attempt showed, a line or more each."""
    lines: list[str] = []
    for label, value in outcome.observations:
        for path, leaf in parts(value):
            tensor = torch.from_numpy(leaf) if isinstance(leaf, np.ndarray) else leaf
            _, shown = show(Mismatch("wrong", "", expected=tensor, actual=tensor))
            name = f"{label}{path}"
            indent = "\n" + " " * (len(name) + 2 if name else 0)
            lines += ((f"{name}: " if name else "") + (shown or "").replace("\n", indent)).split("\n")
    return "\n".join(lines[:LINES] + ["…"] * (len(lines) > LINES)) or None
