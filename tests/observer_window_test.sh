#!/usr/bin/env bash
# observer_window_test.sh BUILD_DIR: the window on a virtual display, driven like a user would: keys,
# mouse, two viewers, a driver that comes late, crashes and comes back.
set -u
export LC_ALL=C
build=$(cd "${1:?build directory}" && pwd) || exit 2
observer=$build/lsm-observer
drive="$build/tests/source_shm_test --drive"
for tool in Xvfb xdotool import convert compare; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
done
# A /dev/shm of its own, where that may be had: no other driver then shows up in the list.
if [ -z "${LSM_TEST_OWN_SHM:-}" ]; then
    user=; [ "$(id -u)" = 0 ] || user=-r
    if unshare $user -m mount -t tmpfs none /dev/shm 2>/dev/null; then
        LSM_TEST_OWN_SHM=1 exec unshare $user -m \
            sh -c 'mount -t tmpfs none /dev/shm && exec "$@"' sh "$0" "$@"
    fi
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/observer-window.XXXXXX") || exit 1
name=window-$$
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
    rm -f "/dev/shm/lsmscope.$name"*
}
trap finish EXIT
cd "$dir" || exit 1
printf 'leak:libfontconfig\nleak:libdbus\nleak:libX11\n' >lsan
export LSAN_OPTIONS=suppressions=$dir/lsan:print_suppressions=0
export XDG_CONFIG_HOME=$dir/config # not how the user left a window
unset WAYLAND_DISPLAY XDG_RUNTIME_DIR SDL_VIDEODRIVER GDK_SCALE

