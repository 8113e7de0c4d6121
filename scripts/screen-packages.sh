#!/usr/bin/env bash
# Installs the Debian (Ubuntu) packages that Qt needs, and those that stand in for a missing screen, where they are
# missing and may be installed (as root, or by sudo without a password). Else says in one line what to install.
# Never fails: much of the work needs no window.
set -u

[ "$(uname -s)" = Linux ] || exit 0

# shared library : package that brings it. Libraries are looked for rather than packages, whose names differ by release.
libraries="
libglib-2.0.so.0:libglib2.0-0
libdbus-1.so.3:libdbus-1-3
libEGL.so.1:libegl1
libGL.so.1:libgl1
libfontconfig.so.1:libfontconfig1
libX11-xcb.so.1:libx11-xcb1
libxkbcommon-x11.so.0:libxkbcommon-x11-0
libxcb-cursor.so.0:libxcb-cursor0
libxcb-icccm.so.4:libxcb-icccm4
libxcb-image.so.0:libxcb-image0
libxcb-keysyms.so.1:libxcb-keysyms1
libxcb-randr.so.0:libxcb-randr0
libxcb-render-util.so.0:libxcb-render-util0
libxcb-shape.so.0:libxcb-shape0
libxcb-xkb.so.1:libxcb-xkb1
"
missing=
known=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null)
for pair in $libraries; do
    case "$known" in *"${pair%%:*} "*) ;; *) missing="$missing ${pair##*:}" ;; esac
done
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    command -v xvfb-run >/dev/null || missing="$missing xvfb"
    command -v xauth >/dev/null || missing="$missing xauth"
fi
missing=${missing# }
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "No window can be opened before the system has what these Debian packages hold: $missing" >&2
    exit 0
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "No window can be opened before: sudo apt-get install $missing" >&2
    exit 0
fi

echo "Installing system packages: $missing"
log=$(mktemp)
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends "$@" >>"$log" 2>&1 </dev/null; }
# shellcheck disable=SC2086  # one word a package
if ! apt install $missing && ! { apt update && apt install $missing; }; then
    echo "They could not be installed ($(tail -n 1 "$log")). Before a window can be opened: apt-get install $missing" >&2
fi
rm -f "$log"
