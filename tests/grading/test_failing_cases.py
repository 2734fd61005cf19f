"""Conditioning, redrawn inputs, and the smallest failing case."""

from __future__ import annotations

import pytest

SEEDS = [f"{number:016x}" for number in range(6)]


# conditioning

LOSS = '''
    import torch

    def gap(x, y):
        """log Σ exp(x) − log Σ exp(y), for y near x."""
        return torch.logsumexp(x, -1) - torch.logsumexp(y, -1)
'''
LOSS_GRADER = """
    class TestGap(FunctionSuite):
        entry = "gap"
        gradients = ("x",)
        cases = [case(en="near", zh="相近", rows=4, apart=1e-4), case(en="nearer", zh="更近", rows=4, apart=1e-6)]

        def inputs(self, rng, *, rows, apart):
            x = rng.normal((rows, 17)) * 3
            return {"x": x, "y": x + apart * rng.normal((rows, 17))}
"""


@pytest.fixture(scope="module")
def loss(tree):
    return tree.add("gap", api=["gap"], solution=LOSS, grader=LOSS_GRADER)


@pytest.mark.parametrize(
    "body",
    [
        "torch.log(x.exp().sum(-1)) - torch.log(y.exp().sum(-1))",
        "torch.log(x.exp().sum(-1) / y.exp().sum(-1))",
        "(x.amax(-1) + (x - x.amax(-1, keepdim=True)).exp().sum(-1).log()) - torch.logsumexp(y, -1)",
    ],
)
def test_an_honest_rewrite_of_an_ill_conditioned_loss_passes(loss, say, body):
    source = LOSS.replace("torch.logsumexp(x, -1) - torch.logsumexp(y, -1)", body)
    for seed in SEEDS:
        assert say.failed(loss.grade("gap", source, seed=seed)) == {}


@pytest.mark.parametrize("body", ["torch.zeros(len(x))", "torch.logsumexp(x, -1) * 1.001 - torch.logsumexp(y, -1)"])
def test_cancellation_is_no_excuse_for_a_wrong_loss(loss, say, body):
    source = LOSS.replace("torch.logsumexp(x, -1) - torch.logsumexp(y, -1)", body)
    assert set(say.failed(loss.grade("gap", source, diagnose=False)).values()) == {"wrong"}


SCALED = (
    LOSS.replace("gap(x, y)", "scaled(x, y, scale)")
    .replace("return ", "return scale * (")
    .replace("y, -1)\n", "y, -1))\n")
)
SCALED_GRADER = """
    class TestScaled(FunctionSuite):
        entry = "scaled"
        cases = [
            case(en="far", zh="远", rows=4, apart=1.0, scale=3.0),
            case(en="nearer", zh="更近", rows=4, apart=1e-6, scale=1.0),
        ]

        def inputs(self, rng, *, rows, apart, scale):
            x = rng.normal((rows, 17)) * 3
            return {"x": x, "y": x + apart * rng.normal((rows, 17)), "scale": scale}
"""
SCALE_IGNORED = """
    [[mistake]]
    id = "scale-ignored"
    swap = ["scale * (", "("]
    caught_by = "values"
    says = { en = "The scale is ignored.", zh = "忽略了 scale。" }
"""


def test_a_mistake_is_named_though_right_answers_round_differently(tree):
    tree.add("scaled", api=["scaled"], solution=SCALED, grader=SCALED_GRADER, mistakes=SCALE_IGNORED)
    own = SCALED.replace(
        "scale * (torch.logsumexp(x, -1) - torch.logsumexp(y, -1))", "torch.log(x.exp().sum(-1) / y.exp().sum(-1))"
    )
    assert own != SCALED
    for seed in SEEDS[:3]:
        diagnosis = tree.grade("scaled", own, seed=seed).diagnosis
        assert diagnosis is not None
        assert diagnosis.mistake == "scale-ignored"


