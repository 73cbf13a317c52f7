"""Every function of the two lists of AWS, against what AWS documents of it.

The lists: "Intrinsic functions for JSONPath states in Step Functions" and "Transforming data with JSONata in Step
Functions" in the developer guide, the latter with the functions of JSONata's own documentation.

Covers `workflow_manager.local.language.intrinsics` and `workflow_manager.local.language.jsonata`.
"""

import re
from typing import Any

import pytest
from jsonata import Jsonata

from tests.sdk.local.workbench import Workbench
from workflow_manager.local.language import intrinsics, jsonata
from workflow_manager.states_language.rules.intrinsics import FUNCTIONS

INPUT: dict[str, Any] = {
    "name": "Arnav",
    "template": "Hello, my name is {}.",
    "array": [1, 2, 3, 4, 5, 6, 7, 8, 9],
    "object": {"a": {"b": 1}, "c": [1.5, None]},
    "long": "x" * 10_001,
    "nothing": None,
}

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

INTRINSICS: list[tuple[str, Any]] = [
    ("States.Format('Hello, my name is {}.', $.name)", "Hello, my name is Arnav."),
    ("States.Format($.template, $.name)", "Hello, my name is Arnav."),
    (r"States.Format('it\'s \{\} \\ {}', $.name)", r"it's {} \ Arnav"),
    ("States.Format('{} {} {}', 1.5, true, null)", "1.5 true null"),
    ("States.Format('say \"{}\"', $.name)", 'say "Arnav"'),
    ("States.StringToJson('{\"a\": [1, null]}')", {"a": [1, None]}),
    ("States.JsonToString($.object)", '{"a":{"b":1},"c":[1.5,null]}'),
    ("States.Array($.name)", ["Arnav"]),
    ("States.Array()", []),
    ("States.Array(1.5)", [1.5]),
    ("States.Array(null)", [None]),
    ("States.Array(-1, 1e3, true, 'a, b', $.nothing, States.Array(2))", [-1, 1000.0, True, "a, b", None, [2]]),
    ("States.ArrayPartition($.array, 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("States.ArrayContains($.array, 5)", True),
    ("States.ArrayContains($.array, true)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(9, 1, -4)", [9, 5, 1]),
    ("States.ArrayGetItem($.array, 5)", 6),
    ("States.ArrayLength($.array)", 9),
    ("States.ArrayUnique(States.Array(1, 2, 3, 3, true, $.object, $.object))", [1, 2, 3, True, INPUT["object"]]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Encode('Grüße 😀')", "R3LDvMOfZSDwn5iA"),
    ("States.Base64Decode('R3LDvMOfZSDwn5iA')", "Grüße 😀"),
    ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("States.Hash('abc', 'MD5')", "900150983cd24fb0d6963f7d28e17f72"),
    ("States.JsonMerge($.object, States.StringToJson('{\"c\": 3}'), false)", {"a": {"b": 1}, "c": 3}),
    ("States.MathRandom(7, 8)", 7),
    ("States.MathAdd(111, -1)", 110),
    ("States.MathAdd(1.5, 2.4)", 4),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.StringSplit('1,2,,3', ',')", ["1", "2", "3"]),
    ("States.UUID()", UUID),
]

REFUSED: list[str] = [
    "States.StringToJson('nope')",
    "States.ArrayPartition($.name, 2)",
    "States.ArrayPartition($.array, 0)",
    "States.ArrayContains($.name, 1)",
    "States.ArrayRange(1, 2000, 1)",
    "States.ArrayRange(1, 2, 0)",
    "States.ArrayGetItem($.array, 9)",
    "States.ArrayLength($.object)",
    "States.ArrayUnique($.name)",
    "States.Base64Encode($.long)",
    "States.Base64Decode('%')",
    "States.Base64Decode('/w==')",
    "States.Hash('a', 'SHA-3')",
    "States.Hash($.long, 'MD5')",
    "States.JsonMerge($.object, $.object, true)",
    "States.JsonMerge($.array, $.object, false)",
    "States.MathRandom(2, 1)",
    "States.MathAdd($.name, 1)",
    "States.StringSplit(1, ',')",
    "States.Format($.template)",
    "States.Format($.template, 1, 2)",
    "States.Format($.array, 1)",
]


def intrinsic(call: str) -> dict[str, Any]:
    """Return a state whose output is what a call gives."""
    return {"Type": "Pass", "Parameters": {"v.$": call}, "OutputPath": "$.v", "End": True}


def same(found: Any, wanted: Any) -> bool:
    """Compare, with a pattern where the result is another each time; 1 is not true."""
    if isinstance(wanted, re.Pattern):
        return isinstance(found, str) and wanted.fullmatch(found) is not None
    return repr(found) == repr(wanted)


@pytest.mark.parametrize(("call", "result"), INTRINSICS)
def test_an_intrinsic_function_gives_what_aws_documents(bench: Workbench, call: str, result: Any) -> None:
    run = bench.run(intrinsic(call), INPUT)

    assert run.status == "SUCCEEDED", run.error
    assert same(run.output, result)


@pytest.mark.parametrize("call", REFUSED)
def test_an_intrinsic_function_that_is_given_the_wrong_things_fails_by_name(bench: Workbench, call: str) -> None:
    error, cause = bench.run(intrinsic(call), INPUT).error

    assert error == "States.IntrinsicFailure"
    assert call in (cause or "")


def test_every_intrinsic_function_is_tried() -> None:
    tried = {name for call, _ in INTRINSICS for name in re.findall(r"States\.\w+", call)}

    assert tried == set(FUNCTIONS) == {f"States.{name}" for name in intrinsics.FUNCTIONS}


JSONATA: list[tuple[str, Any]] = [
    # What Step Functions adds.
    ("$partition([1,2,3,4], $floor($count([1,2,3,4]) / 2))", [[1, 2], [3, 4]]),
    ("$partition($states.input.array, 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("$range(0, 10, 2)", [0, 2, 4, 6, 8, 10]),
    ("$range(5, 1, -2)", [5, 3, 1]),
    ("$hash('abc', 'SHA-256')", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("$hash('abc', 'SHA-384') = $hash('abc', 'SHA-384')", True),
    ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("$random() >= 0 and $random() < 1", True),
    ("$random(42) = $random(42)", True),
    ("$uuid()", UUID),
    ("$parse('{\"a\": [null, 1]}')", {"a": [None, 1]}),
    # Strings.
    ("$string({'a': 1})", '{"a":1}'),
    ("$length('añ')", 2),
    ("$substring('Hello', 3, 1)", "l"),
    ("$substringBefore('Hello World', ' ')", "Hello"),
    ("$substringAfter('Hello World', ' ')", "World"),
    ("$uppercase('a')", "A"),
    ("$lowercase('A')", "a"),
    ("$trim('  a \n b ')", "a b"),
    ("$pad('foo', 5, '#')", "foo##"),
    ("$pad('foo', -5)", "  foo"),
    ("$contains('abracadabra', /ar.*a/)", False),
    ("$split('a, b', /,\\s*/)", ["a", "b"]),
    ("$join(['a', 'b'], '-')", "a-b"),
    ("$match('ababbabbcc', /a(b+)/)[0].groups[0]", "b"),
    ("$replace('John Smith', /(\\w+)\\s(\\w+)/, '$2, $1')", "Smith, John"),
    ("$base64encode('myuser:mypass')", "bXl1c2VyOm15cGFzcw=="),
    ("$base64decode('bXl1c2VyOm15cGFzcw==')", "myuser:mypass"),
    ("$encodeUrlComponent('?x=test')", "%3Fx%3Dtest"),
    ("$encodeUrl('https://a.b/?x=ü')", "https://a.b/?x=%C3%BC"),
    ("$decodeUrlComponent('%3Fx%3Dtest')", "?x=test"),
    ("$decodeUrl('https://a.b/?x=%C3%BC')", "https://a.b/?x=ü"),
    # Numbers.
    ("$number('5')", 5),
    ("$abs(-5)", 5),
    ("$floor(-5.3)", -6),
    ("$ceil(5.3)", 6),
    ("$round(123.456, 2)", 123.46),
    ("$power(2, 8)", 256),
    ("$sqrt(4)", 2),
    ("$formatNumber(12345.6, '#,###.00')", "12,345.60"),
    ("$formatBase(100, 2)", "1100100"),
    ("$formatInteger(2789, 'w')", "two thousand, seven hundred and eighty-nine"),
    ("$parseInteger('12,345,678', '#,##0')", 12345678),
    ("$sum([5, 1, 3])", 9),
    ("$max([5, 1, 3])", 5),
    ("$min([5, 1, 3])", 1),
    ("$average([5, 1, 3])", 3),
    # Booleans, arrays, objects.
    ("$boolean('')", False),
    ("$not(true)", False),
    ("$exists($states.input.nothing)", True),
    ("$count([1, 2, 3])", 3),
    ("$append([1, 2], 3)", [1, 2, 3]),
    ("$sort([3, 1, 2], function($l, $r) { $l < $r })", [3, 2, 1]),
    ("$reverse([1, 2])", [2, 1]),
    ("$shuffle([1])", [1]),
    ("$distinct([1, 1, 2])", [1, 2]),
    ("$zip([1, 2], [3, 4])", [[1, 3], [2, 4]]),
    ("$keys({'a': 1, 'b': 2})", ["a", "b"]),
    ("$lookup({'a': 1}, 'a')", 1),
    ("$spread({'a': 1, 'b': 2})", [{"a": 1}, {"b": 2}]),
    ("$merge([{'a': 1}, {'b': 2}])", {"a": 1, "b": 2}),
    ("$each({'a': 1, 'b': 2}, function($v, $k) { $k & $v })", ["a1", "b2"]),
    ("$type($states.input.nothing)", "null"),
    ("$assert(true, 'never')  ? 1 : 2", 2),
    # Times and higher functions.
    ("$fromMillis(1510067557121, '[M01]/[D01]/[Y0001] [h#1]:[m01][P]')", "11/07/2017 3:12pm"),
    ("$toMillis('2017-11-07T15:07:54.972Z')", 1510067274972),
    ("$millis() = $toMillis($now())", True),
    ("$map([1, 2], function($v, $i) { $v * 10 + $i })", [10, 21]),
    ("$filter([1, 2, 3], function($v) { $v > 1 })", [2, 3]),
    ("$single([1, 2], function($v) { $v = 2 })", 2),
    ("$reduce([1, 2, 3], function($a, $b) { $a * $b })", 6),
    ("$sift({'a': 1, 'b': 2}, function($v) { $v > 1 })", {"b": 2}),
    # What an expression sees.
    ("$states.input.nothing", None),
    ("$states.context.State.Name", "Only"),
    ("[$states.input.object.c, null]", [1.5, None, None]),
    ("6 / 2", 3),
]

UNKNOWN = frozenset({"clone", "error", "eval", "assert"})
"""Functions whose result is no value: they are tried among those that fail, or, ``clone``, mean nothing here."""

FAILING: list[tuple[str, str]] = [
    ("$eval('1 + 1')", "$eval"),
    ("$error('so it is')", "so it is"),
    ("$assert(false, 'not so')", "not so"),
    ("$parse('{')", "JSON"),
    ("$hash('a', 'CRC')", "MD5"),
    ("$range(1, 2, 0)", "step"),
    ("$range(1, 100000000, 1)", "$range"),
    ("[1..1000001] ~> $sum", "the range would have 1000001 numbers"),
    ("$pad('', 2000000000)", "$pad"),
    ("$partition([1], 0)", "positive"),
    ("$nothing(1)", "T1006"),
    ("$randomSeeded(1)", "T1006"),
    ("$states.input.absent", "returned nothing (undefined)"),
    ("function($x) { $x }", "unsupported result type"),
    ("$uuid", "unsupported result type"),
    ("1 / 0", "zero"),
    ("$toMillis('yesterday')", "error"),
    ("($f := function($n) { 1 + $f($n) }; $f(1))", "deep"),
]


def expression(text: str) -> dict[str, Any]:
    """Return a machine whose output is the value of an expression."""
    only = {"Type": "Pass", "Output": f"{{% {text} %}}", "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": only}}


@pytest.mark.parametrize(("text", "result"), JSONATA)
def test_a_jsonata_function_gives_what_is_documented(bench: Workbench, text: str, result: Any) -> None:
    run = bench.run(expression(text), INPUT)

    assert run.status == "SUCCEEDED", run.error
    assert same(run.output, result)


@pytest.mark.parametrize(("text", "reason"), FAILING)
def test_a_jsonata_expression_without_a_value_fails_by_name(bench: Workbench, text: str, reason: str) -> None:
    error, cause = bench.run(expression(text), INPUT).error

    assert error == "States.QueryEvaluationError"
    assert f"The JSONata expression '{text}' specified for the field 'Output'" in (cause or "")
    assert reason in (cause or "")


def test_every_jsonata_function_is_tried() -> None:
    known = {name for name, value in Jsonata.static_frame.bindings.items() if value is not None}
    tried = {name for text, _ in [*JSONATA, *FAILING] for name in re.findall(r"\$(\w+)\(", text)}

    assert known | set(jsonata.FUNCTIONS) <= tried | UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "($f := function($n) { $f($n + 1) }; $f(1))",
        "[1..20].($f := function($n) { $f($n + 1) }; $f(1))",
        "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a|aa|a*a*)+$/)",
    ],
    ids=["recursion", "recursion-over-items", "regular-expression"],
)
def test_an_endless_expression_is_given_up(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(jsonata, "EVALUATION_SECONDS", 0.3)

    with pytest.raises(jsonata.EvaluationError, match="given up"):
        jsonata.evaluate(text, {})
