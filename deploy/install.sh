#!/bin/sh
# Bring .venv to exactly what the lock files name. Takes seconds when it already is.
#   deploy/install.sh run     what Bolt needs
#   deploy/install.sh test    and the tools that check it
set -eu
cd "$(dirname "$0")/.."
python="${PYTHON:-python3.11}"
what="$1"

say() { printf '%s\n' "$*" >&2; }

case "$what" in
run) locks="requirements.txt" ;;
test) locks="requirements.txt requirements-dev.txt" ;;
*) say "deploy/install.sh needs 'run' or 'test'."; exit 2 ;;
esac

if ! "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    say "Bolt needs Python 3.11, and '$python' is not it. Install it (Debian: apt install python3.11 python3.11-venv), or name it: make $what PYTHON=/path/to/python3.11"
    exit 1
fi

# The stamp holds what was installed, by content: a fresh checkout of the same locks installs nothing again.
# shellcheck disable=SC2086  # a list of names without spaces
wanted="$(cat deploy/uv.txt $locks | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())')"
[ "$(cat ".venv/.installed-$what" 2>/dev/null)" = "$wanted" ] && exit 0

if ! .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
    "$python" -m venv --clear .venv || {
        say "'$python -m venv' failed. On Debian its part is a package of its own: apt install python3.11-venv"
        exit 1
    }
fi
say "Installing the locked packages into .venv (about 2 GB; a minute or two the first time) ..."
rm -f .venv/.installed-*
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r deploy/uv.txt
# uv reads no pip.conf: where pip was told another index, uv is told the same.
index="$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)"
if [ -n "$index" ] && [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    export UV_DEFAULT_INDEX="$index"
fi
# shellcheck disable=SC2086
VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip sync --quiet --require-hashes $locks
# What the tests need includes what running needs: going back and forth installs nothing.
printf '%s\n' "$wanted" >".venv/.installed-$what"
if [ "$what" = test ]; then
    cat deploy/uv.txt requirements.txt | "$python" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())' >.venv/.installed-run
fi
