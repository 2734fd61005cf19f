"""Object suites: state, placed tensors, callbacks, exceptions in the middle."""

from __future__ import annotations

import pytest

SOLUTION = '''
    from dataclasses import dataclass, field
    import torch

    class Full(ValueError):
        """The pool has no room."""

    @dataclass
    class Ticket:
        number: int
        who: str
        notes: list = field(default_factory=list)

    class Pool:
        def __init__(self, size, on_take=None):
            self.size, self.on_take, self.taken = size, on_take, []

        def take(self, who):
            if len(self.taken) >= self.size:
                raise Full(who)
            ticket = Ticket(len(self.taken), who)
            self.taken.append(ticket)
            if self.on_take is not None:
                ticket.notes.append(self.on_take(ticket.number, who))
            return ticket

        def scale_(self, params, lr):
            with torch.no_grad():
                for p in params:
                    if p.grad is not None:
                        p -= lr * p.grad

        def __len__(self):
            return len(self.taken)

        def __getitem__(self, index):
            return self.taken[index].who
'''
GRADER = """
    class TestPool(ObjectSuite):
        entry = "Pool"
        mutates = ("params",)
        cases = [
            case(en="room for all", zh="都有位置", size=4, takers=2),
            case(en="one too many", zh="多一个", size=2, takers=3),
            case(en="raises at the end", zh="最后报错", size=1, takers=0, burst=True),
        ]
        edges = [case(en="no room", zh="没有位置", size=0, takers=1)]

        def run(self, impl, rng, *, size, takers, burst=False):
            heard = []
            def on_take(number, who):
                heard.append((number, who))
                return f"{who}!"
            pool = impl.Pool(size, on_take=on_take)
            names = ["".join(rng.sample("abcdefgh", 3)) for _ in range(takers)]
            for name in names:
                yield f"take({name})", impl.outcome(lambda name=name: pool.take(name))
            yield "heard", heard
            yield "len", len(pool)
            if takers and size:
                yield "[0]", pool[0]
            params = [impl.place(rng.normal((2, 3))), impl.place(rng.normal((4,)))]
            params[0].grad = rng.normal((2, 3))
            pool.scale_(params=params, lr=0.5)
            yield "parameters", [p.value() for p in params]
            if burst:
                pool.take("x")
                yield "again", pool.take("y")
"""


@pytest.fixture(scope="module")
def toy(tree):
    return tree.add("pool", api=["Pool"], solution=SOLUTION, grader=GRADER)


def edited(old, new):
    assert SOLUTION.count(old) == 1
    return SOLUTION.replace(old, new)


def test_the_reference_passes(toy, say):
    verdict = toy.grade("pool")
    assert (say.failed(verdict), verdict.status) == ({}, "passed")
    assert [check.id for check in verdict.checks] == ["defined", "contract", "values", "edges"]


HONEST = [
    ("raise Full(who)", "raise type('Crowded', (Full,), {})(who)"),
    ("p -= lr * p.grad", "p.add_(p.grad, alpha=-lr)"),
    ("p -= lr * p.grad", "p.copy_(p - lr * p.grad)"),
    ("@dataclass\n", "@dataclass(slots=True)\n"),
    ("self.taken.append(ticket)", "self.taken = [*self.taken, ticket]"),
]


@pytest.mark.parametrize(("old", "new"), HONEST)
def test_other_ways_to_write_it_pass(verdicts, say, old, new):
    assert say.failed(verdicts[edited(old, new)]) == {}


FAULTS = [
    ("raise Full(who)", "return None", "values", "wrong", "Full"),
    ("raise Full(who)", "raise KeyError(who)", "values", "wrong", "KeyError"),
    ("raise Full(who)", "raise ValueError(who)", "values", "wrong", "ValueError"),
    ("len(self.taken) >= self.size", "len(self.taken) > self.size", "values", "wrong", "take("),
    ("len(self.taken) >= self.size", "len(self.taken) + 1 >= self.size", "values", "error", "take("),
    ("ticket.number, who)", "ticket.number + 1, who)", "values", "wrong", "heard"),
    ("ticket.notes.append(self.on_take(ticket.number, who))", "self.on_take(0, who)", "values", "wrong", "notes"),
    ("p -= lr * p.grad", "p = p - lr * p.grad", "values", "wrong", "parameters"),
    ("if p.grad is not None:", "if True:", "contract", "error", "TypeError"),
    ("p -= lr * p.grad", "p -= p.grad", "values", "wrong", "parameters"),
    ("return ticket", "return ticket.number", "contract", "contract", "Ticket"),
    ("number: int", "index: int", "contract", "error", "number"),
    ("return len(self.taken)", "return self.size", "values", "wrong", "len"),
    ("return self.taken[index].who", "return self.taken[-1].who", "values", "wrong", "[0]"),
    ("def take(self, who)", "def take(self, name)", "defined", "contract", "who"),
    ("self.size, self.on_take, self.taken = size, on_take, []", "raise RuntimeError('no')", "contract", "error", "no"),
]  # fmt: skip


@pytest.fixture(scope="module")
def verdicts(toy):
    return toy.each("pool", [edited(fault[0], fault[1]) for fault in [*FAULTS, *HONEST]])


@pytest.mark.parametrize(("old", "new", "check", "status", "said"), FAULTS, ids=[fault[1] for fault in FAULTS])
def test_one_fault_is_one_failure(verdicts, say, old, new, check, status, said):
    verdict = verdicts[edited(old, new)]
    assert say.failed(verdict) == {check: status}
    assert said in say.cause(verdict).message


def test_the_learners_own_line_is_shown_where_the_attempt_raised(toy, say):
    cause = say.cause(toy.grade("pool", edited("return ticket", "return 1 / 0"), diagnose=False))
    assert cause.frames[-1].code == "return 1 / 0"
    assert cause.frames[-1].function.endswith("take")
    cause = say.cause(toy.grade("pool", edited("raise Full(who)", "raise KeyError(who)"), diagnose=True))
    assert cause.frames[-1].code == "raise KeyError(who)"
    assert cause.expected == "<raises Full>"
    assert cause.actual.startswith("<raises KeyError: ")
