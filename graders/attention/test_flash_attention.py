"""Grader of the FlashAttention forward pass."""

from itertools import pairwise

from thinkllm_drill.grading import (
    FunctionSuite,
    assert_enough_flops,
    assert_growth,
    assert_no_tensor,
    case,
    check,
    title,
)

BATCH = {"batch": 2, "heads": 3, "head_dim": 4}
ONE = {"batch": 1, "heads": 1}


class TestFlashAttention(FunctionSuite):
    """Tolerances are twice what honest answers were measured at: parts that are merged at the end round once more."""

    entry = "flash_attention"
    outputs = ("out", "lse")
    cases = [
        case(en="three tiles by two", zh="3 × 2 块", **BATCH, q_len=6, kv_len=8, block_q=2, block_k=4, factor=32),
        case(en="ragged last tiles", zh="最后一块不完整", **BATCH, q_len=7, kv_len=10, block_q=3, block_k=4, factor=32),
        case(en="causal", zh="因果", **BATCH, q_len=8, kv_len=8, block_q=2, block_k=2, is_causal=True, factor=32),
        case(en="causal, blocks of keys larger", zh="因果，键块更大", **BATCH, q_len=9, kv_len=9, block_q=2, block_k=5, is_causal=True, factor=32),
        case(en="causal, blocks of queries larger", zh="因果，查询块更大", batch=2, heads=3, head_dim=2, q_len=9, kv_len=9, block_q=4, block_k=3, is_causal=True, factor=32),
        case(en="causal, more keys than queries", zh="因果，键多于查询", **BATCH, q_len=5, kv_len=11, block_q=2, block_k=3, is_causal=True, factor=32),
        case(en="one tile", zh="只有一块", **BATCH, q_len=5, kv_len=7, block_q=8, block_k=16, factor=32),
        case(en="130 keys", zh="130 个键", batch=1, heads=2, head_dim=4, q_len=66, kv_len=130, block_q=64, block_k=64, is_causal=True, factor=96),
    ]  # fmt: skip
    edges = [
        case(en="blocks of 1", zh="块大小为 1", **BATCH, q_len=3, kv_len=4, block_q=1, block_k=1, is_causal=True, factor=32),
        case(en="one decoding query, causal", zh="解码的单个查询，因果", **BATCH, q_len=1, kv_len=9, block_q=4, block_k=4, is_causal=True, factor=32),
        case(en="causal, more queries than keys", zh="因果，查询多于键", **BATCH, q_len=9, kv_len=5, block_q=3, block_k=2, is_causal=True, factor=32),
        case(en="scores that grow from key to key", zh="分数逐键增大", **BATCH, q_len=3, kv_len=9, block_q=2, block_k=2, slope=40.0, factor=32),
        case(en="scores that fall from key to key", zh="分数逐键减小", **BATCH, q_len=3, kv_len=9, block_q=2, block_k=2, slope=-40.0, factor=32),
        case(en="scores far below 0", zh="分数远小于 0", **BATCH, q_len=4, kv_len=6, block_q=2, block_k=2, level=-1000.0, factor=2048),
        case(en="very large scores", zh="很大的分数", **BATCH, q_len=5, kv_len=6, block_q=2, block_k=2, size=300.0, factor=65536),
        case(en="very large scores, causal", zh="很大的分数，因果", **BATCH, q_len=6, kv_len=6, block_q=3, block_k=4, level=-30000.0, is_causal=True, factor=65536),
        case(en="bfloat16", zh="bfloat16", batch=2, heads=2, head_dim=64, q_len=5, kv_len=17, block_q=2, block_k=4, level=32.0, grid=True, dtype="bfloat16", factor=8),
        case(en="float16, scores beyond its range", zh="float16，分数超出其范围", batch=2, heads=2, head_dim=64, q_len=5, kv_len=7, block_q=2, block_k=4, size=60.0, grid=True, dtype="float16", factor=4),
        case(en="bfloat16, 320 equal scores, one a tile", zh="bfloat16，320 个相等的分数，每块一个", **ONE, head_dim=1, q_len=1, kv_len=320, block_q=1, block_k=1, equal=True, dtype="bfloat16"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, heads, head_dim, q_len, kv_len, size=1.0, grid=False, equal=False, **given):
        shapes = {"q": (q_len, head_dim), "k": (kv_len, head_dim), "v": (kv_len, head_dim)}
        inputs = {
            name: rng.normal((batch, heads, *shape)) * (1.0 if name == "v" else size) for name, shape in shapes.items()
        }
        if equal:
            inputs = {name: tensor * 0 + float(name == "v") for name, tensor in inputs.items()}
        if grid:  # exact in half precision, and so are the products in float32
            step = 1.0 if size > 10 else 0.125
            inputs = {name: (tensor / step).round() * step for name, tensor in inputs.items()}
        root = head_dim**0.5
        if "level" in given:  # every score lies near it
            first = 16.0 if grid else 16.3  # no short fraction: rounding it counts as conditioning
            inputs["q"][..., 0] = first
            inputs["k"][..., 0] = given["level"] * root / first
        if "slope" in given:  # from key to key the scores change by it
            inputs["q"][..., 0] = 1.1
            for index in range(kv_len):
                inputs["k"][..., index, 0] = given["slope"] * root * (index - kv_len // 2)
        return inputs | {name: given[name] for name in ("block_q", "block_k", "is_causal") if name in given}

    def cost(self, impl, rng, length, block, *, batch=1, heads=2, **given):
        inputs = self.inputs(rng, batch=batch, heads=heads, head_dim=4, q_len=length, kv_len=length)
        return impl.profile(self.entry, **inputs, block_q=block, block_k=block, **given)

    @check("cost")
    @title(en="memory linear in the length", zh="内存与长度成线性关系")
    def test_memory(self, attempt, rng):
        costs = [self.cost(attempt, rng, length, 16, is_causal=True) for length in (32, 64, 128)]
        for small, large in pairwise(costs):
            for field in ("largest_bytes", "peak_bytes"):
                assert_growth(
                    small,
                    large,
                    field,
                    at_most=2.3,
                    en="The length doubles, the tiles stay 16 × 16: something of q_len × kv_len is held, be it scores, "
                    "a mask or a list of tiles. Finish each tile before the next.",
                    zh="长度加倍而块仍是 16 × 16：保存了 q_len × kv_len 量级的东西，可能是分数、掩码或一串块。"
                    "应处理完一块再处理下一块。",
                )

    @check("cost")
    @title(en="no tensor larger than a tile or an input", zh="没有比一块或输入更大的张量")
    def test_tiles(self, attempt, rng):
        assert_no_tensor(
            self.cost(attempt, rng, 48, 8),
            2 * 48 * 8 * 4,  # twice the inputs, six tiles
            en="48 queries and keys, tiles of 8 × 8: a tensor has 48 × 8 entries a head or more. block_q and block_k "
            "both bound the tile.",
            zh="48 个查询与键，块为 8 × 8：有张量每个头达到 48 × 8 个元素或更多。块的两边分别由 block_q 与 block_k 限定。",
        )

    @check("cost")
    @title(en="tiles of the future skipped", zh="跳过全在未来的块")
    def test_skipped(self, attempt, rng):
        dense, causal = (self.cost(attempt, rng, 64, 16, is_causal=is_causal) for is_causal in (False, True))
        assert_growth(
            dense,
            causal,
            "flops",
            at_most=0.7,
            en="4 × 4 tiles: 10 of the 16 hold a key that a causal query may see, but is_causal saves fewer FLOPs than that. "
            "Leave the loop over keys where the first key is later than the last query.",
            zh="4 × 4 块：16 块中只有 10 块含有因果查询能看到的键，但 is_causal 省下的 FLOPs 不到这么多。"
            "当第一个键晚于最后一个查询时，应结束对键的循环。",
        )

    @check("cost")
    @title(en="loops over tiles alone", zh="只对块循环")
    def test_no_loop(self, attempt, rng):
        assert_growth(
            self.cost(attempt, rng, 2, 64, batch=1, heads=1, is_causal=True),
            self.cost(attempt, rng, 32, 64, batch=8, heads=8, is_causal=True),
            "operations",
            at_most=1.5,
            en="One tile both times, but from batch 1, 1 head, 2 tokens to batch 8, 8 heads, 32 tokens the number of torch "
            "calls grows: there is a loop within the tile.",
            zh="两次都只有一块，但从 batch 1、1 个头、2 个 token 到 batch 8、8 个头、32 个 token，torch 调用次数增加了："
            "块内部有循环。",
        )

    @check("cost")
    @title(en="computed in torch", zh="用 torch 计算")
    def test_enough_flops(self, attempt, reference, rng):
        assert_enough_flops(*(self.cost(impl, rng, 32, 16) for impl in (attempt, reference)), at_least=0.9)
