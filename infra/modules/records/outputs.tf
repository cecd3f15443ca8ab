output "bucket" {
  description = "Log bucket that the records are in."
  value       = google_logging_project_bucket_config.main.id
}
