variable "project_id" {
  description = "Project of the gateway."
  type        = string
}

variable "region" {
  description = "Region of the gateway."
  type        = string
}

variable "labels" {
  description = "Labels of the gateway."
  type        = map(string)
  default     = {}
}

variable "image" {
  description = "Image of the gateway, by digest."
  type        = string

  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "gateway_image must name a digest (…@sha256:…): a tag may change under a running service."
  }
}

variable "service_account" {
  description = "E-mail of the account that the gateway runs as: its own."
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

variable "network_id" {
  description = "Private network."
  type        = string
}

variable "subnet_id" {
  description = "Subnet that the gateway's instances take addresses of."
  type        = string
}

variable "min_instances" {
  description = "Instances that are kept warm."
  type        = number
  default     = 1
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

variable "deletion_protection" {
  description = "Refuse to delete the service in Terraform."
  type        = bool
}
