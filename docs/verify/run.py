"""Reads cases of vectors.txt without their second column, and says what verify.py makes of each."""

import base64
import sys

from verify import verify

for line in sys.stdin:
    name, secret, id, timestamp, signature, now, body = line.rstrip("\n").split("|")
    headers = {"webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature}
    good = verify(secret, headers, base64.b64decode(body), int(now))
    print(f"{name}|{'good' if good else 'bad'}")
