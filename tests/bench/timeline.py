#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a new kernel is entered, told by the guest's time stamp counter, whoever loaded it.

timeline.py GDB VMLINUZ --call ADDRESS --machine-kexec ADDRESS --gate SOCKET [--entry ADDRESS]
            [--damage PATIENCE [--at ADDRESS... | --last-of INITRD]]
timeline.py GDB VMLINUZ --direct

GDB is a socket of QEMU's stub. Nothing in the guest takes part, and nothing is patched: it is
stopped by breakpoints, and made to execute an RDTSC in the place of the instruction there, which
is put back. Under -icount shift=0 a tick is an instruction, or a nanosecond in which there was none.

The guest waits for a line on the serial port behind --gate, and gets it. --call is the function
of its kernel that begins: `kernel_kexec` of the system call, or `panic`; --machine-kexec the one
that ends, given the image that was loaded: the entry of its purgatory and its segments. The one
that holds VMLINUZ is found by its bytes; or by --entry, where the loader tells one.

Prints `call=`, `purgatory=`, and `entered=`, the first instruction of the new kernel (its 64-bit
entry), and lets the guest go on. With --damage one bit in the middle of the loaded kernel, of the byte at
each of these physical addresses, or of the last byte of this initrd is
flipped as the purgatory begins, and instead of `entered` this says `damage=started`, or
`damage=refused` if after PATIENCE ticks the processor is still in the purgatory.

