variable "project_id" {
  description = "Project of the network."
  type        = string
}

variable "region" {
  description = "Region of the subnets."
  type        = string
}

variable "name" {
  description = "Name of the network and prefix of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$", var.name))
    error_message = "name must be at most 24 lower-case letters, digits and hyphens: a connector's may not be longer."
  }
}

variable "subnet_range" {
  description = "Addresses of Cloud Run services that egress directly."
  type        = string
  default     = "10.8.0.0/24"
}

variable "connector_range" {
  description = "Addresses of the connector: a /28 of its own."
  type        = string
  default     = "10.8.1.0/28"

  validation {
    condition     = endswith(var.connector_range, "/28")
    error_message = "connector_range must be a /28."
  }
}

variable "connector_max_instances" {
  description = "How far the connector scales."
  type        = number
  default     = 3

  validation {
    condition     = var.connector_max_instances >= 3 && var.connector_max_instances <= 10
    error_message = "connector_max_instances must be 3 to 10."
  }
}
