#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the three drawings of a plan are of one memory, and of the plan's.

check_picture.py TEXT JSON SVG: what kexec printed, printed with --json, and drew. Prints what is
wrong; exit status 1 if anything is.
"""
import json
import re
import sys
import xml.etree.ElementTree as tree

MARKS = {" ": "nothing", "#": "loaded", "=": "copied", ".": "free", "!": "protected", "+": "handed_on",
         "o": "dumped", "x": "not_ours"}
SVG = "{http://www.w3.org/2000/svg}"
CHARACTER = 7  # the width of one, at least, in the picture's units


def from_json(plan):
    return [(int(p["start"], 16), int(p["end"], 16), p["kind"], p["what"], p["in_footprint"], p["in_reservation"])
            for p in plan["memory"]]


def from_text(text):
    text = text[text.index("\nMemory "):text.index("\nSegments ")]
    found = []
    for line in text.split("\n")[3:]:
        match = re.fullmatch(r"  0x([0-9a-f]{12})-0x([0-9a-f]{12}) +\d+ (?:[KMGTP]i)?B ([F ])([R ]) (.{1,20}?) +(\S.*)", line)
        if match:
            mark = match[5][0]
            found.append((int(match[1], 16), int(match[2], 16), MARKS[mark], match[6], match[3] == "F", match[4] == "R"))
        elif line:
            found.append(line)
    return found


def from_svg(root):
    """[(start, end, what, y, height)] and the texts' faults."""
    found, faults = [], []
    for group in root.iter(SVG + "g"):
        start, end = group.find(SVG + "title").text.split("-")
        box = group.find(SVG + "rect")
        found.append((int(start, 16), int(end, 16), group.find(SVG + "text").text, int(box.get("y")), int(box.get("height"))))
    width, height = int(root.get("width")), int(root.get("height"))
    for text in root.iter(SVG + "text"):
        x, y, length = int(text.get("x")), int(text.get("y")), CHARACTER * len("".join(text.itertext()))
        left, right = (x - length, x) if text.get("text-anchor") == "end" else (x, x + length)
        if left < 0 or right > width or not 0 < y < height:
            faults.append(f"the SVG's text {''.join(text.itertext())!r} leaves the picture")
    return found, faults


def union(ranges):
    joined = []
    for start, end in sorted(ranges):
        if joined and joined[-1][1] >= start:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def judge_pieces(plan, pieces):
    number = lambda r: (int(r["start"], 16), int(r["end"], 16))
    of = lambda *kinds: union(p[:2] for p in pieces if p[2] in kinds)
    for before, piece in zip(pieces, pieces[1:]):
        if before[1] != piece[0]:
            yield f"a gap, or two pieces, at {piece[0]:#x}"
        if before[2:] == piece[2:]:
            yield f"two pieces that are one, at {piece[0]:#x}"
    for segment in plan["segments"]:
        drawn = union(p[:2] for p in pieces if p[2] == "loaded" and p[3] == segment["name"])
        if drawn != [number(segment)]:
            yield f"{segment['name']} is drawn at {drawn}"
    if union(p[:2] for p in pieces if p[4]) != [number(plan["footprint"])]:
        yield "the footprint is drawn elsewhere"
    reserved = [number(plan["crash"]["reservation"])] if "crash" in plan else []
    if union(p[:2] for p in pieces if p[5]) != reserved:
        yield "the reservation is drawn elsewhere"
    if of("free", "loaded", "copied") != union(number(r) for r in plan["usable"]):
        yield "what is free and what is loaded is not what may be used"
    dumped = [number(r) for r in plan.get("crash", {}).get("dumped", [])]
    for start, end in dumped:
        if not any(low <= start and end <= high for low, high in of("dumped", "loaded")):
            yield f"{start:#x}-{end:#x} is to be dumped, and not drawn so"
    known = [number(r) for r in plan["e820"] + plan["usable"]] + dumped
    for start, end in of("nothing"):
        if any(low < end and start < high for low, high in known):
            yield f"{start:#x}-{end:#x} is drawn as no memory"


def judge_svg(pieces, drawn):
    if [(p[0], p[1], p[3]) for p in pieces] != [d[:3] for d in drawn]:
        yield "the SVG has other pieces than the JSON"
    for before, piece in zip(drawn, drawn[1:]):
        if before[3] + before[4] != piece[3]:
            yield f"the SVG's boxes do not touch at {piece[0]:#x}"
    by_size = sorted((end - start, height) for start, end, _, _, height in drawn)
    if any(a[1] > b[1] for a, b in zip(by_size, by_size[1:])):
        yield "in the SVG a larger piece is lower"
    if by_size and (by_size[0][1] < 16 or by_size[-1][1] > 8 * by_size[0][1]):
        yield "the SVG's heights are not those of a logarithm"


def main(text_name, json_name, svg_name):
    plan = json.load(open(json_name, encoding="utf-8"))
    pieces = from_json(plan)
    faults = list(judge_pieces(plan, pieces))
    if from_text(open(text_name, encoding="utf-8").read()) != pieces:
        faults.append("the text has other pieces than the JSON")
    drawn, more = from_svg(tree.parse(svg_name).getroot())
    faults += list(judge_svg(pieces, drawn)) + more
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
