from __future__ import annotations

import math

import pytest

from thinkllm_drill.author import graded, wrongs
from thinkllm_drill.author.check import check
from thinkllm_drill.author.graded import Graders
from thinkllm_drill.judge.measured import Measured
from thinkllm_drill.verdict import Check, Diagnosis, Verdict

CASES = [([1, 2, 3, 4, 6], 2), ([1.0, 5.0], 2), ([3, 1, 1], 1), ([1], 3)]


def means(values, window):
    return [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)]


def verdict(slug, status, failed="", diagnosis=None, **rest):
    checks = [Check("moving_average.defined", "defined", "defined", "passed")]
    if failed:
        checks.append(Check(f"moving_average.{failed}", failed, failed, "wrong"))
    return Verdict(slug, "x.py", status, "00", 0.0, checks=tuple(checks), diagnosis=diagnosis, **rest)


class Judge:
    """Grades `moving_average`, and remembers what it was asked."""

    def __init__(self, diagnosis=None, accepts=(), rejects=(), answers=None):
        self.labels = []
        self.diagnosis = diagnosis
        self.accepts = accepts
        self.rejects = rejects
        self.answers = answers or {}

    def __call__(self, slug, label, source):
        self.labels.append(label)
        if label in self.answers:
            return self.answers[label]
        if label in self.accepts:
            return verdict(slug, "passed")
        return self.grade(slug, label, source.decode())

    def grade(self, slug, label, source):
        space = {"__name__": "attempt"}
        right = label not in self.rejects
        try:
            exec(compile(source, "attempt", "exec", dont_inherit=True), space)
            for values, window in CASES:
                answer = space["moving_average"](list(values), window)
                right &= isinstance(answer, list) and answer == pytest.approx(means(values, window))
        except NotImplementedError:
            return verdict(slug, "not_started", "values")
        except Exception:
            return verdict(slug, "failed", "values")
        if right:
            return verdict(slug, "passed")
        diagnosis = Diagnosis(self.diagnosis, "…") if self.diagnosis and label.startswith("mistake") else None
        return verdict(slug, "failed", "values", diagnosis)


def measured(index, verdict):
    failure = verdict.failure
    facts = (failure.id, failure.kind, failure.status) if failure else ("", "", "")
    diagnosis = verdict.diagnosis.mistake if verdict.diagnosis else None
    return Measured(index, "00", verdict.status, *facts, message=verdict.note or "", diagnosis=diagnosis)


def problems(library, judge, example=lambda slug, doctest, reference: []):
    def many(slug, sources):
        verdicts = (judge(slug, label, source.encode()) for label, source in sources)
        return [measured(index, verdict) for index, verdict in enumerate(verdicts)]

    report = check(library, "moving-average", graders=Graders(judge, many, example))
    return report, [str(problem) for problem in report.problems]


def test_everything_is_graded(library):
    judge = Judge()
    report, found = problems(library, judge)
    assert found == []
    assert (report.mistakes, report.honest) == ((3, 3), (2, 2))
    assert judge.labels[:4] == ["reference", "stub at cloze", "stub at body", "stub at blank"]
    assert "NaN for moving_average" in judge.labels
    assert "a copy of values for moving_average" in judge.labels


def test_an_accepted_mistake(library):
    report, found = problems(library, Judge(accepts=["mistake sum-not-mean"]))
    assert found == ["graders/lists/moving_average.mistakes.toml:3: the mistake sum-not-mean gives passed"]
    assert report.mistakes == (2, 3)


def test_a_mistake_caught_by_another_check(library, paths, edit):
    edit(paths.mistakes, 'caught_by = "values"', 'caught_by = "edges"')
    report, found = problems(library, Judge())
    assert found == [
        "graders/lists/moving_average.mistakes.toml:3: the mistake sum-not-mean is caught by `moving_average.values`, "
        "not by `edges`: failed, moving_average.values wrong"
    ]
    assert report.mistakes == (3, 3)


@pytest.mark.parametrize("caught_by", ["values", "moving_average", "moving_average.values"])
def test_ways_to_name_a_check(library, paths, edit, caught_by):
    edit(paths.mistakes, 'caught_by = "values"', f'caught_by = "{caught_by}"')
    assert problems(library, Judge())[1] == []


def test_a_wrong_diagnosis(library):
    _, found = problems(library, Judge(diagnosis="never-subtracts"))
    assert [line.split(": ", 1)[1] for line in found] == [
        "the mistake sum-not-mean is diagnosed as never-subtracts",
        "the mistake last-window-missing is diagnosed as never-subtracts",
    ]


