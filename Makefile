# `make` alone lists the targets. CI calls the same targets and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
TOOLS  := $(VENV)/tools
TOOLED := $(TOOLS)/.installed
TESTS  ?= tests
WORKERS ?= 3
DIST   ?= dist
LOCKS  := runtime dev emulator stand_ins tools checkov

.DEFAULT_GOAL := help
# Every target that has its line in `make help` names no file.
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(MAKEFILE_LIST))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt requirements/install.sh pyproject.toml
	@sh requirements/install.sh "$(PYTHON)" "$(VENV)"
	@touch $@

setup: $(STAMP) ## Make .venv from the pinned requirements and install `cloudtasker` into it

$(TOOLED): requirements/tools.txt requirements/tools.sh $(STAMP)
	@sh requirements/tools.sh "$(BIN)/python" "$(TOOLS)"
	@touch $@

tools: $(TOOLED) ## Install what looks at the project from outside: kubectl, pip-audit and others

run: $(STAMP) ## Start everything on this machine: Postgres, Valkey, Pub/Sub, functions, gateway
	@$(BIN)/cloudtasker dev

test: $(STAMP) ## Run every test, three files at a time; what measures time runs last and alone
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  -m "not alone" $(TESTS)
	@$(BIN)/python -m pytest -m alone tests/e2e tests/integration/stack

unit: $(STAMP) ## Run the tests that need no server
	@$(BIN)/python -m pytest -q tests/unit

lint: $(STAMP) ## Check format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: $(STAMP) ## Format, and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

typecheck: $(STAMP) ## Check types, strictly
	@$(BIN)/mypy

check: tools lint typecheck test ## Everything that CI checks

bench: $(STAMP) ## Measure the queue beside Celery, Dramatiq, taskiq, procrastinate and floors; OUT=FOLDER
	@$(BIN)/python -m tests.bench.queue $(if $(OUT),--out $(OUT))

bench-quick: $(STAMP) ## The same rows beside Celery and the floors, in three minutes
	@$(BIN)/python -m tests.bench.queue --quick $(if $(OUT),--out $(OUT))

bench-pubsub: $(STAMP) ## Measure the Pub/Sub emulator beside Google's, in turn; QUICK=1 in three minutes
	@$(BIN)/python -m tests.bench.pubsub $(if $(QUICK),--quick)

planted: $(STAMP) ## Plant each known defect in the Pub/Sub emulator and see a test turn red
	@$(BIN)/python -m tests.planted_defects

simulate: $(STAMP) ## Storms of faults over the task path in virtual time: SEEDS=10000, FIRST=0 to replay
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0)

chaos: $(STAMP) ## Storms over the real processes, then every reliability line in loops: MINUTES=10 SEED=7 LOOPS=200 LINES="R3 R21"
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) \
	  --loops $(or $(LOOPS),10) $(if $(LINES),--lines $(LINES))

soak: $(STAMP) ## A low load without faults; memory, files, threads and answers stay flat: MINUTES=60
	@$(BIN)/python -m tests.chaos.soak --minutes $(or $(MINUTES),60)

plan: $(STAMP) ## Plan the cloud's infrastructure here, offline: ENV=dev or prod, OUT=FOLDER for the JSON
	@$(BIN)/python -m emulators.terraform plan $(ENV) $(if $(OUT),--out $(OUT))

plan-real: $(STAMP) ## Plan with Google's own providers, which takes network but no account: ENV=dev or prod
	@$(BIN)/python -m emulators.terraform plan-real $(ENV)

test-infra: $(TOOLED) ## Run the tests of plans and manifests (terraform must be on PATH)
	@$(BIN)/python -m pytest -rs -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  tests/integration/infra tests/integration/kubernetes

manifests: $(STAMP) ## Write the Kubernetes and Knative manifests of all functions
	@$(BIN)/python -m infra.manifests

$(VENV)-checkov/.installed: requirements/checkov.txt
	@"$(PYTHON)" -m venv $(VENV)-checkov
	@$(VENV)-checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/checkov.txt
	@touch $@

checkov: $(STAMP) $(VENV)-checkov/.installed ## Let checkov look at the plans, offline, by infra/checkov.yaml
	@$(BIN)/python -m emulators.terraform checkov --program $(VENV)-checkov/bin/checkov

package: $(STAMP) ## Build the archive that every function is deployed from, into dist/
	@$(BIN)/python -m infra.package

