"""Every size of the first case is also tried as 1."""

from __future__ import annotations

SOLUTION = '''
    import torch

    def best(x, k):
        """The k largest of each row, in order."""
        return x.topk(k, dim=-1).values
'''
GRADER = """
    class TestBest(FunctionSuite):
        entry = "best"
        cases = [case(en="a matrix", zh="矩阵", rows=3, cols=5, k=2)]

        def inputs(self, rng, *, rows, cols, k):
            return {"x": rng.normal((rows, cols)), "k": k}
"""


def test_a_size_of_one_that_the_reference_allows_is_graded(tree, say):
    tree.add("best", api=["best"], solution=SOLUTION, grader=GRADER)
    assert say.failed(tree.grade("best", seed="00000000000000aa")) == {}
    squeezed = SOLUTION.replace("values", "values.squeeze(0)")
    verdict = tree.grade("best", squeezed, seed="00000000000000aa")
    assert say.failed(verdict) == {"edges": "contract"}
    assert "rows 1" in say.cause(verdict).case
    assert say.failed(tree.grade("best", SOLUTION.replace("values", "values.squeeze(-1)"))) == {"edges": "contract"}
