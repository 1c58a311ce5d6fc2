# One line each; the work is in scripts/, which need no make.
.PHONY: help demo test kill soak check bench docs fuzz format clean

help:    ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 10

demo:    ## an installation of three servers, a campaign, a report, four intruders
	@scripts/demo $(ARGS)

test:    ## all tests (one folder: make test ARGS=tests/unit/pki)
	@scripts/test $(ARGS)

kill:    ## servers killed at random moments of campaigns (make kill ARGS="--minutes 60")
	@scripts/setup test && .venv/bin/python scripts/kill-cycles $(ARGS)

soak:    ## certificates renewed over and over under constant calls (make soak ARGS="--minutes 15 --rollover")
	@scripts/setup test && .venv/bin/python scripts/soak $(ARGS)

check:   ## format, lint, types, floors, generated pages
	@scripts/check

bench:   ## calls and connection set-ups per second
	@scripts/setup && .venv/bin/python -m benchmarks.calls && .venv/bin/python -m benchmarks.connections

docs:    ## writes those parts of docs/ that are made from the code
	@scripts/docs

fuzz:    ## 100,000 inputs for each reader of files that others made (more: make fuzz RUNS=1000000)
	@for name in pkcs12 jks properties; do scripts/fuzz $$name -runs=$(or $(RUNS),100000) || exit 1; done

format:  ## formats the code
	@scripts/setup lint && .venv/bin/ruff format . && .venv/bin/ruff check --fix .

clean:   ## removes what can be made again, .venv included
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
