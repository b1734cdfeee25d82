#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges a plan without the loader's code.

check_plan.py SYSROOT KERNEL < PLAN.json: reads the machine's maps and the kernel's header
again, in its own way, and prints each rule that the plan breaks. Exit status 1 if any.
The rules: doc/ARCHITECTURE.md; the setup header: Documentation/arch/x86/boot.rst.
"""
import gzip
import hashlib
import json
import os
import re
import struct
import sys

PAGE = 4096
MIB = 1 << 20
TYPES = {"system ram": 1, "reserved": 2, "acpi tables": 3, "acpi non-volatile storage": 4,
         "unusable memory": 5, "persistent memory": 7, "persistent memory (legacy)": 12,
         "soft reserved": 0xEFFFFFFF}


def read(*path):
    with open(os.path.join(*path), encoding="ascii", errors="replace") as file:
        return file.read().strip()


def firmware_map(root):
    """[(start, end, type)], overlaps resolved to the larger type, neighbours merged."""
    base = os.path.join(root, "sys/firmware/memmap")
    raw = []
    for number in os.listdir(base):
        start = int(read(base, number, "start"), 0)
        end = int(read(base, number, "end"), 0) + 1
        raw.append((start, end, TYPES.get(read(base, number, "type").lower(), 2)))
    cuts = sorted({edge for start, end, _ in raw for edge in (start, end)})
    merged = []
    for low, high in zip(cuts, cuts[1:]):
        kinds = [kind for start, end, kind in raw if start <= low and high <= end]
        if not kinds:
            continue
        if merged and merged[-1][1] == low and merged[-1][2] == max(kinds):
            merged[-1] = (merged[-1][0], high, max(kinds))
        else:
            merged.append((low, high, max(kinds)))
    return merged


def resources(root):
    """[(depth, start, end, name)] of /proc/iomem."""
    found = []
    for line in read(root, "proc/iomem").split("\n"):
        match = re.fullmatch(r"( *)([0-9a-f]+)-([0-9a-f]+) : (.*)", line)
        found.append((len(match[1]) // 2, int(match[2], 16), int(match[3], 16) + 1, match[4]))
    return found


def tables(root):
    """{name: address} of the log's line of EFI tables."""
    found = {}
    try:
        log = read(root, "dmesg")
    except OSError:
        return found
    if not os.path.exists(os.path.join(root, "sys/firmware/efi")):
        return found
    for line in log.split("\n"):
        if " efi: " in " " + line:
            text = line.split("efi: ", 1)[1]
            for name, address in re.findall(r"(\S+(?: [\d.]+)?)=(0x[0-9a-f]+)(?= |$)", text):
                found[name] = int(address, 16)
    return found


class Machine:
    """What may be used, asked address range by address range."""

    def __init__(self, root):
        self.firmware = firmware_map(root)
        self.resources = resources(root)
        self.tables = tables(root)

    def fault(self, start, end, in_first_mib=False):
        """Why [start, end) may not be used, or None."""
        if start < MIB and not in_first_mib:
            return "lies in the first MiB"
        for low, high, kind in self.firmware:
            if kind != 1 and low < end and start < high:
                return f"meets firmware type {kind} at {low:#x}"
        covered = sum(min(end, high) - max(start, low) for low, high, kind in self.firmware
                      if kind == 1 and low < end and start < high)
        if covered != end - start:
            return "is not all RAM for the firmware"
        covered = sum(min(end, high) - max(start, low) for _, low, high, name in self.resources
                      if name == "System RAM" and low < end and start < high)
        if covered != end - start:
            return "is not all System RAM"
        for depth, low, high, name in self.resources:
            if depth and name.lower() in ("reserved", "soft reserved") and low < end and start < high:
                return f"meets a reserved resource at {low:#x}"
        for name, address in self.tables.items():
            if start <= address < end:
                return f"lies over the EFI table {name}"
        return None


