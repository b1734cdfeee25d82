#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client for QEMU's human monitor: monitor.py SOCKET COMMAND..., one word each."""
import socket
import sys


class MonitorError(Exception):
    """QEMU refused."""


class Monitor:
    """QEMU's human monitor."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.wait()

    def wait(self):
        answer = b""
        while not answer.endswith(b"(qemu) "):
            part = self.socket.recv(65536)
            if not part:
                raise MonitorError("the monitor closed the connection")
            answer += part
        return answer.decode("latin-1")

    def order(self, text):
        self.socket.sendall(text.encode() + b"\n")
        answer = self.wait()
        if "Error" in answer:
            raise MonitorError(f"{text}: {answer[answer.index('Error'):]}")


if __name__ == "__main__":
    try:
        monitor = Monitor(sys.argv[1])
        for command in sys.argv[2:]:
            monitor.order(command)
    except (MonitorError, OSError, IndexError) as error:
        sys.exit(f"monitor.py: {error}")
