"""Documents that grow: whatever a caller makes long, reading it costs what it weighs.

Each shape makes a document of a size; ``STRINGS`` are put wherever a definition takes text.
"""

from collections.abc import Callable
from typing import Any, Final

from tests.sdk.states_language.machine_builders import Json, choosing, jsonata, machine, passing, task

Shape = Callable[[int], Any]

STRINGS: Final[dict[str, Callable[[int], str]]] = {
    "blanks in brackets": lambda n: "$[" + " " * n,
    "blanks after a colon": lambda n: "$[:" + " " * n,
    "indexes": lambda n: "$[" + "1, " * n,
    "quoted names": lambda n: "$[" + "'a', " * n,
    "escapes": lambda n: "$['" + "\\'" * n,
    "digits": lambda n: "$[" + "1" * n,
    "fields": lambda n: "$" + ".a" * n,
    "brackets": lambda n: "$" + "[*]" * n,
    "open filters": lambda n: "$[?(" + "(" * n,
    "blanks at the end": lambda n: "$.a" + " " * n,
    "format": lambda n: "States.Format('" + "{}" * n + "'" + ", 1" * n + ")",
    "open text": lambda n: "States.Format('" + "\\\\" * n,
    "open calls": lambda n: "States.Array(" * n,
    "name of a function": lambda n: "States." + "A" * n,
    "number": lambda n: "States.MathAdd(1, " + "1" * n,
    "placeholders": lambda n: "${a" * n + "}" * n,
}

FIELDS: Final[dict[str, Callable[[str], Json]]] = {
    "InputPath": lambda text: passing(InputPath=text),
    "ResultPath": lambda text: passing(ResultPath=text),
    "x.$": lambda text: passing(Parameters={"x.$": text}),
    "Resource": lambda text: task(Resource=text),
    "Timestamp": lambda text: {"Type": "Wait", "Timestamp": text, "End": True},
    "ErrorEquals": lambda text: task(Retry=[{"ErrorEquals": [text]}]),
    "Next": lambda text: {"Type": "Pass", "Next": text},
    "Label": lambda text: {"Type": "Map", "Label": text, "End": True},
}

EXPRESSIONS: Final[dict[str, Callable[[int], str]]] = {
    "parentheses": lambda n: "(" * n,
    "comments": lambda n: "/*" * n,
    "stars": lambda n: "/*" + "*" * n,
    "quotes": lambda n: "'" * n,
    "sums": lambda n: "1+" * n + "1",
    "paths": lambda n: "a." * n + "a",
    "arrays": lambda n: "[" + "1," * n + "1]",
    "calls": lambda n: "$f()" * n,
    "slashes": lambda n: "a /b/ " * n,
    "backquotes": lambda n: "`a`" * n,
}


def _alone(state: Json) -> Json:
    return {"StartAt": "A", "States": {"A": state}}


def _with_text(make: Callable[[str], Json], text: Callable[[int], str]) -> Shape:
    return lambda n: _alone(make(text(n)))


def _branches(n: int, **fields: object) -> Json:
    inner = [{"StartAt": f"B{i}", "States": {f"B{i}": {"Type": "Succeed"}}} for i in range(n)]
    return _alone({"Type": "Parallel", "Branches": inner, "End": True, **fields})


def _nested(n: int) -> Json:
    inner = machine({f"Leaf {i}": passing(Next=f"Leaf {i + 1}") for i in range(n)})
    for level in range(20):
        inner = machine({f"Level {level}": {"Type": "Parallel", "Branches": [inner], "End": True}})
    return inner


RULE: Final = {"Variable": "$.a", "IsNull": True, "Next": "A"}

