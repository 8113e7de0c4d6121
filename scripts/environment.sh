#!/usr/bin/env bash
# Makes the virtual environment .venv at the root, or leaves it alone when nothing changed since it was made.
# An interrupted run is taken up again: the stamp is written last, and a broken .venv is made anew.
set -eu
cd "$(dirname "$0")/.."

fail() { echo "napari-relict: $*" >&2; exit 1; }

right_version='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
fits() { "$1" -c "$right_version" >/dev/null 2>&1; }

venv=.venv/bin/python
stamp=.venv/.stamp
# Content rather than time decides: a fresh checkout has fresh times.
state() { cat pyproject.toml constraints.txt | cksum; }
place=.venv/.place
moved() {  # true when the folder was moved or copied since: a .venv cannot be
    [ -f "$place" ] && [ "$(cat "$place")" != "$PWD" ]
}

asked=${PYTHON:-}
other_python() {  # true when PYTHON= asks for another version than .venv has
    [ -n "$asked" ] && [ "$("$asked" -V 2>&1)" != "$("$venv" -V 2>&1)" ]
}
if [ -n "$asked" ] && ! fits "$asked"; then
    fail "PYTHON=$asked does not run, or is not Python 3.11, 3.12 or 3.13"
fi
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(state)" ] && fits "$venv" && ! other_python && ! moved; then
    exit 0
fi

if ! fits "$venv" || other_python || moved || ! "$venv" -m pip --version >/dev/null 2>&1; then
    without_venv=
    python=
    # Plain python3 first: it is the one that people (and their package managers) have chosen.
    if [ -n "$asked" ]; then set -- "$asked"; else set -- python3 python3.13 python3.12 python3.11 python; fi
    for candidate; do
        fits "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then python=$candidate; break; fi
        without_venv=$candidate
    done
    if [ -z "$python" ] && [ -n "$without_venv" ]; then
        version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$without_venv lacks the module venv; on Debian and Ubuntu: sudo apt-get install python$version-venv"
    fi
    [ -n "$python" ] || fail "no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python ..."
    echo "Making the virtual environment .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
    pwd >"$place"
fi

rm -f "$stamp"
echo "Installing Python packages into .venv (once; a few minutes)"
install() { "$venv" -m pip install --disable-pip-version-check -c constraints.txt -e '.[all,test]'; }
again="the Python packages could not be installed; mend what pip says above and run the same command again"
if [ -t 1 ]; then
    install || fail "$again"
else  # nobody watches: keep what pip says, show it only when it fails
    install >.venv/pip.log 2>&1 || { tail -n 40 .venv/pip.log >&2; fail "$again"; }
fi
state >"$stamp"
