#!/bin/sh
# Run the whole suite with its coverage floors (85 % in all, 95 % in the engine; they may only rise).
# The last lines say what passed and what was skipped for want of what. With arguments: just those tests.
# Real processes, sockets and browsers meet busy machines: a test that fails is tried once more, and the last lines
# name it with its reason. One that fails twice is a failure, and so are more second tries than four in a run.
set -u
cd "$(dirname "$0")/.."
bin=.venv/bin
if [ "$#" -gt 0 ]; then
    exec "$bin/python" -m pytest -m "not soak" "$@"
fi
rm -f .coverage .coverage.*
workers=$("$bin/python" -c 'import os; print(max(2, min(4, os.cpu_count() or 2)))')
status=0
"$bin/python" -m pytest -q -m "not soak" -n "$workers" --dist loadgroup --cov --cov-report= \
    --reruns 1 || status=$?
if [ "$status" -eq 0 ]; then
    "$bin/coverage" report --format=total --fail-under=85 >/dev/null || {
        echo "Coverage fell under the floor of 85 %:"
        "$bin/coverage" report --skip-covered --sort=cover | tail -40
        status=1
    }
    "$bin/coverage" report --include='engine/*' --format=total --fail-under=95 >/dev/null || {
        echo "Coverage of the engine fell under the floor of 95 %:"
        "$bin/coverage" report --include='engine/*' --show-missing --sort=cover | tail -40
        status=1
    }
    echo "coverage: $("$bin/coverage" report --format=total) % in all," \
        "$("$bin/coverage" report --include='engine/*' --format=total) % of the engine"
fi
[ -f .pytest_cache/liqwatch-summary.txt ] && cat .pytest_cache/liqwatch-summary.txt
exit "$status"
