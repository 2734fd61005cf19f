"""What is told beside the place: the first named intermediate that differs, a gradient that suits its own forward."""

from __future__ import annotations

import importlib.util
import textwrap

import pytest

SEED = "00000000000000aa"

SCORES = '''
    import torch

    def attend(x):
        """Rows of x weighed by their similarity."""
        scores = x @ x.T / x.shape[-1] ** 0.5
        weights = scores.softmax(-1)
        return weights @ x
'''
SCORES_GRADER = """
    class TestAttend(FunctionSuite):
        entry = "attend"
        intermediates = ("scores", "weights")
        cases = [case(en="a few rows", zh="几行", rows=4)]

        def inputs(self, rng, *, rows):
            return {"x": rng.normal((rows, 6))}
"""


def test_the_first_intermediate_that_differs_is_named(tree, say):
    tree.add("attend", api=["attend"], solution=SCORES, grader=SCORES_GRADER)
    where = say.cause(tree.grade("attend", SCORES.replace(" ** 0.5", ""), seed=SEED)).where
    assert "`scores`" in where
    where = say.cause(tree.grade("attend", SCORES.replace("softmax(-1)", "softmax(0)"), seed=SEED)).where
    assert "`weights`" in where
    other = SCORES.replace("scores", "s").replace("softmax(-1)", "softmax(0)")
    assert "`weights`" in say.cause(tree.grade("attend", other, seed=SEED)).where
    unnamed = other.replace("weights", "w")
    assert "`" not in (say.cause(tree.grade("attend", unnamed, seed=SEED)).where or "")
    wrong_at_the_end = SCORES.replace("weights @ x", "weights @ x * 2")
    assert "intermediate" not in say.cause(tree.grade("attend", wrong_at_the_end, seed=SEED)).where


CUBE = '''
    import torch

    def cube(x):
        """x³, elementwise."""
        return x * x * x

    def cube_backward(grad, x):
        """The gradient of cube with respect to x."""
        return 3 * x * x * grad
'''
CUBE_GRADER = """
    class TestCube(FunctionSuite):
        entry = "cube"
        elementwise = True
        cases = [case(en="a few", zh="几个", n=5)]

        def inputs(self, rng, *, n):
            return {"x": rng.normal((n,))}


    class TestCubeBackward(FunctionSuite):
        entry = "cube_backward"
        forward, gradients_of_forward = "cube", ("x",)
        elementwise = True
        cases = [case(en="a few", zh="几个", n=5)]

        def inputs(self, rng, *, n):
            return {"grad": rng.normal((n,)), "x": rng.normal((n,))}

        def differentiated(self, rng, probe):
            given = self.prepared(rng, probe)
            return {"x": given["x"]}, {0: given["grad"]}
"""


def test_a_gradient_that_suits_a_wrong_forward_is_explained(tree, say):
    tree.add("cube", api=["cube", "cube_backward"], solution=CUBE, grader=CUBE_GRADER)
    assert say.failed(tree.grade("cube", seed=SEED)) == {}
    squares = textwrap.dedent(CUBE).replace("x * x * x", "x * x").replace("3 * x * x * grad", "2 * x * grad")
    verdict = tree.grade("cube", squares, seed=SEED)
    assert say.failed(verdict) == {"cube.values": "wrong", "cube_backward.values": "wrong"}
    backward = next(check for check in verdict.checks if check.id == "cube_backward.values")
    assert "your own `cube`" in backward.cause.where
    wrong = CUBE.replace("3 * x * x * grad", "2 * x * grad")
    assert "your own" not in (say.cause(tree.grade("cube", wrong, seed=SEED)).where or "")


DOT = '''
    import torch
    import triton
    import triton.language as tl


    @triton.jit
    def product_kernel(a_ptr, b_ptr, out_ptr):
        """Write the product of two (16, 16) matrices."""
        at = tl.arange(0, 16)[:, None] * 16 + tl.arange(0, 16)[None, :]
        product = tl.dot(tl.load(a_ptr + at), tl.load(b_ptr + at), input_precision="ieee")
        tl.store(out_ptr + at, product)


    def product(a, b):
        """Return a @ b, of (16, 16) each."""
        out = torch.empty_like(a)
        product_kernel[(1,)](a.contiguous(), b.contiguous(), out)
        return out
'''
DOT_GRADER = """
    class TestProduct(KernelSuite):
        entry = "product"
        layouts = False
        cases = [case(en="two matrices", zh="两个矩阵")]

        def inputs(self, rng):
            return {"a": rng.normal((16, 16)), "b": rng.normal((16, 16))}

        def expected(self, *, a, b):
            return a @ b
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_a_product_that_is_wrong_by_tf32_alone_is_told_so(tree, say):
    tree.add("product", api=["product"], solution=DOT, grader=DOT_GRADER, facts='needs = ["triton"]\n')
    assert say.failed(tree.grade("product", seed=SEED)) == {}
    rounded = textwrap.dedent(DOT).replace(', input_precision="ieee"', "")
    assert "TF32" in say.cause(tree.grade("product", rounded, seed=SEED)).where
    wrong = rounded.replace("out_ptr + at, product", "out_ptr + at, 2 * product")
    assert "TF32" not in (say.cause(tree.grade("product", wrong, seed=SEED)).where or "")
