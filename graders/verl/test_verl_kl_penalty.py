"""Grader of verl's KL estimates."""

from thinkllm_drill.grading import FunctionSuite, assert_close, assert_growth, case, check, title

NAMES = ("k1", "kl", "abs", "k2", "mse", "k3", "low_var_kl")


def said(name):
    """A name in a title, where "+" would get lost."""
    return name.replace("+", " with a plus")


class TestKlPenalty(FunctionSuite):
    """Gaps are multiples of 1/64: the two log-probabilities cancel without rounding."""

    entry = "kl_penalty"
    elementwise = True
    gradients = ("logprob", "ref_logprob")
    cases = [
        case(en="k1", zh="k1", batch=2, length=5, name="k1"),
        case(en="k3 with a plus", zh="k3 带加号", batch=2, length=5, name="k3+"),
        case(en="abs", zh="abs", batch=2, length=5, name="abs"),
        case(en="k1 with a plus", zh="k1 带加号", batch=2, length=5, name="k1+"),
        *(case(en=said(name), zh=said(name), batch=2, length=5, name=name) for name in ("k2", "k3")),
        *(case(en=said(f"{name}+"), zh=f"{name} 带加号", batch=2, length=5, name=f"{name}+") for name in NAMES if name not in ("k1", "k3")),
        *(case(en=f"{name}, another name", zh=f"{name}，另一个名字", batch=3, length=4, name=name) for name in ("kl", "mse", "low_var_kl")),
    ]  # fmt: skip
    edges = [
        *(case(en=f"gaps up to 40, {said(name)}", zh=f"{name}，差值达 40", batch=2, length=6, name=name, spread=40) for name in ("k1", "abs", "k2", "k3", "k3+", "k1+")),
        *(case(en=f"gaps up to 1000, {said(name)}", zh=f"{name}，差值达 1000", batch=2, length=6, name=name, spread=1000) for name in ("k3", "k3+")),
        *(case(en=f"equal log-probabilities, {said(name)}", zh=f"{name}，对数概率相等", batch=2, length=3, name=name, spread=0) for name in ("k1", "abs", "k3", "k3+")),
        *(case(en=f"the unknown name {name}", zh=f"未知的名字 {name}", batch=2, length=3, name=name) for name in ("k4", "full")),
        case(en="no name", zh="名字为空", batch=2, length=3, name=""),
        case(en="a plus alone", zh="只有加号", batch=2, length=3, name="+"),
        case(en="two plus signs", zh="两个加号", batch=2, length=3, name="k3++"),
    ]  # fmt: skip

    def inputs(self, rng, *, batch, length, name, spread=2):
        gap = rng.integers(1, 65, (batch, length)) / 64 * spread
        gap = gap * (rng.integers(0, 2, (batch, length)) * 2 - 1)
        if spread > 2:  # beyond and within the bounds of k3, on either side
            gap[:, ::2] = gap[:, ::2].abs()
            gap[0] = -gap[0]
        if length > 1:
            gap[0, 1] = 0
        ref = -rng.integers(1, 129, (batch, length)) / 32
        return {"logprob": ref + gap, "ref_logprob": ref, "kl_penalty": name}

    def valid(self, *, batch, length, **_):
        return batch > 0 and length > 0

    @check("gradients")
    @title(en="gradients of every name", zh="每个名字的梯度")
    def test_every_name(self, attempt, reference, rng):
        cotangent = {0: rng.uniform((3, 6), low=0.5, high=1.5)}
        for name in [*NAMES, *(f"{name}+" for name in NAMES)]:
            for spread in (2, 1000):
                given = self.inputs(rng, batch=3, length=6, name=name, spread=spread)
                _, found = attempt.vjp(attempt.kl_penalty, given, self.gradients, cotangent)
                _, right = reference.vjp(reference.kl_penalty, given, self.gradients, cotangent)
                for which in self.gradients:
                    assert_close(
                        found[which],
                        right[which],
                        en=f'"{name}", gaps up to {spread}: the gradient with respect to {which} (one gap is 0)',
                        zh=f'"{name}"，差值达 {spread}：对 {which} 的梯度（其中一个差值为 0）',
                    )

    @check("cost")
    @title(en="no loop over tokens or responses", zh="不逐 token 或逐条回复循环")
    def test_no_loop(self, attempt, rng):
        for name in ("k3", "k1+"):
            small, large = (self.inputs(rng, batch=size, length=size, name=name) for size in (4, 16))
            assert_growth(
                attempt.profile("kl_penalty", **small),
                attempt.profile("kl_penalty", **large),
                "operations",
                at_most=1.5,
                en="From (4, 4) to (16, 16) your calls of torch grow in number: a Python loop over tokens or responses.",
                zh="从 (4, 4) 到 (16, 16)，torch 调用的次数也跟着增加：你用 Python 逐 token 或逐条回复循环。",
            )
