"""What a grader asserts of costs, in a real grading too."""

from __future__ import annotations

import pytest
import torch

from thinkllm_drill import locale
from thinkllm_drill.grading import assert_enough_flops, assert_growth, assert_no_tensor
from thinkllm_drill.grading.local import Reference
from thinkllm_drill.judge.failures import RuleBroken
from thinkllm_drill.judge.profile import Cost

WORDS = {"en": "too dear", "zh": "代价太高"}
FIELDS = [name for name in Cost.__dataclass_fields__ if name.endswith("bytes")]
FIELDS += ["flops", "elementwise", "work", "operations", "instructions"]


@pytest.mark.parametrize("lang", locale.LANGUAGES)
@pytest.mark.parametrize("field", [field for field in FIELDS if field != "work"])
def test_growth(field, lang):
    locale.use(lang)
    small, large = Cost(**{field: 100}), Cost(**{field: 230})
    assert_growth(small, large, field, at_most=2.3, **WORDS)
    with pytest.raises(RuleBroken) as broken:
        assert_growth(small, Cost(**{field: 1400}), field, at_most=2.3, **WORDS)
    words, facts = broken.value.cause.message.split("\n")
    assert words == WORDS[lang]
    assert "100" in facts
    assert "1,400" in facts
    assert "14.0" in facts
    locale.use("en")


def test_growth_of_nothing():
    assert_growth(Cost(), Cost(), "work", at_most=2, **WORDS)
    with pytest.raises(RuleBroken, match="∞"):
        assert_growth(Cost(), Cost(flops=1), "work", at_most=2, **WORDS)
    with pytest.raises(ValueError, match="asked for"):
        assert_growth(Cost(), Cost(), "saved_bytes", at_most=2, **WORDS)


def test_no_tensor_of_a_size():
    assert_no_tensor(Cost(largest_bytes=399), 400, **WORDS)
    with pytest.raises(RuleBroken, match="too dear\nThe largest tensor takes 400 bytes; fewer than 400"):
        assert_no_tensor(Cost(largest_bytes=400), 400, **WORDS)


def test_enough_flops_of_whatever_kind():
    reference = Cost(flops=1000, elementwise=10**6)
    for cost in (Cost(flops=500), Cost(elementwise=500), Cost(instructions=500), Cost(flops=10**9)):
        assert_enough_flops(cost, reference)
    with pytest.raises(RuleBroken, match="numpy, another library or a shortcut"):
        assert_enough_flops(Cost(flops=499), reference)
    with pytest.raises(RuleBroken, match="too dear\n999 operations on tensors"):
        assert_enough_flops(Cost(flops=999), reference, at_least=1.0, **WORDS)


class Module:
    @staticmethod
    def product(a, b):
        return (a @ b).exp()


def test_the_reference_is_profiled_in_the_same_way():
    reference = Reference(Module)
    a, b = torch.rand(3, 4), torch.rand(4, 5)
    cost = reference.profile("product", a, b=b)
    assert (cost.flops, cost.elementwise, cost.saved_bytes, cost.instructions) == (2 * 3 * 4 * 5, 15, None, None)
    assert reference.profile("product", a, b, saved=True).saved_bytes == 3 * 5 * 8
    assert reference.profile(reference.product, a, b, instructions=True).instructions > 3
    assert reference.product.profile(a, b).flops == 120


SOLUTION = """import torch

def scores(q, k):
    # region blank: scores
    return torch.einsum("id,jd->ij", q, k)
    # endregion
"""
GRADER = """
class TestScores(FunctionSuite):
    entry = "scores"
    cases = [case(en="a few", zh="几个", n=3)]

    def inputs(self, rng, n):
        return {"q": rng.normal((n, 4)), "k": rng.normal((n, 4))}

    @check("cost")
    @title(en="enough is done", zh="做够了")
    def test_enough(self, attempt, reference, rng):
        inputs = self.inputs(rng, n=40)
        assert_enough_flops(attempt.profile("scores", **inputs), reference.profile("scores", **inputs))

    @check("cost")
    @title(en="no cube", zh="没有立方")
    def test_no_cube(self, attempt, rng):
        small, large = (attempt.profile("scores", **self.inputs(rng, n=n)) for n in (20, 40))
        assert_growth(small, large, "peak_bytes", at_most=4.5, en="grows too fast", zh="增长太快")
        assert_no_tensor(large, 40 * 40 * 4 * 4, en="no tensor of n × n × d", zh="不要 n × n × d 的张量")
"""
ATTEMPTS = {
    "return q @ k.T": None,
    "return torch.stack([(k * row).sum(-1) for row in q])": None,
    "return torch.from_numpy(q.numpy() @ k.numpy().T)": ("enough", "not done by torch"),
    "return (q[:, None] * k[None]).sum(-1)": ("no_cube", "n × n × d"),
    "m = len(q)\n    return q @ k.T + torch.zeros(m, m, m).sum(-1)": ("no_cube", "grows too fast"),
}


@pytest.fixture(scope="module")
def verdicts(tree):
    costly = tree.add("scores", api=["scores"], solution=SOLUTION, grader=GRADER)
    sources = {f"import torch\n\ndef scores(q, k):\n    {body}\n": body for body in ATTEMPTS}
    return {sources[source]: verdict for source, verdict in costly.each("scores", sources).items()}


@pytest.mark.parametrize("body", ATTEMPTS)
def test_costs_in_a_verdict(verdicts, body):
    failed = [check for check in verdicts[body].checks if check.status not in ("passed", "skipped")]
    if ATTEMPTS[body] is None:
        assert not failed
    else:
        (check,) = failed
        assert (check.status, check.kind) == ("rule", "cost")
        assert check.id.endswith(ATTEMPTS[body][0])
        assert ATTEMPTS[body][1] in check.cause.message