def header(path):
    with open(path, "rb") as file:
        data = file.read(0x290)
    alignment, relocatable = struct.unpack_from("<IB", data, 0x230)
    pref, init_size = struct.unpack_from("<QI", data, 0x258)
    # SizeOfImage of the PE header counts the setup sectors and the decompressor with its bss.
    pe, = struct.unpack_from("<I", data, 0x3c)
    wrapper = struct.unpack_from("<I", data, pe + 0x50)[0] - (data[0x1f1] + 1) * 512
    return alignment, relocatable, pref, init_size, wrapper


def unpacked(path):
    """What a kernel's decompressor leaves, its memory and its entry: a bytearray without the
    zeros of .bss, two numbers. The payload is gzip's, as in the images of these tests."""
    with open(path, "rb") as file:
        data = file.read()
    at, size = struct.unpack_from("<II", data, 0x248)
    pref, = struct.unpack_from("<Q", data, 0x258)
    at += (data[0x1f1] + 1) * 512
    elf = gzip.decompress(data[at:at + size])
    entry, headers = struct.unpack_from("<QQ", elf, 24)
    image, memory = bytearray(), 0
    for number in range(struct.unpack_from("<H", elf, 56)[0]):
        kind, _, offset, _, paddr, file_size, mem_size = struct.unpack_from("<IIQQQQQ", elf, headers + 56 * number)
        if kind == 1:
            image += bytes(paddr - pref - len(image)) + elf[offset:offset + file_size]
            memory = paddr - pref + mem_size
    # Zeros are kept where they are data: up to the first section of .bss's kind (8) that follows.
    table, = struct.unpack_from("<Q", elf, 40)
    begins = [struct.unpack_from("<4xI8xQ", elf, table + 64 * number)
              for number in range(struct.unpack_from("<H", elf, 60)[0])]
    used = len(image.rstrip(b"\0"))
    bss = [address - 0xffffffff80000000 - pref for kind, address in begins if kind == 8]
    used = min([at for at in bss if at >= used], default=len(image))
    return image[:used], memory, entry - pref


def crash_map(machine, kept):
    """The map for a capture kernel; kept: where what it may not use begins, at the end of
    the higher reservation."""
    regions = sorted((low, high) for _, low, high, name in machine.resources if name == "Crash kernel")
    wanted = [(low, min(high, MIB), 1) for low, high, kind in machine.firmware if kind == 1 and low < MIB]
    wanted += [entry for entry in machine.firmware if entry[2] != 1]
    wanted += [(low, high, 1) for low, high in regions[:-1]]
    return sorted(wanted + [(regions[-1][0], kept, 1)])


def judge_crash(machine, plan, segments):
    faults = []
    number = lambda text: int(text, 16)
    main_region = max((low, high) for _, low, high, name in machine.resources if name == "Crash kernel")
    for name, start, end, _ in segments:
        if start < main_region[0] or end > main_region[1]:
            faults.append(f"{name} lies outside the reservation")
    dumped = [(number(r["start"]), number(r["end"])) for r in plan["crash"]["dumped"]]
    ram = [(number(e["start"]), number(e["end"])) for e in plan["e820"] if e["type"] == 1]
    for low, high in dumped:
        if any(low < end and start < high for start, end in ram):
            faults.append(f"{low:#x}-{high:#x} is dumped, and RAM for the capture kernel")
    shown = sorted(dumped + ram + [(start, end) for _, start, end, _ in segments])
    for _, low, high, name in machine.resources:
        at = max(low, MIB)
        if name != "System RAM" or at >= high:
            continue
        for start, end in shown:
            if start <= at < end:
                at = end
        if at < high:
            faults.append(f"{at:#x} is RAM of the crashed kernel, and in no dump")
    small = [e["size"] for e in plan["crash"]["unprotected"] if e["name"] == "first stage"]
    if not small or small[0] > 1024:
        faults.append(f"{small} bytes of the purgatory are not protected")
    return faults


