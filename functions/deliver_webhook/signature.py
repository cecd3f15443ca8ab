"""The signature of a webhook, by which its receiver knows who sent it and when. Pure."""

import hmac


def signature_header(secret: str, body: bytes, sent_at: int) -> str:
    """`t=<unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`; the README shows how to check it."""
    signed = hmac.new(secret.encode(), b"%d." % sent_at + body, "sha256")
    return f"t={sent_at},v1={signed.hexdigest()}"
