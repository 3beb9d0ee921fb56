#!/usr/bin/env bash
# tidy.sh: the style of the house as a test. Prints each breach with its place; exit 1 when there is one.
#
#   - formatted by clang-format (version 14) with .clang-format
#   - files under 600 lines, functions under 70, lines at most 100 columns
#   - no call that cannot be bounded or is not thread-safe where it matters, no marker of unfinished work
#   - each part includes only what it may know
set -u
export LC_ALL=C
cd "$(dirname "$0")/.." || exit 2

breaches=0
breach() {
    breaches=$((breaches + 1))
    echo "tidy: $1"
}
each_line() {
    while IFS= read -r line; do
        [ -n "$line" ] && breach "$line"
    done
}

mapfile -t sources < <(git ls-files -- '*.c' '*.h' | sort)
mapfile -t code < <(printf '%s\n' "${sources[@]}" | grep -v '^tests/')

if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14\.'; then
    each_line < <(clang-format --dry-run "${sources[@]}" 2>&1 |
        sed -nE 's/^([^:]+):[0-9]+:.*clang-format-violations.*/\1: not as clang-format leaves it/p' | sort -u)
else
    echo "tidy: clang-format 14 is not here: formatting not checked"
fi

each_line < <(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 600 { print $2 ": " $1 " lines, at most 600" }')
each_line < <(awk 'length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns, at most 100" }' "${sources[@]}")

if command -v ctags >/dev/null; then
    each_line < <(ctags -x --c-kinds=f --fields=+ne --_xformat='%N %n %{end} %F' "${code[@]}" 2>/dev/null |
        awk '$3 > 0 && $3 - $2 >= 70 { print $4 ":" $2 ": " $1 " has " $3 - $2 + 1 " lines, fewer than 70 allowed" }')
else
    echo "tidy: universal-ctags is not here: function lengths not checked"
fi

each_line < <(awk '$0 == " */" && before ~ "^/[*] ---- .*-$" { print FILENAME ":" FNR ": a heading ends on its own line" } { before = $0 }' \
    "${sources[@]}")

banned='\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|asctime|ctime|tmpnam|mktemp|alloca)[[:space:]]*\('
each_line < <(grep -nHE "$banned" "${code[@]}" | sed 's/$/   (banned call)/')
each_line < <(grep -nHwE 'TODO|FIXME|XXX|HACK' "${sources[@]}" | sed 's/$/   (marker)/')
each_line < <(grep -nHE '(^|[^_[:alnum:]])assert[[:space:]]*\(' "${code[@]}" | sed 's/$/   (assertions are always on: check.h)/')

# includes PART FORBIDDEN-PATTERN FILES...: no file of the part includes a header matching the pattern.
includes() {
    local part=$1 pattern=$2
    shift 2
    [ $# -gt 0 ] || return
    each_line < <(grep -nHE "#include[[:space:]]*\"($pattern)" "$@" | sed "s/\$/   ($part may not know this)/")
}
store_headers=$(git ls-files 'store/*.h' | xargs -n1 basename | sed 's/\./\\./' | paste -sd'|')
observer_headers=$(git ls-files 'observer/*.h' | xargs -n1 basename | grep -vxF "$(git ls-files 'shm/*.h' | xargs -n1 basename)" |
    sed 's/\./\\./' | paste -sd'|')
mapfile -t shm_files < <(git ls-files 'shm/*.[ch]')
mapfile -t store_files < <(git ls-files 'store/*.[ch]' | grep -v '^store/publish')
mapfile -t observer_files < <(git ls-files 'observer/*.[ch]')
own_shm=$(git ls-files 'shm/*.h' 'shm/*.def' | xargs -n1 basename | grep -vxF "$(git ls-files 'store/*.h' | xargs -n1 basename)" |
    sed 's/\./\\./' | paste -sd'|')
includes shm "${observer_headers}" "${shm_files[@]}"
includes store "${own_shm}" "${store_files[@]}"
includes observer "$(printf '%s' "$store_headers" | tr '|' '\n' | grep -vxF 'check\.h' | grep -vxF "$(git ls-files 'observer/*.h' 'shm/*.h' | xargs -n1 basename | sed 's/\./\\./')" | paste -sd'|')" "${observer_files[@]}"

if [ "$breaches" -gt 0 ]; then
    echo "tidy: $breaches breaches"
    exit 1
fi
echo "tidy: clean"
