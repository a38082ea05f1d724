# shellcheck shell=bash disable=SC2034 # its variables are for the scripts that source it
# What benchmarks of datasets need; sourced behind scripts/lib.sh, never run.
#
# start_bench: the service on a fresh PostgreSQL, with an administrator, a project and no dataset. Sets WORK, psql, service, url, auth and
# project. CHARTROOM is the program (default: a release build). All of it ends with the script.

service=''
finish_bench() {
    if [ -n "$service" ]; then kill -TERM "$service" 2>/dev/null && wait "$service" 2>/dev/null; fi
    stop_postgres
    rm -rf "$WORK"
}

start_bench() {
    WORK=$(mktemp -d)
    trap finish_bench EXIT
    local chartroom=${CHARTROOM:-} port ops token
    if [ -z "$chartroom" ]; then
        cargo build --release --quiet --locked
        chartroom=${CARGO_TARGET_DIR:-target}/release/chartroom
    fi
    psql=$(command -v psql || printf '%s\n' /usr/lib/postgresql/*/bin/psql | tail -n 1)
    start_postgres
    export CHARTROOM_DATABASE_URL=$DATABASE_URL CHARTROOM_KEYS_DIR=$WORK/keys
    port=$(free_port) ops=$(free_port)
    export CHARTROOM_LISTEN=127.0.0.1:$port CHARTROOM_OPS_LISTEN=127.0.0.1:$ops
    {
        "$chartroom" keys generate
        "$chartroom" migrate up
        echo 'a long way to the sea' | "$chartroom" user create-admin admin@example.org
    } >"$WORK/log" 2>&1 || { cat "$WORK/log"; exit 1; }
    "$chartroom" serve >>"$WORK/log" 2>&1 &
    service=$!
    for _ in $(seq 100); do [ "$(status "http://127.0.0.1:$ops/readyz")" = 200 ] && break; sleep 0.1; done
    url=http://127.0.0.1:$port
    token=$(curl -fs "$url/auth/token" -d grant_type=password -d username=admin@example.org --data-urlencode 'password=a long way to the sea' | jq -er .access_token)
    auth="Authorization: Bearer $token"
    project=$(curl -fs "$url/api/v1/projects" -H "$auth" --json '{"name": "bench"}' | jq -er .id)
}

sql() { PGTZ=UTC "$psql" "$DATABASE_URL" -XAtqc "$1"; }

# make_rows ROWS: $WORK/rows.csv, and says what it is.
make_rows() {
    python3 benches/rows.py "$1" >"$WORK/rows.csv"
    echo "$1 rows, $(($(stat -c %s "$WORK/rows.csv") / 1000000)) MB, PostgreSQL $(sql 'SHOW server_version'), $(nproc) processors"
}

# make_dataset: one with their columns. Sets dataset.
make_dataset() {
    local columns='[["id","bigint"],["account","bigint"],["amount","decimal"],["score","float64"],["category","text"],["comment","text"],["day","date"],["at","timestamp"],["active","bool"],["ratio","float64"]]'
    dataset=$(jq -n --arg project "$project" --argjson columns "$columns" '{project_id: $project, name: "rows", columns: [$columns[] | {name: .[0], type: .[1]}]}' |
        curl -fs "$url/api/v1/datasets" -H "$auth" --json @- | jq -er .id)
}

# make_plain: the table `plain` with the same columns, which is empty.
make_plain() {
    sql 'SET client_min_messages = warning; DROP TABLE IF EXISTS plain; CREATE TABLE plain (c1 bigint, c2 bigint, c3 numeric, c4 float8, c5 text, c6 text, c7 date, c8 timestamptz, c9 boolean, c10 float8); CHECKPOINT'
}

# import_rows MODE: $WORK/rows.csv into the dataset, to its end.
import_rows() {
    local import state
    import=$(curl -s "$url/api/v1/datasets/$dataset/imports?mode=$1" -X POST -H "$auth" -H 'Content-Type: text/csv' -T "$WORK/rows.csv" | jq -er .id)
    while state=$(curl -fs "$url/api/v1/datasets/$dataset/imports/$import" -H "$auth" | jq -er .state); [ "$state" = receiving ] || [ "$state" = loading ]; do sleep 0.02; done
    [ "$state" = ready ] || { echo "the import is $state"; exit 1; }
}
