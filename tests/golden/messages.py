#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""messages.py SOURCES < TEXTS: each sentence that the sources can say with err_set() or
warn_add() is one of TEXTS, which are separated by NULs, and each of those is said somewhere. Faults of
kexec itself (ERR_INTERNAL) have one row together, failures of files (err_set_errno()) one for each errno."""
import pathlib
import re
import sys

CALL = re.compile(r"\b(err_set|warn_add)\(")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
# What is put between the strings of a format, besides what its own file defines.
MACROS = {"PHYS_FMT": "0x%llx", "RUN_DIRECTORY": "run/safekexec"}
DEFINED = re.compile(r'^#define (\w+) ("(?:[^"\\]|\\.)*")$', re.M)
WHERE_DEFINED, TABLE = {"kexec/core/err.c"}, "kexec/lib/advice.c"


def arguments(source, at):
    """The arguments of the call whose parenthesis is open at `at`."""
    found, depth = [""], 1
    while depth:
        string = STRING.match(source, at)
        if string:
            found[-1] += string[0]
            at = string.end()
            continue
        char = source[at]
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char == "," and depth == 1:
            found.append("")
        elif depth:
            found[-1] += char
        at += 1
    return [argument.strip() for argument in found]


def literal(argument, macros):
    """The string that adjacent literals and macros make; None if there is anything else."""
    for name, text in macros.items():
        argument = re.sub(rf"\b{name}\b", f'"{text}"', argument)
    if STRING.sub("", argument).strip():
        return None
    return "".join(STRING.findall(argument)).replace('\\"', '"').replace("\\\\", "\\")


def main(top):
    rows = sys.stdin.read().split("\0")[:-1]
    said, problems, total = set(), [], 0
    top = pathlib.Path(top)
    for path in sorted([*top.glob("kexec/**/*.c"), *top.glob("vmcore-dmesg/*.c")]):
        name = str(path.relative_to(top))
        if name in WHERE_DEFINED or name == TABLE:
            continue
        source = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        macros = MACROS | {name: text[1:-1] for name, text in DEFINED.findall(source)}
        for call in CALL.finditer(source):
            given = arguments(source, call.end())
            if call[1] == "err_set" and given[1] == "ERR_INTERNAL":
                continue
            text = literal(given[2 if call[1] == "err_set" else 1], macros)
            total += 1
            if text is None:
                problems.append(f"{name}: {call[1]}({', '.join(given)}): its sentence is no literal")
            elif text not in rows:
                problems.append(f"{name}: kexec/lib/advice.c has no row for \"{text}\"")
            said.add(text)
        # What is said in a signal handler, part by part.
        said.update(text for text in rows if f'"{text}' in source)
    problems += [f"kexec/lib/advice.c: nobody says \"{text}\"" for text in rows if text not in said]
    problems += [f"kexec/lib/advice.c: two rows for \"{text}\"" for text in set(rows) if rows.count(text) > 1]
    print("\n".join(problems) or f"{len(rows)} rows for {total} places")
    return bool(problems) or not total


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
