"""Grader of the scalar autograd engine.

Expressions are built where the class lives: few requests, and nothing depends on how a `Value` travels.
"""

from thinkllm_drill.grading import ObjectSuite, assert_close, assert_growth, case, check, title

EVALUATE = """def evaluate(Value, numbers, expression, calls):
    nodes = {name: Value(number) for name, number in zip("abc", numbers.tolist())}
    results = eval(expression, {"Value": Value}, nodes)
    results = results if isinstance(results, tuple) else (results,)
    untouched = {name: node.grad for name, node in nodes.items()}
    for _ in range(calls):
        returned = [result.backward() for result in results]
    data = [result.data for result in results], {name: node.data for name, node in nodes.items()}
    grads = [result.grad for result in results], {name: node.grad for name, node in nodes.items()}
    return data, untouched, grads, returned
"""
RANDOM = """def build(Value, numbers, program, calls):
    nodes = [Value(number) for number in numbers.tolist()]
    for op, i, j in program:
        x, y = nodes[i], nodes[j]
        nodes.append({
            "add": lambda: (x + y) * 0.5,
            "sub": lambda: 0.5 * (x - y),
            "mul": lambda: x * y / 2,
            "div": lambda: x / (y * y + 1),
            "exp": lambda: (x * 0.5).exp() * 0.5,
            "log": lambda: (1.5 + x.tanh()).log(),
            "tanh": lambda: x.tanh(),
            "relu": lambda: ((x + 0.1).relu() - y) * 0.5,
            "pow": lambda: x ** 2 * 0.5,
        }[op]())
    for _ in range(calls):
        nodes[-1].backward()
    return nodes[-1].data, [node.grad for node in nodes]
"""
OPS = ("add", "sub", "mul", "div", "exp", "log", "tanh", "relu", "pow")
"""None of them leads far from [−2, 2]."""
CHAIN = """def chain(Value, number, length):
    first = x = Value(number)
    for k in range(length):
        x = x * 1.0001 if k % 2 else 0.0001 + x
    x.backward()
    return x.data, first.grad
"""
WIDE = """def wide(Value, numbers, width):
    nodes = [Value(number) for number in numbers.tolist()]
    result = sum(nodes[k % 3] * (k % 7 - 2.5) for k in range(width))
    result.backward()
    return result.data, [node.grad for node in nodes]
"""
LADDER = """def ladder(Value, number, steps):
    x = Value(number)
    for _ in range(steps):
        x = x + x
    return x.backward
"""
LINE = """def line(Value, number, steps):
    x = Value(number)
    for _ in range(steps):
        x = x.tanh()
    return x.backward
"""
DESCENT = """def descent(Value, numbers, steps):
    w, b = Value(numbers[0].item()), Value(numbers[1].item())
    shown = []
    for step in range(steps):
        loss = sum((w * x + b - y) ** 2 for x, y in ((1.0, 2.0), (-1.0, 0.5), (2.0, 1.0)))
        loss.backward()
        shown.append([loss.data, w.grad, b.grad])
        for p in (w, b):
            p.data -= 0.05 * p.grad
            p.grad = 0.0
    return shown
"""


