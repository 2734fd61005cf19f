# exercise: softmax
# verdict: failed
# check: wrong
def softmax(x, dim=-1):
    return x


log_softmax = softmax
