#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every place that a kernel with physical KASLR may choose, from its zero page alone.

kaslr.py DIR: DIR is what dump-plan wrote. Prints how many places there are; exit status 1,
and which, if one meets a byte that the new kernel needs.
kaslr.py --blind DIR: the same for a zero page whose initrd has no size, so that the
kernel does not keep off it: what a wrong ramdisk_size would do. For testing the model.

What the decompressor does: arch/x86/boot/compressed/kaslr.c. Left out, so that the model
has more places than the kernel: the limit of 100 areas, SRAT's hot-pluggable memory, and
huge pages that are asked for.
"""
import re
import sys

from zeropage import Memory, ZeroPage

PAGE, HALF_GIB = 4096, 512 << 20
UNIT = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def align_up(value, alignment):
    return (value + alignment - 1) // alignment * alignment


def size_of(text):
    match = re.match(r"(0[xX][0-9a-fA-F]+|\d+)([KMGT]?)", text, re.I)
    return (int(match[1], 0) * UNIT[match[2].upper()], text[match.end():]) if match else (0, text)


def of_command_line(text):
    """(KASLR is on, the end of memory, ranges to keep off)"""
    words, end, off = text.split(), 1 << 46, []
    for word in words:
        if word.startswith("mem="):
            end = min(end, size_of(word[4:])[0] or end)
        if not word.startswith("memmap="):
            continue
        for part in word[7:].split(","):
            if part == "exactmap":
                break
            size, rest = size_of(part)
            start = size_of(rest[1:])[0] if rest else 0
            if rest[:1] in "#$!" and rest and start:
                off.append((start, start + size))
            elif not rest or (rest[0] in "#$!" and not start):
                end = min(end, size)
    return "nokaslr" not in words and len(off) <= 4, end, off


def places(zero, kernel, blind):
    """([(start, end)] of each place, what is kept off)"""
    line_at, line = zero.command_line()
    enabled, end, off = of_command_line(line)
    alignment, floor, needed = zero.number(0x230, 4), zero.number(0x258, 8), zero.number(0x260, 4)
    output = max(align_up(kernel, alignment), floor)
    size = align_up(needed, alignment)
    initrd, initrd_size = zero.initrd()
    off += [(kernel, output + needed), (line_at, line_at + len(line) + 1), (zero.at, zero.at + PAGE)]
    off += [(at, at + 16 + len(payload)) for at, _, payload in zero.nodes()]
    if initrd_size and not blind:
        off.append((initrd, initrd + initrd_size))
    if not enabled or not zero.page[0x234]:
        return [], off
    efi = zero.efi_map()
    ram = ([(start, stop) for kind, start, stop in efi[1] if kind == 7] if efi else
           [(start, stop) for start, stop, kind in zero.e820() if kind == 1])
    found = []
    for start, stop in ram:
        stop = min(stop, end)
        place = align_up(max(start, min(output, HALF_GIB)), alignment)
        while place + size <= stop:
            if not any(place < high and low < place + size for low, high in off):
                found.append((place, place + size))
            place += alignment
    return found, off


def needed_bytes(memory, zero):
    """[(what, start, end)] that must be there when the new kernel has moved."""
    line_at, line = zero.command_line()
    found = [("zero page", zero.at, zero.at + PAGE),
             ("command line", line_at, line_at + len(line) + 1)]
    found += [("setup_data of type %d" % kind, at, at + 16 + len(payload))
              for at, kind, payload in zero.nodes()]
    found += [(name, start, start + len(content))
              for name, (start, _, content) in memory.segment.items()
              if name in ("initrd", "elfcorehdr", "backup")]
    found += [("e820 type %d" % kind, start, stop) for start, stop, kind in zero.e820() if kind != 1]
    efi = zero.efi_map()
    if efi:
        found.append(("EFI map", efi[0], efi[0] + zero.number(0x1D4, 4)))
        found += [("EFI memory of type %d" % kind, start, stop) for kind, start, stop in efi[1] if kind != 7]
    return found


def main():
    blind = sys.argv[1] == "--blind"
    memory = Memory(sys.argv[-1])
    zero = ZeroPage(memory)
    found, _ = places(zero, memory.segment["kernel"][0], blind)
    needed = needed_bytes(memory, zero)
    for start, end in found:
        for what, low, high in needed:
            if start < high and low < end:
                print("0x%x-0x%x, which the kernel may choose, meets %s at 0x%x" % (start, end, what, low))
                return 1
    print("%d places" % len(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
