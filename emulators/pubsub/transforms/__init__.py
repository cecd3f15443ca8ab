"""Single message transforms: JavaScript functions and compression, on topics and subscriptions.

V8 (the package mini-racer, an optional extra) is loaded when the first function is used.
"""
