#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges a zero page without the loader's code.

check_params.py DIR SYSROOT KERNEL INITRD CMDLINE [crash]: DIR is what dump-plan wrote.
Prints each thing that the new kernel would be told wrongly; exit status 1 if any.
"""
import os
import struct
import sys

from check_plan import Machine, crash_map, firmware_map, read
from zeropage import EFI, REPORT, RNG_SEED, Memory, ZeroPage


def raw(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def hexadecimal(*path):
    return int(read(*path), 0)


def expected_map(root, memory, crash):
    if not crash:
        return firmware_map(root)
    return crash_map(Machine(root), min(memory.segment[name][0] for name in ("elfcorehdr", "backup")
                                        if name in memory.segment))


def check_header(zero, image, faults):
    end = 0x202 + image[0x201]
    same = set(range(0x1F1, end)) - set(range(0x210, 0x212)) - set(range(0x218, 0x220))
    same -= set(range(0x228, 0x22C)) | set(range(0x23C, 0x248)) | set(range(0x250, 0x258))
    for offset in sorted(same):
        if zero.page[offset] != image[offset]:
            faults.append("setup header byte 0x%x is 0x%x, the image has 0x%x" %
                          (offset, zero.page[offset], image[offset]))
    if zero.page[0x210] != 0xD0:
        faults.append("type_of_loader is 0x%x" % zero.page[0x210])
    if zero.page[0x1EF]:
        faults.append("the sentinel is not 0: the kernel would clear its fields")


def check_efi(zero, root, faults):
    base = os.path.join(root, "sys/firmware/efi")
    wanted = []
    if not os.path.isdir(os.path.join(base, "runtime-map")):
        if zero.efi_map():
            faults.append("EFI is handed over from a machine without it")
        return
    for number in range(len(os.listdir(os.path.join(base, "runtime-map")))):
        entry = os.path.join(base, "runtime-map", str(number))
        start, pages = hexadecimal(entry, "phys_addr"), hexadecimal(entry, "num_pages")
        wanted.append((hexadecimal(entry, "type"), start, start + pages * 4096))
    if not zero.efi_map() or zero.efi_map()[1] != wanted:
        faults.append("the EFI map is not the running kernel's")
    setup = [payload for _, kind, payload in zero.nodes() if kind == EFI]
    vendor, table = hexadecimal(base, "fw_vendor"), hexadecimal(base, "config_table")
    if len(setup) != 1 or struct.unpack_from("<QQQ", setup[0])[::2] != (vendor, table):
        faults.append("SETUP_EFI does not name the firmware's tables")


def main():
    directory, root, kernel, initrd, line = sys.argv[1:6]
    crash = len(sys.argv) > 6
    memory, faults = Memory(directory), []
    zero = ZeroPage(memory)
    running = raw(root, "sys/kernel/boot_params/data")
    kinds = [kind for _, kind, _ in zero.nodes()]

    check_header(zero, raw(kernel), faults)
    if zero.e820() != expected_map(root, memory, crash):
        faults.append("e820 is not what it should be: %s" %
                      ["0x%x-0x%x %d" % entry for entry in zero.e820()])
    screen = bytearray(running[:0x40])
    framebuffer = os.path.join(root, "sys/class/graphics/fb0/name")
    if os.path.exists(framebuffer) and read(framebuffer) == "hyperv_fb":
        # It has moved the framebuffer, and a capture cannot say where: none is passed.
        screen[0x18:0x20], screen[0x3A:0x3E] = bytes(8), bytes(4)
    if zero.page[:0x40] != screen:
        faults.append("screen_info is not the running kernel's")
    if zero.page[0x1EC] != running[0x1EC] or zero.page[0x13C:0x140] != running[0x13C:0x140]:
        faults.append("secure_boot or cc_blob_address is not the running kernel's")
    if zero.page[0x1E9:0x1EB] != running[0x1E9:0x1EB] or zero.page[0x290:0x2D0] != running[0x290:0x2D0]:
        faults.append("EDD is not the running kernel's")
    if running[0x70:0x78] != bytes(8) and zero.page[0x70:0x78] != running[0x70:0x78]:
        faults.append("acpi_rsdp_addr is not the running kernel's")
    wanted = line
    if crash:
        wanted += " elfcorehdr=0x%x" % memory.segment["elfcorehdr"][0]
    if zero.command_line()[1] != wanted:
        faults.append("the command line is %r" % zero.command_line()[1])
    if zero.initrd() != (memory.segment["initrd"][0], os.path.getsize(initrd)):
        faults.append("the initrd is not where its fields say")
    if memory.bytes(*zero.initrd()) != raw(initrd):
        faults.append("the initrd's bytes are not the file's")
    if kinds.count(RNG_SEED) != 1 or kinds.count(REPORT) != 1:
        faults.append("setup_data nodes: %s" % kinds)
    for at, kind, payload in zero.nodes():
        start, room, _ = memory.segment["params"]
        if not start <= at < at + 16 + len(payload) <= start + room:
            faults.append("setup_data of type %d lies outside the parameters" % kind)
    check_efi(zero, root, faults)
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
