"""Writes decompositions.txt: the canonical decompositions of Unicode but for Hangul, whose are
computed, and the compatibility ideographs. Python 3.11 (Unicode 14.0)."""

import pathlib
import unicodedata

lines = [f"# unicodedata of Python, Unicode {unicodedata.unidata_version}: character, its parts"]
for code in range(0x80, 0x20000):
    if 0xAC00 <= code <= 0xD7A3 or 0xF900 <= code <= 0xFAFF:
        continue
    parts = unicodedata.decomposition(chr(code))
    if parts and not parts.startswith("<"):
        lines.append(f"{code:04X} {parts}")
path = pathlib.Path(__file__).with_name("decompositions.txt")
path.write_text("\n".join(lines) + "\n")
