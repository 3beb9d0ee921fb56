#!/usr/bin/env bash
# driver_cli_test.sh BUILD_DIR: lsm-driver as a user meets it: exit codes, messages, what is left
# alone, signals, terminals and pipes. Ends with "N passed, N failed".
set -u
export LC_ALL=C

build=$(cd "${1:-build/release}" && pwd)
driver=$build/lsm-driver
work=$(mktemp -d "${TMPDIR:-/tmp}/lsm-driver-cli.XXXXXX")
name=cli-test-$$
passed=0
failed=0
started=()
trap 'for pid in "${started[@]+"${started[@]}"}"; do kill -KILL "$pid" 2>/dev/null; done
      rm -rf "$work"; rm -f /dev/shm/lsmscope."$name"*' EXIT

ok() { # ok DESCRIPTION COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/  out: /' "$work/out" 2>/dev/null | tail -n 20
        sed 's/^/  err: /' "$work/err" 2>/dev/null | tail -n 20
    fi
}

# run OPTIONS...: to its end; output in $work/out and $work/err, status in $status.
run() {
    "$driver" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

# A short run under our own name.
short() {
    run --name "$name" --data-dir "$work/db" --duration-seconds 0.2 --sample-ms 50 "$@"
}

# start OPTIONS...: in the background, until it is live; its id in $pid, its output in files of its own.
start() {
    "$driver" --name "$name" "$@" >"$work/started.out" 2>"$work/started.err" </dev/null &
    pid=$!
    started+=("$pid")
    for _ in $(seq 200); do
        "$build/lsm-ls" 2>/dev/null | grep -q "^$name  *live" && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

one_line_error() { [ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ]; }
says() { grep -q -- "$1" "$work/out"; }
complains() { grep -q -- "$1" "$work/err"; }
is() { [ "$status" -eq "$1" ]; }
same() { [ "$1" = "$2" ]; }
absent() { [ ! -e "$1" ]; }
all() { # all COMMAND -- COMMAND -- ...
    local words=()
    for word in "$@" --; do
        if [ "$word" = -- ]; then
            "${words[@]}" || return 1
            words=()
        else
            words+=("$word")
        fi
    done
}

# ---- help, version, wrong options ---------------------------------------------------------------
run --help
ok "--help ends with 0" all is 0 -- says '--write-rate' -- says '--markers-from' -- says 'ycsb-f'
run --version
ok "--version ends with 0" all is 0 -- says '^lsm-driver [0-9]'
for words in --bogus stray --write-rate '--write-rate fast' '--write-rate -1' '--max-levels 9' \
    '--max-levels 1' '--fresh=1' '--bloom-fpr 0.9' '--duration-seconds 0' '--sample-ms 0' \
    '--value-size-bytes 65MiB' '--key-dist normal' '--durability none' '--io-backend sim' \
    '--preset nothing' '--name a/b' '--history 1' '--zipf-skew 9' '--threads 1000' \
    '--durability process --wal-flush-every-write' '--out-csv /nonexistent/dir/x.csv' \
    '--out-csv /' '--markers-from /nonexistent/x' '--write-rat 5' '--write-rat=5' --fres; do
    # shellcheck disable=SC2086
    run --name "$name" --data-dir "$work/none" $words
    ok "'$words' is one line and exit 2, nothing made" all one_line_error -- absent "$work/none"
done

# ---- directories --------------------------------------------------------------------------------
run --name "$name" --data-dir "$work/no/parent" --duration-seconds 0.1
ok "a directory without a parent is refused" all one_line_error -- absent "$work/no"
mkdir "$work/foreign"
echo precious >"$work/foreign/notes.txt"
for words in --quiet --fresh; do
    run --name "$name" --data-dir "$work/foreign" --duration-seconds 0.1 --out-csv "$work/f.csv" $words
    ok "a foreign directory is refused with $words and left alone" all one_line_error -- \
        same "$(cat "$work/foreign/notes.txt")" precious -- same "$(ls -A "$work/foreign")" notes.txt -- \
        absent "$work/f.csv"
done
run --name "$name" --data-dir "$work/foreign/notes.txt" --duration-seconds 0.1
ok "a file is not a directory" one_line_error

short --write-rate 1000
ok "a new database is created" all is 0 -- says 'Finished after' -- test -d "$work/db"
short --write-rate 1000
ok "a database is continued, with a hint" all is 0 -- says 'continuing' -- says '--fresh'
short --write-rate 0 --read-rate 200 --fresh
ok "--fresh starts from an empty one" all is 0 -- says 'Reads        0.0 % found'
mkdir "$work/empty"
run --name "$name" --data-dir "$work/empty" --duration-seconds 0.1
ok "an empty directory is taken" all is 0 -- test -n "$(ls -A "$work/empty")"

# ---- the CSV ------------------------------------------------------------------------------------
header=ts_ms,ops_total,ops_put,ops_get,ops_del,memtable_bytes
for i in 0 1 2; do header+=,sst_count_L$i; done
for i in 0 1 2; do header+=,sst_bytes_L$i; done
header+=,event
echo "old contents" >"$work/run.csv"
short --fresh --max-levels 3 --write-rate 4000 --read-rate 500 --delete-rate 100 \
    --value-size-bytes 512 --memtable-max-bytes 100000 --out-csv "$work/run.csv"
ok "the CSV has the reference's header" all is 0 -- same "$(head -n 1 "$work/run.csv")" "$header"
ok "every row has every column, the sum is right, time goes on" awk -F, '
    NR > 1 { if (NF != 13 || $2 != $3 + $4 + $5 || $1 < last) exit 1; last = $1; rows++ }
    END { exit rows < 2 }' "$work/run.csv"
ok "flushes are events" grep -q ',flush' "$work/run.csv"
total() { awk -F, -v c="$1" 'NR > 1 { n += $c } END { print n + 0 }' "$work/run.csv"; }
summary() { sed -nE "s/^  $1 +([0-9,]+) .*/\1/p" "$work/out" | tr -d , | head -n 1; }
ok "the rows add up to the summary" all same "$(total 3)" "$(summary put)" -- \
    same "$(total 4)" "$(summary get)" -- same "$(total 5)" "$(summary delete)"
ok "no operation is done that was not due" test "$(total 3)" -le 800
short --write-rate 10
ok "no CSV unless asked" test "$(head -n 1 "$work/run.csv")" = "$header"

# ---- one name, one directory, one driver ----------------------------------------------------------
ok "a driver starts" start --data-dir "$work/db" --duration-seconds 60 --write-rate 100 \
    --out-csv "$work/live.csv"
run --name "$name" --data-dir "$work/second" --duration-seconds 0.1
ok "its name cannot be taken, and the error names it" all one_line_error -- \
    complains "$pid" -- absent "$work/second"
cp "$work/live.csv" "$work/before.csv"
run --name "$name-b" --data-dir "$work/db" --duration-seconds 0.1 --out-csv "$work/b.csv"
ok "its directory cannot be taken" all one_line_error -- complains "$work/db" -- absent "$work/b.csv"
run --name "$name-b" --data-dir "$work/db" --duration-seconds 0.1 --fresh
ok "not even with --fresh" all one_line_error -- complains "$work/db"
run --name "$name-b" --data-dir "$work/second" --duration-seconds 0.1 --out-csv "$work/live.csv"
ok "its CSV cannot be taken" all one_line_error -- absent "$work/second"
run --name "$name-b" --data-dir "$work/second" --duration-seconds 0.2
ok "another name runs beside it" is 0

# ---- signals ------------------------------------------------------------------------------------
kill -TERM "$pid"
wait "$pid"
status=$?
cp "$work/started.out" "$work/out"
ok "SIGTERM ends it with the summary" all is 0 -- says 'Interrupted after' -- says 'Levels'
ok "and its name is free again" absent "/dev/shm/lsmscope.$name"
# Background jobs of a shell ignore SIGINT; a fresh session does not.
interrupted_by_ctrl_c() {
    env --default-signal=INT "$driver" --name "$name" --data-dir "$work/db" --duration-seconds 60 \
        >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    started+=("$pid")
    for _ in $(seq 200); do
        "$build/lsm-ls" 2>/dev/null | grep -q "^$name  *live" && break
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid"
    status=$?
}
interrupted_by_ctrl_c
ok "Ctrl-C ends it with the summary" all is 0 -- says 'Interrupted after'

# ---- markers --------------------------------------------------------------------------------------
printf 'first mark\nsecond mark\n' >"$work/marks"
short --duration-seconds 1 --markers-from "$work/marks"
ok "markers from a file" all is 0 -- says 'MARKER: first mark' -- says 'MARKER: second mark'
(sleep 0.3 && echo 'piped mark') | "$driver" --name "$name" --data-dir "$work/db" \
    --duration-seconds 1 --markers-from - >"$work/out" 2>"$work/err"
status=$?
ok "markers from a pipe" all is 0 -- says 'MARKER: piped mark'

# ---- where output goes ----------------------------------------------------------------------------
"$driver" --name "$name" --data-dir "$work/db" --duration-seconds 0.3 >&- 2>&- <&-
status=$?
ok "it runs with every descriptor closed" is 0
"$driver" --name "$name" --data-dir "$work/db" --duration-seconds 1.5 2>"$work/err" </dev/null | true
status=${PIPESTATUS[0]}
ok "it outlives a reader that left" is 0
"$driver" --name "$name" --data-dir "$work/db" --duration-seconds 0.3 >/dev/full 2>"$work/err" </dev/null
status=$?
ok "it outlives a full output" is 0
short --duration-seconds 1.5
ok "piped progress is whole lines" all says '^\[[0-9.]*s\] put' -- test -z "$(grep $'\r' "$work/out")"
if script -qec true /dev/null >/dev/null 2>&1; then
    TERM=xterm script -qec "$driver --name $name --data-dir $work/db --duration-seconds 1.3" \
        /dev/null >"$work/out" 2>"$work/err" </dev/null
    status=$?
    ok "on a terminal progress is redrawn in place" all is 0 -- grep -q $'\r\033\[K\[' "$work/out"
fi
short --quiet --explain
ok "--quiet leaves the summary, --explain adds words" all is 0 -- says 'Finished after' -- \
    says 'What happened' -- test -z "$(grep 'watch it' "$work/out")"

# ---- presets, distributions, threads ----------------------------------------------------------------
for preset in flushes mixed deletes large-values ycsb-a ycsb-b ycsb-c ycsb-d ycsb-e ycsb-f; do
    short --fresh --preset "$preset" --key-space-size 2000
    ok "preset $preset runs" all is 0 -- says 'Finished after'
done
for dist in uniform zipf sequential latest; do
    short --fresh --key-dist "$dist" --write-rate max --read-rate max --delete-rate 100 \
        --scan-rate 50 --threads 3 --key-space-size 1000
    ok "three threads with $dist keys run" all is 0 -- says 'service'
done
short --fresh --async-compaction --write-rate 8000 --memtable-max-bytes 50000 --out-csv "$work/a.csv"
ok "background compaction runs" is 0
for level in buffered process sync; do
    short --fresh --durability "$level" --write-rate 200
    ok "durability $level runs" all is 0 -- says "durability $level"
done
short --fresh --io-backend posix --write-rate 200
ok "the posix backend runs" all is 0 -- says 'posix I/O'

# ---- the scripts --------------------------------------------------------------------------------------
scripts=$(cd "$(dirname "$0")/../tools" && pwd)
BUILD_DIR=$build DATA_DIR=$work/rd CSV_FILE=$work/rd.csv DURATION=0.5 ASYNC=1 \
    "$scripts/run_demo.sh" --name "$name" >"$work/out" 2>"$work/err" </dev/null
status=$?
ok "run_demo.sh runs" all is 0 -- says 'background compaction' -- says 'put 5,000/s' -- test -s "$work/rd.csv"
BUILD_DIR=$build DATA_DIR=$work/foreign CSV_FILE=$work/rd.csv DURATION=0.5 \
    "$scripts/run_demo.sh" --name "$name" >"$work/out" 2>"$work/err" </dev/null
status=$?
ok "run_demo.sh leaves a foreign directory alone" all is 2 -- \
    same "$(cat "$work/foreign/notes.txt")" precious

# ---- lingering --------------------------------------------------------------------------------------
short --linger
ok "--linger leaves the segment" all is 0 -- test -e "/dev/shm/lsmscope.$name"
short
ok "a lingering name is taken over" all is 0 -- absent "/dev/shm/lsmscope.$name"

# ---- after a crash ----------------------------------------------------------------------------------
ok "a driver starts once more" start --data-dir "$work/db" --duration-seconds 60 --fresh
kill -KILL "$pid"
wait "$pid" 2>/dev/null
short
ok "the run after a crash tells where its picture is" all is 0 -- \
    says "earlier run of this name crashed; .* --segment /dev/shm/lsmscope.$name.crashed; lsm-ls --clean" -- \
    test -e "/dev/shm/lsmscope.$name.crashed"
rm -f "/dev/shm/lsmscope.$name.crashed"
short
ok "and says nothing when it is gone" all is 0 -- test -z "$(grep crashed "$work/out")"

# The segment is probed for before anything is deleted or loaded, and nobody sees that.
ok "a driver dies" start --data-dir "$work/dead" --duration-seconds 60
kill -KILL "$pid"
wait "$pid" 2>/dev/null
mv "/dev/shm/lsmscope.$name" "/dev/shm/lsmscope.$name.b"
ok "another one runs" start --data-dir "$work/db" --duration-seconds 60
run --name "$name.b" --data-dir "$work/db" --fresh
ok "a driver that finds its database in use leaves the crashed one's picture where it is" \
    all one_line_error -- complains 'in use' -- test -e "/dev/shm/lsmscope.$name.b" -- \
    absent "/dev/shm/lsmscope.$name.b.crashed"
kill -INT "$pid"
wait "$pid"
rm -f "/dev/shm/lsmscope.$name.b"

# ---- a full disk ----------------------------------------------------------------------------------
# on_small SIZE OPTIONS...: with a file system of its own, in $work/small, of that size.
on_small() {
    local size=$1
    shift
    # shellcheck disable=SC2016
    unshare -rm sh -c 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"' sh \
        "$size" "$work/small" "$driver" --name "$name" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
mkdir "$work/small"
if unshare -rm mount -t tmpfs none "$work/small" 2>/dev/null; then
    begin=$(date +%s%N)
    on_small 6m --data-dir "$work/small/db" --duration-seconds 1.5 --write-rate max --key-space-size 1M
    took=$((($(date +%s%N) - begin) / 1000000))
    ok "a full disk is told once, refusals are counted, exit 1" all is 1 -- \
        same "$(grep -c 'DISK FULL: writes wait for room' "$work/out")" 1 -- \
        says '^\[1[0-9.]*s\] put .* refused [1-9]' -- complains 'the disk is full' -- says 'Refused'
    ok "and the run ends when it should (${took} ms)" test "$took" -lt 3500
    # No room for the segment: the same trick on /dev/shm, seen by this command alone.
    no_shm() {
        # shellcheck disable=SC2016
        unshare -rm sh -c 'mount -t tmpfs -o size=64k none /dev/shm && exec "$@"' sh \
            "$driver" --name "$name" --duration-seconds 0.2 "$@" >"$work/out" 2>"$work/err" </dev/null
        status=$?
    }
    for words in --quiet --load; do
        no_shm --data-dir "$work/noshm" --out-csv "$work/noshm.csv" $words
        ok "no room in /dev/shm is one line and exit 2 with $words, nothing is left" \
            all one_line_error -- absent "$work/noshm" -- absent "$work/noshm.csv"
    done
    short --fresh
    before=$(ls -A "$work/db")
    for words in --quiet --fresh; do
        no_shm --data-dir "$work/db" $words
        ok "and a database that was there stays with $words" all one_line_error -- \
            test -n "$before" -- test -e "$work/db/CURRENT"
    done
    no_shm --data-dir "$work/db" --fresh
    kept=$(ls -A "$work/db")
    no_shm --data-dir "$work/db" --fresh
    ok "--fresh without room touches nothing" same "$kept" "$(ls -A "$work/db")"
else
    echo "no file systems of our own here: a full disk is not tested"
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
