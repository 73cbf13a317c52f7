variable "name" {
  description = "Prefix of everything that is made here; becomes WFM_TABLE_PREFIX."
  type        = string
  default     = "workflow-manager"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]{1,39}$", var.name))
    error_message = "The name must have 2 to 40 letters, digits, dashes or underscores, and start with a letter or digit."
  }
}

variable "namespaces" {
  description = "Namespaces that the service may run workflows in and that workers may take tasks of."
  type        = set(string)

  validation {
    condition     = length(var.namespaces) > 0 && alltrue([for namespace in var.namespaces : can(regex("^[A-Za-z0-9._-]{1,64}$", namespace))])
    error_message = "Name at least one namespace; each has 1 to 64 letters, digits, dots, dashes or underscores."
  }
}

variable "state_machine_policy_arns" {
  description = "Policies for what state machines call themselves: Lambda functions, Glue jobs, ... Activities need none."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.state_machine_policy_arns : can(regex("^arn:[a-z-]+:iam::", arn))])
    error_message = "Each must be the ARN of an IAM policy."
  }
}

variable "role_per_namespace" {
  description = "Whether the state machines of each namespace run with a role of their own."
  type        = bool
  default     = false
}

variable "namespace_policy_arns" {
  description = "With role_per_namespace: for each namespace, further policies for what its state machines call themselves."
  type        = map(set(string))
  default     = {}

  validation {
    condition     = alltrue([for namespace in keys(var.namespace_policy_arns) : contains(var.namespaces, namespace)])
    error_message = "Each key must be one of the namespaces."
  }

  validation {
    condition     = alltrue([for arn in flatten(values(var.namespace_policy_arns)) : can(regex("^arn:[a-z-]+:iam::", arn))])
    error_message = "Each must be the ARN of an IAM policy."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the tables."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
