#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads a VGA text screen: screen.py PICTURE FONT prints the rows of a PPM of 80 x 25 characters
of 9 x 16 dots, by the dots of purgatory/vga_font.c. What is no character of it is a '?'."""
import re
import sys

COLUMNS, ROWS, WIDTH, HEIGHT = 80, 25, 9, 16


def glyphs(path):
    with open(path, encoding="utf-8") as file:
        rows = re.findall(r"\{((?:\s*0x[0-9a-f]{2},?){13})\s*\}", file.read())
    found = {}
    for number, row in enumerate(rows):
        dots = [int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", row)]
        found[tuple(dots + [0] * (HEIGHT - len(dots)))] = chr(ord(" ") + number)
    return found


def picture(path):
    with open(path, "rb") as file:
        magic, size, _, pixels = file.read().split(b"\n", 3)
    if magic != b"P6" or size.split() != [b"720", b"400"]:
        sys.exit(f"screen.py: {path}: {size.decode()}, not a text screen of 720 400")
    return pixels


def character(pixels, column, row, font):
    dots = []
    for y in range(row * HEIGHT, (row + 1) * HEIGHT):
        at = 3 * (y * COLUMNS * WIDTH + column * WIDTH)
        lit = [any(pixels[at + 3 * x:at + 3 * x + 3]) for x in range(WIDTH)]
        dots.append(sum(0x80 >> x for x in range(8) if lit[x]))
    return font.get(tuple(dots), "?")


def main(path, font_path):
    pixels, font = picture(path), glyphs(font_path)
    for row in range(ROWS):
        print("".join(character(pixels, column, row, font) for column in range(COLUMNS)).rstrip())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
