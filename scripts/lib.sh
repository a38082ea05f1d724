# shellcheck shell=bash disable=SC2034,SC2154 # its variables are for the scripts that source it, and some of theirs for it
# What several scripts need; sourced, never run.

# ---- a container engine -------------------------------------------------------------------------------------------
# choose_engine: sets ENGINE (an array) to docker, when its daemon answers, else to podman, else to nothing (exit code 1).
# CONTAINER_ENGINE=docker|podman chooses, CONTAINER_RUNTIME=runc|crun is podman's OCI runtime.
# Needs WORK, a folder that the caller removes: podman keeps its images there, so that nothing of a check is left behind.
choose_engine() {
    ENGINE=() RUN_LIMITS=() ENGINE_NAME=""
    local wanted=${CONTAINER_ENGINE:-}
    if [ "$wanted" != podman ] && command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
        ENGINE=(docker) ENGINE_NAME="docker $(docker version --format '{{.Server.Version}}')"
        return 0
    fi
    if [ "$wanted" = docker ] || ! command -v podman >/dev/null; then
        return 1
    fi
    # vfs and cgroupfs work without systemd, without overlay mounts and inside another container.
    ENGINE=(podman --root "$WORK/podman" --runroot "$WORK/podman-run" --tmpdir "$WORK/podman-tmp"
        --storage-driver vfs --cgroup-manager cgroupfs)
    local runtime
    for runtime in ${CONTAINER_RUNTIME:-runc crun}; do
        if command -v "$runtime" >/dev/null; then
            ENGINE+=(--runtime "$runtime")
            break
        fi
    done
    # Podman raises these limits by default, which root without CAP_SYS_RESOURCE may not do; lowering them is always allowed.
    RUN_LIMITS=(--ulimit nofile=8192:8192 --ulimit nproc=4096:4096)
    ENGINE_NAME="$(podman --version), ${runtime}"
}

# build_local_image BINARY TAG: the `local` target of the Dockerfile. Its context is a folder with the binary and nothing
# else, so the build can neither read the checkout nor need an image.
build_local_image() {
    local context
    context=$(mktemp -d "$WORK/context.XXXXXX")
    install -m 0555 "$1" "$context/chartroom"
    build_target local "$2" "$context"
}

# build_runner_image BINARY TAG: the same of `runner-local`, which runs models.
build_runner_image() {
    local context
    context=$(mktemp -d "$WORK/context.XXXXXX")
    scripts/runner-root "$1" "$context"
    build_target runner-local "$2" "$context"
}

# build_target TARGET TAG CONTEXT
build_target() {
    local format=()
    # The OCI image format has no health check; podman drops it unless asked for Docker's format.
    if [ "${ENGINE[0]}" = podman ]; then format=(--format docker --isolation chroot); fi
    "${ENGINE[@]}" build ${format[@]+"${format[@]}"} --file Dockerfile --target "$1" --tag "$2" \
        --build-arg VERSION="$(crate_version)" --build-arg REVISION="$(git rev-parse --verify -q HEAD || echo unknown)" "$3"
}

crate_version() { sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1; }

