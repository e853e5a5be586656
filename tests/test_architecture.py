"""The rules of the house that a reader relies on: layers, names, lengths, documentation."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ["datasets", "ssl", "pipelines", "cluster"]
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)


@pytest.fixture(params=SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def source(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_imports_run_one_way(source: Path) -> None:
    layer = source.relative_to(ROOT).parts[0]
    for line, module in _imports(ast.parse(source.read_text())):
        parts = module.split(".")
        assert parts[0] not in LAYERS or parts[0] == "ssl", f"{source}:{line} imports {module} outside densewalk"
        assert not (parts[0] == "ssl" and len(parts) > 1), f"{source}:{line} imports {module} outside densewalk"
        if parts[0] == "densewalk" and len(parts) > 1:
            assert LAYERS.index(parts[1]) <= LAYERS.index(layer), f"{source}:{line} imports {module} against the layers"
        if parts[0] == "ray":
            assert layer == "cluster", f"{source}:{line} imports ray outside cluster/"


def test_files_and_functions_stay_readable(source: Path) -> None:
    text = source.read_text()
    assert text.count("\n") <= 350, f"{source} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{source}:{node.lineno} {node.name} has {length} lines"


def test_modules_say_what_they_are_for_and_what_they_offer(source: Path) -> None:
    tree = ast.parse(source.read_text())
    assert ast.get_docstring(tree), f"{source} has no docstring"
    names = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    if source.name not in ("__init__.py", "__main__.py"):
        assert "__all__" in names, f"{source} does not list its public names"


def test_no_module_is_named_like_a_standard_one(source: Path) -> None:
    assert source.stem not in sys.stdlib_module_names, f"{source} shadows a standard module"


def test_top_folders_are_namespaces() -> None:
    for layer in LAYERS:
        assert not (ROOT / layer / "__init__.py").exists(), f"{layer}/__init__.py would shadow a known module"
        link = ROOT / "densewalk" / layer
        assert link.is_symlink()
        assert link.resolve() == (ROOT / layer).resolve()


def test_nothing_names_a_path_of_a_machine() -> None:
    for path in SOURCES:
        for line in path.read_text().splitlines():
            assert not any(f'"/{top}/' in line for top in ("home", "root", "work")), f"{path}: {line.strip()}"


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "README.md"])
def test_documents_name_files_that_exist(document: str) -> None:
    named = re.findall(r"`((?:datasets|ssl|pipelines|cluster|tests)/[\w/.]*)`", (ROOT / document).read_text())
    assert named
    assert not [name for name in named if not (ROOT / name).exists()]
