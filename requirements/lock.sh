#!/bin/sh
# Pin what pyproject.toml asks for, with hashes, for all Pythons that we support: `runtime.txt` is
# what deployed code needs, `dev.txt` adds the local stack and the tools,
# `emulator.txt` is what the image of the Pub/Sub emulator needs, `stand_ins.txt` the image of the
# other stand-ins, `tools.txt` what looks at the project from outside, in an environment of its own.
# `checkov.txt` is checkov, which has one too. No host is named in them.
set -eu
compile() {
    uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
        --no-emit-index-url --no-emit-find-links "$@"
}
compile -o requirements/runtime.txt pyproject.toml
compile --extra local --extra transforms --group dev -c requirements/runtime.txt \
    -o requirements/dev.txt pyproject.toml
compile --group emulator -c requirements/dev.txt -o requirements/emulator.txt
compile --group stand-ins -c requirements/dev.txt -o requirements/stand_ins.txt
compile --group tools -c requirements/dev.txt -o requirements/tools.txt
compile --group checkov -o requirements/checkov.txt
for name in runtime dev emulator stand_ins tools checkov; do
    file=requirements/$name.txt
    printf '%s\n' '# Made by `make lock` from pyproject.toml; do not edit.' | cat - "$file" > "$file.new"
    mv "$file.new" "$file"
done
