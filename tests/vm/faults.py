#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Injects faults into a loaded crash kernel, one after another, each into the same machine.

faults.py GDB MONITOR SERIAL PLAN --seed N --flips N [--directed]: GDB and MONITOR are sockets
of a guest that is about to panic, SERIAL is where its console goes, PLAN the loader's JSON.
The guest is stopped and saved as the purgatory begins. For every fault it is restored, damaged,
and goes on until the new kernel is entered (all that was loaded must then be as it was
without a fault), the machine is reset, or nothing happens.

--flips: single bits, uniform over every byte of every segment. --directed: a list that is
the same every time: a bit and a page of every segment, two bits in one chunk, all spares, a
chunk with its spare. At the end the guest is let go on, after one repairable fault, and must
boot.

Prints a line for each fault: `fault KIND SEGMENT OFFSET[,OFFSET]: OUTCOME`. Outcomes: `not used`,
`repaired`, `reported, reset`, `lost (why)`.
"""
import argparse
import json
import random
import re
import sys
import time

from gdb import Gdb, GdbError
from monitor import Monitor, MonitorError

PAGE = 0x1000
PACKET = 0x400           # bytes of memory that the stub takes at once
CHUNK = 0x40000          # include/purgatory-abi.h: PURGATORY_CHUNK_SIZE
ENTRY64 = 0x200          # Documentation/arch/x86/boot.rst, "64-bit boot protocol"
REPORT = 0x5341464B      # include/purgatory-abi.h: PURGATORY_REPORT_TYPE
PATIENCE = 180           # seconds without a word


class Segment:
    def __init__(self, fields):
        self.name = fields["name"]
        self.start = int(fields["start"], 16)
        self.size = int(fields["end"], 16) - self.start
        self.file_size = fields["file_size"]
        # What the new kernel is entered with. The purgatory is done by then.
        self.is_used = not self.name.startswith("spare") and self.name != "purgatory"


class Serial:
    """What the console said since the last look."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.file.seek(0, 2)
        self.text = ""

    def forget(self):
        self.file.seek(0, 2)
        self.text = ""

    def read(self):
        self.text += self.file.read().decode("latin-1").replace("\r", "")
        return self.text


class Guest:
    def __init__(self, options, plan):
        self.gdb = Gdb(options.gdb)
        self.gdb.ask("?")
        self.gdb.physical()
        self.monitor = Monitor(options.monitor)
        self.serial = Serial(options.serial)
        self.scratch = options.serial + ".memory"
        self.segments = [Segment(s) for s in plan["segments"]]
        kernel = next(s for s in self.segments if s.name == "kernel")
        self.kernel_entry = kernel.start + ENTRY64
        self.gdb.run_to(int(plan["entry"], 16))
        self.monitor.order("savevm start")
        if self.go() != "entered":
            raise GdbError("without a fault the new kernel is not entered: " + self.serial.text)
        self.expected = self.state()

    def memory(self, start, size):
        self.monitor.order(f'pmemsave {start:#x} {size:#x} "{self.scratch}"')
        with open(self.scratch, "rb") as file:
            return bytearray(file.read())

    def state(self):
        """The registers at the new kernel's entry, and what was loaded for it."""
        parts = [self.gdb.ask("g")[:2 * 136]]
        for segment in self.segments:
            if not segment.is_used:
                continue
            data = self.memory(segment.start, segment.file_size)
            if segment.name == "elfcorehdr":
                # What is described; the rest is room.
                data = data[:64 + 56 * int.from_bytes(data[56:58], "little")]
            if segment.name == "params":
                # The node of setup_data with the report of this very run.
                at = next(at for at in range(0, len(data) - 16, 8)
                          if int.from_bytes(data[at + 8:at + 12], "little") == REPORT)
                size = int.from_bytes(data[at + 12:at + 16], "little")
                data[at + 16:at + 16 + size] = bytes(size)
            parts.append(bytes(data))
        return parts

    def go(self):
        """Until the new kernel is entered, the machine begins anew, or nothing happens."""
        self.serial.forget()
        self.gdb.order(f"Z1,{self.kernel_entry:x},1")
        self.gdb.send("c")
        self.gdb.socket.settimeout(0.5)
        last, heard = "", time.monotonic()
        outcome = None
        while not outcome:
            try:
                answer = self.gdb.receive()
                outcome = "entered" if answer.startswith("T05") else answer
            except TimeoutError:
                # A stream that timed out cannot be read again.
                self.gdb.stream = self.gdb.socket.makefile("rb")
                text = self.serial.read()
                if text != last:
                    last, heard = text, time.monotonic()
                if "] Linux version " in text:
                    outcome = "reset"
                elif time.monotonic() - heard > PATIENCE:
                    outcome = "silence"
        self.gdb.socket.settimeout(60)
        if outcome != "entered":
            self.gdb.socket.sendall(b"\x03")
            self.gdb.receive()
        self.serial.read()
        return outcome

    def inject(self, damage):
        """damage: (address, size) pairs; a bit of one byte, or noise over more."""
        self.monitor.order("loadvm start")
        for address, size in damage:
            for at in range(address, address + size, PACKET):
                old = self.gdb.read(at, min(PACKET, address + size - at))
                noise = random.Random(at).randbytes(len(old)) if size > 1 else [1 << at % 8]
                self.gdb.write(at, bytes(o ^ (n or 1) for o, n in zip(old, noise)))
        outcome = self.go()
        text = self.serial.text
        if outcome == "entered":
            if self.state() != self.expected:
                return "lost (the new kernel is entered damaged)"
            return "repaired" if "repaired" in text else "not used"
        if outcome == "reset" and re.search("is damaged|are damaged|purgatory: damaged", text):
            return "reported, reset"
        return f"lost ({outcome})"


