# The Chartroom image: one static binary on an empty root. And the image of what runs models: a program and what it opens.
#
#   docker build -t chartroom .                                    from source, for the builder's own platform
#   docker build -t chartroom-runner --target runner .             what runs models
#   docker buildx build --platform linux/amd64,linux/arm64 .       both platforms, cross-compiled, no emulation
#   scripts/image-local [--runner]                                 from a binary built on this machine, nothing pulled
#
# Keep RUST_IMAGE in sync with rust-toolchain.toml (`scripts/image-check` compares them). It is named by tag; a release
# passes `--build-arg RUST_IMAGE=docker.io/library/rust@sha256:...` to build from the digest it has checked.
ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm

# ---- runtime: everything of the final image but the binary. Both final stages start here, so they cannot differ. ----
FROM scratch AS runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="chartroom" \
      org.opencontainers.image.description="A self-hosted, Kubernetes-native registry for data teams: one HTTP API on PostgreSQL" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.source="https://github.com/chartroom/chartroom" \
      org.opencontainers.image.documentation="https://github.com/chartroom/chartroom#readme" \
      org.opencontainers.image.vendor="The Chartroom authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Loopback is the default outside a container; inside one it would be unreachable.
ENV CHARTROOM_LISTEN=0.0.0.0:8080 \
    CHARTROOM_OPS_LISTEN=0.0.0.0:9090
# By number: there is no /etc/passwd, and Kubernetes' runAsNonRoot can only judge a number.
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Exec form, because there is no shell. Kubernetes ignores this and uses the ops listener's own probes.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/chartroom", "healthcheck"]
ENTRYPOINT ["/chartroom"]
CMD ["serve"]

# ---- local: the same image from a binary built elsewhere; its context is a folder that holds only that binary. ----
# It stands before `build` and uses no newer syntax, so that a builder which runs every stage up to the target, or which
# is not BuildKit, neither pulls the base image for it nor refuses it.
FROM runtime AS local
COPY chartroom /chartroom

# ---- the same of what runs models: the program, ONNX Runtime and the libraries of both (scripts/runner-root). ----
FROM scratch AS runner-runtime
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="chartroom-runner" \
      org.opencontainers.image.description="Runs the models of Chartroom, each in a process of its own" \
      org.opencontainers.image.licenses="(MIT OR Apache-2.0) AND MIT AND LGPL-2.1-or-later AND GPL-3.0-or-later WITH GCC-exception-3.1" \
      org.opencontainers.image.source="https://github.com/chartroom/chartroom" \
      org.opencontainers.image.documentation="https://github.com/chartroom/chartroom/blob/main/docs/MODELS.md" \
      org.opencontainers.image.vendor="The Chartroom authors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/chartroom-runner"]
# In a folder that it shares with the service.
CMD ["serve", "unix:/run/chartroom/models.sock"]

FROM runner-runtime AS runner-local
COPY . /

