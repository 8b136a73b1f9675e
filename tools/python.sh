#!/bin/sh
# Make the virtual environment and install one hashed lock file into it: python.sh VENV LOCKFILE
set -eu
venv=$1
lock=$2
if [ ! -x "$venv/bin/python" ]; then
    found=""
    for python in ${PYTHON:-python3} python3.13 python3.12 python3.11; do
        if command -v "$python" >/dev/null 2>&1 &&
            "$python" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] < (3, 15)))'; then
            found=$python
            break
        fi
    done
    if [ -z "$found" ]; then
        echo "Liqwatch needs Python 3.11 or later. Install one, or name it: make run PYTHON=/path/to/python3.12" >&2
        exit 1
    fi
    "$found" -m venv "$venv" || {
        echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv" >&2
        rm -rf "$venv"
        exit 1
    }
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
