# exercise: softmax
# verdict: failed
# check: wrong
# needs: sandbox
# also: spawn
import socket

import torch


def softmax(x, dim=-1):
    ways = [
        lambda: socket.create_connection(("127.0.0.1", 9), timeout=0.2),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
        lambda: socket.socket(socket.AF_UNIX),
        lambda: socket.socketpair(),
        lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
        lambda: socket.create_server(("127.0.0.1", 0)),
    ]
    for number, way in enumerate(ways):
        try:
            way()
        except ConnectionRefusedError:
            raise LookupError("there is a network") from None
        except OSError:
            continue
        raise LookupError(f"way {number}")
    return torch.zeros_like(x)


log_softmax = softmax
