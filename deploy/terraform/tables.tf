# The same tables as `workflow-manager tables create` makes. app/store/tables.py says what their items are.

resource "aws_dynamodb_table" "workflow_definitions" {
  name                        = "${var.name}-workflow-definitions"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "scope"
  range_key                   = "entry"
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = "scope"
    type = "S"
  }

  attribute {
    name = "entry"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "state_resources" {
  name                        = "${var.name}-state-resources"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "namespace"
  range_key                   = "name"
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = "namespace"
    type = "S"
  }

  attribute {
    name = "name"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "workflows" {
  name                        = "${var.name}-workflows"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "id"
  range_key                   = "part"
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = "id"
    type = "S"
  }

  attribute {
    name = "part"
    type = "S"
  }

  attribute {
    name = "definition"
    type = "S"
  }

  attribute {
    name = "position"
    type = "S"
  }

  attribute {
    name = "timeline"
    type = "S"
  }

  attribute {
    name = "state"
    type = "S"
  }

  attribute {
    name = "troubled"
    type = "S"
  }

  attribute {
    name = "fingerprint"
    type = "S"
  }

  global_secondary_index {
    name               = "by-definition"
    hash_key           = "definition"
    range_key          = "position"
    projection_type    = "INCLUDE"
    non_key_attributes = ["namespace", "queue", "tags", "many_tags"]
  }

  global_secondary_index {
    name               = "by-time"
    hash_key           = "timeline"
    range_key          = "position"
    projection_type    = "INCLUDE"
    non_key_attributes = ["definition", "namespace", "queue", "tags", "many_tags"]
  }

  global_secondary_index {
    name               = "by-state"
    hash_key           = "state"
    range_key          = "position"
    projection_type    = "INCLUDE"
    non_key_attributes = ["definition", "version", "start_at", "namespace", "queue", "tags", "many_tags"]
  }

  global_secondary_index {
    name               = "by-trouble"
    hash_key           = "troubled"
    range_key          = "position"
    projection_type    = "INCLUDE"
    non_key_attributes = ["state", "namespace", "queue", "tags", "many_tags"]
  }

  global_secondary_index {
    name               = "by-failure"
    hash_key           = "fingerprint"
    range_key          = "position"
    projection_type    = "INCLUDE"
    non_key_attributes = ["definition", "state", "namespace", "queue", "tags", "many_tags"]
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_dynamodb_table" "coordination" {
  name                        = "${var.name}-coordination"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "scope"
  range_key                   = "entry"
  deletion_protection_enabled = var.deletion_protection
  tags                        = var.tags

  attribute {
    name = "scope"
    type = "S"
  }

  attribute {
    name = "entry"
    type = "S"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }
}
