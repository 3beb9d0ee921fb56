#!/usr/bin/env bash
# top_tmux_test.sh BUILD_DIR: lsm-top in a real terminal, tmux's: every key, every size, a driver
# that dies and comes back, and the terminal as it was afterwards, however the program ends.
set -u
export LC_ALL=C.UTF-8
unset NO_COLOR COLORTERM TMUX COLORFGBG
build=$(cd "${1:?build directory}" && pwd) || exit 2
top=$build/lsm-top
driver=$build/lsm-driver
[ -x "$top" ] || { echo "$top is missing: make builds it" >&2; exit 2; }
if ! command -v tmux >/dev/null; then
    echo "tmux is not here: lsm-top is not tested in a terminal"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/top-tmux.XXXXXX") || exit 1
name=toptmux-$$
pids=()
tm() { tmux -S "$dir/socket" -f /dev/null "$@"; }
finish() {
    tm kill-server 2>/dev/null
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
    rm -f "/dev/shm/lsmscope.$name"*
}
trap finish EXIT

# Each section is a test: it passes when none of its checks failed.
failures=0 passed=0 failed=0 section=
screen() { tm capture-pane -p -t t; }
fail() { echo "FAILED: $section: $*" >&2; screen >&2; failures=$((failures + 1)); }
section() {
    [ -n "${TOP_TEST_TIMES:-}" ] && echo "$SECONDS s: $1" >&2
    if [ -n "$section" ]; then
        if [ "$failures" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    fi
    section=$1 failures=0
}
keys() { tm send-keys -t t "$@"; }
# shows WORDS: within a dozen seconds the screen matches the expression; hides WORDS: it no longer does.
shows() {
    for _ in $(seq 400); do
        screen | grep -qE -- "$1" && return 0
        sleep 0.03
    done
    fail "never shows '$1'"
}
hides() {
    for _ in $(seq 400); do
        screen | grep -qE -- "$1" || return 0
        sleep 0.03
    done
    fail "still shows '$1'"
}
size() { tm resize-window -t t -x "$1" -y "$2"; }
drive() { # drive NAME OPTIONS...: sets $pid
    local its=$1
    shift
    "$driver" --name "$its" --data-dir "$dir/$its" --fresh --duration-seconds 300 --sample-ms 100 --quiet --async-compaction \
        --memtable-max-bytes 200k "$@" </dev/null >"$dir/$its.log" 2>&1 &
    pid=$!
    disown $pid
    pids+=("$pid")
}
# begin COMMAND: in the shell of the pane, whose terminal settings are remembered.
begin() {
    keys "clear; stty -g >$dir/before; $1; echo status \$?; stty -g >$dir/after" Enter
}
# The program is over: the shell is back, on its own screen, with its own settings and a cursor.
restored() {
    shows "^status $1$"
    for _ in $(seq 100); do [ -s "$dir/after" ] && break; sleep 0.1; done
    cmp -s "$dir/before" "$dir/after" || fail "other settings: $(cat "$dir/before" "$dir/after")"
    [ "$(tm display -p -t t '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}')" = "0 1 0" ] ||
        fail "alternate screen, cursor, keypad: $(tm display -p -t t '#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}')"
    rm -f "$dir/after"
}
# The program in the foreground: the shell's only child.
top_pid() {
    local shell children
    shell=$(tm display -p -t t '#{pane_pid}')
    read -r children _ <"/proc/$shell/task/$shell/children"
    echo "$children"
}

tm new-session -d -s t -x 80 -y 24 "env PS1='\$ ' bash --norc --noprofile -i" || exit 2
shows '^\$'

section 'waiting for a driver, then watching it'
begin "$top $name"
shows "Waiting for '$name'"
shows "Start it with: lsm-driver --name $name"
drive "$name" --write-rate 5000 --read-rate 1000 --delete-rate 300
shows "^● $name  live"
shows 'put +[0-9.]+ k/s +avg'
shows 'L0→L1'

section 'every size'
for words in Operations Levels Latency Memtable Jobs Amplification 'I/O and process' 'Write stalls' '\? help'; do shows "$words"; done
size 120 40
shows '9 Events'
shows '^put +[0-9.]+ k/s +[0-9.]+ k/s'
size 200 60
shows 'tables ─+ at'
size 79 24
shows 'lsm-top needs 80x24'
size 30 5
shows 'this is 30x5'
size 120 40
shows '1 Operations'

section 'every key'
keys '?'; shows '^Keys'; shows 'Shift-Tab'
keys '?'; hides '^Keys'
keys h; shows '^Keys'
keys Escape; hides '^Keys'
titles=(Operations Latency 'Memtable and log' Levels Jobs 'Write stalls' Amplification 'I/O and process' Events)
for n in 1 2 3 4 5 6 7 8 9; do # by its key to the whole screen: the title is in the first row of sections
    keys $n; shows "^$n ${titles[n - 1]}"
    screen | sed -n 2p | grep -qE "^$n ${titles[n - 1]}" || fail "$n is not alone"
    keys $n
done
shows '^1 Operations'; shows '^9 Events'
keys 4; hides Operations
keys 0; shows Operations
keys 4; hides Operations
keys BSpace; shows Operations
keys l; hides Operations; shows '^9 Events'
keys Down Down Down; shows '3 newer above'
keys Up Up; shows '1 newer above'
keys Up; hides 'newer above'
keys l; shows Operations
keys Tab; hides Levels; shows '^1 Operations'
keys Tab; shows '^2 Latency'; hides Operations
keys BTab; shows '^1 Operations'
keys BTab; shows Levels
keys BTab; shows '^9 Events'; hides Levels
keys Tab; shows Levels
keys Space; shows 'paused at 0:'; shows 'space resumes'
keys Space; hides 'paused'
keys p; shows 'paused at'
keys End; hides 'paused'
keys Left; shows 'looking back at 0:'; shows 'End follows'
keys Home; shows 'looking back at 0:0'
keys End; hides 'looking back'
keys PPage; shows 'looking back'
keys NPage NPage; hides 'looking back'
keys Left Left; shows 'looking back'
keys Right Right Right; hides 'looking back'
keys Left; shows 'looking back'
keys f; hides 'looking back'
keys 4; shows 'L1 .*[0-9] %'
for _ in $(seq 40); do # the tree's tombstones as they were: until the run is old enough to have had some
    keys Left; shows 'looking back'
    sleep 0.2
    screen | grep -qE 'L1 .*[0-9] %' && break
    keys End; hides 'looking back'
    sleep 0.5
done
shows 'looking back'; shows 'L1 .*[0-9] %'
keys End 4; shows Operations
keys - - - - - - - - - -; shows 'the whole run'
keys + + + + + + + + + +; shows 'last 0:10'
keys =; shows 'last 0:10'
keys x y z; shows 'last 0:10'

section 'choosing a driver'
drive "$name.b" --write-rate 500
shows "$name  live"
keys c; shows 'Drivers on this machine'; shows "^ +[0-9] +$name.b"
keys Escape; hides 'Drivers on this machine'
keys c; shows "^ +[0-9] +$name.b"
keys "$(screen | sed -nE "s/^ +([0-9]) +$name\\.b .*/\\1/p")"
shows "^● $name\\.b  live"
keys c; shows 'Drivers on this machine'
down=$(($(screen | sed -nE "s/^ +([0-9]) +$name .*/\\1/p") - 1))
for ((i = 0; i < down; i++)); do keys Down; done
keys Enter
shows "^● $name  live"
kill -KILL "$pid"

section 'a driver that dies and comes back'
pid=${pids[0]}
kill -STOP "$pid"
shows 'not responding +[0-9]+:[0-9]+ +no heartbeat for'
kill -CONT "$pid"
shows "$name  live"
kill -KILL "$pid"
shows "^● $name  crashed"
shows 'the driver died'
shows Operations
drive "$name" --write-rate 3000
shows "^● $name  live  0:0"
shows 'put +[0-9.]+ k/s'

section 'however it ends, the terminal is as it was'
keys q; restored 0
begin "$top $name"; shows Operations
keys C-c; restored 0
begin "$top $name"; shows Operations
kill -TERM "$(top_pid)"; restored 0
begin "$top $name"; shows Operations
kill -HUP "$(top_pid)"; restored 1
signals="ABRT SEGV QUIT"
case $build in # a sanitizer answers this one itself
*asan | *tsan) signals="ABRT QUIT" ;;
esac
for signal in $signals; do
    begin "(ulimit -c 0; exec $top $name)"; shows Operations
    kill -$signal "$(top_pid)"; restored '1[0-9][0-9]'
