"""Function suites, on an exercise with two entries that is made for it."""

from __future__ import annotations

import pytest

SOLUTION = '''
    import torch

    def scaled_sum(x, scale=1.0):
        """Σ x · scale over the last dimension."""
        return x.sum(-1) * scale

    def first_word(text, limit):
        """The first word and its length."""
        if limit < 1:
            raise ValueError("limit")
        word = text.split(" ")[0][:limit]
        return word, len(word)
'''
GRADER = '''
    class TestScaledSum(FunctionSuite):
        entry = "scaled_sum"
        gradients = ("x",)
        cases = [
            case(en="a small matrix", zh="小矩阵", shape=(2, 5)),
            case(en="a matrix", zh="矩阵", shape=(7, 9), scale=0.5),
        ]
        edges = [
            case(en="half precision", zh="半精度", shape=(2, 40), dtype="bfloat16"),
            case(en="infinite", zh="无穷", shape=(2, 4), special=float("inf")),
        ]
        sizes = {"shape": ((0, 3), (3, 0), (1,), (1, 1))}

        def inputs(self, rng, *, shape, scale=None, special=None):
            x = rng.normal(shape)
            if special is not None:
                x[0, 1] = special
            return {"x": x} if scale is None else {"x": x, "scale": scale}

        @check("cost")
        @title(en="one pass", zh="一遍")
        def test_one_pass(self, attempt, rng):
            if attempt.profile("scaled_sum", x=rng.normal((300, 400))).peak_bytes > 1_000_000:
                fail(en="too much", zh="太多")

        def test_is_linear(self, attempt, reference, rng):
            """doubling x doubles the answer"""
            x = rng.normal((3, 4))
            assert_close(attempt.scaled_sum(x=2 * x), 2 * reference.scaled_sum(x=x), en="not linear", zh="不是线性的")

        def test_type_of_text(self, attempt):
            raises(lambda: attempt.first_word(text="a", limit=0), "ValueError", en="limit 0 must raise", zh="应当报错")


    class TestFirstWord(FunctionSuite):
        entry = "first_word"
        cases = [case(en="a word", zh="一个词", length=4)]
        edges = [case(en="limit 0", zh="上限为 0", length=4, limit=0)]

        def inputs(self, rng, *, length, limit=9):
            letters = "".join(rng.choice("abcdef") for _ in range(length))
            return {"text": f"{letters} {letters}x", "limit": limit}
'''


@pytest.fixture(scope="module")
def toy(tree):
    return tree.add("scaled-sum", api=["scaled_sum", "first_word"], solution=SOLUTION, grader=GRADER)


def edited(old, new):
    assert SOLUTION.count(old) == 1
    return SOLUTION.replace(old, new)


def test_the_checks_of_two_entries_have_ids_kinds_and_titles_in_order(toy, judge, say):
    verdict = toy.grade("scaled-sum")
    assert (verdict.status, say.failed(verdict)) == ("passed", {})
    assert [check.id for check in verdict.checks] == [
        "scaled_sum.defined",
        "first_word.defined",
        "scaled_sum.contract",
        "scaled_sum.values",
        "scaled_sum.edges",
        "scaled_sum.gradients",
        "scaled_sum.properties.is_linear",
        "scaled_sum.properties.type_of_text",
        "scaled_sum.cost.one_pass",
        "first_word.contract",
        "first_word.values",
        "first_word.edges",
    ]
    titles = {check.id: check.title for check in verdict.checks}
    assert titles["scaled_sum.properties.is_linear"] == "scaled_sum: doubling x doubles the answer"
    assert titles["scaled_sum.cost.one_pass"] == "scaled_sum: one pass"
    assert titles["scaled_sum.properties.type_of_text"] == "scaled_sum: type of text"
    assert verdict.checks[0].detail == "scaled_sum(x, scale=1.0)"
    assert {check.kind for check in verdict.checks} >= {"defined", "cost", "properties", "gradients"}


