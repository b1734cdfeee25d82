#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""enroll.py VARIABLES CERTIFICATE: has the firmware trust what a certificate (DER) has signed.

VARIABLES is the file of OVMF's variables, in which db, the list of what it trusts, is replaced by one
with the certificate behind what is there. The layouts are those of the UEFI Platform Initialization
Specification, volume 3 (firmware volume, variable store), and of the UEFI Specification (signature list).
"""
import struct
import sys
import uuid

DB = "db\0".encode("utf-16-le")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
OWNER = uuid.uuid5(uuid.NAMESPACE_DNS, "enroll").bytes_le
STORE_HEADER = 28
HEADER = struct.Struct("<HBBIQ16sIII16s")
USED, ADDED, DELETED = 0x55AA, 0x3F, 0xFD


def variables(store, at):
    """The offset of each, with its header; last, where the next one goes."""
    while struct.unpack_from("<H", store, at)[0] == USED:
        header = HEADER.unpack_from(store, at)
        yield at, header
        at = (at + HEADER.size + header[7] + header[8] + 3) & ~3
    yield at, None


def main():
    path, certificate = sys.argv[1], open(sys.argv[2], "rb").read()
    store = bytearray(open(path, "rb").read())
    assert store[40:44] == b"_FVH", "no firmware volume"
    begin = struct.unpack_from("<H", store, 48)[0]
    end = begin + struct.unpack_from("<I", store, begin + 16)[0]
    found = list(variables(store, begin + STORE_HEADER))
    free = found.pop()[0]
    for at, header in found:
        name = at + HEADER.size
        data = name + header[7]
        if header[1] == ADDED and store[name:data] == DB:
            break
    else:
        sys.exit(f"{path}: it has no db")
    lists = bytes(store[data:data + header[8]])
    lists += X509 + struct.pack("<III", 28 + 16 + len(certificate), 0, 16 + len(certificate)) + OWNER + certificate
    record = HEADER.pack(*header[:8], len(lists), header[9]) + DB + lists
    assert free + len(record) <= end and not store[free:free + len(record)].strip(b"\xff"), "no room"
    store[free:free + len(record)] = record
    store[at + 2] &= DELETED
    open(path, "wb").write(store)


main()