GRAPHS: Final[dict[str, Shape]] = {
    "chain": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"S{i + 1}"} for i in range(n)}),
    "ring": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"S{(i + 1) % n}"} for i in range(n)}),
    "rings": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"S{i ^ 1}"} for i in range(n)}),
    "loops of a state": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"S{i}"} for i in range(n)}),
    "catchers of a Fail state": lambda n: machine(
        {**{f"S{i}": task(Catch=[{"Next": "F"}]) for i in range(n)}, "F": {"Type": "Fail"}}
    ),
    "dangling": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"x{i}"} for i in range(n)}),
    "respelled": lambda n: machine({f"S{i}": {"Type": "Pass", "Next": f"s{i}"} for i in range(n)}),
    "star": lambda n: machine(
        {"A": choosing(*({**RULE, "Next": f"S{i}"} for i in range(n))), **{f"S{i}": {"Type": "Fail"} for i in range(n)}}
    ),
    "rules": lambda n: _alone(choosing(*[RULE] * n)),
    "rules inside And": lambda n: _alone(choosing({"And": [{"Variable": "$.a", "IsNull": True}] * n, "Next": "A"})),
    "branches": _branches,
    "branches of one name": lambda n: _alone(
        {"Type": "Parallel", "End": True, "Branches": [{"StartAt": "A", "States": {"A": {"Type": "Fail"}}}] * n}
    ),
    "branches and rules": lambda n: _branches(n, Choices=[{}] * n, QueryLanguage="JSONata"),
    "nested": _nested,
    "unknown fields": lambda n: _alone(passing(**{f"field{i}": 1 for i in range(n)})),
    "nearly known fields": lambda n: _alone(passing(**{f"Parameters{i}": 1 for i in range(n)})),
    "retriers": lambda n: _alone(task(Retry=[{"ErrorEquals": ["States.ALL"]}] * n)),
    "error names": lambda n: _alone(task(Retry=[{"ErrorEquals": [f"States.X{i}" for i in range(n)]}])),
    "long key over a list": lambda n: _alone(passing(Parameters={"k" * n: [0] * n})),
    "long key over faults": lambda n: _alone(passing(Parameters={"k" * n: [{"a.$": 1}] * n})),
    "variables": lambda n: _alone(passing(Assign={f"1{i}": 1 for i in range(n)})),
}

STATES: Final[dict[str, Shape]] = {
    **{f"{field}: {name}": _with_text(make, text) for name, text in STRINGS.items() for field, make in FIELDS.items()},
    **{
        f"JSONata: {name}": _with_text(lambda text: jsonata(passing(Output=f"{{% {text} %}}")), expression)
        for name, expression in EXPRESSIONS.items()
    },
    **GRAPHS,
}
"""Definitions, which are judged."""

TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "keys": lambda n: "{" + ", ".join(f'"k{i}": 1' for i in range(n)) + "}",
    "keys, the last repeated": lambda n: "{" + "".join(f'"k{i}": 1, ' for i in range(n)) + f'"k{n - 1}": 1}}',
    "one key repeated": lambda n: "{" + ", ".join('"k": 1' for _ in range(n)) + "}",
    "long key over a list": lambda n: '{"' + "k" * n + '": [' + "0, " * n + "0]}",
    "blanks": lambda n: "[" + " " * n + "]",
    "lines": lambda n: "[" + "\n" * n + "]",
    "escapes": lambda n: '"' + "\\\\" * n + '"',
    "lists": lambda n: "[" + "[], " * n + "[]]",
    "open lists": lambda n: "[" * n,
    "numbers": lambda n: "[" + "123456789, " * n + "0]",
    "long fraction": lambda n: "[0." + "1" * n + "]",
    "placeholders": lambda n: '["' + "${a}" * n + '"]',
}
"""JSON texts, which are read as JSON and as YAML."""

YAML_TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "items": lambda n: "- a\n" * n,
    "plain lines": lambda n: "a: " + "b\n  " * n,
    "quoted lines": lambda n: 'a: "' + "b\n  " * n + '"',
    "block lines": lambda n: "a: |\n" + " b\n" * n,
    "anchors": lambda n: "\n".join(f"a{i}: &a{i} 1" for i in range(n)),
    "aliases": lambda n: "a: &a 1\nb: [" + "*a, " * n + "]",
    "merge keys": lambda n: "a: &a {b: 1}\nb: {<<: [" + "*a, " * n + "]}",
    "comment": lambda n: "#" * n + "\na: 1",
    "colons": lambda n: "a:" * n,
    "tag": lambda n: "!" + "a" * n + " b",
}
