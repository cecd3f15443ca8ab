"""A mail sink: takes every e-mail by SMTP, delivers none, and shows its inbox over HTTP."""
