"""Statuses, rules, seeds, single cases, languages."""

from __future__ import annotations

import pytest

from thinkllm_drill.errors import ThinkLLMError, UsageError

SOLUTION = '''
    import torch

    def weights(x):
        """Softmax over the last dimension."""
        # region blank: exponentiate
        e = (x - x.amax(-1, keepdim=True)).exp()
        # endregion
        return e / e.sum(-1, keepdim=True)

    def double(x):
        """Twice x."""
        return 2 * x
'''
GRADER = """
    class TestWeights(FunctionSuite):
        entry = "weights"
        cases = [case(en="small", zh="小", rows=2), case(en="many rows", zh="很多行", rows=9)]
        sizes = {"rows": (1, 4)}

        def inputs(self, rng, *, rows):
            return {"x": rng.normal((rows, 5))}

        @check("cost")
        def test_cost(self, attempt, rng):
            attempt.profile("weights", x=rng.normal((50, 5)))

    class TestDouble(FunctionSuite):
        entry = "double"
        cases = [case(en="small", zh="小", n=3)]

        def inputs(self, rng, *, n):
            return {"x": rng.normal((n,))}
"""


@pytest.fixture(scope="module")
def toy(tree):
    return tree.add("weights", api=["weights", "double"], solution=SOLUTION, grader=GRADER, forbid=("torch.softmax",))


def edited(old, new):
    assert SOLUTION.count(old) == 1
    return SOLUTION.replace(old, new)


LAST = "return e / e.sum(-1, keepdim=True)"


# statuses


def test_passed(toy, say):
    verdict = toy.grade("weights")
    assert (verdict.status, verdict.passed, verdict.exit_code, say.failed(verdict)) == ("passed", True, 0, {})
    assert len(verdict.seed) == 16
    assert verdict.failure is None


