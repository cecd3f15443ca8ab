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

variable "name" {
  description = "Name of the function's folder, which is its target."
  type        = string
}

variable "description" {
  description = "One sentence for people who see it in the console."
  type        = string
}

variable "caller" {
  description = "Who calls it: `api` (API Gateway) or `platform` (Pub/Sub, Cloud Scheduler)."
  type        = string

  validation {
    condition     = contains(["api", "platform"], var.caller)
    error_message = "caller must be api or platform."
  }
}

variable "invoker" {
  description = "E-mail of the one account that may call it."
  type        = string
}

variable "service_account" {
  description = "E-mail of the account that the function runs as: its own."
  type        = string
}

variable "environment" {
  description = "Environment of every workload, and this one's own."
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

variable "timeout_seconds" {
  description = "How long a request may take."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600
    error_message = "timeout_seconds must be 1 to 3600."
  }
}

variable "min_instances" {
  description = "Instances that are kept warm."
  type        = number
  default     = 0
}

variable "max_instances" {
  description = "Instances at the most."
  type        = number
  default     = 10

  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 1000
    error_message = "max_instances must be 1 to 1000."
  }
}

variable "build" {
  description = "Where the source is, the account that builds it, and the repository that it builds to."
  type        = object({ bucket = string, object = string, service_account_id = string, repository = string })
}
