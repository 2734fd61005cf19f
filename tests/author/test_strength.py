"""`dev mutate` and `dev strength`, with a judge that runs the sources themselves."""

from __future__ import annotations

import pytest

from thinkllm_drill.author import mutate, readme, strength
from thinkllm_drill.author.fingerprint import fingerprint
from thinkllm_drill.content import strength as figures
from thinkllm_drill.judge.measured import Measured

CASES = [([1, 2, 3, 4, 6], 2), ([1.0, 5.0], 2), ([3, 1, 1], 1), ([1], 3), ([], 1), ([2, 5, 9, 1], 3)]


def right(source):
    """Whether a source's moving_average is right in a few cases."""
    space = {"__name__": "attempt"}
    exec(compile(source, "attempt", "exec", dont_inherit=True), space)
    for values, window in CASES:
        means = [sum(values[i : i + window]) / window for i in range(len(values) - window + 1)]
        answer = space["moving_average"](list(values), window)
        if not isinstance(answer, list) or answer != pytest.approx(means):
            return False
    return True


class Judge:
    """Measures by running; `change` may alter what a result says."""

    def __init__(self, change=lambda result: {}):
        self.change = change
        self.asked = []

    def __call__(self, slug, sources, seeds, *, first=True, diagnose=False, call_seconds=None):
        self.asked.append((len(sources), len(seeds)))
        for seed in seeds:
            for index, source in enumerate(sources):
                try:
                    passed = right(source)
                except Exception:
                    passed = False
                failure = (
                    {} if passed else {"check": "moving_average.values", "kind": "values", "check_status": "wrong"}
                )
                result = Measured(index, seed, "passed" if passed else "failed", margin=0.25, ratio=None, **failure)
                yield Measured(**{**result.__dict__, **self.change(result)})


@pytest.fixture(autouse=True)
def _few_seeds(monkeypatch):
    monkeypatch.setattr(strength, "HONEST_SEEDS", 5)


def kit(judge):
    return strength.Kit(judge, lambda *parts: "-".join(parts))


def known(library):
    """A judge that names every mistake."""
    from thinkllm_drill.content import mistakes

    ids = [mistake.id for mistake in mistakes.load(library.paths("moving-average"))]
    return lambda r: {} if r.status == "passed" or r.source >= len(ids) else {"diagnosis": ids[r.source], "alike": 1}


def test_every_mutant_is_graded_once(library):
    judge = Judge()
    report = mutate.mutate(library, "moving-average", judge, "00")
    assert judge.asked == [(report.mutants, 1)]
    assert report.rejected + len(report.survivors) == report.mutants > 20
    accepted = [m for m in report.survivors if right(m.source)]
    assert accepted == list(report.survivors)


def test_survivors_that_are_known_are_no_problem_and_rejected_ones_that_are_said_to_be_equivalent_are(library):
    from thinkllm_drill.author.equivalents import rows
    from thinkllm_drill.author.mutants import mutants

    path = library.paths("moving-average").equivalents
    first = mutate.mutate(library, "moving-average", Judge(), "00")
    path.write_text(rows(first.survivors), encoding="utf-8")
    assert mutate.mutate(library, "moving-average", Judge(), "00").ok
    wrong = next(m for m in mutants(library.reference("moving-average")) if m not in first.survivors)
    path.write_text(rows([*first.survivors, wrong]), encoding="utf-8")
    again = mutate.mutate(library, "moving-average", Judge(), "00")
    assert [mutant for mutant, _ in again.killed_equivalents] == [wrong]
    path.write_text(rows(first.survivors) + rows([wrong]).replace(wrong.id, "no/such/mutant"), encoding="utf-8")
    assert mutate.mutate(library, "moving-average", Judge(), "00").stale == ("no mutant is called no/such/mutant",)


@pytest.fixture
def equivalents(library):
    """The sample's equivalents written down, so that nothing is wrong with it."""
    from thinkllm_drill.author.equivalents import rows

    survivors = mutate.mutate(library, "moving-average", Judge(), "00").survivors
    library.paths("moving-average").equivalents.write_text(rows(survivors), encoding="utf-8")


@pytest.mark.usefixtures("equivalents")
def test_figures_are_written_where_all_is_well_and_not_measured_again(library):
    judge = Judge(known(library))
    report = strength.measure(library, "moving-average", kit(judge))
    assert report.problems == []
    assert judge.asked[:2] == [(3, strength.DIAGNOSIS_SEEDS), (3, strength.MISTAKE_SEEDS - strength.DIAGNOSIS_SEEDS)]
    assert judge.asked[2] == (2, strength.HONEST_SEEDS)
    path = library.paths("moving-average").strength
    assert figures.read(path) == report.strength
    assert (report.strength.mistakes, report.strength.honest) == ((3, 3), (10, 10))
    assert (report.strength.diagnosed, report.strength.margin) == ((15, 15), 0.25)
    assert strength.measure(library, "moving-average", kit(judge)).unchanged
    assert strength.check(library, "moving-average", kit(judge)).problems == []


@pytest.mark.usefixtures("equivalents")
def test_another_engine_is_told_of_and_no_problem(library, monkeypatch):
    judge = Judge(known(library))
    strength.measure(library, "moving-average", kit(judge))
    assert strength.check(library, "moving-average", kit(judge)).note == ""
    monkeypatch.setattr(strength, "engine", lambda: "0" * 16)
    for report in (
        strength.check(library, "moving-average", kit(judge)),
        strength.measure(library, "moving-average", kit(judge)),
    ):
        assert "--force" in report.note
        assert report.problems == []


@pytest.mark.usefixtures("equivalents")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: {"status": "passed"} if r.source == 1 else {}, "is accepted"),
        (lambda r: {"check": "x", "kind": "x"} if r.source == 1 and r.check else {}, "is caught by `x`"),
        (lambda r: {"diagnosis": "another"} if r.check else {}, "is diagnosed as another"),
        (lambda r: {"ratio": 1.5} if r.check else {}, "is off by 1.50"),
        (lambda r: {"margin": 0.6} if not r.check else {}, "is off by 0.60"),
        (lambda r: {"status": "failed", "check": "edges"} if not r.check else {}, "the honest variant"),
        (lambda r: {}, "verdicts name the mistake"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(library, change, words):
    names = known(library)
    judge = Judge(change) if words == "verdicts name the mistake" else Judge(lambda r: {**names(r), **change(r)})
    report = strength.measure(library, "moving-average", kit(judge))
    assert any(words in problem for problem in report.problems), report.problems
    assert not library.paths("moving-average").strength.exists()


def test_check_asks_for_a_measurement_of_what_is_there(library, paths, edit):
    judge = Judge(known(library))
    assert "never measured" in strength.check(library, "moving-average", kit(judge)).note
    before = fingerprint(library, "moving-average")
    edit(paths.grader, '"""', '"""A comment more. ')
    edit(paths.mistakes, "says = {", "says  = {")
    assert fingerprint(library, "moving-average") == before
    edit(paths.solution, "+ 1", "+ 1 + 0")
    assert fingerprint(library, "moving-average") != before


def test_a_readme_beside_the_content_gets_the_table(library):
    assert readme.tables(library) == {}
    path = library.root / "README.md"
    path.write_text(f"before\n{readme.PLACE.begin}old{readme.PLACE.end}after\n", encoding="utf-8")
    text = readme.tables(library)[path]
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "`moving-average`" in text
