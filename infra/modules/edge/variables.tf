variable "project_id" {
  description = "Project of the edge."
  type        = string
}

variable "region" {
  description = "Region of API Gateway."
  type        = string
}

variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "labels" {
  description = "Labels of what takes any."
  type        = map(string)
  default     = {}
}

variable "api" {
  description = "Where the REST API is, and the audience of tokens for it."
  type        = object({ uri = string, audience = string })
}

variable "gateway_account" {
  description = "E-mail of the account as which API Gateway calls the REST API."
  type        = string
}

variable "audiences" {
  description = "Audiences of Google ID tokens that callers of the REST API may bring; empty: callers bring API keys of CloudTasker's own, which the API checks."
  type        = list(string)
  default     = []
}

variable "grpc_service" {
  description = "Name of the gRPC gateway's Cloud Run service."
  type        = string
}

variable "grpc_domain" {
  description = "Domain of the gRPC gateway; empty: it is not reachable from outside."
  type        = string
  default     = ""
}

variable "requests_per_minute" {
  description = "gRPC requests that one address may make in a minute."
  type        = number
  default     = 6000

  validation {
    condition     = var.requests_per_minute >= 1 && var.requests_per_minute <= 10000
    error_message = "requests_per_minute must be 1 to 10000."
  }
}
