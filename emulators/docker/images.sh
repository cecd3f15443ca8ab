#!/bin/sh
# Build the four images with the engine's own builder. BASE names (and may pin) the Python base.
set -eu
cd "$(dirname "$0")/../.."
base=${BASE:-python:3.12-slim}
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
build() {
    echo "building $2"
    # shellcheck disable=SC2086
    DOCKER_BUILDKIT=1 docker build --quiet ${BUILD_OPTIONS:-} --build-arg "BASE=$base" --build-arg "REVISION=$revision" \
        -f "$1" -t "$2" .
}
build functions/Dockerfile cloudtasker/functions
build grpc_gateway/Dockerfile cloudtasker/grpc-gateway
build emulators/pubsub/Dockerfile cloudtasker/pubsub-emulator
build emulators/docker/Dockerfile cloudtasker/stand-ins
