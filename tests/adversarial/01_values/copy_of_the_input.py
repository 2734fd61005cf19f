# exercise: softmax
# verdict: failed
# check: wrong
def softmax(x, dim=-1):
    return x.clone()


log_softmax = softmax
