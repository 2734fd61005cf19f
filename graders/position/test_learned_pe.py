"""Grader of the learned positional embedding."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_equal, assert_growth, case, check, title


class TestLearnedPositionalEmbedding(ModuleSuite):
    entry = "LearnedPositionalEmbedding"
    gradients = ("parameters",)
    elementwise = True
    cases = [
        case(en="no padding", zh="没有填充", batch=2, total_len=5, max_len=7, d_model=4),
        case(en="left padding", zh="左填充", batch=3, total_len=6, max_len=8, d_model=5, mask="left"),
        case(en="right padding", zh="右填充", batch=3, total_len=6, max_len=9, d_model=4, mask="right"),
        case(en="left padding, a decoding step", zh="左填充，解码单步", batch=4, total_len=7, max_len=11, d_model=3, mask="left", past_len=6),
        case(en="left padding, half in the cache", zh="左填充，一半在缓存里", batch=3, total_len=8, max_len=10, d_model=4, mask="left", past_len=4),
        case(en="a cache, no padding", zh="有缓存，没有填充", batch=2, total_len=6, max_len=8, d_model=5, past_len=2),
        case(en="padding anywhere", zh="填充在任意位置", batch=5, total_len=9, max_len=12, d_model=6, mask="random"),
        case(en="padding anywhere, a cache", zh="填充在任意位置，有缓存", batch=4, total_len=9, max_len=10, d_model=7, mask="random", past_len=3),
    ]  # fmt: skip
    edges = [
        case(en="as many tokens as positions", zh="token 数等于位置数", batch=2, total_len=6, max_len=6, d_model=4),
        case(en="a row of nothing but padding", zh="整行都是填充", batch=3, total_len=5, max_len=6, d_model=4, mask="dead"),
        case(en="one token, one position", zh="一个 token、一个位置", batch=1, total_len=1, max_len=1, d_model=3),
        case(en="one position, some padding", zh="一个位置，有填充", batch=3, total_len=4, max_len=1, d_model=3, mask="one"),
        case(en="more columns than positions, fewer tokens", zh="列数多于位置数，但 token 不多", batch=3, total_len=9, max_len=4, d_model=4, mask="few"),
        case(en="the same with a cache", zh="同上，有缓存", batch=3, total_len=9, max_len=4, d_model=4, mask="few", past_len=5),
        case(en="one token too many", zh="多出一个 token", batch=2, total_len=5, max_len=4, d_model=4),
        case(en="one token too many, in a decoding step", zh="解码单步，多出一个 token", batch=2, total_len=6, max_len=5, d_model=4, past_len=5),
        case(en="129 columns", zh="129 列", batch=2, total_len=129, max_len=257, d_model=2, mask="random", past_len=64),
    ]  # fmt: skip

    def config(self, *, max_len, d_model, **_):
        return {"max_len": max_len, "d_model": d_model}

    def inputs(self, rng, *, batch, total_len, mask=None, past_len=None, **_):
        position, row = torch.arange(total_len), torch.arange(batch)[:, None]
        match mask:
            case "left":  # row b has b columns of padding or as many as leave a token
                real = position >= row.clamp(max=total_len - 1)
            case "right":
                real = position < (total_len - row).clamp(min=1)
            case "random":
                real = rng.bernoulli((batch, total_len), 0.6)
            case "dead":
                real = torch.ones(batch, total_len, dtype=torch.bool) & (row != 1)
            case "one":
                real = position == row
            case "few":  # exactly four tokens a row, so that position 3 occurs
                real = torch.stack([rng.permutation(total_len) < 4 for _ in range(batch)])
                real[0] = position >= total_len - 4
            case _:
                real = torch.ones(batch, total_len, dtype=torch.bool)
        inputs = {"attention_mask": real.clone()}
        return inputs if past_len is None else inputs | {"past_len": past_len}

    def valid(self, *, batch, total_len, max_len, d_model, past_len=0, mask=None, **_):
        return min(batch, max_len, d_model) > 0 and 0 <= past_len < total_len and (mask != "few" or total_len >= 4)

    @title(en="a padded row gets what it gets alone", zh="带填充的行与单独计算一致")
    def test_padding_changes_nothing(self, attempt, rng):
        layer = self.build(attempt, max_len=9, d_model=4)
        mask = torch.tensor([[False] * 3 + [True] * 5, [True] * 8])
        assert_equal(
            layer(attention_mask=mask)[:1, 3:],
            layer(attention_mask=mask[:1, 3:]),
            en="5 tokens after 3 columns of padding must get the vectors that they get without padding",
            zh="3 列填充之后的 5 个 token，得到的向量应与没有填充时相同",
        )

    @title(en="prefill and decoding steps give the whole", zh="预填充加逐步解码等于整段计算")
    def test_decoding(self, attempt, rng):
        layer = self.build(attempt, max_len=12, d_model=3)
        mask = rng.bernoulli((3, 8), 0.7)
        mask[:, -1] = True
        whole = layer(attention_mask=mask)
        parts = [layer(attention_mask=mask[:, :5])]
        parts += [layer(attention_mask=mask[:, : t + 1], past_len=t) for t in range(5, 8)]
        assert_equal(
            torch.cat(parts, dim=1),
            whole,
            en="a prefill of 5 columns and three decoding steps must give what one call over 8 columns gives",
            zh="先预填充 5 列，再解码三步，结果应与一次计算 8 列相同",
        )

    @title(en="exactly 0 at padding", zh="填充处恰好为 0")
    def test_zeros(self, attempt, rng):
        layer = self.build(attempt, max_len=6, d_model=4)
        mask = torch.tensor([[False, False, True, False, True], [False] * 5])
        found = layer(attention_mask=mask)
        assert_equal(
            found[~mask],
            torch.zeros(8, 4),
            en="the vectors at padding must be exactly 0",
            zh="填充处的向量必须恰好为 0",
        )

    @check("cost")
    @title(en="cost independent of the table", zh="代价与表的大小无关")
    def test_rows_alone(self, attempt):
        mask = {"attention_mask": torch.ones(2, 8, dtype=torch.bool)}
        costs = [self.build(attempt, max_len=n, d_model=8).profile(**mask) for n in (16, 512)]
        for field in ("peak_bytes", "work"):
            assert_growth(
                *costs,
                field,
                at_most=1.5,
                en="From 16 to 512 positions in the table, forward takes more: it makes a one-hot matrix or a copy of the table.",
                zh="位置表从 16 行增到 512 行，forward 的代价也增加了：它构造了 one-hot 矩阵或复制了整张表。",
            )

    @check("cost")
    @title(en="no Python loop over tokens or rows", zh="不在 Python 里逐个 token 或逐行循环")
    def test_no_loop(self, attempt):
        layer = self.build(attempt, max_len=64, d_model=4)
        for large in ((4, 32), (32, 4)):
            assert_growth(
                *(layer.profile(attention_mask=torch.ones(size, dtype=torch.bool)) for size in ((4, 4), large)),
                "operations",
                at_most=1.5,
                en=f"From a (4, 4) mask to {large} your torch calls grow in number: you loop over tokens or rows in Python.",
                zh=f"掩码从 (4, 4) 增到 {large}，torch 调用的次数也增加了：你在 Python 里逐个 token 或逐行循环。",
            )
