#!/bin/sh
# Writes a post into a project whose owner has made this workload an editor. With curl, or with wget (busybox has one) where
# there is none; curl repeats what the service asks to repeat.
set -eu
url=${CHARTROOM_URL:?} project=${PROJECT_ID:?} file=${TOKEN_FILE:-/var/run/secrets/chartroom/token}

# Read for every request: the kubelet renews the file before the token in it ends.
authorization() {
    printf 'Authorization: Bearer %s' "$(cat "$file")"
}

get() {
    if command -v curl >/dev/null; then
        curl --silent --show-error --fail --retry 5 --header "$(authorization)" "$url$1"
    else
        wget -q -O - --header "$(authorization)" "$url$1"
    fi
}

# The key makes it safe to repeat: the same post is written once.
post() {
    json='Content-Type: application/json'
    key="Idempotency-Key: \"$(cat /proc/sys/kernel/random/uuid)\""
    if command -v curl >/dev/null; then
        curl --silent --show-error --fail --retry 5 --header "$(authorization)" --header "$json" --header "$key" --data "$2" "$url$1"
    else
        wget -q -O - --header "$(authorization)" --header "$json" --header "$key" --post-data "$2" "$url$1"
    fi
}

get "/api/v1/projects/$project"
echo
post /api/v1/posts "{\"project_id\": \"$project\", \"title\": \"From a pod\", \"content\": \"Written by $(hostname).\"}"
echo
