#!/usr/bin/env bash
# install_deps.sh [--test] [--bench] [--list]: installs what lsmscope needs and this machine lacks.
#
# Each need is looked for first (a command, a pkg-config module, a header), so that a prepared
# machine is left alone at once. Knows the package names of Debian and Ubuntu, Arch, and Fedora.
# --test adds what only the tests need, --bench the engines that lsm-bench compares with; --list only
# tells what is missing.
# Exit: 0 all is there, 1 something is missing and could not be installed.
set -u

tests=no
bench=no
list=no
for word in "$@"; do
    case $word in
    --test) tests=yes ;;
    --bench) bench=yes ;;
    --list) list=yes ;;
    -h | --help)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "install_deps.sh: unknown option '$word' (--test, --bench, --list)" >&2
        exit 2
        ;;
    esac
done

# kind:what looks for it        | Debian            | Arch               | Fedora
needs_run='
command:gcc                     | build-essential   | gcc                | gcc
header:stdio.h                  | libc6-dev         | glibc              | glibc-devel
command:make                    | make              | make               | make
command:pkg-config              | pkg-config        | pkgconf            | pkgconf-pkg-config
module:liburing                 | liburing-dev      | liburing           | liburing-devel
module:sdl2                     | libsdl2-dev       | sdl2               | SDL2-devel
module:SDL2_ttf                 | libsdl2-ttf-dev   | sdl2_ttf           | SDL2_ttf-devel
module:cairo-pdf                | libcairo2-dev     | cairo              | cairo-devel
module:fontconfig               | libfontconfig-dev | fontconfig         | fontconfig-devel
module:libxxhash                | libxxhash-dev     | xxhash             | xxhash-devel
module:liblz4                   | liblz4-dev        | lz4                | lz4-devel
module:libzstd                  | libzstd-dev       | zstd               | libzstd-devel
header:gif_lib.h                | libgif-dev        | giflib             | giflib-devel
module:ncursesw                 | libncurses-dev    | ncurses            | ncurses-devel
command:ffmpeg                  | ffmpeg            | ffmpeg             | ffmpeg-free
font:Inter                      | fonts-inter       | inter-font         | rsms-inter-fonts
'
needs_test='
module:cmocka                   | libcmocka-dev     | cmocka             | libcmocka-devel
command:g++                     | g++               | gcc                | gcc-c++
command:Xvfb                    | xvfb              | xorg-server-xvfb   | xorg-x11-server-Xvfb
command:xdotool                 | xdotool           | xdotool            | xdotool
command:import                  | imagemagick       | imagemagick        | ImageMagick
command:spin                    | spin              | -                  | -
command:rsvg-convert            | librsvg2-bin      | librsvg            | librsvg2-tools
command:clang-format            | clang-format      | clang              | clang-tools-extra
command:ctags                   | universal-ctags   | ctags              | ctags
command:tmux                    | tmux              | tmux               | tmux
command:openbox                 | openbox           | openbox            | openbox
'

needs_bench='
library:librocksdb.so.7.8       | librocksdb7.8     | -                  | -
library:libleveldb.so.1d        | libleveldb1d      | -                  | -
library:liblmdb.so.0            | liblmdb0          | -                  | -
'

family=
column=2
detect_family() {
    local ids=
    if [ -r /etc/os-release ]; then
        # shellcheck disable=SC1091
        ids=" $(. /etc/os-release && echo "${ID:-} ${ID_LIKE:-}") "
    fi
    case $ids in
    *' debian '* | *' ubuntu '*) family=debian column=2 ;;
    *' arch '*) family=arch column=3 ;;
    *' fedora '* | *' rhel '*) family=fedora column=4 ;;
    esac
}

