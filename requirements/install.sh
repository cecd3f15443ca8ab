#!/bin/sh
# Make the virtual environment $2 with the interpreter $1 from the hash-pinned lock, then install
# the command `cloudtasker`. uv is used when it is on PATH or pip can fetch it; plain pip works too.
set -eu
python=$1
venv=$2
lock=requirements/dev.txt

"$python" - <<'PY' || exit 1
import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"CloudTasker needs Python 3.11 to 3.13; {sys.executable} is {sys.version.split()[0]}.\n"
        "Nothing was installed.\n"
        "Fix: make setup PYTHON=/path/to/python3.12"
    )
PY

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    [ -x "$venv/bin/uv" ] || "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv ||
        echo "uv could not be fetched; installing with pip, which takes about a minute" >&2
    [ ! -x "$venv/bin/uv" ] || uv=$venv/bin/uv
fi

if [ -n "$uv" ]; then
    # Compiled here as pip does, so that the first `make run` does not pay for it.
    "$uv" pip install --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes -r "$lock"
    "$uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation -e .
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
fi
