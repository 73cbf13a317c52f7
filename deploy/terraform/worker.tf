# What `workflow-manager worker` may do. Attach the policy to the role that workers run with; the commands that they
# run have the same role, so give it what those need too.

data "aws_iam_policy_document" "worker" {
  statement {
    sid = "TakeTasks"
    actions = [
      "states:CreateActivity",
      "states:GetActivityTask",
      "states:TagResource",
    ]
    resources = local.activities
  }

  # A task is known by its token alone, so these have no resource to name.
  statement {
    sid = "AnswerTasks"
    actions = [
      "states:SendTaskFailure",
      "states:SendTaskHeartbeat",
      "states:SendTaskSuccess",
    ]
    resources = ["*"]
  }

  # Metrics have no resource either; their namespace is the limit.
  statement {
    sid       = "TellHowBusy"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["StatesCustom"]
    }
  }
}

resource "aws_iam_policy" "worker" {
  name        = "${var.name}-worker"
  description = "For the workers of workflow-manager."
  policy      = data.aws_iam_policy_document.worker.json
  tags        = var.tags
}
