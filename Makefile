# make help lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: help run test cluster services services-down lint fmt fuzz prerequisites

SERVICES := deploy/local/services.sh

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | column -t -s "$$(printf '\t')"

run: prerequisites ## build and start a whole server on http://127.0.0.1:8080 (data in ./data)
	@cargo build --workspace --bins --profile fast
	@exec target/fast/oort

test: prerequisites ## install and start MariaDB, Redis and Kafka, run every test, stop them
	@deploy/local/test.sh

cluster: prerequisites ## the same services plus 2 comet, 2 logic and 2 job on this machine
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

fuzz: prerequisites ## fuzz every decoder for a minute each
	@fuzz/run.sh 60

prerequisites:
	@deploy/local/prerequisites.sh
