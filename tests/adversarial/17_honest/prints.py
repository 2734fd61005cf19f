# exercise: softmax
# verdict: passed
import logging
import sys
import warnings

logging.basicConfig(level=logging.DEBUG)


def right(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def softmax(x, dim=-1):
    print("shape", x.shape, "沿", dim, flush=True)
    print(x, file=sys.stderr)
    logging.info("peak %s", x.max())
    warnings.warn("nothing wrong", stacklevel=1)
    return right(x, dim)


def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
