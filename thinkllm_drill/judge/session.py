"""The judge: grades one attempt by running its grader file under pytest, in this process.

Runs in a fork of the service, or in the service itself where runners are spawned. It holds the reference, the seed and
the tolerances, and never runs a line of the attempt.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import io
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from thinkllm_drill import locale
from thinkllm_drill.content.library import Library
from thinkllm_drill.errors import ThinkLLMError, UsageError
from thinkllm_drill.judge import requests
from thinkllm_drill.judge.kernels import import_interpreted
from thinkllm_drill.judge.launch import Launcher
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import CheckRequest, Verdict, VerdictStatus

QUIET_PLUGINS = [
    "cacheprovider",
    "terminal",
    "unraisableexception",
    "threadexception",
    "logging",
    "warnings",
    "junitxml",
    "pastebin",
    "faulthandler",
    "doctest",
    "stepwise",
    "setuponly",
    "setupplan",
    "recwarn",
    "tmpdir",
    "monkeypatch",
    "legacypath",
    "debugging",
]

Emit = Callable[[dict[str, Any]], None]


def serve(
    message: dict[str, Any],
    emit: Emit,
    launcher: Launcher,
    interrupted: Callable[[], None] | None,
    check: Callable[..., Verdict] | None = None,
) -> None:
    """Answer one request, a check by `check` where it is given; the last event tells how it ended in any case."""
    sys.set_int_max_str_digits(0)  # an attempt may answer with a longer number, and it is to be shown
    try:
        locale.use(message.get("lang", "en"))
        if message["type"] == "check":
            (check or grade)(requests.parse_check(message), emit, launcher, interrupted)
        elif message["type"] == "measure":
            emit(_measured(message, emit, launcher))
        elif message["type"] == "debug":
            emit(_debugged(requests.parse_check(message), emit))
        elif message["type"] == "example":
            emit({"event": "result", "problems": run_example(message)})
        else:
            emit({"event": "problem", "message": f"unknown request {message['type']!r}", "traceback": ""})
    except ThinkLLMError as error:
        emit({"event": "problem", "message": error.message, "hint": error.hint, "exit_code": error.exit_code})
    except BrokenPipeError:
        raise
    except Exception as error:
        emit({"event": "problem", "message": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})


def grade(
    request: CheckRequest, emit: Emit, launcher: Launcher, interrupted: Callable[[], None] | None = None
) -> Verdict:
    """The verdict on one attempt; each check is emitted as it ends, the verdict before the runners are."""
    start = time.monotonic()
    library = Library(Path(request.content))
    exercise, paths = library.exercise(request.slug), library.paths(request.slug)
    device_for(request, exercise.needs)
    missing = [name for name in exercise.needs if importlib.util.find_spec(name) is None]
    if missing:
        unavailable = _unavailable(request, text("grading.no_triton"), start)
        emit(requests.verdict_event(unavailable))
        return unavailable
    if "triton" in exercise.needs:
        import_interpreted()
    session = session_for(request, library, emit, launcher, interrupted=interrupted)
    try:
        verdict = _verdict(request, session, paths.grader, start)
        emit(requests.verdict_event(verdict))
    finally:
        session.attempt.close()
        session.suspect.close()
    return verdict


def device_for(request: CheckRequest, needs: Sequence[str]) -> str:
    """Where an attempt is graded beside the CPU: "cuda" where that is asked for, or there for a kernel to be timed.

    Raises:
        UsageError: it is asked for, and there is none, or nothing to do on it.
    """
    if request.device == "cpu" or ("triton" not in needs and request.device == "auto"):
        return "cpu"
    from thinkllm_drill.gpu import facts

    hint = text("gpu.no_device_hint", slug=request.slug)
    if request.device == "cuda" and "triton" not in needs:
        raise UsageError(text("gpu.nothing_to_time", slug=request.slug), hint=hint)
    if request.device == "cuda" and not facts.present():
        raise UsageError(text("gpu.no_device"), hint=hint)
    return "cuda" if facts.present() else "cpu"


def session_for(request: CheckRequest, library: Library, emit: Emit, launcher: Launcher, **more: Any) -> Any:
    """The session that a request asks for; it emits its plan and its checks."""
    from thinkllm_drill.grading.plugin import make_session

    more.setdefault("device", device_for(request, library.exercise(request.slug).needs))
    patient = {"shrink": False, "diagnosis_seconds": 60.0} if request.options.get("patient") else {}
    session = make_session(
        library,
        request.slug,
        request.source,
        request.file,
        launcher,
        more.pop("seed", request.seed),
        only_case=request.case,
        diagnose=request.diagnose,
        on_plan=lambda checks: emit(requests.plan_event(checks)),
        on_check=lambda check: emit(requests.check_event(check)),
        **patient,
        **more,
    )
    if "call_seconds" in request.options:
        session.attempt.limit(replace(session.limits, call_seconds=float(request.options["call_seconds"])))
    return session


def _verdict(request: CheckRequest, session: Any, grader: Path, start: float) -> Verdict:
    """Run the checks of a session."""
    from thinkllm_drill.grading.plugin import Grading

    plugin = Grading(session)
    code, printed = run_pytest(grader, [plugin])
    if request.case not in (None, *session.known_cases) and session.known_cases:
        close = difflib.get_close_matches(request.case or "", session.known_cases, 1, 0.0)
        raise UsageError(
            text("grading.unknown_case", case=request.case, known=", ".join(session.known_cases)),
            hint=f"thinkllm check {request.slug} --case {close[0]}",
        )
    return verdict_of(request, session, plugin, code, printed, start)


def verdict_of(request: CheckRequest, session: Any, plugin: Any, code: int, printed: str, start: float) -> Verdict:
    """The verdict on a session whose checks have run.

    Args:
        request: what was asked.
        session: the session.
        plugin: the pytest plugin that ran the checks.
        code: pytest's exit code.
        printed: what pytest said.
        start: when the grading began, on the monotonic clock.
    """
    from thinkllm_drill.grading.plugin import find_diagnosis

    find_diagnosis(session, plugin.items)
    checks = tuple(session.checks)
    note = None
    if code not in (0, 1) or not checks:
        note = text("grading.internal", error=printed.strip()[-1500:] or f"pytest {code}")
    return Verdict(
        slug=request.slug,
        file=request.file,
        status=status_of(session, broken=note is not None),
        seed=session.seed,
        seconds=round(time.monotonic() - start, 3),
        device=session.device,
        checks=checks,
        diagnosis=session.diagnosis,
        stdout=session.attempt.printed,
        note=note,
    )


def _measured(message: dict[str, Any], emit: Emit, launcher: Launcher) -> dict[str, Any]:
    """Measure what a message asks for; the last event."""
    from thinkllm_drill.judge.measure import Job, measure

    job = Job(**{key: value for key, value in message.items() if key not in ("type", "content", "lang")})
    if "triton" in Library(Path(message["content"])).exercise(job.slug).needs:
        import_interpreted()
    wrong = measure(job, message["content"], lambda m: emit({"event": "measured", **asdict(m)}), launcher, status_of)
    return {"event": "result", "problems": [wrong] if wrong else []}


def _debugged(request: CheckRequest, emit: Emit) -> dict[str, Any]:
    """Run one case on the attempt in the learner's own process; the last event."""
    from thinkllm_drill.grading.one_case import OneCase, Wanted
    from thinkllm_drill.judge.foreground import ForegroundLauncher, patient

    library = Library(Path(request.content))
    exercise, paths = library.exercise(request.slug), library.paths(request.slug)
    if "triton" in exercise.needs:
        import_interpreted()
    launcher = ForegroundLauncher(request.options["runner"])
    session = session_for(replace(request, case=None), library, lambda event: None, launcher, shrink=False)
    patient(session.attempt, request.source)
    try:
        one = OneCase(session, Wanted(request.options.get("check"), request.case, request.options.get("probe")), emit)
        _, printed = run_pytest(paths.grader, [one.plugin, one])
        if one.result is None:
            raise RuntimeError(printed.strip()[-1500:] or "no check was run")
        return one.result
    finally:
        session.attempt.close()


