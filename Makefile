# SPDX-License-Identifier: Apache-2.0
# Thin over CMake: CMakePresets.json has the builds, tools/ the scripts. `make` builds the command.
CONFIG       ?= examples/fashion_mlp.yaml
PREFIX       ?= /usr/local
FUZZ_SECONDS ?= 20
SEEDS        ?= 401 402 403
SEED         ?= 0
LIVE_SEEDS   ?= 2

sources = $(shell git ls-files '*.c' '*.h' '*.cpp' '*.inc')
scripts = .ci/run tools/bare tools/install-dependencies tools/test tools/fuzz tools/coverage tools/doctor-action tests/packaging/check examples/check-loss \
	tests/packaging/abi/check tests/packaging/abi/compile tests/packaging/abi/newer
own     = tools/check-tree tools/check-rooms tools/check-symbols tools/check-links tools/site/make tools/summary tools/trust tools/mutate tools/evidence tools/headlines
python  = python bench examples/python examples/frameworks tools tests
# The package as it lies in the tree, with the library that was just built.
in_tree = env RAVINE_LIBRARY=$(CURDIR)/build/libravine.so PYTHONPATH=python:tests .venv/bin/python
in_battery = env RAVINE_LIBRARY=$(CURDIR)/build/libravine.so PYTHONPATH=python:tests/doctor .venv/bin/python
forms   = .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/doctor.yml
# Runs the rest of the line and keeps what it prints for docs/*_evidence.md.
keep    = python3 tools/evidence keep
runs    = build/evidence/runs
# What a person reads: all but other software's output and inputs that are wrong on purpose.
prose   = $(shell git ls-files ':!fuzz/corpus' ':!tests/data' ':!examples/data' ':!*.abi')
export FUZZ_SECONDS

.PHONY: FORCE build run playground lecture-sweeps test test-long bare pictures bench parity golden bench-torch bench-torch-step bench-torch-whole bench-torch-train bench-torch-bounds bench-torch-clipart bench-text bench-watch doctor-battery doctor-lead doctor-real bench-doctor doctor-outside doctor-outside-final doctor-logs doctor-live bench-doctor-outside bench-logs complaints evidence fuzz trust coverage mutate abi-baseline format lint docs install uninstall clean

build:
	@tools/install-dependencies run
	@cmake --preset release -DRAVINE_TESTS=OFF --log-level=WARNING
	@cmake --build build --parallel

run: build
	build/ravine train $(CONFIG)

# The library and the surfaces as WebAssembly in one page, build/playground.html; from then on the
# command has it too, and `ravine lecture` writes it beside its figures.
playground:
	@tools/install-dependencies playground
	@cmake --preset release -DRAVINE_TESTS=OFF -DRAVINE_PLAYGROUND=ON --log-level=WARNING
	@cmake --build build --parallel

# The pictures that stand in the documents, anew.
pictures: build
	@python3 tools/doc_pictures.py

# The runs of figures (m) and (n), from which the lecture is drawn where it is not long, anew: half an hour.
lecture-sweeps: build
	@build/ravine lecture --long -o build/lecture-long
	@cp build/lecture-long/sweeps.jsonl app/lecture/sweeps.jsonl

bench: build
	@$(keep) $@ build/ravine bench

# gcc, clang, ASan + UBSan, TSan, the installed tree, the command; ends with `N passed, N failed`.
test:
	@tools/install-dependencies test
	@tools/test

# `make run` and `make test` in a clone of HEAD on a Debian 12 that has nothing, as CI does it.
bare:
	@tools/bare

# The same with 20,000 random configurations a rule, and the bits of an aarch64 machine under qemu.
test-long: export RAVINE_TEST_LONG = 1
test-long:
	@tools/install-dependencies test-long
	@tools/test

# Every rule that PyTorch has, beside PyTorch and long double, over random configurations: 2,200 from
# the one with number SEED on.
parity: build
	@tools/install-dependencies test
	@$(keep) $@ $(in_tree) -m parity --seed $(SEED)

# What PyTorch computes, into the file that tests/lib/rules/test_golden.c compares with.
golden: build
	@tools/install-dependencies test
	@$(in_tree) -m parity.golden tests/data/torch_golden.safetensors

# One step, the whole of clip + step + zero + average, and whole trainings beside PyTorch's, and what
# bounds them. Exit status 1 of the first two: slower somewhere.
bench-torch: bench-torch-step bench-torch-whole bench-torch-train bench-torch-bounds
bench-torch-step bench-torch-whole bench-torch-train bench-torch-bounds: build
	@tools/install-dependencies test
	-@$(keep) $@ $(in_tree) $($@)
bench-torch-step  = bench/torch_step.py
bench-torch-whole = bench/torch_step.py --whole
bench-torch-train = bench/torch_train.py
bench-torch-bounds = bench/torch_bounds.py

# The same of a residual network in colour, on the 7,265 drawings of openclipart-png.
bench-torch-clipart: build
	@tools/install-dependencies bench
	-@$(keep) $@ $(in_tree) bench/torch_train.py --models resnet

# Steps per second of examples/text_transformer.yaml beside PyTorch, on the dictionary of dict-gcide.
bench-text: build
	@tools/install-dependencies bench
	-@$(keep) $@ $(in_tree) bench/torch_text.py

# What a doctor costs a step of PyTorch. Exit status 1: more than is wanted.
bench-watch: build
	@tools/install-dependencies test
	@$(in_tree) bench/torch_watch.py

# What the doctor says of 456 small problems a seed, each with one known trouble.
doctor-battery: build/doctor_battery
	@$(keep) $@ build/doctor_battery $(SEEDS)

