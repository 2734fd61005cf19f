"""Grader of the position-wise feed-forward network."""

import torch

from thinkllm_drill.grading import ModuleSuite, assert_close, assert_growth, case, check, title


class TestFeedForward(ModuleSuite):
    entry = "FeedForward"
    gradients = ("x", "parameters")
    train = (True, False)
    cases = [
        case(en="ReLU", zh="ReLU", shape=(2, 5), d_model=4, d_ff=6),
        case(en="GELU", zh="GELU", shape=(2, 3), d_model=5, d_ff=8, activation="gelu"),
        case(en="ReLU with dropout", zh="ReLU 加 dropout", shape=(3, 4), d_model=4, d_ff=9, dropout=0.3),
        case(en="GELU with dropout", zh="GELU 加 dropout", shape=(2, 6), d_model=3, d_ff=10, activation="gelu", dropout=0.6),
        case(en="as many hidden features as inputs", zh="隐藏特征数等于输入特征数", shape=(2, 4), d_model=7, d_ff=7, activation="gelu", dropout=0.4),
        case(en="narrower than the input", zh="隐藏层比输入窄", shape=(3, 2), d_model=8, d_ff=5, activation="gelu", dropout=0.25),
    ]  # fmt: skip
    edges = [
        case(en="no leading dimension", zh="没有前置维度", shape=(), d_model=4, d_ff=6, dropout=0.3),
        case(en="three leading dimensions", zh="三个前置维度", shape=(2, 1, 3), d_model=4, d_ff=6, activation="gelu", dropout=0.3),
        case(en="one hidden feature", zh="只有一个隐藏特征", shape=(2, 3), d_model=3, d_ff=1, activation="gelu"),
        case(en="uniforms exactly at p", zh="均匀随机数恰好等于 p", shape=(2, 4), d_model=4, d_ff=6, activation="gelu", dropout=0.25, ties=True),
        case(en="uniforms given, p = 0", zh="给了随机数而 p = 0", shape=(2, 4), d_model=4, d_ff=6, given=True),
        case(en="large inputs", zh="很大的输入", shape=(2, 4), d_model=4, d_ff=6, activation="gelu", scale=1000.0),
        case(en="257 hidden features", zh="257 个隐藏特征", shape=(1, 3), d_model=33, d_ff=257, activation="gelu", dropout=0.1, reduction=257),
    ]  # fmt: skip

    def config(self, *, d_model, d_ff, activation=None, dropout=None, **_):
        config = {"d_model": d_model, "d_ff": d_ff, "activation": activation, "dropout": dropout}
        return {name: value for name, value in config.items() if value is not None}

    def inputs(self, rng, *, shape, d_model, d_ff, dropout=None, ties=False, given=False, scale=1.0, **_):
        inputs = {"x": rng.normal((*shape, d_model)) * scale}
        if dropout is not None or given:
            inputs["uniforms"] = rng.integers(0, 4, (*shape, d_ff)) / 4 if ties else rng.uniform((*shape, d_ff))
        return inputs

    @title(en="a position does not see the others", zh="各位置互不影响")
    def test_position_by_position(self, attempt, rng):
        config = {"d_model": 6, "d_ff": 8, "activation": "gelu", "dropout": 0.5}
        layer = self.build(attempt, training=True, **config)
        inputs = self.inputs(rng, shape=(2, 5), **config)
        alone = {name: value[1:, 3:4] for name, value in inputs.items()}
        assert_close(
            layer(**alone),
            layer(**inputs)[1:, 3:4],
            en="position 3 of row 1 must come out the same when it is passed alone",
            zh="把第 1 行的位置 3 单独传入，结果应当相同",
        )

    @title(en="a call does not depend on the one before", zh="每次调用与前一次无关")
    def test_no_state(self, attempt, reference, rng):
        for activation, dropout in (("relu", 0.5), ("gelu", 0.25), ("relu", 0.0)):
            config = {"d_model": 5, "d_ff": 7, "activation": activation, "dropout": dropout}
            layer, right = (self.build(impl, training=True, **config) for impl in (attempt, reference))
            for shape in ((2, 3), (4,)):
                inputs = self.inputs(rng, shape=shape, **config)
                assert_close(
                    layer(**inputs),
                    right(**inputs),
                    en=f"several layers and shapes, one after the other: wrong for {activation}, p = {dropout}, {shape}",
                    zh=f"依次调用多个层、多种形状：{activation}、p = {dropout}、{shape} 时结果错误",
                    reduction=1024,  # 64 roundoffs: an output near 0 is a sum that cancels
                )

    @check("cost")
    @title(en="no Python loop over positions", zh="不在 Python 里逐个位置循环")
    def test_no_loop(self, attempt, rng):
        config = {"d_model": 4, "d_ff": 6, "activation": "gelu", "dropout": 0.5}
        layer = self.build(attempt, training=True, **config)
        assert_growth(
            *(layer.profile(**self.inputs(rng, shape=shape, **config)) for shape in ((2, 2), (8, 8))),
            "operations",
            at_most=1.5,
            en="From 4 to 64 positions your torch calls grow in number: you loop over them in Python.",
            zh="从 4 个位置增到 64 个，torch 调用的次数也增加了：你在 Python 里逐个位置循环。",
        )

    @check("cost")
    @title(en="FLOPs of two matrix products", zh="FLOPs 等于两次矩阵乘")
    def test_flops(self, attempt, reference):
        config = {"d_model": 32, "d_ff": 64}
        x = {"x": torch.ones(4, 32, 32)}
        assert_growth(
            self.build(reference, **config).profile(**x),
            self.build(attempt, **config).profile(**x),
            "flops",
            at_most=1.25,
            en="Your forward pass takes more matrix work than fc1 and fc2 once each, 4 · d_model · d_ff FLOPs a position.",
            zh="你的前向计算超出了 fc1、fc2 各乘一次的量，即每个位置 4 · d_model · d_ff 次 FLOPs。",
        )
