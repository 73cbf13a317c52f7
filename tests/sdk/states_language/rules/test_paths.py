"""The syntax of paths, reference paths, variables and intrinsic functions.

Covers `workflow_manager.states_language.rules.paths` and `workflow_manager.states_language.rules.intrinsics`.
"""

import pytest

from tests.sdk.states_language.machine_builders import Json, one, passing, task
from workflow_manager import states_language
from workflow_manager.states_language.rules.intrinsics import FUNCTIONS, intrinsic_problem, value_problem
from workflow_manager.states_language.rules.paths import path_problem, reference_problem, variable_problem

REFERENCE_PATHS = [
    "$", "$$", "$.a", "$.a.b", "$.a[0]", "$.a[0][12].b", "$['a']", "$['a b'].c", '$["a"]', "$['it\\'s']", "$.größe",
    "$._a1",
    "$.content-type", "$$.Execution.Id", "$$.Map.Item.Value.x[0]", "$var", "$var.a[0]", "$_v1", "$.[0]", "$.a.[0].b",
    "$['']",
    "$.a:b", "$.123",
]  # fmt: skip
ONLY_PATHS = [
    "$.*", "$.a[*]", "$..a", "$..*", "$..[0]", "$.a[-1]", "$.a[0,1]", "$.a[0, -1]", "$.a[1:]", "$.a[:2]", "$.a[1:2]",
    "$.a[-2:]",
    "$['a','b']", "$.a[?(@.x)]", "$.a[?(@.x == 'y')].z", "$.a[?(@.x[0] > 1 && @.y =~ /a.*/)]", "$.a[?(@['x)'] == ']')]",
    "$.a[(@.length-1)]", "$.a.length()", "$.a[*].b.min()", "$$.x[*]", "$var[*]", "$.a[ 0 , 1 ].b", "$.a[*]  ",
]  # fmt: skip
NO_PATHS = [
    "", "a", ".a", "a.b", "@.a", "$a b", "$.", "$..", "$.a.", "$.a..", "$[", "$[]", "$[a]", "$.a[", "$.a[0", "$.a]",
    "$.a[1-2]",
    "$['a", "$['a]", "$.a[?(@.x]", "$.a[?(@.x == 'y)]", "$.a[?@.x)]", "$.a b", " $.a", "$.a,$.b", "$$$",
    "$$a", "$1",
    "$-a", "$.a(b)", "$.a()", "$.{x}", "States.UUID()", "$.a\n", "$[[0]]", "$.a['x'b]",
]  # fmt: skip


@pytest.mark.parametrize("path", REFERENCE_PATHS)
def test_fields_and_indexes_make_a_reference_path(path: str) -> None:
    assert reference_problem(path) is None
    assert path_problem(path) is None


@pytest.mark.parametrize("path", ONLY_PATHS)
def test_what_can_match_many_values_is_a_path_but_no_reference_path(path: str) -> None:
    assert path_problem(path) is None
    assert reference_problem(path) is not None


@pytest.mark.parametrize("path", NO_PATHS)
def test_anything_else_is_no_path(path: str) -> None:
    assert path_problem(path) is not None
    assert reference_problem(path) is not None


@pytest.mark.parametrize("path", ["$$.Execution.Id", "$$", "$var", "$var.x", "$.a[*]", "a", " ", 5, {}, False])
def test_a_result_goes_into_the_input_only(path: object) -> None:
    findings = states_language.validate(one(task(ResultPath=path)))

    assert [finding.pointer for finding in findings] == ["/States/A/ResultPath"]


@pytest.mark.parametrize("path", ["$", "$.a", "$.a['b'][0]", None])
def test_a_result_path_names_one_place_or_none(path: object) -> None:
    assert states_language.validate(one(task(ResultPath=path))) == []


