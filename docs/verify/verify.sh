#!/usr/bin/env bash
# Verify a Gatepost webhook (Standard Webhooks) by hand, with bash and OpenSSL 3. To look at one request, not to receive
# with: the key is an argument of openssl, where other users of the machine can see it.

# verify SECRET ID TIMESTAMP SIGNATURES NOW <BODY: succeeds when the request is from Gatepost, unchanged, and not older
# than five minutes. NOW is $(date +%s).
verify() {
    local secret=$1 id=$2 timestamp=$3 signatures=$4 now=$5 key expected one good=1
    local LC_ALL=C
    [[ $id =~ ^[A-Za-z0-9_-]+$ && $timestamp =~ ^[0-9]{1,12}$ ]] || return 1
    local age=$((now - 10#$timestamp))
    [ "${age#-}" -le 300 ] || return 1
    key=$(printf %s "${secret#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
    expected=v1,$({ printf %s "$id.$timestamp." && cat; } |
        openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
    # Several signatures while a secret is being replaced: one that fits is enough.
    set -f
    for one in $signatures; do
        [ "$one" = "$expected" ] && good=0
    done
    return "$good"
}
