#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dmesg.py GUEST TEXT JSON: what the guest's `dmesg -r` printed is what vmcore-dmesg prints.

Between the two the guest may have said some more, which drops as much at the log's start."""
import json
import sys

SLACK = 20  # records


def lines(path):
    with open(path, encoding="latin-1", newline="\n") as file:
        return file.read().split("\n")[:-1]


def told(text, printable):
    """As vmcore-dmesg tells bytes that it does not print."""
    return "".join(c if printable(ord(c)) else f"\\x{ord(c):02x}" for c in text)


def stamp(record):
    return f'[{record["ts_nsec"] // 10**9:5d}.{record["ts_nsec"] % 10**9 // 1000:06d}] '


def first_difference(what, one, other):
    for number, pair in enumerate(zip(one, other)):
        if pair[0] != pair[1]:
            sys.exit(f"{what}: line {number}: {pair[0]!r} and {pair[1]!r}")


def main(guest_path, text_path, json_path):
    guest = [told(line, lambda c: c < 0x80) for line in lines(guest_path)]
    records = [json.loads(line) for line in lines(json_path)]
    numbers = [record["seq"] for record in records]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        sys.exit("seq: not one after the other")
    raw = [f'<{record["facility"] * 8 + record["level"]}>{stamp(record)}{line}'
           for record in records for line in record["text"].split("\n")]
    if raw[0] not in guest[:SLACK]:
        sys.exit(f"the guest did not begin with {raw[0]!r}, but with {guest[0]!r}")
    guest = guest[guest.index(raw[0]):]
    if not len(guest) <= len(raw) <= len(guest) + SLACK:
        sys.exit(f"{len(raw)} lines, the guest printed {len(guest)}")
    first_difference("guest and --json", guest, raw)
    text = lines(text_path)
    expected = "\n".join(
        stamp(record) + told(record["text"], lambda c: 0x20 <= c < 0x7f or chr(c).isspace())
        for record in records).split("\n")
    first_difference("text and --json", text, expected)
    if len(text) != len(expected):
        sys.exit(f"{len(text)} lines as text, {len(expected)} in --json")


if __name__ == "__main__":
    main(*sys.argv[1:])