# Each section is a test: it passes when none of its checks failed.
failures=0 passed=0 failed=0 section=
fail() { echo "FAILED: $section: $*" >&2; failures=$((failures + 1)); }
section() {
    if [ -n "$section" ]; then
        if [ "$failures" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    fi
    section=$1 failures=0
}
# Waits up to 10 s for a command to succeed.
eventually() {
    for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done
    return 1
}

Xvfb -displayfd 3 -screen 0 1400x900x24 -nolisten tcp -noreset 3>display 2>/dev/null &
pids+=($!)
disown $!
eventually test -s display || { echo "Xvfb does not start"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
export DISPLAY=:$(cat display)

window_of() { xdotool search --all --onlyvisible --pid "$1" --name lsmscope 2>/dev/null | grep -m 1 .; }
title_is() { [ "$(xdotool getwindowname "$1" 2>/dev/null)" = "$2" ]; }
expect_title() { eventually title_is "$1" "$2" || fail "title is '$(xdotool getwindowname "$1")', not '$2'"; }
key() { xdotool windowfocus "$window" 2>/dev/null; xdotool key --clearmodifiers "$@"; sleep 0.4; }
# The plots, without the status line, whose figures may change at any time, and without the mini-map,
# which shows the run going on while the picture is paused.
plots() { import -window "$window" -crop 1280x600+0+50 +repage "$1.png"; }
differ() { [ "$(compare -metric AE "$1.png" "$2.png" null: 2>&1)" != 0 ]; }
corner() { import -window "$window" -crop 1x1+2+2 +repage corner.png && convert corner.png -format '%[hex:p{0,0}]' info: | cut -c1-6; }
away() { xdotool mousemove 1390 890; sleep 0.2; }
files() { compgen -G "$1" >/dev/null; }

section 'before any driver: waits, and says so'
away
"$observer" --attach "$name" --verbose >log 2>&1 &
viewer=$!
pids+=("$viewer")
eventually window_of "$viewer" >/dev/null || { echo "no window: $(cat log)" >&2; exit 1; }
window=$(window_of "$viewer")
expect_title "$window" "lsmscope: $name (waiting)"

section 'the driver comes; a second viewer comes late and sees the same'
$drive "$name" 50 60 200 &
driver=$!
disown $driver
pids+=("$driver")
expect_title "$window" "lsmscope: $name (live)"
"$observer" --attach "$name" --duration 2 --output second.png >second 2>&1 || fail "second viewer: $(cat second)"
[ "$(identify -format %wx%h second.png)" = 1280x720 ] || fail "the second viewer made no picture"

section 'the picture lives; Space stops it'
plots live1; sleep 0.6; plots live2
differ live1 live2 || fail "the picture does not follow"
key space
# On a busy machine what was begun before the key may still be drawn: the picture is to come to rest.
still() { plots still1; sleep 0.6; plots still2; ! differ still1 still2; }
eventually still || fail "the paused picture moves"

section 'zoom, pan, fit, by key and by mouse, on the still picture'
key plus; plots zoomed
differ still2 zoomed || fail "+ does not zoom"
key Left; plots panned
differ zoomed panned || fail "Left does not pan"
key minus; plots out
differ panned out || fail "- does not zoom"
xdotool mousemove --window "$window" 600 300 click 4; sleep 0.4; away; plots wheel
differ out wheel || fail "the wheel does not zoom"
xdotool mousemove --window "$window" 600 300 mousedown 1 mousemove --window "$window" 700 300 mouseup 1
away; sleep 0.3; plots dragged
differ wheel dragged || fail "dragging does not pan"
xdotool mousemove --window "$window" 500 300; sleep 0.4; plots cross
away; sleep 0.3; plots nocross
differ cross nocross || fail "no crosshair under the pointer"
key space; key Home

section 'help, theme'
key question; plots help
key space; key space
differ nocross help || fail "? shows no help"
key Escape
dark=$(corner); key t; light=$(corner)
[ "$light" = FFFFFF ] && [ "$dark" != "$light" ] || fail "T changes $dark to $light"
key t

section 'screenshot, video'
key s
eventually files 'lsmscope-*.png' || fail "S saves no screenshot"
# The file is there before all of it is.
sized() { [ "$(identify -format %wx%h lsmscope-*.png 2>/dev/null)" = 1280x720 ]; }
eventually sized || fail "the screenshot has the wrong size"
key v
expect_title "$window" "lsmscope: $name (live, recording)"
xdotool windowsize "$window" 900 600; sleep 0.8 # the video keeps its size
xdotool windowsize "$window" 1280 720; sleep 0.4
key v
eventually grep -q 'wrote lsmscope-.*frames' log || fail "V saves no video: $(cat log)"
video=$(compgen -G 'lsmscope-*.mp4' || compgen -G 'lsmscope-*.gif') || fail "there is no video"
if command -v ffprobe >/dev/null; then
    size=$(ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0 "$video")
    [ "$size" = 1280,720 ] || fail "the video's size is $size"
fi

section 'resizing down to the smallest and back'
xdotool windowsize "$window" 640 400; sleep 0.5
import -window "$window" small.png
[ "$(identify -format %wx%h small.png)" = 640x400 ] || fail "the window does not resize"
xdotool windowsize "$window" 1280 720; sleep 0.4

section 'the driver crashes: the picture stays; it comes back: attached again'
kill -KILL "$driver"
expect_title "$window" "lsmscope: $name (crashed)"
away
eventually still || fail "the picture of the crashed driver moves" # once the last notice is gone
$drive "$name" 50 60 &
driver=$!
disown $driver
pids+=("$driver")
expect_title "$window" "lsmscope: $name (live)"
[ "$(grep -c "attached to '$name'" log)" = 2 ] || fail "not attached twice: $(cat log)"
kill -STOP "$driver"
expect_title "$window" "lsmscope: $name (not responding)"
kill -CONT "$driver"
expect_title "$window" "lsmscope: $name (live)"
kill -TERM "$driver"
expect_title "$window" "lsmscope: $name (ended)"
key q
eventually sh -c "! kill -0 $viewer 2>/dev/null"
wait "$viewer" || fail "Q: exit $?: $(cat log)"

section 'several drivers: a list to choose from; a signal ends a recording in good order'
if [ "$("$build/tests/source_shm_test" --count-live)" = 0 ]; then
    for n in a b; do
        $drive "$name-$n" 50 60 &
        pids+=($!)
        disown $!
    done
    eventually sh -c "[ \"\$('$build/tests/source_shm_test' --count-live)\" = 2 ]"
    "$observer" --verbose --save-video whole.gif >log 2>&1 &
    viewer=$!
    pids+=("$viewer")
    eventually window_of "$viewer" >/dev/null
    window=$(window_of "$viewer")
    expect_title "$window" "lsmscope: (waiting)"
    sleep 0.5
    key Down Return
    expect_title "$window" "lsmscope: $name-b (live, recording)"
    sleep 1
    kill -TERM "$viewer"
    wait "$viewer" || fail "SIGTERM: exit $?: $(cat log)"
    grep -q "wrote whole.gif" log || fail "SIGTERM lost the video: $(cat log)"
    identify whole.gif >/dev/null || fail "whole.gif is broken"
else
    echo "other drivers run here: the list of drivers is not tried"
fi

section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
