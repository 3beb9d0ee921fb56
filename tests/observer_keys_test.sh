#!/usr/bin/env bash
# observer_keys_test.sh BUILD_DIR: every key and mouse action that changes what a window shows, on a
# virtual display, on finished runs that do not change by themselves; and what the window leaves for
# the next one.
set -u
export LC_ALL=C
build=$(cd "${1:?build directory}" && pwd) || exit 2
observer=$build/lsm-observer
golden=$(cd "$(dirname "$0")/golden" && pwd) || exit 2
for tool in Xvfb xdotool import convert; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/observer-keys.XXXXXX") || exit 1
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$dir"
}
trap finish EXIT
cd "$dir" || exit 1
printf 'leak:libfontconfig\nleak:libdbus\nleak:libX11\n' >lsan
export LSAN_OPTIONS=suppressions=$dir/lsan:print_suppressions=0
export XDG_CONFIG_HOME=$dir/config
unset WAYLAND_DISPLAY XDG_RUNTIME_DIR SDL_VIDEODRIVER GDK_SCALE

# Each section is a test: it passes when none of its checks failed.
failures=0 passed=0 failed=0 section=
fail() { echo "FAILED: $section: $*" >&2; failures=$((failures + 1)); }
section() {
    if [ -n "$section" ]; then
        if [ "$failures" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    fi
    section=$1 failures=0
}
eventually() {
    for _ in $(seq 40); do "$@" && return 0; sleep 0.1; done
    return 1
}

Xvfb -displayfd 3 -screen 0 1400x900x24 -nolisten tcp -noreset 3>display 2>/dev/null &
pids+=($!)
disown $!
eventually test -s display || { echo "Xvfb does not start"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
export DISPLAY=:$(cat display)

window_of() { xdotool search --all --onlyvisible --pid "$1" --name lsmscope 2>/dev/null | grep -m 1 .; }
# shot NAME: what the window shows, without the status line, whose figures may change at any time,
# kept under a name.
declare -A picture
shot() { picture[$1]=$(import -window "$window" -crop 4000x4000+0+50 +repage -depth 8 rgb:- | cksum); }
keep() { picture[$2]=${picture[$1]}; }
size() { xdotool getwindowgeometry "$window" | sed -n 's/.*Geometry: //p'; }
corner() { import -window "$window" -crop 1x1+2+2 +repage corner.png && convert corner.png -format '%[hex:p{0,0}]' info: | cut -c1-6; }
same() { [ "${picture[$1]}" = "${picture[$2]}" ]; }
# What a key or a click leads to: the window shows something else than before, or the same as a
# picture known.
shows_other() { shot now && ! same now "$1"; }
shows() { shot now && same now "$1"; }
changes() { eventually shows_other "$1" || fail "$2: nothing changes"; settle; }
returns() { eventually shows "$1" || fail "$2: the picture is another one"; }
# Until an easing is over: on a busy machine one frame of it may last.
settle() {
    local still=0
    shot now
    for _ in $(seq 30); do
        sleep 0.06; shot again
        if same now again; then still=$((still + 1)); else still=0; fi
        keep again now
        [ $still -ge 3 ] && return
    done
}
key() { xdotool key --clearmodifiers "$@"; }
press() { local what=$1; shift; shot before; key "$@"; changes before "$what"; }
away() { xdotool mousemove 1395 895; }
begin() {
    "$observer" "$@" >log 2>&1 &
    viewer=$!
    pids+=("$viewer")
    eventually window_of "$viewer" >/dev/null || { echo "no window: $(cat log)" >&2; exit 1; }
    window=$(window_of "$viewer")
    xdotool windowfocus "$window" 2>/dev/null
    away
    sleep 0.3; settle
    keep now first
}
quit() {
    key q
    eventually sh -c "! kill -0 $viewer 2>/dev/null" || fail "Q does not quit"
    wait "$viewer" || fail "exit $?: $(cat log)"
}

section 'one panel alone: by number, by Tab, by its title; Escape, the same key and the same click return'
begin "$golden/background.lsr"
press '1' 1
keep now one
press '6' 6
same now one && fail "6 shows the same as 1"
press 'Escape' Escape; returns first Escape
press '3' 3; key 3; returns first '3 again'
press 'Tab' Tab; returns one Tab
key shift+Tab; returns first 'Shift+Tab'
shot before
xdotool mousemove --window "$window" 60 57 click 1; away
changes before 'a click on the title'
returns one 'a click on the title'
xdotool mousemove --window "$window" 60 57 click 1; away
returns first 'the second click'

section 'layouts: one column, large type'
press 'O' o; key o; returns first 'O again'
press 'P' p; key p; returns first 'P again'

section 'crosshair by keys, events, and what the panels are for'
press ',' comma
keep now newest
press 'comma again' comma
key period; returns newest '.'
press 'Shift+Left' shift+Left
key shift+Right; returns newest 'Shift+Right'
press '[' bracketleft
keep now marker
press ', from the marker' comma
press ']' bracketright; returns marker ']'
key Escape; returns first Escape
press 'I' i; key i; returns first 'I again'
press '?' question; key Escape; returns first Escape
press 'K' k
press 'D' d
bottom=$(import -window "$window" -crop 1280x30+0+690 +repage -depth 8 rgb:- | cksum)
key d; returns before 'D again'
[ "$bottom" != "$(import -window "$window" -crop 1280x30+0+690 +repage -depth 8 rgb:- | cksum)" ] ||
    fail "D shows no command line at the bottom"

section 'the mini-map: a frame is drawn, moved, and let go'
shot before
xdotool mousemove --window "$window" 500 690 mousedown 1 mousemove --window "$window" 700 690 \
    mouseup 1; away
changes before 'a drag over the mini-map'
keep now framed
xdotool mousemove --window "$window" 600 690 mousedown 1 mousemove --window "$window" 800 690 \
    mouseup 1; away
changes framed 'a drag of the frame'
keep now moved
xdotool mousemove --window "$window" 300 690 click 1; away
changes moved 'a click beside the frame'
shot before; key Home; changes before Home

section 'a marker with a name; letters belong to the name while it is typed'
shot before
key m
changes before M
keep now prompt
xdotool type --delay 30 'quiet here'
changes prompt 'typing'
kill -0 "$viewer" || fail "q in a name quits"
key BackSpace
shot typed; key Return
changes typed Enter
shot before; key m; changes before M; key Escape
returns before Escape
quit

section 'what the window leaves for the next one; a flag is stronger; --no-config leaves and takes nothing'
conf=$XDG_CONFIG_HOME/lsmscope/observer.conf
[ -e "$conf" ] && fail "a window in which nothing was chosen saves"
begin "$golden/background.lsr"
key t o
xdotool windowsize "$window" 1000 640; sleep 0.5
quit
for line in 'size = 1000x640' 'layout = stack' 'theme = light'; do
    grep -qx "$line" "$conf" || fail "'$line' is not in $(cat "$conf")"
done
begin "$golden/background.lsr" --panels throughput,tree
[ "$(size)" = 1000x640 ] || fail "the size is not taken over"
[ "$(corner)" = FFFFFF ] || fail "nor the theme"
quit
grep -qx 'panels = throughput,tree' "$conf" || fail "--panels is not kept"
cp "$conf" kept
begin "$golden/background.lsr" --no-config
[ "$(size)" = 1280x720 ] || fail "--no-config takes the size over"
key t
quit
cmp -s "$conf" kept || fail "--no-config saves"
begin "$golden/background.lsr" --theme dark --size 900x600
[ "$(size)" = 900x600 ] || fail "--size is not stronger"
[ "$(corner)" = 0E1116 ] || fail "--theme is not stronger"
quit
echo 'size = damaged' >"$conf"
"$observer" "$golden/background.lsr" --output out.png >/dev/null || fail "a picture fails beside a damaged file"
[ "$(cat "$conf")" = 'size = damaged' ] || fail "a picture saves"

section 'two runs: overlaid and side by side'
begin "$golden/background.lsr" "$golden/inline.lsr" --no-config
press 'C' c; key c; returns first 'C again'
press ',' comma; press 'side by side with a crosshair' c
quit

section 'full screen, by a window manager'
manager=
for name in openbox icewm fluxbox metacity; do
    command -v $name >/dev/null && manager=$name && break
done
if [ -n "$manager" ]; then
    $manager >manager 2>&1 &
    pids+=($!)
    disown $!
    eventually sh -c 'xprop -root _NET_SUPPORTING_WM_CHECK 2>/dev/null | grep -q "window id"' ||
        fail "$manager does not start: $(cat manager)"
    begin "$golden/background.lsr" --no-config
    sized() { [ "$(size)" = "$1" ]; }
    for keys in F11 shift+f; do
        key $keys; eventually sized 1400x900 || fail "$keys: $(size) is not the whole screen"
        key $keys; eventually sized 1280x720 || fail "$keys again: $(size) is not the size before"
    done
    key F11; eventually sized 1400x900 || fail "F11: $(size)"
    key Escape; eventually sized 1280x720 || fail "Escape does not leave the full screen: $(size)"
    kill -0 "$viewer" || fail "Escape on the full screen quits"
    quit
else
    echo "no window manager is installed: full screen is not tried"
fi

section end
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
