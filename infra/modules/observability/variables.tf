variable "project_id" {
  description = "Project that is watched."
  type        = string
}

variable "labels" {
  description = "Labels of the alert policies."
  type        = map(string)
  default     = {}
}

variable "emails" {
  description = "Who is told."
  type        = list(string)
}

variable "subscriptions" {
  description = "Push subscription by task type."
  type        = map(string)
}

variable "dead_letter_subscriptions" {
  description = "Subscriptions of dead letters by task type."
  type        = map(object({ push = string, hold = string }))
}

variable "oldest_message_seconds" {
  description = "Age of a waiting message that somebody should know of."
  type        = number
  default     = 900

  validation {
    condition     = var.oldest_message_seconds >= 60
    error_message = "oldest_message_seconds must be at least 60: the metric is that coarse."
  }
}

variable "relay_service" {
  description = "Cloud Run service of the relay."
  type        = string
}

variable "relay_lag_seconds" {
  description = "By how much a due task may be late before somebody is told."
  type        = number
  default     = 120

  validation {
    condition     = var.relay_lag_seconds >= 30
    error_message = "relay_lag_seconds must be at least 30: a relay that restarts is that late."
  }
}

variable "success_goal" {
  description = "Share of tasks that end well."
  type        = number
  default     = 0.995

  validation {
    condition     = var.success_goal > 0 && var.success_goal < 1
    error_message = "success_goal must be between 0 and 1."
  }
}

variable "latency_goal" {
  description = "Share of messages acked within a minute."
  type        = number
  default     = 0.99

  validation {
    condition     = var.latency_goal > 0 && var.latency_goal < 1
    error_message = "latency_goal must be between 0 and 1."
  }
}

variable "runbook_url" {
  description = "Where the runbook is."
  type        = string
}

variable "time_limits_seconds" {
  description = "Time limit of each task type."
  type        = map(number)
}

variable "max_instances" {
  description = "Instances that each Cloud Run service has at the most, by its name."
  type        = map(number)
}

variable "api_host" {
  description = "Host by which callers reach the REST API."
  type        = string
}

variable "uptime_period_seconds" {
  description = "How often the REST API is asked from outside; each call keeps an instance of it alive."
  type        = number
  default     = 60

  validation {
    condition     = contains([60, 300, 600, 900], var.uptime_period_seconds)
    error_message = "uptime_period_seconds must be 60, 300, 600 or 900."
  }
}
