# exercise: softmax
# verdict: failed
# check: contract
def softmax(x, dim=-1):
    found = []
    found.append(found)
    return found


log_softmax = softmax