def test_a_rejected_right_answer(library):
    report, found = problems(library, Judge(rejects=["moving_average.honest.sums.py"]))
    assert found == [
        "graders/lists/moving_average.honest.sums.py:1: a right answer does not pass: "
        "failed, moving_average.values wrong",
    ]
    assert report.honest == (1, 2)


def test_a_level_whose_header_is_code(library, monkeypatch):
    def attempt(exercise, words, code, *, level, lang):
        return ("x = 1\n" if level == "body" else "# comment\n\n") + code

    monkeypatch.setattr(graded, "render_attempt", attempt)
    _, found = problems(library, Judge())
    assert found == ["solutions/lists/moving_average.py:1: level body filled from the reference is another program"]


def test_a_reference_that_fails_stops_the_grading(library):
    judge = Judge(rejects=["reference"])
    report, found = problems(library, judge)
    assert len(found) == 1
    assert "the reference does not pass" in found[0]
    assert judge.labels == ["reference"]
    assert report.mistakes == (0, 3)


def test_accepted_stubs_and_wrong_answers(library):
    _, found = problems(library, Judge(accepts=["stub at body", "zeros for moving_average"]))
    assert found == [
        "graders/lists/test_moving_average.py:1: a wrong answer, zeros for moving_average, gives passed",
        "solutions/lists/moving_average.py:1: the untouched stub at level body gives passed",
    ]


def test_our_own_fault_is_no_rejection(library):
    internal = verdict("moving-average", "internal", note="the judge died")
    _, found = problems(library, Judge(answers={"mistake sum-not-mean": internal}))
    assert found[0].endswith("the mistake sum-not-mean gives internal: the judge died")


def test_what_cannot_be_graded_here_is_a_note(library):
    unavailable = verdict("moving-average", "unavailable", note="Triton is not installed")
    report, found = problems(library, Judge(answers={"reference": unavailable}))
    assert found == []
    assert report.notes == ("not graded: Triton is not installed",)


def test_the_example_is_executed(library):
    asked = []

    def run_example(slug, example, reference):
        asked.append((slug, example, "region" in reference))
        return ["expected [1.5], got [2.0]"]

    _, found = problems(library, Judge(), run_example)
    assert asked == [("moving-average", ">>> moving_average([1, 2, 3, 4], 2)\n[1.5, 2.5, 3.5]\n", False)]
    assert found == ["exercises/lists/moving_average/statement.en.md:20: the example fails: expected [1.5], got [2.0]"]


def answers(source, api, *call):
    """Label → what each wrong answer gives."""
    result = {}
    for label, module in wrongs.wrong_answers(source, api):
        space = {"__name__": "attempt"}
        exec(module, space)
        result[label] = space[call[0]](*call[1:])
    return result


def test_wrong_answers_of_a_function_keep_its_shape_and_signature():
    source = "def f(x, n=2):\n    return {'a': [x * 1.0, n], 'b': (True, 'text')}\n"
    found = answers(source, ["f"], "f", 3.0)
    assert found["zeros for f"] == {"a": [0.0, 0], "b": (False, "")}
    assert found["a constant for f"] == {"a": [0.5, 1], "b": (True, "x")}
    assert math.isnan(found["NaN for f"]["a"][0])
    assert found["a copy of x for f"] == 3.0
    assert found["a copy of n for f"] == 2


def test_wrong_answers_of_a_class_and_of_what_returns_nothing():
    source = (
        "class A:\n    def __init__(self):\n        self.n = 0\n    def add(self, k):\n        self.n += k\n"
        "    def total(self):\n        return self.n\n\n\ndef g(xs):\n    xs.append(1)\n"
    )
    labels = [label for label, _ in wrongs.wrong_answers(source, ["A", "g"])]
    assert "zeros for the answers of A" in labels
    assert labels[-2:] == ["doing nothing for the methods of A", "doing nothing for g"]
    modules = dict(wrongs.wrong_answers(source, ["A", "g"]))
    space: dict = {"__name__": "attempt"}
    exec(modules["doing nothing for the methods of A"], space)
    thing = space["A"]()
    thing.add(3)
    assert thing.total() == 0


def test_a_data_class_has_no_wrong_answer():
    source = "from dataclasses import dataclass\n\n\n@dataclass\nclass A:\n    x: int\n"
    assert list(wrongs.wrong_answers(source, ["A", "missing"])) == []
