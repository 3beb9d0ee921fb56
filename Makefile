# lsmscope: `make demo` and `make test` are the two commands; `make help` tells the rest.
#
# One build directory per mode (build/release, debug, asan, tsan). Objects depend on a stamp that holds the
# exact flags, so a change of flags rebuilds instead of mixing. Each part is compiled with only the include
# paths it may use: that is the dependency rule of the house, checked at every build.

MODE   ?= release
PREFIX ?= /usr/local
DESTDIR ?=
CC     ?= gcc
B      := build/$(MODE)

ifeq ($(filter $(MODE),release debug asan tsan),)
$(error MODE must be release, debug, asan or tsan, not '$(MODE)')
endif

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align \
        -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Wswitch-enum \
        -Wimplicit-fallthrough -Werror
OPT_release := -O3 -g
OPT_debug   := -O0 -g3
OPT_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
CFLAGS_ALL  := -std=c11 -D_GNU_SOURCE $(WARN) $(OPT_$(MODE)) -pthread $(CFLAGS)
LDFLAGS_ALL := $(OPT_$(MODE)) -pthread $(LDFLAGS)

# Evaluated only when something is compiled: `make help` and the install step work without the packages.
pkg_cflags = $(shell pkg-config --cflags $(1) | sed 's/-I/-isystem /g')
pkg_libs   = $(shell pkg-config --libs $(1))
OBSERVER_PKGS := sdl2 SDL2_ttf cairo cairo-svg cairo-pdf fontconfig

