#!/bin/sh
# Renew the lock files with hashes, for every Python from 3.11 and every platform.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null 2>&1 || { echo "Renewing the lock files needs uv: pip install uv" >&2; exit 1; }
compile="uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate"
$compile pyproject.toml --group setup -o requirements/run.txt
$compile pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
$compile --group pyproject.toml:ccxt -c requirements/run.txt -o requirements/ccxt.txt
$compile --group pyproject.toml:apprise -c requirements/run.txt -o requirements/apprise.txt
$compile --group pyproject.toml:node -o requirements/node.txt
(cd bot/web/frontend && npm install --package-lock-only --ignore-scripts)
