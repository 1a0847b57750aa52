"""Reads a backup of a store with nothing but docs/FORMAT.md, the host's key file and the package `cryptography`.

    python3 read_backup.py BACKUP HOST_KEY_FILE

Prints one line of JSON for every blob: account, container, name, length, SHA-256, metadata, tags. Content under a customer's
key is listed without its bytes: that takes the vault.
"""

import base64
import hashlib
import json
import pathlib
import sys

import blobs
import records
import sealing
from sealing import Damaged, RootKey
from tree import Tree

ACCOUNTS, ENVELOPE, SCOPES = 0x01, 0x02, 0x0F
KEY_BYTES = {1: 16, 2: 40, 3: 44}


def key_file(path):
    words = pathlib.Path(path).read_text().split()
    if len(words) != 3 or words[0] != "strongroom-key-1":
        raise Damaged("not a key file")
    key = RootKey(base64.b64decode(words[1], validate=True))
    if key.commitment(b"key-file-sum----").hex()[:8] != words[2]:
        raise Damaged("the key file is mistyped")
    return key


def open_header(path, platform):
    header = records.header(sealing.unframe(sealing.FILE, path.read_bytes()))
    if platform.commitment(header["id"]) != header["key_commitment"]:
        raise Damaged("the key file is another store's")
    wrap = platform.purpose(b"wrap", header["id"])
    root = RootKey(wrap.open_item(sealing.KIND_WRAPPED, bytes([1 + header["role"]]), header["wrapped"]))
    if root.commitment(header["id"]) != header["root_commitment"]:
        raise Damaged("the store's root key")
    return header["id"], root


def check_manifest(backup, store_id, root):
    """Every file is there as the manifest names it, and the manifest is the store's."""
    data = sealing.unframe(sealing.FILE, (backup / "strongroom.backup").read_bytes())
    r = records.record(data, 1)
    r.uint(), r.take(16), r.uint(), r.option(r.string), r.uint(), r.uint(), r.uint(), r.uint(), r.uint()
    files = r.list(lambda: (r.string(), r.uint(), r.take(32)))
    mac = r.take(32)
    r.end()
    if root.purpose(b"backup-mac", store_id).mac(data[:-32] + bytes(32)) != mac:
        raise Damaged("the manifest's MAC")
    for name, length, digest in files:
        content = (backup / name).read_bytes()
        if len(content) != length or hashlib.sha256(content).digest() != digest:
            raise Damaged(f"{name} is not as the manifest says")
    return [name for name, _, _ in files]


def read_records(backup, names):
    store = {}
    for name in names:
        if not name.startswith("records/"):
            continue
        r = records.Reader((backup / name).read_bytes())
        if r.take(4) != b"SRR1":
            raise Damaged(name)
        while r.at < len(r.data):
            space = r.byte()
            key = r.take(KEY_BYTES[space])
            store[(space, key)] = r.take(int.from_bytes(r.take(4), "big"))
    return store


class Holder:
    """Who holds a root key: an account or an encryption scope."""

    def __init__(self, holder_id, envelope_tree, commitment, infrastructure):
        self.id, self.tree, self.commitment, self.double = holder_id, envelope_tree, commitment, infrastructure


def account_record(data):
    r = records.record(data, 2)
    account_id, envelope = r.take(16), r.take(16)
    r.string(), r.take(16), r.string(), r.string(), r.string()
    r.uint(), r.uint(), r.uint()
    commitment = r.take(32)
    r.option(lambda: (r.take(16), r.take(16)))
    r.list(lambda: (r.take(16), r.take(16)))
    found = Holder(account_id, envelope, commitment, r.bool())
    r.end()
    return found


def scope_record(data):
    r = records.record(data, 1)
    scope_id, envelope, commitment = r.take(16), r.take(16), r.take(32)
    r.uint()
    found = Holder(scope_id, envelope, commitment, r.bool())
    r.uint(), r.uint()
    r.end()
    return found


def root_of(backup, store, root, holder):
    """The root key of a holder, if the platform holds it."""
    tree = Tree(store, holder.tree, root.purpose(b"tree", holder.tree))
    ((key, padded),) = [(key, value) for key, value in tree]
    if key != bytes([ENVELOPE]) + holder.id:
        raise Damaged("the envelope of another holder")
    length = int.from_bytes(padded[:2], "big")
    if any(padded[2 + length :]):
        raise Damaged("padding of an envelope")
    r = records.record(padded[2 : 2 + length], 1)
    r.uint()
    if r.uint() != 0:
        return None
    file_id, wrapped = r.take(16), r.bytes()
    r.end()
    side = backup / "keys" / f"{holder.id.hex()}.{file_id.hex()}.onetime"
    sealed = sealing.unframe(sealing.FILE, side.read_bytes())
    one_time = RootKey(root.purpose(b"wrap", holder.id).open_item(sealing.KIND_WRAPPED, file_id, sealed))
    wrap = one_time.purpose(b"wrap", holder.id)
    found = RootKey(wrap.open_item(sealing.KIND_WRAPPED, b"account-root", wrapped))
    if found.commitment(holder.id) != holder.commitment:
        raise Damaged("the root key of a holder")
    return found


def open_accounts(backup, store, store_id, root):
    records_of = list(Tree(store, store_id, root.purpose(b"tree", store_id)))
    for key, value in records_of:
        if key[0] != ACCOUNTS:
            continue
        holder = account_record(value)
        scopes = {}
        for scope_key, scope_value in records_of:
            if scope_key[0] == SCOPES and scope_key[1:17] == holder.id:
                scope = scope_record(scope_value)
                scopes[scope_key[17:].decode()] = (root_of(backup, store, root, scope), scope.id, outer(root, scope))
        tree = Tree(store, holder.id, root.purpose(b"tree", holder.id))
        held = root_of(backup, store, root, holder)
        yield key[1:].decode(), blobs.Account(store, tree, held, outer(root, holder), scopes)


def outer(root, holder):
    return root.purpose(b"infrastructure", holder.id) if holder.double else None


def describe(account, container, name, found):
    line = {"container": container, "name": name, "type": found["type"], "length": found["length"]}
    line["tags"] = dict(found["tags"])
    held = account.roots[found["scope"]][0] is not None
    line["sha256"] = line["metadata"] = None
    if held:
        line["metadata"] = dict(account.metadata(found))
    if held and found["provided"] is None:
        digest, length = hashlib.sha256(), 0
        for piece in account.content(found):
            digest.update(piece)
            length += len(piece)
        if length != found["length"]:
            raise Damaged(f"{name} has {length} bytes")
        line["sha256"] = digest.hexdigest()
    return line


def main(backup, key):
    backup = pathlib.Path(backup)
    store_id, root = open_header(backup / "strongroom.header", key_file(key))
    store = read_records(backup, check_manifest(backup, store_id, root))
    for account_name, account in open_accounts(backup, store, store_id, root):
        for container, name, found in account.blobs():
            print(json.dumps({"account": account_name, **describe(account, container, name, found)}, sort_keys=True))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
