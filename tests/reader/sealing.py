"""Frames, the key schedule and sealed items, as docs/FORMAT.md has them. Nothing here was taken from the Rust sources."""

import hashlib
import hmac
import zlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

EXTRACT_SALT = b"strongroom/v1"
CHUNK, HEAD, PAGE, OVERFLOW, FREED, FILE = 1, 2, 3, 4, 6, 7
KIND_CONTENT, KIND_METADATA, KIND_HEAD, KIND_PAGE, KIND_OVERFLOW, KIND_WRAPPED = 1, 2, 3, 4, 5, 7


class Damaged(Exception):
    """Bytes that are not what docs/FORMAT.md says."""


def unframe(kind, data):
    """The payload of a frame of this kind."""
    if len(data) < 10 or data[0] != 1 or data[1] != kind:
        raise Damaged(f"no frame of kind {kind}")
    length, checksum = int.from_bytes(data[2:6], "big"), int.from_bytes(data[6:10], "big")
    payload = data[10:]
    if len(payload) != length or zlib.crc32(data[:6] + payload) != checksum:
        raise Damaged(f"frame of kind {kind}: length or checksum")
    return payload


def hkdf_expand(key, info, length):
    """HKDF-Expand-SHA-256 (RFC 5869)."""
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([counter]), hashlib.sha256).digest()
        out, counter = out + block, counter + 1
    return out[:length]


class RootKey:
    """Account root key, store root or platform key."""

    def __init__(self, key):
        if len(key) != 32:
            raise Damaged("a key has 32 bytes")
        self.extracted = hmac.new(EXTRACT_SALT, key, hashlib.sha256).digest()

    def purpose(self, label, scope, outer=None):
        return PurposeKey(hkdf_expand(self.extracted, label + scope, 32), scope, outer)

    def commitment(self, scope):
        return hkdf_expand(self.extracted, b"root-commitment" + scope, 32)


class PurposeKey:
    """Key of one purpose in one scope; `outer` seals a second time (infrastructure encryption)."""

    def __init__(self, key, scope, outer=None):
        self.key, self.scope, self.outer = key, scope, outer

    def item(self, kind, item_id, salt):
        info = b"item" + salt + bytes([1, kind]) + self.scope + item_id
        secrets = hkdf_expand(self.key, info, 76)
        return secrets[:32], secrets[32:44], secrets[44:]

    def mac(self, message):
        return hmac.new(self.key, message, hashlib.sha256).digest()

    def open_part(self, kind, item_id, salt, commitment, index, last, sealed):
        key, base, found = self.item(kind, item_id, salt)
        if commitment is not None and not hmac.compare_digest(found, commitment):
            raise Damaged("the key is another one")
        nonce = base[:8] + (int.from_bytes(base[8:], "big") ^ index).to_bytes(4, "big")
        cipher = AESGCM(key)
        if self.outer is not None:
            outer_key, outer_base, _ = self.outer.item(kind, item_id, salt)
            outer_nonce = outer_base[:8] + (int.from_bytes(outer_base[8:], "big") ^ index).to_bytes(4, "big")
            aad = part_aad(kind, index, last, len(sealed) - 16)
            sealed = ChaCha20Poly1305(outer_key).decrypt(outer_nonce, sealed, aad)
        return cipher.decrypt(nonce, sealed, part_aad(kind, index, last, len(sealed) - 16))

    def open_item(self, kind, item_id, data):
        """Salt, commitment, ciphertext and tag of an item that is sealed whole."""
        return self.open_part(kind, item_id, data[:32], data[32:64], 0, True, data[64:])


def part_aad(kind, index, last, length):
    return bytes([1, kind]) + index.to_bytes(4, "big") + bytes([last]) + length.to_bytes(4, "big")
