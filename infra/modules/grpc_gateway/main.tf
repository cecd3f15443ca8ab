# The gRPC gateway: a Cloud Run service that speaks HTTP/2 without TLS behind the load balancer. Its
# own authentication is its gate: gRPC clients bring an API key or an ID token of their own, which Cloud
# Run's check would refuse, so everybody may invoke it, and only the load balancer can reach it.

resource "google_cloud_run_v2_service" "main" {
  project             = var.project_id
  location            = var.region
  name                = "grpc-gateway"
  description         = "CloudTasker's API over gRPC."
  labels              = var.labels
  ingress             = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  deletion_protection = var.deletion_protection

  template {
    service_account                  = var.service_account
    timeout                          = "3600s" # a watch streams until its task is final
    max_instance_request_concurrency = 250

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"
      network_interfaces {
        network    = var.network_id
        subnetwork = var.subnet_id
      }
    }

    containers {
      image = var.image

      ports {
        name           = "h2c"
        container_port = 50051
      }

      resources {
        cpu_idle = false # streams send between requests
        limits   = { cpu = "1", memory = "512Mi" }
      }

      startup_probe {
        # Readiness gives Postgres and Pub/Sub two seconds to answer.
        timeout_seconds   = 3
        period_seconds    = 5
        failure_threshold = 12
        grpc {
          port = 50051
        }
      }

      liveness_probe {
        timeout_seconds   = 5
        period_seconds    = 15
        failure_threshold = 4
        grpc {
          port    = 50051
          service = "liveness" # a restart would not bring Postgres back
        }
      }

      dynamic "env" {
        for_each = var.environment
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

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }
}

resource "google_cloud_run_v2_service_iam_member" "load_balancer" {
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.main.name
  role     = "roles/run.invoker"
  member   = "allUsers" # reachable through the load balancer alone; the gateway authenticates callers itself
}
