"""Grader of the Triton FlashAttention forward; the truth is the dense formula in fp64."""

import math

import torch
import torch.nn.functional as F

from thinkllm_drill.grading import KernelSuite, case, check, fail, speed, title
from thinkllm_drill.grading.kernels import explained

TILE = {"heads": 1, "kv_heads": 1, "head_dim": 16, "block_q": 16, "block_k": 16}
CAUSAL = {**TILE, "is_causal": True}
TIMED = {"batch": 2, "heads": 32, "q_len": 4096, "kv_len": 4096}


class TestFlashAttention(KernelSuite):
    """Tolerances are at least twice what honest answers were measured at: scores in units of log₂e round once more."""

    entry = "flash_attention"
    outputs = ("out", "lse")
    cases = [
        case(en="one tile", zh="只有一块", batch=1, q_len=16, kv_len=16, **TILE, factor=32),
        case(en="three tiles of keys", zh="键分三块", batch=1, q_len=16, kv_len=48, **TILE, factor=32),
        case(en="ragged tiles of queries and of keys", zh="查询块与键块都不满", batch=1, q_len=21, kv_len=37, **TILE, factor=32),
        case(en="causal", zh="因果", batch=1, q_len=40, kv_len=40, **CAUSAL, factor=32),
        case(en="two query heads a key head, batch 2", zh="每个键头两个查询头，batch 2", batch=2, heads=4, kv_heads=2, head_dim=16, q_len=5, kv_len=7, block_q=16, block_k=16, factor=32),
        case(en="head_dim 24", zh="head_dim 24", batch=1, heads=2, kv_heads=1, head_dim=24, q_len=9, kv_len=20, block_q=16, block_k=16, factor=32),
        case(en="causal, wide tiles of keys", zh="因果，键块更大", batch=1, heads=1, kv_heads=1, head_dim=16, q_len=40, kv_len=40, block_q=16, block_k=32, is_causal=True, factor=32),
        case(en="causal, wide tiles of queries", zh="因果，查询块更大", batch=1, heads=1, kv_heads=1, head_dim=16, q_len=36, kv_len=51, block_q=32, block_k=16, is_causal=True, factor=32),
        case(en="the default tiles", zh="默认的块", batch=1, heads=1, kv_heads=1, head_dim=16, q_len=150, kv_len=150, is_causal=True, factor=32),
    ]  # fmt: skip
    edges = [
        case(en="one decoding query, causal", zh="解码的单个查询，因果", batch=1, q_len=1, kv_len=37, **CAUSAL, factor=32),
        case(en="causal, more queries than keys", zh="因果，查询多于键", batch=1, q_len=37, kv_len=12, **CAUSAL, factor=32),
        case(en="more queries than keys", zh="查询多于键", batch=1, q_len=37, kv_len=12, **TILE, factor=32),
        case(en="causal, a tile of queries without keys", zh="因果，整块查询没有键", batch=1, q_len=20, kv_len=3, **CAUSAL, factor=32),
        case(en="head_dim 128", zh="head_dim 128", batch=1, heads=1, kv_heads=1, head_dim=128, q_len=3, kv_len=20, block_q=16, block_k=16, factor=32),
        case(en="scores that rise from key to key", zh="分数逐键升高", batch=1, q_len=3, kv_len=40, **TILE, slope=30.0, factor=64),
        case(en="scores that fall from key to key", zh="分数逐键降低", batch=1, q_len=3, kv_len=40, **TILE, slope=-30.0, factor=64),
        case(en="scores far below 0", zh="分数远小于 0", batch=1, q_len=3, kv_len=20, **TILE, level=-1000.0, factor=8192),
        case(en="one key, its score −10⁶", zh="只有一个键，分数为 −10⁶", batch=1, q_len=3, kv_len=1, **TILE, level=-1e6, factor=32),
        case(en="scores of ±10000", zh="±10000 的分数", batch=1, q_len=5, kv_len=20, **CAUSAL, size=80.0, factor=32768),
        case(en="views with strides of their own", zh="stride 各不相同的视图", batch=2, heads=2, kv_heads=2, head_dim=16, q_len=5, kv_len=35, block_q=16, block_k=16, is_causal=True, views=True, factor=32),
        case(en="bfloat16", zh="bfloat16", batch=1, q_len=17, kv_len=37, **CAUSAL, dtype="bfloat16"),
        case(en="bfloat16 beyond the range of float16", zh="超出 float16 范围的 bfloat16", batch=1, q_len=3, kv_len=20, **TILE, tilt=1e6, large=1e6, dtype="bfloat16"),
        case(en="float16", zh="float16", batch=1, q_len=17, kv_len=37, **CAUSAL, dtype="float16"),
        case(en="float16, scores beyond its range", zh="float16，分数超出其范围", batch=1, q_len=3, kv_len=20, **TILE, size=300.0, dtype="float16", factor=64),
        case(en="float16, values near the largest", zh="float16，接近最大值的 v", batch=1, q_len=3, kv_len=20, **TILE, large=40000.0, dtype="float16"),
    ]  # fmt: skip
    speeds = (
        speed(en="causal, head_dim 128", zh="因果，head_dim 128", **TIMED, kv_heads=32, head_dim=128, is_causal=True, flops=2 * 2 * 32 * 4096**2 * 128, peer="sdpa", at_least=0.5),
        speed(en="not causal, head_dim 64", zh="非因果，head_dim 64", **TIMED, kv_heads=32, head_dim=64, flops=4 * 2 * 32 * 4096**2 * 64, peer="sdpa", at_least=0.5),
        speed(en="causal, 8 key heads for 32", zh="因果，32 个头共用 8 个键头", **TIMED, kv_heads=8, head_dim=128, is_causal=True, flops=2 * 2 * 32 * 4096**2 * 128, peer="sdpa", at_least=0.5),
    )  # fmt: skip

    def inputs(
        self,
        rng,
        *,
        batch,
        heads,
        kv_heads,
        q_len,
        kv_len,
        head_dim,
        size=1.0,
        large=1.0,
        tilt=1.0,
        views=False,
        **given,
    ):
        shapes = {"q": (heads, q_len), "k": (kv_heads, kv_len), "v": (kv_heads, kv_len)}
        inputs = {name: rng.normal((batch, *shape, head_dim)) for name, shape in shapes.items()}
        inputs["q"] *= size * tilt
        inputs["k"] *= size / tilt
        inputs["v"] += 0.5  # so that a key too many or too few shows
        if large > 1.0:
            inputs["v"] = large * (1 + 0.5 * rng.uniform(inputs["v"].shape))
        if "level" in given or "slope" in given:  # the first column says what the scores are, about
            steps = torch.full((kv_len,), given.get("level", 0.0))
            steps += given.get("slope", 0.0) * (torch.arange(kv_len) - kv_len // 2)
            inputs["q"][..., 0] = 1.1
            inputs["k"][..., 0] = steps * math.sqrt(head_dim)
        if views:  # each has strides of its own
            q, k, v = inputs.values()
            k = torch.cat((v, k, v), dim=1)[:, kv_heads : 2 * kv_heads]
            inputs |= {"q": q.mT.contiguous().mT, "k": k, "v": v.repeat_interleave(2, -1)[..., ::2]}
        return inputs | {name: given[name] for name in ("is_causal", "block_q", "block_k") if name in given}

    def expected(self, *, q, k, v, is_causal=False, block_q=128, block_k=64):
        wide = torch.promote_types(q.dtype, torch.float32)
        k, v = (tensor.repeat_interleave(q.shape[1] // k.shape[1], dim=1).to(wide) for tensor in (k, v))
        scores = q.to(wide) @ k.mT / math.sqrt(q.shape[-1])  # (batch, heads, q_len, kv_len)
        if is_causal:
            later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device)
            scores = scores.masked_fill(later.triu(k.shape[-2] - q.shape[-2] + 1), -torch.inf)
        dead = scores.amax(-1, keepdim=True) == -torch.inf
        weights = torch.softmax(scores.masked_fill(dead, 0.0), dim=-1).masked_fill(dead, 0.0)
        return (weights @ v).to(q.dtype), torch.logsumexp(scores, dim=-1)

    def sdpa(self, *, q, k, v, is_causal=False, block_q=128, block_k=64):
        """What the timed shapes are compared with."""
        return F.scaled_dot_product_attention(q, k, v, is_causal=is_causal, enable_gqa=k.shape[1] != q.shape[1])

    def valid(self, *, heads, kv_heads, head_dim, block_q=128, block_k=64, **_):
        blocks = all(block >= 16 and block & (block - 1) == 0 for block in (block_q, block_k))
        return blocks and heads % kv_heads == 0 and head_dim <= 128

    @title(en="half precision: lse within rounding of float32", zh="半精度输入：lse 只有 float32 的舍入误差")
    def test_lse_of_half(self, attempt, rng):
        for dtype in (torch.bfloat16, torch.float16):
            inputs = self.inputs(rng, batch=1, q_len=7, kv_len=37, **TILE | {"head_dim": 24})  # √16 is a power of two
            inputs = {name: x.to(dtype) if name in "qkv" else x for name, x in inputs.items()}
            inputs["q"] = inputs["q"] * 3  # peaked, so that each weight counts
            right = self.expected(**{name: x.double() if name in "qkv" else x for name, x in inputs.items()})[1]
            with explained():
                error = float((attempt.flash_attention(**inputs)[1].double() - right).abs().max())
            if not error <= 1e-5 * (1 + float(right.abs().max())):
                fail(
                    en=f"lse is off by {error:.2g} for {dtype} inputs. It is float32: scale the scores, not q, in float32, and "
                    "sum the weights before they are cast for the second product.",
                    zh=f"输入为 {dtype} 时 lse 差了 {error:.2g}。它是 float32：应在 float32 里缩放分数（而不是缩放 q），"
                    "并在为第二次乘法转换权重之前求和。",
                )

    @title(en="the output accumulates in float32", zh="输出用 float32 累加")
    def test_accumulator(self, attempt, rng):
        v = torch.full((1, 1, 208, 1), 1 / 32)  # beside 256, half precision loses what a tile adds
        v[0, 0, 0] = float(rng.randint(240, 272))
        inputs = {"q": torch.zeros(1, 1, 1, 1), "k": torch.zeros(1, 1, 208, 1), "v": v}
        inputs = {name: tensor.bfloat16() for name, tensor in inputs.items()}
        with explained():
            out, _ = attempt.flash_attention(**inputs, is_causal=False, block_q=16, block_k=16)
        right = float(inputs["v"].double().mean())
        if not abs(float(out) - right) <= 2.0**-7 * right:
            fail(
                en=f"The mean of 208 bfloat16 values is {float(out):.5g}, not {right:.5g}: what tiles add is lost. Keep the "
                "accumulator and the sum in float32 and convert when storing.",
                zh=f"208 个 bfloat16 数的均值是 {float(out):.5g}，应为 {right:.5g}：各块的贡献被舍掉了。累加器与和应保持 "
                "float32，store 时再转换。",
            )

    @check("cost")
    @title(en="no load or store wider than a tile", zh="每次 load 与 store 都不宽于一块")
    def test_width(self, attempt, rng):
        for sizes in ({"block_q": 16, "block_k": 32}, {"block_q": 32, "block_k": 16}):
            work, _ = self.work(attempt, rng, batch=1, heads=1, kv_heads=1, head_dim=24, q_len=20, kv_len=40, **sizes)
            if work.widest > 32 * 32:
                fail(
                    en=f"block_q and block_k are 16 and 32 and head_dim 24, held by 32 columns, but line {work.widest_line} "
                    f"touches {work.widest} elements at once: more than 32 × 32.",
                    zh=f"block_q 与 block_k 为 16 和 32，head_dim 为 24，占 32 列，但第 {work.widest_line} 行一次访问了 "
                    f"{work.widest} 个元素，多于 32 × 32。",
                )

    @check("cost")
    @title(en="each tile of queries reads the keys it needs once", zh="每块查询只读一遍所需的键")
    def test_traffic(self, attempt, rng):
        for is_causal in (False, True):
            work, _ = self.work(
                attempt, rng, batch=1, heads=1, kv_heads=1, head_dim=16, q_len=48, kv_len=64,
                block_q=32, block_k=16, is_causal=is_causal,
            )  # fmt: skip
            least = 2 * 16 * (48 + 64 if is_causal else 64 + 64) + (2 * 16 + 1) * 48
            moved = work.traffic(at_least=0)
            if moved > 1.02 * least:
                words = ("is_causal, ", "is_causal，") if is_causal else ("", "")
                fail(
                    en=f"{words[0]}48 queries, 64 keys, tiles of 32 × 16: your kernels load and store {moved} elements, but {least} "
                    "are enough: each tile of queries reads keys and values once, none after its last query, and scores "
                    "never go to memory.",
                    zh=f"{words[1]}48 个查询、64 个键，块为 32 × 16：你的 kernel 共读写 {moved} 个元素，而 {least} 个就够了："
                    "每块查询只读一遍键和值，不读晚于其最后一个查询的，分数也不写进内存。",
                )