audit: $(TOOLED) ## Look the pinned packages up among known vulnerabilities (needs PyPI's or OSV's answers)
	@rm -rf $(DIST)/audit && mkdir -p $(DIST)/audit
	@for lock in $(LOCKS); do at=$(DIST)/audit/$$lock; \
	  $(TOOLS)/bin/pip-audit --disable-pip --require-hashes --progress-spinner off --format json \
	    --output $$at.json -r requirements/$$lock.txt 2> $$at.log || test -s $$at.json || { cat $$at.log; exit 1; }; done
	@$(BIN)/python -m infra.audit $(LOCKS:%=$(DIST)/audit/%.json)

security: $(STAMP) ## Check the code for what is unsafe (ruff's S rules)
	@$(BIN)/ruff check --select S .

sbom: $(TOOLED) ## List all components in CycloneDX: of what is deployed, and of what is installed here
	@mkdir -p $(DIST)
	@$(TOOLS)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  -o $(DIST)/deployed.cdx.json requirements/runtime.txt
	@$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  -o $(DIST)/installed.cdx.json $(BIN)/python

dist: $(TOOLED) ## Build all that a release has, into dist/: wheel, source, archive of functions, components
	@rm -f $(DIST)/cloudtasker-* $(DIST)/*.cdx.json $(DIST)/SHA256SUMS
	@$(MAKE) --no-print-directory sbom
	@$(BIN)/python -m infra.package --out $(DIST)
	@$(BIN)/hatchling build -d $(DIST)
	@cd $(DIST) && sha256sum *.whl *.tar.gz *.zip *.cdx.json > SHA256SUMS

release-notes: $(STAMP) ## What the changelog says of a version that is ready: VERSION=0.1.0
	@$(BIN)/python -m infra.release_notes "$(VERSION)"

tag: release-notes ## Tag a version that is ready, to be pushed by hand: VERSION=0.1.0
	@git diff --quiet HEAD || { echo "commit first: the tree differs from HEAD" >&2; exit 1; }
	@git tag -a "v$(VERSION:v%=%)" -m "CloudTasker $(VERSION:v%=%)"

release: dist ## Make the GitHub release of a tag, with the changelog's words and dist/ (CI's job): VERSION=v0.1.0
	@$(BIN)/python -m infra.release_notes "$(VERSION)" > $(DIST)/NOTES.md
	@gh release create "$(VERSION)" --verify-tag --title "$(VERSION)" --notes-file $(DIST)/NOTES.md \
	  $(DIST)/*.whl $(DIST)/*.tar.gz $(DIST)/*.zip $(DIST)/*.cdx.json $(DIST)/SHA256SUMS

images: ## Build the container images; BASE=python:3.12-slim@sha256:… pins their base
	@sh emulators/docker/images.sh

up: ## Build and start everything in containers; PUBSUB=google takes Google's emulator
	@sh emulators/docker/up.sh

key: ## Make an API key for the containers of `make up`, and print it
	@sh emulators/docker/compose.sh exec -T enqueue cloudtasker keys create --name local --scope enqueue --scope read --scope manage -q

down: ## Stop and remove the containers of `make up`, and their data
	@sh emulators/docker/compose.sh down --volumes --remove-orphans

lint-containers: $(STAMP) ## Check the Dockerfiles and the compose files
	@$(BIN)/python -m pytest -q tests/unit/containers

test-containers: $(STAMP) ## Build the images, run the system in containers and use it (CI's last stage)
	@CLOUDTASKER_TEST_CONTAINERS=1 $(BIN)/python -m pytest -rs --durations=5 tests/e2e/test_containers.py
deploy-local: package ## Apply the production Terraform to this machine: ENV=dev or prod
	@$(BIN)/python -m emulators.cloud apply $(ENV)

destroy-local: $(STAMP) ## Take that away again, its data too
	@$(BIN)/python -m emulators.cloud destroy $(ENV)

new-task: $(STAMP) ## Write a new task type: make new-task NAME=resize_image
	@$(BIN)/cloudtasker new-task $(NAME)
	@$(BIN)/python -m infra.manifests

lock: $(STAMP) ## Pin the requirements anew (uv must be on PATH)
	@sh requirements/lock.sh

protos: $(STAMP) ## Generate the Python code of the protos
	@$(BIN)/python protos/generate.py

gateway-paths: $(STAMP) ## Write which paths API Gateway lets through, from the API's own description
	@$(BIN)/python -m infra.gateway_paths

clean: ## Remove the virtual environment and the local data
	@rm -rf $(VENV) $(VENV)-checkov .cloudtasker
