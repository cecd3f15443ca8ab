"""One file for each peer: its app and, as a program, its producer. Run in the peer's own venv.

`python APP enqueue N` hands in N tasks one by one and prints the seconds; `python APP idle N`
hands in N with pauses and prints a JSON list of seconds from the call to the handler's start.
"""
