# Postgres, which remembers every task, and Redis, which makes it quick. Both private.

locals {
  # Cloud SQL logs by flags; each one here is a check of the security benchmark.
  flags = merge({
    "cloudsql.iam_authentication" = "on"
    "cloudsql.enable_pgaudit"     = "on"
    "log_checkpoints"             = "on"
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_duration"                = "off"
    "log_hostname"                = "off"
    "log_lock_waits"              = "on"
    "log_min_error_statement"     = "error"
    "log_statement"               = "ddl"
    "max_connections"             = tostring(var.max_connections)
    "pgaudit.log"                 = "ddl"
  }, var.database_flags)
}

resource "google_sql_database_instance" "main" {
  project             = var.project_id
  region              = var.region
  name                = var.name
  database_version    = "POSTGRES_18" # which the tests run on
  deletion_protection = var.deletion_protection

  settings {
    edition                     = "ENTERPRISE"
    tier                        = var.tier
    availability_type           = var.highly_available ? "REGIONAL" : "ZONAL"
    disk_size                   = var.disk_size_gb
    disk_autoresize             = true
    disk_type                   = "PD_SSD"
    deletion_protection_enabled = var.deletion_protection
    connector_enforcement       = "REQUIRED"
    user_labels                 = var.labels

    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network_id
      ssl_mode        = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.retained_backups
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = true
    }

    dynamic "database_flags" {
      for_each = local.flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    precondition {
      condition     = var.connections_needed <= var.max_connections - 10
      error_message = "All instances together may open ${var.connections_needed} connections; the database takes ${var.max_connections}, of which 10 are kept for people. Lower max_instances in task.yaml, or raise max_connections."
    }
  }
}

resource "google_sql_database" "main" {
  project  = var.project_id
  instance = google_sql_database_instance.main.name
  name     = "cloudtasker"
  # Connections keep it from being dropped; it goes with its instance.
  deletion_policy = "ABANDON"
}

# Makes the schema and grants the others their role: a built-in user, for the API gives IAM users none.
resource "google_sql_user" "migrate" {
  project             = var.project_id
  instance            = google_sql_database_instance.main.name
  name                = "migrate"
  type                = "BUILT_IN"
  password_wo         = var.migrate_password
  password_wo_version = var.migrate_password_version
  deletion_policy     = "ABANDON" # Postgres drops no user that owns tables; it goes with its instance
}

# IAM users: no password exists. Cloud SQL wants the e-mail without its last part.
resource "google_sql_user" "workload" {
  for_each = { for workload, email in var.workloads : workload => email if workload != "migrate" }

  project  = var.project_id
  instance = google_sql_database_instance.main.name
  name     = trimsuffix(each.value, ".gserviceaccount.com")
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
  # Postgres drops no user that has grants; it goes with its instance.
  deletion_policy = "ABANDON"
}

resource "google_project_iam_member" "sql_client" {
  for_each = var.workloads

  project = var.project_id
  role    = "roles/cloudsql.client"
  member  = "serviceAccount:${each.value}"

  condition {
    title      = "only ${var.name}"
    expression = "resource.name == 'projects/${var.project_id}/instances/${var.name}' && resource.service == 'sqladmin.googleapis.com'"
  }
}

resource "google_project_iam_member" "sql_user" {
  for_each = { for workload, email in var.workloads : workload => email if workload != "migrate" }

  project = var.project_id
  role    = "roles/cloudsql.instanceUser"
  member  = "serviceAccount:${each.value}"

  condition {
    title      = "only ${var.name}"
    expression = "resource.name == 'projects/${var.project_id}/instances/${var.name}' && resource.service == 'sqladmin.googleapis.com'"
  }
}

resource "google_redis_instance" "main" {
  project                 = var.project_id
  region                  = var.region
  name                    = var.name
  tier                    = var.highly_available ? "STANDARD_HA" : "BASIC"
  memory_size_gb          = var.redis_memory_size_gb
  redis_version           = "REDIS_7_2"
  authorized_network      = var.network_id
  connect_mode            = "PRIVATE_SERVICE_ACCESS"
  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"
  labels                  = var.labels

  # A cache of rows that Postgres has: the oldest may go.
  redis_configs = {
    maxmemory-policy = "allkeys-lru"
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"
      start_time {
        hours   = 3
        minutes = 0
        nanos   = 0
        seconds = 0
      }
    }
  }
}

# Payloads that are too large for a row; the relay deletes each with its task.
resource "google_storage_bucket" "blobs" {
  project                     = var.project_id
  name                        = "${var.project_id}-cloudtasker-blobs"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = true
  }

  # What was deleted by mistake can be had back for a week.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 7
    }
  }

  # A backstop beyond any task's life: a year's delay, and a year on the desk.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 800
    }
  }
}

# What enqueues writes, and takes back what a repeat made useless; the relay lists and deletes.
resource "google_storage_bucket_iam_member" "blobs" {
  for_each = var.blob_roles

  bucket = google_storage_bucket.blobs.name
  role   = each.value
  member = "serviceAccount:${var.workloads[each.key]}"
}
