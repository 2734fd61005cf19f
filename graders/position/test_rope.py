"""Grader of rotary position embedding in the half-split layout."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_equal, assert_growth, case, check, title


class TestRopeCosSin(FunctionSuite):
    """A roundoff in a frequency is p of them in the angle at position p: cases allow four a position.

    No two thetas meet at one head_dim before the test that is about it.
    """

    entry = "rope_cos_sin"
    outputs = ("cos", "sin")
    layouts = False
    cases = [
        case(en="positions 0 to 4", zh="位置 0 到 4", batch=1, seq_len=5, head_dim=8, factor=32),
        case(en="another theta", zh="另一个 theta", batch=1, seq_len=5, head_dim=10, theta=500000.0, factor=32),
        case(en="one decoding step", zh="解码单步", batch=1, seq_len=1, head_dim=8, positions="random", limit=16, factor=64),
        case(en="rows with positions of their own", zh="各行位置不同", batch=3, seq_len=4, head_dim=8, positions="random", limit=16, factor=64),
        case(en="left padding", zh="左填充", batch=3, seq_len=6, head_dim=8, positions="padded", factor=32),
        case(en="packed documents", zh="多文档打包", batch=2, seq_len=9, head_dim=8, positions="packed", factor=32),
        case(en="head_dim 64", zh="head_dim 为 64", batch=2, seq_len=7, head_dim=64, positions="random", limit=100, factor=400),
        case(en="a head_dim that is no power of two", zh="head_dim 不是 2 的幂", batch=2, seq_len=3, head_dim=22, positions="random", limit=100, factor=400),
    ]  # fmt: skip
    edges = [
        case(en="head_dim 2", zh="head_dim 为 2", batch=1, seq_len=4, head_dim=2, factor=32),
        case(en="positions up to 8191", zh="位置到 8191", batch=2, seq_len=17, head_dim=48, theta=500000.0, positions="far", limit=8192, factor=32768),
        case(en="bfloat16", zh="bfloat16", batch=1, seq_len=5, head_dim=8, half="bfloat16", dtype="bfloat16"),
        case(en="bfloat16, positions up to 8191", zh="bfloat16，位置到 8191", batch=2, seq_len=33, head_dim=16, positions="far", limit=8192, half="bfloat16", dtype="bfloat16"),
        case(en="float16, positions up to 8191", zh="float16，位置到 8191", batch=2, seq_len=33, head_dim=16, positions="far", limit=8192, half="float16", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, head_dim, theta=None, positions="arange", limit=16, half=None):
        match positions:
            case "random":  # never the row 0, 1, 2, … and no two rows alike, but for chance
                ids = rng.integers(1, limit, (batch, seq_len))
            case "far":
                ids = rng.integers(limit // 2, limit, (batch, seq_len))
                ids[-1, -1] = limit - 1
            case "padded":  # row b starts with b padded tokens, which all sit at position 0
                ids = (torch.arange(seq_len) - torch.arange(batch)[:, None]).clamp(min=0)
            case "packed":  # documents of seq_len // 2 tokens and the rest
                ids = torch.cat((torch.arange(seq_len // 2), torch.arange(seq_len - seq_len // 2))).repeat(batch, 1)
            case _:
                ids = torch.arange(seq_len).repeat(batch, 1)
        inputs = {"position_ids": ids, "head_dim": head_dim}
        if theta is not None:
            inputs["theta"] = theta
        if half is not None:
            inputs["dtype"] = getattr(torch, half)
        return inputs

    def valid(self, *, batch, seq_len, head_dim, limit=16, **_):
        return batch > 0 and seq_len > 0 and head_dim > 1 and head_dim % 2 == 0 and limit > 3

    @title(en="two thetas, one after the other", zh="先后使用两个 theta")
    def test_theta_of_each_call(self, attempt, reference):
        for theta in (500000.0, 10000.0):
            inputs = {"position_ids": torch.tensor([[1, 2]]), "head_dim": 12, "theta": theta}
            assert_close(
                attempt.rope_cos_sin(**inputs),
                reference.rope_cos_sin(**inputs),
                en=f"head_dim 12 with theta 500000, then 10000: wrong for {theta:g}. What a call returns follows "
                "from its own arguments; frequencies that are kept between calls go with theta, too.",
                zh=f"head_dim 为 12，先用 theta 500000，再用 10000：{theta:g} 时结果不对。"
                "返回值只取决于本次调用的参数；若在调用之间缓存频率，也要按 theta 区分。",
            )


class TestApplyRope(FunctionSuite):
    entry = "apply_rope"
    outputs = ("q", "k")
    gradients = ("q", "k")
    cases = [
        case(en="as many key heads as query heads", zh="键头数等于查询头数", batch=2, heads=3, kv_heads=3, seq_len=5, head_dim=8),
        case(en="fewer key heads", zh="键头数少于查询头数", batch=2, heads=4, kv_heads=2, seq_len=5, head_dim=8),
        case(en="one row of positions for the batch", zh="整个 batch 共用一组位置", batch=3, heads=2, kv_heads=1, seq_len=4, head_dim=6, shared=True),
        case(en="as many heads as tokens", zh="头数等于 token 数", batch=4, heads=4, kv_heads=4, seq_len=4, head_dim=4),
        case(en="one token", zh="只有一个 token", batch=3, heads=4, kv_heads=2, seq_len=1, head_dim=8),
        case(en="head_dim 64", zh="head_dim 为 64", batch=1, heads=4, kv_heads=2, seq_len=17, head_dim=64),
    ]  # fmt: skip
    edges = [
        case(en="head_dim 2", zh="head_dim 为 2", batch=2, heads=3, kv_heads=1, seq_len=3, head_dim=2),
        case(en="all sizes 1", zh="各维大小为 1", batch=1, heads=1, kv_heads=1, seq_len=1, head_dim=2),
        case(en="127 tokens", zh="127 个 token", batch=1, heads=2, kv_heads=1, seq_len=127, head_dim=10),
        case(en="bfloat16", zh="bfloat16", batch=2, heads=4, kv_heads=2, seq_len=5, head_dim=16, dtype="bfloat16"),
        case(en="float16", zh="float16", batch=2, heads=4, kv_heads=2, seq_len=5, head_dim=16, dtype="float16"),
    ]  # fmt: skip

    def angles(self, rng, batch, seq_len, head_dim):
        half = rng.uniform((batch, seq_len, head_dim // 2), low=-3.0, high=3.0)
        angle = torch.cat((half, half), dim=-1)
        return angle.cos(), angle.sin()

    def inputs(self, rng, *, batch, heads, kv_heads, seq_len, head_dim, shared=False):
        cos, sin = self.angles(rng, 1 if shared else batch, seq_len, head_dim)
        q = rng.normal((batch, heads, seq_len, head_dim))
        k = rng.normal((batch, kv_heads, seq_len, head_dim))
        return {"q": q, "k": k, "cos": cos, "sin": sin}

    def valid(self, *, batch, heads, kv_heads, seq_len, head_dim, **_):
        return min(batch, heads, kv_heads, seq_len) > 0 and head_dim > 1 and head_dim % 2 == 0

    @title(en="float32 angles, queries and keys of other dtypes", zh="角度为 float32，查询与键为其他 dtype")
    def test_float32_angles_with_half_precision(self, attempt, reference, rng):
        inputs = self.inputs(rng, batch=2, heads=3, kv_heads=1, seq_len=4, head_dim=8)
        wide, brain, half = torch.float32, torch.bfloat16, torch.float16
        for dtypes in ((brain, brain), (half, wide), (wide, half)):
            given = inputs | {name: inputs[name].to(dtype) for name, dtype in zip("qk", dtypes, strict=True)}
            shown = "q {}, k {}, cos float32, sin float32".format(*(str(d).removeprefix("torch.") for d in dtypes))
            yours, right = attempt.apply_rope(**given), reference.apply_rope(**given)
            for name, dtype, mine, theirs in zip("qk", dtypes, yours, right, strict=True):
                assert_equal(
                    mine.dtype,
                    dtype,
                    en=f"{shown}: {name} must come back in its own dtype",
                    zh=f"{shown}：{name} 应以原来的 dtype 返回",
                )
                assert_close(mine, theirs, en=f"{shown}: {name} is not right", zh=f"{shown}：{name} 不对")

    @check("cost")
    @title(en="work and memory linear in head_dim", zh="计算量和内存与 head_dim 成线性关系")
    def test_no_matrix(self, attempt, rng):
        sizes = {"batch": 2, "heads": 2, "kv_heads": 2, "seq_len": 8}
        costs = [attempt.profile("apply_rope", **self.inputs(rng, **sizes, head_dim=d)) for d in (64, 128)]
        for field in ("largest_bytes", "work"):
            assert_growth(
                *costs,
                field,
                at_most=2.3,
                en="From head_dim 64 to 128: a head_dim × head_dim matrix is built or multiplied. "
                "Multiply by cos and sin elementwise.",
                zh="head_dim 从 64 增到 128：构造或乘了 head_dim × head_dim 的矩阵。应逐元素乘 cos 与 sin。",
            )
