# Verify a Gatepost webhook (Standard Webhooks). Ruby 2.7 or later, nothing to install.
require "openssl"

TOLERANCE = 300 # seconds

# Whether the request is from Gatepost, unchanged, and not older than five minutes.
# secret: the endpoint's, whsec_…    headers: by lower-case names    body: the raw bytes, before any parsing
def verify(secret, headers, body, now = Time.now.to_i)
  id, timestamp = headers["webhook-id"].to_s, headers["webhook-timestamp"].to_s
  return false unless id.match?(/\A[A-Za-z0-9_-]+\z/) && timestamp.match?(/\A[0-9]{1,12}\z/)
  return false if (now - timestamp.to_i).abs > TOLERANCE

  key = secret.delete_prefix("whsec_").unpack1("m")
  signed = "#{id}.#{timestamp}.".b + body.b
  expected = "v1," + [OpenSSL::HMAC.digest("SHA256", key, signed)].pack("m0")
  # Several signatures while a secret is being replaced: one that fits is enough.
  given = headers["webhook-signature"].to_s.split(" ")
  given.any? { |one| one.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(one, expected) }
end
