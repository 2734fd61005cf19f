# exercise: softmax
# verdict: failed
# check: contract
class softmax:  # noqa: N801
    def __init__(self, x, dim=-1):
        self.x = x


log_softmax = softmax