--direct: of a guest that waits to be started (-S), with QEMU's -kernel and SeaBIOS: `entered=` is
the 32-bit entry, the first instruction behind the setup part.
"""
import argparse
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../vm")
from gdb import Gdb, GdbError  # noqa: E402

# Documentation/arch/x86/boot.rst, "64-bit boot protocol" and "32-bit boot protocol".
SETUP_SECTS = 0x1F1
ENTRY64 = 0x200
LOADED_HIGH = 0x100000
LOOK = 64                 # bytes by which the kernel is known
# struct kimage of the kernel: behind three pointers the address that is entered; its segments
# (buffer, size, destination, size there) farther on.
KIMAGE_START = 24
KIMAGE_LOOK = 0x400
PAGE = 0x1000
PHYS_LIMIT = 1 << 46
# In order of the stub's registers.
RAX, RDX, RDI, RIP = 0, 3, 5, 16
RDTSC = b"\x0f\x31"
LONGEST = 900             # seconds


class Guest(Gdb):
    def __init__(self, path, gate=None):
        super().__init__(path)
        self.gate = gate
        self.ask("?")

    def register(self, number):
        registers = self.ask("g")
        return int.from_bytes(bytes.fromhex(registers[16 * number:16 * number + 16]), "little")

    def set_register(self, number, value):
        self.order(f"P{number:x}={value.to_bytes(8, 'little').hex()}")

    def tsc(self):
        kept = {number: self.register(number) for number in (RAX, RDX, RIP)}
        code = self.read(kept[RIP], len(RDTSC))
        self.write(kept[RIP], RDTSC)
        self.ask("s")
        ticks = self.register(RDX) << 32 | self.register(RAX)
        self.write(kept[RIP], code)
        for number, value in kept.items():
            self.set_register(number, value)
        return ticks

    def virtual(self):
        self.order("Qqemu.PhyMemMode:0")

    def go(self, seconds):
        """Lets it run; whether it stopped by itself within so many seconds."""
        self.send("c")
        self.socket.settimeout(1)
        for _ in range(seconds):
            try:
                answer = self.receive()
                break
            except TimeoutError:
                # A stream that timed out cannot be read again.
                self.stream = self.socket.makefile("rb")
                if self.gate:
                    self.gate.sendall(b"\n")
        else:
            self.socket.settimeout(60)
            self.socket.sendall(b"\x03")
            self.receive()
            return False
        self.socket.settimeout(60)
        if not answer.startswith("T05"):
            raise GdbError(f"the guest stopped with {answer!r}")
        return True

    def run_to(self, address):
        while True:
            self.order(f"Z1,{address:x},1")
            arrived = self.go(LONGEST)
            self.order(f"z1,{address:x},1")
            if not arrived:
                raise GdbError(f"{address:#x} is not reached")
            if self.is_in_kernel_mode():
                self.gate = None
                return
            self.ask("s")


def code_at(vmlinuz, entry):
    """Of the protected-mode part."""
    with open(vmlinuz, "rb") as file:
        image = file.read()
    begin = (image[SETUP_SECTS] + 1) * 512 + entry
    return image[begin:begin + LOOK]


def segments_of(image):
    words = struct.unpack(f"<{len(image) // 8}Q", image)
    for size, at, room in zip(words[1:], words[2:], words[3:]):
        if 0 < size <= room and 0 < at < PHYS_LIMIT and not (at | room) % PAGE and room < PHYS_LIMIT:
            yield at, size, room


def segment_with(segments, address):
    for at, size, room in segments:
        if at <= address < at + room:
            return at, size, room
    raise GdbError(f"no segment has {address:#x}")


def follow(guest, options):
    guest.run_to(options.call)
    print(f"call={guest.tsc()}")
    guest.run_to(options.machine_kexec)
    image = guest.read(guest.register(RDI), KIMAGE_LOOK)
    segments = list(segments_of(image))
    start = int.from_bytes(image[KIMAGE_START:KIMAGE_START + 8], "little")
    guest.run_to(start)
    print(f"purgatory={guest.tsc()}")
    guest.physical()
    entry = options.entry
    if not entry:
        code = code_at(options.vmlinuz, ENTRY64)
        entry = next((at + ENTRY64 for at, _, _ in segments if guest.read(at + ENTRY64, LOOK) == code),
                     None)
        if not entry:
            raise GdbError("the kernel is in no segment")
    if options.damage:
        places = options.at
        if options.last_of:
            places = [end_of(guest, segments, options.last_of) - 1]
        elif not places:
            at, size, _ = segment_with(segments, entry)
            places = [at + size // 2]
        damage(guest, segments, start, entry, options.damage, places)
        return
    guest.virtual()
    guest.run_to(entry)
    print(f"entered={guest.tsc()}")


def end_of(guest, segments, path):
    """Of a file that is in a segment, known by its first and its last bytes."""
    with open(path, "rb") as file:
        data = file.read()
    for at, size, _ in segments:
        end = at + len(data)
        if size >= len(data) and guest.read(at, LOOK) == data[:LOOK] and guest.read(end - LOOK, LOOK) == data[-LOOK:]:
            return end
    raise GdbError(f"{path} is in no segment")


def damage(guest, segments, start, entry, patience, places):
    print(f"patience={patience}")
    for at in places:
        guest.write(at, bytes([guest.read(at, 1)[0] ^ 1]))
    guest.virtual()
    began = guest.tsc()
    guest.order(f"Z1,{entry:x},1")
    while True:
        if guest.go(5):
            print("damage=started")
            return
        if guest.tsc() - began > patience:
            break
    at, _, room = segment_with(segments, start)
    if not at <= guest.register(RIP) < at + room:
        raise GdbError(f"the damaged guest is at {guest.register(RIP):#x}")
    print("damage=refused")


def follow_direct(guest, vmlinuz):
    guest.run_to(LOADED_HIGH)
    if guest.read(LOADED_HIGH, LOOK) != code_at(vmlinuz, 0):
        raise GdbError(f"what is at {LOADED_HIGH:#x} is not the kernel")
    print(f"entered={guest.tsc()}")


def main():
    def address(text):
        return int(text, 16)

    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("gdb")
    parser.add_argument("vmlinuz")
    parser.add_argument("--call", type=address)
    parser.add_argument("--machine-kexec", type=address)
    parser.add_argument("--gate")
    parser.add_argument("--entry", type=address)
    parser.add_argument("--damage", type=int, metavar="PATIENCE")
    parser.add_argument("--at", type=address, nargs="+", metavar="ADDRESS")
    parser.add_argument("--last-of", metavar="INITRD")
    parser.add_argument("--direct", action="store_true")
    options = parser.parse_args()
    gate = None
    if options.gate:
        gate = socket.socket(socket.AF_UNIX)
        gate.connect(options.gate)
    guest = Guest(options.gdb, gate)
    if options.direct:
        follow_direct(guest, options.vmlinuz)
    else:
        follow(guest, options)
    guest.let_go()


if __name__ == "__main__":
    try:
        main()
    except (GdbError, OSError) as error:
        sys.exit(f"timeline.py: {error}")
