#!/usr/bin/env bash
# with-screen.sh COMMAND ...   runs COMMAND under the screen there is, else under one made for it by xvfb-run.
set -u
# A screen of its own for every run, large enough for the viewer's three cells and its docks.
size="-screen 0 1600x1000x24"

if [ "$(uname -s)" = Darwin ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$@"
fi
if ! command -v xvfb-run >/dev/null || ! command -v xauth >/dev/null; then
    echo "No screen and no xvfb-run: install the packages xvfb and xauth" >&2
    exit 1
fi
QT_QPA_PLATFORM=xcb exec xvfb-run -a -s "$size" "$@"
