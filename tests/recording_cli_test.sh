#!/usr/bin/env bash
# recording_cli_test.sh BUILD_DIR: recordings as their users meet them: made by the driver and by the
# observer, cut short, refused, and shown. Ends with "N passed, N failed".
set -u
export LC_ALL=C
build=$(cd "${1:?build directory}" && pwd) || exit 2
driver=$build/lsm-driver
observer=$build/lsm-observer
dir=$(mktemp -d "${TMPDIR:-/tmp}/recording-cli.XXXXXX") || exit 1
name=recording-$$
pids=()
finish() {
    for pid in "${pids[@]+"${pids[@]}"}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
    rm -f "/dev/shm/lsmscope.$name"*
}
trap finish EXIT
cd "$dir" || exit 1
unset DISPLAY WAYLAND_DISPLAY XDG_RUNTIME_DIR SDL_VIDEODRIVER
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
    timeout 60 "$@" >out 2>&1 </dev/null
    local got=$?
    [ "$got" = "$want" ] || fail "$*: exit $got instead of $want: $(head -3 out)"
    grep -qF -- "$words" out || fail "$*: does not say '$words': $(head -3 out)"
}
silent() { grep -qF -- "$1" out && fail "says '$1': $(grep -F -- "$1" out)"; }
one_line() { [ "$(wc -l <out)" = 1 ] || fail "not one line: $(cat out)"; }
run() { echo "$driver" --name "$name" --data-dir "$dir/db" --sample-ms 50 --write-rate 2000 --read-rate 200; }
# start OPTIONS...: the driver in the background, until it is live; its id in $pid.
start() {
    # shellcheck disable=SC2046
    env --default-signal=INT $(run) "$@" >log 2>err </dev/null &
    pid=$!
    disown $pid
    pids+=("$pid")
    for _ in $(seq 200); do
        [ -e "/dev/shm/lsmscope.$name" ] && return 0
        sleep 0.05
    done
    fail "the driver did not start: $(cat err)"
}
gone() {
    for _ in $(seq 200); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.05
    done
    fail "process $1 did not end"
}
field() { sed -nE "s/$1/\\1/p" "$2" | tr -d ,; }

section 'the driver records its run, to its end'
# shellcheck disable=SC2046
expect 0 "Recording " $(run) --fresh --duration-seconds 1 --linger --record run.lsr --memtable-max-bytes 100000
samples=$(field '^  Recording +([0-9,]+) samples.*' out)
[ "$samples" -ge 10 ] || fail "$samples samples"
mv "/dev/shm/lsmscope.$name" run.seg 2>/dev/null || fail "no segment was left"
expect 0 "run.lsr: $samples rows" "$observer" run.lsr --headless --verbose
silent "cut short"
expect 0 "run.seg: $samples rows" "$observer" run.seg --headless

section 'a copy of the segment and the recording are the same picture'
mkdir a b
cp run.lsr a/run
cp run.seg b/run
for theme in dark light; do
    expect 0 "wrote a.png" "$observer" a/run --output a.png --theme $theme
    expect 0 "wrote b.png" "$observer" b/run --output b.png --theme $theme
    cmp a.png b.png || fail "the pictures differ ($theme)"
done
expect 0 "wrote c.svg" "$observer" run.lsr run.seg --output c.svg

section 'a copy of the segment, and a CSV, become recordings'
expect 0 "wrote copy.lsr: $samples samples" "$observer" run.seg --record copy.lsr
cp copy.lsr b/run
expect 0 "wrote b.png" "$observer" b/run --output b.png --theme light
cmp a.png b.png || fail "the recording of the copy is another picture"
printf 'ts_ms,ops_put,event\n1000,5,\n2000,6,flush\n3000,7,\n' >run.csv
expect 0 "wrote csv.lsr: 4 samples, 1 events" "$observer" run.csv --record csv.lsr
expect 0 "csv.lsr: 3 rows" "$observer" csv.lsr --headless
expect 0 "wrote csv.png" "$observer" csv.lsr --output csv.png

section 'what cannot be done is refused, and changes nothing'
for words in /nonexistent/x.lsr / run.csv; do
    # shellcheck disable=SC2046
    expect 2 "lsm-driver: --record: $words: " $(run) --data-dir "$dir/none" --duration-seconds 1 --record $words; one_line
    [ -e none ] && fail "a database was made"
    expect 1 "lsm-observer: recording: $words: " "$observer" run.seg --record $words; one_line
done
[ "$(wc -l <run.csv)" = 4 ] || fail "run.csv was touched"
before=$(cksum <run.lsr)
# shellcheck disable=SC2046
expect 2 "not a database of ours" $(run) --data-dir "$dir/a" --duration-seconds 1 --record run.lsr
# shellcheck disable=SC2046
expect 2 "--data-dir" $(run) --data-dir "$dir/a" --duration-seconds 1 --record new.lsr
[ "$(cksum <run.lsr)" = "$before" ] || fail "run.lsr was touched"
[ -e new.lsr ] && fail "new.lsr was left"
expect 1 "is a recording already" "$observer" run.lsr --record other.lsr; one_line
[ -e other.lsr ] && fail "other.lsr was left"
expect 1 "recorded when it is whole" "$observer" --csv run.csv --live --headless --record other.lsr; one_line
: >empty.lsr
expect 1 "lsm-observer: empty.lsr: the file is empty" "$observer" empty.lsr --output x.png; one_line
expect 1 "neither a recording (.lsr), nor a copy of a segment, nor a metrics CSV" "$observer" /etc/passwd --output x.png; one_line

