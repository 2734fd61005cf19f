# exercise: softmax
# verdict: failed
# check: contract
def softmax(x, dim=-1):
    pass


log_softmax = softmax
