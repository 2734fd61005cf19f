"""Grader of generalized advantage estimation."""

import torch

from thinkllm_drill.grading import FunctionSuite, assert_growth, case, check, fail, title

FLAGS = """def flags(f, rewards, values, dones):
    f(rewards=rewards, values=values, dones=dones)
    return rewards.requires_grad and values.requires_grad
"""
FACTOR = 64
"""Roundoffs of a row's largest number: values cancel in advantages and returns; honest answers were measured at 15."""


class TestGAE(FunctionSuite):
    """No reward is near 0: a return of that size would be smaller than the rounding of the value that cancels in it."""

    entry = "gae"
    outputs = ("advantages", "returns")
    cases = [
        case(en="no episode ends", zh="没有回合结束", batch=2, seq_len=4, gamma=0.9, lam=0.8, ends="none", factor=FACTOR),
        case(en="episodes end on the way", zh="中途有回合结束", batch=3, seq_len=7, gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="default gamma and lam", zh="默认的 gamma 与 lam", batch=3, seq_len=12, factor=FACTOR),
        case(en="every row ends with an episode", zh="每行都以回合结束收尾", batch=2, seq_len=5, gamma=0.9, lam=0.6, ends="last", factor=FACTOR),
        case(en="lam larger than gamma", zh="lam 大于 gamma", batch=4, seq_len=5, gamma=0.5, lam=0.9, factor=FACTOR),
        case(en="lam 0: TD errors", zh="lam 为 0：TD 误差", batch=2, seq_len=6, gamma=0.9, lam=0.0, factor=FACTOR),
        case(en="lam 1: Monte Carlo", zh="lam 为 1：蒙特卡洛", batch=2, seq_len=6, gamma=0.9, lam=1.0, factor=FACTOR),
        case(en="gamma 1, lam 0.95, one reward at the end", zh="gamma 为 1、lam 为 0.95，只有末尾有奖励", batch=3, seq_len=9, gamma=1.0, lam=0.95, ends="last", sparse=True, factor=FACTOR),
    ]  # fmt: skip
    edges = [
        case(en="as many rows as steps", zh="行数等于步数", batch=5, seq_len=5, gamma=0.9, lam=0.8, factor=FACTOR),
        case(en="every step ends an episode", zh="每一步都结束一个回合", batch=2, seq_len=4, gamma=0.9, lam=0.8, ends="all", factor=FACTOR),
        case(en="gamma 0", zh="gamma 为 0", batch=2, seq_len=4, gamma=0.0, lam=0.8, factor=FACTOR),
        case(en="gamma 1, lam 1", zh="gamma 与 lam 都为 1", batch=2, seq_len=17, gamma=1.0, lam=1.0, factor=FACTOR),
        case(en="129 steps", zh="129 步", batch=2, seq_len=129, factor=FACTOR),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, seq_len, gamma=None, lam=None, ends="some", sparse=False):
        rewards = rng.uniform((batch, seq_len), low=0.5, high=1.5) * (rng.integers(0, 2, (batch, seq_len)) * 2 - 1)
        if sparse:
            rewards[:, :-1] = 0.0
        dones = torch.full((batch, seq_len), ends == "all")
        if ends == "some":  # never at the end of the first row, so that there is one with a bootstrap
            dones = rng.bernoulli((batch, seq_len), 0.25)
            dones[0, seq_len // 2] = seq_len > 1
            dones[0, -1] = False
        if ends == "last":
            dones = rng.bernoulli((batch, seq_len), 0.1)
            dones[:, -1] = True
        inputs = {"rewards": rewards, "values": rng.uniform((batch, seq_len + 1), low=-1.0, high=3.0), "dones": dones}
        if gamma is not None:
            inputs["gamma"] = gamma
        if lam is not None:
            inputs["lam"] = lam
        return inputs

    def valid(self, *, batch, seq_len, **_):
        return batch > 0 and seq_len > 0

    @check("gradients")
    @title(en="advantages and returns carry no gradient", zh="优势与回报不带梯度")
    def test_constants(self, attempt, rng):
        inputs = self.inputs(rng, batch=2, seq_len=4)
        for name in ("rewards", "values"):
            inputs[name].requires_grad_()
        for name, output in zip(self.outputs, attempt.gae(**inputs), strict=True):
            if output.requires_grad:
                fail(
                    en=f"`{name}` carries a gradient (requires_grad is True) where rewards and values require one. "
                    "Advantages and returns are constants for the losses: detach, or compute without grad.",
                    zh=f"rewards 与 values 需要梯度时，`{name}` 也带上了梯度（requires_grad 为 True）。"
                    "优势与回报对损失来说是常量：要 detach，或在 no_grad 下计算。",
                )

        if not attempt.local(FLAGS)(attempt["gae"], inputs["rewards"], inputs["values"], inputs["dones"]):
            fail(
                en="After the call `rewards` or `values` no longer require a gradient: you switched it off on the caller's "
                "tensors. detach() gives a constant and leaves them alone.",
                zh="调用之后 `rewards` 或 `values` 不再需要梯度：你把调用者的张量的 requires_grad 关掉了。"
                "detach() 得到的就是常量，不会动原来的张量。",
            )

    @check("cost")
    @title(en="no loop over the rows", zh="不逐行循环")
    def test_no_loop_over_rows(self, attempt, rng):
        few, many = (self.inputs(rng, batch=batch, seq_len=6) for batch in (4, 16))
        assert_growth(
            attempt.profile("gae", **few),
            attempt.profile("gae", **many),
            "operations",
            at_most=1.5,
            en="From 4 to 16 rows your calls of torch grow in number: a Python loop over the rows. Take one step of all rows at once.",
            zh="从 4 行到 16 行，torch 调用的次数也跟着增加：你用 Python 逐行循环。每一步应对所有行一起算。",
        )

    @check("cost")
    @title(en="work linear in the steps", zh="计算量与步数成线性关系")
    def test_linear_in_steps(self, attempt, rng):
        short, long = (self.inputs(rng, batch=2, seq_len=steps) for steps in (16, 64))
        assert_growth(
            attempt.profile("gae", **short),
            attempt.profile("gae", **long),
            "work",
            at_most=8,
            en="From 16 to 64 steps your work grows like the square: each step adds up all later ones again. Use the recursion from the last step backwards.",
            zh="从 16 步到 64 步，你的计算量按平方增长：每一步都把后面的全部重新累加了一遍。应从最后一步往前递推。",
        )