has_header() {
    local dir
    for dir in /usr/include /usr/local/include /usr/include/*-linux-gnu; do
        [ -e "$dir/$1" ] && return 0
    done
    return 1
}

has_library() {
    local dir
    for dir in /usr/lib /usr/lib64 /usr/local/lib /usr/lib/*-linux-gnu; do
        [ -e "$dir/$1" ] && return 0
    done
    return 1
}

# A family's files are looked for in the usual places first: asking fontconfig takes longer.
has_font() {
    local found
    for found in /usr/share/fonts/*/[Ii]nter*/* /usr/share/fonts/[Ii]nter*/* \
        /usr/share/fonts/*/[Ii]nter*.[ot]tf; do
        [ -e "$found" ] && return 0
    done
    command -v fc-match >/dev/null && [ "$(fc-match -f '%{family[0]}' "$1" 2>/dev/null)" = "$1" ]
}

has() {
    case $1 in
    command:*) command -v "${1#*:}" >/dev/null ;;
    module:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
    header:*) has_header "${1#*:}" ;;
    library:*) has_library "${1#*:}" ;;
    font:*) has_font "${1#*:}" ;;
    esac
}

missing=()  # what was looked for
packages=() # what to install for it
unnamed=()  # what this system has no package for
find_missing() {
    local need debian arch fedora rest
    while IFS='|' read -r need debian arch fedora rest; do
        need=${need// /} debian=${debian// /} arch=${arch// /} fedora=${fedora// /}
        if [ -z "$need" ] || has "$need"; then
            continue
        fi
        missing+=("${need#*:}")
        case $column in
        2) rest=$debian ;;
        3) rest=$arch ;;
        4) rest=$fedora ;;
        esac
        if [ "$rest" = - ]; then
            unnamed+=("${need#*:}")
        else
            packages+=("$rest")
        fi
    done <<<"$1"
}

command_line() {
    case $family in
    debian) echo "apt-get install -y --no-install-recommends ${packages[*]}" ;;
    arch) echo "pacman -S --needed --noconfirm ${packages[*]}" ;;
    fedora) echo "dnf install -y ${packages[*]}" ;;
    esac
}

give_up() {
    {
        echo "install_deps.sh: $1"
        printf '  missing: %s\n' "${missing[*]}"
        if [ -n "$family" ]; then
            echo "  as root, run: $(command_line)"
        else
            echo "  packages, as Debian calls them: ${packages[*]}"
        fi
    } >&2
    exit 1
}

# As root itself, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_debian() {
    local lists=(/var/lib/apt/lists/*_Packages*)
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -q
        --no-install-recommends "${packages[@]}")
    if [ -e "${lists[0]}" ] && as_root "${install[@]}"; then
        return 0
    fi
    # No package lists yet, or they name versions that are gone.
    as_root apt-get update -q && as_root "${install[@]}"
}

detect_family
find_missing "$needs_run"
if [ "$tests" = yes ]; then
    find_missing "$needs_test"
fi
if [ "$bench" = yes ]; then
    find_missing "$needs_bench"
fi
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi
if [ "${#unnamed[@]}" -gt 0 ]; then
    echo "install_deps.sh: no package here for: ${unnamed[*]} (what needs it is skipped)" >&2
fi
if [ "${#packages[@]}" -eq 0 ]; then
    exit 0
fi
if [ "$list" = yes ]; then
    printf '%s\n' "${packages[@]}"
    exit 1
fi
[ -n "$family" ] || give_up "this system's package manager is not known"
if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    give_up "not root, and there is no sudo"
fi
echo "Installing: ${packages[*]}"
case $family in
debian) install_debian ;;
arch) as_root pacman -S --needed --noconfirm "${packages[@]}" ;;
fedora) as_root dnf install -y "${packages[@]}" ;;
esac
status=$?
# Only what is there now counts, not what the package manager thinks of it.
missing=() packages=() unnamed=()
hash -r
find_missing "$needs_run"
if [ "$tests" = yes ]; then
    find_missing "$needs_test"
fi
if [ "$bench" = yes ]; then
    find_missing "$needs_bench"
fi
if [ "${#packages[@]}" -gt 0 ]; then
    give_up "could not install everything (the package manager ended with status $status)"
fi
exit 0
