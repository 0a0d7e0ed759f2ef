#!/bin/sh
# Write the lock files anew from the *.in files: exact versions, hashes of every file, no address of any registry.
#   deploy/lock.sh             keep what is locked, add what is new
#   deploy/lock.sh --upgrade   take the newest versions
set -eu
cd "$(dirname "$0")/.."
uv="${UV:-.venv/bin/uv}"

lock() {
    source="$1" target="$2"
    shift 2
    "$uv" pip compile --quiet --generate-hashes --python-version 3.11 --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links "$@" "$source" -o "$target"
}

lock requirements.in requirements.txt "$@"
lock deploy/requirements-web.in deploy/requirements-web.txt -c requirements.txt "$@"
lock requirements-dev.in requirements-dev.txt -c requirements.txt "$@"
lock requirements-security.in requirements-security.txt "$@" # a virtual environment of its own
lock deploy/uv.in deploy/uv.txt -c requirements-dev.txt "$@"