done

section 'Ctrl-Z and back'
begin "$top $name"; shows Operations
keys C-z; shows 'Stopped'; hides Operations
[ "$(tm display -p -t t '#{alternate_on} #{cursor_flag}')" = "0 1" ] || fail "stopped on its own screen"
keys fg Enter; shows Operations; shows "$name  live"
keys 4; hides Operations
keys q; shows '^\$$'; hides Levels

section 'a terminal that goes away'
tm new-session -d -s gone -x 80 -y 24 "exec $top $name"
for _ in $(seq 100); do tm capture-pane -p -t gone | grep -q Operations && break; sleep 0.1; done
gone=$(tm display -p -t gone '#{pane_pid}')
tm kill-session -t gone
for _ in $(seq 100); do kill -0 "$gone" 2>/dev/null || break; sleep 0.1; done
kill -0 "$gone" 2>/dev/null && fail "goes on without a terminal"

section 'colours, and none'
coloured() { tm capture-pane -e -p -t t | grep -qE $'\e\\[([0-9;]*;)?(38|9[0-7]|3[0-7])(;|m)'; }
begin "$top $name"; shows Operations
coloured || fail "no colours"
keys q; restored 0
for command in "NO_COLOR=1 $top $name" "$top --no-color $name" "TERM=vt220 $top $name"; do
    begin "$command"; shows Operations
    coloured && fail "$command: colours"
    keys q; restored 0
