#!/usr/bin/env bash
# run_tests.sh BUILD_DIR TEST...: runs every cmocka program given, then every tests/*_test.sh with
# BUILD_DIR as its argument, and counts. What a test prints is shown only when it fails.
#
# LSM_TEST_TIMEOUT=S  seconds until a test counts as hanging (default 300; 900 under the thread sanitizer, which
#                     makes tests ten to thirty times slower)
# LSM_TEST_SCRIPTS=no only the programs
# LSM_TEST_JOBS=N     tests that run at a time (default: one a processor)
#
# Results are told as tests end, so their order varies; no test may rely on what another leaves.
#
# The last line is "N passed, N failed[, N skipped]". Exit: 0 only when something ran and all passed.
set -u
export LC_ALL=C

if [ $# -lt 1 ]; then
    echo "usage: run_tests.sh BUILD_DIR TEST..." >&2
    exit 2
fi
build=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
case $build in
*tsan*) limit=${LSM_TEST_TIMEOUT:-900} ;;
*) limit=${LSM_TEST_TIMEOUT:-300} ;;
esac
jobs=${LSM_TEST_JOBS:-$(nproc)}
logs=$(mktemp -d "${TMPDIR:-/tmp}/lsm-test-logs.XXXXXX") || exit 1
# How the user left a window says nothing here.
export XDG_CONFIG_HOME=$logs/config
# By process id: what runs.
declare -A kind_of=() name_of=() repeat_of=() begin_of=()
# Ctrl-C ends the tests at hand and their children, and nothing else.
trap 'rm -rf "$logs"' EXIT
trap '[ "${#kind_of[@]}" -eq 0 ] || kill -TERM "${!kind_of[@]}" 2>/dev/null; exit 130' INT TERM HUP

passed=0
failed=0
skipped=0
failures=()

# ThreadSanitizer of older compilers cannot live with much address randomisation.
runner=()
if [ "$(basename "$build")" = tsan ] && setarch "$(uname -m)" -R true 2>/dev/null; then
    runner=(setarch "$(uname -m)" -R)
fi

# number PATTERN: the sum of the numbers that the expression's group finds in the log.
number() {
    sed -nE "s/$1/\\1/p" "$log" | awk '{ n += $1 } END { print n + 0 }'
}

# start KIND NAME REPEAT COMMAND...: one test, as soon as there is room for it.
start() {
    local kind=$1 name=$2 repeat=$3 child
    shift 3
    while [ "${#kind_of[@]}" -ge "$jobs" ]; do
        finish_one
    done
    timeout -k 10 "$limit" ${runner[@]+"${runner[@]}"} "$@" >"$logs/$name" 2>&1 </dev/null &
    child=$!
    kind_of[$child]=$kind name_of[$child]=$name repeat_of[$child]=$repeat begin_of[$child]=$(date +%s%N)
}

# finish_one: waits for a test to end and counts it.
finish_one() {
    local pid rc ok bad left ms
    wait -n -p pid "${!kind_of[@]}" 2>/dev/null
    rc=$?
    ms=$((($(date +%s%N) - begin_of[$pid]) / 1000000))
    log=$logs/${name_of[$pid]}
    count_"${kind_of[$pid]}"
    # A program that fails, or says nothing, has failed at least once, whatever it counted.
    if [ "$bad" -eq 0 ] && { [ "$rc" -ne 0 ] || [ $((ok + left)) -eq 0 ]; }; then
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
    report "${name_of[$pid]}" "${repeat_of[$pid]}" "$rc" "$ok" "$bad" "$left" "$ms"
    rm -f "$log"
    unset "kind_of[$pid]" "name_of[$pid]" "repeat_of[$pid]" "begin_of[$pid]"
}

# count_KIND: sets ok, bad and left from the log.
count_cmocka() {
    ok=$(number '^\[  PASSED  \] ([0-9]+) test\(s\)\.$')
    bad=$(number '^\[  FAILED  \] ([0-9]+) test\(s\).*$')
    left=$(number '^\[  SKIPPED \] ([0-9]+) test\(s\).*$')
    if [ $((ok + bad)) -eq 0 ]; then # it died before its summary: count what it got through
        ok=$(grep -c '^\[       OK \] ' "$log")
    fi
}
count_script() {
    ok=$(tail -n 1 "$log" | sed -nE 's/^([0-9]+) passed, [0-9]+ failed(, [0-9]+ skipped)?$/\1/p')
    bad=$(tail -n 1 "$log" | sed -nE 's/^[0-9]+ passed, ([0-9]+) failed(, [0-9]+ skipped)?$/\1/p')
    left=$(tail -n 1 "$log" | sed -nE 's/^[0-9]+ passed, [0-9]+ failed, ([0-9]+) skipped$/\1/p')
    ok=${ok:-0} bad=${bad:-0} left=${left:-0}
}

report() {
    local name=$1 repeat=$2 rc=$3 ok=$4 bad=$5 left=$6 ms=$7 why='' seed
    if [ "$bad" -eq 0 ]; then
        printf '  ok    %-28s %4d passed%s  %d.%d s\n' "$name" "$ok" \
            "$([ "$left" -gt 0 ] && echo ", $left skipped")" $((ms / 1000)) $((ms % 1000 / 100))
        return
    fi
    if [ "$ms" -ge $((limit * 1000)) ]; then
        why=", not done after $limit s"
    elif [ "$rc" -gt 128 ]; then
        why=", killed by signal $((rc - 128))"
    elif [ "$ok" -eq 0 ] && [ "$rc" -eq 0 ]; then
        why=", it counted nothing"
    fi
    printf '  FAIL  %-28s %4d passed, %d failed%s\n' "$name" "$ok" "$bad" "$why"
    sed 's/^/        /' "$log" | tail -n 400
    seed=$(sed -nE 's/.*LSM_TEST_SEED=([0-9A-Fa-fx]+).*/\1/p' "$log" | head -n 1)
    repeat="${seed:+LSM_TEST_SEED=$seed }$repeat"
    grep -i 'seed' "$log" | head -n 3 | sed 's/^/        seed: /'
    echo "        repeat: $repeat"
    failures+=("$name: $repeat")
}

for test in "$@"; do
    start cmocka "$(basename "$test")" "${runner[*]+${runner[*]} }$test" "$test"
done
for test in "$here"/*_test.sh; do
    [ -f "$test" ] && [ "${LSM_TEST_SCRIPTS:-yes}" != no ] || continue
    case ${build##*/}:${test##*/} in # one thread: nothing for ThreadSanitizer to see, and slow
    tsan:observer_keys_test.sh | tsan:top_*) continue ;;
    esac
    start script "$(basename "$test")" "tests/$(basename "$test") $build" bash "$test" "$build"
done
while [ "${#kind_of[@]}" -gt 0 ]; do
    finish_one
done

if [ "${#failures[@]}" -gt 0 ]; then
    echo
    echo "Failed; to repeat:"
    printf '  %s\n' "${failures[@]}"
fi
echo
echo "$passed passed, $failed failed$([ "$skipped" -gt 0 ] && echo ", $skipped skipped")"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
