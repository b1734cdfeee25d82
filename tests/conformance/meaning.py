# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program did, out of what the spy has kept: operations and what was loaded.

Written from the boot protocol (Documentation/arch/x86/boot.rst and zero-page.rst), and from
nothing of the loader.
"""
import hashlib
import pathlib
import re
import struct

ON_CRASH, FILE_UNLOAD, FILE_ON_CRASH = 1, 1, 2
# Bits of the flags that mean something to the next kernel, by call.
LOAD_FLAGS = {2: "preserve", 4: "hotplug", 8: "hotplug"}
FILE_FLAGS = {0x10: "no-cma", 0x20: "force-dtb"}
REGISTERS = 17 * 8  # as many bytes as all of them have
ENTERED_IN_32_BITS = 0x10  # PURGATORY_ENTRY_32 of include/purgatory-abi.h
SETUP_E820_EXT, SETUP_DTB = 1, 2
TYPE_OF_LOADER, E820_ENTRIES, E820_AT, E820_SIZE = 0x210, 0x1e8, 0x2d0, 20


class Malformed(Exception):
    """Something is loaded that no kernel could start with."""


class Memory:
    """What lies where once the segments are in place."""

    def __init__(self, segments):
        self.segments = segments  # (start, size in memory, bytes)

    def read(self, start, size):
        for at, room, data in self.segments:
            if at <= start and start + size <= at + room:
                found = data[start - at:start - at + size]
                return found + bytes(size - len(found))
        raise Malformed("nothing is loaded at 0x%x-0x%x" % (start, start + size))

    def text(self, start, most):
        for at, room, data in self.segments:
            if at <= start < at + room:
                return data[start - at:start - at + most].split(b"\0")[0].decode()
        raise Malformed("the command line is not loaded")


def zero_pages(memory):
    """Each with its address; more than one where there are spare copies."""
    for at, _, data in memory.segments:
        for found in re.finditer(b"HdrS", data):
            base = found.start() - 0x202
            if base < 0 or base + 4096 > len(data) or (at + base) % 16:
                continue
            if data[base + TYPE_OF_LOADER]:
                yield at + base, data[base:base + 4096]


def words(page, low, high):
    return struct.unpack_from("<I", page, low)[0] | struct.unpack_from("<I", page, high)[0] << 32


def join(ranges):
    """As text, neighbours as one."""
    joined = []
    for start, end in sorted(ranges):
        # The first page is nobody's.
        if end <= 0x1000:
            continue
        start = max(start, 0x1000)
        if joined and joined[-1][1] >= start:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return " ".join("0x%x-0x%x" % tuple(entry) for entry in joined)


def ram_of(page):
    """The RAM that the next kernel is told of."""
    entries = []
    for i in range(page[E820_ENTRIES]):
        start, size, kind = struct.unpack_from("<QQI", page, E820_AT + i * E820_SIZE)
        if kind == 1:
            entries.append([start, start + size])
    return join(entries)


def nodes(memory, page):
    """{type: payload} of the setup_data list."""
    found, at = {}, struct.unpack_from("<Q", page, 0x250)[0]
    while at:
        following, kind, length = struct.unpack("<QII", memory.read(at, 16))
        if kind in found:
            raise Malformed("setup_data has type %d twice" % kind)
        found[kind], at = memory.read(at + 16, length), following
    return found


def name_of(data, files):
    for name, known in files.items():
        if data == known:
            return name
    return "sha256:" + hashlib.sha256(data).hexdigest()[:16]


def kernels(files):
    """What lies in memory of each kernel, and how far in it is entered in 64-bit mode."""
    bzimage = files["K"]
    begin, size = ((bzimage[0x1f1] or 4) + 1) * 512, struct.unpack_from("<I", bzimage, 0x1f4)[0] * 16
    elf = {name: (files[name][0x1000:0x1200], 0) for name in ("V", "E64", "E32")}
    return {"K": (bzimage[begin:begin + size], 0x200), **elf}


def entered(inside, start, offset, page):
    """How what runs first enters that kernel with that zero page, by the registers that it has for them; None: not at all.
    In 64-bit mode the one lies near the other. In 32-bit mode they are, with kexec-tools, eip and esi of the registers that its
    purgatory loads: eax, ebx, ecx, edx, esi, edi, esp, ebp, eip; with ours two words behind the flags that say so."""
    ours = struct.pack("<QQ", start, page)
    for found in re.finditer(re.escape(ours), inside):
        if struct.unpack_from("<Q", inside, found.start() - 8)[0] & ENTERED_IN_32_BITS:
            return "32-bit"
    theirs = struct.pack("<4I", 0, 0, 0, 0) + struct.pack("<I", page & 0xffffffff)
    for found in re.finditer(re.escape(struct.pack("<I", start & 0xffffffff)), inside):
        if inside[max(found.start() - 32, 0):][:len(theirs)] == theirs and not page >> 32:
            return "32-bit"
    at = inside.find(struct.pack("<Q", start + offset))
    if at >= 0 and struct.pack("<Q", page) in inside[max(at - REGISTERS, 0):at + REGISTERS]:
        return "64-bit"
    return None


def by_setup_code(memory, files):
    """The same of a kernel that is entered in real mode, whose setup code makes the zero page; None if it is not."""
    code = kernels(files)["K"][0]
    places = [start for start, _, data in memory.segments if data[:len(code)] == code]
    for _, _, data in memory.segments:
        if data[0x202:0x206] != b"HdrS" or struct.unpack_from("<I", data, 0x214)[0] not in places:
            continue
        image, length, cmdline = (struct.unpack_from("<I", data, at)[0] for at in (0x218, 0x21c, 0x228))
        return {
            "kernel": "K",
            "entry": "real mode",
            "initrd": name_of(memory.read(image, length), files) if length else "",
            "cmdline": memory.text(cmdline, 4096),
            "efi": "",
            "rsdp": "",
            "ram": "the BIOS's",
            "segments": len(memory.segments),
        }
    return None


def loaded_by_segments(memory, entry, files):
    """Kernel, initrd, command line, what of EFI; and that all fits together."""
    # The code that the processor enters must know one kernel's entry, and beside it, where it keeps
    # the registers, the zero page; that may be in its tables of segments, too.
    memory.read(entry, 1)
    inside = next(data for start, room, data in memory.segments if start <= entry < start + room)
    known = [(name, start, offset) for name, (code, offset) in kernels(files).items()
             for start, _, data in memory.segments if data[:len(code)] == code]
    name, page, mode = next(((name, page, mode) for address, page in zero_pages(memory) for name, start, offset in known
                             for mode in [entered(inside, start, offset, address)] if mode), (None, None, None))
    if not page and by_setup_code(memory, files):
        return by_setup_code(memory, files)
    if not page:
        raise Malformed("what is entered at 0x%x knows no kernel with its zero page" % entry)
    image, length = words(page, 0x218, 0xc0), words(page, 0x21c, 0xc4)
    return {
        "kernel": name,
        "entry": mode,
        "dtb": name_of(nodes(memory, page).get(SETUP_DTB, b""), {**files, "": b""}),
        "initrd": name_of(memory.read(image, length), files) if length else "",
        "cmdline": memory.text(words(page, 0x228, 0xc8), 4096),
        "efi": page[0x1c0:0x1c4].decode() if page[0x1c0] else "",
        "rsdp": "rsdp" if any(page[0x70:0x78]) else "",
        "ram": ram_of(page),
        "ranges": str(page[E820_ENTRIES] + len(nodes(memory, page).get(SETUP_E820_EXT, b"")) // E820_SIZE),
        "header": next(("0x%x" % room for _, room, data in memory.segments if data[:4] == b"\x7fELF" and data[16:18] == b"\4\0"), ""),
        "segments": len(memory.segments),
    }


# What is in eax at the entry of a multiboot kernel, and where its information has what: the Multiboot Specification
# 0.6.96, and Multiboot2 2.0.
MULTIBOOT = {"M1": 0x2badb002, "M2": 0x36d76289}


def multiboot_facts(memory, name, at):
    """Command line, its modules' names and command lines, and RAM."""
    word = lambda where: struct.unpack("<I", memory.read(where, 4))[0]  # noqa: E731
    modules, ram, cmdline = [], [], ""
    if name == "M1":
        cmdline = memory.text(word(at + 16), 4096)
        for i in range(word(at + 20) if word(at) & 8 else 0):
            entry = word(at + 24) + 16 * i
            modules.append((word(entry), word(entry + 4), memory.text(word(entry + 8), 4096)))
        entry, end = word(at + 48), word(at + 48) + word(at + 44)
        while entry < end:
            ram.append(struct.unpack("<QQI", memory.read(entry + 4, 20)))
            entry += word(entry) + 4
    else:
        tag, end = at + 8, at + word(at)
        while tag < end and word(tag):
            if word(tag) == 1:
                cmdline = memory.text(tag + 8, 4096)
            if word(tag) == 3:
                modules.append((word(tag + 8), word(tag + 12), memory.text(tag + 16, 4096)))
            if word(tag) == 6:
                ram += [struct.unpack("<QQI", memory.read(entry, 20))
                        for entry in range(tag + 16, tag + word(tag + 4), word(tag + 8))]
            tag += word(tag + 4) + 7 & ~7
    return cmdline, modules, join([start, start + size] for start, size, kind in ram if kind == 1)


