# Reads functions/*/task.yaml with the defaults, the ranges and the words of the Python code, which
# reads the same files: what one refuses, the other refuses too.

locals {
  files = fileset(var.functions_dir, "*/task.yaml")
  texts = { for file in local.files : dirname(file) => file("${var.functions_dir}/${file}") }
  # What each file says, and of that what is not null: that is looked at by itself.
  said = { for name, text in local.texts : name => try(merge(yamldecode(text)), {}) }
  given = {
    for name, said in local.said : name => merge(
      { for key, value in said : key => value if value != null },
      try({ retry = { for key, value in said.retry : key => value if value != null } }, {}),
    )
  }

  task_types = {
    for name, given in local.given : name => {
      description        = try(tostring(given.description), "")
      labels             = try({ for key, value in given.labels : key => tostring(value) }, {})
      time_limit_seconds = try(tonumber(given.time_limit_seconds), 60)
      ack_deadline_seconds = try(tonumber(given.ack_deadline_seconds), (
        try(given.mode, "short") == "long" ? 60 : min(max(try(tonumber(given.time_limit_seconds), 60) + 30, 10), 600)
      ))
      max_attempts      = try(tonumber(given.max_attempts), 5)
      retry_by          = try(tostring(given.retry.by), try(given.mode, "short") == "long" ? "ledger" : "pubsub")
      retry_min_seconds = try(tonumber(given.retry.min_seconds), 10)
      retry_max_seconds = try(tonumber(given.retry.max_seconds), 600)
      mode              = try(tostring(given.mode), "short")
      cpu               = try(tonumber(given.cpu), 1)
      memory_mb         = try(tonumber(given.memory_mb), 512)
      concurrency       = try(tonumber(given.concurrency), 80)
      max_instances     = try(tonumber(given.max_instances), 100)
      ordering          = try(tobool(given.ordering), false)
      limited           = anytrue([for key, _ in local.turn_numbers : try(given[key], null) != null])
    }
  }

  numbers = {
    time_limit_seconds   = { least = 1, most = 86400, whole = true }
    ack_deadline_seconds = { least = 10, most = 600, whole = true }
    max_attempts         = { least = 5, most = 100, whole = true }
    cpu                  = { least = 0.08, most = 8, whole = false }
    memory_mb            = { least = 128, most = 32768, whole = true }
    concurrency          = { least = 1, most = 1000, whole = true }
    max_instances        = { least = 1, most = 1000, whole = true }
  }
  # How many run at once and how often: the functions' own affair, so only checked here.
  turn_numbers = {
    max_concurrent         = { least = 1, most = 10000, whole = true }
    max_concurrent_per_key = { least = 1, most = 10000, whole = true }
    rate_per_second        = { least = 0.01, most = 10000, whole = false }
  }
  retry_numbers = {
    min_seconds = { least = 0, most = 600, whole = false }
    max_seconds = { least = 0, most = 600, whole = false }
  }
  known       = concat(keys(local.numbers), keys(local.turn_numbers), ["description", "labels", "retry", "mode", "ordering", "non_retryable", "schedules"])
  class_name  = "^[A-Za-z_][A-Za-z0-9_]*$"
  known_retry = concat(keys(local.retry_numbers), ["by"])

  # What a field begins with, written as JSON, when it is of the right kind.
  kinds = {
    description   = { begins = "\"", problem = "Input should be a valid string" }
    labels        = { begins = "{", problem = "Input should be an object" }
    retry         = { begins = "{", problem = "Input should be an object" }
    non_retryable = { begins = "[", problem = "Input should be a valid list" }
    schedules     = { begins = "[", problem = "Input should be a valid tuple" }
  }
  nulls = merge(
    { for key, range in local.numbers : key => "Input should be a valid ${range.whole ? "integer" : "number"}" },
    { mode = "Input should be 'short' or 'long'", ordering = "Input should be a valid boolean" },
  )
  null_retries = merge(
    { for key, _ in local.retry_numbers : key => "Input should be a valid number" },
    { by = "Input should be 'pubsub' or 'ledger'" },
  )
  kind_problems = flatten([
    for name, said in local.said : concat(
      [for key, kind in local.kinds : { name = name, field = key, problem = kind.problem } if can(said[key]) && !startswith(jsonencode(try(said[key], null)), kind.begins)],
      [for key, problem in local.nulls : { name = name, field = key, problem = problem } if can(said[key]) && try(said[key], 0) == null],
      [for key, problem in local.null_retries : { name = name, field = "retry.${key}", problem = problem } if can(said.retry[key]) && try(said.retry[key], 0) == null],
      [for key, value in try({ for key, value in said.labels : key => value if can(keys(said.labels)) }, {}) : { name = name, field = "labels.${key}", problem = "Input should be a valid string" } if !startswith(jsonencode(value), "\"")],
    )
  ])

  known_schedule = ["name", "cron", "time_zone", "payload", "missed"]

  # The relay reads the schedules from the files; here only their form is looked at. Whether a cron
  # is one, and whether a payload fits, is what Python's catalogue says.
  schedules = flatten([
    for name, given in local.given : [
      for place, schedule in try([for one in given.schedules : one], []) :
      { name = name, field = "schedules.${place}", said = schedule }
    ]
  ])
  schedule_problems = flatten([
    for one in local.schedules : concat(
      [for key in setsubtract(try(keys(one.said), []), local.known_schedule) : { name = one.name, field = "${one.field}.${key}", problem = "Extra inputs are not permitted" }],
      [for key in ["name", "cron"] : { name = one.name, field = "${one.field}.${key}", problem = "Field required" } if !can(one.said[key])],
      can(one.said.name) && !can(regex("^[a-z][a-z0-9_.-]{0,62}$", one.said.name)) ? [{ name = one.name, field = "${one.field}.name", problem = "String should match pattern '^[a-z][a-z0-9_.-]{0,62}$'" }] : [],
      contains(["skip", "run_once", "run_all"], try(one.said.missed, "run_once")) ? [] : [{ name = one.name, field = "${one.field}.missed", problem = "Input should be 'skip', 'run_once' or 'run_all'" }],
    )
  ])

  # Every number that a file gives, with its field.
  given_numbers = flatten([
    for name, given in local.given : concat(
      [
        for key, range in local.numbers : merge(range, { name = name, field = key, value = try(given[key], local.task_types[name][key]) })
        # The deadline's default follows the time limit, and may be too much with it.
        if contains(keys(given), key) || key == "ack_deadline_seconds"
      ],
      [
        for key, range in local.turn_numbers : merge(range, { name = name, field = key, value = given[key] })
        if try(given[key], null) != null
      ],
      [for key, range in local.retry_numbers : merge(range, { name = name, field = "retry.${key}", value = given.retry[key] }) if can(given.retry[key])],
    )
  ])

  number_problems = [
    for number in local.given_numbers : {
      name  = number.name
      field = number.field
      problem = (
        !can(tonumber(number.value)) ? "Input should be a valid ${number.whole ? "integer, unable to parse string as an integer" : "number, unable to parse string as a number"}" :
        number.whole && floor(tonumber(number.value)) != tonumber(number.value) ? "Input should be a valid integer, got a number with a fractional part" :
        tonumber(number.value) < number.least ? "Input should be greater than or equal to ${number.least}" :
        tonumber(number.value) > number.most ? "Input should be less than or equal to ${number.most}" :
        ""
      )
    }
  ]

  other_problems = flatten([
    for name, given in local.given : concat(
      [for key in setsubtract(keys(local.said[name]), local.known) : { name = name, field = key, problem = "Extra inputs are not permitted" }],
      [for key in setsubtract(try(keys(local.said[name].retry), []), local.known_retry) : { name = name, field = "retry.${key}", problem = "Extra inputs are not permitted" }],
      contains(["short", "long"], local.task_types[name].mode) ? [] : [{ name = name, field = "mode", problem = "Input should be 'short' or 'long'" }],
      contains(["pubsub", "ledger"], local.task_types[name].retry_by) ? [] : [{ name = name, field = "retry.by", problem = "Input should be 'pubsub' or 'ledger'" }],
      can(tobool(try(given.ordering, false))) ? [] : [{ name = name, field = "ordering", problem = "Input should be a valid boolean, unable to interpret input" }],
      can([for one in try(given.non_retryable, []) : one]) ? [
        for at, one in try(given.non_retryable, []) : { name = name, field = "non_retryable.${at}", problem = "String should match pattern '${local.class_name}'" }
        if !can(regex(local.class_name, one))
      ] : [],
      local.task_types[name].retry_min_seconds <= local.task_types[name].retry_max_seconds ? [] : [{
        name    = name, field = "retry",
        problem = "min_seconds (${local.task_types[name].retry_min_seconds}) is above max_seconds (${local.task_types[name].retry_max_seconds})"
      }],
    )
  ])

  # From so many CPUs on: the least and the most memory in MiB, as Cloud Run has it.
  memory_of_cpu = [
    { cpu = 0.08, least = 128, most = 512 },
    { cpu = 0.5, least = 128, most = 1024 },
    { cpu = 1, least = 128, most = 4096 },
    { cpu = 2, least = 128, most = 8192 },
    { cpu = 4, least = 2048, most = 16384 },
    { cpu = 6, least = 4096, most = 24576 },
    { cpu = 8, least = 4096, most = 32768 },
  ]
  memory = {
    for name, limits in local.task_types :
    name => try(reverse([for row in local.memory_of_cpu : row if row.cpu <= limits.cpu])[0], local.memory_of_cpu[0])
  }
  # Functions and services of the system itself, and accounts that work for it.
  taken = ["enqueue", "relay", "dead_letter", "grpc_gateway", "migrate", "build", "push", "scheduler", "api_gateway"]

  # Python looks at a file as a whole once each of its fields is right; so does this.
  wrong = toset([for problem in concat(local.number_problems, local.kind_problems, local.other_problems, local.schedule_problems) : problem.name if problem.problem != ""])
  # The first that is wrong, in the order of the Python code.
  whole_problems = [
    for name, limits in local.task_types : {
      name  = name
      field = "limits"
      problem = (
        limits.mode == "long" && limits.retry_by != "ledger" ?
        "mode: long needs retry.by: ledger" :
        limits.mode != "long" && limits.time_limit_seconds > 570 ?
        "time_limit_seconds (${limits.time_limit_seconds}) above 570 needs mode: long" :
        limits.mode != "long" && limits.ack_deadline_seconds < limits.time_limit_seconds + 30 ?
        "ack_deadline_seconds (${limits.ack_deadline_seconds}) must be at least time_limit_seconds + 30 (${limits.time_limit_seconds + 30})" :
        limits.concurrency > 1 && limits.cpu < 1 ?
        "concurrency (${limits.concurrency}) above 1 needs cpu of at least 1" :
        limits.cpu > 1 && !contains(local.memory_of_cpu[*].cpu, limits.cpu) ?
        "cpu (${limits.cpu}) above 1 must be 2, 4, 6 or 8" :
        limits.memory_mb < local.memory[name].least || limits.memory_mb > local.memory[name].most ?
        "memory_mb (${limits.memory_mb}) must be ${local.memory[name].least} to ${local.memory[name].most} with cpu ${limits.cpu}" :
        limits.mode == "long" && (limits.cpu < 1 || limits.memory_mb < 512) ?
        "mode long needs cpu (${limits.cpu}) of at least 1 and memory_mb (${limits.memory_mb}) of at least 512: its CPU stays on" :
        ""
      )
    } if !contains(local.wrong, name)
  ]

  lines = concat(
    [
      for problem in concat(local.number_problems, local.kind_problems, local.other_problems, local.schedule_problems, local.whole_problems) :
      "functions/${problem.name}/task.yaml: ${problem.field}: ${problem.problem}" if problem.problem != ""
    ],
    [for name, text in local.texts : "functions/${name}/task.yaml: is not YAML" if !can(yamldecode(text)) && can(regex("(?m)^\\s*[^#\\s]", text))],
    [
      for name, text in local.texts :
      "functions/${name}/task.yaml: must be a mapping, not a ${can(regex("^\\[", jsonencode(yamldecode(text)))) ? "list" : can(regex("^\"", jsonencode(yamldecode(text)))) ? "str" : "int"}"
      if can(yamldecode(text)) && !can(regex("^([{]|null$)", jsonencode(try(yamldecode(text), null))))
    ],
    [
      for name, _ in local.given :
      "functions/${name}/payload.py is missing: define one subclass of Payload there"
      if !fileexists("${var.functions_dir}/${name}/payload.py")
    ],
    [
      for name, _ in local.given :
      "functions/${name}/task.yaml: task type name '${name}' does not match ^[a-z][a-z0-9_]{1,22}[a-z0-9]$"
      if !can(regex("^[a-z][a-z0-9_]{1,22}[a-z0-9]$", name))
    ],
    [
      for name, _ in local.given :
      "functions/${name}/task.yaml: task type name '${name}' is taken: the system has a function or an account of that name; choose another"
      if contains(local.taken, name)
    ],
    [
      for name, _ in local.given :
      "functions/${name}/task.yaml: task type name '${name}' ends in _dead: its topic would be the dead-letter topic of '${trimsuffix(name, "_dead")}'"
      if endswith(name, "_dead")
    ],
  )
}