def run_pytest(grader: Path, plugins: list[Any]) -> tuple[int, str]:
    """Run a grader file so that nothing near the learner's files can influence it; the exit code and what was said."""
    import pytest

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    folder = str(grader.parent)
    arguments = ["-c", os.devnull, "--rootdir", folder, "--confcutdir", folder, "--import-mode=importlib", "-s"]
    arguments += ["--assert=plain"]
    for name in QUIET_PLUGINS:
        arguments += ["-p", f"no:{name}"]
    _forget_modules_in(folder)
    errors = _Errors()
    quiet = io.StringIO()
    sys.dont_write_bytecode = True
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        code = int(pytest.main([*arguments, str(grader)], plugins=[*plugins, errors]))
    return code, errors.text or quiet.getvalue()


def _forget_modules_in(folder: str) -> None:
    """Have the graders read anew: a service that does not fork keeps what it has imported, but files change."""
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__dict__", {}).get("__file__", "")).startswith(folder + os.sep):
            del sys.modules[name]


class _Errors:
    """Keeps what pytest reports of failures outside the checks: a grader that cannot be imported."""

    def __init__(self) -> None:
        self.text = ""

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.text += str(report.longrepr)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and report.when != "call":
            self.text += str(report.longrepr)

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.text += str(excrepr)


def status_of(session: Any, *, broken: bool) -> VerdictStatus:
    """The status of the verdict on a session whose checks have run."""
    checks = session.checks
    if broken or any(check.status == "internal" for check in checks):
        return "internal"
    failure = next((check for check in checks if check.status not in ("passed", "skipped")), None)
    if failure is not None:
        cannot_load = failure.kind == "defined" and failure.status in ("error", "timeout", "limit")
        return "error" if cannot_load else "failed"
    if not any(check.kind == "values" and check.status == "passed" for check in checks):
        return "unavailable"
    if any(check.kind == "speed" and check.status == "skipped" for check in checks):
        return "passed_speed_unmeasured"
    return "passed"


def _unavailable(request: CheckRequest, reason: str, start: float) -> Verdict:
    seconds = round(time.monotonic() - start, 3)
    return Verdict(request.slug, request.file, "unavailable", request.seed or "", seconds, note=reason)


def run_example(message: dict[str, Any]) -> list[str]:
    """What is wrong with a statement's example when it runs on the reference; trusted code."""
    import doctest

    from thinkllm_drill.grading.session import load_module

    library = Library(Path(message["content"]))
    exercise, paths = library.exercise(message["slug"]), library.paths(message["slug"])
    if any(importlib.util.find_spec(name) is None for name in exercise.needs):
        return []
    if "triton" in exercise.needs:
        import_interpreted()
    module = load_module(paths.solution, "thinkllm_example")
    test = doctest.DocTestParser().get_doctest(message["doctest"], vars(module).copy(), "example", None, 0)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(test, out=report.write)
    return [report.getvalue().strip()] if report.getvalue() else []


def environment() -> dict[str, str]:
    """Versions that a verdict depends on."""
    import numpy
    import torch

    return {"python": platform.python_version(), "torch": str(torch.__version__), "numpy": numpy.__version__}
