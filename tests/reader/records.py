"""Records in bincode 2 (standard configuration), as docs/FORMAT.md describes them."""

from sealing import Damaged


class Reader:
    """Takes fields off a record, one after the other; `end` insists that nothing is left."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at : self.at + count]
        if len(part) != count:
            raise Damaged("a record ends early")
        self.at += count
        return part

    def end(self):
        if self.at != len(self.data):
            raise Damaged("a record goes on")

    def byte(self):
        return self.take(1)[0]

    def uint(self):
        first = self.byte()
        if first <= 250:
            return first
        if first > 253:
            raise Damaged("an integer of no known width")
        return int.from_bytes(self.take({251: 2, 252: 4, 253: 8}[first]), "little")

    def bool(self):
        value = self.byte()
        if value > 1:
            raise Damaged("a bool is 0 or 1")
        return value == 1

    def bytes(self):
        return self.take(self.uint())

    def string(self):
        return self.bytes().decode("utf-8")

    def option(self, field):
        return field() if self.bool() else None

    def list(self, field):
        return [field() for _ in range(self.uint())]

    def pairs(self):
        return self.list(lambda: (self.string(), self.string()))


def record(data, version):
    """A reader behind the version byte."""
    reader = Reader(data)
    found = reader.byte()
    if found != version:
        raise Damaged(f"version {found} of a record, not {version}")
    return reader


def header(data):
    r = record(data, 2)
    found = {
        "role": r.uint(), "id": r.take(16), "provider": r.string(), "parameters": r.bytes(),
        "key_commitment": r.take(32), "wrapped": r.bytes(), "root_commitment": r.take(32), "placement": r.uint(),
    }
    r.end()
    return found
