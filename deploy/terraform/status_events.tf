# Status changes of executions, from EventBridge by way of a queue. The service takes them from there, and polls for
# what never arrives: delivery is best effort.

resource "aws_cloudwatch_event_rule" "status_events" {
  name        = "${var.name}-status-events"
  description = "Executions of workflow-manager that change their status."
  tags        = var.tags

  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail = {
      stateMachineArn = [for namespace in var.namespaces : { prefix = "${local.states}:stateMachine:${namespace}--" }]
    }
  })
}

resource "aws_cloudwatch_event_target" "status_events" {
  rule = aws_cloudwatch_event_rule.status_events.name
  arn  = aws_sqs_queue.status_events.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  depends_on = [aws_sqs_queue_policy.from_rule]
}

resource "aws_sqs_queue" "status_events" {
  name = "${var.name}-status-events"
  tags = var.tags

  # An hour is enough: polling has found out long before.
  message_retention_seconds  = 3600
  receive_wait_time_seconds  = 20
  visibility_timeout_seconds = 60
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name = "${var.name}-status-events-dead-letters"
  tags = var.tags

  # Two weeks, the maximum, to leave time for a look at them.
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "from_rule" {
  for_each = {
    status_events = aws_sqs_queue.status_events.url
    dead_letters  = aws_sqs_queue.dead_letters.url
  }

  queue_url = each.value
  policy    = data.aws_iam_policy_document.from_rule[each.key].json
}

data "aws_iam_policy_document" "from_rule" {
  for_each = {
    status_events = aws_sqs_queue.status_events.arn
    dead_letters  = aws_sqs_queue.dead_letters.arn
  }

  statement {
    sid       = "OnlyTheRuleSends"
    actions   = ["sqs:SendMessage"]
    resources = [each.value]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.status_events.arn]
    }
  }
}
