#!/bin/sh
# Build what is missing, start everything, wait until it works, and say how to use it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sh "$here/images.sh"
sh "$here/compose.sh" up --detach --wait --wait-timeout 300 --no-build
cat <<TEXT

Try   export CLOUDTASKER_API_KEY=\$(make -s key)
      curl -s http://localhost:${REST_PORT:-5000}/enqueue-task -H "Authorization: Bearer \$CLOUDTASKER_API_KEY" \\
        -H 'Content-Type: application/json' \\
        -d '{"task_type": "send_email", "payload": {"to": "test@example.com", "subject": "Welcome!", "body": "Hello!"}}'
      curl -s http://localhost:${MAIL_PORT:-8025}/messages
TEXT
