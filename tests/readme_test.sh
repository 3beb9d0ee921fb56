#!/usr/bin/env bash
# readme_test.sh BUILD_DIR: the README's examples, word for word, against an installed copy.
set -u
build=${1:?usage: readme_test.sh BUILD_DIR}
here=$(cd "$(dirname "$0")/.." && pwd)
temp=$(mktemp -d "${TMPDIR:-/tmp}/lsm-readme.XXXXXX") || exit 1
trap 'rm -rf "$temp"' EXIT
passed=0
failed=0
check() {
    local name=$1
    shift
    if "$@" >"$temp/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $name: $*"
        cat "$temp/log"
    fi
}

# block N: the N-th C example of the README.
block() {
    awk -v n="$1" '/^```c$/ { k++; on = k == n; next } /^```$/ { on = 0 } on' "$here/README.md"
}
includes() { grep '^#include'; }
body() { grep -v '^#include'; }

mode=$(basename "$build")
check "make install" make -C "$here" --no-print-directory install MODE="$mode" PREFIX="$temp/usr"
for program in lsm-driver lsm-observer lsm-ls lsm-top lsm-bench; do
    check "$program runs where it was installed" "$temp/usr/bin/$program" --version
done

flags=()
[ "$mode" = asan ] && flags=(-fsanitize=address,undefined)
[ "$mode" = tsan ] && flags=(-fsanitize=thread)

{
    echo '#include <stdio.h>'
    block 1 | includes
    block 2 | includes
    echo 'int main(void) {'
    block 1 | body | sed "s,/var/lib/mydb,$temp/mydb,; s,lsm_close(db);,,"
    block 2 | body
    echo 'lsm_publish_stop(publish); } return lsm_close(db); }' | sed 's/}/}/'
} | sed 's/^if (lsm_publish_start\(.*\) { .* }$/if (lsm_publish_start\1 {/' >"$temp/embed.c"
command=$(grep -E '^    cc app\.c' "$here/README.md" | sed "s,/usr/local,$temp/usr,g; s,^    cc app\\.c,${CC:-gcc} -Wall -Wextra -std=c11 $temp/embed.c -o $temp/embed,")
check "the embedding example compiles as written" bash -c "$command ${flags[*]+${flags[*]}}"
check "the embedding example runs" "$temp/embed"
[ "$(cat "$temp/log")" = value ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL it printed: $(cat "$temp/log")"; }

{
    printf '#include <stdio.h>\n#include <time.h>\n'
    block 3 | includes
    echo 'static uint64_t now_monotonic_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec; }'
    echo 'int main(void) { uint64_t puts_so_far = 1, memtable_bytes = 2, tables_in_level_0 = 3;'
    block 3 | body | sed "s/\"mine\"/\"readme-$$\"/"
    echo 'return 0; }'
} >"$temp/publish.c"
check "the publishing example compiles with the header and one library" \
    ${CC:-gcc} -D_GNU_SOURCE -Wall -Wextra -std=c11 "$temp/publish.c" -o "$temp/publish" -I"$temp/usr/include/lsmscope" \
    -L"$temp/usr/lib" -llsmscope -pthread ${flags[@]+"${flags[@]}"}
check "the publishing example runs" "$temp/publish"
check "make uninstall" make -C "$here" --no-print-directory uninstall MODE="$mode" PREFIX="$temp/usr"
left=$(find "$temp/usr" -type f | head -n 1)
[ -z "$left" ] && passed=$((passed + 1)) || { failed=$((failed + 1)); echo "FAIL uninstall left $left"; }
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
