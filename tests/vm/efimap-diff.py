#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""efimap-diff.py WANTED < LOG: prints how the EFI memory map in a kernel's log differs from
the one in another, type by type. Exit status 1 if there is none."""
import re
import sys

NUMBERED = re.compile(r"efi: mem\d+: type=(\d+),.*?range=\[0x([0-9a-f]+)-0x([0-9a-f]+)\)")
NAMED = re.compile(r"efi: mem\d+: \[([^|]*?) *\|.*?range=\[0x([0-9a-f]+)-0x([0-9a-f]+)\]")
NAMES = ["Reserved", "Loader Code", "Loader Data", "Boot Code", "Boot Data", "Runtime Code", "Runtime Data",
         "Conventional", "Unusable", "ACPI Reclaim", "ACPI Mem NVS", "MMIO", "MMIO Port", "PAL Code",
         "Persistent", "Unaccepted"]


def read(lines):
    """[(start, end, type)]"""
    found = []
    for line in lines:
        match = NUMBERED.search(line)
        if match:
            found.append((int(match[2], 16), int(match[3], 16), int(match[1])))
        match = NAMED.search(line)
        if match:
            kind = next((i for i, name in enumerate(NAMES) if match[1].startswith(name)), 99)
            found.append((int(match[2], 16), int(match[3], 16) + 1, kind))
    return sorted(found)


def name(kind):
    return "nothing" if kind is None else NAMES[kind] if kind < len(NAMES) else "?"


def main(wanted_path):
    with open(wanted_path, encoding="ascii") as file:
        wanted = read(file)
    got = read(sys.stdin)
    if not got or not wanted:
        return 1
    cuts = sorted({edge for start, end, _ in wanted + got for edge in (start, end)})
    # What was one thing in the report is one line.
    differences = []
    for low, high in zip(cuts, cuts[1:]):
        before, after = (next((kind for start, end, kind in entries if start <= low and high <= end), None)
                         for entries in (wanted, got))
        if before == after:
            continue
        if differences and differences[-1][1] == low and differences[-1][2] == before:
            differences[-1][1] = high
            differences[-1][3].add(name(after))
        else:
            differences.append([low, high, before, {name(after)}])
    for low, high, before, after in differences:
        print(f"# {low:#x}-{high:#x}: {name(before)} in the report, here {', '.join(sorted(after))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