SUM, HEAD, WORD = "x.sum(-1) * scale", "def scaled_sum(x, scale=1.0)", "return word, len(word)"
FAULTS = [
    (SUM, "x.sum(-1)", "scaled_sum.values", "wrong", "off"),
    (SUM, "x.sum(-1, keepdim=True) * scale", "scaled_sum.contract", "contract", "shape"),
    (SUM, "(x.sum(-1) * scale).double()", "scaled_sum.contract", "contract", "float64"),
    (SUM, "(x.sum(-1) * scale).tolist()", "scaled_sum.contract", "contract", "Tensor"),
    (SUM, "x.mul_(scale).sum(-1)", "scaled_sum.values", "contract", "changed in place: x"),
    (SUM, "x.sum(-1).mul(scale).detach()", "scaled_sum.gradients", "wrong", "gradient"),
    (SUM, "x.view(-1).view(x.shape).sum(-1) * scale", "scaled_sum.edges", "error", "view"),
    (SUM, "x.sum(-1) * scale + torch.rand(())", "scaled_sum.contract", "contract", "two different"),
    (SUM, "1 / 0", "scaled_sum.contract", "error", "ZeroDivisionError"),
    (HEAD, "def scaled_sum(logits, scale=1.0)", "scaled_sum.defined", "contract", "(logits"),
    (HEAD, "def scaled_sum(x, eps, scale=1.0)", "scaled_sum.defined", "contract", "eps"),
    (HEAD, "def total(x, scale=1.0)", "scaled_sum.defined", "contract", "scaled_sum"),
    (HEAD, "class scaled_sum:\n      def f(x)", "scaled_sum.defined", "contract", "function"),
    (WORD, "return [word, len(word)]", "first_word.contract", "contract", "tuple"),
    (WORD, "return word.upper(), len(word)", "first_word.values", "wrong", "[0]"),
    (WORD, "return word, len(word) + 1", "first_word.values", "wrong", "[1]"),
    (WORD, "return word, float(len(word))", "first_word.contract", "contract", "float"),
]
HONEST = [
    (SUM, "x.contiguous().view(-1).view(x.shape).sum(-1) * scale"),
    (SUM, "x.sum(-1) * scale + 0 * torch.rand(())"),
    (SUM, "torch.einsum('...i->...', x) * scale"),
    (HEAD, "def scaled_sum(x, *, scale=1.0, verbose=False)"),
    (HEAD, "def scaled_sum(x, **rest):\n        return summed(x, **rest)\n\n    def summed(x, scale=1.0)"),
]


@pytest.fixture(scope="module")
def verdicts(toy):
    return toy.each("scaled-sum", [edited(fault[0], fault[1]) for fault in [*FAULTS, *HONEST]])


@pytest.mark.parametrize(("old", "new"), HONEST)
def test_other_ways_to_write_it_pass(verdicts, say, old, new):
    verdict = verdicts[edited(old, new)]
    assert (say.failed(verdict), verdict.status) == ({}, "passed")


@pytest.mark.parametrize(("old", "new", "check", "status", "said"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_one_fault_is_one_failure(verdicts, say, old, new, check, status, said):
    verdict = verdicts[edited(old, new)]
    assert say.failed(verdict) == {check: status}
    assert said in say.cause(verdict).message
    assert verdict.status == "failed"
    stopped = [check.id for check in verdict.checks].index(check)
    rest = [later for later in verdict.checks[stopped + 1 :] if later.id.startswith(check.split(".")[0])]
    assert all(later.status == "skipped" and "not reached" in later.detail for later in rest)


def test_faults_in_two_entries_are_one_failure_each(toy, say):
    source = edited("x.sum(-1) * scale", "x.mean(-1) * scale").replace("return word, len", "return word, -len")
    verdict = toy.grade("scaled-sum", source, diagnose=False)
    assert say.failed(verdict) == {"scaled_sum.values": "wrong", "first_word.values": "wrong"}


def test_an_exception_that_is_expected_may_be_derived(toy, say):
    derived = edited('raise ValueError("limit")', 'raise type("TooSmall", (ValueError,), {})("limit")')
    assert say.failed(toy.grade("scaled-sum", derived)) == {}
    other = edited('raise ValueError("limit")', 'raise KeyError("limit")')
    assert say.failed(toy.grade("scaled-sum", other, diagnose=False)) == {
        "scaled_sum.properties.type_of_text": "wrong",
        "first_word.edges": "wrong",
    }
    none = edited('raise ValueError("limit")', "pass")
    verdict = toy.grade("scaled-sum", none, diagnose=False)
    assert "limit 0 must raise" in say.cause(verdict).message


def test_a_costly_answer_fails_its_own_check(toy, say):
    costly = edited("x.sum(-1) * scale", "(x.expand(4, *x.shape) + 0.0)[0].sum(-1) * scale")
    assert say.failed(toy.grade("scaled-sum", costly, diagnose=False)) == {"scaled_sum.cost.one_pass": "wrong"}


def test_accumulating_in_half_precision_is_seen(toy, say):
    source = edited("x.sum(-1) * scale", "sum((column for column in x.unbind(-1)), x.new_zeros(x.shape[:-1])) * scale")
    failed = say.failed(toy.grade("scaled-sum", source, diagnose=False))
    assert set(failed) <= {"scaled_sum.edges"}
