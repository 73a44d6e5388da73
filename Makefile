# Breakwater. `make` lists the commands. Works with GNU Make 3.81 (macOS) and newer.
SHELL := /bin/sh
.DEFAULT_GOAL := help

ENVIRONMENT ?= dev
SUFFIX ?= dev
ARGS ?=
STACK ?=
export PYTHON
# Docker images like to set it; without bytecode a synth takes ten seconds longer.
unexport PYTHONDONTWRITEBYTECODE

# The pinned tools come first for every recipe; jsii starts the `node` that it finds on PATH.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
# Both look outwards and neither belongs in a build.
export CDK_DISABLE_CLI_TELEMETRY := true
CDK := cdk --no-notices -c environment=$(ENVIRONMENT) -c suffix=$(SUFFIX)

.PHONY: help
help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nVariables: ENVIRONMENT=dev|staging|prod  SUFFIX=dev  STACK=Breakwater-dev  PYTHON=python3.12  ARGS="--any --cdk-option"\n'

##@ On this machine, without an AWS account

.PHONY: local local-status local-down
# A taken port shows before the installation, which may take minutes.
local: ## Deploy the platform into an embedded AWS on this machine and verify it (ENVIRONMENT, SUFFIX)
	@python=$$(scripts/find-python.sh) && PYTHONPATH=packages/embedded_aws/src "$$python" -m ops.local.port $(ARGS)
	@$(MAKE) --no-print-directory install-platform
	@python -m ops local up -c environment=$(ENVIRONMENT) -c suffix=$(SUFFIX) $(ARGS)

local-status: install-platform ## Show what runs in the embedded AWS
	@python -m ops local status

local-down: install-platform ## Stop the embedded AWS and remove its state
	@python -m ops local down

# Checks of something that is deployed: files of this name are no part of `make test`.
CHECKS := -o python_files='check_*.py' -p no:cacheprovider
INTEGRATION := tests/integration $(CHECKS)

.PHONY: integration drill-failover drills-quick drills drill-series
LOCAL_RUN = python -m ops local run $(if $(STACK),--stack $(STACK)) --
integration: install ## After `make local`: check what is deployed there, and run every command of the runbook (STACK=…)
	@$(LOCAL_RUN) sh -c 'python -m ops outputs --out "$$BREAKWATER_OUTPUTS" && exec pytest "$$@"' \
		integration $(INTEGRATION) $(ARGS)

WITNESSES := tests/witnesses $(CHECKS)
.PHONY: witnesses
witnesses: install ## After `make local`: what other clients, prowler and the CDK CLI say of it (STACK=…)
	@$(LOCAL_RUN) sh -c 'python -m ops outputs --out "$$BREAKWATER_OUTPUTS" && exec pytest "$$@"' \
		witnesses $(WITNESSES) $(ARGS)

.PHONY: environments
environments: install ## Deploy, update, roll back and remove each environment, beside `make local` (minutes; ARGS="-k prod")
	@pytest --no-cov tests/environments/check_environments.py $(CHECKS) $(ARGS)

.PHONY: upgrade
upgrade: install ## Deploy the last release, and this checkout over it under load, beside `make local` (FROM=revision)
	@git rev-parse --quiet --verify '$(or $(FROM),HEAD)^{commit}' >/dev/null \
		|| { echo "upgrade: FROM=$(FROM) is no revision of this repository; allowed is a tag or a commit of git log"; exit 1; }
	@BREAKWATER_RELEASE='$(FROM)' pytest --no-cov tests/environments/check_upgrade.py $(CHECKS) $(ARGS)

drill-failover: install ## After `make local`: kill the writer there and measure RTO and RPO (ARGS="--runs 20")
	@$(LOCAL_RUN) python -m ops drill failover --yes $(ARGS)

drills-quick: install ## After `make local`: run the three drills of CI
	@for drill in failover 'task-loss --how kill' 'bad-deployment --how exit'; do \
		$(LOCAL_RUN) python -m ops drill $$drill --yes $(ARGS) || exit 1; done

