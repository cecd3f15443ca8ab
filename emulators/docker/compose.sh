#!/bin/sh
# Run `docker compose` on this folder's files; the Makefile's up, down and images use it.
# PUBSUB=google takes Google's emulator. COMPOSE names another command than `docker compose`,
# COMPOSE_MORE one more file. The password of Postgres is chosen once and kept in .env.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${POSTGRES_PASSWORD:-}" ] && [ ! -f "$here/.env" ]; then
    password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "POSTGRES_PASSWORD=$password" > "$here/.env")
fi
files="-f $here/compose.yaml"
[ "${PUBSUB:-}" != google ] || files="$files -f $here/compose.google.yaml"
[ -z "${COMPOSE_MORE:-}" ] || files="$files -f $COMPOSE_MORE"
# shellcheck disable=SC2086
exec ${COMPOSE:-docker compose} $files "$@"
