# Shortcuts; each is one line that works without just. `just` alone lists them.
_list:
    @just --list --unsorted

# Serve on http://127.0.0.1:8080 with a private PostgreSQL under ./.chartroom
run *args:
    cargo run -- {{ args }}

# Run every test; the database they need is started for them
test *args:
    cargo test {{ args }}

# What CI says about style: format, clippy, dependencies, scripts
lint:
    cargo fmt --check && cargo clippy --all-targets -- -D warnings && cargo clippy --no-default-features -- -D warnings && cargo deny check licenses bans sources && shellcheck -x scripts/* benches/start_idle tests/e2e/run tests/e2e/program-image

# Try the service against its OpenAPI document for a while, with schemathesis
schemathesis seconds="60":
    scripts/schemathesis-check {{ seconds }}

# Let other people's validators and generators judge the OpenAPI document; --long takes openapi-generator too
openapi-check *args:
    scripts/openapi-check {{ args }}

# Compare models of scikit-learn, XGBoost and others with Python's onnxruntime, and send hostile ones; --all, --long
model-check *args:
    scripts/model-check {{ args }}

# Try the libraries in clients/ against a service; --update makes what is made from openapi.json
clients *args:
    scripts/clients-check {{ args }}

# Refresh src/schema.rs from the migrations
schema:
    CHARTROOM_UPDATE=1 cargo test --test it schema

# Refresh openapi.json from the handlers' types
openapi:
    cargo run -- openapi > openapi.json

# Refresh every generated file: openapi.json, src/schema.rs, the README's settings, the help and metrics snapshots, the matrix
readme:
    CHARTROOM_UPDATE=1 cargo test --test it -- readme cli:: openapi observability schema matrix laws

# Refresh what is made from the chart: the table of its README and tests/chart/snapshots (needs helm)
chart:
    CHARTROOM_UPDATE=1 cargo test --test chart

# Install the chart on a real cluster and try what only that shows; --list names the cases
e2e *cases:
    tests/e2e/run {{ cases }}

# Build the image from source
image tag="chartroom:dev":
    docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag {{ tag }} .

# Build the same image from a binary compiled here, without pulling anything
image-local tag="chartroom:dev":
    scripts/image-local --tag {{ tag }}

# Start time, idle memory and size of the release binary
bench *args:
    benches/start_idle {{ args }}
