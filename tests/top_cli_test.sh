#!/usr/bin/env bash
# top_cli_test.sh BUILD_DIR: lsm-top without a terminal: frames as text, and one clear line for
# everything that is wrong.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM
build=$(cd "${1:?build directory}" && pwd) || exit 2
top=$build/lsm-top
driver=$build/lsm-driver
[ -x "$top" ] || { echo "$top is missing: make builds it" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd) || exit 2
dir=$(mktemp -d "${TMPDIR:-/tmp}/top-cli.XXXXXX") || exit 1
name=topcli-$$
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
    rm -f "/dev/shm/lsmscope.$name"*
}
trap finish EXIT
cd "$dir" || exit 1

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
    grep -qF -- "$words" out || fail "$*: does not say '$words': $(head -30 out)"
}
says() { grep -qE -- "$1" out || fail "the frame does not say '$1': $(cat out)"; }
one_line() { [ "$(wc -l <out)" = 1 ] || fail "not one line: $(cat out)"; }
# fits COLUMNS ROWS: the frame in out is no larger.
fits() {
    local columns rows
    columns=$(wc -L <out) rows=$(wc -l <out)
    [ "$columns" -le "$1" ] && [ "$rows" -le "$2" ] || fail "the frame has ${columns}x$rows, not $1x$2: $(cat out)"
}

section 'the command line'
expect 0 "--interval-ms N" "$top" --help
says '^  Space +pause'
expect 0 "lsm-top 0" "$top" --version; one_line
expect 2 "lsm-top: --bogus: no such option" "$top" --bogus; one_line
expect 2 "lsm-top: --once=3: takes no value" "$top" --once=3; one_line
expect 2 "lsm-top: --size needs a value" "$top" --size; one_line
expect 2 "--size 80: COLSxROWS" "$top" --size 80; one_line
expect 2 "--size 80x0: COLSxROWS" "$top" --size 80x0; one_line
expect 2 "--interval-ms 5: a whole number" "$top" --interval-ms 5; one_line
expect 2 "--span 0s: a time" "$top" --span 0s; one_line
expect 2 "--span 5x: a time" "$top" --span 5x; one_line
expect 2 "--theme blue: dark or light" "$top" --theme blue; one_line
expect 2 "--attach a/b: not a driver's name" "$top" --attach a/b; one_line
expect 2 "a and b: one source at a time" "$top" a b; one_line
expect 2 "--attach and --csv: one source at a time" "$top" --attach a --csv; one_line
expect 2 "--attach and b: one source at a time" "$top" --attach a b; one_line
expect 2 "an empty word" "$top" ""; one_line

section 'what is not there'
expect 1 "this is not a terminal: use --once" "$top" --attach "$name"; one_line
expect 1 "Waiting for '$name'. Start it with: lsm-driver --name $name" "$top" --once "$name"; one_line
expect 1 "nowhere.csv: No such file" "$top" --once --csv nowhere.csv; one_line
expect 1 "./nowhere" "$top" --once ./nowhere; one_line
head -c 5000 /dev/urandom >noise
expect 1 "noise" "$top" --once noise; one_line

section 'a CSV'
{
    echo "ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes,sst_count_L0,sst_count_L1,sst_bytes_L0,sst_bytes_L1,event"
    for ((i = 0; i < 40; i++)); do
        event=
        ((i % 5 == 4)) && event=flush
        ((i % 20 == 19)) && event='flush;compact_L0_L1'
        echo "$((1700000000000 + i * 250)),1300,1250,50,0,$((i % 5 * 40000)),$((i / 5 % 4)),$((i / 20)),$((i / 5 % 4 * 200000)),$((i / 20 * 800000)),$event"
    done
} >run.csv
expect 0 "run.csv" "$top" --once run.csv
fits 80 24
says '^put +5.00 k/s  avg 5.00 k/s'
says '^get +200 /s'
says '^L1 .* 1 +781 KiB'
says 'the whole run, 0:10'
grep -q Latency out && fail "latency is shown, which a CSV does not know"
expect 0 "5.00 k/s" "$top" --once --csv run.csv --size 120x40
fits 120 40
says '^ +0:10.0 +L0→L1'
expect 0 "5.00 k/s" "$top" --once --csv run.csv --size 200x60
fits 200 60
expect 0 "lsm-top needs 80x24" "$top" --once run.csv --size 79x24
expect 0 "lsm-top need" "$top" --once run.csv --size 12x2
expect 0 "5.00 k/s" "$top" --once --live --csv run.csv
printf 'ts_ms,ops_put\n1000,1\n2000,x\n3000,3\n' >bad.csv
expect 0 "line 3" "$top" --once bad.csv

