#!/usr/bin/env bash
# bench_cli_test.sh BUILD_DIR: lsm-bench as a user meets it: every phase on a handful of keys, with
# whatever engines are installed; what it prints; what it leaves behind. Ends with "N passed, N
# failed".
set -u
export LC_ALL=C

build=$(cd "${1:-build/release}" && pwd)
bench=$build/lsm-bench
work=$(mktemp -d "${TMPDIR:-/tmp}/lsm-bench-cli.XXXXXX")
passed=0
failed=0
started=()
trap 'for pid in "${started[@]+"${started[@]}"}"; do kill -KILL "$pid" 2>/dev/null; done
      rm -rf "$work"' EXIT

ok() { # ok DESCRIPTION COMMAND...
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
        sed 's/^/  out: /' "$work/out" 2>/dev/null | tail -n 40
        sed 's/^/  err: /' "$work/err" 2>/dev/null | tail -n 20
    fi
}
run() {
    "$bench" --dir "$work" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
# A run of a few milliseconds a phase.
short() {
    run --num 1000 --seconds 0.005 --memtable 128k "$@"
}
is() { [ "$status" -eq "$1" ]; }
says() { grep -q -- "$1" "$work/out"; }
complains() { grep -q -- "$1" "$work/err"; }
one_line_error() { [ "$status" -eq 2 ] && [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ]; }
clean() { [ -z "$(find "$work" -maxdepth 1 -name 'lsm-bench.*')" ]; }
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
# row PHASE ENGINE: the table has such a row, with a figure in it.
row() { grep -qE "^$1 +$2 +[0-9]" "$work/out"; }

# ---- help, wrong options -------------------------------------------------------------------------
run --help
ok "--help names options, phases and parts" all is 0 -- says '--baseline' -- says 'readmissing' -- \
    says 'bloom_probe'
run --version
ok "--version ends with 0" all is 0 -- says '^lsm-bench [0-9]'
for words in --bogus stray --num '--num 99' '--num many' '--key-size 11' '--value-size 2MiB' \
    '--threads 0' '--seconds 0' '--bloom-fpr 0.9' '--compression snappy' '--baseline bdb' \
    '--policy eager' '--policy tiered,tiered' '--policy tiered --engine null' \
    '--engine bdb' '--engine lsm,lsm' '--engine lsm,' '--phases nothing' '--phases ,' '--micro=sort' \
    '--repeat 0' '--json=1' '--dir'; do
    # shellcheck disable=SC2086
    "$bench" $words >"$work/out" 2>"$work/err" </dev/null
    status=$?
    ok "'$words' is refused in one line" one_line_error
done
"$bench" --dir "$work/none" >"$work/out" 2>"$work/err" </dev/null
status=$?
ok "a directory that is not there is refused" all one_line_error -- complains "$work/none"

# ---- every phase on every engine -----------------------------------------------------------------
phases=$("$bench" --help | sed -n '/^Phases:/,/^$/s/^  \([a-z0-9_]*\) .*/\1/p' | grep -v '^watch')
short --threads 2
ok "all phases run and leave nothing behind" all is 0 -- clean
for engine in lsm rocksdb leveldb lmdb; do
    if grep -q "^$engine: left out: " "$work/out"; then
        ok "what is left out is not in the tables" test -z "$(grep -E " $engine +[0-9]" "$work/out")"
        continue
    fi
    for phase in $phases; do
        [ "$engine/$phase" != lmdb/readcompact ] || continue # it compacts nothing: seen below
        ok "$phase on $engine has a row" row "$phase" "$engine"
    done
done
ok "null shows the floor" row readrandom null
ok "null has no say about disks" test -z "$(grep -E '^coldread +null' "$work/out")"
ok "settings are told" says '^lsm: version .*durability process'

short --engine null,lsm --phases fillrandom --baseline null
ok "ratios refer to the baseline" \
    grep -qE '^fillrandom +null +[0-9.]+ ?[kMG]? +1\.00 ' "$work/out"

short --engine lsm --phases overwrite --policy lazy-leveled,leveled,tiered
ok "policies run as engines of their own, all of them in one table" all is 0 -- row overwrite lsm -- \
    row overwrite lsm-tiered -- row overwrite lsm-lazy -- says '^lsm-tiered: version .*, tiered:'

# ---- what a phase needs ---------------------------------------------------------------------------
short --engine lsm --phases readseq,deleterandom,readrandom,coldmulti,readrandom,ycsb
ok "a phase gets the keys it needs, whatever was before" all is 0 -- row readrandom lsm -- \
    row ycsb_f lsm
short --engine lsm,lmdb --phases readcompact
ok "gets are timed while everything is compacted, and while nothing is" all is 0 -- \
    grep -qE '^readcompact +lsm +[0-9.]+ [kM] +[0-9.]+ [nu]s +[0-9.]+ [num]s +[0-9.]+ [num]s +[0-9.]+$' "$work/out"
ok "an engine that compacts nothing shows the idle half" \
    grep -qE '^readcompact +lmdb +- +- +- +[0-9.]+ [num]s +-$' "$work/out"
short --engine lsm --phases crashreopen,reopen,crashreopen
ok "what was acknowledged before each kill is found again" \
    test "$(grep -cE '^crashreopen +lsm +[0-9.]+ +([0-9.]+ ?k?) +\1$' "$work/out")" = 2
short --engine lsm --phases fillrandom,readrandom --key-size 40 --value-size 5000
ok "other sizes of key and value" all is 0 -- row readrandom lsm
short --engine lsm --phases fillrandom,readseq --key-size 13 --value-size 17
ok "odd sizes of key and value" all is 0 -- row readseq lsm
run --num 1000 --phases watch --pairs 2 --engine lsm
ok "watchers are measured" all is 0 -- row watch250 lsm -- row watch10 lsm -- clean

# ---- repeats, JSON, curve, parts -------------------------------------------------------------------
short --engine lsm,null --phases fillrandom,readrandom --repeat 3
ok "engines take turns" test "$(awk '{ print $1 }' "$work/err" | uniq | tr '\n' ' ')" = \
    'lsm null lsm null lsm null '
short --engine lsm,null --phases fillrandom,readrandom --repeat 3 --json
if command -v jq >/dev/null; then
    ok "JSON has every run, and medians" test "$(jq -c '[(.runs | length), (.medians | length),
        (.runs[0].values.ops == 1000), (.engines[0].name), (.medians[0].values.ops_per_s > 0)]' \
        "$work/out")" = '[12,4,true,"lsm",true]'
