#!/bin/sh
# Bring .venv-security to exactly what requirements-security.txt names: the scanners of `make security`. They have a
# virtual environment of their own, for their needs are not Bolt's.
set -eu
cd "$(dirname "$0")/.."

wanted="$(cat deploy/uv.txt requirements-security.txt | .venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"
[ "$(cat .venv-security/.installed 2>/dev/null)" = "$wanted" ] && exit 0

echo "Installing the scanners into .venv-security (about 500 MB) ..." >&2
.venv/bin/python -m venv --clear .venv-security
index="$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)"
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    export UV_DEFAULT_INDEX="$index"
fi
VIRTUAL_ENV="$PWD/.venv-security" .venv/bin/uv pip sync --quiet --require-hashes requirements-security.txt
printf '%s\n' "$wanted" >.venv-security/.installed
