# make help lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help run web test cluster services services-down lint fmt fuzz fuzz-long chaos soak bench bench-peers bench-million bench-micro readme prerequisites

SERVICES := deploy/local/services.sh

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

run: web ## build and start a whole server on http://127.0.0.1:8080 (data in ./data)
	@cargo build --workspace --bins --profile fast
	@exec target/fast/oort

web: prerequisites ## build the web client into web/out, for the next build of the server to embed
	@deploy/local/web.sh build

test: prerequisites ## install and start MariaDB, Redis and Kafka, run every test, browsers included, stop them
	@deploy/local/test.sh

cluster: web ## the same services plus 2 comet, 2 logic and 2 job on this machine
	@cargo build --workspace --bins --profile fast
	@exec deploy/local/cluster.sh target/fast/oort

services: ## start MariaDB, Redis and Kafka on loopback (data in ./data/services)
	@$(SERVICES) up data/services

services-down: ## stop them
	@$(SERVICES) down data/services

lint: prerequisites ## formatting and clippy, warnings are errors
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --all-features -- -D warnings
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

fmt: ## format the code
	@cargo fmt --all

fuzz-long: prerequisites ## the same for HOURS (1) each, keeping what is found
	@fuzz/run.sh $$(($${HOURS:-1} * 3600))

fuzz: prerequisites ## fuzz every decoder for a minute each
	@fuzz/run.sh 60

chaos: prerequisites ## kill, stop, cut and slow every part under load; prove that nothing acknowledged is lost
	@cargo build --workspace --bins --profile fast
	@deploy/bench/chaos.sh

soak: prerequisites ## the same for an hour, a fault every minute; memory has to stay flat (MINUTES=3: a rehearsal)
	@cargo build --workspace --bins --profile fast
	@deploy/bench/soak.sh --minutes $(or $(MINUTES),60)

bench: prerequisites ## the short set of measurements, under 10 minutes; results in benches/results/<date>-short
	@cargo build --workspace --bins --profile fast
	@deploy/bench/short.sh

bench-peers: prerequisites ## Oort beside Centrifugo (installed by name with Go) and, when told where it runs, goim
	@cargo build --workspace --bins --profile fast
	@deploy/bench/peers.sh

bench-million: prerequisites ## a million connections on this machine (COUNT=57000 COMETS=3: a rehearsal)
	@cargo build --workspace --bins --profile fast
	@deploy/bench/million.sh

bench-micro: prerequisites ## codec, fan-out, batcher and routing by themselves (criterion)
	@cargo bench --profile fast -p oort-api -p oort-comet -p oort-logic -p oort-job --bench codec --bench fanout --bench batch --bench routing

readme: prerequisites ## the newest published figures into README.md and docs/performance.md
	@cargo run --quiet -p oort-bench -- readme

prerequisites:
	@deploy/local/prerequisites.sh
