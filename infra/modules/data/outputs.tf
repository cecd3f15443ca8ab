output "connection_name" {
  description = "What the connector dials: PROJECT:REGION:INSTANCE."
  value       = google_sql_database_instance.main.connection_name
}

output "database" {
  description = "Name of the database."
  value       = google_sql_database.main.name
}

output "migrate_user" {
  description = "Name of the user that migrates the schema."
  value       = google_sql_user.migrate.name
}

output "database_users" {
  description = "Name of each workload's database user, by workload; without `migrate`."
  value       = { for workload, user in google_sql_user.workload : workload => user.name }
}

output "redis_url" {
  description = "Where the cache is, without its password."
  value       = "rediss://${google_redis_instance.main.host}:${google_redis_instance.main.port}/0"
}

output "redis_auth" {
  description = "Password of the cache. Like it or not, it stands in the state."
  value       = google_redis_instance.main.auth_string
  sensitive   = true
}

output "redis_ca" {
  description = "Certificate that the cache's own is signed by; clients trust no other."
  value       = join("\n", google_redis_instance.main.server_ca_certs[*].cert)
}

output "blobs_url" {
  description = "Where large payloads stand; known once everybody may use it."
  value       = "gs://${google_storage_bucket.blobs.name}"
  depends_on  = [google_storage_bucket_iam_member.blobs]
}
