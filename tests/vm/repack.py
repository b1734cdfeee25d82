# SPDX-License-Identifier: LGPL-2.1-or-later
"""
  repack.py BZIMAGE                   writes its payload to standard output, less the size behind it
  repack.py BZIMAGE PAYLOAD OUT       the bzImage with another payload, which must not be larger

Its decompressor is still for the old one: a kernel for --direct, which does without. What the fields mean:
Documentation/arch/x86/boot.rst; the size of what is unpacked stands behind each but gzip, which ends with it.
"""
import pathlib
import struct
import sys

PAYLOAD_AT = 0x248  # payload_offset and payload_length of the setup header

image = bytearray(pathlib.Path(sys.argv[1]).read_bytes())
offset, length = struct.unpack_from("<II", image, PAYLOAD_AT)
offset += ((image[0x1f1] or 4) + 1) * 512
old = image[offset:offset + length]
if len(sys.argv) == 2:
    sys.stdout.buffer.write(old if old.startswith(b"\x1f\x8b") else old[:-4])
    sys.exit()
new = pathlib.Path(sys.argv[2]).read_bytes()
if not new.startswith(b"\x1f\x8b"):
    new += old[-4:]
if len(new) > length:
    sys.exit("the payload has %d bytes, and there is room for %d" % (len(new), length))
image[offset:offset + length] = new.ljust(length, b"\0")
struct.pack_into("<I", image, PAYLOAD_AT + 4, len(new))
pathlib.Path(sys.argv[3]).write_bytes(image)
