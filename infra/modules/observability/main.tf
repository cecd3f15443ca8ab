# Metrics from the log, objectives with burn-rate alerts, alerts on what fails silently, a dashboard.

locals {
  # Events of the log by what they count; a test compares them with the code's own list.
  events = {
    task_succeeded     = "Attempts whose result is recorded."
    task_failed        = "Attempts that failed and will be retried."
    task_dead          = "Tasks that were given up on."
    task_rejected      = "Tasks that were dead at once."
    fault              = "Errors that no code expected."
    misconfigured      = "Processes that cannot work as they are set up."
    token_refused      = "Callers that did not prove who they are."
    ledger_unavailable = "Times that Postgres did not answer."
  }
  # Of these, the ones that somebody must mend.
  defects             = ["fault", "misconfigured", "dead_letters_stuck"]
  subscription_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id ="
  channels            = [for channel in google_monitoring_notification_channel.email : channel.id]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  project      = var.project_id
  display_name = "CloudTasker: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
}

resource "google_logging_metric" "event" {
  for_each = local.events

  project     = var.project_id
  name        = "cloudtasker/${each.key}"
  description = each.value
  filter      = "resource.type = \"cloud_run_revision\" AND jsonPayload.event = \"${each.key}\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key         = "task_type"
      value_type  = "STRING"
      description = "Task type, empty where none is known."
    }
  }

  label_extractors = {
    task_type = "EXTRACT(jsonPayload.task_type)"
  }
}

resource "google_logging_metric" "run_milliseconds" {
  project         = var.project_id
  name            = "cloudtasker/run_milliseconds"
  description     = "How long handlers ran."
  filter          = "resource.type = \"cloud_run_revision\" AND jsonPayload.event = \"task_succeeded\""
  value_extractor = "EXTRACT(jsonPayload.duration_ms)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "ms"

    labels {
      key        = "task_type"
      value_type = "STRING"
    }
  }

  label_extractors = {
    task_type = "EXTRACT(jsonPayload.task_type)"
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 32
      growth_factor      = 1.6
      scale              = 1
    }
  }
}

# A round that finds nothing writes no line, so the points are those of rounds that had something.
resource "google_logging_metric" "relay_lag_seconds" {
  project         = var.project_id
  name            = "cloudtasker/relay_lag_seconds"
  description     = "How long the most overdue task had waited when the relay took it up."
  filter          = "resource.type = \"cloud_run_revision\" AND jsonPayload.event = \"relay_round\""
  value_extractor = "EXTRACT(jsonPayload.lag_seconds)"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 32
      growth_factor      = 1.6
      scale              = 1
    }
  }
}

# One alert a subscription: what waits too long.
resource "google_monitoring_alert_policy" "backlog" {
  for_each = var.subscriptions

  project               = var.project_id
  display_name          = "CloudTasker: ${each.key} waits too long"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = merge(var.labels, { task_type = each.key })

  conditions {
    display_name = "oldest message of ${each.value} over ${var.oldest_message_seconds} s"

    condition_threshold {
      filter          = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.subscription_filter} \"${each.value}\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.oldest_message_seconds
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The function of task type `${each.key}` is away, slow or refuses. ${local.runbook}#a-backlog-grows"
  }
}

# One alert a subscription: what is given up on.
resource "google_monitoring_alert_policy" "dead_letters" {
  for_each = var.dead_letter_subscriptions

  project               = var.project_id
  display_name          = "CloudTasker: ${each.key} has dead letters"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = merge(var.labels, { task_type = each.key })

  conditions {
    display_name = "messages on ${each.value.hold}"

    condition_threshold {
      filter          = "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND ${local.subscription_filter} \"${each.value.hold}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  conditions {
    display_name = "dead letters wait on ${each.value.push}"

    condition_threshold {
      filter          = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.subscription_filter} \"${each.value.push}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 600
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Tasks of type `${each.key}` are dead. ${local.runbook}#tasks-are-dead"
  }
}

locals {
  runbook = "See ${var.runbook_url}"

  platform_alerts = {
    push_errors = {
      title     = "pushes are not acked"
      filter    = "metric.type = \"pubsub.googleapis.com/subscription/push_request_count\" AND resource.type = \"pubsub_subscription\" AND metric.labels.response_class != \"ack\""
      threshold = 0.5 # a second; Pub/Sub slows a subscription that is nacked much, to about two
      aligner   = "ALIGN_RATE"
      anchor    = "pushes-are-not-acked"
    }
    server_errors = {
      title     = "the services answer with errors"
      filter    = "metric.type = \"run.googleapis.com/request_count\" AND resource.type = \"cloud_run_revision\" AND metric.labels.response_code_class = \"5xx\""
      threshold = 1
      aligner   = "ALIGN_RATE"
      anchor    = "the-services-answer-with-errors"
    }
    database_cpu = {
      title     = "the database is busy"
      filter    = "metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\" AND resource.type = \"cloudsql_database\""
      threshold = 0.9
      aligner   = "ALIGN_MEAN"
      anchor    = "the-database-is-full-or-busy"
    }
    database_disk = {
      title     = "the database's disk is full"
      filter    = "metric.type = \"cloudsql.googleapis.com/database/disk/utilization\" AND resource.type = \"cloudsql_database\""
      threshold = 0.9
      aligner   = "ALIGN_MEAN"
      anchor    = "the-database-is-full-or-busy"
    }
    cache_memory = {
      title     = "the cache is full"
      filter    = "metric.type = \"redis.googleapis.com/stats/memory/usage_ratio\" AND resource.type = \"redis_instance\""
      threshold = 0.95
      aligner   = "ALIGN_MEAN"
      anchor    = "the-cache-is-full"
    }
  }
}

resource "google_monitoring_alert_policy" "platform" {
  for_each = local.platform_alerts

  project               = var.project_id
  display_name          = "CloudTasker: ${each.value.title}"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = "300s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = each.value.aligner
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.runbook}#${each.value.anchor}"
  }
}