section 'a stall with a long name has a shorter one where it does not fit'
expect 0 "writer flushes" "$top" --once "$here/golden/writer.lsr" --size 80x24
grep 'Write stalls\|writer' out | grep '…' && fail "a stall's name or share is cut off"
expect 0 "flushing in the writer's thread" "$top" --once "$here/golden/writer.lsr" --size 140x45

section 'characters: UTF-8, or ASCII where the terminal has no more'
expect 0 "5.00 k/s" "$top" --once run.csv
LC_ALL=C grep -q '[^ -~]' out || fail "no block elements in UTF-8"
expect 0 "5.00 k/s" "$top" --once --ascii run.csv
LC_ALL=C grep -n '[^ -~]' out && fail "--ascii: other characters"
LC_ALL=C expect 0 "5.00 k/s" "$top" --once run.csv
LC_ALL=C grep -n '[^ -~]' out && fail "LC_ALL=C: other characters"
says '^put .*###'

section 'a driver'
"$driver" --name "$name" --data-dir "$dir/db" --fresh --duration-seconds 120 --sample-ms 100 --quiet --async-compaction \
    --write-rate 5000 --read-rate 1000 --delete-rate 300 --scan-rate 20 --memtable-max-bytes 200k </dev/null >driver.log 2>&1 &
pid=$!
disown $pid
pids+=("$pid")
for _ in $(seq 100); do [ -e "/dev/shm/lsmscope.$name" ] && break; sleep 0.05; done
for _ in $(seq 60); do # the first second of latencies, the first compaction
    "$top" --once --size 200x60 "$name" >out 2>&1 && grep -q 'response' out && grep -q 'L0→L1' out && break
    sleep 0.2
done
says "^● $name  live"
says ' 0 lost$'
for words in '^put +[0-9.]+ k/s' '^get ' '^delete ' '^scan ' 'put +service .* µs' 'put +response' '^L0 ' '^active .* / 195 KiB' \
    'log live' 'flush +[0-9.]+ KiB +[0-9.]+ KiB' 'write +[0-9.]+ \(' 'space' 'merge w' 'memory +[0-9.]+ MiB' 'depth' \
    'Write stalls' 'Events'; do
    says "$words"
done
for size in 80x24 100x30 120x40 150x50 200x60 300x100; do
    expect 0 "$name" "$top" --once --attach "$name" --size $size
    fits ${size%x*} ${size#*x}
    says 'Levels'
    says 'Jobs'
    says 'Amplification'
done
cp "/dev/shm/lsmscope.$name" copy.seg
kill -KILL "$pid"
for _ in $(seq 50); do "$top" --once "$name" | grep -q crashed && break; sleep 0.1; done
expect 0 "crashed" "$top" --once "$name"
says 'the driver died'
expect 0 "copy.seg  file" "$top" --once copy.seg
expect 0 "copy.seg  file" "$top" --once --segment copy.seg

section 'a file, by its content'
cp "$here/golden/background.lsr" run.lsr
cp run.lsr another.name
for file in run.lsr another.name; do
    expect 0 "$file  file" "$top" --once "$file" --size 120x40
    grep -q 'L2  .*12  13.2 MiB .* 9.2 %' out || fail "$file: $(grep L2 out)"
done
expect 1 "nowhere.lsr: No such file" "$top" --once nowhere.lsr; one_line
expect 1 "a directory" "$top" --once /tmp; one_line
section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
