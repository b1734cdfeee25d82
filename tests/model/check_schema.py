#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks plans against doc/plan.schema.json, and that against doc/PLAN.md.

check_schema.py SCHEMA PLAN.json...: each plan has what the schema says, and nothing else.
check_schema.py --page SCHEMA PAGE PLAN.json...: the page's table has a line for each member of
the schema, of the type that it is, and no other; each is in one of the plans.
Of JSON Schema it knows what that schema uses, and fails on any other word.
"""
import json
import re
import sys

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
# What no plan has that kexec can be asked for.
NEVER = {"segments.copied_to"}


def resolve(schema, root):
    return root["definitions"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def faults(value, schema, root, path, seen):
    schema = resolve(schema, root)
    seen.add(path)
    for word, wanted in schema.items():
        if word == "type":
            good = isinstance(value, TYPES[wanted]) and (wanted == "boolean") == isinstance(value, bool)
            if not good:
                yield f"{path}: {value!r} is no {wanted}"
                return
        elif word == "const":
            if value != wanted or isinstance(value, bool):
                yield f"{path}: {value!r} is not {wanted!r}"
        elif word == "enum":
            if value not in wanted:
                yield f"{path}: {value!r} is none of {wanted}"
        elif word == "pattern":
            if not re.search(wanted, value):
                yield f"{path}: {value!r} is not like {wanted}"
        elif word == "minimum":
            if value < wanted:
                yield f"{path}: {value} is below {wanted}"
        elif word in ("minItems", "maxItems"):
            if (len(value) < wanted) == (word == "minItems") and len(value) != wanted:
                yield f"{path}: {len(value)} items"
        elif word == "items":
            for item in value:
                yield from faults(item, wanted, root, path, seen)
        elif word == "required":
            yield from (f"{path}: no {name}" for name in wanted if name not in value)
        elif word == "properties":
            for name, item in value.items():
                if name not in wanted:
                    yield f"{path}: {name} is not in the schema"
                else:
                    yield from faults(item, wanted[name], root, f"{path}.{name}".lstrip("."), seen)
        elif word == "additionalProperties":
            if wanted is not False:
                yield f"the schema: {path} may have anything"
        elif word not in ("$schema", "title", "definitions"):
            yield f"the schema: {path} has {word}, which this program does not know"


def kind(schema, root):
    """The page's word for a type."""
    whole = resolve(schema, root)
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return "strings" if name == "sentences" else name
    if whole.get("type") == "array":
        return kind(whole["items"], root) + "s"
    if "enum" in whole and "type" not in whole:
        return "string"
    return {"integer": "number", None: "number"}.get(whole.get("type"), whole.get("type"))


def members(schema, root, path=""):
    """{path: the page's type} of all that a plan can have."""
    found = {}
    for name, item in schema.get("properties", {}).items():
        at = f"{path}.{name}".lstrip(".")
        found[at] = kind(item, root)
        inner = item
        while inner.get("type") == "array":
            inner = inner["items"]
        if "$ref" not in inner:
            found.update(members(inner, root, at))
    return found


def main(arguments):
    page = None
    if arguments[0] == "--page":
        page = open(arguments[2], encoding="utf-8").read()
        del arguments[0], arguments[1]
    root = json.load(open(arguments[0], encoding="utf-8"))
    found, seen = [], set()
    for name in arguments[1:]:
        with open(name, encoding="utf-8") as file:
            plan = json.load(file)
        found += [f"{name}: {fault}" for fault in faults(plan, root, root, "", seen)]
    if page is not None:
        documented = dict(re.findall(r"^\| `([a-z0-9_.]+)` \| ([a-z]+) \|", page, re.M))
        known = members(root, root)
        found += [f"the page: {name} is {documented.get(name)}, not {what}"
                  for name, what in known.items() if documented.get(name) != what]
        found += [f"the page: {name} is not in the schema" for name in documented if name not in known]
        found += [f"{name} is in no plan" for name in known if name not in seen | NEVER]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