class TestValue(ObjectSuite):
    entry = "Value"
    cases = [
        case(en="a leaf alone", zh="只有一个叶子", expression="a"),
        case(en="a sum", zh="加法", expression="a + b"),
        case(en="a product", zh="乘法", expression="a * b"),
        case(en="powers", zh="幂", expression="a ** 3 + b ** -2 + c ** 0.5", low=0.5),
        case(en="powers of negative numbers", zh="负数的幂", expression="(-a) ** 3 * (-b) ** 2", low=0.5),
        case(en="exp, log, tanh, relu", zh="exp、log、tanh、relu", expression="a.exp() * (b * b + 0.5).log() + c.tanh() * (a * c).relu()"),
        case(en="relu of both signs", zh="正负两侧的 relu", expression="a.relu() * 2 + (-a).relu() * 3 + b.relu() * (-b).relu()"),
        case(en="difference, quotient, negative", zh="减法、除法、取负", expression="(a - b) / c - -a", low=0.5),
        case(en="a number on the right", zh="数在右边", expression="(a + 2) * 3 - (b - 1) / 4 + c * 0.5"),
        case(en="a number on the left", zh="数在左边", expression="(2 + a) * (3 - b) + 0.5 * c + 4 / a", low=0.5),
        case(en="the same Value twice", zh="同一个 Value 用两次", expression="(a + a) * b + c * c"),
        case(en="leaves with the same data", zh="data 相同的叶子", expression="(d := Value(0.75)) * a + (e := Value(0.75)) * b + d"),
        case(en="a diamond", zh="菱形", expression="(d := a * b) * (d + c) + d.tanh()"),
        case(en="a short way and a long one", zh="一条近路和一条远路", expression="(d := a * b) + (((d * 0.5 + 1).tanh() * c).exp() * d)"),
        case(en="the built-in sum", zh="内置的 sum", expression="sum([a, b, a * c])"),
        case(en="backward twice", zh="backward 两次", expression="(d := a * b) * c + d ** 2", calls=2),
        case(en="two results that share nodes", zh="共享节点的两个结果", expression="(e := (d := a * b) * c), (d + e).tanh()"),
        case(en="a result, then one of its operands", zh="先对结果，再对它的操作数", expression="(e := (d := a * b) * c + d), d", calls=2),
        case(en="a random graph", zh="随机的图", nodes=6),
        case(en="a larger random graph", zh="较大的随机图", nodes=24),
        case(en="a random graph, backward three times", zh="随机的图，backward 三次", nodes=12, calls=3),
        case(en="gradient descent", zh="梯度下降", steps=3),
    ]  # fmt: skip
    edges = [
        case(en="relu at exactly 0", zh="relu 恰好在 0 处", expression="(d := a - a).relu() * b + (e := c * 0).relu()"),
        case(en="powers of 0", zh="0 的幂", expression="(d := a * 0) ** 0 + (e := b * 0) ** 1 + (f := c * 0) ** 2"),
        case(en="tanh of ±1000", zh="±1000 的 tanh", expression="(a * 0 + 1000).tanh() + (b * 0 - 1000).tanh()"),
        case(en="a leaf made of an int", zh="由 int 构成的叶子", expression="(d := Value(3)) * a"),
        case(en="a Value that the result does not need", zh="结果没有用到的 Value", expression="(a * b, d := c * a)[0]"),
        case(en="300 terms", zh="300 项之和", width=300),
        case(en="a chain of 5000", zh="长为 5000 的链", length=5000),
    ]  # fmt: skip

    def run(self, impl, rng, *, expression="", low=-2.0, calls=1, nodes=0, length=0, width=0, steps=0):
        numbers = rng.uniform((3,), low, 2.0)
        if nodes:
            program, count = [], 3
            while len(program) < nodes:
                program.append((rng.choice(OPS), count - 1 if rng.random() < 0.5 else rng.randint(0, count), rng.randint(0, count)))  # fmt: skip
                count += 1
            data, grads = impl.local(RANDOM)(impl.Value, numbers, program, calls)
            yield "data", data
            yield "grad", grads
        elif length or width:
            source, given = (CHAIN, 0.5) if length else (WIDE, numbers)
            data, grads = impl.local(source)(impl.Value, given, length or width)
            yield "data", data
            yield "grad", grads
        elif steps:
            yield "loss, w.grad, b.grad", impl.local(DESCENT)(impl.Value, numbers, steps)
        else:
            data, untouched, grads, returned = impl.local(EVALUATE)(impl.Value, numbers, expression, calls)
            yield f"{expression}: data", data[0]
            yield f"{expression}: data of its nodes", data[1]
            yield "grad before backward()", untouched
            yield f"{expression}: grad", grads[0]
            yield f"{expression}: grad of its nodes", grads[1]
            yield "backward()", returned

    def valid(self, *, expression="", calls=1, nodes=0, length=0, width=0, steps=0, **_):
        return calls > 0 and (bool(expression) or nodes > 0 or length > 0 or width > 0 or steps > 0)

    @title(en="each call adds the same", zh="每次调用加上的都一样")
    def test_accumulation(self, attempt, rng):
        numbers = rng.uniform((3,), 0.5, 2.0)
        expression = "((d := a * b) + c).tanh() * d"
        once, thrice = (attempt.local(EVALUATE)(attempt.Value, numbers, expression, n)[2] for n in (1, 3))
        assert_close(
            list(thrice[1].values()),
            [3 * grad for grad in once[1].values()],
            en="three calls of backward() must give three times the grad of one, at every node",
            zh="调用三次 backward()，每个节点的 grad 都应是调用一次的三倍",
        )

    @check("cost")
    @title(en="every node once, not every path", zh="每个节点一次，而不是每条路径一次")
    def test_paths(self, attempt):
        costs = [
            attempt.profile(attempt.local(LADDER)(attempt.Value, 0.5, steps), instructions=True) for steps in (5, 10)
        ]
        assert_growth(
            *costs,
            "instructions",
            at_most=3,
            en="x = x + x, 5 and 10 times: backward() follows every path, 2ⁿ of them. Visit each node once, in reverse "
            "topological order.",
            zh="x = x + x 重复 5 次与 10 次：backward() 沿每条路径都走了一遍，共 2ⁿ 条。应按逆拓扑序，每个节点只访问一次。",
        )

    @check("cost")
    @title(en="linear in the length of a chain", zh="与链长成线性关系")
    def test_linear(self, attempt):
        costs = [
            attempt.profile(attempt.local(LINE)(attempt.Value, 0.5, steps), instructions=True) for steps in (32, 128)
        ]
        assert_growth(
            *costs,
            "instructions",
            at_most=6,
            en="From a chain of 32 to one of 128 backward() executes more than four times as much: each node is visited "
            "again and again.",
            zh="链长从 32 增到 128，backward() 执行的指令增加了远不止四倍：节点被反复访问。",
        )
