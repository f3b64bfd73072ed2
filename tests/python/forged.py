# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of Ravine with other numbers or texts in it, and checksums that are right for them:
what somebody can write who means no good (docs/checkpoints.md, "The format")."""

import json
import re

POLYNOMIAL = 0x82F63B78  # CRC32C, reflected: RFC 3720, appendix B.4


def _table():
    for k in range(256):
        for _ in range(8):
            k = k >> 1 ^ (POLYNOMIAL if k & 1 else 0)
        yield k


TABLE = list(_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def read(path):
    """Header and data of a safetensors file."""
    whole = path.read_bytes()
    end = 8 + int.from_bytes(whole[:8], "little")
    return json.loads(whole[8:end]), bytearray(whole[end:])


def write(path, header, data):
    """The file, every checksum made anew."""
    metadata = header["__metadata__"]
    for name, tensor in header.items():
        if name != "__metadata__":
            begin, end = tensor["data_offsets"]
            metadata[f"ravine.crc32c.{name}"] = f"{crc32c(data[begin:end]):08x}"
    metadata["ravine.crc32c"] = "0" * 8
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    head = len(text).to_bytes(8, "little") + text
    own = b'"ravine.crc32c":"'
    assert len(re.findall(own, head)) == 1
    at = head.index(own) + len(own)
    path.write_bytes(head[:at] + f"{crc32c(head):08x}".encode() + head[at + 8 :] + data)


def forge(path, tensors=(), texts=()):
    """Sets tensors to new bytes, as many as before, and texts to new ones; None removes one."""
    header, data = read(path)
    for name, value in dict(tensors).items():
        begin, end = header[name]["data_offsets"]
        assert len(value) == end - begin, name
        data[begin:end] = value
    for key, value in dict(texts).items():
        header["__metadata__"][key] = value
        if value is None:
            del header["__metadata__"][key]
    write(path, header, data)