IN_FP64 = """
    [[mistake]]
    id = "scale-ignored-in-fp64"
    swaps = [
        ["scale * (", "("],
        ["(x, -1)", "(x.double(), -1)"],
        ["(y, -1))", "(y.double(), -1)).float()"],
    ]
    caught_by = "values"
    says = { en = "The scale is ignored, at great expense.", zh = "忽略了 scale，而且代价不小。" }
"""


def test_of_two_mistakes_that_differ_by_rounding_alone_the_one_that_rounds_alike_is_named(tree):
    tree.add("scaled", api=["scaled"], solution=SCALED, grader=SCALED_GRADER, mistakes=SCALE_IGNORED + IN_FP64)
    both = "scale * (torch.logsumexp(x, -1) - torch.logsumexp(y, -1))"
    for mistake, own in (
        ("scale-ignored", "torch.logsumexp(x, -1) - torch.logsumexp(y, -1)"),
        ("scale-ignored-in-fp64", "(torch.logsumexp(x.double(), -1) - torch.logsumexp(y.double(), -1)).float()"),
    ):
        diagnosis = tree.grade("scaled", SCALED.replace(both, own)).diagnosis
        assert diagnosis is not None
        assert diagnosis.mistake == mistake


KINKED = """
    def kinked(x):
        return x.relu()
"""
KINKED_GRADER = """
    class TestKinked(FunctionSuite):
        entry = "kinked"
        gradients = ("x",)
        cases = [case(en="three", zh="三个", n=3)]

        def inputs(self, rng, *, n):
            return {"x": rng.normal((n,))}

        @check("gradients")
        def test_kink(self, attempt):
            assert float(attempt.kinked(x=torch.zeros(()))) == 0.0, "0 stays 0"
"""
ONE_AT_ZERO = """
    [[mistake]]
    id = "one-at-zero"
    swap = ["x.relu()", "x.relu() + (x == 0)"]
    caught_by = "gradients"
    says = { en = "The kink is lifted.", zh = "转折点被抬高了。" }
"""


def test_a_mistake_may_name_a_kind_of_which_another_check_passes(tree, say):
    tree.add("kinked", api=["kinked"], solution=KINKED, grader=KINKED_GRADER, mistakes=ONE_AT_ZERO)
    verdict = tree.grade("kinked", KINKED.replace("x.relu()", "(x.relu() + (x == 0) * 1.0)"))
    assert say.failed(verdict) == {"gradients.kink": "wrong"}
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.mistake == "one-at-zero"


# decisions of rounding

TOP = '''
    import torch

    def keep(x, p):
        """How many of the largest probabilities it takes to reach p."""
        probs = x.softmax(-1).sort(descending=True).values
        return int((probs.cumsum(-1) < p).sum()) + 1
'''
TOP_GRADER = """
    class TestKeep(FunctionSuite):
        entry = "keep"
        cases = [case(en="few", zh="少", size=10)]

        def inputs(self, rng, *, size):
            x = rng.normal((size,))
            return {"x": x * 0 if rng.random() < 0.6 else x, "p": 0.7}
"""


def test_where_the_references_own_rounding_decides_inputs_are_drawn_again(tree, say):
    """Seven times 0.1 is less than 0.7 in fp64 and more in float32."""
    tree.add("keep", api=["keep"], solution=TOP, grader=TOP_GRADER)
    for seed in SEEDS:
        assert say.failed(tree.grade("keep", seed=seed)) == {}
    one_less = TOP.replace(".sum()) + 1", ".sum())")
    assert say.failed(tree.grade("keep", one_less, diagnose=False)) == {"values": "wrong"}


FLOOR = '''
    import torch

    def floors(x):
        """⌊3x⌋ as int64."""
        return (3 * x).floor().long()
'''
FLOOR_GRADER = """
    class TestFloors(FunctionSuite):
        entry = "floors"
        layouts = False
        cases = [case(en="near whole numbers", zh="接近整数", n=3)]
        edges = [case(en="exact ties", zh="恰好是整数", n=40, exact=True)]

        def inputs(self, rng, *, n, exact=False):
            whole = rng.integers(-50, 50, (n,)).float()
            return {"x": whole if exact else (whole + 0.5 * rng.bernoulli((n,), 0.6)) / 3}
"""