def loaded_multiboot(memory, entry, files):
    """As loaded_by_segments(); None: it is no multiboot kernel that is loaded."""
    inside = next((data for start, room, data in memory.segments if start <= entry < start + room), b"")
    for name, magic in MULTIBOOT.items():
        # The registers' values lie side by side, eax and ebx.
        for found in re.finditer(re.escape(struct.pack("<I", magic)), inside):
            at = struct.unpack_from("<I", inside, found.end())[0]
            try:
                cmdline, modules, ram = multiboot_facts(memory, name, at)
            except Malformed:
                continue
            initrd = ["%s=%s" % (text, name_of(memory.read(start, end - start), files)) for start, end, text in modules]
            return {"kernel": name, "initrd": ", ".join(initrd), "cmdline": cmdline, "ram": ram,
                    "segments": len(memory.segments)}
    return None


# include/boot/elf_boot.h of kexec-tools: the first word of ELF boot notes, and the type of the one with the command line.
NOTES_MAGIC, NOTE_CMDLINE = 0x0e1fb007, 4


def internet_checksum(data):
    """RFC 1071; 0 where it is right."""
    total = sum(struct.unpack("<%dH" % (len(data) // 2), data[:len(data) & ~1])) + (data[-1] if len(data) % 2 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def notes_cmdline(notes):
    """The command line in ELF boot notes; None: they are damaged."""
    _, size, _, count = struct.unpack_from("<IIHH", notes)
    if size > len(notes) or internet_checksum(notes[:size]):
        return None
    at = 12
    for _ in range(count):
        name, text, kind = struct.unpack_from("<III", notes, at)
        at += 12 + (name + 3 & ~3)
        if kind == NOTE_CMDLINE:
            return notes[at:at + text].rstrip(b"\0").decode()
        at += text + 3 & ~3
    return ""


def loaded_program(memory, entry, files):
    """As loaded_by_segments(); None: it is no ELF file that is told by notes, or nothing, which is loaded."""
    inside = next((data for start, room, data in memory.segments if start <= entry < start + room), b"")
    for name in ("E64", "E32"):
        code = kernels(files)[name][0]
        where = next((start for start, _, data in memory.segments if data[:len(code)] == code), None)
        if where is None or list(zero_pages(memory)):
            continue
        # kexec-tools may have it entered without anything before.
        if struct.pack("<I", where) not in inside and entry != where:
            continue
        told = [(start + found.start(), notes_cmdline(data[found.start():])) for start, _, data in memory.segments
                for found in re.finditer(re.escape(struct.pack("<I", NOTES_MAGIC)), data)]
        # Their address is a register's value, or on the stack, of what is entered.
        told = [text for at, text in told if text is not None and struct.pack("<I", at) in inside]
        return {"kernel": name, "initrd": "", "cmdline": told[0] if told else "",
                "verdict": "told by notes" if told else "told nothing", "segments": len(memory.segments)}
    return None


def sealed(seals, inode, name):
    """What kind of file the running kernel is given: the very one that was named (in the current directory), for which IMA knows
    something; a copy of it; or memory."""
    if seals == -1:
        path = pathlib.Path(name)
        status = path.stat() if path.exists() else None
        return "file" if status and inode == "%d:%d" % (status.st_dev, status.st_ino) else "copy"
    # Whoever has it can no longer write, grow, shrink it, nor unseal it.
    return "sealed" if seals & 15 == 15 else "open"


def tame(cmdline):
    """Less what depends on where things lie."""
    cmdline = re.sub(r"elfcorehdr=\S+", "elfcorehdr=*", cmdline)
    return re.sub(r"memmap=[^e\s]\S*( memmap=\S+)*", "memmap=*", cmdline)


def meaning(directory, files):
    """operations: one word or more for each, in order; and what was loaded last."""
    directory = pathlib.Path(directory)
    calls = directory / "calls"
    operations, loaded, seals = [], {}, {}
    lines = calls.read_text().splitlines() if calls.exists() else []
    for line in lines:
        if line.startswith(("segment", "file")):
            continue
        found = re.match(r"(kexec_load|kexec_file_load) (\d+) ", line)
        if not found:
            operations.append(line)
            continue
        call, number = found[1], int(found[2])
        flags = int(re.search(r"flags=0x([0-9a-f]+)", line)[1], 16)
        crash = flags & (ON_CRASH if call == "kexec_load" else FILE_ON_CRASH)
        names = LOAD_FLAGS if call == "kexec_load" else FILE_FLAGS
        told = {name for bit, name in names.items() if flags & bit}
        if call == "kexec_load" and flags >> 16 != 62:
            raise Malformed("kexec_load for another processor: 0x%x" % flags)
        unload = line.endswith(" segments=0") if call == "kexec_load" else flags & FILE_UNLOAD
        operations.append(" ".join([call] + (["unload"] if unload else []) + (["crash"] if crash else []) +
                                   sorted(told)))
        if unload:
            continue
        if call == "kexec_load":
            segments = []
            for other in lines:
                one = re.match(rf"segment {number} (\d+) mem=0x([0-9a-f]+) memsz=0x([0-9a-f]+)", other)
                if one:
                    data = (directory / f"segment-{number}-{one[1]}").read_bytes()
                    segments.append((int(one[2], 16), int(one[3], 16), data))
            entry = int(re.search(r"entry=0x([0-9a-f]+)", line)[1], 16)
            memory = Memory(segments)
            loaded = (loaded_multiboot(memory, entry, files) or loaded_program(memory, entry, files) or
                      loaded_by_segments(memory, entry, files))
        else:
            for other in lines:
                one = re.match(rf"file {number} (\w+) seals=(-?\d+) inode=(\S+)", other)
                if one:
                    data = (directory / f"{one[1]}-{number}").read_bytes()
                    seals[one[1]] = sealed(int(one[2]), one[3], name_of(data, files))
            initrd = directory / f"initrd-{number}"
            text = (directory / f"cmdline-{number}").read_bytes()
            if text[-1:] != b"\0":
                raise Malformed("a command line without its end")
            loaded = {
                "kernel": name_of((directory / f"kernel-{number}").read_bytes(), files),
                "initrd": name_of(initrd.read_bytes(), files) if initrd.exists() else "",
                "cmdline": text[:-1].decode(),
            }
    if "cmdline" in loaded:
        loaded["cmdline"] = tame(loaded["cmdline"])
    return operations, loaded, seals