drills: install ## After `make local`: run every drill there, one after the other
	@for drill in failover 'task-loss --how stop' 'task-loss --how kill' 'task-loss --how hang' zone-loss rotation \
		'bad-deployment --how exit' 'bad-deployment --how unpullable' 'bad-deployment --how deaf' restore pitr take-over; do \
		$(LOCAL_RUN) python -m ops drill $$drill --yes --rate 20 $(ARGS) || exit 1; done
	@$(LOCAL_RUN) pytest -q --no-cov -p no:cacheprovider tests/witnesses/check_first_deployment.py

# The rotation proves something where tasks log in with the password, which is not how they do by default.
SERIES := --yes --record docs/drill-figures.json --page docs/recovery.md
ALARMS = -c environment=$(ENVIRONMENT) -c suffix=$(SUFFIX) -c compute.deployment_alarms=true
drill-series: install ## Deploy, and run the drills of a release many times: figures and table (ARGS="--minutes 20 --against FILE")
	@python -m ops local up $(ALARMS)
	@$(LOCAL_RUN) python -m ops drill-series $(SERIES) --without rotation $(ARGS)
	@python -m ops local up $(ALARMS) -c database.task_login=secret
	@$(LOCAL_RUN) python -m ops drill-series $(SERIES) --only rotation $(ARGS)

.PHONY: load
load: install ## After `make local`: transfers with 8 clients and at 50 a second, and a bare web server beside them (20 s)
	@$(LOCAL_RUN) python -m ops load $(ARGS)

.PHONY: synth
synth: install-platform ## Write the templates to cdk.out
	@$(CDK) synth --quiet $(ARGS)

##@ With an AWS account (ENVIRONMENT and SUFFIX choose the deployment)

.PHONY: check preflight diff deploy integration-aws
check: install ## One report before a deployment: rules, account, and what would be replaced or lost (ARGS="--require-account …")
	@python -m ops check -c environment=$(ENVIRONMENT) -c suffix=$(SUFFIX) $(ARGS)

preflight: install-platform ## Check read-only whether a deployment would succeed (ARGS="-c environment=prod …")
	@python -m ops preflight $(ARGS)

diff: install-platform ## Compare with what is deployed
	@$(CDK) diff $(ARGS)

deploy: install-platform ## Deploy
	@$(CDK) deploy $(ARGS)

integration-aws: install ## Check with your credentials that what is deployed is what the settings say
	@pytest $(INTEGRATION) $(ARGS)

##@ Before a change is merged

.PHONY: install install-platform
install: ## Install everything into .venv, .local and node_modules (the others do it when needed)
	@python=$$(scripts/find-python.sh) && "$$python" -m scripts.install

# Without tests, linters and developers' scripts: a third of the packages.
install-platform:
	@python=$$(scripts/find-python.sh) && "$$python" -m scripts.install --platform

.PHONY: test
# Three workers for two processors: many tests wait for an emulator. What is not measured runs without the tracer of
# lines, which would take a quarter of its time.
PARALLEL := --numprocesses=3 --dist=loadgroup --no-loadscope-reorder --durations=10
MEASURED := --cov --cov-report=term-missing:skip-covered
UNMEASURED := tests/guards packages/guards/tests packages/embedded_aws/tests
test: install ## Run all tests; branch coverage of stacks, functions, preflight and drills must be 100 %
ifeq ($(ARGS),)
	@pytest $(PARALLEL) --no-cov $(UNMEASURED)
	@pytest $(PARALLEL) $(MEASURED) tests packages/drills/tests --ignore=tests/guards
else
	@pytest $(PARALLEL) $(MEASURED) $(ARGS)
endif

.PHONY: coverage-guards
coverage-guards: install ## Run the tests of the guards; branch coverage of their code must be 100 % (weekly: 4 minutes)
	@pytest $(PARALLEL) --cov=packages/guards/src --cov-branch --cov-report=term-missing:skip-covered \
		packages/guards/tests tests/guards $(ARGS)

