variable "project_id" {
  description = "Project to deploy to."
  type        = string
}

variable "project_number" {
  description = "Its number."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be digits; `gcloud projects describe` tells it."
  }
}

variable "region" {
  description = "Region of everything."
  type        = string
  default     = "europe-west1"
}

variable "archive" {
  description = "Function archive that `make package` made."
  type        = string
}

variable "functions_image" {
  description = "Image of the functions, by digest."
  type        = string
}

variable "gateway_image" {
  description = "Image of the gRPC gateway, by digest."
  type        = string
}

variable "alert_emails" {
  description = "Who is told of alerts."
  type        = list(string)
}

variable "migrate_password" {
  description = "Password of the database user that migrates the schema; TF_VAR_migrate_password keeps it out of files."
  type        = string
  ephemeral   = true
}

variable "webhook_secret" {
  description = "Signs webhooks; TF_VAR_webhook_secret keeps it out of files."
  type        = string
  ephemeral   = true
}

variable "retention_days" {
  description = "How long the relay keeps tasks after their end, dead ones, and lines of the audit."
  type = object({
    ended = optional(number, 7)
    dead  = optional(number, 30)
    audit = optional(number, 400)
  })
  default = {}
}

variable "smtp_url" {
  description = "Server that takes e-mail; TF_VAR_smtp_url keeps it out of files."
  type        = string
  ephemeral   = true
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
}

variable "grpc_domain" {
  description = "Domain of the gRPC gateway."
  type        = string
}

variable "billing_account" {
  description = "Billing account of the budget."
  type        = string
}

variable "budget" {
  description = "Budget of a month, in whole units of the currency."
  type        = number
  default     = 1000
}
