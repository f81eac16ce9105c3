<?php
// Verify a Gatepost webhook (Standard Webhooks). PHP 7.1 or later, nothing to install.

const TOLERANCE = 300; // seconds

/**
 * Whether the request is from Gatepost, unchanged, and not older than five minutes.
 * $secret: the endpoint's, whsec_…    $headers: by lower-case names    $body: file_get_contents('php://input')
 */
function verify(string $secret, array $headers, string $body, ?int $now = null): bool
{
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    if (!preg_match('/\A[A-Za-z0-9_-]+\z/', $id) || !preg_match('/\A[0-9]{1,12}\z/', $timestamp)) {
        return false;
    }
    if (abs(($now ?? time()) - (int) $timestamp) > TOLERANCE) {
        return false;
    }
    $key = base64_decode(substr($secret, strlen('whsec_')));
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
    // Several signatures while a secret is being replaced: one that fits is enough.
    $good = false;
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $one) {
        $good = hash_equals($expected, $one) || $good;
    }
    return $good;
}
