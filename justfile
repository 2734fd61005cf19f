# Everyday commands; `just` lists them.

default:
    @just --list

# the tests
test *args:
    pytest {{ args }}

# the references against independent libraries; needs the extra `oracle`
oracle *args:
    pytest tests/oracle {{ args }}

# what CI checks beside the tests
lint:
    ruff check .
    ruff format --check .
    mypy

# mend what can be mended by itself
fix:
    ruff check --fix .
    ruff format .
    thinkllm dev render

# every exercise: format, references, mistakes, honest variants
content *slugs:
    thinkllm dev check {{ slugs }}

# how long the commands and a verdict take, into benchmarks/results.json; `just bench --quick` tries it
bench *args:
    python benchmarks/all.py {{ args }}
    thinkllm dev render
    python benchmarks/watch.py
