variable "project_id" {
  description = "Project of the function."
  type        = string
}

variable "project_number" {
  description = "Its number, part of the function's address."
  type        = string
}

variable "region" {
  description = "Region of the function."
  type        = string
}

variable "labels" {
  description = "Labels of the function."
  type        = map(string)
  default     = {}
}

variable "task_type" {
  description = "Name of the task type, which is the name of its folder and of its target."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{1,22}[a-z0-9]$", var.task_type)) && !endswith(var.task_type, "_dead")
    error_message = "task type ${var.task_type}: the name must match ^[a-z][a-z0-9_]{1,22}[a-z0-9]$ and not end with _dead."
  }
}

variable "limits" {
  description = "What of task.yaml concerns the function."
  type = object({
    description          = string
    time_limit_seconds   = number
    ack_deadline_seconds = number
    mode                 = string
    cpu                  = number
    memory_mb            = number
    concurrency          = number
    max_instances        = number
  })
}

variable "service_account" {
  description = "E-mail of the account that the function runs as: its own."
  type        = string
}

variable "push_account" {
  description = "E-mail of the account that pushes come as."
  type        = string
}

variable "environment" {
  description = "Environment of every workload."
  type        = map(string)
}

variable "secret_environment" {
  description = "Secrets (short names) by the environment variable that they become."
  type        = map(string)
  default     = {}
}

variable "connector_id" {
  description = "Connector to the private network."
  type        = string
}

variable "build" {
  description = "Where the source is, the account that builds it, and the repository that it builds to."
  type        = object({ bucket = string, object = string, service_account_id = string, repository = string })
}

variable "image" {
  description = "Image of the functions, by digest; `mode: long` runs it."
  type        = string
  default     = ""

  validation {
    condition     = var.limits.mode == "short" || can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "task type ${var.task_type}: mode long needs functions_image, by digest (…@sha256:…)."
  }
}
