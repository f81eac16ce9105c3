// Verify a Gatepost webhook (Standard Webhooks). Go 1.18 or later, nothing to install.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const tolerance = 300 // seconds

var (
	idForm        = regexp.MustCompile(`\A[A-Za-z0-9_-]+\z`)
	timestampForm = regexp.MustCompile(`\A[0-9]{1,12}\z`)
)

// Verify says whether the request is from Gatepost, unchanged, and not older than five minutes. The secret is the
// endpoint's, whsec_…; the body is the raw bytes, before any parsing.
func Verify(secret string, headers http.Header, body []byte, now time.Time) bool {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	if !idForm.MatchString(id) || !timestampForm.MatchString(timestamp) {
		return false
	}
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || now.Unix()-sent > tolerance || sent-now.Unix() > tolerance {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	// Several signatures while a secret is being replaced: one that fits is enough.
	good := false
	for _, one := range strings.Split(headers.Get("webhook-signature"), " ") {
		good = hmac.Equal([]byte(one), expected) || good
	}
	return good
}
