variable "project_id" {
  description = "Project that the system is deployed to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "project_number" {
  description = "Its number. A variable, so that a plan asks no API for it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be digits; `gcloud projects describe` tells it."
  }
}

variable "region" {
  description = "Region of everything."
  type        = string
}

variable "environment" {
  description = "Name of the environment, part of names and labels."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.environment))
    error_message = "environment must be 2 to 15 lower-case letters, digits and hyphens."
  }
}

variable "functions_dir" {
  description = "Folder with one folder per function; those with a task.yaml are task types."
  type        = string
}

variable "archive" {
  description = "Function archive that `make package` made."
  type        = string
}

variable "functions_image" {
  description = "Image of the functions, by digest: runs the migration and the long task types."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.functions_image))
    error_message = "functions_image must name a digest (…@sha256:…)."
  }
}

variable "gateway_image" {
  description = "Image of the gRPC gateway, by digest."
  type        = string
}

variable "database_tier" {
  description = "Machine type of the database."
  type        = string
}

variable "database_max_connections" {
  description = "Connections that the database takes."
  type        = number
}

variable "redis_memory_size_gb" {
  description = "Size of the cache."
  type        = number
  default     = 1
}

variable "highly_available" {
  description = "Standbys for database and cache."
  type        = bool
}

variable "deletion_protection" {
  description = "Refuse to delete what holds data."
  type        = bool
}

variable "max_instances_per_type" {
  description = "Instances of one task type at the most, whatever its task.yaml says."
  type        = number

  validation {
    condition     = var.max_instances_per_type >= 1 && var.max_instances_per_type <= 1000
    error_message = "max_instances_per_type must be 1 to 1000."
  }
}

variable "api_min_instances" {
  description = "Instances of the REST API that are kept warm."
  type        = number
  default     = 0
}

variable "api_max_instances" {
  description = "Instances of the REST API at the most."
  type        = number
  default     = 10
}

variable "gateway_min_instances" {
  description = "Instances of the gRPC gateway that are kept warm."
  type        = number
  default     = 1
}

variable "gateway_max_instances" {
  description = "Instances of the gRPC gateway at the most."
  type        = number
  default     = 10
}

variable "google_callers" {
  description = "E-mails that may call the API with Google ID tokens; empty: API keys."
  type        = list(string)
  default     = []
}

variable "audiences" {
  description = "Audiences that callers' ID tokens may have."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.google_callers) == 0 || length(var.audiences) > 0
    error_message = "audiences must name at least one when google_callers are given."
  }
}

variable "grpc_domain" {
  description = "Domain of the gRPC gateway; empty: it is not reachable from outside."
  type        = string
  default     = ""
}

variable "alert_emails" {
  description = "Who is told of alerts."
  type        = list(string)

  validation {
    condition     = alltrue([for email in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "alert_emails must be e-mail addresses."
  }
}

variable "runbook_url" {
  description = "Where the runbook is."
  type        = string
  default     = "https://github.com/cloudtasker/cloudtasker/blob/main/infra/RUNBOOK.md"
}

variable "uptime_period_seconds" {
  description = "How often the REST API is asked from outside whether it answers: 60, 300, 600 or 900."
  type        = number
  default     = 60
}

variable "log_retention_days" {
  description = "How long the system's log and the audit log are kept."
  type        = number
}

variable "retention_days" {
  description = "How long the relay keeps tasks after their end, dead ones, and lines of the audit of what people do."
  type = object({
    ended = optional(number, 7)
    dead  = optional(number, 30)
    audit = optional(number, 400)
  })
  default = {}

  validation {
    condition     = alltrue([for days in values(var.retention_days) : days >= 1 && days <= 3650 && floor(days) == days])
    error_message = "retention_days must be whole numbers of 1 to 3650."
  }

  validation {
    condition     = var.retention_days.audit >= 30
    error_message = "retention_days.audit must be at least 30."
  }
}

variable "billing_account" {
  description = "Billing account of the budget; empty: no budget."
  type        = string
  default     = ""
}

variable "budget" {
  description = "Budget of a month, in whole units of the currency."
  type        = number
  default     = 100
}

variable "secret_versions" {
  description = "Version of each secret's value: raise it to write a new one."
  type = object({
    redis_url        = optional(number, 1)
    migrate_password = optional(number, 1)
    webhook_secret   = optional(number, 1)
    smtp_url         = optional(number, 1)
  })
  default = {}
}

variable "migrate_password" {
  description = "Password of the database user that migrates the schema."
  type        = string
  ephemeral   = true
}

variable "webhook_secret" {
  description = "Signs webhooks."
  type        = string
  ephemeral   = true
}

variable "smtp_url" {
  description = "Server that takes e-mail, with user and password."
  type        = string
  ephemeral   = true
}
