# exercise: softmax
# verdict: failed
# check: contract
def softmax(x, dim=-1):
    found = []
    for _ in range(100_000):
        found = [found]
    return found


log_softmax = softmax
