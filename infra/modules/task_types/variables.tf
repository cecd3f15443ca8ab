variable "functions_dir" {
  description = "Folder with one folder per function; those with a task.yaml are task types."
  type        = string
}
