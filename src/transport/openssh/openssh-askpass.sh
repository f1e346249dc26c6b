#!/bin/sh
# ssh runs this where it would ask a person: SSH_ASKPASS of ssh(1). The question goes to the collector with ssh's own
# log, behind a mark that no server knows, and the answer comes back on stdin, which ssh itself does not read.
[ "${SSH_ASKPASS_PROMPT:-}" = none ] && exit 0
printf '\n%s %s\n' "$FLEET_HEALTH_ASKS" "$1" >&2
IFS= read -r answer && printf '%s\n' "$answer"