def test_a_case_is_drawn_again_until_rounding_does_not_decide(tree, say):
    """An answer that differs only where 3x is a rounding away from a whole number is right; exact ties count."""
    tree.add("floors", api=["floors"], solution=FLOOR, grader=FLOOR_GRADER)
    in_double = FLOOR.replace("(3 * x)", "(3 * x.double())")
    divided = FLOOR.replace("(3 * x)", "(x / (1 / 3))")
    for seed in SEEDS[:3]:
        assert say.failed(tree.grade("floors", in_double, seed=seed, diagnose=False)) == {}
        assert "values" not in say.failed(tree.grade("floors", divided, seed=seed, diagnose=False))
    below = FLOOR.replace("(3 * x)", "(3 * x - 1e-5)")
    assert say.failed(tree.grade("floors", below, seed=SEEDS[1], diagnose=False)) == {"edges": "wrong"}


NEVER = FLOOR_GRADER.replace("0.5 * rng.bernoulli((n,), 0.6)", "0.0").replace("n=3)", "n=30)")


def test_a_case_on_which_rounding_always_decides_is_our_fault(tree, say):
    tree.add("always", api=["floors"], solution=FLOOR, grader=NEVER)
    verdict = tree.grade("always", FLOOR.replace("(3 * x)", "(3 * x.double() - 1e-5)"), diagnose=False)
    assert verdict.status == "internal"
    assert "rounding decides" in say.cause(verdict).message


# the smallest failing case

SHRINK = '''
    import torch

    def window(x, k, causal=True):
        """Running sums of the last k rows."""
        rows = [x[max(0, t - k + 1) : t + 1].sum(0) for t in range(len(x))]
        return torch.stack(rows) if rows else x
'''
SHRINK_GRADER = """
    class TestWindow(FunctionSuite):
        entry = "window"
        cases = [case(en="long", zh="长", rows=24, dim=12, k=6)]

        def inputs(self, rng, *, rows, dim, k):
            return {"x": rng.normal((rows, dim)), "k": k}

        def valid(self, *, rows, dim, k):
            return k <= rows and dim != 1
"""


@pytest.fixture(scope="module")
def windows(tree):
    return tree.add("window", api=["window"], solution=SHRINK, grader=SHRINK_GRADER)


@pytest.mark.parametrize(
    ("old", "new", "smallest"),
    [
        ("t - k + 1", "t - k", "rows 2, dim 2, k 1"),
        ("t - k + 1", "t - k + 2", "rows 1, dim 2, k 1"),
        ("return torch.stack(rows)", "rows[3:4] = [r + 1 for r in rows[3:4]]\n        return torch.stack(rows)", None),
        ("return torch.stack(rows)", "return torch.stack(rows) * (2 if k >= 3 else 1)", "rows 3, dim 2, k 3"),
    ],
)
def test_the_smallest_case_that_still_fails_is_shown(windows, say, old, new, smallest):
    assert SHRINK.count(old) == 1
    cause = say.cause(windows.grade("window", SHRINK.replace(old, new)))
    if smallest is None:  # the fourth row: sizes are tried at 1, 2, 3 and by halves
        rows = int(cause.case.split(",")[0].removeprefix("rows "))
        assert 4 <= rows <= 7
    else:
        assert cause.case == smallest
    assert cause.rerun == "long"
    assert len(cause.expected.splitlines()) <= 4


def test_a_case_that_cannot_be_smaller_keeps_its_name(windows, say):
    source = SHRINK.replace("return torch.stack(rows)", "return torch.stack(rows) + (x.numel() * k == 24 * 12 * 6)")
    cause = say.cause(windows.grade("window", source))
    assert cause.case == "long: rows 24, dim 12, k 6"


def test_the_place_is_told_of_the_case_that_is_shown(windows, say):
    source = SHRINK.replace("return torch.stack(rows)", "return torch.cat([torch.stack(rows)[:-2], x[-2:]])")
    assert say.cause(windows.grade("window", source)).where == "The first row is right, every later one is not."