# mypy reads all of aws-cdk-lib the first time, which takes two minutes: the templates are checked beside it.
.PHONY: lint lint-types lint-templates lint-workflows
lint: install ## Run ruff, hadolint, zizmor, mypy --strict, and the guards with cfn-lint and cdk-preflight over all templates
	@ruff check .
	@ruff format --check .
	@hadolint service/Dockerfile
	@$(MAKE) --no-print-directory lint-workflows
	@$(MAKE) --no-print-directory --keep-going $(if $(filter -j%,$(MAKEFLAGS)),,--jobs=2) lint-types lint-templates

# Test modules of the packages share names, so they are several runs; the later ones take a second.
lint-types:
	@mypy
	@mypy packages/embedded_aws/tests
	@mypy packages/drills/tests

lint-workflows:
	@zizmor --offline --quiet .github
	@check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	@check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml

lint-templates:
	@python -m scripts.lint_templates

.PHONY: scan docs-check
scan: install ## Run independent scanners over every environment and write docs/compliance.md
	@python -m scripts.scan $(ARGS)

docs-check: install ## Check that every generated page, picture and snapshot is current (part of `make test`)
	@pytest --no-cov --quiet -k "committed or documentation" tests/scripts tests/stacks/test_synthesis.py \
		packages/guards/tests/test_rule_pages.py tests/ops/local/test_dev_app.py $(ARGS)

##@ Generated files

.PHONY: first-run freeze snapshots settings-table costs-page preflight-docs guards-docs facts-docs diagram bootstrap-policy
snapshots: install ## Write tests/snapshots/ from the synthesized templates, and what each check of the preflight says
	@pytest --no-cov --quiet --snapshot-update tests/stacks/test_synthesis.py tests/ops/preflight

first-run: install ## Clone the last commit, run `make local` there, and write what it prints into docs/first-run.md and README.md
	@python -m scripts.first_run

freeze: install ## At a release: write to tests/stacks/released.yaml what no later version may replace
	@pytest --no-cov --quiet --snapshot-update tests/stacks/test_release.py

settings-table: install ## Write docs/settings.md from the settings
	@python -m scripts.settings_table

costs-page: install ## Write docs/costs.md and its picture from the templates and the prices of ops/estimate
	@python -m scripts.costs_page

preflight-docs: install ## Write docs/preflight.md and the IAM policy of the checks
	@python -m scripts.preflight_docs

guards-docs: install ## Write docs/guards.md from the rules (ARGS="--pages FOLDER" for full pages)
	@python packages/guards/bench/rule_pages.py $(ARGS)

facts-docs: install ## Write how true the emulator's answers are into docs/local.md (ARGS=FILE: operations of a run)
	@PYTHONPATH=packages/embedded_aws/tests python -m embedded_testing.facts_page $(ARGS)

diagram: install ## Draw the architecture picture from the synthesized app
	@python -m scripts.diagram $(ARGS)

bootstrap-policy: install ## Write the policies for `cdk bootstrap` from what the templates create
	@python -m scripts.bootstrap_policy

.PHONY: docs docs-serve
ZENSICAL := build/docs-venv/bin/zensical
docs: install ## Build the documentation site into build/site and check every link in it
	@rm -rf build/pages build/site && mkdir -p build/pages
	@tar -cf - *.md docs $$(find packages -name '*.md' -not -path '*/tests/*') | tar -xf - -C build/pages
	@python packages/guards/bench/rule_pages.py --pages build/pages/docs/guards
	@uv venv --quiet --allow-existing --python .venv/bin/python build/docs-venv
	@uv pip sync --quiet --require-hashes --python build/docs-venv/bin/python requirements/docs.txt
	@$(ZENSICAL) build --clean --strict
	@python -m scripts.site_check build/site

docs-serve: docs ## Show the documentation site on http://127.0.0.1:8000 until Control-C
	@$(ZENSICAL) serve --dev-addr 127.0.0.1:8000

.PHONY: lock
lock: install ## Compile every requirements/*.in to a pinned, hashed file (ARGS="--upgrade" for newer versions)
	@for base in requirements/runtime service/requirements $(addprefix requirements/,dev docs node sbom uv scanners witnesses) \
			packages/embedded_aws/requirements/emulator; do \
		test $$base = requirements/runtime && out=requirements.txt || out=$$base.txt; \
		UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --universal --generate-hashes \
			--python-version 3.11 $$(ls $$base.override 2>/dev/null | sed 's/^/--override /') \
			$(ARGS) $$base.in -o $$out && echo "$$out" || exit 1; done

