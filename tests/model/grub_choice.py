#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""grub_choice.py LIST LOG: what `kexec --list-entries --json` says of the default is what GRUB itself ran, which LOG has
as lines "@ linux WORD" and "@ initrd WORD". Files are compared by their names: the file systems are not the same."""
import json
import os
import re
import sys


def words(text):
    return re.sub(r'["\\]', "", text).split()


def main(listing, log):
    with open(listing, encoding="utf-8") as file:
        entries = json.load(file)["entries"]
    with open(log, encoding="utf-8", errors="replace") as file:
        text = file.read()
    ran = [[kind, *words(" ".join(re.findall(f"@ {kind} (.*)", text)))] for kind in ("linux", "initrd")]
    chosen = [entry for entry in entries if entry["default"]]
    if len(chosen) != 1:
        return "%d entries are the default" % len(chosen)
    if len(ran[0]) < 2 or len(ran[1]) < 2:
        return "GRUB ran %s" % ran
    expected = [os.path.basename(chosen[0]["kernel"]), *words(chosen[0]["options"])]
    if [os.path.basename(ran[0][1]), *ran[0][2:]] != expected:
        return "GRUB starts %s, listed is %s" % (" ".join(ran[0]), " ".join(expected))
    initrds = [os.path.basename(path) for path in chosen[0]["initrds"]]
    if [os.path.basename(path) for path in ran[1][1:]] != initrds:
        return "GRUB takes %s, listed is %s" % (" ".join(ran[1]), " ".join(initrds))
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
