"""What each key of the full-screen view asks of the interviewer, and what is shown of the answer."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from thinkllm_drill.cli import mock_view_keys, mock_view_stage
from thinkllm_drill.cli.keys import Keys
from thinkllm_drill.cli.line import edited
from thinkllm_drill.cli.mock_view_draw import Asking, Confirm, Page
from thinkllm_drill.cli.mock_view_keys import View
from thinkllm_drill.cli.screen import Screen
from thinkllm_drill.errors import InternalError, UsageError
from thinkllm_drill.interview.engine import Checked, Submitted
from thinkllm_drill.interview.model import Interview, Problem, Run
from thinkllm_drill.verdict import Verdict

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUESTIONS = tuple(SimpleNamespace(id=f"q{n}", ask=SimpleNamespace(here=f"How many, {n}?")) for n in (1, 2))


def _verdict(status: str = "passed") -> Verdict:
    return Verdict("relu", "relu.py", status, "", 0.1)  # type: ignore[arg-type]


class Desk:
    """Records what it is asked, and plays an interview of two problems."""

    def __init__(self, folder: Path) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.at = START
        self.asks: list[Any] = []
        self.asked: list[str] = []
        self.unchanged = False
        self.fault: Exception | None = None
        problems = []
        for slug in ("relu", "gelu"):
            file = folder / f"{slug}.py"
            file.write_text("x = 1\n")
            problems.append(Problem(slug, 5, "easy", str(file)))
        self.interview = Interview(
            "1",
            START,
            START + timedelta(minutes=10),
            10,
            "ab",
            2,
            problems=tuple(problems),
            focus="relu",
            last_at=START,
        )

    def now(self) -> datetime:
        return self.at

    def get(self, id_: str) -> Interview:
        return self.interview

    def sync(self, interview: Interview) -> Interview:
        if self.interview.finished_at is None and self.interview.remaining(self.at) == 0:
            self._become(finished_at=self.interview.deadline, reason="deadline", focus=None)
        return self.interview

    def pending(self, interview: Interview) -> list[Any]:
        return [(self.interview.problems[0], each) for each in self.asks]

    def questions(self, slug: str) -> list[Any]:
        return list(QUESTIONS)

    def unreadable(self, question: Any, given: str) -> str | None:
        return "It cannot be read." if given == "?" else None

    def run_before(self, problem: Problem) -> Run | None:
        return problem.runs[-1] if problem.runs and self.unchanged else None

    def run(self, slug: str) -> Checked:
        self._note("run", slug)
        if (before := self.run_before(self.interview.problem(slug))) is not None:
            return Checked(before, repeated=True)
        run = Run(self.at, _verdict("failed"), "hash")
        self._change(slug, runs=(*self.interview.problem(slug).runs, run))
        return Checked(run)

    def submit(self, slug: str) -> Submitted:
        self._note("submit", slug)
        self._change(slug, submitted_at=self.at, verdict=_verdict())
        self._become(focus=next((each.slug for each in self.interview.problems if each.open), None))
        self.asks = list(QUESTIONS)
        return Submitted(self.interview.problem(slug), None)

    def focus(self, slug: str) -> Problem:
        self._note("focus", slug)
        self._become(focus=slug)
        return self.interview.problem(slug)

    def answer(self, slug: str, question: Any, given: str) -> None:
        self._note("answer", slug, question.id, given)
        self.asks.remove(question)
        self._become(last_at=self.at)

    def ask(self, slug: str, question: Any) -> None:
        self.asked.append(question.id)

    def put_off(self) -> None:
        if self.asked:
            self.asked.append("later")

    def restore(self, slug: str) -> None:
        self._note("restore", slug)

    def finish(self) -> Interview:
        self._note("finish")
        self._become(finished_at=self.at, reason="ended", focus=None)
        return self.interview

    def finish_if_done(self) -> Interview | None:
        done = not self.asks and not any(problem.open for problem in self.interview.problems)
        return self.finish() if done else None

    def _note(self, *call: Any) -> None:
        if self.fault is not None:
            raise self.fault
        self.calls.append(call)

    def _change(self, slug: str, **rest: Any) -> None:
        problems = (replace(each, **rest) if each.slug == slug else each for each in self.interview.problems)
        self._become(problems=tuple(problems))

    def _become(self, **rest: Any) -> None:
        self.interview = replace(self.interview, **rest)


class Now:
    """Work that was done before it began."""

    slow = False

    def __init__(self, session: Any, job: Callable[..., Any], wake: Callable[[], None]) -> None:
        self.says, self.error, self.result, self.notices = "", None, None, []
        self._job, self._session = job, session
        self.cancelled = False
        self.done = False
        if not self.slow:
            self.end()

    def end(self) -> None:
        self.done = True
        try:
            self.result = self._job(self._session, self._session.desk, lambda words: None)
        except Exception as error:
            self.error = error  # type: ignore[assignment]

    def cancel(self, wait: float = 0.0) -> None:
        self.cancelled = True


class Full:
    """A screen that nobody looks at."""

    def __init__(self) -> None:
        self.screen = Screen(io.StringIO(), {})
        self.screen.width, self.screen.height = 80, 24
        self.shown: list[list[str]] = []

    def show(self, lines: list[str], cursor: Any = None) -> None:
        self.shown.append(lines)

    def enter(self) -> None:
        self.shown.append([])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def view(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.setattr(Now, "slow", False)
    outcome = (SimpleNamespace(), Path("/reports/mock-1.html"))
    monkeypatch.setattr(mock_view_stage, "conclude", lambda session, desk, interview, told: outcome)
    monkeypatch.setattr(mock_view_stage.pages, "result", lambda *outcome: lambda screen: ["Interview 1: 70 of 100"])
    monkeypatch.setattr(
        mock_view_keys.pages, "statement", lambda session, slug: lambda screen: [f"{slug} {n}" for n in range(60)]
    )
    session = SimpleNamespace(entries={}, store=SimpleNamespace(notices=[]), desk=desk)
    return View(session, desk, desk.interview, Keys(), Full(), work=Now)  # type: ignore[arg-type]


def _press(view: View, *keys: str) -> str:
    """What is said after these keys."""
    for key in keys:
        view.press(key)
        view.tick()
        view.show()
    return "\n".join(message.words for message in view.look.messages)


@pytest.mark.parametrize(
    ("keys", "call"),
    [
        (["c"], ("run", "relu")),
        (["u", "y"], ("submit", "relu")),
        (["enter", "y"], ("submit", "relu")),
        (["U", "是"], ("submit", "relu")),
        (["down"], ("focus", "gelu")),
        (["up"], ("focus", "gelu")),
        (["2"], ("focus", "gelu")),
        (["f", "y"], ("finish",)),
    ],
)
def test_a_key_is_a_call(view: View, desk: Desk, keys: list[str], call: tuple[Any, ...]) -> None:
    _press(view, *keys)
    assert desk.calls == [call]


@pytest.mark.parametrize("keys", [["u", "n"], ["u", "enter"], ["f", "esc"], ["s", "esc"], ["?", "q"], ["9"], ["x"]])
def test_a_key_that_asks_for_nothing(view: View, desk: Desk, keys: list[str]) -> None:
    _press(view, *keys)
    assert desk.calls == []
    assert view.look.front is None
    assert not view.over


def test_the_last_run_is_asked_about(view: View, desk: Desk) -> None:
    assert "1 run left" in _press(view, "c")
    _press(view, "c")
    assert isinstance(view.look.front, Confirm)
    assert "no runs left" in _press(view, "y")
    assert desk.calls == [("run", "relu")] * 2


def test_an_unchanged_file_takes_no_run_and_asks_nothing(view: View, desk: Desk) -> None:
    _press(view, "c")
    desk.unchanged = True
    assert "1 run left" in _press(view, "c")
    assert view.look.front is None
    assert len(desk.interview.problem("relu").runs) == 1


def test_what_the_interviewer_refuses_is_said_with_the_key(view: View, desk: Desk) -> None:
    desk.fault = UsageError("Nothing is written.", hint="thinkllm mock next")
    assert _press(view, "c") == "Nothing is written.\n1-9 problem"
    desk.fault = UsageError("The file is gone.", hint="thinkllm mock restore relu")
    assert _press(view, "down") == "The file is gone.\nr restore"
    desk.fault = InternalError("It failed.", hint="thinkllm doctor")
    assert _press(view, "down") == "It failed.\nthinkllm doctor"


def test_questions_come_after_a_submission(view: View, desk: Desk) -> None:
    _press(view, "u", "y")
    assert isinstance(view.look.front, Asking)
    assert view.look.front.ask == "How many, 1?"
    _press(view, "?", "enter")
    assert view.look.front.trouble == "It cannot be read."
    _press(view, "backspace", "1", "2", "q", "backspace", "enter")
    assert desk.calls[-1] == ("answer", "relu", "q1", "12")
    _press(view, "enter")
    assert len(desk.calls) == 2
    _press(view, "enter")
    assert desk.calls[-1] == ("answer", "relu", "q2", "")
    assert view.look.front is None


def test_a_question_can_wait(view: View, desk: Desk) -> None:
    _press(view, "u", "y", "esc")
    assert desk.asked == ["q1", "later"]
    assert view.look.front is None
    assert view.look.waiting == 2
    _press(view, "a")
    assert isinstance(view.look.front, Asking)


def test_the_end_comes_when_nothing_is_left(view: View, desk: Desk) -> None:
    _press(view, "u", "y", "1", "enter", "1", "enter", "u", "y", "1", "enter", "1", "enter")
    assert desk.calls[-1] == ("finish",)
    assert view.outcome is not None
    assert isinstance(view.look.front, Page)
    _press(view, "q")
    assert view.over


def test_the_deadline_ends_a_prompt_and_shows_the_result(view: View, desk: Desk) -> None:
    _press(view, "s")
    desk.at = desk.interview.deadline
    said = _press(view, "down")
    assert "Time is up" in said
    view.tick()
    assert view.outcome is not None
    assert desk.calls == []


def test_one_thing_at_a_time_and_the_clock_goes_on(view: View, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Now, "slow", True)
    _press(view, "c")
    assert view.look.busy
    work: Any = view._work
    for keys in (["c"], ["u"], ["f"]):
        assert "being graded" in _press(view, *keys)
        assert view._work is work
    _press(view, "down")
    assert desk.calls == [("focus", "gelu")]
    _press(view, "q")
    assert isinstance(view.look.front, Confirm)
    _press(view, "n")
    desk.at = desk.interview.deadline
    _press(view, "x")
    assert view._work is work  # what was begun in time is not cut short
    work.end()
    view.tick()
    assert view._work is not work
    assert desk.calls[-1] == ("run", "relu")


def test_leaving_calls_off_what_is_graded(view: View, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Now, "slow", True)
    _press(view, "c")
    work: Any = view._work
    _press(view, "ctrl-c")
    assert not view.over
    _press(view, "ctrl-c")
    assert view.over
    view.close()
    assert work.cancelled
    assert desk.calls == []


def test_what_could_not_be_graded_can_be_graded_again(view: View, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    good = mock_view_stage.conclude

    def fails(*args: Any) -> Any:
        raise InternalError("relu could not be graded; nothing is lost.", hint="thinkllm mock finish")

    monkeypatch.setattr(mock_view_stage, "conclude", fails)
    assert "nothing is lost" in _press(view, "f", "y", "x")
    assert view.look.stuck
    monkeypatch.setattr(mock_view_stage, "conclude", good)
    _press(view, "r", "x")
    assert view.outcome is not None


def test_others_are_followed(view: View, desk: Desk) -> None:
    desk._become(focus="gelu")
    view.tick()
    assert view.look.interview.focus == "gelu"
    desk._become(finished_at=START, reason="ended", focus=None)
    view.tick()
    view.tick()
    assert view.outcome is not None


def test_a_missing_file_is_written_again(view: View, desk: Desk) -> None:
    Path(desk.interview.problems[0].file).unlink()
    view.tick()
    assert view.look.gone
    _press(view, "r")
    assert desk.calls == [("restore", "relu")]


def test_a_statement_scrolls_and_is_set_again_when_the_window_changes(view: View) -> None:
    _press(view, "s", "pagedown", "down")
    assert isinstance(view.look.front, Page)
    assert view.look.front.top == 22
    _press(view, "end")
    assert view.look.front.top == 60 - 21
    view.full.screen.height = 40
    _press(view, "resize")
    assert view.look.front.top == 60 - 37
    _press(view, "home")
    assert view.look.front.top == 0


@pytest.mark.parametrize(
    ("keys", "typed", "caret"),
    [
        (["a", "b", "left", "c"], "acb", 2),
        (["a", "b", "home", "delete"], "b", 0),
        (["约", "1", "2", "left", "backspace"], "约2", 1),
        (["1", " ", "2", "ctrl-w"], "1 ", 2),
        (["1", "2", "ctrl-u", "f1", "up", "tab", "\x00"], "", 0),
        (["1", "2", "home", "right", "ctrl-k", "end"], "1", 1),
    ],
)
def test_a_line_is_typed(keys: list[str], typed: str, caret: int) -> None:
    line = "", 0
    for key in keys:
        line = edited(*line, key)
    assert line == (typed, caret)
