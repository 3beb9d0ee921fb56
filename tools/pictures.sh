#!/usr/bin/env bash
# pictures.sh BUILD_DIR OUT_DIR: makes the README's pictures from a real run of about a minute.
set -eu
build=${1:?usage: pictures.sh BUILD_DIR OUT_DIR}
out=${2:?usage: pictures.sh BUILD_DIR OUT_DIR}
seconds=${LSM_PICTURE_SECONDS:-60}
temp=$(mktemp -d "${TMPDIR:-/tmp}/lsmscope-pictures.XXXXXX")
name=demo
driver=
trap '[ -n "$driver" ] && kill "$driver" 2>/dev/null; rm -rf "$temp"' EXIT
mkfifo "$temp/markers"
"$build/lsm-driver" --name "$name" --data-dir "$temp/db" --duration-seconds "$seconds" \
    --write-rate 5000 --read-rate 2000 --delete-rate 600 --key-space-size 200000 \
    --memtable-max-bytes 1000000 --sstable-max-bytes 1000000 --level-ratio 4 --sample-ms 100 \
    --markers-from "$temp/markers" --quiet </dev/null >"$temp/log" 2>&1 &
driver=$!
exec 3>"$temp/markers"
sleep $((seconds / 3))
echo "a marker, typed at the driver" >&3
sleep $((seconds * 2 / 3 - 4))
"$build/lsm-observer" --headless --attach "$name" --output "$out/window.png" --size 1280x720
"$build/lsm-observer" --headless --attach "$name" --output "$out/window-light.png" --size 1280x720 --theme light
exec 3>&-
wait "$driver"
driver=
