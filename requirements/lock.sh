#!/bin/sh
# Pin what pyproject.toml asks for, with hashes, for all Pythons that we support: `runtime.txt` is
# what deployed code needs, `dev.txt` adds the local stack and the tools. No host is named in them.
set -eu
compile() {
    uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
        --no-emit-index-url --no-emit-find-links "$@" pyproject.toml
}
compile -o requirements/runtime.txt
compile --extra local --group dev -c requirements/runtime.txt -o requirements/dev.txt
for file in requirements/runtime.txt requirements/dev.txt; do
    printf '%s\n' '# Made by `make lock` from pyproject.toml; do not edit.' | cat - "$file" > "$file.new"
    mv "$file.new" "$file"
done
