# exercise: softmax
# verdict: passed
"""Right; every object that it makes dies with an exception."""


class Dying:
    def __del__(self):
        raise SystemExit(1)


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    Dying()
    return right(x, dim)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
