output "api_host" {
  description = "Host by which callers reach the REST API."
  value       = google_api_gateway_gateway.main.default_hostname
}

output "api_url" {
  description = "Where callers reach the REST API."
  value       = "https://${google_api_gateway_gateway.main.default_hostname}"
}

output "grpc_address" {
  description = "Address that the gRPC domain's A record must name; null without a domain."
  value       = one([for address in google_compute_global_address.grpc : address.address])
}