def flips(guest, count, seed):
    choice = random.Random(seed)
    total = sum(s.size for s in guest.segments)
    for _ in range(count):
        at = choice.randrange(total)
        for segment in guest.segments:
            if at < segment.size:
                break
            at -= segment.size
        yield "bit", [(segment, at, 1)]


def directed(guest, first_stage):
    by_name = {s.name: s for s in guest.segments}
    spares = [s for s in guest.segments if s.name.startswith("spare")]
    for s in guest.segments:
        begin = first_stage if s.name == "purgatory" else 0
        for at in (begin, s.file_size // 2, s.file_size - 1) if s.file_size else ():
            yield "bit", [(s, at, 1)]
        if s.size > s.file_size:
            yield "bit", [(s, s.size - 1, 1)]
        yield "page", [(s, max(begin, s.file_size // 2 // PAGE * PAGE), PAGE)]
    for s in spares:
        yield "whole segment", [(s, at, min(PAGE, s.file_size - at)) for at in range(0, s.file_size, 16 * PAGE)]
    yield "all spares", [(s, at, min(PAGE, s.file_size - at)) for s in spares
                         for at in range(0, s.file_size, 16 * PAGE)]
    for name in ("kernel", "initrd"):
        s = by_name[name]
        yield "two in one chunk", [(s, CHUNK + 5, 1), (s, 2 * CHUNK - 1, 1)]
        yield "chunk and its spare", [(s, CHUNK + 5, 1), (by_name["spare " + name], CHUNK + 99, 1)]
    yield "purgatory and its spare", [
        (by_name["purgatory"], by_name["purgatory"].file_size - 1, 1),
        (by_name["spares"], by_name["params"].size + 16, 1)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("gdb", "monitor", "serial", "plan"):
        parser.add_argument(name)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flips", type=int, default=0)
    parser.add_argument("--directed", action="store_true")
    options = parser.parse_args()
    with open(options.plan, encoding="utf-8") as file:
        plan = json.load(file)
    guest = Guest(options, plan)
    unprotected = [(int(r["start"], 16), int(r["end"], 16)) for r in plan["crash"]["unprotected"]
                   if "start" in r]
    first_stage = next(r["size"] for r in plan["crash"]["unprotected"] if r["name"] == "first stage")
    faults = list(flips(guest, options.flips, options.seed))
    if options.directed:
        faults += directed(guest, first_stage)
    bad = 0
    for kind, places in faults:
        outcome = guest.inject([(s.start + at, size) for s, at, size in places])
        stated = all(any(start <= s.start + at < end for start, end in unprotected)
                     for s, at, _ in places)
        expected = {"chunk and its spare": ["reported, reset"],
                    "purgatory and its spare": ["reported, reset"]}.get(kind, ["repaired", "not used"])
        wrong = not stated and outcome not in expected
        bad += wrong
        where = ",".join(f"{at:#x}" for _, at, _ in places[:4]) + (",..." if len(places) > 4 else "")
        print(f"fault {kind}: {places[0][0].name} {where}{' (unprotected)' if stated else ''}: "
              f"{outcome}{' WRONG' if wrong else ''}", flush=True)
    # Where a fault left everything as it should be, the machine does boot.
    guest.inject([(s.start + s.file_size // 2, 1) for s in guest.segments if s.name == "initrd"])
    guest.gdb.order(f"z1,{guest.kernel_entry:x},1")
    guest.gdb.let_go()
    print(f"faults {len(faults)}, wrong {bad}")
    return bad != 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (GdbError, MonitorError, OSError) as error:
        sys.exit(f"faults.py: {error}")
