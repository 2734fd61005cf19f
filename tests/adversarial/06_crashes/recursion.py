# exercise: softmax
# verdict: failed
# check: error
# says: RecursionError
def softmax(x, dim=-1):
    return softmax(x, dim)


log_softmax = softmax
