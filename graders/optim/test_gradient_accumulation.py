"""Grader of gradient accumulation over micro-batches of unequal numbers of tokens."""

from thinkllm_drill.grading import ObjectSuite, assert_equal, assert_growth, case, check, fail, title
from thinkllm_drill.grading.cases import Words

POSITIONS, FEATURES, CLASSES = 6, 4, 5
# those of torch.optim take a second to import what they need
OPTIMIZER = """
    class Optimizer:
        def __init__(self, params, lr=0.1, momentum=0.9, weight_decay=0.1):
            self.param_groups = [{"params": list(params), "lr": lr, "momentum": momentum, "weight_decay": weight_decay}]
            self.state, self.defaults = {}, {}
        def zero_grad(self, set_to_none=True):
            for p in self.param_groups[0]["params"]:
                p.grad = None if set_to_none or p.grad is None else torch.zeros_like(p)
        @torch.no_grad()
        def step(self, closure=None):
            group = self.param_groups[0]
            for p in group["params"]:
                if p.grad is not None:
                    update = p.grad + group["weight_decay"] * p
                    self.state[p] = group["momentum"] * self.state.get(p, 0.0) + update
                    p -= group["lr"] * self.state[p]
"""
# a whole training run where the attempt lives: a model, an optimizer that records, a loss that counts
TRIAL = """def trial(train, weights, batches, k, max_norm, options):
    F, nn = torch.nn.functional, torch.nn
OPTIMIZER
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.unused, self.frozen = (nn.Parameter(w.clone()) for w in weights)
            self.frozen.requires_grad_(False)
        def forward(self, x):
            return torch.tanh(x @ self.first) * self.frozen @ self.second
    events, gradients = [], []
    class Recorder(Optimizer):
        def step(self, closure=None):
            events.append("step")
            gradients.append([None if p.grad is None else p.grad.clone() for p in model.parameters()])
            super().step()
    def loss_fn(model, batch):
        number, x, labels = batch
        events.append(f"loss_fn of micro-batch {number}")
        loss_sum = F.cross_entropy(model(x), labels, reduction="sum") * options["weight"]
        tokens = int((labels != -100).sum())
        if options["lone"] and tokens == 0:
            loss_sum = loss_sum + 0.0 * model.unused.sum()
        return loss_sum, tokens
    model = Model()
    model.train(options["training"])
    optimizer = Recorder(model.parameters())
    if options["stale"]:
        for p in model.parameters():
            p.grad = torch.ones_like(p) if p.requires_grad else None
    given = (batch for batch in batches) if options["generator"] else batches
    limit = () if max_norm is None else (max_norm,)
    losses = train(model, optimizer, loss_fn, given, k, *limit)
    return losses, events, gradients, [p.detach().clone() for p in model.parameters()], model.training
""".replace("OPTIMIZER", OPTIMIZER)
STREAM = """def stream(train, weights, batches, k):
    drawn, seen = [], []
OPTIMIZER
    model = torch.nn.ParameterList([weights[0].clone()])
    class Recorder(Optimizer):
        def step(self, closure=None):
            seen.append(len(drawn))
            super().step()
    def given():
        for batch in batches:
            drawn.append(batch[0])
            yield batch
    def loss_fn(model, batch):
        return (batch[1] @ model[0]).square().sum(), len(batch[1])
    train(model, Recorder(model.parameters(), lr=0.01), loss_fn, given(), k)
    return seen
""".replace("OPTIMIZER", OPTIMIZER)
READY = """def ready(train, weights, batches):
OPTIMIZER
    model = torch.nn.ParameterList([w.clone() for w in weights[:2]])
    optimizer = Optimizer(model.parameters(), lr=0.01)
    def loss_fn(model, batch):
        logits = torch.tanh(batch[1] @ model[0]) @ model[1]
        return torch.nn.functional.cross_entropy(logits, batch[2], reduction="sum"), len(batch[1])
    def run():
        with torch.enable_grad():
            train(model, optimizer, loss_fn, batches, len(batches))
    return run
""".replace("OPTIMIZER", OPTIMIZER)

# how many graphs of earlier micro-batches of the group are alive at each call of loss_fn
GRAPHS = """def graphs(train, weights, batches):
    import weakref
OPTIMIZER
    class Mark:
        pass
    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark = Mark()  # which lives as long as the node
            marks.append(weakref.ref(ctx.mark))
            return x.clone()
        @staticmethod
        def backward(ctx, grad):
            return grad
    marks, alive = [], []
    model = torch.nn.ParameterList([weights[0].clone()])
    def loss_fn(model, batch):
        alive.append(sum(mark() is not None for mark in marks))
        return Marked.apply((batch[1] @ model[0]).square().sum()), len(batch[1])
    with torch.enable_grad():
        train(model, Optimizer(model.parameters(), lr=0.01), loss_fn, batches, len(batches))
    return alive
""".replace("OPTIMIZER", OPTIMIZER)


