variable "project_id" {
  description = "Project to turn the APIs on in."
  type        = string
}