section 'Ctrl-C completes the recordings of the driver and of its viewers'
start --duration-seconds 60 --record driver.lsr
env --default-signal=INT "$observer" --attach "$name" --headless --record viewer.lsr >viewer 2>&1 &
viewer=$!
pids+=("$viewer")
sleep 1
# shellcheck disable=SC2046
expect 2 "another recorder is writing it" $(run) --name "$name-b" --data-dir "$dir/none" --record driver.lsr
expect 0 "being written" "$observer" driver.lsr --headless --duration 0.5 --verbose
expect 0 "--speed is for finished runs" "$observer" driver.lsr --headless --save-video growing.gif --speed 8 --duration 0.5
kill -INT "$viewer"
wait "$viewer" || fail "the viewer: exit $?: $(cat viewer)"
grep -q "wrote viewer.lsr: [0-9]* samples" viewer || fail "$(cat viewer)"
[ -e "/dev/shm/lsmscope.$name" ] || fail "the driver was gone before its viewer"
kill -INT "$pid"
gone "$pid"
grep -q "^  Recording .* driver.lsr$" log || fail "$(cat log err)"
for file in driver viewer; do
    expect 0 "$file.lsr: " "$observer" $file.lsr --headless --verbose
    silent "cut short"
done

section 'a killed driver leaves a recording of what was'
start --duration-seconds 60 --record killed.lsr
sleep 1.8
kill -KILL "$pid"
gone "$pid"
expect 0 "cut short" "$observer" killed.lsr --headless --verbose
rows=$(field '^killed.lsr: ([0-9]+) rows.*' out)
[ "$rows" -ge 8 ] || fail "$rows rows of a run of 1.8 s"
expect 0 "wrote killed.png" "$observer" killed.lsr --output killed.png
cp "/dev/shm/lsmscope.$name" black-box
expect 0 "wrote black-box.png" "$observer" black-box --output black-box.png
rm -f "/dev/shm/lsmscope.$name"*

section 'no room for the recording is told once, and the run goes on'
if command -v prlimit >/dev/null; then
    start --duration-seconds 60 --sample-ms 5 --write-rate 100 --read-rate 0 --record full.lsr
    size() { stat -c %s full.lsr; }
    # Only once a sample is in it: its head and description come in writes of their own.
    holds_a_sample() { cp full.lsr part.lsr && "$observer" part.lsr --headless >/dev/null 2>&1; }
    for _ in $(seq 200); do holds_a_sample && break; sleep 0.05; done
    prlimit --pid "$pid" --fsize=$(($(size) + 100)):unlimited || fail prlimit
    for _ in $(seq 200); do [ -s err ] && break; sleep 0.05; done
    sleep 0.5
    kill -0 "$pid" || fail "the run ended: $(cat err)"
    prlimit --pid "$pid" --fsize=unlimited:unlimited
    kill -INT "$pid"
    gone "$pid"
    [ "$(grep -c "full.lsr: writing at offset .*; the run goes on" err)" = 1 ] || fail "told: $(cat err)"
    grep -q "^Interrupted after" log || fail "no summary: $(cat log)"
    grep -q "^  Recording .* full.lsr, cut short$" log || fail "$(grep Recording log)"
    expect 0 "cut short" "$observer" full.lsr --headless --verbose
fi

section 'the key R starts a recording in the window, and ends it'
if command -v Xvfb >/dev/null && command -v xdotool >/dev/null; then
    Xvfb -displayfd 3 -screen 0 1300x800x24 -nolisten tcp -noreset 3>display 2>/dev/null &
    pids+=($!)
    disown $!
    eventually() { for _ in $(seq 100); do "$@" && return 0; sleep 0.1; done; return 1; }
    eventually test -s display || fail "Xvfb does not start"
    export DISPLAY=:$(cat display)
    mkdir keys
    start --duration-seconds 60
    (cd keys && exec "$observer" --attach "$name" --no-config) >window 2>&1 &
    viewer=$!
    pids+=("$viewer")
    window_is() { window=$(xdotool search --onlyvisible --name "^lsmscope: $name .live" 2>/dev/null | grep -m 1 .); }
    file_is() { [ "$(find keys -name 'lsmscope-*.lsr' | wc -l)" = 1 ]; }
    wrote() { grep -q '^wrote lsmscope-[0-9]*-[0-9]*.lsr: [0-9]* samples' window; }
    key() { xdotool windowfocus "$window" 2>/dev/null; xdotool key --clearmodifiers "$1"; }
    eventually window_is || fail "no window: $(cat window)"
    key r
    eventually file_is || fail "no recording was begun"
    title() { xdotool getwindowname "$window"; }
    told() { [ "$(title)" = "lsmscope: $name (live, recording)" ]; }
    eventually told || fail "the title does not tell: $(title)"
    sleep 1
    key r
    eventually wrote || fail "it was not ended: $(cat window)"
    key q
    wait "$viewer" || fail "the viewer: exit $?"
    unset DISPLAY
    expect 0 "rows" "$observer" keys/*.lsr --headless --verbose
    silent "cut short"
    kill -INT "$pid"
    gone "$pid"
fi

section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