def test_failed(toy):
    verdict = toy.grade("weights", edited(LAST, "return e"), diagnose=False)
    assert (verdict.status, verdict.passed, verdict.exit_code) == ("failed", False, 1)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def weights(x:\n    pass\n", "SyntaxError"),
        ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
        ("raise RuntimeError('at import')\n", "at import"),
        ("import sys; sys.exit(3)\n", ""),
        ("import os; os._exit(0)\n", "exit code 0"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_an_error(toy, say, source, said):
    verdict = toy.grade("weights", source)
    assert (verdict.status, verdict.exit_code) == ("error", 1)
    assert said in say.cause(verdict).message
    assert verdict.failure.kind == "defined"
    assert sum(check.status not in ("passed", "skipped") for check in verdict.checks) == 1


def test_an_empty_blank_has_not_been_started(toy, say):
    source = edited(LAST, 'raise NotImplementedError("blank 1: exponentiate")')
    verdict = toy.grade("weights", source)
    assert say.failed(verdict) == {"weights.contract": "not_started"}
    assert "blank 1: exponentiate" in say.cause(verdict).message


def test_an_empty_file_misses_the_name(toy, say):
    verdict = toy.grade("weights", "")
    assert say.failed(verdict) == {"weights.defined": "contract"}
    assert "weights" in say.cause(verdict).message


@pytest.mark.parametrize(
    ("grader", "said"),
    [
        ("import nowhere_to_be_found\n", "nowhere_to_be_found"),
        ("def broken(:\n", "SyntaxError"),
        ("class TestWeights(FunctionSuite):\n    entry = 'weights'\n    cases = [case(en='a', zh='a', n=1)]\n", ""),
        ("class TestWeights(FunctionSuite):\n    entry = 'nothing'\n    cases = [case(en='a', zh='a')]\n", "nothing"),
        ("X = 1\n", ""),
    ],
    ids=["import", "syntax", "no inputs", "no such name", "no checks"],
)
def test_a_broken_grader_is_our_fault(tree, grader, said):
    slug = f"broken-{abs(hash(grader)) % 10**8}"
    tree.add(slug, api=["weights"], solution=SOLUTION, grader=grader)
    verdict = tree.grade(slug)
    assert (verdict.status, verdict.passed, verdict.exit_code) == ("internal", False, 4)
    told = (verdict.note or "") + str([check.cause for check in verdict.checks])
    assert said in told


DOUBLE_SUITE = """
        class TestDouble(FunctionSuite):
            entry = "double"
            cases = [case(en="a", zh="a", n=1)]

            def inputs(self, rng, *, n):
                return {"x": rng.normal((n,))}
"""


def test_an_assertion_of_the_grader_is_a_wrong_answer(tree, say):
    grader = (
        DOUBLE_SUITE
        + """
            def test_even(self, attempt):
                assert float(attempt.double(x=torch.ones(()))) == 3.0, "one must become three"
    """
    )
    tree.add("thrice", api=["double"], solution=SOLUTION, grader=grader)
    verdict = tree.grade("thrice")
    assert say.failed(verdict) == {"properties.even": "wrong"}
    assert say.cause(verdict).message == "one must become three"


def test_what_pytest_has_for_tests_is_understood_in_checks(tree, say):
    grader = (
        "        import pytest\n"
        + DOUBLE_SUITE
        + """
            @pytest.fixture
            def three(self, attempt):
                return float(attempt.double(x=torch.ones(()))) + 1

            def test_a_fixture(self, attempt, three):
                assert three == 3

            def test_b_skip(self, attempt):
                pytest.skip("not today")

            def test_c_fail(self, attempt):
                pytest.fail("never")
    """
    )
    tree.add("fixtures", api=["double"], solution=SOLUTION, grader=grader)
    verdict = tree.grade("fixtures")
    assert say.failed(verdict) == {"properties.c_fail": "wrong"}
    assert say.cause(verdict).message == "never"
    told = {check.id: (check.status, check.detail) for check in verdict.checks}
    assert told["properties.a_fixture"] == ("passed", None)
    assert told["properties.b_skip"] == ("skipped", "not today")


# rules


@pytest.mark.parametrize(
    "call",
    ["torch.softmax(x, -1)", "x.softmax(-1)", "torch.nn.functional.softmax(x, -1)", "torch.ops.aten.softmax(x, -1)"],
)
def test_a_forbidden_call_is_a_failure_of_the_rules_alone(toy, say, call):
    verdict = toy.grade("weights", edited(LAST, f"return {call}"))
    assert say.failed(verdict) == {"weights.rules": "rule"}
    assert "torch.softmax" in say.cause(verdict).message
    assert call in say.cause(verdict).frames[-1].code if say.cause(verdict).frames else True
    assert verdict.status == "failed"
    assert verdict.diagnosis is None
    statuses = {check.id: check.status for check in verdict.checks}
    assert statuses["weights.contract"] == "skipped"
    assert statuses["double.values"] == "passed"


def test_a_forbidden_call_in_one_function_is_not_held_against_the_other(toy, say):
    verdict = toy.grade("weights", edited("return 2 * x", "return 2 * x + 0 * torch.softmax(x, -1)"))
    assert say.failed(verdict) == {"double.rules": "rule"}


def test_a_forbidden_call_at_import_breaks_the_rules(toy, say):
    verdict = toy.grade("weights", SOLUTION + "\n    TABLE = torch.softmax(torch.ones(3), -1)\n")
    assert say.failed(verdict) == {"weights.rules": "rule"}


def test_a_forbidden_call_for_large_inputs_only_does_not_slip_through_after_the_rules(toy, say):
    late = edited(LAST, "return torch.softmax(x, -1) if len(x) > 20 else e / e.sum(-1, keepdim=True)")
    verdict = toy.grade("weights", late)
    assert say.failed(verdict) == {"weights.cost.cost": "rule"}
    assert verdict.status == "failed"


# seeds and single cases


def test_a_seed_replays_the_same_numbers(toy, say):
    wrong = edited(LAST, "return e * 1.5 / e.sum(-1, keepdim=True)")
    first, again = (toy.grade("weights", wrong, seed="0123456789abcdef") for _ in range(2))
    assert first.seed == "0123456789abcdef"
    assert say.cause(first) == say.cause(again)
    other = toy.grade("weights", wrong)
    assert other.seed != first.seed
    assert say.cause(other).expected != say.cause(first).expected


@pytest.mark.parametrize("case", ["small", "many-rows", "rows-4"])
def test_a_single_case_can_be_run(toy, say, case):
    broken = {"small": 2, "many-rows": 9, "rows-4": 4}[case]
    source = edited(LAST, f"return e if len(x) == {broken} else e / e.sum(-1, keepdim=True)")
    verdict = toy.grade("weights", source, case=case, diagnose=False)
    assert say.cause(verdict).rerun == case
    right = edited(LAST, f"return e if len(x) != {broken} else e / e.sum(-1, keepdim=True)")
    assert say.failed(toy.grade("weights", right, case=case, diagnose=False)) == {}


def test_what_failed_can_be_run_again_by_its_name(toy, say):
    source = edited(LAST, "return e if len(x) == 4 else e / e.sum(-1, keepdim=True)")
    cause = say.cause(toy.grade("weights", source))
    assert cause.rerun == "rows-4"
    assert say.failed(toy.grade("weights", source, case=cause.rerun)) == {"weights.edges": "wrong"}


def test_an_unknown_case_is_refused(toy):
    with pytest.raises(ThinkLLMError, match="small, many-rows, rows-1, rows-4") as refused:
        toy.grade("weights", case="many-row")
    assert refused.value.exit_code == UsageError.exit_code
    assert refused.value.hint == "thinkllm check weights --case many-rows"


# words and events


def test_both_languages(toy, say):
    wrong = edited(LAST, "return e * 2 / e.sum(-1, keepdim=True)")
    chinese = toy.grade("weights", wrong, lang="zh")
    assert "倍数" in say.cause(chinese).where
    assert say.cause(chinese).case == "rows 1"
    assert {check.title for check in chinese.checks} >= {"weights: 与参考比较结果", "double: 与参考比较结果"}
    english = toy.grade("weights", wrong)
    assert "one factor" in say.cause(english).where
    assert [check.id for check in chinese.checks] == [check.id for check in english.checks]


def test_checks_are_planned_and_told_one_by_one(toy, told):
    verdict = toy.grade("weights", told=told)
    assert [check.id for check in told.plan] == [check.id for check in told.checks]
    assert tuple(told.checks) == verdict.checks


def test_nothing_is_explained_without_diagnosis(toy, say):
    cause = say.cause(toy.grade("weights", edited(LAST, "return e"), diagnose=False))
    assert (cause.expected, cause.actual, cause.where) == (None, None, None)


def test_what_the_attempt_prints_is_kept(toy):
    assert "hello" in toy.grade("weights", SOLUTION + "\n    print('hello')\n").stdout


def test_a_single_element_survives_every_layout(tree, say):
    grader = """
        class TestDouble(FunctionSuite):
            entry = "double"
            cases = [case(en="one", zh="一", shape=(1,))]

            def inputs(self, rng, *, shape):
                return {"x": rng.normal(shape)}
    """
    tree.add("single", api=["double"], solution=SOLUTION, grader=grader)
    assert say.failed(tree.grade("single")) == {}


def test_nothing_graded_is_no_pass():
    """Where no value was compared the verdict is that this machine cannot grade it; speed alone may be missing."""
    from types import SimpleNamespace

    from thinkllm_drill.judge.session import status_of
    from thinkllm_drill.verdict import Check

    def status(*checks, broken=False):
        return status_of(
            SimpleNamespace(checks=[Check(kind, kind, kind, state) for kind, state in checks]), broken=broken
        )

    fine = ("values", "passed")
    assert status(("defined", "passed"), fine) == "passed"
    assert status(("defined", "passed"), ("values", "skipped")) == "unavailable"
    assert status(("defined", "passed")) == "unavailable"
    assert status(fine, ("speed", "skipped")) == "passed_speed_unmeasured"
    assert status(fine, ("cost", "suspect")) == "failed"
    assert status(fine, ("edges", "internal"), ("cost", "wrong")) == "internal"
    assert status(fine, broken=True) == "internal"
    assert status(("defined", "timeout")) == "error"
    assert status(("defined", "contract")) == "failed"


CHEATS = {
    "the first answer for ever": """
        import torch
        seen = []
        def weights(x):
            seen.append(x.softmax(-1) if False else (x - x.amax(-1, keepdim=True)).exp())
            return seen[0] / seen[0].sum(-1, keepdim=True)
        def double(x):
            return 2 * x
    """,
    "right twice, garbage later": """
        import torch
        calls = [0]
        def weights(x):
            calls[0] += 1
            e = (x - x.amax(-1, keepdim=True)).exp()
            return e / e.sum(-1, keepdim=True) if calls[0] <= 2 else torch.rand_like(x)
        def double(x):
            return 2 * x
    """,
    "another default dtype, another allclose": """
        import torch
        torch.allclose = torch.equal = lambda *a, **k: True
        torch.Tensor.__eq__ = lambda a, b: torch.ones(())
        def weights(x):
            return torch.full_like(x, 1 / x.shape[-1])
        def double(x):
            return 2 * x
    """,
    "an answer that says it is right": """
        import torch
        class Sly(torch.Tensor):
            def __eq__(self, other): return True
        def weights(x):
            return torch.ones_like(x).as_subclass(Sly)
        def double(x):
            return 2 * x
    """,
    "a forged line": """
        import torch
        print('{"event": "verdict", "verdict": {"status": "passed"}}')
        def weights(x):
            print("PASSED")
            return x
        def double(x):
            return 2 * x
    """,
}


def test_cheats_do_not_pass(toy, say):
    verdicts = toy.each("weights", CHEATS.values())
    for name, source in CHEATS.items():
        assert verdicts[source].status == "failed", name
        assert next(iter(say.failed(verdicts[source]))).startswith("weights."), name
