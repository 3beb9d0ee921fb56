#!/usr/bin/env bash
# run_demo.sh: the driver with settings from the environment, and a CSV of the run.
#
#   ASYNC=1               background compaction (default: in the writer's thread)
#   DURATION=60           seconds
#   WRITE_RATE=5000       puts per second; READ_RATE=0, DELETE_RATE=0: gets, deletes
#   MEMTABLE_SIZE=200000  bytes; SSTABLE_SIZE=1000000
#   SAMPLE_MS=250         sampling interval
#   DATA_DIR=/tmp/lsm_demo  starts empty: a database of ours that is there is deleted first,
#                         anything else is left alone and ends the script
#   CSV_FILE=/tmp/lsm_metrics.csv
#   BUILD_DIR             where lsm-driver lies (default: build/release here, then the PATH)
#
# Further words are passed to lsm-driver as they are.
set -u

case ${1:-} in
-h | --help)
    sed -n '2,15s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd)
driver=${BUILD_DIR:-$root/build/release}/lsm-driver
if [ ! -x "$driver" ]; then
    driver=$(command -v lsm-driver) || {
        echo "run_demo.sh: no lsm-driver in $root/build/release: run make first" >&2
        exit 1
    }
fi
csv=${CSV_FILE:-/tmp/lsm_metrics.csv}

options=(
    --data-dir "${DATA_DIR:-/tmp/lsm_demo}"
    --fresh
    --duration-seconds "${DURATION:-60}"
    --write-rate "${WRITE_RATE:-5000}"
    --read-rate "${READ_RATE:-0}"
    --delete-rate "${DELETE_RATE:-0}"
    --memtable-max-bytes "${MEMTABLE_SIZE:-200000}"
    --sstable-max-bytes "${SSTABLE_SIZE:-1000000}"
    --sample-ms "${SAMPLE_MS:-250}"
    --out-csv="$csv"
)
case ${ASYNC:-0} in
1 | true | yes | on) options+=(--async-compaction) ;;
'' | 0 | false | no | off) ;;
*)
    echo "run_demo.sh: ASYNC is '${ASYNC}', not 0 or 1" >&2
    exit 2
    ;;
esac

"$driver" "${options[@]}" "$@"
status=$?
if [ "$status" -eq 0 ]; then
    echo
    echo "Picture of the run:  lsm-observer --csv $csv"
fi
exit "$status"
