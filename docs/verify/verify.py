"""Verify a Gatepost webhook (Standard Webhooks). Python 3.6 or later, nothing to install."""

import base64
import hashlib
import hmac
import re
import time

TOLERANCE = 300  # seconds


def verify(secret, headers, body, now=None):
    """Whether the request is from Gatepost, unchanged, and not older than five minutes.

    secret: the endpoint's, whsec_…    headers: by lower-case names    body: the raw bytes, before any parsing
    """
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", id) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # Several signatures while a secret is being replaced: one that fits is enough.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any([hmac.compare_digest(expected, one) for one in given])