.PHONY: update sbom
LOCKED := requirements.txt service/requirements.txt $(sort $(wildcard requirements/*.txt)) \
	packages/embedded_aws/requirements/emulator.txt

# `git checkout -- FILES` goes back to what was locked.
update: install ## Raise every locked package, say what changed, and run the tests that decide (all that CI runs)
	@git diff --quiet HEAD -- $(LOCKED) || { echo "update: commit or restore the locked files first, so that what changes can be told"; exit 1; }
	@$(MAKE) --no-print-directory lock ARGS="--upgrade $(ARGS)"
	@git diff --unified=0 HEAD -- $(LOCKED) | sed -n 's/^\([-+]\)\([A-Za-z0-9._-]*==[^ ;]*\).*/\1 \2/p' | sort -u -k2,2 -k1,1r
	@git diff --quiet HEAD -- $(LOCKED) && echo "update: everything is current" || .ci/run

# npm describes no package without a version. Its part is the CDK CLI; what developers use of npm is left out.
sbom: install ## Write a software bill of materials (CycloneDX) of each locked environment to build/sbom
	@rm -rf build/sbom build/npm && mkdir -p build/sbom build/npm
	@uv venv --quiet --allow-existing --python .venv/bin/python build/sbom-venv
	@uv pip sync --quiet --require-hashes --python build/sbom-venv/bin/python requirements/sbom.txt
	@for file in $(LOCKED); do build/sbom-venv/bin/cyclonedx-py requirements --output-reproducible --of JSON \
		-o "build/sbom/$$(echo "$${file%.txt}" | tr / -).cdx.json" "$$file" || exit 1; done
	@sed 's/"private"/"version": "0.0.0", "private"/' package.json > build/npm/package.json && cp package-lock.json build/npm
	@cd build/npm && npm sbom --loglevel=error --package-lock-only --omit=dev --sbom-format cyclonedx > ../sbom/node-tools.cdx.json
	@ls build/sbom

##@ Measurements

.PHONY: bench
bench: install ## Time a synth against an empty CDK app
	@python packages/guards/bench/synth.py $(ARGS)

# checkov's pins clash with those of this project: it has an environment of its own, behind the pinned tools.
WITH_CHECKOV = PATH="$$PATH:$$(python -c 'from scripts.install import install_scanners; print(install_scanners())' | tail -1)"

.PHONY: bench-guards
bench-guards: install ## Time the guards on the platform and on up to 10,000 resources, beside cfn-lint and checkov
	@folder=$$(mktemp -d) && python -c "import sys; from pathlib import Path; from stacks import profiles; \
		from stacks.settings import load_settings; \
		profiles.synthesize(load_settings(profiles.PROFILES['prod']), Path(sys.argv[1], 'prod'))" "$$folder" \
		&& $(WITH_CHECKOV) python packages/guards/bench/speed.py "$$folder/prod" $(ARGS)

.PHONY: compare
compare: install ## Compare what the guards catch with four other tools, into packages/guards/bench/comparison.md
	@pytest --no-cov --quiet packages/guards/tests/check_fixtures.py
	@$(WITH_CHECKOV) python packages/guards/bench/compare.py

.PHONY: mutants
mutants: install ## Change functions, drills, checks and guards on purpose and list what no test notices (ARGS=packages/drills/src)
	@python -m scripts.mutants $(ARGS)

##@ Clean up

.PHONY: clean
clean: ## Stop the embedded AWS and remove everything that the other commands made
	@if [ -x .venv/bin/python ]; then \
		python -m ops local down || echo "clean: the embedded AWS did not stop; removing its files"; fi
	rm -rf .venv .local node_modules build cdk.out cdk-outputs evidence htmlcov
	rm -rf .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find packages -name '*.egg-info' -type d -prune -exec rm -rf {} +
