# The function of one task type: pushed to by Pub/Sub, and callable by nobody else. Work of over ten
# minutes (`mode: long`) goes on after the answer, so it is a Cloud Run service whose CPU stays on.

locals {
  cloud_name = replace(var.task_type, "_", "-")
  long       = var.limits.mode == "long"
  # The address that Cloud Run derives from name and project: known before the service is.
  audience = "https://${local.cloud_name}-${var.project_number}.${var.region}.run.app"
  uri      = local.long ? google_cloud_run_v2_service.main[0].uri : google_cloudfunctions2_function.main[0].service_config[0].uri
  environment = merge(var.environment, {
    CLOUDTASKER_PUSH_AUTH            = "platform"
    CLOUDTASKER_PUSH_SERVICE_ACCOUNT = var.push_account
    CLOUDTASKER_PUSH_AUDIENCE        = local.audience
  })
  # Only the source file's own folder joins the import path by itself.
  short_environment = merge(local.environment, { FUNCTION_USE_ASGI = "true", PYTHONPATH = "/workspace" })
  # The image has an import path of its own, and must be told which function it is.
  long_environment = merge(local.environment, {
    FUNCTION_TARGET = var.task_type
    FUNCTION_SOURCE = "functions/${var.task_type}/main.py"
  })
}

resource "google_cloudfunctions2_function" "main" {
  count = local.long ? 0 : 1

  project     = var.project_id
  location    = var.region
  name        = local.cloud_name
  description = var.limits.description
  labels      = merge(var.labels, { task_type = var.task_type })

  build_config {
    runtime           = "python312"
    entry_point       = var.task_type
    service_account   = var.build.service_account_id
    docker_repository = var.build.repository

    environment_variables = {
      GOOGLE_FUNCTION_SOURCE = "functions/${var.task_type}/main.py"
    }

    source {
      storage_source {
        bucket = var.build.bucket
        object = var.build.object
      }
    }
  }

  service_config {
    service_account_email            = var.service_account
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    available_cpu                    = tostring(var.limits.cpu)
    available_memory                 = "${var.limits.memory_mb}Mi"
    timeout_seconds                  = var.limits.ack_deadline_seconds
    max_instance_request_concurrency = var.limits.concurrency
    max_instance_count               = var.limits.max_instances
    all_traffic_on_latest_revision   = true
    environment_variables            = local.short_environment
    vpc_connector                    = var.connector_id
    vpc_connector_egress_settings    = "PRIVATE_RANGES_ONLY"

    dynamic "secret_environment_variables" {
      for_each = var.secret_environment
      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }
}

resource "google_cloud_run_v2_service" "main" {
  count = local.long ? 1 : 0

  project             = var.project_id
  location            = var.region
  name                = local.cloud_name
  description         = var.limits.description
  labels              = merge(var.labels, { task_type = var.task_type })
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = false # holds no data

  template {
    service_account                  = var.service_account
    timeout                          = "${var.limits.ack_deadline_seconds}s"
    max_instance_request_concurrency = var.limits.concurrency

    scaling {
      # An instance without requests is taken away after a quarter of an hour, whatever it works on.
      min_instance_count = var.limits.time_limit_seconds > 900 ? 1 : 0
      max_instance_count = var.limits.max_instances
    }

    vpc_access {
      connector = var.connector_id
      egress    = "PRIVATE_RANGES_ONLY"
    }

    containers {
      image = var.image

      resources {
        cpu_idle = false # the work goes on after the ack
        limits = {
          cpu    = tostring(var.limits.cpu)
          memory = "${var.limits.memory_mb}Mi"
        }
      }

      startup_probe {
        # Readiness gives Postgres two seconds to answer.
        timeout_seconds   = 3
        period_seconds    = 5
        failure_threshold = 12
        http_get {
          path = "/ready"
        }
      }

      liveness_probe {
        timeout_seconds   = 5
        period_seconds    = 15
        failure_threshold = 4
        http_get {
          path = "/health" # a restart would not bring Postgres back
        }
      }

      dynamic "env" {
        for_each = local.long_environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secret_environment
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }
}

# Pub/Sub's pushes come as this account. A function is a Cloud Run service: its invokers stand there.
resource "google_cloud_run_v2_service_iam_member" "push" {
  project  = var.project_id
  location = var.region
  name     = local.long ? google_cloud_run_v2_service.main[0].name : google_cloudfunctions2_function.main[0].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.push_account}"
}
