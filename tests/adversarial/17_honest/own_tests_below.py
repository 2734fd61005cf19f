# exercise: softmax
# verdict: passed
import unittest


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)

class Tests(unittest.TestCase):
    def test_nothing(self):
        raise AssertionError


def test_softmax():
    raise AssertionError("this is the learner's, and not ours to run")


if __name__ == "__main__":
    unittest.main()
