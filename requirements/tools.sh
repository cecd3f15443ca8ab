#!/bin/sh
# Make the environment $2 of the tools that look at the project from outside, with interpreter $1.
set -eu
python=$1
venv=$2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
uv=$(command -v uv || command -v "$(dirname "$venv")/bin/uv" || true)
if [ -n "$uv" ]; then
    "$uv" pip sync --quiet --python "$venv/bin/python" --require-hashes requirements/tools.txt
else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        -r requirements/tools.txt
fi
