#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes of a capture what a user would have captured who may not read all.

unprivileged.py CAPTURE NEW: another than root: no address in /proc/iomem, and what Linux shows to
root alone is named as unread.
unprivileged.py CAPTURE NEW locked: root under lockdown: /proc/kcore alone.
"""
import io
import re
import sys
import tarfile

FORBIDDEN = re.compile(r"dmesg|proc/(kcore|kpageflags)|sys/firmware/(acpi/tables/.*|efi/(systab|runtime-map/.*/.*))")


def main(old_name, new_name, locked=None):
    kept, unread = [], ["proc/kcore"] if locked else []
    with tarfile.open(old_name) as old:
        for entry in old:
            data = old.extractfile(entry).read() if entry.isfile() else b""
            if (entry.name == "proc/kcore" if locked else FORBIDDEN.fullmatch(entry.name)) and entry.isfile():
                unread += [entry.name] if entry.name not in unread else []
                continue
            if entry.name == "proc/iomem" and not locked:
                data = re.sub(rb"(?m)^( *)[0-9a-f]+-[0-9a-f]+", rb"\g<1>00000000-00000000", data)
            kept.append((entry, data))
    manifest = f"safekexec-capture 1\nentries {len(kept) - 1}\n"
    manifest += "".join(f"unread {1 if locked or name == 'dmesg' else 13} {name} Why\n" for name in unread)
    with tarfile.open(new_name, "w", format=tarfile.USTAR_FORMAT) as new:
        for entry, data in kept:
            if entry.name == "MANIFEST":
                data = manifest.encode()
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main(*sys.argv[1:])