comma := ,
SHM_SRC      := $(wildcard shm/*.c)
STORE_SRC    := $(wildcard store/*.c)
OBSERVER_SRC := $(filter-out observer/main.c,$(wildcard observer/*.c))
DRIVER_SRC   := $(wildcard tools/driver/*.c)
LS_SRC       := $(wildcard tools/ls/*.c)
TOP_SRC      := $(wildcard tools/top/*.c)
BENCH_SRC    := $(filter-out tools/bench/main.c,$(wildcard tools/bench/*.c))
PLOT_SRC     := $(wildcard tools/bench/plot/*.c)
BENCH_OBSERVER_SRC := $(wildcard tools/bench_observer/*.c)
SUPPORT_SRC  := $(wildcard tests/support/*.c)
TEST_SRC     := $(wildcard tests/*_test.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIBSCOPE    := $(B)/liblsmscope.a
LIBLSM      := $(B)/liblsm.a
LIBOBSERVER := $(B)/obj/libobserver.a
LIBDRIVER   := $(B)/obj/libdriver.a
LIBTOP      := $(B)/obj/libtop.a
LIBBENCH    := $(B)/obj/libbench.a
LIBSUPPORT  := $(B)/obj/libsupport.a
PROGRAMS    := $(B)/lsm-driver $(B)/lsm-observer $(B)/lsm-ls $(B)/lsm-top $(B)/lsm-bench $(B)/lsm-bench-plot
TESTS       := $(patsubst tests/%.c,$(B)/tests/%,$(TEST_SRC))

STORE_LIBS    = -luring -lxxhash -llz4 -lzstd
OBSERVER_LIBS = $(call pkg_libs,$(OBSERVER_PKGS)) -lgif -lm -ldl

.PHONY: all help demo pictures test check stress fuzz tidy format install uninstall clean deps header-check bench-observer FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBSCOPE) $(LIBLSM) $(PROGRAMS) ## build the libraries and programs into build/$(MODE)

help: ## this list
	@echo "lsmscope: watch a log-structured merge tree at work"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo
	@echo "  MODE=release|debug|asan|tsan chooses the build (default release), PREFIX= where install puts things."

pictures: all ## make the README's pictures anew, from a real run of about a minute
	@tools/pictures.sh $(B) tools/pictures

deps: ## install the packages that are missing
	@tools/install_deps.sh

demo: ## install what is missing, build, run the driver and the observer for about 20 s
	@tools/install_deps.sh
	@$(MAKE) --no-print-directory all
	@tools/demo.sh $(B)

test: ## install what is missing, build, run every test
	@tools/install_deps.sh --test
	@$(MAKE) --no-print-directory check

check: all $(TESTS) header-check ## run every test on an already prepared machine
	@tests/run_tests.sh $(B) $(TESTS)

# ---- flags stamp: changes its time only when the flags change --------------------------------------
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CFLAGS_ALL) | $(LDFLAGS_ALL)' | cmp -s - $@ || echo '$(CC) $(CFLAGS_ALL) | $(LDFLAGS_ALL)' > $@
FORCE:

# ---- what each part may include ----------------------------------------------------------------------
INC_shm      := -Ishm
INC_store    := -Istore
INC_observer  = -Ishm -Iobserver $(call pkg_cflags,$(OBSERVER_PKGS))
INC_driver   := -Ishm -Istore -Itools/driver
INC_ls       := -Ishm
INC_top      := -Ishm -Iobserver -Itools/top
INC_bench    := -Itools/bench -Itools/driver -Ishm -Istore
INC_tests     = -Ishm -Istore -Iobserver -Itools/driver -Itools/top -Itools/bench -Itests/support $(call pkg_cflags,$(OBSERVER_PKGS))

compile = @mkdir -p $(@D); echo "  CC    $<"; $(CC) $(CFLAGS_ALL) -MMD -MP $(1) -c $< -o $@

$(B)/obj/shm/%.o: shm/%.c $(B)/flags
	$(call compile,$(INC_shm))
$(B)/obj/store/publish.o $(B)/obj/store/publish_values.o: $(B)/obj/store/%.o: store/%.c $(B)/flags
	$(call compile,$(INC_store) -Ishm)
$(B)/obj/store/%.o: store/%.c $(B)/flags
	$(call compile,$(INC_store))
$(B)/obj/observer/%.o: observer/%.c $(B)/flags
	$(call compile,$(INC_observer))
$(B)/obj/tools/driver/%.o: tools/driver/%.c $(B)/flags
	$(call compile,$(INC_driver))
$(B)/obj/tools/ls/%.o: tools/ls/%.c $(B)/flags
	$(call compile,$(INC_ls))
$(B)/obj/tools/top/%.o: tools/top/%.c $(B)/flags
	$(call compile,$(INC_top))
$(B)/obj/tools/bench/plot/%.o: tools/bench/plot/%.c $(B)/flags
	$(call compile,$(INC_observer))
$(B)/obj/tools/bench_observer/%.o: tools/bench_observer/%.c $(B)/flags
	$(call compile,$(INC_observer))
$(B)/obj/tools/bench/%.o: tools/bench/%.c $(B)/flags
	$(call compile,$(INC_bench))
$(B)/obj/tests/%.o: tests/%.c $(B)/flags
	$(call compile,$(INC_tests))

# Renamed when whole: a second make at the same time never links half an archive.
archive = @mkdir -p $(@D); echo "  AR    $@"; rm -f $@.$$$$; ar rcs $@.$$$$ $(filter %.o,$^) && mv $@.$$$$ $@
$(LIBSCOPE): $(call obj,$(SHM_SRC))
	$(archive)
$(LIBLSM): $(call obj,$(STORE_SRC))
	$(archive)
$(LIBOBSERVER): $(call obj,$(OBSERVER_SRC))
	$(archive)
$(LIBDRIVER): $(call obj,$(filter-out tools/driver/main.c,$(DRIVER_SRC)))
	$(archive)
$(LIBBENCH): $(call obj,$(BENCH_SRC))
	$(archive)
$(LIBTOP): $(call obj,$(filter-out tools/top/main.c,$(TOP_SRC)))
	$(archive)
$(LIBSUPPORT): $(call obj,$(SUPPORT_SRC))
	$(archive)

link = @mkdir -p $(@D); echo "  LINK  $@"; $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o %.a,$^)
$(B)/lsm-driver: $(B)/obj/tools/driver/main.o $(LIBDRIVER) $(LIBLSM) $(LIBSCOPE)
	$(link) $(STORE_LIBS) -lm
$(B)/lsm-observer: $(B)/obj/observer/main.o $(LIBOBSERVER) $(LIBSCOPE)
	$(link) $(OBSERVER_LIBS)
$(B)/lsm-ls: $(call obj,$(LS_SRC)) $(LIBSCOPE)
	$(link)
$(B)/lsm-bench: $(B)/obj/tools/bench/main.o $(LIBBENCH) $(LIBDRIVER) $(LIBLSM) $(LIBSCOPE)
	$(link) $(STORE_LIBS) -ldl -lm
$(B)/bench_observer: $(call obj,$(BENCH_OBSERVER_SRC)) $(LIBOBSERVER) $(LIBSCOPE)
	$(link) $(OBSERVER_LIBS)
$(B)/lsm-bench-plot: $(call obj,$(PLOT_SRC)) $(LIBOBSERVER) $(LIBSCOPE)
	$(link) $(OBSERVER_LIBS)
# Of the observer it takes the sources and the history: nothing that draws is linked.
$(B)/lsm-top: $(B)/obj/tools/top/main.o $(LIBTOP) $(LIBOBSERVER) $(LIBSCOPE)
	$(link) $(call pkg_libs,ncursesw) -lm
$(B)/tests/%: $(B)/obj/tests/%.o $(LIBSUPPORT) $(LIBTOP) $(LIBBENCH) $(LIBDRIVER) $(LIBOBSERVER) $(LIBLSM) $(LIBSCOPE)
	$(link) $(STORE_LIBS) $(OBSERVER_LIBS) -lcmocka $(LINK_ONLY)
# Its allocations fail when it says so.
$(B)/tests/db_memory_test: LINK_ONLY := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc aligned_alloc)

# The public headers compile alone, from C and C++.
header-check:
	@for h in store/lsm.h store/publish.h shm/scope.h shm/recording.h; do \
	    $(CC) -std=c11 $(WARN) -Istore -Ishm -fsyntax-only -x c $$h && c++ -std=c++11 -Wall -Wextra -Werror -Istore -Ishm -fsyntax-only -x c++ $$h || exit 1; done

install: all ## install programs, libraries, headers and man pages under PREFIX
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include/lsmscope $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(LIBLSM) $(LIBSCOPE) $(DESTDIR)$(PREFIX)/lib
	install -m 644 store/lsm.h store/publish.h shm/scope.h shm/recording.h shm/sample.def $(DESTDIR)$(PREFIX)/include/lsmscope
	install -m 644 $(wildcard tools/man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1

uninstall: ## remove what install put under PREFIX
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(PROGRAMS))) $(addprefix $(DESTDIR)$(PREFIX)/lib/,$(notdir $(LIBLSM) $(LIBSCOPE)))
	rm -rf $(DESTDIR)$(PREFIX)/include/lsmscope
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(wildcard tools/man/*.1)))

# ---- the long runs: behind `make check` there is a bounded version of each ---------------------------
stress: all $(TESTS) ## the model, crash, power, thread and ring tests at LSM_TEST_SCALE=2000 percent
	@LSM_TEST_SCRIPTS=no LSM_TEST_SCALE=$${LSM_TEST_SCALE:-2000} LSM_TEST_TIMEOUT=$${LSM_TEST_TIMEOUT:-3600} \
	    tests/run_tests.sh $(B) $(filter $(B)/tests/db_% $(B)/tests/ring_%,$(TESTS))

bench-observer: $(B)/lsm-observer $(B)/bench_observer ## what the observer costs: frames, memory, opening, video
	@$(B)/bench_observer $(B)

# libFuzzer, from clang. Findings and corpora stay in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/%.c,build/fuzz/%,$(wildcard tests/fuzz_*.c))
FUZZ_FLAGS := -std=c11 -D_GNU_SOURCE -DLSM_FUZZ_MAIN -g -O1 -Istore -Ishm -Itests/support
FUZZ_PARTS := $(patsubst %.c,build/fuzz/obj/%.o,$(STORE_SRC) $(SHM_SRC) $(filter tests/support/sim_%,$(SUPPORT_SRC)))
build/fuzz/obj/%.o: %.c $(wildcard store/*.h shm/*.h)
	@mkdir -p $(@D); echo "  CLANG $<"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -c $< -o $@
build/fuzz/fuzz_%: tests/fuzz_%.c $(FUZZ_PARTS)
	@echo "  CLANG $<"
	@clang $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined $^ -pthread $(STORE_LIBS) -o $@
fuzz: $(FUZZERS) ## fuzz the parsers of tables, log, manifest and recordings for FUZZ_SECONDS=60 each (needs clang)
	@for f in $(FUZZERS); do echo "== $$f"; mkdir -p $$f.corpus && \
	    $$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 -artifact_prefix=$$f. $$f.corpus || exit 1; done

format: ## clang-format every source file in place
	@git ls-files -- '*.c' '*.h' | xargs clang-format -i

tidy: ## the style checks: file and function length, line width, banned calls, markers
	@tests/tidy.sh

clean: ## remove everything that was built
	rm -rf build

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
