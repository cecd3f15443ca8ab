# A function that is called over HTTP: the REST API, the relay, the dead letters.

locals {
  cloud_name = replace(var.name, "_", "-")
  audience   = "https://${local.cloud_name}-${var.project_number}.${var.region}.run.app"
  environment = merge(var.environment, {
    CLOUDTASKER_PUSH_AUTH            = "platform"
    CLOUDTASKER_PUSH_SERVICE_ACCOUNT = var.invoker
    CLOUDTASKER_PUSH_AUDIENCE        = local.audience
    FUNCTION_USE_ASGI                = "true"
    PYTHONPATH                       = "/workspace"
  })
}

resource "google_cloudfunctions2_function" "main" {
  project     = var.project_id
  location    = var.region
  name        = local.cloud_name
  description = var.description
  labels      = var.labels

  build_config {
    runtime           = "python312"
    entry_point       = var.name
    service_account   = var.build.service_account_id
    docker_repository = var.build.repository

    environment_variables = {
      GOOGLE_FUNCTION_SOURCE = "functions/${var.name}/main.py"
    }

    source {
      storage_source {
        bucket = var.build.bucket
        object = var.build.object
      }
    }
  }

  service_config {
    service_account_email = var.service_account
    # API Gateway is not counted as internal; who may call is the invoker grant's to say.
    ingress_settings                 = var.caller == "api" ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    available_cpu                    = "1"
    available_memory                 = "512Mi"
    timeout_seconds                  = var.timeout_seconds
    max_instance_request_concurrency = 80
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    all_traffic_on_latest_revision   = true
    environment_variables            = local.environment
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

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.main.name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${var.invoker}"
}