# ---- a private PostgreSQL -----------------------------------------------------------------------------------------
# start_postgres: an installed PostgreSQL with a fresh cluster under WORK, on a free loopback port. Sets DATABASE_URL and
# PG_PORT; stop_postgres ends it. PostgreSQL refuses to run as root, so as root it runs as `postgres` (else `nobody`).
start_postgres() {
    local bin user=() runner
    bin=$(find_postgres) || { echo "no PostgreSQL found: install it (Debian: postgresql) or set DATABASE_URL" >&2; return 1; }
    PG_BIN=$bin PG_DATA=$WORK/postgres/data
    mkdir -p "$WORK/postgres"
    if [ "$(id -u)" -eq 0 ]; then
        runner=postgres
        id "$runner" >/dev/null 2>&1 || runner=nobody
        user=(setpriv --reuid "$runner" --regid "$(id -g "$runner")" --clear-groups)
        chmod 0711 "$WORK"
        chown "$runner" "$WORK/postgres"
    fi
    PG_AS=(env -i LC_ALL=C PATH=/usr/bin:/bin ${user[@]+"${user[@]}"})
    local password
    password=$(head -c 16 /dev/urandom | od -An -v -tx1 | tr -d ' \n')
    PG_PORT=$(free_port)
    (
        cd /
        printf '%s\n' "$password" >"$WORK/postgres/password"
        chmod 0644 "$WORK/postgres/password"
        "${PG_AS[@]}" "$bin/initdb" --pgdata "$PG_DATA" --username chartroom --pwfile "$WORK/postgres/password" \
            --auth scram-sha-256 --encoding UTF8 --no-sync
        # -l: without it the server would keep this script's output open and its caller would wait for ever.
        "${PG_AS[@]}" "$bin/pg_ctl" --pgdata "$PG_DATA" --log "$WORK/postgres/log" --wait --timeout 60 \
            --options "-c listen_addresses=127.0.0.1 -c port=$PG_PORT -c unix_socket_directories= -c fsync=off" start
    ) >"$WORK/postgres-start.log" 2>&1 || { cat "$WORK/postgres-start.log" >&2; return 1; }
    # The server is private, so its own first database will do; small builds of PostgreSQL come without createdb.
    DATABASE_URL=postgres://chartroom:$password@127.0.0.1:$PG_PORT/postgres
}

stop_postgres() {
    if [ -n "${PG_DATA:-}" ] && [ -f "$PG_DATA/postmaster.pid" ]; then
        (cd / && "${PG_AS[@]}" "$PG_BIN/pg_ctl" --pgdata "$PG_DATA" --mode fast --wait --timeout 30 stop) >/dev/null 2>&1 || true
    fi
}

# The same places, in the same order, as the service's own search.
find_postgres() {
    local folder
    for folder in "$(dirname "$(command -v pg_ctl || echo /nowhere/pg_ctl)")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -rV) \
        /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin /usr/local/pgsql/bin; do
        if [ -x "$folder/initdb" ] && [ -x "$folder/pg_ctl" ] && [ -x "$folder/postgres" ]; then
            echo "$folder"
            return 0
        fi
    done
    return 1
}

# free_port: a loopback port nobody listens on, below the range the kernel hands out to clients.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    return 1
}

# ---- HTTP ---------------------------------------------------------------------------------------------------------
# status URL: the status code, 000 when nobody answers. Bounded: a hung server is an answer, too.
status() { curl --silent --output /dev/null --max-time 2 --write-out '%{http_code}' "$1" || true; }

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# ---- A service to try things on -----------------------------------------------------------------------------------
service=''
password='a long way to the sea'

# serve COMMAND: starts the service by it, with a database of its own in $work, and waits until it is ready. Sets port, url and service.
serve() {
    local ops
    port=$(free_port) ops=$(free_port)
    url=http://127.0.0.1:$port
    CHARTROOM_DATA_DIR=$work/data CHARTROOM_LISTEN=127.0.0.1:$port CHARTROOM_OPS_LISTEN=127.0.0.1:$ops CHARTROOM_RATE_LIMIT=0 \
        "$@" serve >"$work/log" 2>&1 &
    service=$!
    for _ in $(seq 600); do
        [ "$(status "http://127.0.0.1:$ops/readyz")" != 200 ] || return 0
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/log" >&2
    return 1
}

# end_service: ends it, if it was started.
end_service() {
    [ -n "$service" ] || return 0
    kill -TERM "$service" 2>/dev/null || true
    wait "$service" 2>/dev/null || true
}

# join NAME: makes an account of this name, with $password.
join() {
    jq -n --arg name "$1" --arg password "$password" '{email: "\($name)@example.org", username: $name, password: $password}' |
        curl -fs "$url/api/v1/users" -H 'content-type: application/json' -d @- >/dev/null || { cat "$work/log" >&2; return 1; }
}

# token NAME: a token of it.
token() {
    curl -fs "$url/auth/token" -d grant_type=password -d "username=$1" --data-urlencode "password=$password" | jq -er .access_token
}
