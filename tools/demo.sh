#!/usr/bin/env bash
# demo.sh [BUILD_DIR]: an LSM tree at work, for about 20 seconds.
#
# Starts the driver under a free name with a database of its own in a temporary directory, and opens
# the observer on it. Closing the window ends the driver; the driver's end closes the window. Where
# there is no display the run is recorded to a video and a picture. Nothing is left behind but those.
#
# LSM_DEMO_SECONDS=N   another length, 2 to 9999 (default 20)
# LSM_DEMO_OUT=DIR     where the video and the picture go (default: demo/ beside the programs)
set -u

build=${1:-build/release}
seconds=${LSM_DEMO_SECONDS:-20}
driver=
observer=
temp=

alive() {
    [ -n "$1" ] && kill -0 "$1" 2>/dev/null
}

# Ends what was started here, by its id, and removes the temporary directory.
clean_up() {
    trap - EXIT INT TERM HUP
    for pid in "$observer" "$driver"; do
        alive "$pid" && kill -TERM "$pid" 2>/dev/null
    done
    for pid in "$observer" "$driver"; do
        [ -n "$pid" ] && wait "$pid" 2>/dev/null
    done
    [ -n "$temp" ] && rm -rf "$temp"
}
trap clean_up EXIT
trap 'clean_up; exit 130' INT
trap 'clean_up; exit 143' TERM HUP

fail() {
    echo "demo: $1" >&2
    exit 1
}

case $seconds in
'' | *[!0-9]* | 0 | 1 | ?????*) fail "LSM_DEMO_SECONDS is '$seconds', not 2 to 9999" ;;
esac
for program in lsm-driver lsm-observer lsm-ls; do
    [ -x "$build/$program" ] || fail "$build/$program is missing: run make first"
done
temp=$(mktemp -d "${TMPDIR:-/tmp}/lsmscope-demo.XXXXXX") || fail "cannot make a temporary directory"

# demo, or demo-2, demo-3, ... when others are using those names.
name_taken() {
    "$build/lsm-ls" 2>/dev/null | awk -v name="$1" 'NR > 1 && $1 == name { found = 1 } END { exit !found }'
}
name=demo
number=1
while name_taken "$name"; do
    number=$((number + 1))
    [ "$number" -le 1000 ] || fail "a thousand demos are running"
    name=demo-$number
done

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local tries=$(($1 * 10))
    shift
    while [ "$tries" -gt 0 ]; do
        "$@" && return 0
        sleep 0.1
        tries=$((tries - 1))
    done
    return 1
}
ended() {
    ! alive "$1"
}

start_driver() {
    # A small memtable and small tables, so that flushes and compactions are seen within seconds;
    # the writer compacts for itself, so that the dips they cause are seen as well.
    "$build/lsm-driver" --name "$name" --data-dir "$temp/db" --duration-seconds "$seconds" \
        --write-rate 5000 --read-rate 2000 --delete-rate 600 --key-space-size 50000 \
        --memtable-max-bytes 500000 --sstable-max-bytes 1000000 --l0-trigger 4 --level-ratio 4 \
        --sample-ms 50 --explain </dev/null &
    driver=$!
    wait_for 5 seen || { alive "$driver" || { wait "$driver"; driver=; fail "the driver did not start"; }; }
}
seen() {
    name_taken "$name" || ended "$driver"
}

finish_driver() {
    local status=0
    if [ -n "$driver" ]; then
        wait "$driver"
        status=$?
        driver=
    fi
    [ "$status" -eq 0 ] || fail "the driver ended with status $status"
}

# The window first: it waits for its driver, and where no display can be opened it says so at once.
open_window() {
    "$build/lsm-observer" --attach "$name" --duration $((seconds + 3)) </dev/null \
        2>"$temp/observer.err" &
    observer=$!
    wait_for 1 ended "$observer" || return 0
    wait "$observer"
    observer=
    return 1
}

watch_in_window() {
    local shown
    start_driver
    echo "The window is lsm-observer; close it to end the demo."
    while alive "$observer" && alive "$driver"; do
        sleep 0.2
    done
    if alive "$driver"; then # the window was closed
        kill -TERM "$driver" 2>/dev/null
    else
        wait_for 6 ended "$observer" || kill -TERM "$observer" 2>/dev/null
    fi
    wait "$observer"
    shown=$?
    observer=
    finish_driver
    # On a slow machine the observer may take longer than open_window waited to find no display.
    [ "$shown" -eq 0 ] || [ "$shown" -ge 128 ]
}

record() {
    local out=${LSM_DEMO_OUT:-$build/demo} kind=mp4 status
    mkdir -p "$out" && [ -w "$out" ] || out=$(mktemp -d "${TMPDIR:-/tmp}/lsmscope-demo-out.XXXXXX")
    out=$(cd "$out" && pwd) || fail "cannot write to $out"
    command -v ffmpeg >/dev/null || kind=gif
    start_driver
    # A second less than the driver: the picture is taken while it still runs.
    "$build/lsm-observer" --headless --attach "$name" --duration $((seconds - 1)) \
        --save-video "$out/lsmscope-demo.$kind" --output "$out/lsmscope-demo.png" </dev/null &
    observer=$!
    wait "$observer"
    status=$?
    observer=
    [ "$status" -eq 0 ] || fail "the observer ended with status $status"
    finish_driver
    echo
    echo "No display here, so the run was recorded:"
    echo "  video    $out/lsmscope-demo.$kind"
    echo "  picture  $out/lsmscope-demo.png"
}

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    if open_window && watch_in_window; then
        exit 0
    fi
    sed 's/^/demo: /' "$temp/observer.err" >&2
fi
record
exit 0
