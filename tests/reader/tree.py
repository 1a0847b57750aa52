"""Sealed trees: heads, pages and values that are too long for a page."""

import sealing
from records import Reader
from sealing import Damaged

LEAF, OVERFLOW_MARK = 0, 0xFFFF


class Tree:
    """A tree of a backup; iterating gives its records in the order of their keys."""

    def __init__(self, store, tree_id, key):
        self.store, self.id, self.key = store, tree_id, key
        sealed = sealing.unframe(sealing.HEAD, store[(1, tree_id)])
        head = key.open_item(sealing.KIND_HEAD, tree_id, sealed)
        if head[0] != 1:
            raise Damaged("version of a head")
        self.commit = int.from_bytes(head[1:9], "big")
        self.root = head[10:34] if head[9] == 1 else None
        self.entries = int.from_bytes(head[-8:], "big")
        if len(head) != (42 if self.root else 18):
            raise Damaged("length of a head")

    def __iter__(self):
        count = 0
        if self.root is not None:
            for key, value in self.page(self.root, None):
                count += key[0] != 0
                yield key, value
        if count != self.entries:
            raise Damaged(f"a tree of {self.entries} entries has {count}")

    def room(self, number):
        return [(key, value) for key, value in self if key[0] == number]

    def sealed(self, kind, frame_kind, page_id):
        name = self.id + page_id
        return self.key.open_item(kind, name, sealing.unframe(frame_kind, self.store[(2, name)]))

    def page(self, page_id, level):
        r = Reader(self.sealed(sealing.KIND_PAGE, sealing.PAGE, page_id))
        found, slots = r.byte(), number(r, 2)
        if level is not None and found != level:
            raise Damaged("a page at the wrong level")
        prefix = r.take(number(r, 2))
        for slot in range(slots):
            first_of_branch = found > LEAF and slot == 0
            key = None if first_of_branch else prefix + r.take(number(r, 2))
            if found > LEAF:
                yield from self.page(r.take(24), found - 1)
            else:
                yield key, self.value(r)
        r.end()

    def value(self, r):
        length = number(r, 2)
        if length != OVERFLOW_MARK:
            return r.take(length)
        whole = number(r, 4)
        parts = [self.sealed(sealing.KIND_OVERFLOW, sealing.OVERFLOW, r.take(24)) for _ in range(r.byte())]
        value = b"".join(parts)
        if len(value) != whole:
            raise Damaged("length of a large value")
        return value


def number(r, size):
    return int.from_bytes(r.take(size), "big")
