#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""efimap-memory.py CAPTURE < LOG: the EFI memory map in a capture and the one in the kernel's log
are the same, descriptor by descriptor: number, type, range, attribute.

What the kernel does to its own copy is seen from the other side: each descriptor in memory is the log's, or
differs in what is named here. Prints how many there are, and how many of them the kernel has changed."""
import re
import struct
import sys
import tarfile

LINE = re.compile(r"efi: mem(\d+): \[(.*?)\] range=\[0x([0-9a-f]+)-0x([0-9a-f]+)\]")
NAMES = ["Reserved", "Loader Code", "Loader Data", "Boot Code", "Boot Data", "Runtime Code", "Runtime Data",
         "Conventional", "Unusable", "ACPI Reclaim", "ACPI Mem NVS", "MMIO", "MMIO Port", "PAL Code",
         "Persistent", "Unaccepted"]
BITS = {"UC": 0, "WC": 1, "WT": 2, "WB": 3, "UCE": 4, "WP": 12, "RP": 13, "XP": 14, "NV": 15, "MR": 16,
        "RO": 17, "SP": 18, "CC": 19, "HP": 20, "RUN": 63}
RUNTIME = 1 << 63


def of_log(lines):
    found = []
    for line in lines:
        if "EFI runtime memory map" in line:
            break
        match = LINE.search(line)
        if not match or int(match[1]) != len(found):
            continue
        name, *flags = [word.strip() for word in match[2].split("|")]
        kind = int(name[5:]) if name.startswith("type=") else NAMES.index(name)
        attribute = sum(int(flag[5:], 16) if flag.startswith("attr=") else 1 << BITS[flag]
                        for flag in flags if flag)
        found.append((kind, int(match[3], 16), int(match[4], 16) + 1, attribute))
    return found


def of_capture(path):
    with tarfile.open(path) as tar:
        page = tar.extractfile("sys/kernel/boot_params/data").read()
        data = tar.extractfile("facts/efi-memmap").read()
    size, version, _, length = struct.unpack_from("<4I", page, 0x1c8)
    assert page[0x1c0:0x1c4] == b"EL64" and version == 1 and length == len(data), "efi_info"
    found = []
    for at in range(0, len(data), size):
        kind, pad, start, virtual, pages, attribute = struct.unpack_from("<2I4Q", data, at)
        assert not pad and not virtual and not any(data[at + 40:at + size]), "more than the firmware's"
        found.append((kind, start, start + pages * 4096, attribute))
    return found


def main(path):
    log, memory = of_log(sys.stdin), of_capture(path)
    assert len(log) > 20, f"{len(log)} descriptors in the log"
    changed = 0
    merged = None
    for i, (one, other) in enumerate(zip(log, memory)):
        kind, start, end, attribute = one
        if one == other:
            merged = None
        elif kind in (3, 4) and other == (kind, start, end, attribute | RUNTIME):
            changed += 1
        elif other[0] == kind and other[1] == start and other[2] > end:
            merged, changed = other[2], changed + 1
        elif merged and other == (0, start, end, 0) and end <= merged and log[i - 1][2] == start:
            changed += 1
        else:
            raise AssertionError(f"mem{i:02}: {one} in the log, {other} in memory")
    assert len(log) == len(memory), f"{len(log)} descriptors in the log, {len(memory)} in memory"
    print(f"{len(log)} descriptors agree, {changed} of them changed by the kernel since")


try:
    main(*sys.argv[1:])
except AssertionError as failure:
    sys.exit(str(failure))