CALLS = [
    "States.UUID()", "States.UUID( )", "States.Array()",
    "States.Array(1, -2.5, 1e3, 'x', null, true, false, $.a, $$.b, $v)",
    "States.Format('{}', $.a)", "States.Format('no values')", "States.Format($.template, 1, 2, 3)",
    "States.Format('{} \\\\{} \\'{}\\'', 1, 2, 3)", "States.Format('\\{\\}')", "States.Format ('x')",
    "States.ArrayContains($.a[?(@.b == 'x, y)')], 'x, y)')", "States.MathRandom(1, 2)", "States.MathRandom(1, 2, 3)",
    "States.JsonMerge($.a, $.b, false)", "States.ArrayLength(States.ArrayUnique($..x))", "States.Base64Encode( $.a ) ",
    "States.StringSplit('a b', ' ')", "States.Hash('', 'MD5')", "States.ArrayGetItem($.a.length(), 0)",
]  # fmt: skip
NO_CALLS = [
    "States.Uuid()", "States.Nope($.a)", "States.", "States.()", "States.UUID", "States.UUID(", "States.UUID())",
    "States.UUID() x",
    "States.UUID(1)", "States.Format()", "States.Format(5)", "States.Format('{}')", "States.Format('{}', 1, 2)",
    "States.Array(1,)",
    "States.Array(,1)", "States.Array(1 2)", 'States.Array("x")', "States.Array('x)", "States.Array(x)",
    "States.Array(True)",
    "States.Array(01)", "States.Array($.a[)", "States.Array($)x", "States.ArrayRange(1, 2)", "States.ArrayLength()",
    "States.MathAdd(1)", "States.MathRandom(1, 2, 3, 4)", "States.ArrayLength(States.Nope())", " States.UUID()",
    "States.Array(nullx)", "Format('x')",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_a_call_of_an_intrinsic_function_is_accepted(call: str) -> None:
    assert intrinsic_problem(call) is None


@pytest.mark.parametrize("call", NO_CALLS)
def test_what_only_looks_like_a_call_is_refused(call: str) -> None:
    assert intrinsic_problem(call) is not None


def test_intrinsic_functions_nest_ten_deep() -> None:
    def nested(depth: int) -> str:
        return "States.JsonToString(" * depth + "$" + ")" * depth

    assert intrinsic_problem(nested(10)) is None
    assert intrinsic_problem(nested(11)) == "nests intrinsic functions deeper than 10"


def test_a_call_without_end_does_not_exhaust_the_stack() -> None:
    assert intrinsic_problem("States.Array(" * 100_000) is not None


def test_there_are_all_18_intrinsic_functions() -> None:
    assert len(FUNCTIONS) == 18


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("x", "is neither a path ($.field) nor an intrinsic function (States.Format(...))"),
        ("States.Hash($.a)", "gives States.Hash 1 arguments; it takes 2"),
        ("States.MathRandom(1)", "gives States.MathRandom 1 arguments; it takes 2 or 3"),
        ("States.Format()", "gives States.Format 0 arguments; it takes at least 1"),
        ("States.Format('{}{}', 1)", "gives States.Format 1 values for 2 times {}"),
        ("$.a b", 'has " b" after the path'),
        ("$.a[x]", "has brackets around something that is neither an index, a quoted name, * nor a filter"),
    ],
)
def test_the_message_says_what_is_wrong(value: str, problem: str) -> None:
    assert value_problem(value) == problem


TEMPLATES_REFUSED: list[tuple[object, str]] = [
    ({"a.$": "x"}, "/a.$"),
    ({"a.$": 5}, "/a.$"),
    ({"a.$": None}, "/a.$"),
    ({"a.$": {"b.$": "$"}}, "/a.$"),
    ({"a": {"b": [{"c.$": "$.["}]}}, "/a/b/0/c.$"),
    ([{"a.$": ""}], "/0/a.$"),
    ({"a": 1, "a.$": "$.a"}, "/a.$"),
    ({"x/y.$": "x"}, "/x~1y.$"),
]


@pytest.mark.parametrize(("template", "where"), TEMPLATES_REFUSED, ids=str)
def test_a_computed_field_must_be_a_path_or_a_call(template: object, where: str) -> None:
    findings = states_language.validate(one(passing(Parameters=template)))

    assert [finding.pointer for finding in findings] == [f"/States/A/Parameters{where}"]


VARIABLES_REFUSED: list[tuple[object, str]] = [
    (5, ""),
    ([], ""),
    ({"states": 1}, "/states"),
    ({"states.$": "$.x"}, "/states.$"),
    ({"a b": 1}, "/a b"),
    ({"1a": 1}, "/1a"),
    ({"a-b.$": "$.x"}, "/a-b.$"),
    ({"": 1}, "/"),
    ({"x" * 81: 1}, f"/{'x' * 81}"),
    ({"a.$": "x"}, "/a.$"),
]


@pytest.mark.parametrize(("variables", "where"), VARIABLES_REFUSED, ids=lambda part: str(part)[:40])
def test_a_variable_needs_a_name(variables: object, where: str) -> None:
    findings = states_language.validate(one(passing(Assign=variables)))

    assert {finding.pointer for finding in findings} == {f"/States/A/Assign{where}"}


@pytest.mark.parametrize("name", ["a", "_a", "größe", "名前", "A1", "x" * 80])
def test_a_variable_is_named_as_unicode_names_identifiers(name: str) -> None:
    assert variable_problem(name) is None


NULLABLE: list[Json] = [passing(InputPath=None), passing(OutputPath=None), passing(ResultPath=None)]


@pytest.mark.parametrize("state", NULLABLE, ids=str)
def test_three_paths_can_be_null(state: Json) -> None:
    assert states_language.validate(one(state)) == []
