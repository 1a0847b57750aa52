"""Containers and blobs of an account: their records, their metadata and their content."""

import sealing
from records import Reader, record
from sealing import Damaged

CONTAINERS, BLOBS, MANIFESTS, PAGE_MAPS = 0x03, 0x04, 0x08, 0x0C
SPAN_BYTES, PART_ENTRIES = 256 << 10, 64


def lease(r):
    kind = r.uint()
    if kind == 1:
        r.take(16), r.option(r.byte), r.option(r.uint)
    elif kind == 2:
        r.take(16), r.uint()


def body(r):
    names = r.bytes()
    if len(names) not in (88, 112):
        raise Damaged("names of a body")
    return {
        "id": names[:24], "salt": names[24:56], "commitment": names[56:88], "small": names[88:] or None,
        "length": r.uint(), "chunk_bytes": r.uint(),
    }


def extent(r):
    return {"body": body(r), "start": r.uint(), "length": r.uint()}


def content(r):
    kind = r.uint()
    if kind == 0:
        return {"extents": r.list(lambda: extent(r))}
    if kind == 1:
        return {"manifest": r.uint(), "entries": r.uint(), "blocks": r.uint()}
    return {"map": r.uint(), "generation": r.uint(), "borrowed": r.bool()}


def copy(r):
    r.bytes(), r.string(), r.uint(), r.uint(), r.uint(), r.option(r.uint), r.option(r.string), r.option(r.uint)


def blob(data):
    r = record(data, 4)
    found = {"type": ("block", "append", "page")[r.uint()]}
    r.uint(), r.uint(), r.uint()
    found["content_type"] = r.string()
    for _ in range(4):
        r.option(r.string)
    found["md5"] = piece(r)
    found["length"] = r.uint()
    found["content"] = content(r)
    found["metadata"] = r.option(lambda: {"id": r.bytes(), "sealed": r.bytes()})
    found["scope"] = r.option(r.string)
    found["provided"] = piece(r)
    found["tags"] = r.pairs()
    lease(r)
    r.option(r.uint), r.bool(), r.option(r.uint), r.option(r.uint), r.option(r.uint), r.option(r.uint)
    r.uint(), r.uint(), r.bool(), r.option(lambda: copy(r)), r.bool()
    r.option(lambda: (r.uint(), r.uint())), r.bool(), r.option(r.uint), r.option(r.uint)
    r.option(lambda: (r.uint(), r.uint()))
    r.end()
    return found


def piece(r):
    """An option of bytes in one piece: no bytes are none."""
    return r.bytes() or None


class Account:
    """An account that is open: its tree, and the root key that holds content and metadata."""

    def __init__(self, store, tree, root, outer, scopes):
        self.store, self.tree, self.records = store, tree, dict(tree)
        self.roots = {None: (root, tree.id, outer), **scopes}

    def key(self, label, scope):
        root, scope_id, outer = self.roots[scope]
        return None if root is None else root.purpose(label, scope_id, outer)

    def blobs(self):
        """Container, name and record of every blob."""
        names = {}
        for key, value in self.records.items():
            if key[0] == CONTAINERS and len(key) > 1:
                names[record(value, 3).uint()] = key[1:].decode()
        for key, value in self.records.items():
            if key[0] == BLOBS:
                yield names[int.from_bytes(key[1:9], "big")], key[9:].decode("utf-8"), blob(value)

    def metadata(self, found):
        if found["metadata"] is None:
            return []
        sealed, key = found["metadata"], self.key(b"metadata", found["scope"])
        r = record(key.open_item(sealing.KIND_METADATA, sealed["id"], sealed["sealed"]), 1)
        pairs = r.pairs()
        r.end()
        return pairs

    def content(self, found):
        """The bytes of a blob, piece by piece."""
        key = self.key(b"content", found["scope"])
        at = 0
        for position, part in self.extents(found["content"]):
            yield from zeros(position - at)
            yield from self.extent(key, part)
            at = position + part["length"]
        yield from zeros(found["length"] - at)

    def extents(self, content):
        if "map" in content:
            yield from self.pages(content["map"], content["generation"])
            return
        extents = content["extents"] if "extents" in content else self.manifest(content)
        at = 0
        for part in extents:
            yield at, part
            at += part["length"]

    def manifest(self, content):
        left, part = content["entries"], 0
        while left > 0:
            key = bytes([MANIFESTS]) + content["manifest"].to_bytes(8, "big") + part.to_bytes(4, "big")
            r = record(self.records[key], 2)
            r.uint()
            entries = r.list(lambda: entry(r))
            r.end()
            yield from entries[:left]
            left, part = left - min(left, PART_ENTRIES), part + 1

    def pages(self, number, generation):
        """Of each span the newest record that is not younger than the state."""
        prefix = bytes([PAGE_MAPS]) + number.to_bytes(8, "big") + b"\x02"
        spans = {}
        for key, value in self.records.items():
            if key.startswith(prefix) and int.from_bytes(key[18:26], "big") <= generation:
                spans[key[10:18]] = value
        for value in spans.values():
            r = record(value, 2)
            yield from r.list(lambda: (r.uint(), extent(r)))
            r.end()

    def extent(self, key, part):
        of, start, end = part["body"], part["start"], part["start"] + part["length"]
        count = max(1, -(-of["length"] // of["chunk_bytes"]))
        for index in range(start // of["chunk_bytes"], max(start, end - 1) // of["chunk_bytes"] + 1):
            name = (2, self.tree.id + of["small"]) if of["small"] else (
                3, self.tree.id + of["id"] + index.to_bytes(4, "big"))
            sealed = sealing.unframe(sealing.CHUNK, self.store[name])
            plain = key.open_part(sealing.KIND_CONTENT, of["id"][8:], of["salt"], of["commitment"], index,
                                  index + 1 == count, sealed)
            base = index * of["chunk_bytes"]
            yield plain[max(start - base, 0) : end - base]


def entry(r):
    r.option(lambda: r.bytes())
    return extent(r)


def zeros(count):
    while count > 0:
        yield bytes(min(count, 1 << 20))
        count -= 1 << 20