done
begin "TERM=xterm $top $name"; shows Operations # eight colours
coloured || fail "no colours out of eight"
keys q; restored 0
begin "$top --ascii $name"; shows '1 Operations --'
screen | LC_ALL=C grep -q '[^ -~]' && fail "--ascii: other characters"
keys q; restored 0
if command -v tic >/dev/null && command -v infocmp >/dev/null; then # exact ones, where they are promised
    infocmp -x -1 screen-256color | sed -e '/^#/d' -e 's/^screen-256color.*/screen-direct|exact colours,/' \
        -e '/colors#/d' -e '/pairs#/d' -e '/setaf=/d' -e '/setab=/d' >"$dir/direct.ti"
    printf '\tRGB, colors#0x1000000, pairs#0x7FFF,\n' >>"$dir/direct.ti"
    # shellcheck disable=SC2016
    for ground in 3 4; do
        printf '\tseta%s=\\E[%s8;2;%%p1%%{65536}%%/%%d;%%p1%%{256}%%/%%{255}%%&%%d;%%p1%%{255}%%&%%dm,\n' \
            "$([ $ground = 3 ] && echo f || echo b)" $ground >>"$dir/direct.ti"
    done
    if tic -x -o "$dir/terminfo" "$dir/direct.ti" 2>"$dir/tic.err"; then
        begin "TERM=screen-256color COLORTERM=truecolor TERMINFO_DIRS=$dir/terminfo:/usr/share/terminfo:/lib/terminfo:/etc/terminfo $top --theme dark $name"
        shows Operations
        tm capture-pane -p -e -t t | grep -qF '38;2;79;163;255' || fail "puts are not in their exact colour"
        keys q; restored 0
        begin "TERM=screen-256color COLORTERM=truecolor $top --theme dark $name"; shows Operations # no such entry
        coloured || fail "no colours without an entry of exact ones"
        keys q; restored 0
    else
        fail "tic: $(cat "$dir/tic.err")"
    fi
fi
for kind in dumb no-such-terminal; do
    begin "TERM=$kind $top $name"; shows "terminal.*'$kind'"; restored 1
done
section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
