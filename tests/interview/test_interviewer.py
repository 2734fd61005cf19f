"""What can be done in an interview, against a clock that is passed in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill import locale
from thinkllm_drill.errors import InternalError, UsageError
from thinkllm_drill.findings import title_of
from thinkllm_drill.interview import score
from thinkllm_drill.interview.model import Interview
from thinkllm_drill.interview.picker import Wishes
from thinkllm_drill.interview.results import result
from thinkllm_drill.verdict import Check, Diagnosis, Verdict

ASKED = ("relu", "mse-loss", "softmax")


@pytest.fixture
def interview(desk: Any) -> Interview:
    return desk.start(Wishes(minutes=30, exercises=ASKED, seed="s"))


def test_a_start_writes_the_files_and_the_deadline(desk: Any, interview: Interview) -> None:
    assert [problem.slug for problem in interview.problems] == list(ASKED)
    assert (interview.deadline - interview.started_at).total_seconds() == 30 * 60
    for problem in interview.problems:
        code = Path(problem.file).read_text(encoding="utf-8")
        assert "raise NotImplementedError" in code
        assert "thinkllm mock check" in code
        assert "thinkllm hint" not in code


def test_one_interview_at_a_time(desk: Any, interview: Interview) -> None:
    with pytest.raises(UsageError):
        desk.start(Wishes(minutes=5))
    desk.clock.forward(31)
    assert desk.start(Wishes(minutes=30, seed="t")).id == "2"


@pytest.mark.parametrize("minutes", [0, -5])
def test_no_interview_without_minutes(desk: Any, minutes: int) -> None:
    with pytest.raises(UsageError):
        desk.start(Wishes(minutes=minutes))


def test_runs_are_a_budget(desk: Any, interview: Interview) -> None:
    for number in range(interview.runs):
        desk.save(interview, "relu", f"wrong{number}")
        assert desk.run("relu").run.verdict.failing == 4
    desk.save(interview, "relu", "wrong")
    with pytest.raises(UsageError):
        desk.run("relu")
    assert desk.get("1").problem("relu").runs_taken == interview.runs


def test_an_unchanged_file_takes_one_run_and_is_told_again(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "half")
    first = desk.run("relu")
    assert not first.repeated
    again = desk.run("relu")
    assert again.repeated
    assert again.run == first.run
    desk.save(interview, "relu", "right")
    assert desk.run("relu").run.verdict.passed
    desk.save(interview, "relu", "half")
    assert desk.run("relu").run == first.run
    assert desk.get("1").problem("relu").runs_taken == 2


def test_an_emptied_file_is_not_an_untouched_one(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "half")
    desk.running()
    desk.save(interview, "relu", "# nothing\nimport torch\n")
    for step in (desk.run, desk.submit):
        with pytest.raises(UsageError) as caught:
            step("relu")
        assert "no code" in caught.value.message
        assert caught.value.hint == "thinkllm mock restore relu"
    assert desk.restore("relu").read_text(encoding="utf-8") == "half"
    with pytest.raises(UsageError) as caught:
        desk.restore("relu")
    assert "left as it is" in caught.value.message


def test_a_file_that_is_empty_at_the_end_is_told_as_emptied(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "half")
    desk.running()
    desk.save(interview, "relu", "")
    desk._grade = lambda slug, file, source, *, diagnose: Verdict(slug, file, "not_started", "", 0.0)
    over = desk.grade_rest(desk.finish())
    relu, other = result(over, desk.all(), desk.library, desk.store).problems[:2]
    assert (relu.outcome, relu.emptied, relu.source) == ("untouched", True, None)
    assert (other.outcome, other.emptied) == ("untouched", False)


def test_a_run_that_could_not_be_graded_costs_nothing(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "broken")
    desk.run()
    assert desk.get("1").problem("relu").runs_taken == 0


@pytest.mark.parametrize("step", ["run", "submit"])
def test_nothing_is_graded_before_anything_is_written(desk: Any, interview: Interview, step: str) -> None:
    with pytest.raises(UsageError):
        getattr(desk, step)("relu")
    assert desk.get("1").problem("relu").open


def test_a_deleted_file_is_restored_as_it_was_saved(desk: Any, interview: Interview) -> None:
    path = desk.save(interview, "relu", "half")
    desk.running()
    path.unlink()
    with pytest.raises(UsageError) as caught:
        desk.run("relu")
    assert caught.value.hint == "thinkllm mock restore relu"
    assert desk.restore("relu").read_text(encoding="utf-8") == "half"


def test_a_deleted_file_still_counts(desk: Any, interview: Interview) -> None:
    path = desk.save(interview, "relu", "right")
    desk.running()
    path.unlink()
    graded = desk.grade_rest(desk.finish())
    assert graded.problem("relu").verdict.passed


def test_what_counts_is_the_last_save_before_the_deadline(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "half")
    desk.save(interview, "softmax", "right")
    desk.clock.forward(29)
    desk.running()
    desk.clock.forward(5)  # softmax was not touched since, relu is mended too late
    desk.save(interview, "relu", "right", ago=1)
    graded = desk.grade_rest(desk.unfinished() or desk.get("1"))
    assert (graded.reason, graded.finished_at) == ("deadline", interview.deadline)
    assert not graded.problem("relu").verdict.passed
    assert graded.problem("relu").late_verdict.passed
    assert graded.problem("softmax").verdict.passed
    assert graded.problem("softmax").late is None
    assert graded.problem("mse-loss").verdict.status == "not_started"
    assert graded.graded


def test_a_file_saved_in_time_counts_though_nobody_looked_before_the_end(desk: Any, interview: Interview) -> None:
    desk.clock.forward(60)
    desk.save(interview, "relu", "right", ago=31)
    desk.save(interview, "mse-loss", "right", ago=29)
    graded = desk.grade_rest(desk.unfinished())
    assert graded.problem("relu").verdict.passed
    assert graded.problem("mse-loss").verdict.status == "not_started"
    assert graded.problem("mse-loss").late_verdict.passed


def test_an_interrupted_finish_goes_on(desk: Any, interview: Interview, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.save(interview, "relu", "right")
    desk.save(interview, "softmax", "broken")
    over = desk.finish()
    with pytest.raises(InternalError):
        desk.grade_rest(over)
    assert not desk.get("1").graded
    monkeypatch.setattr(desk, "_grade", lambda slug, file, source, diagnose: desk_verdict(slug, file))
    graded = desk.grade_rest(desk.get("1"))
    assert graded.graded
    assert graded.problem("relu").verdict.passed


def desk_verdict(slug: str, file: str) -> Any:
    from thinkllm_drill.verdict import Verdict

    return Verdict(slug, file, "failed", "0", 0.0)


def test_passed_early_the_interviewer_goes_on_along_the_chain(desk: Any, interview: Interview) -> None:
    desk.save(interview, "softmax", "right")
    desk.focus("softmax")
    desk.clock.forward(1)
    done = desk.submit("softmax")
    assert done.extra is not None
    assert done.extra.follows == "softmax"
    assert Path(done.extra.file).is_file()
    assert desk.get("1").focus == done.extra.slug


def test_no_extra_where_the_others_need_the_time(desk: Any) -> None:
    interview = desk.start(Wishes(minutes=20, exercises=ASKED))
    desk.save(interview, "softmax", "right")
    assert desk.submit("softmax").extra is None


def test_a_submission_that_could_not_be_graded_is_none(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "broken")
    with pytest.raises(InternalError):
        desk.submit("relu")
    assert desk.get("1").problem("relu").open


def test_questions_come_after_a_submission_and_are_graded(desk: Any, interview: Interview) -> None:
    assert desk.pending(interview) == []
    desk.save(interview, "relu", "right")
    desk.submit("relu")
    waiting = desk.pending(desk.get("1"))
    assert waiting
    problem, question = waiting[0]
    with pytest.raises(UsageError):
        desk.answer("relu", question, "no number at all")
    assert desk.answer("relu", question, str(question.answer)).right
    assert [each.id for _, each in desk.pending(desk.get("1"))] == [each.id for _, each in waiting[1:]]
    assert problem.slug == "relu"


def test_the_clock_set_back_is_noticed_and_gives_no_time(desk: Any, interview: Interview) -> None:
    desk.clock.forward(20)
    desk.focus("softmax")
    desk.clock.forward(-60)
    now = desk.running()
    assert now.clock_back == pytest.approx(3600, abs=1)
    assert now.remaining(desk.now()) == pytest.approx(600, abs=1)
    desk.clock.forward(11)
    assert desk.unfinished().finished_at is not None


def test_after_the_end_nothing_goes(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "right")
    desk.clock.forward(31)
    for step in (desk.run, desk.submit, desk.focus, desk.finish):
        with pytest.raises(UsageError) as caught:
            step()
        assert caught.value.hint == "thinkllm mock finish"


def test_the_result_has_all_that_was_earned(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "right")
    desk.submit("relu")
    desk.focus("softmax")
    desk.save(interview, "softmax", "half")
    graded = desk.grade_rest(desk.finish())
    outcome = result(graded, desk.all(), desk.library, desk.store)
    by_slug = {problem.slug: problem for problem in outcome.problems}
    assert by_slug["relu"].outcome == "passed"
    assert by_slug["softmax"].outcome == "partly"
    assert by_slug["softmax"].share == pytest.approx(0.8 * 2 / 4)
    assert by_slug["mse-loss"].outcome == "untouched"
    correctness = next(part for part in outcome.parts if part.name == "correctness")
    assert correctness.points == pytest.approx(70 * (1 + 0.4) / 3, abs=0.1)
    assert 0 < outcome.score < 100
    assert outcome.advice[0].command == "thinkllm drill softmax"
    assert by_slug["relu"].source == "right\n"
    assert "def relu" in by_slug["relu"].reference


def test_a_pass_in_an_interview_counts_as_practice(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "right")
    desk.submit("relu")
    desk.grade_rest(desk.finish())
    statuses = desk.store.statuses()
    assert statuses["relu"].passed
    assert "softmax" not in statuses or not statuses["softmax"].passed
    desk.store.rebuild()
    assert desk.store.statuses() == statuses


def test_everything_right_in_time_is_a_hundred(desk: Any) -> None:
    interview = desk.start(Wishes(minutes=30, exercises=("relu", "mse-loss")))
    for slug in ("relu", "mse-loss"):
        desk.save(interview, slug, "right")
        desk.submit(slug)
    for problem, question in desk.pending(desk.get("1")):
        desk.answer(problem.slug, question, str(question.answer if question.answer is not None else "because"))
    parts = score.parts(desk.grade_rest(desk.finish()))
    assert score.score(parts) == 100


def test_nothing_written_is_nothing(desk: Any, interview: Interview) -> None:
    assert score.score(score.parts(desk.grade_rest(desk.finish()))) == 0


def test_a_question_that_nobody_answered_is_not_right(desk: Any, interview: Interview) -> None:
    desk.save(interview, "relu", "right")
    desk.submit("relu")
    graded_ones = [question for _, question in desk.pending(desk.get("1")) if question.answer is not None]
    graded = desk.grade_rest(desk.finish())
    part = next(part for part in score.parts(graded) if part.name == "questions")
    assert graded_ones
    assert (part.points, part.out_of) == (0, 10)
    questions = result(graded, desk.all(), desk.library, desk.store).problems[0].questions
    assert [question.given for question in questions] == [None] * len(graded_ones)


def test_no_interview_of_a_week(desk: Any) -> None:
    with pytest.raises(UsageError):
        desk.start(Wishes(minutes=9999))


def test_a_report_names_checks_and_mistakes_in_the_language_of_its_reader(desk: Any) -> None:
    interview = desk.start(Wishes(minutes=30, exercises=("gqa",), seed="s"))
    desk.save(interview, "gqa", "half")
    check = Check("values", locale.text("grading.check.values", lang="zh"), "values", "wrong")
    verdict = Verdict(
        "gqa", "gqa.py", "failed", "0", 0.1, checks=(check,), diagnosis=Diagnosis("no-scale", "没有除以 √d")
    )
    desk._grade = lambda *args, **more: verdict
    over = desk.grade_rest(desk.finish())
    came = result(over, desk.all(), desk.library, desk.store).problems[0].verdict
    assert came is not None
    assert came.diagnosis is not None
    assert "没有" not in came.diagnosis.says
    assert title_of(came.checks[0]) == "values against the reference"
