# What `workflow-manager serve` may do. Attach the policy to the role that the service runs with.

data "aws_iam_policy_document" "service" {
  statement {
    sid = "RunStateMachines"
    actions = [
      "states:CreateStateMachine",
      "states:DescribeStateMachine",
      "states:ListExecutions",
      "states:StartExecution",
      "states:TagResource",
      "states:UpdateStateMachine",
    ]
    resources = local.state_machines
  }

  # Before the first start of a state machine, so that its tasks wait for workers that never ran.
  statement {
    sid       = "CreateActivities"
    actions   = ["states:CreateActivity"]
    resources = local.activities
  }

  statement {
    sid = "FollowExecutions"
    actions = [
      "states:DescribeExecution",
      "states:GetExecutionHistory",
      "states:RedriveExecution",
      "states:StopExecution",
    ]
    resources = local.executions
  }

  statement {
    sid       = "GiveStateMachinesTheirRole"
    actions   = ["iam:PassRole"]
    resources = values(local.roles)

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["states.amazonaws.com"]
    }
  }

  statement {
    sid = "KeepWorkflows"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:BatchWriteItem",
      "dynamodb:DeleteItem",
      "dynamodb:GetItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = local.tables
  }

  statement {
    sid       = "ListWorkflows"
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.workflows.arn}/index/*"]
  }

  # Asked only when WFM_ACCOUNT_ID is not set; it has no resource to name.
  statement {
    sid       = "LearnTheAccount"
    actions   = ["sts:GetCallerIdentity"]
    resources = ["*"]
  }

  statement {
    sid = "TakeStatusEvents"
    actions = [
      "sqs:DeleteMessage",
      "sqs:ReceiveMessage",
    ]
    resources = [aws_sqs_queue.status_events.arn]
  }
}

resource "aws_iam_policy" "service" {
  name        = "${var.name}-service"
  description = "For the service of workflow-manager."
  policy      = data.aws_iam_policy_document.service.json
  tags        = var.tags
}
