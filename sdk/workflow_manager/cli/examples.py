"""The examples in the help of each verb."""

from collections.abc import Mapping
from typing import Final

ID: Final = "7c5f3a52"

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "": ('wfm submit greet \'{"name": "Ada"}\' --follow', "wfm workflows --status failed --created-after 1d"),
    "submit": (
        'wfm submit greet \'{"name": "Ada"}\' --follow',
        "wfm submit greet:3 @input.json --set name=Ada --tag ticket=42",
    ),
    "workflows": (
        "wfm workflows --status failed,cancelled --created-after yesterday",
        f"wfm workflows {ID} --follow",
    ),
    "wait": (f"wfm wait {ID} --timeout 600", "wfm workflows --running -o id | wfm wait -"),
    "cancel": (
        f"wfm cancel {ID} --reason 'wrong input'",
        "wfm cancel --definition greet --queue slow --dry-run",
    ),
    "resume": (f"wfm resume {ID} --follow", "wfm resume --definition greet --created-after 1d --yes"),
    "recover": (f"wfm recover {ID} --preview", "wfm recover --definition greet --created-after 1d --yes"),
    "resolve": (f"wfm resolve {ID}", "wfm resolve --definition greet --tag ticket=42 --dry-run"),
    "refresh": (f"wfm refresh {ID}", "wfm refresh --definition greet"),
    "definitions": ("wfm definitions list", "wfm definitions apply definitions --dry-run"),
    "definitions list": ("wfm definitions list", "wfm definitions list greet -o wide"),
    "definitions get": ("wfm definitions get greet", "wfm definitions get greet:3 -o yaml"),
    "definitions put": ("wfm definitions put greet.yaml --tag tier=1", "wfm definitions put greet machine.json"),
    "definitions lint": ("wfm definitions lint definitions", "wfm definitions lint greet.yaml --service"),
    "definitions diff": ("wfm definitions diff definitions", "wfm definitions diff greet.yaml -o json"),
    "definitions apply": ("wfm definitions apply definitions --dry-run", "wfm definitions apply definitions"),
    "resources": (
        "wfm resources get dev echo",
        "wfm resources put dev echo arn:aws:lambda:us-west-2:123456789012:function:echo",
    ),
    "resources get": ("wfm resources get dev echo", "wfm resources get production echo -o json"),
    "resources put": (
        "wfm resources put dev echo arn:aws:lambda:us-west-2:123456789012:function:e",
        "wfm resources put dev bus arn:aws:states:::sns:publish",
    ),
    "resources delete": ("wfm resources delete dev echo", "wfm resources delete production echo"),
    "queues": ("wfm queues list", "wfm queues put slow --max-running 5"),
    "queues list": ("wfm queues list", "wfm queues list -o csv"),
    "queues get": ("wfm queues get slow", "wfm queues get slow -o json"),
    "queues put": ("wfm queues put slow --max-running 5", "wfm queues put slow --starts-per-second 0.5 --paused"),
    "queues delete": ("wfm queues delete slow", "wfm queues delete slow --url http://localhost:8081"),
    "queues pause": ("wfm queues pause slow", "wfm queues pause slow -o json"),
    "queues resume": ("wfm queues resume slow", "wfm queues resume slow -o json"),
    "whoami": ("wfm whoami", "wfm whoami -o json"),
    "can": ("wfm can submit --namespace production", "wfm can author --definition greet"),
    "audit": (
        "wfm audit --namespace dev --after yesterday",
        f"wfm audit --object workflow/{ID}",
    ),
    "keys": ("wfm keys list", "wfm keys create --role submit --namespace dev --name nightly"),
    "keys create": (
        "wfm keys create --role submit --namespace dev --name nightly",
        "wfm keys create --role admin --expires-in 1d",
    ),
    "keys list": ("wfm keys list", "wfm keys list -o json"),
    "keys rotate": ("wfm keys rotate x7k2m9qa", "wfm keys rotate x7k2m9qa --overlap 0s"),
    "keys revoke": ("wfm keys revoke x7k2m9qa", "wfm keys revoke --help"),
    "serve": ("workflow-manager serve --local", "workflow-manager serve --store dynamodb --host 0.0.0.0 --port 80"),
    "poll": ("workflow-manager poll", "workflow-manager poll --help"),
    "local-aws": ("wfm local-aws", "wfm local-aws --port 4566"),
    "worker": (
        "wfm worker --activity resize --namespace dev -- ./resize.sh",
        "wfm worker --module tasks --namespace dev",
    ),
    "sfncli": (
        "wfm sfncli -activityname dev--resize -workername me -cmd ./resize.sh",
        "wfm sfncli -version",
    ),
    "demo": ("workflow-manager demo", "workflow-manager demo --store dynamodb"),
    "tables": ("workflow-manager tables create", "workflow-manager tables describe"),
    "tables create": ("workflow-manager tables create", "workflow-manager tables create --prefix staging"),
    "tables describe": ("workflow-manager tables describe", "workflow-manager tables describe -o json"),
    "openapi": ("workflow-manager openapi", "workflow-manager openapi -o openapi.json"),
    "quotas": ("wfm quotas", "wfm quotas -o csv"),
    "health": ("wfm health", "wfm health --url https://workflows.example.com"),
    "config": ("wfm config show", "wfm config show --profile production"),
    "config show": ("wfm config show", "wfm config show --profile production -o json"),
    "help": ("wfm help submit", "wfm help definitions apply"),
    "version": ("wfm version", "wfm --version"),
}
"""Command → two lines to paste."""
