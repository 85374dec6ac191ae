"""Ports of 127.0.0.1 that nobody uses."""

import random
import socket

# Below the range from which systems draw the ports of outgoing connections. A client that tries again and again to
# reach a server that is down could else be given that very port, and keep the server from coming back.
RANGE = range(20000, 30000)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> range:
    """That many free ports in a row. Another program may be quicker: who starts a server tries again."""
    for _ in range(1000):
        first = random.choice(RANGE)  # noqa: S311 no secret
        if all(map(is_free, ports := range(first, first + count))):
            return ports
    raise OSError(f"no {count} free ports in a row between {RANGE.start} and {RANGE.stop}")
