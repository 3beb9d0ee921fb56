#!/usr/bin/env bash
# pictures.sh BUILD_DIR OUT_DIR: makes the README's pictures and its GIF from one real run of less
# than a minute. The run is recorded, and everything is drawn from the recording, so that all of them show
# the same moment. Its pace is near what a small machine keeps: it stalls now and then, not all
# the time.
#
# LSM_PICTURE_SECONDS=N  length of the run (default 45)
set -eu
build=${1:?usage: pictures.sh BUILD_DIR OUT_DIR}
out=${2:?usage: pictures.sh BUILD_DIR OUT_DIR}
seconds=${LSM_PICTURE_SECONDS:-45}
temp=$(mktemp -d "${TMPDIR:-/tmp}/lsmscope-pictures.XXXXXX")
name=demo
driver=
trap '[ -n "$driver" ] && kill "$driver" 2>/dev/null; rm -rf "$temp"' EXIT
mkfifo "$temp/markers"
"$build/lsm-driver" --name "$name" --data-dir "$temp/db" --duration-seconds "$seconds" \
    --write-rate 20000 --read-rate 4000 --delete-rate 1500 --key-space-size 300000 --async-compaction \
    --memtable-max-bytes 800000 --sstable-max-bytes 400000 --level-ratio 4 --l0-trigger 4 \
    --sample-ms 100 --record "$temp/run.lsr" --markers-from "$temp/markers" --quiet \
    </dev/null >"$temp/log" 2>&1 &
driver=$!
exec 3>"$temp/markers"
sleep $((seconds / 3))
echo "a marker, typed at the driver" >&3
# A neighbour takes the disk and a core for a few seconds.
sleep $((seconds / 6))
timeout 5 sh -c "while :; do dd if=/dev/zero of='$temp/neighbour' bs=1M count=512 conv=fsync; done" 2>/dev/null || true
wait "$driver"
exec 3>&-
driver=

picture() { "$build/lsm-observer" "$temp/run.lsr" --output "$out/$1" "${@:2}"; }
picture overview.png --size 1920x1080
picture overview-light.png --size 1920x1080 --theme light
picture tree.png --size 1280x720 --panels tree
picture presenter.png --size 1280x720 --layout presenter --theme light
"$build/lsm-observer" "$temp/run.lsr" --save-video "$out/demo.gif" --size 960x540 --fps 8 --speed 8
