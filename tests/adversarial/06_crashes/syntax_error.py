# exercise: softmax
# verdict: error
# check: error
# says: SyntaxError
def softmax(x, dim=-1:
    return x
