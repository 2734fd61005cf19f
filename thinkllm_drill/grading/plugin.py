"""The pytest plugin that turns grader files into gradings.

In a judge it is given a session. In an ordinary pytest run from a checkout (`pytest graders/attention/test_gqa.py`) it
makes one for each grader file: of the reference, or of the file named by `--attempt`.
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from thinkllm_drill.content.library import Library
from thinkllm_drill.content.names import to_slug
from thinkllm_drill.grading import diagnose as diagnosis
from thinkllm_drill.grading.session import GradingSession, load_module
from thinkllm_drill.grading.suites import Suite
from thinkllm_drill.judge.failures import (
    AttemptDied,
    AttemptTimeout,
    GradeFailure,
    LimitExceeded,
    NotStarted,
    RuleBroken,
    Unavailable,
)
from thinkllm_drill.judge.launch import Launcher, SpawnLauncher
from thinkllm_drill.judge.limits import Limits
from thinkllm_drill.judge.link import Capture
from thinkllm_drill.judge.proxy import Attempt
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import KINDS, Cause, Check, CheckKind, CheckStatus

SESSION = pytest.StashKey[GradingSession]()
LAUNCHER = pytest.StashKey[Launcher]()
FIXTURES = frozenset({"attempt", "reference", "rng", "grading"})
"""What checks take."""


class Grading:
    """Collects, orders and runs the checks of one session, and reports each as it ends."""

    def __init__(self, session: GradingSession | None = None) -> None:
        self._given = session
        self._sessions: dict[Path, GradingSession] = {}
        self._suites: dict[Path, set[type | None]] = {}
        self.items: list[Any] = []

    def grade(self, session: GradingSession) -> None:
        """Run the checks in this session from now on."""
        self._given = session

    # fixtures

    @pytest.fixture
    def grading(self, request: pytest.FixtureRequest) -> GradingSession:
        return self.session_of(request.node)

    @pytest.fixture
    def attempt(self, request: pytest.FixtureRequest) -> Attempt:
        return self.session_of(request.node).attempt

    @pytest.fixture
    def reference(self, request: pytest.FixtureRequest) -> Any:
        return _fixture(self.session_of(request.node), request.node, "reference")

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> Any:
        return _fixture(self.session_of(request.node), request.node, "rng")

    @pytest.fixture(autouse=True)
    def _graded_instance(self, request: pytest.FixtureRequest) -> None:
        if isinstance(request.instance, Suite):
            type(request.instance).graded = self.session_of(request.node)

    def session_of(self, item: Any) -> GradingSession:
        """The session that grades this item."""
        if self._given is not None:
            return self._given
        path = Path(item.path)
        if path not in self._sessions:
            self._sessions[path] = session_from_checkout(path, item.config)
        return self._sessions[path]

    # collection

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        ours = [item for item in items if is_check(item)]
        kept = [item for item in ours if self._applies(item)]
        for item in kept:
            self._suites.setdefault(item.path, set()).add(getattr(item, "cls", None))
        kept.sort(key=_order(kept))
        items[:] = [*(item for item in items if not is_check(item)), *kept]
        self.items = kept
        if self._given is not None:
            self._given.known_cases = _case_ids(kept)
            if self._given.only_case not in (None, *self._given.known_cases):
                items[:] = []  # the caller says so
                return
            self._given.on_plan([self.plan_of(item) for item in kept])

    def _applies(self, item: Any) -> bool:
        suite, function = item.cls, item.obj
        if suite is None or not issubclass(suite, Suite) or not hasattr(Suite, item.name):
            return True
        return bool(suite.has(function._kind, self.session_of(item).forbid))

    # running

    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In a judge, the checks one after the other."""
        if self._given is None:
            return None
        for item in session.items:
            self.run(item)
        return True

    def run(self, item: Any) -> None:
        """Run an item; a check with no fixtures but ours needs nothing of what pytest does around a test."""
        if not is_check(item) or not FIXTURES | {"request", "_graded_instance"} >= set(item.fixturenames):
            runtestprotocol(item, log=False, nextitem=None)
            return
        session = self.session_of(item)
        if isinstance(item.cls, type) and issubclass(item.cls, Suite):
            item.cls.graded = session
        item.funcargs = {name: _fixture(session, item, name) for name in item._fixtureinfo.argnames}
        item.ihook.pytest_pyfunc_call(pyfuncitem=item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        if not is_check(pyfuncitem):
            return None
        session = self.session_of(pyfuncitem)
        plan, suite = self.plan_of(pyfuncitem), pyfuncitem.cls
        detail = _not_reached(session, suite, plan)
        status: CheckStatus = "skipped"
        cause = failure = None
        start = time.perf_counter()
        if detail is None:
            result, failure = _run(pyfuncitem)
            status, cause, detail = _outcome(session, suite, plan, result, failure)
        seconds = round(time.perf_counter() - start, 4)
        speeds = tuple(session.speeds) if plan.kind == "speed" else ()
        check = Check(plan.id, plan.title, plan.kind, status, seconds, cause, detail, speeds)
        session.checks.append(check)
        session.on_check(check)
        if self._given is None:
            _report(check, session, failure)
        return True

    def plan_of(self, item: Any) -> Check:
        """The check of an item before it has run."""
        return plan_of(item, several=len(self._suites.get(item.path, ())) > 1)


def _case_ids(items: list[Any]) -> tuple[str, ...]:
    """The names that `--case` takes, in the order of grading."""
    suites = dict.fromkeys(item.cls for item in items if item.cls is not None and issubclass(item.cls, Suite))
    cases = [[*suite.cases, *(probe.case for probe in suite().all_edges() if not probe.layout)] for suite in suites]
    for suite, several in zip(suites, cases, strict=True):
        ids = [case.id for case in several]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise AssertionError(f"{suite.__name__}: two cases are called {', '.join(twice)}")
    return tuple(dict.fromkeys(case.id for several in cases for case in several))


def is_check(item: Any) -> bool:
    """Whether a pytest item is a check of a grader."""
    return isinstance(item, pytest.Function) and "graders" in Path(item.path).parts


def plan_of(item: Any, *, several: bool) -> Check:
    """The check of an item before it has run: its id, title and kind."""
    function, suite = item.obj, item.cls
    kind: CheckKind = getattr(function, "_kind", "properties")
    words = getattr(function, "_title", None)
    if words is not None:
        title = words.here
    elif suite is not None and hasattr(Suite, item.name):
        title = text(f"grading.check.{kind}")
    else:
        title = (function.__doc__ or item.name.removeprefix("test_").replace("_", " ")).strip().split("\n")[0]
    own = suite is None or not hasattr(Suite, item.name)
    name = f"{kind}.{item.name.removeprefix('test_')}" if own else kind
    entry = getattr(suite, "entry", None)
    prefixed = several and entry
    if prefixed:
        title = f"{entry}: {title}"
    return Check(f"{entry}.{name}" if prefixed else name, title, kind, "skipped")


def _order(items: list[Any]) -> Any:
    """Every suite's `defined` first, then suite by suite in the order of kinds."""
    suites = list(dict.fromkeys(item.cls for item in items))
    place = {id(item): index for index, item in enumerate(items)}

    def key(item: Any) -> tuple[int, int, int, int]:
        kind = KINDS.index(getattr(item.obj, "_kind", "properties"))
        return (0 if kind == 0 else 1, suites.index(item.cls), kind, place[id(item)])

    return key


def _not_reached(session: GradingSession, suite: Any, plan: Check) -> str | None:
    """Why a check is not run, None if it is."""
    if plan.kind == "rules" and suite in session.broken_rules:
        return None
    undefined = next((failed for failed in session.stopped.values() if failed.kind == "defined"), None)
    failed = session.stopped.get(suite) or undefined
    return text("grading.not_reached", check=failed.title) if failed is not None else None


def _fixture(session: GradingSession, item: Any, name: str) -> Any:
    """What a check takes under this name."""
    match name:
        case "attempt":
            return session.attempt
        case "reference":
            return session.truth()
        case "rng":
            return session.rng(getattr(item.cls, "entry", ""), item.name)
    return session


def _run(item: pytest.Function) -> tuple[Any, BaseException | None]:
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    function = getattr(item.cls(), item.originalname) if item.cls is not None else item.obj
    try:
        return function(**arguments), None
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
        return None, error


def _outcome(
    session: GradingSession, suite: Any, plan: Check, result: Any, failure: BaseException | None
) -> tuple[CheckStatus, Cause | None, str | None]:
    if failure is None:
        return "passed", None, result if isinstance(result, str) else None
    if isinstance(failure, RuleBroken) and session.forbid and _rules_come_later(suite, plan):
        session.broken_rules[suite] = failure
        session.stopped[suite] = plan
        session.failed = session.failed or (suite, plan)
        return "skipped", None, text("grading.stopped_at_rules")
    if isinstance(failure, Unavailable):
        return "skipped", None, failure.cause.message
    if isinstance(failure, pytest.skip.Exception):
        return "skipped", None, str(failure)
    if isinstance(failure, GradeFailure):
        status, cause = failure.status, failure.cause
    elif isinstance(failure, AssertionError | pytest.fail.Exception) and str(failure) and not _is_ours(failure):
        status, cause = "wrong", Cause(str(failure).split("\nassert ")[0])
    else:
        import traceback

        shown = "".join(traceback.format_exception(failure))[-3000:]
        return (
            "internal",
            Cause(text("grading.internal", error=f"{type(failure).__name__}: {failure}") + "\n" + shown),
            None,
        )
    if status != "skipped":
        session.stopped.setdefault(suite, plan)
    if status != "skipped" and session.failed is None:
        session.failed = suite, plan
        session.failure = failure if isinstance(failure, GradeFailure) else None
    return status, cause, None


def _rules_come_later(suite: Any, plan: Check) -> bool:
    """Whether a check of the rules will report a forbidden call that this check has met."""
    return isinstance(suite, type) and issubclass(suite, Suite) and KINDS.index(plan.kind) < KINDS.index("rules")


def _is_ours(failure: BaseException) -> bool:
    """Whether an assertion of the engine failed, and not one in a grader file."""
    if isinstance(failure, pytest.fail.Exception):
        return False
    traceback = failure.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is None or "graders" not in Path(traceback.tb_frame.f_code.co_filename).parts


def _report(check: Check, session: GradingSession, failure: BaseException | None) -> None:
    if check.status == "passed":
        return
    if check.status == "skipped":
        pytest.skip(check.detail or "")
    if check.status == "internal" and failure is not None:
        raise failure
    cause = check.cause or Cause("")
    lines = [f"{check.status}: {cause.message}", f"seed {session.seed}"]
    lines += [f"{name}: {value}" for name in ("case", "expected", "actual", "where") if (value := getattr(cause, name))]
    lines += [f"line {frame.line}, {frame.function}: {frame.code}" for frame in cause.frames]
    pytest.fail("\n".join(lines), pytrace=False)


# an ordinary pytest run


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("thinkllm")
    group.addoption("--attempt", default=None, help="grade this file instead of the reference")
    group.addoption("--seed", dest="grading_seed", default=None, help="16 hex digits: replay the inputs of a run")


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("thinkllm-grading"):
        config.pluginmanager.register(Grading(), "thinkllm-grading")


def pytest_unconfigure(config: pytest.Config) -> None:
    launcher = config.stash.get(LAUNCHER, None)
    if launcher is not None:
        launcher.close()


def session_from_checkout(grader: Path, config: pytest.Config) -> GradingSession:
    """A session that grades the reference, or the file that `--attempt` names."""
    library = Library(grader.parents[2])
    slug = to_slug(grader.stem.removeprefix("test_"))
    paths = library.paths(slug)
    attempt = config.getoption("--attempt")
    file = Path(attempt) if attempt else paths.solution
    if LAUNCHER not in config.stash:
        config.stash[LAUNCHER] = SpawnLauncher(Limits().memory_bytes)
    return make_session(
        library, slug, file.read_bytes(), str(file), config.stash[LAUNCHER], config.getoption("grading_seed")
    )


def make_session(
    library: Library, slug: str, source: bytes, filename: str, launcher: Launcher, seed: str | None = None, **more: Any
) -> GradingSession:
    """A session of one exercise and one source; `attempt_launcher` is where the runners of the source come from."""
    exercise, paths = library.exercise(slug), library.paths(slug)
    limits = Limits(call_seconds=exercise.seconds or Limits().call_seconds)
    kernels = "triton" in exercise.needs
    interrupted, own = more.pop("interrupted", None), more.pop("attempt_launcher", launcher)

    def attempt(launcher: Launcher, text: bytes, name: str, capture: Capture, forbid: tuple[str, ...]) -> Attempt:
        return Attempt(
            launcher,
            text,
            name,
            forbid=forbid,
            limits=limits,
            capture=capture,
            interrupted=interrupted,
            kernels=kernels,
        )

    return GradingSession(
        slug=slug,
        seed=seed or secrets.token_hex(8),
        api=tuple(exercise.api),
        forbid=tuple(exercise.forbid),
        attempt=attempt(own, source, filename, Capture(), tuple(exercise.forbid)),
        module=load_module(paths.solution, f"thinkllm_reference_{paths.solution.stem}"),
        suspect=attempt(launcher, b"", "mistake.py", Capture(), ()),
        paths=paths,
        needs=tuple(exercise.needs),
        limits=limits,
        **more,
    )


def find_diagnosis(session: GradingSession, items: list[Any]) -> None:
    """Look for the known mistake behind the first failure of a finished session."""
    if session.failed is None or session.failed[0] in session.broken_rules or not session.diagnose:
        return
    if isinstance(session.failure, AttemptDied | AttemptTimeout | LimitExceeded | NotStarted):
        return
    suite_class, plan = session.failed
    if suite_class is None or plan.kind in ("defined", "speed"):
        return
    suite = suite_class()
    ours = (item for item in items if item.cls is suite_class and not hasattr(Suite, item.name))
    own = next((item for item in ours if plan.id.endswith(plan_of(item, several=False).id)), None)
    own_test = None if own is None else lambda attempt: _call_own(session, suite, own, attempt)
    session.diagnosis = diagnosis.diagnose(session, suite, plan.kind, own_test)


def _call_own(session: GradingSession, suite: Any, item: Any, attempt: Attempt) -> None:
    names = FIXTURES.intersection(item._fixtureinfo.argnames)
    values = {name: _fixture(session, item, name) for name in names}
    getattr(suite, item.name)(**values | ({"attempt": attempt} if "attempt" in names else {}))
