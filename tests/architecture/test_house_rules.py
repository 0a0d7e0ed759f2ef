"""House rules that name the offender."""

import ast
import importlib
import re

from callbacks.attach import modules
from core.jobs import KINDS
from core.settings import describe
from tests.architecture.source import ROOT, Function, sources

FILE_LINES = 300
FUNCTION_LINES = 60
ANNOTATED = 0.95
BROAD_EXCEPTS = 8
TEST_LINES = 0.8  # a line of source
# verbs of queries and job helpers that write; a callback that calls one changes something
WRITES = re.compile(
    r"^(add|approve|cancel|create|delete|end|follow|forget|get_or_create|keep|mark|promote|put|remove|request|rename|retire"
    r"|save|set|store|submit|unfollow|update|upsert)(_|$)"
)
NEVER = (
    "srcDoc",
    "dangerously_allow_html",
    "import pickle",
    "import joblib",
    "from pickle",
    "from joblib",
    "shell=True",
)


def test_files_are_short() -> None:
    long = [f"{s.name} has {s.lines} lines" for s in sources() if s.lines > FILE_LINES]
    long += [f"{s.name} has {s.lines} lines" for s in sources("tests") if s.lines > 2 * FILE_LINES]
    assert long == []


def test_functions_are_short() -> None:
    long = [
        f"{s.name}: {f.name} has {length(f)} lines"
        for s in sources()
        for f in s.functions()
        if length(f) > FUNCTION_LINES
    ]
    assert long == []


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_are_annotated() -> None:
    bare = [f"{s.name}: {f.name}" for s in sources() for f in s.functions() if not annotated(f)]
    every = sum(1 for s in sources() for _ in s.functions())
    assert len(bare) <= (1 - ANNOTATED) * every, bare


def annotated(function: Function) -> bool:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return function.returns is not None and all(argument.annotation for argument in named)


def test_broad_excepts_are_few() -> None:
    broad = [f"{s.name}:{node.lineno}" for s in sources() for node in ast.walk(s.tree) if is_broad(node)]
    assert len(broad) <= BROAD_EXCEPTS, broad


def is_broad(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    named = node.type.id if isinstance(node.type, ast.Name) else None
    return node.type is None or named in {"Exception", "BaseException"}


def test_tests_hold_their_share_of_lines() -> None:
    source = sum(s.lines for s in sources())
    tests = sum(s.lines for s in sources("tests"))
    assert tests >= TEST_LINES * source, f"{tests} lines of tests for {source} lines of source"


def test_what_is_never_written_is_written_nowhere() -> None:
    found = [f"{s.name}: {word}" for s in sources() for word in NEVER if word in s.text]
    assert found == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [s.name for s in sources() if marks.search(s.text)] == []


def test_every_job_name_imports() -> None:
    for kind in KINDS.values():
        module, _, function = kind.target.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function, None)), f"{kind.name}: {kind.target}"


def test_every_setting_is_written_down() -> None:
    for name in ("docs/settings.md", ".env.example"):
        text = (ROOT / name).read_text(encoding="utf-8")
        missing = [variable for variable, _, _ in describe() if not re.search(rf"\b{variable}\b", text)]
        assert missing == [], f"{name} lacks settings: write it again with `python -m dashapp settings`"


def test_callbacks_that_change_something_carry_their_guard() -> None:
    for module in modules():
        for wire in module.wire.wires:
            if wire.changes:
                assert hasattr(wire.target, "needed_role"), f"{module.__name__}: {wire.target}"


def test_callbacks_that_write_say_so() -> None:
    """A wired function that calls a writing query must be wired with `changes=True`, which demands the guard."""
    silent = []
    for source in sources("callbacks"):
        for function in source.functions():
            wired = [
                d for d in function.decorator_list if isinstance(d, ast.Call) and getattr(d.func, "id", "") == "wire"
            ]
            says = any(keyword.arg == "changes" for decorator in wired for keyword in decorator.keywords)
            if wired and not says and (verbs := writing_calls(function)):
                silent.append(f"{source.name}: {function.name} calls {', '.join(sorted(verbs))}")
    assert silent == []


def writing_calls(function: Function) -> set[str]:
    """Names of writing calls on modules of db: `db.queries.jobs.submit(…)`, `queries.set_followed(…)`."""
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and WRITES.match(node.func.attr):
            owner = ast.unparse(node.func.value)
            if owner.startswith("db.") or owner in {"jobs", "markets", "queries", "users", "uploads", "trained_models"}:
                found.add(node.func.attr)
    return found


def test_pages_speak_calmly() -> None:
    """No exclamation marks in the words of the interface."""
    loud = [
        f"{source.name}:{node.lineno} {node.value!r}"
        for source in sources("layouts", "callbacks")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"[a-z]!(\s|$)", node.value)
    ]
    assert loud == []
