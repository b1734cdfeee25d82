#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares a plan with the system call that was made.

act.py DIRECTORY WAY: of what tests/vm/script-act.sh printed, plan.WAY, the JSON; strace.WAY, the
call as strace decodes it; call.WAY and sums.WAY, the same with SHA-256 as read from the loader's
memory when it entered the kernel; small.WAY, the bytes of small segments.

The load has a random seed, and the plan has zeros in its place. The seed lies in params; the
purgatory has the digest of params, and a digest and a CRC-64 of its tables; spares is a copy of
both. In those three, and nowhere else, digests differ. The seed is taken out again here, what
depends on it computed anew, and then all are the same. Prints a summary, or what is wrong.
"""
import base64
import hashlib
import io
import json
import re
import struct
import sys
import tarfile

# include/purgatory-abi.h
STAGE2, PARAMS, CHUNK = 0x180, 0x1C0, 0x40000
REGION = struct.Struct("<5Q2IQ24s")
SETUP_DATA_AT, SETUP_RNG_SEED, SEED_SIZE = 0x250, 9, 32


def crc64(data):
    """ECMA-182, reflected, all ones first, not inverted."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0xC96C5795D7870F42 if value & 1 else 0)
        table.append(value)
    crc = 2**64 - 1
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def without_seed(params, start):
    """The bytes with zeros for the seed, which must be there."""
    at = struct.unpack_from("<Q", params, SETUP_DATA_AT)[0]
    while at:
        following, kind, size = struct.unpack_from("<QII", params, at - start)
        if kind == SETUP_RNG_SEED:
            data = at - start + 16
            assert size == SEED_SIZE and any(params[data:data + size]), "the load has no seed"
            return params[:data] + bytes(size) + params[data + size:]
        at = following
    raise AssertionError("the load has no seed")


def with_digest(purgatory, start, params, params_start):
    """The purgatory that belongs to these params."""
    made = bytearray(purgatory)
    regions, digests, nr_regions, _ = struct.unpack_from("<QQII", made, PARAMS + 0x30)
    for i in range(nr_regions):
        src, _, size, _, _, first, _, _, _ = REGION.unpack_from(made, regions - start + i * REGION.size)
        if src != params_start:
            continue
        for chunk in range(0, size, CHUNK):
            at = digests - start + 32 * (first + chunk // CHUNK)
            made[at:at + 32] = hashlib.sha256(params[chunk:min(chunk + CHUNK, size)]).digest()
    made[PARAMS + 0x48:PARAMS + 0x68] = hashlib.sha256(made[regions - start:]).digest()
    struct.pack_into("<Q", made, 8 + 8, crc64(made[STAGE2:]))
    return bytes(made)


def main(directory, way):
    read = lambda name: open(f"{directory}/{name}.{way}", encoding="ascii").read()
    plan = json.loads(read("plan"))
    number = lambda text: int(text, 16)
    planned = [(number(s["start"]), s["mem_size"], s["file_size"]) for s in plan["segments"]]
    head = (number(plan["entry"]), len(planned), number(plan["flags"]))

    # As strace decodes it.
    calls = re.findall(r"kexec_load\((\w+), (\w+), \[(.*)\], ([\w|]+)\) *= 0", read("strace"))
    assert len(calls) == 1, f"strace shows {len(calls)} calls"
    entry, count, table, flags = calls[0]
    flags = sum(int(flag, 0) for flag in flags.split("|"))
    assert (int(entry, 0), int(count, 0), flags) == head, f"strace: {entry}, {count}, {flags:#x}"
    decoded = [dict(re.findall(r"(\w+)=(\w+)", part)) for part in table.split("}, {")]
    assert [tuple(int(d[name], 0) for name in ("mem", "memsz", "bufsz")) for d in decoded] == planned, \
        f"strace: {table}"

    # As the kernel copies it.
    lines = [tuple(int(word, 0) for word in line.split()) for line in read("call").strip().split("\n")]
    assert lines[0] == head and lines[1:] == planned, f"the call: {lines}"
    sums = {int(name.split(".")[0]): digest for digest, name in
            (line.split() for line in read("sums").strip().split("\n"))}
    names = {s["name"]: i for i, s in enumerate(plan["segments"])}
    seeded = {names[name] for name in ("params", "purgatory", "spares") if name in names}
    differ = {i for i, s in enumerate(plan["segments"]) if sums[i] != s["sha256"]}
    assert differ == seeded, f"segments {sorted(differ)} differ, not {sorted(seeded)}"

    # Without the seed.
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(read("small")))) as small:
        load = {i: small.extractfile(f"{i}.bin").read() for i in seeded}
    i, j = names["params"], names["purgatory"]
    params = without_seed(load[i], planned[i][0])
    purgatory = with_digest(load[j], planned[j][0], params, planned[i][0])
    made = {i: params, j: purgatory}
    if "spares" in names:
        spares, at = bytearray(load[names["spares"]]), planned[i][1]
        spares[:len(params)] = params
        spares[at:at + len(purgatory) - STAGE2] = purgatory[STAGE2:]
        made[names["spares"]] = bytes(spares)
    for i, data in made.items():
        segment = plan["segments"][i]
        assert hashlib.sha256(data).hexdigest() == segment["sha256"], f"{segment['name']} differs without the seed, too"
    print(f"-{way}: {len(planned)} segments are as planned, {len(made)} of them but for the seed: "
          + ", ".join(plan["segments"][i]["name"] for i in sorted(made)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except AssertionError as fault:
        print(fault)
        sys.exit(1)
