"""Grader of RMSNorm."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_equal, assert_growth, case, check, title


class TestRMSNorm(ModuleSuite):
    entry = "RMSNorm"
    gradients = ("x", "parameters")
    cases = [
        case(en="three vectors", zh="三个向量", lead=(3,), dim=5),
        case(en="batch and tokens", zh="batch 与 token", lead=(2, 4), dim=6),
        case(en="as many vectors as entries", zh="向量数等于每个向量的元素数", lead=(4, 4), dim=4),
        case(en="a mean that is not 0", zh="均值不为 0", lead=(3,), dim=8, offset=2.0),
        case(en="a large eps", zh="很大的 eps", lead=(3,), dim=7, eps=0.5),
        case(en="entries as small as √eps", zh="元素与 √eps 相当", lead=(4,), dim=7, scale=1e-3),
        case(en="queries of several heads", zh="多个头的查询", lead=(2, 3, 4), dim=16),
    ]
    edges = [
        case(en="no leading dimension", zh="没有前面的维", lead=(), dim=9),
        case(en="one entry", zh="只有一个元素", lead=(3,), dim=1),
        case(en="a vector of zeros", zh="一个全零向量", lead=(3,), dim=8, zeros=True),
        case(en="entries of ten thousand", zh="上万的元素", lead=(3,), dim=8, scale=1e4),
        case(en="1027 entries", zh="1027 个元素", lead=(2,), dim=1027, reduction=1027),
        case(en="bfloat16", zh="bfloat16", lead=(3,), dim=33, dtype="bfloat16"),
        case(en="float16 entries of 300", zh="300 左右的 float16", lead=(3,), dim=33, scale=300.0, dtype="float16"),
        case(en="float16 entries of 0.001", zh="0.001 左右的 float16", lead=(3,), dim=33, scale=1e-3, dtype="float16"),
    ]

    def config(self, *, dim, eps=None, **_):
        return {"dim": dim} if eps is None else {"dim": dim, "eps": eps}

    def inputs(self, rng, *, lead, dim, scale=1.0, offset=0.0, zeros=False, **_):
        x = rng.normal((*lead, dim)) * scale + offset
        if zeros:
            x[1] = 0.0
        return {"x": x}

    def valid(self, *, lead, dim, **_):
        return min((*lead, dim)) > 0

    @title(en="half precision beside a float32 weight", zh="半精度输入与 float32 的 weight")
    def test_float32_weight(self, attempt, reference, rng):
        for dtype in (torch.bfloat16, torch.float16):
            yours, right = (self.build(impl, dim=12) for impl in (attempt, reference))
            x = rng.normal((2, 3, 12)).to(dtype)
            answer, kind = yours(x=x), str(dtype).removeprefix("torch.")
            assert_equal(
                answer.dtype,
                dtype,
                en=f"x {kind}, weight float32: the result must be {kind}. Convert back after the weight, not before.",
                zh=f"x 为 {kind}、weight 为 float32 时，结果应为 {kind}。应在乘 weight 之后再转回。",
            )
            assert_close(answer, right(x=x), en=f"x {kind}, weight float32", zh=f"x 为 {kind}、weight 为 float32")

    @check("gradients")
    @title(en="the gradient of a vector of zeros", zh="全零向量的梯度")
    def test_gradient_of_zeros(self, attempt, reference, rng):
        x = rng.normal((3, 8))
        x[1] = 0.0
        layer, right = (self.build(impl, dim=8, eps=0.25) for impl in (attempt, reference))
        cotangent = {0: rng.normal(x.shape)}
        _, found = layer.vjp({"x": x}, self.gradients, cotangent)
        _, truth = right.vjp({"x": x}, self.gradients, cotangent)
        for name in sorted(truth):
            assert_close(
                found[name].flatten(),
                truth[name].flatten(),
                en=f"vector 1 is zero: the gradient of {name} must be finite and right all the same",
                zh=f"第 1 个向量为零，{name} 的梯度仍须有限且正确",
            )

    @check("cost")
    @title(en="no Python loop over vectors or entries", zh="不在 Python 里逐个向量或逐元素循环")
    def test_no_loop(self, attempt, rng):
        costs = [self.build(attempt, dim=n).profile(x=rng.normal((n, n))) for n in (8, 64)]
        assert_growth(
            *costs,
            "operations",
            at_most=2,
            en="From (8, 8) to (64, 64) your torch calls grow in number: you loop over vectors or entries in Python.",
            zh="从 (8, 8) 到 (64, 64)，你调用 torch 的次数变多了：你在 Python 里逐个向量或逐元素循环。",
        )
