# SPDX-License-Identifier: LGPL-2.1-or-later
"""The memory of a planned load, and the zero page in it, as the new kernel reads them.

Offsets: Documentation/arch/x86/zero-page.rst and boot.rst.
"""
import os
import struct

E820_EXT, EFI, RNG_SEED, REPORT = 1, 4, 9, 0x5341464B


class Memory:
    """The segments that dump-plan wrote."""

    def __init__(self, directory):
        self.segment = {}
        with open(os.path.join(directory, "segments"), encoding="ascii") as file:
            for line in file:
                start, size, name = line.rstrip("\n").split(" ", 2)
                with open(os.path.join(directory, name), "rb") as content:
                    self.segment[name] = (int(start, 16), int(size, 16), content.read())

    def bytes(self, address, size):
        for start, room, content in self.segment.values():
            if start <= address and address + size <= start + room:
                content = content[address - start:address - start + size]
                return content + bytes(size - len(content))
        raise ValueError("0x%x-0x%x is in no segment" % (address, address + size))


class ZeroPage:
    def __init__(self, memory):
        self.memory = memory
        self.at = memory.segment["params"][0]
        self.page = memory.bytes(self.at, 4096)

    def number(self, offset, size):
        return int.from_bytes(self.page[offset:offset + size], "little")

    def split(self, low, high):
        return self.number(low, 4) | self.number(high, 4) << 32

    def nodes(self):
        """[(address, type, payload)] of the setup_data list."""
        found, at = [], self.number(0x250, 8)
        while at:
            if any(at == address for address, _, _ in found):
                raise ValueError("setup_data has a cycle at 0x%x" % at)
            following, kind, size = struct.unpack("<QII", self.memory.bytes(at, 16))
            found.append((at, kind, self.memory.bytes(at + 16, size)))
            at = following
        return found

    def e820(self):
        raw = self.page[0x2D0:0x2D0 + 20 * self.page[0x1E8]]
        for _, kind, payload in self.nodes():
            raw += payload if kind == E820_EXT else b""
        return [(start, start + size, kind) for start, size, kind in struct.iter_unpack("<QQI", raw)]

    def command_line(self):
        at = self.split(0x228, 0x0C8)
        start, room, _ = self.memory.segment["params"]
        text = self.memory.bytes(at, start + room - at)
        return at, text[:text.index(b"\0")].decode("ascii")

    def initrd(self):
        return self.split(0x218, 0x0C0), self.split(0x21C, 0x0C4)

    def efi_map(self):
        """None without EFI, else (address, [(type, start, end)])."""
        if self.page[0x1C0:0x1C4] not in (b"EL64", b"EL32"):
            return None
        at, size, step = self.split(0x1D0, 0x1DC), self.number(0x1D4, 4), self.number(0x1C8, 4)
        raw = self.memory.bytes(at, size)
        entries = []
        for offset in range(0, size, step):
            kind, start, _, pages = struct.unpack_from("<IxxxxQQQ", raw, offset)
            entries.append((kind, start, start + pages * 4096))
        return at, entries
