# Values to plan with on any machine; a real deployment has its own.
project_id       = "example-prod"
project_number   = "123456789012"
functions_image  = "europe-west1-docker.pkg.dev/example-prod/cloudtasker/functions@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gateway_image    = "europe-west1-docker.pkg.dev/example-prod/cloudtasker/grpc-gateway@sha256:0000000000000000000000000000000000000000000000000000000000000000"
alert_emails     = ["on-call@example.com"]
migrate_password = "example"
webhook_secret   = "example"
smtp_url         = "smtps://user:example@smtp.example.com:465"
grpc_domain      = "grpc.example.com"
billing_account  = "012345-ABCDEF-012345"
google_callers   = ["backend@example-prod.iam.gserviceaccount.com"]
audiences        = ["https://api.example.com"]
