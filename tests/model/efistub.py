#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""efistub.py KEXEC LOG [CASES [SEED]]: what the EFI stub's four eras do, told a second time.

Makes CASES variations of the EFI memory map in LOG, and maps of its own, writes them as kernel
logs in every form, has `KEXEC --audit-efi --all --json` judge them, and compares with a
model that shares nothing with it: memory is an array of pages here, and every place is tried.
Prints how many cases agree, or the first that does not, and exits with 1.

The eras: EFI stub of Linux 5.3 (eboot.c, efi-stub-helper.c), 5.4, 5.10 (x86-stub.c,
relocate.c), 6.12 (x86-stub.c, randomalloc.c); head_64.S for where the kernel then runs.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

PAGE = 4096
MIB = 1 << 20
GIB = 1 << 30
TOP = 5 * GIB
LOADER_CODE, LOADER_DATA, CONVENTIONAL = 1, 2, 7
RELIABLE, SP, HOT, RUNTIME = 1 << 16, 1 << 18, 1 << 20, 1 << 63
NAMES = ["Reserved", "Loader Code", "Loader Data", "Boot Code", "Boot Data", "Runtime Code",
         "Runtime Data", "Conventional", "Unusable", "ACPI Reclaim", "ACPI Mem NVS", "MMIO",
         "MMIO Port", "PAL Code", "Persistent", "Unaccepted"]
LONG = {7: "Conventional Memory", 8: "Unusable Memory", 9: "ACPI Reclaim Memory",
        10: "ACPI Memory NVS", 11: "Memory Mapped I/O", 12: "MMIO Port Space",
        14: "Persistent Memory"}
FLAGS = [("RUN", 63), ("HP", 20), ("MR", 16), ("CC", 19), ("SP", 18), ("NV", 15), ("XP", 14),
         ("RP", 13), ("WP", 12), ("RO", 17), ("UCE", 4), ("WB", 3), ("WT", 2), ("WC", 1), ("UC", 0)]
LINE = re.compile(r"mem(\d+): type=(\d+), attr=(0x[0-9a-f]+), range=\[(0x[0-9a-f]+)-(0x[0-9a-f]+)\)")
ERAS = ["no-floor", "floor", "in-place", "decompresses"]


