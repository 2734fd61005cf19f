"""Module suites: state dicts, random weights, modes, dtypes."""

from __future__ import annotations

import pytest

SOLUTION = '''
    import torch
    from torch import nn

    class Gate(nn.Module):
        """x · σ(x Wᵀ) · γ, with dropout of whole rows replaced by a scale in training."""

        def __init__(self, dim, eps=1e-6):
            super().__init__()
            self.proj = nn.Linear(dim, dim)
            self.gamma = nn.Parameter(torch.ones(dim))
            self.register_buffer("running_var", torch.ones(dim))
            self.eps = eps

        def forward(self, x):
            gate = self.proj(x).sigmoid()
            out = x * gate * self.gamma
            if self.training:
                return out * 2
            return out / (self.running_var + self.eps).sqrt()
'''
GRADER = """
    class TestGate(ModuleSuite):
        entry = "Gate"
        gradients = ("x", "parameters")
        train = (False, True)
        cases = [
            case(en="small", zh="小", rows=2, dim=3),
            case(en="wide", zh="宽", rows=3, dim=33, reduction=33),
            case(en="half precision", zh="半精度", rows=3, dim=8, dtype="bfloat16"),
        ]
        sizes = {"rows": (0, 1)}

        def config(self, *, dim, **_):
            return {"dim": dim}

        def inputs(self, rng, *, rows, dim):
            return {"x": rng.normal((rows, dim))}

        def test_zero_in_zero_out(self, attempt):
            layer = self.build(attempt, dim=4, rows=1)
            assert_equal(layer(x=torch.zeros(2, 4)), torch.zeros(2, 4), en="zeros", zh="零")
"""


@pytest.fixture(scope="module")
def toy(tree):
    return tree.add("gate", api=["Gate"], solution=SOLUTION, grader=GRADER)


def edited(*swaps):
    source = SOLUTION
    for old, new in swaps:
        assert source.count(old) == 1
        source = source.replace(old, new)
    return source


def test_the_reference_passes_on_several_seeds(toy, say):
    for seed in ("0", "1"):
        verdict = toy.grade("gate", seed=seed * 16)
        assert (say.failed(verdict), verdict.status) == ({}, "passed")
    assert verdict.checks[0].detail == "Gate(dim, eps=1e-06)"


HONEST = [
    [("self.proj(x).sigmoid()", "torch.sigmoid(torch.einsum('bd,ed->be', x, self.proj.weight) + self.proj.bias)")],
    [
        ("out * 2", "out + out"),
        ("/ (self.running_var + self.eps).sqrt()", "* torch.rsqrt(self.running_var + self.eps)"),
    ],
    [("self.eps = eps", "self.register_buffer('spare', torch.ones(1), persistent=False)\n            self.eps = eps")],
    [
        ("def forward(self, x)", "def helper(self): return 2\n        def forward(self, x, **_)"),
        ("out * 2", "out * self.helper()"),
    ],
]


@pytest.mark.parametrize("swaps", HONEST)
def test_other_ways_to_write_it_pass(verdicts, say, swaps):
    assert say.failed(verdicts[edited(*swaps)]) == {}


NOT_A_MODULE = """def __new__(cls, dim, eps=1e-6):
            return cls.forward
        def forward(self, x):"""
FAULTS = [
    ([("self.gamma = nn", "self.g = nn"), ("self.gamma\n", "self.g\n")], "contract", "contract", "g"),
    ([("nn.Parameter(torch.ones(dim))", "nn.Parameter(torch.ones(1))")], "contract", "contract", "gamma"),
    ([("nn.Linear(dim, dim)", "nn.Linear(dim, dim, bias=False)")], "contract", "contract", "proj.bias"),
    ([(" * self.gamma", "")], "values", "wrong", "eval"),
    ([("out * 2", "out * 3")], "values", "wrong", "train"),
    ([("(self.running_var + self.eps).sqrt()", "1.0")], "values", "wrong", "eval"),
    ([("self.proj(x).sigmoid()", "self.proj(x).sigmoid().detach()")], "gradients", "wrong", ""),
    ([("self.gamma\n", "self.gamma.data\n")], "gradients", "wrong", "parameters.gamma"),
    ([("x * gate * self.gamma", "(x.float() * gate * self.gamma).float()")], "values", "contract", "bfloat16"),
    ([("class Gate(nn.Module)", "class Gate")], "contract", "error", "register_buffer"),
    ([("def forward(self, x):", NOT_A_MODULE)], "contract", "contract", "nn.Module"),
    ([("def forward", "def call")], "defined", "contract", "forward"),
    ([("dim, eps=1e-6)", "width, eps=1e-6, dim=1)")], "defined", "contract", "width"),
    ([("dim, eps=1e-6)", "eps=1e-6, dim=1)")], "defined", "contract", "another order"),
]  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(toy):
    """gamma and running_var start as ones: ignoring either would pass without random weights."""
    return toy.each("gate", [edited(*swaps) for swaps in [*HONEST, *(fault[0] for fault in FAULTS)]])


@pytest.mark.parametrize(("swaps", "check", "status", "said"), FAULTS, ids=[fault[0][0][1] for fault in FAULTS])
def test_one_fault_is_one_failure(verdicts, say, swaps, check, status, said):
    verdict = verdicts[edited(*swaps)]
    assert say.failed(verdict) == {check: status}
    assert said in say.cause(verdict).message


SCALED = """
    import torch
    from torch import nn

    class Scale(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.w = nn.Parameter(torch.ones(dim))

        def forward(self, x):
            return x * self.w
"""


def test_a_half_precision_module_is_compared_with_the_weights_that_it_has(tree, say):
    """Elementwise tolerance leaves no room for weights that were rounded for the attempt alone."""
    grader = """
        class TestScale(ModuleSuite):
            entry = "Scale"
            elementwise = True
            gradients = ("x", "parameters")
            cases = [case(en=f"{n}", zh=f"{n}", dim=n, dtype="bfloat16") for n in (5, 300)]

            def config(self, *, dim):
                return {"dim": dim}

            def inputs(self, rng, *, dim):
                return {"x": rng.normal((2, dim))}
    """
    tree.add("scale", api=["Scale"], solution=SCALED, grader=grader)
    for source in (SCALED, SCALED.replace("x * self.w", "(x.float() * self.w.float()).to(x.dtype)")):
        assert say.failed(tree.grade("scale", source)) == {}
