# Values to plan with on any machine; a real deployment has its own.
project_id       = "example-dev"
project_number   = "123456789012"
functions_image  = "europe-west1-docker.pkg.dev/example-dev/cloudtasker/functions@sha256:0000000000000000000000000000000000000000000000000000000000000000"
gateway_image    = "europe-west1-docker.pkg.dev/example-dev/cloudtasker/grpc-gateway@sha256:0000000000000000000000000000000000000000000000000000000000000000"
alert_emails     = ["on-call@example.com"]
migrate_password = "example"
webhook_secret   = "example"
smtp_url         = "smtps://user:example@smtp.example.com:465"
