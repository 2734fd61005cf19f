# exercise: softmax
# verdict: failed
# check: error
# says: ExceptionGroup
def softmax(x, dim=-1):
    raise ExceptionGroup("many", [ValueError("one"), ExceptionGroup("more", [KeyError("two")])])


log_softmax = softmax
