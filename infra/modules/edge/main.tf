# What the world sees: API Gateway in front of the REST API, a load balancer in front of gRPC.

locals {
  openapi = templatefile("${path.module}/openapi.yaml.tftpl", {
    title         = "CloudTasker ${var.environment}"
    backend       = var.api.uri
    audience      = var.api.audience
    audiences     = join(",", var.audiences)
    project_id    = var.project_id
    has_audiences = length(var.audiences) > 0
    paths         = jsonencode(yamldecode(file("${path.module}/paths.yaml")))
  })
}

resource "google_api_gateway_api" "main" {
  provider = google-beta

  project      = var.project_id
  api_id       = "cloudtasker-${var.environment}"
  display_name = "CloudTasker ${var.environment}"
  labels       = var.labels
}

resource "google_api_gateway_api_config" "main" {
  provider = google-beta

  project              = var.project_id
  api                  = google_api_gateway_api.main.api_id
  api_config_id_prefix = "v1-"
  display_name         = "CloudTasker ${var.environment}"
  labels               = var.labels

  openapi_documents {
    document {
      path     = "openapi.yaml"
      contents = base64encode(local.openapi)
    }
  }

  gateway_config {
    backend_config {
      google_service_account = var.gateway_account
    }
  }

  lifecycle {
    create_before_destroy = true # a gateway always has a configuration
  }
}

resource "google_api_gateway_gateway" "main" {
  provider = google-beta

  project      = var.project_id
  region       = var.region
  gateway_id   = "cloudtasker-${var.environment}"
  api_config   = google_api_gateway_api_config.main.id
  display_name = "CloudTasker ${var.environment}"
  labels       = var.labels
}

# gRPC: HTTPS load balancer, HTTP/2 to the service behind it. Without a domain there is none.

locals {
  grpc = var.grpc_domain == "" ? {} : { main = var.grpc_domain }
}

resource "google_compute_global_address" "grpc" {
  for_each = local.grpc

  project = var.project_id
  name    = "cloudtasker-grpc"
}

resource "google_compute_region_network_endpoint_group" "grpc" {
  for_each = local.grpc

  project               = var.project_id
  region                = var.region
  name                  = "cloudtasker-grpc"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = var.grpc_service
  }
}

resource "google_compute_security_policy" "grpc" {
  for_each = local.grpc

  project = var.project_id
  name    = "cloudtasker-grpc"

  rule {
    action      = "throttle"
    priority    = 1000
    description = "No address more than ${var.requests_per_minute} requests a minute."

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Everybody else; the gateway authenticates callers."

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "grpc" {
  for_each = local.grpc

  project               = var.project_id
  name                  = "cloudtasker-grpc"
  protocol              = "HTTP2"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.grpc[each.key].id

  backend {
    group = google_compute_region_network_endpoint_group.grpc[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

resource "google_compute_url_map" "grpc" {
  for_each = local.grpc

  project         = var.project_id
  name            = "cloudtasker-grpc"
  default_service = google_compute_backend_service.grpc[each.key].id
}

resource "google_compute_managed_ssl_certificate" "grpc" {
  for_each = local.grpc

  project = var.project_id
  name    = "cloudtasker-grpc"

  managed {
    domains = [each.value]
  }
}

resource "google_compute_ssl_policy" "grpc" {
  for_each = local.grpc

  project         = var.project_id
  name            = "cloudtasker-grpc"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "grpc" {
  for_each = local.grpc

  project          = var.project_id
  name             = "cloudtasker-grpc"
  url_map          = google_compute_url_map.grpc[each.key].id
  ssl_certificates = [google_compute_managed_ssl_certificate.grpc[each.key].id]
  ssl_policy       = google_compute_ssl_policy.grpc[each.key].id
}

resource "google_compute_global_forwarding_rule" "grpc" {
  for_each = local.grpc

  project               = var.project_id
  name                  = "cloudtasker-grpc"
  target                = google_compute_target_https_proxy.grpc[each.key].id
  ip_address            = google_compute_global_address.grpc[each.key].id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
