#!/usr/bin/env bash
# run-tests.sh [PYTEST ARGUMENTS]   the suite, under the screen there is or a virtual one.
# Without arguments in two processes side by side, each of about half of the time; neither keeps two cores busy.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=.venv/bin
screen="bash scripts/with-screen.sh"
# What shows whether Qt can open a window here. It aborts where it cannot, so it has a process of its own.
window="from qtpy.QtWidgets import QApplication; QApplication([])"

pytest() {
    if [ -n "$screen" ]; then $screen $bin/python -m pytest "$@"; else $bin/python -m pytest -m "not gl" "$@"; fi
}

if ! $screen $bin/python -c "$window" >/dev/null 2>&1; then
    echo "No window can be opened here: the tests that need one are left out"
    screen=
    export QT_QPA_PLATFORM=offscreen
fi
if [ $# -gt 0 ]; then
    pytest "$@"
    exit $?
fi
beside=(tests/viewer tests/demo tests/encoders tests/matching tests/study/test_cluster.py tests/study/test_resume.py)
told=$(mktemp)
trap 'rm -f "$told"' EXIT
pytest "${beside[@]}" -p no:cacheprovider --durations=15 >"$told" 2>&1 &
other=$!
status=0
pytest tests "${beside[@]/#/--ignore=}" --durations=15 || status=$?
wait "$other" || status=$?
echo "Beside them, ${beside[*]}:"
cat "$told"
exit $status
