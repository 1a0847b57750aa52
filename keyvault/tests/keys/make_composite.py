"""Makes composite-factor.jwk.json: every equation of RFC 8017 section 3.2 holds, but the factor p is no prime.

Run in this folder with `python3 make_composite.py > composite-factor.jwk.json`.
"""

import base64
import json
import math

from cryptography.hazmat.primitives.asymmetric import rsa


def primes(bits):
    numbers = rsa.generate_private_key(65537, bits).private_numbers()
    return numbers.p, numbers.q


def member(number):
    return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


e = 65537
q = primes(2048)[0]
p = math.prod(primes(1024))
while (p * q).bit_length() != 2048 or math.gcd(e, p - 1) != 1:
    p = math.prod(primes(1024))
d = pow(e, -1, math.lcm(p - 1, q - 1))
key = {"n": p * q, "e": e, "d": d, "p": p, "q": q, "dp": d % (p - 1), "dq": d % (q - 1), "qi": pow(q, -1, p)}
print(json.dumps({"kty": "RSA", **{name: member(number) for name, number in key.items()}}, indent=1))