# ---- build: always on the builder's own platform; the compiler crosses over, nothing is emulated. ----
FROM --platform=$BUILDPLATFORM ${RUST_IMAGE} AS build
ARG TARGETARCH
WORKDIR /build
# One line per platform: the Rust target (and its name in variables), and the gcc that compiles ring's C and links. For
# the builder's own platform that gcc is in the base image; for the other one Debian's cross compiler is added.
# hadolint ignore=DL3008
RUN set -eu; \
    case "${TARGETARCH:-$(dpkg --print-architecture)}" in \
      amd64) triple=x86_64-linux-gnu target=x86_64-unknown-linux-gnu name=x86_64_unknown_linux_gnu upper=X86_64_UNKNOWN_LINUX_GNU cross='x86-64 amd64' ;; \
      arm64) triple=aarch64-linux-gnu target=aarch64-unknown-linux-gnu name=aarch64_unknown_linux_gnu upper=AARCH64_UNKNOWN_LINUX_GNU cross='aarch64 arm64' ;; \
      *) echo "unsupported platform: ${TARGETARCH}" >&2; exit 1 ;; \
    esac; \
    if ! command -v "$triple-gcc" >/dev/null; then \
      apt-get update; \
      apt-get install -y --no-install-recommends "gcc-${cross% *}-linux-gnu" "libc6-dev-${cross#* }-cross"; \
      rm -rf /var/lib/apt/lists/*; \
      rustup target add "$target"; \
    fi; \
    # +crt-static links glibc itself into the binary. With a target named, it applies to the binary, not to build scripts.
    # Packed, what a position-independent binary has to correct when it is loaded takes 0.1 MB and not 1.8. A linker that
    # cannot pack says so and goes on.
    printf 'export %s\n' \
      "CARGO_BUILD_TARGET=$target" \
      "CC_$name=$triple-gcc" \
      "CARGO_TARGET_${upper}_LINKER=$triple-gcc" \
      "CARGO_TARGET_${upper}_RUSTFLAGS='-C target-feature=+crt-static -C link-arg=-Wl,-z,pack-relative-relocs'" \
      > build.env
# The dependency layers depend on the manifest and the lock alone: an edit in src/ leaves them cached. Only the first
# of them may use the network; what compiles is offline. (No RUN --network=none: not every builder knows it.)
COPY Cargo.toml Cargo.lock ./
# The private PostgreSQL is not in the image, but cargo reads the manifests of all our crates.
COPY crates/chartroom-embedded/Cargo.toml ./crates/chartroom-embedded/
COPY crates/chartroom-runner/Cargo.toml ./crates/chartroom-runner/
COPY crates/chartroom-wire/Cargo.toml ./crates/chartroom-wire/
RUN set -eu; . ./build.env; \
    mkdir src; echo 'fn main() {}' > src/main.rs; : > src/lib.rs; \
    for crate in crates/*; do mkdir "$crate/src"; : > "$crate/src/lib.rs"; done; \
    cargo fetch --locked --target "$CARGO_BUILD_TARGET"
RUN set -eu; . ./build.env; \
    cargo build --release --locked --offline --package chartroom --no-default-features
COPY migrations ./migrations
COPY crates/chartroom-runner/src ./crates/chartroom-runner/src
COPY crates/chartroom-wire/src ./crates/chartroom-wire/src
# What `chartroom sample` loads.
COPY tests/data/p08a.xlsx tests/data/p08w.xlsx ./tests/data/
COPY src ./src
# touch: cargo judges by modification time, and the placeholders above are newer than the sources just copied.
RUN set -eu; . ./build.env; \
    touch src/main.rs src/lib.rs crates/*/src/lib.rs; \
    cargo build --release --locked --offline --package chartroom --no-default-features; \
    # A binary that still asks for a dynamic loader would only fail when the image is run: fail here instead.
    readelf -lW "target/$CARGO_BUILD_TARGET/release/chartroom" > headers; \
    if grep -q INTERP headers; then echo 'not a static binary' >&2; exit 1; fi; \
    install -D -m 0555 "target/$CARGO_BUILD_TARGET/release/chartroom" /out/chartroom

# ---- what runs models: linked dynamically, because a static program cannot open a library. ----
FROM build AS runner-build
ARG TARGETARCH
# Where the platform's libraries are: for the builder's own one in the system's folder, else in that of the cross compiler.
# hadolint ignore=DL3008
RUN set -eu; \
    case "${TARGETARCH:-$(dpkg --print-architecture)}" in amd64) arch=x86_64 debian=amd64 ;; *) arch=aarch64 debian=arm64 ;; esac; \
    libraries=/lib/$arch-linux-gnu runtime=libstdc++6; \
    if [ ! -e "$libraries/libc.so.6" ]; then libraries=/usr/$arch-linux-gnu/lib runtime=libstdc++6-$debian-cross; fi; \
    apt-get update; \
    apt-get install -y --no-install-recommends curl locales unzip "$runtime"; \
    rm -rf /var/lib/apt/lists/*; \
    printf 'export %s\n' "RUNNER_ARCH=$arch" "RUNNER_LIBRARIES=$libraries" > runner.env
RUN set -eu; . ./build.env; \
    unset "$(env | sed -n 's/^\(CARGO_TARGET_.*_RUSTFLAGS\)=.*/\1/p')"; \
    cargo build --release --locked --offline --package chartroom-runner --no-default-features --features models; \
    install -D -m 0555 "target/$CARGO_BUILD_TARGET/release/chartroom-runner" /out/chartroom-runner
COPY LICENSE LICENSE-APACHE LICENSE-MIT ./
COPY crates/chartroom-embedded/onnxruntime.txt ./crates/chartroom-embedded/
COPY scripts/runner-root ./scripts/
RUN set -eu; . ./runner.env; scripts/runner-root /out/chartroom-runner /out/root

FROM runner-runtime AS runner
COPY --from=runner-build /out/root/ /

# ---- the image ----
FROM runtime AS image
COPY --from=build /out/chartroom /chartroom
