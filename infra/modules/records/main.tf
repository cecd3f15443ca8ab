# What must be found later: who read a secret or changed a grant, and what the system logged. Kept in a
# bucket of its own, for as long as the environment says.

locals {
  # Reads of secrets are few and matter. Pub/Sub's own data access would be a line for every message
  # and ack, which the tasks' rows tell already.
  audited = {
    "secretmanager.googleapis.com" = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
    "iam.googleapis.com"           = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
    "pubsub.googleapis.com"        = ["ADMIN_READ"]
    "cloudsql.googleapis.com"      = ["ADMIN_READ", "DATA_WRITE"]
  }
}

resource "google_project_iam_audit_config" "main" {
  for_each = local.audited

  project = var.project_id
  service = each.key

  dynamic "audit_log_config" {
    for_each = each.value
    content {
      log_type = audit_log_config.value
    }
  }
}

resource "google_logging_project_bucket_config" "main" {
  project        = var.project_id
  location       = var.region
  bucket_id      = "cloudtasker"
  description    = "Events of the system, and who looked at what."
  retention_days = var.retention_days
}

# A sink to a bucket of its own project needs no grant.
resource "google_logging_project_sink" "main" {
  project                = var.project_id
  name                   = "cloudtasker"
  description            = "Events of the system, and who looked at what."
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.main.id}"
  filter                 = "jsonPayload.event:* OR log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\")"
  unique_writer_identity = true
}
