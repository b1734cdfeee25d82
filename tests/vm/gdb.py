#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client for QEMU's gdbstub, just enough to damage memory at a chosen moment.

gdb.py SOCKET ENTRY [after=WRITTEN] [fill=START-END] ADDRESS...: waits until the guest's kernel
mode reaches ENTRY, an identity-mapped address, and then, if asked to, until the byte at
WRITTEN is written; fills the pages from START to END, each 8 bytes with their own address,
flips the lowest bit of the byte at each physical ADDRESS, and lets the guest run on.

The protocol: GDB manual, appendix E; Qqemu.PhyMemMode: QEMU manual, "GDB usage".
"""
import socket
import sys


class GdbError(Exception):
    """The stub refused or sent what does not belong."""


class Gdb:
    """One connection. Connecting stops the guest."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def receive(self):
        while (byte := self.stream.read(1)) != b"$":
            if not byte:
                raise GdbError("the stub closed the connection")
        data = bytearray()
        while (byte := self.stream.read(1)) != b"#":
            if not byte:
                raise GdbError("the stub closed the connection")
            data += byte
        self.stream.read(2)
        self.socket.sendall(b"+")
        return data.decode("latin-1")

    def ask(self, text):
        self.send(text)
        return self.receive()

    def order(self, text):
        answer = self.ask(text)
        if answer != "OK":
            raise GdbError(f"{text}: {answer!r}")

    def physical(self):
        self.order("Qqemu.PhyMemMode:1")

    def read(self, address, size):
        answer = self.ask(f"m{address:x},{size:x}")
        if len(answer) != 2 * size:
            raise GdbError(f"read of {address:#x}: {answer!r}")
        return bytes.fromhex(answer)

    def write(self, address, data):
        self.order(f"M{address:x},{len(data):x}:{data.hex()}")

    def is_in_kernel_mode(self):
        # x86-64 register packet: 17 registers of 8 bytes, eflags and cs of 4.
        registers = self.ask("g")
        return int(registers[2 * 140:2 * 141], 16) & 3 == 0

    def run_to(self, address):
        """Stops before the instruction at an address, in kernel mode."""
        while True:
            self.order(f"Z1,{address:x},1")
            answer = self.ask("c")
            self.order(f"z1,{address:x},1")
            if not answer.startswith("T05"):
                raise GdbError(f"the guest stopped with {answer!r}")
            if self.is_in_kernel_mode():
                return
            self.ask("s")

    def run_to_write(self, address):
        """Stops after the next write to an identity-mapped byte."""
        self.order(f"Z2,{address:x},1")
        answer = self.ask("c")
        self.order(f"z2,{address:x},1")
        if "watch" not in answer:
            raise GdbError(f"the guest stopped with {answer!r}")

    def let_go(self):
        self.ask("D")
        self.socket.close()


def main(path, entry, *addresses):
    guest = Gdb(path)
    guest.ask("?")
    guest.physical()
    guest.run_to(int(entry, 16))
    for address in addresses:
        if address.startswith("after="):
            guest.run_to_write(int(address[6:], 16))
            continue
        if address.startswith("fill="):
            start, end = (int(word, 16) for word in address[5:].split("-"))
            for page in range(start, end, 0x400):
                guest.write(page, b"".join(at.to_bytes(8, "little") for at in range(page, page + 0x400, 8)))
            continue
        at = int(address, 16)
        before = guest.read(at, 1)
        guest.write(at, bytes([before[0] ^ 1]))
        print(f"{at:#x}: {before[0]:#04x} flipped")
    guest.let_go()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: gdb.py SOCKET ENTRY ADDRESS...")
    try:
        main(*sys.argv[1:])
    except (GdbError, OSError) as error:
        sys.exit(f"gdb.py: {error}")