def up(value, unit):
    return -(-value // unit) * unit


# --- the model ---------------------------------------------------------------

class Memory:
    """Pages, each in a set or not."""

    def __init__(self):
        self.pages = bytearray(TOP // PAGE + 1)

    def mark(self, start, end, value=1):
        first, last = start // PAGE, min(up(end, PAGE), TOP) // PAGE
        if last > first:
            self.pages[first:last] = bytes([value]) * (last - first)

    def has_all(self, start, end):
        return end <= TOP and self.pages.find(0, start // PAGE, up(end, PAGE) // PAGE) < 0

    def has_any(self, start, end):
        return self.pages.find(1, start // PAGE, min(up(end, PAGE), TOP) // PAGE) >= 0

    def number(self, start, end):
        return int.from_bytes(self.pages[start // PAGE:up(end, PAGE) // PAGE], "little")


class Stub:
    def __init__(self, descriptors, case):
        self.all, self.case = descriptors, case
        self.whole = up(case["init"], PAGE)
        self.unpacked = up(case["unpacked"] or case["init"], 2 * MIB)
        self.own = next((i for i, (kind, start, end, _) in enumerate(descriptors)
                         if kind in (LOADER_CODE, LOADER_DATA) and end > start
                         and start % case["align"] == 0
                         and end - start in (self.whole, self.unpacked)), None)
        self.free, self.described = Memory(), Memory()
        used = [d for i, d in enumerate(descriptors) if not self.is_free(i)]
        for i, (_, start, end, _) in enumerate(descriptors):
            self.described.mark(start, end)
            if self.is_free(i):
                self.free.mark(start, end)
        for _, start, end, _ in used:
            self.free.mark(start, end, 0)
        self.image = None
        if case["load"] is not None:
            self.image = (case["load"] // PAGE * PAGE, up(case["load"] + case["init"], PAGE))
            self.free.mark(*self.image, 0)
        self.entries = self.cut(self.join())

    def is_free(self, index):
        return self.all[index][0] == CONVENTIONAL or index == self.own

    def join(self):
        """[number, start, end, attribute] of free memory; the own copy with what it touches."""
        entries, previous = [], None
        for i, (_, start, end, attribute) in enumerate(self.all):
            if end == start or not self.is_free(i):
                previous = None
                continue
            if (previous is not None and self.own in (i, previous)
                    and entries[-1][2] == start and entries[-1][3] == attribute):
                entries[-1][2] = end
            else:
                entries.append([i, start, end, attribute])
            previous = i
        return entries

    def cut(self, entries):
        if self.image is None:
            return entries
        low, high = self.image
        parts = []
        for number, start, end, attribute in entries:
            for piece in ((start, min(end, low)), (max(start, high), end)):
                if piece[0] < piece[1]:
                    parts.append([number, *piece, attribute])
        return parts

    def walk(self, floor, skipped):
        found = []
        for number, start, end, attribute in self.entries:
            at = up(max(start, floor, 1), self.case["align"])
            if attribute & skipped or at + self.whole > end:
                continue
            found.append((number, at, 1, self.free.has_all(at, at + self.whole)))
        return found

    def runs(self, image):
        return max(up(image, self.case["align"]), self.case["pref"])

    def slots(self, reliable):
        found = []
        for number, start, end, attribute in self.entries:
            if attribute & (SP | HOT) or (reliable and not attribute & RELIABLE):
                continue
            at = first = up(max(start, self.case["pref"]), self.case["align"])
            count = 0
            while at + self.unpacked <= end:
                count, at = count + 1, at + self.case["align"]
            if count:
                found.append((number, first, count, self.free.has_all(first, first + self.unpacked)))
        return found

    def stays(self, era):
        load = self.case["load"]
        if load is None:
            return False
        if era < 2:
            return load == self.case["pref"]
        rounded = up(load, self.case["align"])
        return (not self.case["handover"] and rounded >= self.case["pref"]
                and rounded + self.case["init"] <= 1 << 46)

    def era(self, era):
        if era == 3:
            found = self.slots(True) or self.slots(False)
            if not found or not found[0][3]:
                return {"verdict": "no-place", "moved": True, "candidates": found}
            return {"verdict": "safe", "moved": True, "candidates": found, "image": found[0][1],
                    "descriptor": found[0][0],
                    "runs": (found[0][1], found[0][1] + self.unpacked), "conflicts": []}
        found = self.walk(0 if era == 0 else self.case["pref"], SP if era == 2 else 0)
        outcome = {"candidates": found, "moved": not self.stays(era), "descriptor": None}
        pref = self.case["pref"]
        if not outcome["moved"]:
            outcome["image"] = self.case["load"]
        elif self.free.has_all(pref, pref + self.whole):
            outcome["image"] = pref
        else:
            taken = next((f for f in found if f[3]), None)
            if not taken:
                return {"verdict": "no-place", "moved": True, "candidates": found}
            outcome["descriptor"], outcome["image"] = taken[:2]
        self.enter(outcome)
        return outcome

    def enter(self, outcome):
        image, size = outcome["image"], self.case["init"]
        output = self.runs(image)
        touched = Memory()
        touched.mark(image, image + size)
        touched.mark(output, output + size)
        if outcome["moved"]:
            touched.mark(image, image + self.whole, 0)
        else:
            touched.mark(*self.image, 0)
        hit = []
        for i, (kind, start, end, _) in enumerate(self.all):
            loaders = (not outcome["moved"] and kind in (LOADER_CODE, LOADER_DATA)
                       and start <= self.case["load"] < end)
            if not self.is_free(i) and not loaders and touched.has_any(start, end):
                hit.append(i)
        outcome["runs"] = (output, output + size)
        outcome["conflicts"] = hit
        nowhere = any(touched.number(at, at + size) & ~self.described.number(at, at + size)
                      for at in (image, output))
        outcome["undescribed"] = nowhere
        outcome["verdict"] = "hazard" if hit or nowhere else "safe"

    def conditions(self):
        pref, load = self.case["pref"], self.case["load"]
        return {"not_at_preferred": None if load is None else load != pref,
                "preferred_occupied": not self.free.has_all(pref, pref + self.whole),
                "room_below": any(at < pref and free for _, at, _, free in self.walk(0, 0))}


# --- cases -------------------------------------------------------------------

def random_case(rng):
    align = rng.choice([2 * MIB, 2 * MIB, 2 * MIB, 4 * MIB, MIB, 16 * MIB])
    pref = rng.choice([16 * MIB, 16 * MIB, 16 * MIB, 2 * MIB, 64 * MIB])
    case = {"align": align, "pref": pref, "handover": rng.random() < 0.3,
            "init": rng.choice([0x377d000, 0x377d000, 0x37dc000, rng.randrange(1, 96 * MIB)]),
            "load": rng.choice([None, 0x3c881000, pref, rng.randrange(1, TOP // 2 // PAGE) * PAGE,
                                rng.randrange(0x100000, GIB)]),
            "unpacked": rng.choice([None, None, rng.randrange(1, 80 * MIB)])}
    return case


def vary(base, rng):
    """Descriptors moved in order, resized, of another type; sometimes gone."""
    changed = [list(d) for d in base]
    for _ in range(rng.randrange(6)):
        i = rng.randrange(len(changed))
        kind, start, end, attribute = changed[i]
        what = rng.randrange(6)
        if what == 0:
            changed[i][0] = rng.randrange(16)
        elif what == 1:
            changed[i][2] = start + rng.randrange(0, (end - start) // PAGE + 1) * PAGE
        elif what == 2:
            changed[i][1] = end - rng.randrange(0, (end - start) // PAGE + 1) * PAGE
        elif what == 3 and len(changed) > 3:
            del changed[i]
        elif what == 4:
            changed[i][3] = attribute ^ rng.choice([SP, HOT, RELIABLE, RUNTIME])
        else:
            changed[i][2] = min(TOP, end + rng.randrange(0, 4096) * PAGE)
    if rng.random() < 0.5:
        rng.shuffle(changed)
    elif rng.random() < 0.5:
        i, j = rng.randrange(len(changed)), rng.randrange(len(changed))
        changed[i], changed[j] = changed[j], changed[i]
    return [tuple(d) for d in changed]


def random_map(case, rng):
    at, found = 0, []
    while at < 3 * GIB and len(found) < 60:
        size = rng.choice([PAGE, 64 * PAGE, MIB, 8 * MIB, 100 * MIB, up(case["init"], PAGE)])
        size = rng.choice([size, rng.randrange(1, size // PAGE + 1) * PAGE])
        if rng.random() < 0.15:
            at += rng.randrange(1, 4096) * PAGE
        if rng.random() < 0.2:
            at = up(at, case["align"])
        kind = rng.choice([CONVENTIONAL] * 6 + [LOADER_DATA] * 2 + list(range(16)))
        attribute = 0xf | (rng.choice([SP, HOT, RELIABLE]) if rng.random() < 0.1 else 0)
        found.append((kind, at, at + size, attribute))
        at += size - (rng.randrange(1, size // PAGE + 1) * PAGE if rng.random() < 0.02 else 0)
    if not any(d[0] in (LOADER_CODE, LOADER_DATA, CONVENTIONAL) for d in found):
        found.append((CONVENTIONAL, at, at + PAGE, 0xf))
    if rng.random() < 0.3:
        rng.shuffle(found)
    return found


def write_log(path, descriptors, rng):
    form = rng.randrange(5)
    prefix = rng.choice(["", "[    0.000000] ", "<6>[    0.000000] ", "<6>",
                         "Sep 25 13:36:02 host kernel: ", "6,123,0,-;"])
    lines = [prefix + "Linux version 5.3.0", prefix + "efi: EFI v2.40 by Microsoft"]
    for i, (kind, start, end, attribute) in enumerate(descriptors):
        size = f"({(end - start) >> 20}MB)"
        half = f"range=[0x{start:016x}-0x{end:016x}) {size}"
        last = f"range=[0x{start:016x}-0x{(end - 1) % (1 << 64):016x}] {size}"
        flags = "|".join(name if attribute >> bit & 1 else " " * len(name) for name, bit in FLAGS)
        if form == 0:
            text = f"type={kind}, attr={attribute:#x}, {half}"
        elif form == 1:
            text = f"type={kind}, attr={attribute:#x},\n{half}"
        elif form == 2:
            text = f"[{LONG.get(kind, NAMES[kind]):19}|{flags}] {half}"
        elif form == 3:
            text = f"[{NAMES[kind]:12}|{flags}] {last}"
        else:
            text = f"[type={kind}|attr=0x{attribute:016x}] {last}"
        lines.append(f"{prefix}efi: mem{i:02}: {text}")
        if rng.random() < 0.05:
            lines.append(prefix + "ACPI: Early table checksum verification disabled")
    if rng.random() < 0.3:
        lines.append(prefix + "efi: EFI runtime memory map:")
        lines.append(prefix + "efi: mem00: type=5, attr=0x800000000000000f, "
                     "range=[0x0000000001000000-0x0000000002000000) (16MB)")
    with open(path, "w", encoding="ascii") as log:
        log.write("\n".join(lines) + "\n")


# --- comparing ---------------------------------------------------------------

def told(era):
    """An era of the JSON in the model's words."""
    result = {"verdict": era["verdict"], "moved": era["moved"],
              "candidates": [(c["descriptor"], int(c["address"], 16), c["slots"], c["free"])
                             for c in era["candidates"]]}
    if "image" in era:
        result.update(image=int(era["image"], 16), descriptor=era["descriptor"],
                      runs=(int(era["runs"]["start"], 16), int(era["runs"]["end"], 16)),
                      conflicts=[c["descriptor"] for c in era["conflicts"]])
        if era["era"] != "decompresses":
            result["undescribed"] = "undescribed" in era
    return result


def expect(what, has, wants):
    if has != wants:
        raise AssertionError(f"{what}: kexec says {has}, the model {wants}")


def compare(audit, stub):
    expect("own copy", audit["own_copy"], stub.own)
    expect("descriptors", audit["descriptors"], len(stub.all))
    expect("conditions", audit["conditions"], stub.conditions())
    worst = "safe"
    for i, era in enumerate(audit["eras"]):
        expect("era", era["era"], ERAS[i])
        wanted = stub.era(i)
        expect(f"era {ERAS[i]}", told(era), wanted)
        if ["safe", "no-place", "hazard"].index(wanted["verdict"]) > \
                ["safe", "no-place", "hazard"].index(worst):
            worst = wanted["verdict"]
    expect("verdict", audit["verdict"], worst)
    return worst


def run(kexec, directory, case):
    command = [kexec, "--audit-efi", "--json", f"--all={directory}",
               f"--init-size={case['init']}", f"--kernel-alignment={case['align']}",
               f"--pref-address={case['pref']}"]
    if case["load"] is not None:
        command.append(f"--load-address={case['load']:#x}")
    if case["unpacked"]:
        command.append(f"--decompressed-size={case['unpacked']}")
    if case["handover"]:
        command.append("--handover")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 3):
        raise AssertionError(f"exit status {done.returncode}: {done.stderr[-500:]}")
    return done.returncode, {a["log"]: a for a in json.loads(done.stdout)["audits"]}


def read_base(path):
    with open(path, encoding="ascii") as log:
        found = [LINE.search(line) for line in log]
    return [(int(m[2]), int(m[4], 16), int(m[5], 16), int(m[3], 16)) for m in found if m]


def batch(kexec, base, case, count, rng, tally):
    with tempfile.TemporaryDirectory() as directory:
        maps = {}
        for i in range(count):
            descriptors = vary(base, rng) if i % 2 else random_map(case, rng)
            if not any(d[0] in (LOADER_CODE, LOADER_DATA, CONVENTIONAL) for d in descriptors):
                continue
            maps[f"{i:04}"] = descriptors
            write_log(os.path.join(directory, f"{i:04}"), descriptors, rng)
        status, audits = run(kexec, directory, case)
        verdicts = []
        for name, descriptors in maps.items():
            try:
                verdicts.append(compare(audits[name], Stub(descriptors, case)))
            except (AssertionError, KeyError) as error:
                with open(os.path.join(directory, name), encoding="ascii") as log:
                    raise AssertionError(f"{case}: {error!r}\n{log.read()}") from error
        expect("exit status", status, 0 if set(verdicts) == {"safe"} else 3)
        for verdict in verdicts:
            tally[verdict] = tally.get(verdict, 0) + 1


def main(kexec, log, cases="2400", seed="1"):
    rng, tally, base = random.Random(int(seed)), {}, read_base(log)
    expect("descriptors of the base", len(base) > 10, True)
    thread = {"align": 2 * MIB, "pref": 16 * MIB, "handover": False, "init": 0x377d000,
              "load": 0x3c881000, "unpacked": None}
    first = True
    while sum(tally.values()) < int(cases):
        batch(kexec, base, thread if first else random_case(rng), 60, rng, tally)
        first = False
    # A model that finds all safe, or none, compares nothing.
    for verdict in ("safe", "no-place", "hazard"):
        expect(f"enough of {verdict}", tally.get(verdict, 0) * 50 >= int(cases), True)
    print(f"{sum(tally.values())} maps agree: " + ", ".join(f"{n} {v}" for v, n in sorted(tally.items())))


try:
    main(*sys.argv[1:])
except AssertionError as failure:
    print(failure)
    sys.exit(1)
