<?php
// Reads cases of vectors.txt without their second column, and says what verify.php makes of each.
require __DIR__ . '/verify.php';

while (($line = fgets(STDIN)) !== false) {
    [$name, $secret, $id, $timestamp, $signature, $now, $body] = explode('|', rtrim($line, "\n"));
    $headers = ['webhook-id' => $id, 'webhook-timestamp' => $timestamp, 'webhook-signature' => $signature];
    $good = verify($secret, $headers, base64_decode($body), (int) $now);
    echo $name, '|', $good ? 'good' : 'bad', "\n";
}