# At the first line of such an event: a defect is one too many, and a threshold would wait for more.
resource "google_monitoring_alert_policy" "defects" {
  project               = var.project_id
  display_name          = "CloudTasker: an error that no code expected"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "an event of a defect"

    condition_matched_log {
      filter = join(" AND ", [
        "(resource.type = \"cloud_run_revision\" OR resource.type = \"cloud_run_job\")",
        "(${join(" OR ", [for event in local.defects : "jsonPayload.event = \"${event}\""])})",
      ])
      label_extractors = {
        event     = "EXTRACT(jsonPayload.event)"
        task_type = "EXTRACT(jsonPayload.task_type)"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.runbook}#an-error-that-no-code-expected"
  }
}

# Late by the median of five minutes, so that the end of an outage tells nobody; or away: no call of
# the scheduler is answered well, as when it is paused, refused, or the database does not answer.
resource "google_monitoring_alert_policy" "relay" {
  project               = var.project_id
  display_name          = "CloudTasker: the relay is behind"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "tasks are due for over ${var.relay_lag_seconds} s"

    condition_threshold {
      filter          = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.relay_lag_seconds.name}\" AND resource.type = \"cloud_run_revision\""
      comparison      = "COMPARISON_GT"
      threshold_value = var.relay_lag_seconds
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_PERCENTILE_50"
        cross_series_reducer = "REDUCE_MAX"
      }
    }
  }

  conditions {
    display_name = "no call of it has succeeded for ten minutes"

    condition_absent {
      filter   = "metric.type = \"run.googleapis.com/request_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${var.relay_service}\" AND metric.labels.response_code_class = \"2xx\""
      duration = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Delayed tasks, retries and lost messages come late. ${local.runbook}#the-relay-is-behind"
  }
}

# One alert a service: nothing more can start when the load grows. A service of one instance is at its
# maximum whenever it works.
resource "google_monitoring_alert_policy" "instances" {
  for_each = { for service, most in var.max_instances : service => most if most > 1 }

  project               = var.project_id
  display_name          = "CloudTasker: ${each.key} is near its maximum of instances"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "over nine tenths of ${each.value} instances"

    condition_threshold {
      filter          = "metric.type = \"run.googleapis.com/container/instance_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${each.key}\" AND metric.labels.state = \"active\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0.9 * each.value
      duration        = "600s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = ["resource.label.service_name"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.runbook}#a-service-is-near-its-maximum-of-instances"
  }
}

# One alert a subscription: handlers that take nearly as long as they may.
resource "google_monitoring_alert_policy" "push_latency" {
  for_each = var.subscriptions

  project               = var.project_id
  display_name          = "CloudTasker: ${each.key} is answered late"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = merge(var.labels, { task_type = each.key })

  conditions {
    display_name = "99 of 100 pushes to ${each.value} take over nine tenths of ${var.time_limits_seconds[each.key]} s"

    condition_threshold {
      filter          = "metric.type = \"pubsub.googleapis.com/subscription/push_request_latencies\" AND ${local.subscription_filter} \"${each.value}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0.9 * var.time_limits_seconds[each.key] * 1000000 # the metric is in microseconds
      duration        = "300s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_PERCENTILE_99"
        cross_series_reducer = "REDUCE_MAX"
        group_by_fields      = ["resource.label.subscription_id"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Handlers of `${each.key}` take nearly as long as they may. ${local.runbook}#handlers-take-nearly-as-long-as-they-may"
  }
}

# From outside, by the way that callers take.
resource "google_monitoring_uptime_check_config" "api" {
  project      = var.project_id
  display_name = "CloudTasker: the REST API answers"
  timeout      = "10s"
  period       = "${var.uptime_period_seconds}s"
  user_labels  = var.labels

  http_check {
    path         = "/health"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }

  content_matchers {
    content = "true"
    matcher = "MATCHES_JSON_PATH"
    json_path_matcher {
      json_path    = "$.healthy"
      json_matcher = "EXACT_MATCH"
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = var.api_host
    }
  }
}

resource "google_monitoring_alert_policy" "api_away" {
  project               = var.project_id
  display_name          = "CloudTasker: the REST API does not answer"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "checks from more than one place fail"

    condition_threshold {
      filter          = "metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type = \"uptime_url\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.api.uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"

      aggregations {
        alignment_period     = "1200s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.runbook}#the-rest-api-does-not-answer"
  }
}

# Objectives: tasks that end well, and tasks that start soon.

resource "google_monitoring_custom_service" "main" {
  project      = var.project_id
  service_id   = "cloudtasker"
  display_name = "CloudTasker"
}

resource "google_monitoring_slo" "success" {
  project             = var.project_id
  service             = google_monitoring_custom_service.main.service_id
  slo_id              = "attempts-succeed"
  display_name        = "Attempts succeed"
  goal                = var.success_goal
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      good_service_filter = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.event["task_succeeded"].name}\" AND resource.type = \"cloud_run_revision\""
      bad_service_filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.event["task_dead"].name}\" AND resource.type = \"cloud_run_revision\""
    }
  }
}

