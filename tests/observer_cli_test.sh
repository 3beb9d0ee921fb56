#!/usr/bin/env bash
# observer_cli_test.sh BUILD_DIR: lsm-observer without a window, as its users call it: pictures and
# videos of files and of a driver, and one clear line for everything that is wrong.
set -u
export LC_ALL=C
build=$(cd "${1:?build directory}" && pwd) || exit 2
observer=$build/lsm-observer
[ -x "$build/tests/source_shm_test" ] || { echo "$build/tests/source_shm_test is missing: make check builds it" >&2; exit 2; }
drive="$build/tests/source_shm_test --drive"
dir=$(mktemp -d "${TMPDIR:-/tmp}/observer-cli.XXXXXX") || exit 1
name=cli-$$
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
    rm -f "/dev/shm/lsmscope.$name"*
}
trap finish EXIT
cd "$dir" || exit 1
unset DISPLAY WAYLAND_DISPLAY XDG_RUNTIME_DIR SDL_VIDEODRIVER
# Leaks of the libraries below us are not ours to mend.
printf 'leak:libfontconfig\nleak:libdbus\nleak:libX11\n' >lsan
export LSAN_OPTIONS=suppressions=$dir/lsan:print_suppressions=0

# Each section is a test: it passes when none of its checks failed.
failures=0 passed=0 failed=0 section=
fail() { echo "FAILED: $section: $*" >&2; failures=$((failures + 1)); }
section() {
    if [ -n "$section" ]; then
        if [ "$failures" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    fi
    section=$1 failures=0
}

# expect STATUS WORDS COMMAND...: the exit status, and words in what it says.
expect() {
    local want=$1 words=$2
    shift 2
    timeout 60 "$@" >out 2>&1
    local got=$?
    [ "$got" = "$want" ] || fail "$*: exit $got instead of $want: $(head -3 out)"
    grep -qF -- "$words" out || fail "$*: does not say '$words': $(head -3 out)"
}
one_line() { [ "$(wc -l <out)" = 1 ] || fail "not one line: $(cat out)"; }

# A CSV of $1 rows, 250 ms apart, with an event column.
make_csv() {
    echo "ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,sst_count_L0,sst_count_L1,sst_bytes_L0,sst_bytes_L1,event"
    for ((i = 0; i < $1; i++)); do
        local event=
        ((i % 5 == 4)) && event=flush
        ((i % 20 == 19)) && event='flush;compact_L0_L1'
        echo "$((1700000000000 + i * 250)),1300,1250,50,0,$((i % 5 * 40000)),$((i / 5 % 4)),$((i / 20)),$((i / 5 % 4 * 200000)),$((i / 20 * 800000)),$event"
    done
}
make_csv 40 >run.csv

section 'the command line'
expect 0 "--save-video FILE" "$observer" --help
expect 0 "lsm-observer" "$observer" --version
expect 2 "--bogus: no such option" "$observer" --bogus; one_line
expect 2 "--size 12: WIDTHxHEIGHT" "$observer" --size 12; one_line
expect 2 "must end in .png, .svg or .pdf" "$observer" --output a.jpg; one_line
expect 2 "--codec vp9: does not go into a .mp4 file" "$observer" --csv run.csv --codec vp9 --save-video a.mp4; one_line
expect 2 "low, good or best" "$observer" --quality finest; one_line
expect 2 "at most 4 runs" "$observer" --attach a --csv --attach b --attach c --attach d; one_line
expect 1 "nowhere.csv: No such file" "$observer" --csv nowhere.csv; one_line
for kind in png svg pdf; do # once, and not the name of the unfinished file
    expect 1 "lsm-observer: /nowhere/a.$kind: No such file" "$observer" --csv run.csv --output /nowhere/a.$kind; one_line
done
expect 1 "lsm-observer: /nowhere/a.gif: No such file" "$observer" --csv run.csv --save-video /nowhere/a.gif; one_line
expect 1 "nobody" "$observer" --attach "nobody-$$" --headless --duration 0.5; one_line
expect 1 "lsm-observer: Waiting for" "$observer" --headless --attach "nobody-$$" --output a.png --duration 1.5
for words in --headless --output --save-video; do
    expect 1 "$words" "$observer" --csv run.csv; one_line
done

section 'pictures of a file'
expect 0 "wrote a.png" "$observer" --csv run.csv --output a.png
[ "$(identify -format '%wx%h' a.png)" = 1280x720 ] || fail "a.png has the wrong size"
expect 0 "wrote b.png" "$observer" --csv run.csv --output b.png --size 801x501 --theme light --scale 1.5
[ "$(identify -format '%wx%h' b.png)" = 801x501 ] || fail "b.png has the wrong size"
[ "$(convert b.png -format '%[hex:p{1,1}]' info:)" = FFFFFF ] || fail "the light theme is not light"
expect 0 "wrote a.svg" "$observer" --csv run.csv --output a.svg
rsvg-convert a.svg -o svg.png || fail "a.svg cannot be drawn"
expect 0 "wrote a.pdf" "$observer" --csv run.csv --output a.pdf
[ "$(head -c 5 a.pdf)" = %PDF- ] || fail "a.pdf is no PDF"
printf 'ts_ms,ops_put\n1000,1\n2000,x\n3000,3\n' >bad.csv
expect 0 "line 3" "$observer" --csv bad.csv --output bad.png

section 'videos of a file: one frame a row'
expect 0 "wrote a.gif: 40 frames, 20.0 s" "$observer" --csv run.csv --save-video a.gif --size 640x400
[ "$(identify -format '%T\n' a.gif | awk '{ s += $1 } END { print s }')" = 2000 ] ||
    fail "a.gif does not last 20 s"
probe() { ffprobe -v error -count_frames -select_streams v -show_entries "$2" -of csv=p=0 "$1"; }
if command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null; then
    expect 0 "wrote a.mp4: 40 frames, 10.0 s" "$observer" --csv run.csv --save-video a.mp4 --fps 4 --size 641x401
    [ "$(probe a.mp4 stream=width,height,nb_read_frames)" = 640,400,40 ] || fail "a.mp4: $(probe a.mp4 stream)"
    [ "$(probe a.mp4 format=duration)" = 10.000000 ] || fail "a.mp4 does not last 10 s"
    expect 0 "wrote a.webm" "$observer" --csv run.csv --save-video a.webm --fps 10 --size 320x200
    [ "$(probe a.webm stream=nb_read_frames)" = 40 ] || fail "a.webm lost frames"
    # At a pace of its own: 40 rows, 250 ms apart, are 9.75 s: 66 frames at 20 a second and 3 x.
    expect 0 "frames" "$observer" --csv run.csv --save-video pace.mp4 --speed 3 --fps 20 --quality low --size 320x200
    [ "$(probe pace.mp4 stream=nb_read_frames)" = 66 ] || fail "pace.mp4: $(probe pace.mp4 stream=nb_read_frames) frames"
    expect 0 "frames" "$observer" --csv run.csv --save-video again.mp4 --speed 3 --fps 20 --quality low --size 320x200
    [ "$(ffmpeg -v error -i pace.mp4 -f framemd5 - | md5sum)" = "$(ffmpeg -v error -i again.mp4 -f framemd5 - | md5sum)" ] ||
        fail "the same input gave two different videos"
fi
mkdir bare
expect 1 "--save-video c.gif" env PATH="$dir/bare" "$observer" --csv run.csv --save-video c.mp4; one_line
[ -e c.mp4 ] || [ -e c.mp4.part ] && fail "c.mp4 was begun"
expect 0 "wrote c.gif" env PATH="$dir/bare" "$observer" --csv run.csv --save-video c.gif --size 320x200
ls ./*.part* 2>/dev/null && fail "unfinished files were left"

section 'a CSV that grows'
(make_csv 200 | while IFS= read -r row; do echo "$row"; sleep 0.02; done >grow.csv) &
pids+=($!)
expect 0 "wrote grow.gif" "$observer" --csv grow.csv --live --interval-ms 100 --headless \
    --duration 2 --save-video grow.gif --size 320x200
expect 0 "wrote grow.png" "$observer" --live --csv grow.csv --interval-ms 100 --output grow.png

section 'a driver'
$drive "$name" 50 60 200 &
driver=$!
disown $driver
pids+=("$driver")
for _ in $(seq 100); do [ -e "/dev/shm/lsmscope.$name" ] && break; sleep 0.05; done
expect 0 "wrote now.png" "$observer" --attach "$name" --output now.png
expect 0 "0 lost" "$observer" --attach "$name" --headless --duration 1
expect 0 "live" "$observer" --attach "$name" --headless --duration 0.3
expect 0 "wrote live.gif" "$observer" --attach "$name" --headless --save-video live.gif --duration 1 --size 320x200

# Ctrl-C ends a recording in good order; the other viewer is not disturbed.
"$observer" --attach "$name" --headless >other 2>&1 &
other=$!
pids+=("$other")
"$observer" --attach "$name" --headless --save-video stopped.gif --size 320x200 >stopped 2>&1 &
viewer=$!
pids+=("$viewer")
sleep 1.5
kill -INT "$viewer"
wait "$viewer" || fail "Ctrl-C: exit $?"
grep -q "wrote stopped.gif" stopped || fail "Ctrl-C: $(cat stopped)"
identify stopped.gif >/dev/null || fail "stopped.gif is broken"

# The driver dies: viewers end, and say how.
$drive "$name-b" 50 60 200 &
second=$!
disown $second
pids+=("$second")
for _ in $(seq 50); do [ -e "/dev/shm/lsmscope.$name-b" ] && break; sleep 0.1; done
expect 1 "drivers are running. Name one: --attach " "$observer" --headless --output none.png --duration 1.5
grep -q "attach $name-b" out || fail "does not name the second driver: $(cat out)"
kill -KILL "$second"
kill -KILL "$driver"
wait "$other" || fail "the other viewer: exit $?"
grep -q "$name: crashed" other || fail "the crash was not told: $(cat other)"
expect 0 "crashed" "$observer" --attach "$name" --headless
cp "/dev/shm/lsmscope.$name" black-box
expect 0 "wrote black-box.png" "$observer" --segment black-box --output black-box.png
expect 1 "lsm-observer: bad.csv: 35 bytes are no segment: was it copied whole?" "$observer" --segment bad.csv --output none.png

section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
