# exercise: softmax
# verdict: failed
# check: not_started
# says: blank 1
def softmax(x, dim=-1):
    raise NotImplementedError("blank 1: logits")


log_softmax = softmax
