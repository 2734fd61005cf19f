# exercise: softmax
# verdict: failed
# check: limit
# needs: linux
# seconds: 20
"""Takes inodes, not bytes."""


def softmax(x, dim=-1):
    number = 0
    while True:
        open(f"adversary-{number}", "wb").close()
        number += 1


log_softmax = softmax
