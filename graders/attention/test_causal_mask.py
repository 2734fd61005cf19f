"""Grader of causal, padding and window masks and of the bias made of one."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_equal, assert_growth, case, check, title


class TestMakeMask(FunctionSuite):
    entry = "make_mask"
    cases = [
        case(en="training, no padding", zh="训练，没有 padding", batch=2, q_len=5, kv_len=5, padding="none"),
        case(en="right padding", zh="右填充", batch=4, q_len=5, kv_len=5, padding="right"),
        case(en="left padding", zh="左填充", batch=3, q_len=6, kv_len=6, padding="left"),
        case(en="two new tokens, seven in the cache", zh="缓存 7 个 token，新来 2 个", batch=3, q_len=2, kv_len=9, padding="left"),
        case(en="one decoding step", zh="解码单步", batch=2, q_len=1, kv_len=7, padding="left"),
        case(en="not causal", zh="非因果", batch=3, q_len=4, kv_len=4, padding="right", causal=False),
        case(en="a window", zh="有窗口", batch=2, q_len=7, kv_len=7, padding="left", causal=True, window=3),
        case(en="a window with tokens in the cache", zh="有窗口，缓存中有 token", batch=2, q_len=3, kv_len=10, padding="any", window=4),
        case(en="a window to both sides", zh="双向窗口", batch=2, q_len=8, kv_len=8, padding="any", causal=False, window=3),
    ]  # fmt: skip
    edges = [
        case(en="a bool attention_mask", zh="bool 类型的 attention_mask", batch=3, q_len=3, kv_len=5, padding="any", kind="bool"),
        case(en="a window of 1", zh="窗口为 1", batch=2, q_len=4, kv_len=6, padding="right", window=1),
        case(en="a window of 1, not causal", zh="窗口为 1，非因果", batch=2, q_len=4, kv_len=4, padding="right", causal=False, window=1),
        case(en="a window longer than the keys", zh="窗口比键还长", batch=2, q_len=3, kv_len=5, padding="left", window=50),
        case(en="rows of padding only", zh="整行都是 padding", batch=3, q_len=4, kv_len=4, padding="all"),
        case(en="one token", zh="只有一个 token", batch=1, q_len=1, kv_len=1, padding="none"),
        case(en="not causal, tokens in the cache", zh="非因果，缓存中有 token", batch=2, q_len=3, kv_len=6, padding="any", causal=False, window=2),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, q_len, kv_len, padding, kind="int64", **given):
        position, row = torch.arange(kv_len), torch.arange(batch)[:, None]
        match padding:
            case "left":  # row b has b padded tokens, and from row 1 on there are some
                real = position >= row
            case "right":
                real = position < kv_len - row
            case "any":
                real = rng.bernoulli((batch, kv_len), 0.6)
            case "all":
                real = (row > 0) & (position >= 0)
            case _:
                real = position + row >= 0
        attention_mask = real if kind == "bool" else real.long()
        return {"attention_mask": attention_mask, "q_len": q_len, **given}

    def valid(self, *, batch, q_len, kv_len, window=1, **_):
        return batch > 0 and 0 < q_len <= kv_len and (window is None or window > 0)

    @title(en="a step at a time gives the rows of the whole", zh="逐步解码与整体掩码的各行一致")
    def test_rows_of_the_whole(self, attempt, reference, rng):
        real = rng.bernoulli((2, 7), 0.7).long()
        whole = reference.make_mask(attention_mask=real, q_len=7, window=4)
        for end in range(1, 8):
            row = attempt.make_mask(attention_mask=real[:, :end], q_len=1, window=4)
            assert_equal(
                row,
                whole[:, :, end - 1 : end, :end],
                en=f"decoding token {end - 1}: q_len = 1 with {end} keys must give row {end - 1} of the mask of all 7 tokens",
                zh=f"解码 token {end - 1}：q_len = 1、{end} 个键，应与 7 个 token 整体掩码的第 {end - 1} 行一致",
            )

    @check("cost")
    @title(en="no loop in Python", zh="没有 Python 循环")
    def test_no_loop(self, attempt, rng):
        small, large = (
            self.inputs(rng, batch=b, q_len=n, kv_len=n, padding="any", window=3) for b, n in ((1, 3), (4, 24))
        )
        assert_growth(
            attempt.profile("make_mask", **small),
            attempt.profile("make_mask", **large),
            "operations",
            at_most=1.5,
            en="From 1 row of 3 tokens to 4 rows of 24 the number of torch calls grows: there is a Python loop. "
            "Compare positions by broadcasting.",
            zh="从 1 行 3 个 token 到 4 行 24 个 token，torch 调用次数增加了：存在 Python 循环。应通过广播比较位置。",
        )


class TestMaskToBias(FunctionSuite):
    entry = "mask_to_bias"
    cases = [
        case(en="float32", zh="float32", batch=2, q_len=3, kv_len=4),
        case(en="float16", zh="float16", batch=2, q_len=3, kv_len=4, half="float16", dtype="float16"),
        case(en="bfloat16", zh="bfloat16", batch=2, q_len=3, kv_len=4, half="bfloat16", dtype="bfloat16"),
        case(en="a mask of two dimensions", zh="二维掩码", batch=0, q_len=5, kv_len=3, half="float32"),
    ]  # fmt: skip
    edges = [
        case(en="nothing allowed", zh="全部不允许", batch=1, q_len=2, kv_len=3, share=0.0),
        case(en="everything allowed", zh="全部允许", batch=1, q_len=2, kv_len=3, share=1.0, half="bfloat16", dtype="bfloat16"),
        case(en="nothing allowed in float16", zh="float16，全部不允许", batch=1, q_len=2, kv_len=3, share=0.0, half="float16", dtype="float16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, q_len, kv_len, share=0.5, half=None):
        shape = (batch, 1, q_len, kv_len) if batch else (q_len, kv_len)
        mask = rng.bernoulli(shape, share)
        if 0 < share < 1:
            mask[..., 0, 0], mask[..., -1, -1] = True, False
        return {"mask": mask} | ({"dtype": getattr(torch, half)} if half else {})
