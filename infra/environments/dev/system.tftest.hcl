# The whole of dev, applied to providers that only pretend.

variables {
  archive = "cloudtasker-0000000000000000000000000000000000000000000000000000000000000000.zip"
}

run "applies" {
  command = apply

  assert {
    condition     = startswith(output.enqueue_url, "https://enqueue-")
    error_message = "The enqueue function has an address."
  }
}

run "refuses_a_project_number_that_is_none" {
  command = plan

  variables {
    project_number = "my-project"
  }

  expect_failures = [var.project_number]
}