class TestTrain(ObjectSuite):
    """`lengths` are the counted tokens of each micro-batch; `k` is accumulation_steps."""

    entry = "train"
    mutates = ("model", "optimizer")
    cases = [
        case(en="one group, unequal micro-batches", zh="一组，token 数不等", lengths=(1, 5), k=2, factor=64),
        case(en="no accumulation", zh="不累积", lengths=(4, 2, 6), k=1, factor=64),
        case(en="two groups", zh="两组", lengths=(2, 5, 6, 1), k=2, factor=64),
        case(en="a last group that is shorter", zh="最后一组不足", lengths=(3, 6, 1, 5, 2), k=3, factor=64),
        case(en="fewer micro-batches than a group", zh="micro-batch 数少于一组", lengths=(2, 5), k=4, factor=64),
        case(en="clipped", zh="裁剪", lengths=(1, 6, 4, 2), k=2, max_norm=0.5, scale=3.0, factor=96),
        case(en="a norm below the limit", zh="范数低于上限", lengths=(1, 6, 4, 2), k=2, max_norm=1e4, factor=64),
        case(en="gradients left from before", zh="调用之前留有梯度", lengths=(3, 1, 5), k=2, stale=True, factor=64),
    ]
    edges = [
        case(en="no micro-batches", zh="没有 micro-batch", lengths=(), k=2),
        case(en="a micro-batch without tokens", zh="一个 micro-batch 没有 token", lengths=(0, 5, 2, 0), k=2, factor=64),
        case(en="a group without tokens", zh="一整组没有 token", lengths=(3, 5, 0, 0, 4, 1), k=2, factor=64),
        case(en="a parameter that only a group without tokens reaches", zh="只有没有 token 的组用到的参数", lengths=(3, 5, 0, 0, 4, 1), k=2, lone=True, factor=64),
        case(en="max_norm 0", zh="max_norm 为 0", lengths=(3, 1, 5), k=2, max_norm=0.0, factor=64),
        case(en="nothing but groups without tokens", zh="所有组都没有 token", lengths=(0, 0, 0), k=2, factor=64),
        case(en="tokens whose loss is 0", zh="有 token 但损失为 0", lengths=(3, 1), k=2, weight=0.0, factor=64),
        case(en="a generator", zh="生成器", lengths=(3, 1, 5), k=2, generator=True, factor=64),
        case(en="a model in evaluation mode", zh="推理模式的模型", lengths=(3, 1), k=2, training=False, factor=64),
    ]  # fmt: skip

    def valid(self, *, k, lone=False, **_):
        return k >= 1 and (k == 2 or not lone)  # else its micro-batches without tokens are no group of their own

    def run(self, impl, rng, *, lengths, k, max_norm=None, scale=1.0, weight=1.0, **given):
        options = {"stale": False, "generator": False, "training": True, "lone": False, "weight": weight} | given
        trial = impl.local(TRIAL)
        drawn = self.weights(rng), self.batches(rng, lengths, scale)
        losses, events, gradients, params, mode = trial(impl.train, *drawn, k, max_norm, options)
        yield said("calls in order", "调用次序"), events
        yield said("gradients at each step", "每一步时的梯度"), gradients
        yield said("parameters afterwards", "训练之后的参数"), params
        yield said("losses returned", "返回的损失"), losses
        yield said("model.training afterwards", "训练之后的 model.training"), mode

    def weights(self, rng, hidden=8):
        """first, second, unused, frozen."""
        shapes = (FEATURES, hidden), (hidden, CLASSES), (3,), (hidden,)
        return [rng.normal(shape) for shape in shapes]

    def batches(self, rng, lengths, scale=1.0):
        """A number, inputs and labels each; all labels but as many as `lengths` says are −100."""
        batches = []
        for number, length in enumerate(lengths):
            labels = rng.integers(0, CLASSES, (POSITIONS,))
            labels[rng.permutation(POSITIONS)[length:]] = -100
            batches.append((number, rng.normal((POSITIONS, FEATURES)) * scale, labels))
        return batches

    @title(en="micro-batches are drawn as they are needed", zh="用到时才取 micro-batch")
    def test_streamed(self, attempt, rng):
        drawn = attempt.local(STREAM)(attempt.train, self.weights(rng), self.batches(rng, [POSITIONS] * 6), 2)
        assert_equal(
            len(drawn), 3, en="6 micro-batches in groups of 2 are 3 steps", zh="6 个 micro-batch、每组 2 个，共 3 步"
        )
        if any(count > 2 * step + 1 for step, count in enumerate(drawn, 1)):
            fail(
                en=f"groups of 2: at the three steps {drawn} micro-batches had been drawn from the generator. Do not "
                "collect them all first: a dataset does not fit into memory.",
                zh=f"每组 2 个：三次更新时，已从生成器取出 {drawn} 个 micro-batch。不要一开始就全部收集起来：数据集放不进内存。",
            )

    @check("cost")
    @title(en="one graph at a time", zh="同时只有一个计算图")
    def test_peak(self, attempt, rng):
        weights, costs = self.weights(rng, hidden=64), []
        for count in (2, 8):
            batches = [(n, rng.normal((64, FEATURES)), rng.integers(0, CLASSES, (64,))) for n in range(count)]
            costs.append(attempt.profile(attempt.local(READY)(attempt.train, weights, batches)))
        assert_growth(
            *costs,
            "peak_bytes",
            at_most=1.3,
            en="From 2 to 8 micro-batches a group the peak of memory grows: graphs of earlier ones are kept. Call "
            "backward() for each before the next forward pass.",
            zh="每组 micro-batch 从 2 个增到 8 个，内存峰值也在增长：前面的计算图还留着。应在下一次前向之前就对当前的调用 backward()。",
        )

    @check("cost")
    @title(en="no graph is kept for its loss", zh="不为累加损失而保留计算图")
    def test_graphs(self, attempt, rng):
        alive = attempt.local(GRAPHS)(attempt.train, self.weights(rng), self.batches(rng, [POSITIONS] * 6))
        if max(alive, default=0) > 2:  # one may still have a name
            fail(
                en=f"one group of 6 micro-batches: when loss_fn was called, the graphs of {alive} earlier ones were still "
                "alive. Add up loss_sum.item(), not loss_sum.",
                zh=f"一组 6 个 micro-batch：各次调用 loss_fn 时，前面仍有 {alive} 个计算图存活。应累加 loss_sum.item()，而不是 loss_sum。",
            )


def said(en, zh):
    """A label in the learner's language."""
    return Words(en, zh).here
