"""Grader of AdamW."""

from thinkllm_drill.grading import ObjectSuite, assert_close, case, title

ITERATOR = "lambda params: iter(params)"
SET_LR = "lambda optimizer, lr: [group.update(lr=lr) for group in optimizer.param_groups] and None"
# the checkpoint stays where the optimizer is, so that tensors which are shared by mistake stay shared
SAVE_OR_LOAD = """(lambda saved: lambda action, optimizer: (
    saved.clear() or saved.append(optimizer.state_dict())
    if action == "save"
    else optimizer.load_state_dict(saved[0])
))([])"""
SHAPES = {"usual": ((3, 4), (5,)), "scalar": ((),), "empty": ((0, 4), (3,)), "image": ((2, 1, 3, 3), (7,))}
OTHER = {"lr": 0.7, "betas": (0.5, 0.6), "eps": 1.0, "weight_decay": 0.9}  # what a checkpoint has to replace


class TestAdamW(ObjectSuite):
    entry = "AdamW"
    mutates = ("params",)
    cases = [
        case(en="one step without decay", zh="不带衰减的一步", steps=1, lr=0.1, weight_decay=0.0),
        case(en="one step with decay", zh="带衰减的一步", steps=1, lr=0.1, weight_decay=0.5),
        case(en="six steps", zh="六步", steps=6, lr=0.05, weight_decay=0.3, beta1=0.8, beta2=0.95),
        case(en="a large eps", zh="很大的 eps", steps=4, lr=0.1, weight_decay=0.2, beta2=0.9, eps=0.5),
        case(en="default hyperparameters", zh="默认超参数", steps=3),
        case(en="three parameters", zh="三个参数", steps=3, tensors=3, lr=0.1, weight_decay=0.2, beta2=0.9),
        case(en="two groups that differ", zh="两个不同的参数组", steps=3, tensors=4, lr=0.1, weight_decay=0.2, beta2=0.9, eps=0.1, groups=2),
        case(en="lr changed after two steps", zh="两步之后改变学习率", steps=5, lr=0.1, weight_decay=0.2, beta2=0.95, new_lr=0.02),
        case(en="parameters without gradient", zh="没有梯度的参数", steps=6, tensors=3, lr=0.1, weight_decay=0.3, beta2=0.95, missing=True),
        case(en="resumed from a checkpoint", zh="从检查点恢复", steps=2, lr=0.1, weight_decay=0.2, beta2=0.95, resume=3),
        case(en="resumed: two groups, missing gradients, a new lr", zh="恢复：两个参数组、缺失的梯度、新的学习率", steps=2, tensors=4, lr=0.1, weight_decay=0.2, beta2=0.95, groups=2, missing=True, new_lr=0.03, resume=2),
    ]  # fmt: skip
    edges = [
        case(en="a scalar parameter", zh="标量参数", steps=3, lr=0.1, weight_decay=0.1, beta2=0.95, shapes="scalar"),
        case(en="a parameter without elements", zh="没有元素的参数", steps=2, tensors=2, lr=0.1, shapes="empty"),
        case(en="a parameter of four dimensions", zh="四维参数", steps=2, tensors=2, lr=0.1, beta2=0.9, shapes="image"),
        case(en="gradients of zero", zh="梯度为零", steps=3, lr=0.1, weight_decay=0.5, scale=0.0),
        case(en="gradients as small as eps", zh="与 eps 一样小的梯度", steps=3, lr=0.1, beta2=0.95, scale=1e-8),
        case(en="gradients of a million", zh="百万量级的梯度", steps=3, lr=0.1, beta2=0.95, scale=1e6),
        case(en="no parameter has a gradient", zh="所有参数都没有梯度", steps=2, tensors=2, lr=0.1, weight_decay=0.5, missing="all"),
        case(en="20 steps", zh="20 步", steps=20, lr=0.01, weight_decay=0.1, beta2=0.99, reduction=256),
    ]  # fmt: skip

    def valid(self, *, steps, tensors=1, groups=1, **_):
        return steps >= 1 and tensors >= groups >= 1

    def run(
        self,
        impl,
        rng,
        *,
        steps,
        tensors=1,
        groups=1,
        shapes="usual",
        scale=1.0,
        missing=False,
        new_lr=None,
        resume=0,
        **hyper,
    ):
        params = self.place(impl, rng, tensors, shapes)
        optimizer = impl.AdamW(self.grouped(params, groups), **keywords(hyper))
        for step in range(1, steps + 1):
            absent = [i for i in range(tensors) if missing and not has_gradient(missing, i, step)]
            yield from self.step(rng, optimizer, params, scale, absent, f"after step {step}")
            if new_lr is not None and step == 2:
                impl.local(SET_LR)(optimizer, new_lr)
        yield "gradients after step()", [p.grad for p in params]
        optimizer.zero_grad()
        yield "gradients after zero_grad()", [p.grad for p in params]
        yield "requires_grad", [p.requires_grad for p in params]
        if not resume:
            return
        checkpoint = impl.local(SAVE_OR_LOAD)
        checkpoint("save", optimizer)
        for step in range(1, resume + 1):  # the saved state must not notice
            yield from self.step(rng, optimizer, params, scale, [], f"step {step} after state_dict()")
        params = self.place(impl, rng, tensors, shapes)
        optimizer = impl.AdamW(self.grouped(params, groups), **OTHER)
        for how in ("load_state_dict()", "loading it again"):
            checkpoint("load", optimizer)
            for step in range(1, resume + 1):
                yield from self.step(rng, optimizer, params, scale, [], f"step {step} after {how}")

    def place(self, impl, rng, tensors, shapes):
        """Parameters on the side of impl, of alternating shapes, so that both groups hold the same shapes."""
        params = [impl.place(rng.normal(SHAPES[shapes][i % len(SHAPES[shapes])])) for i in range(tensors)]
        for p in params:
            p.requires_grad_()
        return params

    def grouped(self, params, groups):
        """The params argument: a list, or two groups of which the first has values of its own."""
        if groups == 1:
            return params
        half = len(params) // 2
        own = {"lr": 0.04, "betas": (0.7, 0.8), "eps": 0.3, "weight_decay": 0.6}
        return [{"params": params[:half], **own}, {"params": params[half:]}]

    def step(self, rng, optimizer, params, scale, absent, label):
        for i, p in enumerate(params):
            gradient = rng.normal(p.shape) * scale
            p.grad = None if i in absent else gradient
        optimizer.step()
        yield f"parameters {label}", [p.value() for p in params]

    @title(en="params may be a generator", zh="params 可以是生成器")
    def test_generator(self, attempt, rng):
        listed = self.place(attempt, rng, 2, "usual")
        generated = [attempt.place(p.value()) for p in listed]
        for params, given in ((listed, listed), (generated, attempt.local(ITERATOR)(generated))):
            optimizer = attempt.AdamW(given, lr=0.1)
            for p in params:
                p.requires_grad_()
                p.grad = p.value() - 1.0
            optimizer.step()
        assert_close(
            [p.value() for p in generated],
            [p.value() for p in listed],
            en="parameters from a generator, as model.parameters() gives them, must be updated like those from a list",
            zh="由生成器（如 model.parameters()）给出的参数，更新结果应当与列表给出的相同",
        )


def keywords(hyper):
    """Constructor arguments from a case's numbers."""
    if "beta1" in hyper or "beta2" in hyper:
        hyper["betas"] = (hyper.pop("beta1", 0.9), hyper.pop("beta2", 0.999))
    return hyper


def has_gradient(missing, i, step):
    """Every third parameter always; the next only at steps 2, 3 and 5; the one after never."""
    if missing == "all":
        return False
    return i % 3 == 0 or (i % 3 == 1 and step in (2, 3, 5))
