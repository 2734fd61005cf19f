# exercise: softmax
# verdict: failed
# check: limit
# needs: linux
def softmax(x, dim=-1):
    kept = []
    while True:
        kept.append(bytearray(32 << 20))


log_softmax = softmax