fi
short --engine null --phases fillrandom,readrandom --curve "$work/curve.csv"
ok "the curve has a header and a row for each size and phase" all is 0 -- \
    grep -qx 'num,user_bytes,engine,phase,ops_per_s' "$work/curve.csv" -- \
    grep -qE '^1000,144000,null,readrandom,[0-9.]+$' "$work/curve.csv"
plot() {
    "$build/lsm-bench-plot" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}
plot "$work/curve.csv" "$work/curve.png"
ok "a curve is drawn as PNG" all is 0 -- test "$(head -c 4 "$work/curve.png" | tail -c 3)" = PNG
plot --dark "$work/curve.csv" "$work/curve.svg"
ok "and as SVG" all is 0 -- grep -q '<svg' "$work/curve.svg"
sed '3s/,null,/,null/' "$work/curve.csv" >"$work/bad.csv"
plot "$work/bad.csv" "$work/bad.png"
ok "a damaged curve is refused with its line" all one_line_error -- complains "bad.csv:3: " -- \
    test ! -e "$work/bad.png"
for words in '' "$work/curve.csv" "$work/curve.csv $work/x.gif" "$work/none.csv $work/x.png"; do
    # shellcheck disable=SC2086
    plot $words
    ok "lsm-bench-plot '$words' is refused in one line" one_line_error
done
short --micro
ok "every part is measured" test "$(awk 'NR > 1 && $2 > 0' "$work/out" | wc -l)" -eq \
    "$("$bench" --help | sed -n '/^Parts/,$p' | grep -c '^  ')"
short --micro bloom_probe,merge --json
ok "parts by name, as JSON" all is 0 -- says '"part": "merge"' -- test "$(grep -c part "$work/out")" -eq 2
ok "nothing is left behind" clean

# ---- the same seed, the same keys ------------------------------------------------------------------
short --engine lmdb,lsm --phases fillrandom --json
ok "engines write the same bytes" test \
    "$(grep -oE '"user_bytes": [0-9]+' "$work/out" | sort -u | wc -l)" -eq 1

# ---- interruption ------------------------------------------------------------------------------------
"$bench" --dir "$work" --engine lsm --phases readrandom --num 1000 --seconds 60 >"$work/out" \
    2>"$work/err" </dev/null &
pid=$!
started+=("$pid")
for _ in $(seq 100); do
    clean || break
    sleep 0.02
done
sleep 0.2
kill -TERM "$pid"
wait "$pid"
status=$?
ok "SIGTERM ends it, and nothing is left behind" all is 130 -- clean

echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
