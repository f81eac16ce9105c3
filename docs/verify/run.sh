#!/usr/bin/env bash
# Reads cases of vectors.txt without their second column, and says what verify.sh makes of each.
. "$(dirname "${BASH_SOURCE[0]}")/verify.sh"

while IFS='|' read -r name secret id timestamp signatures now body; do
    if base64 -d <<<"$body" | verify "$secret" "$id" "$timestamp" "$signatures" "$now"; then
        echo "$name|good"
    else
        echo "$name|bad"
    fi
done
