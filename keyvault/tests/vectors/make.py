"""Makes rsa.json: ciphertexts and signatures by Python `cryptography` (OpenSSL) under ../keys/rsa2048-1.pkcs8.der.

Run in this folder with `python3 make.py > rsa.json`. OAEP, PKCS#1 v1.5 encryption and PSS are randomized, so every
run gives another file; the tests only need the committed one.
"""

import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, utils

with open("../keys/rsa2048-1.pkcs8.der", "rb") as file:
    private = serialization.load_der_private_key(file.read(), None)
public = private.public_key()


def oaep(hash_):
    return padding.OAEP(mgf=padding.MGF1(algorithm=hash_), algorithm=hash_, label=None)


ENCRYPTION = {"RSA-OAEP": oaep(hashes.SHA1()), "RSA-OAEP-256": oaep(hashes.SHA256()), "RSA1_5": padding.PKCS1v15()}
SIGNATURE = {}
for bits, hash_ in {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.items():
    SIGNATURE["RS" + bits] = (padding.PKCS1v15(), hash_)
    SIGNATURE["PS" + bits] = (padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)

plaintext = bytes(range(32))
message = b"strongroom test vector"
out = {
    "plaintext": plaintext.hex(),
    "ciphertexts": {name: public.encrypt(plaintext, pad).hex() for name, pad in ENCRYPTION.items()},
    "signatures": {},
}
for name, (pad, hash_) in SIGNATURE.items():
    digest = hashlib.new(hash_.name, message).digest()
    signature = private.sign(digest, pad, utils.Prehashed(hash_))
    out["signatures"][name] = {"digest": digest.hex(), "signature": signature.hex()}
print(json.dumps(out, indent=1))