# How long before the lecture's bursts it warns.
doctor-lead: build/test_doctor_bursts
	@$(keep) $@ bash -o pipefail -c "build/test_doctor_bursts | sed -n 's/^G/- &/p'"

# What it says of real networks, about ten minutes on two cores ...
doctor-real: build/doctor_real
	@$(keep) $@ python3 tests/doctor/real_table.py build/doctor_real --folder $(runs)

# ... and what nine tools of PyPI say of the same runs, which are made anew if there are none. The four
# that watch a training in PyTorch are slow: LIVE_SEEDS=0 leaves them out.
bench-doctor: build/doctor_real
	@python3 -m venv build/peers
	@build/peers/bin/pip install -q -r bench/peers/requirements.txt
	@$(keep) $@ build/peers/bin/python bench/peers/bench.py build/doctor_real --folder $(runs) \
		--live-seeds $(LIVE_SEEDS)

# What it says of some 1,100 trainings a seed, in PyTorch and of `ravine train`, from which no threshold
# was chosen: an hour on two cores for three seeds. A run that is there already is not made again;
# PART=1/4 makes a quarter. The final seeds run once, when all else is done, and not without FINAL=1;
# theirs alone are the tables of docs/doctor_outside.md.
doctor-outside bench-doctor-outside: SEEDS = 1 2 3
doctor-outside-final: SEEDS = 9001 9002 9003
doctor-outside doctor-outside-final: PART = 1/1
doctor-outside-final: kept = $(keep) $@
doctor-outside doctor-outside-final: build
	@tools/install-dependencies test
	@$(kept) $(in_battery) -m asked --part $(PART) $(if $(FINAL),--final,--seeds $(SEEDS))

# What ravine doctor says of them where somebody else's log is all that is left.
doctor-logs: build
	@$(keep) $@ $(in_battery) -m asked.foreign

# What the doctor says of the trainings of docs/stuck/: NAMES="lora resume", MENDED=1 without the mistake.
complaints: build
	@tools/install-dependencies test
	@$(in_battery) -m complaints $(if $(MENDED),--mended) $(NAMES)

# What six tools of PyPI that read logs say of the same runs: of those that doctor-outside has made.
bench-doctor-outside:
	@python3 -m venv build/peers-logs
	@build/peers-logs/bin/pip install -q -r bench/peers/requirements-logs.txt
	@$(keep) $@ build/peers-logs/bin/python bench/peers/outside_bench.py --seeds $(SEEDS)

# What ours and four tools of PyPI say of the logs that real libraries wrote (tests/logs).
bench-logs: build
	@python3 -m venv build/peers-logs
	@build/peers-logs/bin/pip install -q -r bench/peers/requirements-logs.txt
	@$(keep) $@ build/peers-logs/bin/python bench/peers/real_logs.py

# What the doctor says of the trainings of tests/logs while they run: by ravine.watch and by each callback.
doctor-live: build
	@tools/install-dependencies test
	@$(keep) $@ env RAVINE_LIBRARY=$(CURDIR)/build/libravine.so PYTHONPATH=python:tests/logs build-frameworks/bin/python tests/logs/live.py

# The last output of these, of bench, parity and bench-torch into docs/*_evidence.md and docs/doctor_outside.md.
evidence:
	@python3 tools/evidence fill
	@python3 tools/headlines

build/doctor_real build/doctor_battery build/test_doctor_bursts: FORCE
	@tools/install-dependencies test
	@cmake --preset release -DRAVINE_TESTS=ON --log-level=WARNING
	@cmake --build build --parallel --target $(@F)
FORCE:

fuzz:
	@tools/install-dependencies fuzz
	@tools/fuzz

# The counters of the last `make test`, `make test-long`, `make fuzz` and `make mutate` into docs/trust.md.
trust:
	@python3 tools/trust
	@python3 tools/headlines

# Lines and branches of the library that its tests reach.
coverage:
	@tools/install-dependencies coverage
	@tools/coverage

# Changes kernels, reader, writer and checkpoints in MUTANTS ways each, and counts what the tests
# notice.
MUTANTS ?= 100
mutate:
	@tools/install-dependencies test
	@python3 tools/mutate $(MUTANTS)

# The binary interface as it is becomes the one that later ones are held to: docs/abi.md says when.
abi-baseline:
	@tools/install-dependencies test
	@tests/packaging/abi/check renew

format:
	@tools/install-dependencies lint
	clang-format -i $(sources)
	.venv/bin/ruff format $(python)

lint:
	@tools/install-dependencies lint
	tools/check-tree
	tools/check-rooms
	clang-format --dry-run --Werror $(sources)
	shellcheck $(scripts)
	tools/check-links
	.venv/bin/check-jsonschema -q --builtin-schema vendor.citation-file-format CITATION.cff
	.venv/bin/check-jsonschema -q --builtin-schema vendor.github-issue-forms $(forms)
	.venv/bin/check-jsonschema -q --check-metaschema docs/schemas/*.json
	@codespell --ignore-words tools/spelling.txt $(prose)
	.venv/bin/ruff check $(own) $(python)
	.venv/bin/ruff format --check $(own) $(python)

# The documents, a page for each public call and for each command: build/site/html/index.html.
docs: build
	@tools/install-dependencies docs
	@.venv/bin/python tools/site/make build/ravine

install: build
	cmake --install build --prefix $(PREFIX)
	-test -n "$(DESTDIR)" || ldconfig

uninstall:
	@cmake -D PREFIX=$(DESTDIR)$(PREFIX) -P cmake/uninstall.cmake
	-@test -n "$(DESTDIR)" || ldconfig

clean:
	rm -rf build build-* .venv