def judge(machine, kernel, plan):
    faults = []
    number = lambda text: int(text, 16)
    segments = [(s["name"], number(s["start"]), number(s["end"]), s) for s in plan["segments"]]
    alignment, relocatable, pref, init_size, wrapper = header(kernel)
    entry = 0x200
    real_mode = plan["kernel"]["entry_bits"] == 16
    if "direct" in plan:
        image, wrapper, entry = unpacked(kernel)
        for name, _, _, segment in segments:
            if name in ("kernel", "spare kernel") and segment["sha256"] != hashlib.sha256(image).hexdigest():
                faults.append(f"{name} is not the kernel that the image unpacks to")
        if "nokaslr" in plan["cmdline"] and plan["direct"]["virtual_places"] != 1:
            faults.append("KASLR is off, and the kernel's virtual address is drawn")
    for name, start, end, segment in segments:
        if start % PAGE or end % PAGE:
            faults.append(f"{name}: not on pages")
        if end - start != segment["mem_size"] or segment["file_size"] > segment["mem_size"]:
            faults.append(f"{name}: sizes do not fit together")
        fault = machine.fault(start, end, in_first_mib=real_mode and name == "params")
        if fault:
            faults.append(f"{name} {start:#x}-{end:#x} {fault}")
    if len(segments) > 16:
        faults.append(f"{len(segments)} segments")
    for (a, _, a_end, _), (b, b_start, _, _) in zip(segments, segments[1:]):
        if a_end > b_start:
            faults.append(f"{a} and {b} overlap or are not sorted")
    place = {name: (start, end, segment) for name, start, end, segment in segments}
    load, load_end, segment = place["kernel"]
    output = max(-(-load // alignment) * alignment, pref) if relocatable else pref
    low, high = min(load, output), max(load + segment["file_size"], output + init_size)
    if low < pref:
        faults.append(f"the kernel touches {low:#x}, below {pref:#x}")
    # Spares may lie where the kernel writes, for it writes when they are done with, but not
    # over the decompressor; no page there is left to the running kernel.
    at = low
    for name, start, end, _ in segments:
        if start < high and low < end:
            if name != "kernel" and not name.startswith("spare") and name != "footprint":
                faults.append(f"{name} lies in the kernel's footprint")
            if start > at:
                faults.append(f"the kernel touches {at:#x}-{start:#x}, which is in no segment")
            at = end
    if at < high:
        faults.append(f"the kernel touches {at:#x}-{high:#x}, which is in no segment")
    if load_end < load + wrapper:
        faults.append(f"the decompressor has {wrapper:#x} bytes, its segment is {load:#x}-{load_end:#x}")
    if (number(plan["footprint"]["start"]), number(plan["footprint"]["end"])) != (low, high):
        faults.append(f"the footprint is {low:#x}-{high:#x}")
    if real_mode:
        # The setup code has the only segment of 64 KiB that is nobody's on any BIOS, and is entered
        # through the code in its last 256 bytes.
        if place["params"][:2] != (0x10000, 0x20000) or number(plan["kernel"]["entry"]) != 0x1ff00:
            faults.append("the setup code is not where it runs in real mode, or not entered there")
        faults += [f"{name} lies above 4 GiB" for name, _, end, _ in segments if end > 1 << 32]
    elif number(plan["kernel"]["entry"]) != load + entry:
        faults.append(f"the kernel's entry is not its start + {entry:#x}")
    if number(plan["entry"]) != place["purgatory"][0]:
        faults.append("the entry is not the purgatory's start")
    e820 = [(number(e["start"]), number(e["end"]), e["type"]) for e in plan["e820"]]
    wanted = machine.firmware
    if "crash" in plan:
        faults += judge_crash(machine, plan, segments)
        wanted = crash_map(machine, min(start for name, start, _, _ in segments if name in ("elfcorehdr", "backup")))
    if e820 != wanted:
        faults.append("the map handed on is not the firmware's")
    listed = {entry["name"]: (number(entry["start"]), number(entry["end"])) for entry in plan["protected"]}
    for name, address in machine.tables.items():
        if name not in listed or not listed[name][0] <= address < listed[name][1]:
            faults.append(f"the EFI table {name} at {address:#x} is not listed")
    return faults


def main(root, kernel):
    faults = judge(Machine(root), kernel, json.load(sys.stdin))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
