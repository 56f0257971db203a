# Makes .venv hold exactly what $LOCK names. Sourced by the other scripts, never run alone.
# In: the current directory is the project's root, LOCK is requirements.lock or requirements-dev.lock.
# Out: PYTHON_IN_VENV. Needs only a python3 >= 3.11; the first run needs a package index, later ones need nothing.
# (dash hands no arguments to a sourced file, hence the variable.)

say() { printf '%s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

PYTHON_IN_VENV=.venv/bin/python

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    python=$(find_python) || die "PagerPal needs Python 3.11 or newer; set PYTHON=/path/to/python3 if it is not on PATH."
    if "$python" -c 'import ensurepip' 2>/dev/null; then
        "$python" -m venv --clear .venv
    elif command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --seed --python "$python" .venv
    elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing python3-venv, which this Python lacks ..."
        apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        "$python" -m venv --clear .venv
    else
        die "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
    fi
}

digest() { "$PYTHON_IN_VENV" -c 'import hashlib, pathlib, sys
print(hashlib.sha256(b"".join(pathlib.Path(p).read_bytes() for p in sys.argv[1:])).hexdigest())' "$@"; }

# A folder that was moved or copied, or whose Python is gone, is made anew.
"$PYTHON_IN_VENV" -c 'import os, sys; sys.exit(not os.path.samefile(sys.prefix, ".venv"))' 2>/dev/null || make_venv

wanted=$(digest "$LOCK" requirements-uv.lock)
stamp=.venv/installed-$LOCK
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    say "Installing what $LOCK names ..."
    "$PYTHON_IN_VENV" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock ||
        die "The installer could not be fetched: is a package index reachable?"
    VIRTUAL_ENV="$PWD/.venv" "$PYTHON_IN_VENV" -m uv pip install --quiet --require-hashes --no-deps -r "$LOCK" ||
        die "The packages of $LOCK could not be installed."
    printf '%s\n' "$wanted" >"$stamp"
fi