resource "google_monitoring_slo" "latency" {
  project             = var.project_id
  service             = google_monitoring_custom_service.main.service_id
  slo_id              = "messages-are-acked-soon"
  display_name        = "Messages are acked within a minute"
  goal                = var.latency_goal
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = "metric.type = \"pubsub.googleapis.com/subscription/ack_latencies\" AND resource.type = \"pubsub_subscription\""
      range {
        max = 60000
      }
    }
  }
}

locals {
  objectives = {
    success = google_monitoring_slo.success.id
    latency = google_monitoring_slo.latency.id
  }
  # The budget of 28 days gone in 2 days, or in 5: people are told sooner of the faster.
  burns = {
    fast = { rate = 14.4, window = "3600s", severity = "CRITICAL" }
    slow = { rate = 6, window = "21600s", severity = "WARNING" }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = {
    for pair in setproduct(keys(local.objectives), keys(local.burns)) :
    "${pair[0]}-${pair[1]}" => { objective = local.objectives[pair[0]], burn = local.burns[pair[1]], name = pair[0] }
  }

  project               = var.project_id
  display_name          = "CloudTasker: error budget of ${each.value.name} burns ${each.value.burn.rate} times too fast"
  combiner              = "OR"
  severity              = each.value.burn.severity
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "burn rate over ${each.value.burn.rate}"

    condition_threshold {
      filter          = "select_slo_burn_rate(\"${each.value.objective}\", \"${each.value.burn.window}\")"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.burn.rate
      duration        = "0s"
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${local.runbook}#an-error-budget-burns"
  }
}

resource "google_monitoring_dashboard" "main" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = "CloudTasker"
    mosaicLayout = {
      columns = 12
      tiles = [
        for position, chart in local.charts : {
          xPos   = (position % 2) * 6
          yPos   = floor(position / 2) * 4
          width  = 6
          height = 4
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "60s"
                      perSeriesAligner   = chart.aligner
                      crossSeriesReducer = chart.reducer
                      groupByFields      = [chart.by]
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })
}

locals {
  charts = [
    {
      title   = "Attempts that succeeded, a second"
      filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.event["task_succeeded"].name}\""
      aligner = "ALIGN_RATE"
      reducer = "REDUCE_SUM"
      by      = "metric.label.task_type"
    },
    {
      title   = "Attempts that failed, a second"
      filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.event["task_failed"].name}\""
      aligner = "ALIGN_RATE"
      reducer = "REDUCE_SUM"
      by      = "metric.label.task_type"
    },
    {
      title   = "Run time, 95 of 100"
      filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.run_milliseconds.name}\""
      aligner = "ALIGN_PERCENTILE_95"
      reducer = "REDUCE_MAX"
      by      = "metric.label.task_type"
    },
    {
      title   = "Tasks given up on"
      filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.event["task_dead"].name}\""
      aligner = "ALIGN_DELTA"
      reducer = "REDUCE_SUM"
      by      = "metric.label.task_type"
    },
    {
      title   = "Relay's lag, seconds"
      filter  = "metric.type = \"logging.googleapis.com/user/${google_logging_metric.relay_lag_seconds.name}\""
      aligner = "ALIGN_PERCENTILE_95"
      reducer = "REDUCE_MAX"
      by      = "resource.label.service_name"
    },
    {
      title   = "Messages waiting"
      filter  = "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type = \"pubsub_subscription\""
      aligner = "ALIGN_MAX"
      reducer = "REDUCE_SUM"
      by      = "resource.label.subscription_id"
    },
    {
      title   = "Oldest message, seconds"
      filter  = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type = \"pubsub_subscription\""
      aligner = "ALIGN_MAX"
      reducer = "REDUCE_MAX"
      by      = "resource.label.subscription_id"
    },
  ]
}
