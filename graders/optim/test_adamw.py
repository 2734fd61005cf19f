"""Grader of AdamW."""

import math

from thinkllm_drill.grading import (
    SHOWN,
    ObjectSuite,
    assert_close,
    assert_equal,
    assert_growth,
    case,
    check,
    fail,
    title,
)
from thinkllm_drill.grading.cases import Words

# all this runs where the optimizer lives: few requests, and what is shared by mistake stays shared
ITERATOR = "lambda params: iter(params)"
LEAVES = """def leaves(params, transposed):
    for p in params:
        if transposed:
            p.data = p.data.mT.contiguous().mT
        p.requires_grad_()
"""
STEPS = """def steps(optimizer, params, gradients):
    shown = []
    for step in gradients:
        for p, gradient in zip(params, step):
            p.grad = None if gradient is None else gradient.clone()
        returned = optimizer.step()
        shown.append(([p.detach().clone() for p in params], returned))
    return shown
"""
FINISH = """def finish(optimizer, params):
    gradients = [p.grad for p in params]
    optimizer.zero_grad()
    return gradients, [p.grad for p in params], [p.requires_grad and p.is_leaf for p in params]
"""
SET = "lambda optimizer, new: [group.update(new) for group in optimizer.param_groups] and None"
CHECKPOINT = """(lambda saved: lambda action, optimizer: (
    saved.clear() or saved.append(optimizer.state_dict())
    if action == "save"
    else optimizer.load_state_dict(saved[0])
))([])"""
LOADED = """def loaded(optimizer, params):
    hyper = [{key: float(group[key]) for key in ("lr", "eps", "weight_decay")} for group in optimizer.param_groups]
    for shown, group in zip(hyper, optimizer.param_groups):
        shown["betas"] = [float(beta) for beta in group["betas"]]
    return hyper, [p.detach().clone() for p in params]
"""
VIEWS = """def views(optimizer, params):
    seen = [p.detach() for p in params]
    optimizer.step()
    return seen, [p.detach().clone() for p in params]
"""
NUMBERS = """def numbers(optimizer, params, of_checkpoint):
    besides = [] if of_checkpoint else [*params, *(p.grad for p in params)]
    skip = {tensor.untyped_storage().data_ptr() for tensor in besides}
    seen, total, todo = set(), 0, [optimizer.state_dict() if of_checkpoint else optimizer]
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, torch.Tensor):
            storage = thing.untyped_storage()
            if storage.data_ptr() not in skip:
                skip.add(storage.data_ptr())
                total += storage.nbytes() // thing.element_size()
        elif isinstance(thing, dict):
            todo += [*thing.keys(), *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset)):
            todo += thing
        elif isinstance(thing, float):
            total += 1
        elif hasattr(thing, "__dict__") and not isinstance(thing, (type, type(torch))) and not callable(thing):
            todo.append(vars(thing))
    return total
"""
SHAPES = {
    "usual": ((3, 4), (5,)),
    "scalar": ((),),
    "empty": ((0, 4), (3,)),
    "image": ((2, 1, 3, 3), (7,)),
    "transposed": ((3, 4), (2, 5, 3)),
}
CHANGES = {
    "lr": {"lr": 0.02},
    "betas": {"betas": (0.5, 0.7)},
    "eps": {"eps": 0.6},
    "weight_decay": {"weight_decay": 0.9},
}
OTHER = {"lr": 0.7, "betas": (0.5, 0.6), "eps": 1.0, "weight_decay": 0.9}  # what a checkpoint has to replace
LATER = {"lr": 0.3, "betas": (0.3, 0.4), "eps": 2.0, "weight_decay": 0.5}  # what a checkpoint must not notice


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
        case(en="lr changed after a step", zh="一步之后改变 lr", steps=3, lr=0.1, weight_decay=0.2, beta2=0.95, change="lr"),
        case(en="betas changed after a step", zh="一步之后改变 betas", steps=3, lr=0.1, weight_decay=0.2, beta2=0.95, change="betas"),
        case(en="eps changed after a step", zh="一步之后改变 eps", steps=3, lr=0.1, weight_decay=0.2, beta2=0.95, change="eps"),
        case(en="weight_decay changed after a step", zh="一步之后改变 weight_decay", steps=3, lr=0.1, weight_decay=0.2, beta2=0.95, change="weight_decay"),
        case(en="parameters without gradient", zh="没有梯度的参数", steps=6, tensors=3, lr=0.1, weight_decay=0.3, beta2=0.95, missing=True),
        case(en="resumed from a checkpoint", zh="从检查点恢复", steps=2, lr=0.1, weight_decay=0.2, beta2=0.95, eps=0.1, resume=2),
        case(en="resumed: two groups, a new lr", zh="恢复：两个参数组、新的学习率", steps=2, tensors=4, lr=0.1, weight_decay=0.2, beta2=0.95, groups=2, change="lr", resume=1),
        case(en="resumed: parameters without gradient", zh="恢复：有参数没有梯度", steps=2, tensors=4, lr=0.1, weight_decay=0.2, beta2=0.95, missing=True, resume=2),
    ]  # fmt: skip
    edges = [
        case(en="a scalar parameter", zh="标量参数", steps=2, lr=0.1, weight_decay=0.1, beta2=0.95, shapes="scalar"),
        case(en="a parameter without elements", zh="没有元素的参数", steps=2, tensors=2, lr=0.1, shapes="empty"),
        case(en="a parameter of four dimensions", zh="四维参数", steps=2, tensors=2, lr=0.1, beta2=0.9, shapes="image"),
        case(en="transposed parameters, which are not contiguous", zh="转置过的参数（内存不连续）", steps=2, tensors=2, lr=0.1, beta2=0.9, shapes="transposed"),
        case(en="gradients of zero", zh="梯度为零", steps=3, lr=0.1, weight_decay=0.5, scale=0.0),
        case(en="gradients as small as eps", zh="与 eps 一样小的梯度", steps=3, lr=0.1, beta2=0.95, scale=1e-8),
        case(en="gradients of a million", zh="百万量级的梯度", steps=3, lr=0.1, beta2=0.95, scale=1e6),
        case(en="no parameter has a gradient", zh="所有参数都没有梯度", steps=2, tensors=2, lr=0.1, weight_decay=0.5, missing="all"),
        case(en="12 steps", zh="12 步", steps=12, lr=0.01, weight_decay=0.1, beta2=0.99, reduction=256),
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
        change=None,
        resume=0,
        **hyper,
    ):
        params = self.place(impl, rng, tensors, shapes)
        optimizer = impl.AdamW(self.grouped(params, groups), **keywords(hyper))
        step = self.stepper(impl, rng, optimizer, params, scale)
        plan = [(f"parameters after step {k}", f"第 {k} 步之后的参数") for k in range(1, steps + 1)]
        absent = [[i for i in range(tensors) if missing and not has_gradient(missing, i, k + 1)] for k in range(steps)]
        first = 1 if change else steps
        yield from step(plan[:first], absent[:first])
        if first < steps:
            impl.local(SET, foretold=None)(optimizer, CHANGES[change])
            yield from step(plan[first:], absent[first:])
        before, after, leaves = impl.local(FINISH, foretold=(SHOWN,) * 3)(optimizer, params)
        yield said("gradients, which step() leaves as they are", "step() 应保持原样的梯度"), before
        yield said("gradients after zero_grad()", "zero_grad() 之后的梯度"), after
        yield said("still a leaf that requires a gradient", "仍是需要梯度的叶子张量"), leaves
        if resume:
            yield from self.resumed(impl, rng, optimizer, step, resume, (tensors, groups, shapes, scale))

    def resumed(self, impl, rng, optimizer, step, resume, size):
        """What becomes of a checkpoint: loaded by another optimizer, after which both go on, and loaded again."""
        tensors, groups, shapes, scale = size
        checkpoint = impl.local(CHECKPOINT, foretold=None)
        checkpoint("save", optimizer)
        params = self.place(impl, rng, tensors, shapes)
        loader = impl.AdamW(self.grouped(params, groups), **OTHER)
        step_loader = self.stepper(impl, rng, loader, params, scale)
        turns = range(1, resume + 1)
        checkpoint("load", loader)
        yield from self.loaded(impl, loader, params, "after load_state_dict()", "load_state_dict() 之后，")
        yield from step_loader(
            [(f"parameters {k} steps after load_state_dict()", f"load_state_dict() 之后第 {k} 步的参数") for k in turns]
        )
        went_on, went_on_zh = "another one loaded its checkpoint and went on", "别的优化器加载检查点并继续更新之后"
        yield from step(
            [
                (
                    f"parameters of the saved optimizer, {k} steps after {went_on}",
                    f"{went_on_zh}，被保存的优化器再走 {k} 步的参数",
                )
                for k in turns
            ]
        )
        impl.local(SET, foretold=None)(optimizer, LATER)
        impl.local(SET, foretold=None)(loader, OTHER)
        checkpoint("load", loader)
        again, again_zh = "loading it again, once both had gone on", "双方都继续更新之后再次加载"
        yield from self.loaded(impl, loader, params, f"after {again}", f"{again_zh}，")
        yield from step_loader(
            [(f"parameters {k} steps after {again}", f"{again_zh}，再走 {k} 步的参数") for k in turns]
        )

    def place(self, impl, rng, tensors, shapes):
        """Parameters on the side of impl, of alternating shapes, so that both groups hold the same shapes."""
        params = [impl.place(rng.normal(SHAPES[shapes][i % len(SHAPES[shapes])])) for i in range(tensors)]
        impl.local(LEAVES, foretold=None)(params, shapes == "transposed")
        return params

    def grouped(self, params, groups):
        """The params argument: a list, or two groups of which the first has values of its own."""
        if groups == 1:
            return params
        half = len(params) // 2
        own = {"lr": 0.04, "betas": (0.7, 0.8), "eps": 0.3, "weight_decay": 0.6}
        return [{"params": params[:half], **own}, {"params": params[half:]}]

    def stepper(self, impl, rng, optimizer, params, scale):
        """A function that takes steps with random gradients, one for each label, and yields what they show."""
        shapes = [p.shape for p in params]

        def steps(labels, absent=None):
            gradients = [[rng.normal(shape) * scale for shape in shapes] for _ in labels]
            for step, missing in zip(gradients, absent or [], strict=False):
                step[:] = [None if i in missing else gradient for i, gradient in enumerate(step)]
            take = impl.local(STEPS, foretold=[(SHOWN, SHOWN)] * len(labels))
            for label, (values, returned) in zip(labels, take(optimizer, params, gradients), strict=True):
                yield said(*label), values
                yield said("what step() returns", "step() 的返回值"), returned

        return steps

    def loaded(self, impl, optimizer, params, en, zh):
        hyper, values = impl.local(LOADED, foretold=(SHOWN, SHOWN))(optimizer, params)
        yield said(f"hyperparameters of the groups {en}", f"{zh}各组的超参数"), hyper
        yield said(f"parameters {en}", f"{zh}参数"), values

    @check("contract")
    @title(en="two optimizers share nothing", zh="两个优化器互不相干")
    def test_apart(self, attempt, rng):
        start = rng.normal((11,))
        seen = []
        for values in (rng.normal((13,)), start, start):  # the first so that what an earlier run left says nothing
            p = attempt.place(values)
            attempt.local(LEAVES)([p], False)
            steps = attempt.local(STEPS)(attempt.AdamW([p], lr=0.1), [p], [[values + 1], [values.flip(0)]])
            seen.append([after[0] for after, _ in steps])
        assert_close(
            seen[2],
            seen[1],
            en="a second optimizer, over another tensor of the same values, must begin anew: m, v and t belong to the "
            "instance (self.…), not to the class or the module",
            zh="第二个优化器（另一个数值相同的张量）必须从头开始：m、v、t 属于实例（self.…），不属于类或模块",
        )

    @title(en="params may be a generator", zh="params 可以是生成器")
    def test_generator(self, attempt, rng):
        listed = self.place(attempt, rng, 2, "usual")
        generated = [attempt.place(p.value()) for p in listed]
        attempt.local(LEAVES)(generated, False)
        gradients = [rng.normal(p.shape) for p in listed]
        shown = []
        for params, given in ((listed, listed), (generated, attempt.local(ITERATOR)(generated))):
            steps = attempt.local(STEPS)(attempt.AdamW(given, lr=0.1), params, [gradients])
            shown.append(steps[0][0])
        assert_close(
            shown[1],
            shown[0],
            en="parameters from a generator, as model.parameters() gives them, must be updated like those from a list",
            zh="由生成器（如 model.parameters()）给出的参数，更新结果应当与列表给出的相同",
        )

    @title(en="step() writes into the parameters' own memory", zh="step() 写进参数原有的内存")
    def test_in_place(self, attempt, rng):
        _, params, optimizer = self.ready(attempt, rng, ((3, 4), (5,)))
        views, values = attempt.local(VIEWS)(optimizer, params)
        assert_equal(
            views,
            values,
            en="a view of a parameter that was taken before step() must show the update: write into the memory that "
            "the parameter has (p.copy_(…), p.sub_(…)); `p.data = …` gives it another one",
            zh="step() 之前取的视图必须看到更新：要写进参数原有的内存（p.copy_(…)、p.sub_(…)）；`p.data = …` 会换成另一块内存",
        )

    @title(en="two numbers of state for each number", zh="每个数只存两个数的状态")
    def test_state(self, attempt, rng):
        n, params, optimizer = self.ready(attempt, rng, ((20, 30), (400,)))
        optimizer.step()
        kept = attempt.local(NUMBERS)(optimizer, params, False)
        if kept > 2.25 * n:
            fail(
                en=f"for {n} numbers in the parameters the optimizer keeps {kept} between steps: only m and v, {2 * n}, "
                "are needed",
                zh=f"参数共 {n} 个数，优化器在两步之间却存着 {kept} 个：只需要 m 和 v，共 {2 * n} 个",
            )
        saved = attempt.local(NUMBERS)(optimizer, params, True)
        if saved > 2.25 * n:
            fail(
                en=f"for {n} numbers in the parameters the checkpoint holds {saved}: m and v are {2 * n}, and the "
                "parameters do not belong in it",
                zh=f"参数共 {n} 个数，检查点里却有 {saved} 个：m 和 v 共 {2 * n} 个，参数本身不该放进去",
            )

    @check("cost")
    @title(en="no Python loop over elements", zh="不在 Python 里逐元素循环")
    def test_loop(self, attempt, rng):
        costs = []
        for size in (16, 512):
            _, _, optimizer = self.ready(attempt, rng, ((size,),))
            costs.append(attempt.profile(optimizer.step, instructions=True))
        assert_growth(
            *costs,
            "instructions",
            at_most=1.5,
            en="a parameter of 512 numbers must not take more Python than one of 16: step() loops over elements",
            zh="512 个数的参数所用的 Python 指令不应多于 16 个数的：step() 在逐元素循环",
        )

    def ready(self, attempt, rng, shapes):
        """How many numbers, the parameters of these shapes with gradients, and an optimizer over them."""
        params = [attempt.place(rng.normal(shape)) for shape in shapes]
        attempt.local(LEAVES)(params, False)
        for p in params:
            p.grad = rng.normal(p.shape)
        return sum(map(math.prod, shapes)), params, attempt.AdamW(params, lr=0.1)


def said(en, zh):
    """A label in the learner's language."""
    return Words(en, zh).here


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
