# Reads cases of vectors.txt without their second column, and says what verify.rb makes of each.
require_relative "verify"

$stdin.each_line(chomp: true) do |line|
  name, secret, id, timestamp, signature, now, body = line.split("|", -1)
  headers = { "webhook-id" => id, "webhook-timestamp" => timestamp, "webhook-signature" => signature }
  puts "#{name}|#{verify(secret, headers, body.unpack1("m"), now.to_i) ? "good" : "bad"}"
end
