#!/usr/bin/env python3
"""Circles in the import graph of every crate of the workspace.

    python3 tools/import_circles.py            # the circles, crate by crate
    python3 tools/import_circles.py --edges    # every import, too

A file imports another when its own code names something that the other defines, through `use` or
through a path such as `crate::store::Store`. A name is followed through nested trees, globs,
renames and re-exports to the file that defines it; a `pub use` that hands a name on counts only
where the file uses the name itself. Tests (`#[cfg(test)]`), comments and strings do not count, nor
do methods and macros that are reached without a path.

Two things are reported:

* circles of files: files each of which reaches all the others by imports. A module file and the
  files in its folder may use each other, since these are its parts: a circle is one that is there
  without the imports from a module file down to its parts, or without those from parts up to it.
* rings of folders: modules side by side in one folder, two or more of them folders, each of which
  reaches all the others by imports from anywhere within it.

Exit status: 0 when all is well; 1 when there is a ring of folders, or when there are more circles
of files than MAX_FILE_CIRCLES, beyond those in ALLOWED; 2 when the sources cannot be read.
"""

import argparse
import pathlib
import re
import sys

MAX_FILE_CIRCLES = 3

# Circles that are meant to be there: the files (from the folder `crates/`), and why.
# An entry that no longer occurs is an error, so that the list cannot outlive its reasons.
ALLOWED = {}

TOKEN = re.compile(
    r"""
      (?P<skip>\s+|//[^\n]*)
    | (?P<raw>b?r(?P<fence>\#*)".*?"(?P=fence))
    | (?P<string>b?"(?:\\.|[^"\\])*")
    | (?P<char>b?'(?:\\(?:u\{[0-9a-fA-F_]+\}|x[0-9a-fA-F]{2}|.)|[^'\\])')
    | (?P<lifetime>'[A-Za-z_][A-Za-z0-9_]*)
    | (?P<name>(?:r\#)?[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][0-9A-Za-z_]*)
    | (?P<path>::)
    | (?P<arrow>=>|->)
    | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)

DEFINES = {"fn", "struct", "enum", "trait", "type", "const", "static", "union", "mod"}


def tokens_of(text):
    """The tokens of a Rust source, without comments; literals become `""`."""
    text = without_block_comments(text)
    tokens = []
    for match in TOKEN.finditer(text):
        kind = match.lastgroup if match.lastgroup != "fence" else "raw"
        if kind == "skip":
            continue
        is_literal = kind in ("raw", "string", "char")
        tokens.append('""' if is_literal else match.group())
    return tokens


def without_block_comments(text):
    """Block comments, which nest, become spaces. The house has none with quotes in them."""
    while (cut := re.sub(r"/\*(?:(?!/\*|\*/).)*\*/", " ", text, flags=re.DOTALL)) != text:
        text = cut
    return text


def closing(tokens, at):
    """The index of the bracket that closes the one at `at`."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    depth = 0
    for i in range(at, len(tokens)):
        if tokens[i] in pairs:
            depth += 1
        elif tokens[i] in pairs.values():
            depth -= 1
            if depth == 0:
                return i
    raise ValueError("a bracket is never closed")


def end_of_item(tokens, at):
    """One past the item that begins at `at`: its `;`, or the end of its braces."""
    i = at
    is_field = not set(tokens[at : at + 4]) & {"fn", "impl", "mod", "struct", "enum", "use", "const"}
    while i < len(tokens):
        if tokens[i] == ";":
            return i + 1
        if tokens[i] in "([":
            i = closing(tokens, i)
        elif tokens[i] == "{":
            end = closing(tokens, i) + 1
            # `use a::{b, c};` and `const X: T = T { .. };` end with a semicolon.
            return end + 1 if end < len(tokens) and tokens[end] == ";" else end
        elif tokens[i] == "," and is_field:
            return i + 1
        i += 1
    return i


def without_tests(tokens):
    """What is left when every item under `#[cfg(test)]` or `#[test]` is taken out."""
    kept, i = [], 0
    while i < len(tokens):
        if tokens[i] == "#" and i + 1 < len(tokens) and tokens[i + 1] == "[":
            end = closing(tokens, i + 1)
            attribute = tokens[i + 2 : end]
            if attribute in (["cfg", "(", "test", ")"], ["test"]):
                i = end + 1
                while tokens[i] == "#":  # further attributes of the same item
                    i = closing(tokens, i + 1) + 1
                i = end_of_item(tokens, i)
            else:
                i = end + 1
            continue
        kept.append(tokens[i])
        i += 1
    return kept


class Module:
    """A module: its own names, what it imports, and its own code."""

    def __init__(self, path, file, parent):
        self.path = path  # a tuple of names, () for the crate
        self.file = file
        self.parent = parent
        self.children = {}
        self.defined = set()
        self.uses = []  # (path as a list, name here or None for a glob, is handed on)
        self.body = []  # tokens outside `use`, of this module alone

    def walk(self):
        yield self
        for child in self.children.values():
            yield from child.walk()


def read_module(path, file, parent, folder):
    """The module in `file`; its children live in `folder`."""
    module = Module(path, file, parent)
    parse(module, without_tests(tokens_of(file.read_text(encoding="utf-8"))), folder)
    return module


def parse(module, tokens, folder):
    depth, i = 0, 0
    while i < len(tokens):
        token = tokens[i]
        # `use<'a, T>` in a type says what it captures, and imports nothing.
        if token == "use" and tokens[i + 1] != "<":
            i = parse_use(module, tokens, i, is_top=depth == 0)
            continue
        if token == "mod" and depth == 0 and i + 2 < len(tokens) and tokens[i + 2] in ";{":
            name = tokens[i + 1]
            child_folder = folder / name
            if tokens[i + 2] == ";":
                module.children[name] = read_child(module, name, folder)
                i += 3
            else:
                end = closing(tokens, i + 2)
                child = Module((*module.path, name), module.file, module)
                parse(child, tokens[i + 3 : end], child_folder)
                module.children[name] = child
                i = end + 1
            continue
        if token == "macro_rules" and tokens[i + 1] == "!":
            module.defined.add(tokens[i + 2])
        if depth == 0 and token in DEFINES and re.match(r"[A-Za-z_]", tokens[i + 1]):
            named = i + 2 if tokens[i + 1] in ("mut", "fn", "unsafe", "extern") else i + 1
            module.defined.add(tokens[named])
        depth += token in ("{", "(", "[")
        depth -= token in ("}", ")", "]")
        module.body.append(token)
        i += 1


def read_child(module, name, folder):
    for file in (folder / f"{name}.rs", folder / name / "mod.rs"):
        if file.is_file():
            return read_module((*module.path, name), file, module, folder / name)
    raise FileNotFoundError(f"module {name} of {module.file} has no file in {folder}")


def parse_use(module, tokens, at, is_top):
    """Takes in the `use` at `at`; gives the index past its semicolon."""
    end = tokens.index(";", at)
    is_handed_on = at > 0 and tokens[at - 1] in ("pub", ")") and is_top
    for path, name in use_leaves(tokens[at + 1 : end], []):
        module.uses.append((path, name, is_handed_on))
    return end + 1


def use_leaves(tree, prefix):
    """Every leaf of a use tree: its whole path, and its name here (None for a glob)."""
    path, i = list(prefix), 0
    while i < len(tree):
        token = tree[i]
        if token == "{":
            for branch in split_at_commas(tree[i + 1 : closing(tree, i)]):
                yield from use_leaves(branch, path)
            return
        if token == "*":
            yield path, None
            return
        if token == "as":
            yield path, tree[i + 1]
            return
        if token != "::":
            path.append(token)
        i += 1
    if path[-1] == "self":
        path.pop()
    yield path, path[-1]


def split_at_commas(tokens):
    branches, branch, depth = [], [], 0
    for token in tokens:
        depth += token == "{"
        depth -= token == "}"
        if token == "," and depth == 0:
            branches.append(branch)
            branch = []
        else:
            branch.append(token)
    return [branch for branch in [*branches, branch] if branch]


def resolve(module, path, seen=frozenset()):
    """The module or, as (module, name), the item that a path means; None for another crate's."""
    key = (module.path, tuple(path))
    if key in seen:
        return None
    seen = seen | {key}
    here, rest = module, list(path)
    if rest[0] == "crate":
        while here.parent:
            here = here.parent
        rest = rest[1:]
    else:
        while rest and rest[0] in ("self", "super"):
            here = here.parent if rest[0] == "super" else here
            rest = rest[1:]
    for i, name in enumerate(rest):
        if name in here.children:
            here = here.children[name]
            continue
        if name in here.defined:
            return here, name
        found = resolve_import(here, name, seen)
        if found is None or isinstance(found, tuple):
            return found
        here = found
    return here


def resolve_import(module, name, seen):
    for path, here, _ in module.uses:
        if here == name:
            found = resolve(module, path, seen)
            if found is not None:
                return found
    for path, here, _ in module.uses:
        if here is None:
            found = resolve(module, [*path, name], seen)
            # A name that a glob's module has not is found in another glob, or in another crate.
            if found is not None:
                return found
    return None


def paths_in(body):
    """Every path in code: names joined by `::`. A single name is a path of one."""
    i = 0
    while i < len(body):
        if re.match(r"[A-Za-z_]", body[i]) and (i == 0 or body[i - 1] not in ("::", ".")):
            path = [body[i]]
            while i + 2 < len(body) and body[i + 1] == "::" and re.match(r"[A-Za-z_]", body[i + 2]):
                path.append(body[i + 2])
                i += 2
            yield path
        i += 1


def imports_of(crate):
    """Edges (file, file) -> names, of one crate."""
    edges = {}

    def add(module, found, name):
        if found is None:
            return
        target = found[0] if isinstance(found, tuple) else found
        if target.file != module.file:
            edges.setdefault((module.file, target.file), set()).add(name)

    for module in crate.walk():
        used = {path[0] for path in paths_in(module.body)}
        for path, name, is_handed_on in module.uses:
            if name is None:
                continue
            found = resolve(module, path)
            # A module that is imported by name is entered through the paths in the body.
            if isinstance(found, tuple) and (name in used or not is_handed_on):
                add(module, found, name)
        for path in paths_in(module.body):
            found = resolve(module, path)
            if isinstance(found, tuple):
                add(module, found, found[1])
    return edges


def strong_components(nodes, successors):
    """Tarjan's components of more than one node, in the order of `nodes`."""
    index, low, stack, on_stack, components = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on_stack.add(node)
        for following in successors.get(node, ()):
            if following not in index:
                visit(following)
                low[node] = min(low[node], low[following])
            elif following in on_stack:
                low[node] = min(low[node], index[following])
        if low[node] == index[node]:
            component = []
            while True:
                top = stack.pop()
                on_stack.discard(top)
                component.append(top)
                if top == node:
                    break
            if len(component) > 1:
                components.append(sorted(component))

    sys.setrecursionlimit(10_000)
    for node in nodes:
        if node not in index:
            visit(node)
    return sorted(components)


def is_part_of(module, whole):
    return len(module) > len(whole) and module[: len(whole)] == whole


def file_circles(crate, edges):
    """Files that reach each other, other than by a module file and its own parts alone."""
    modules = module_of_file(crate)
    found = []
    for is_down in (True, False):
        successors = {}
        for source, target in edges:
            whole, part = (source, target) if is_down else (target, source)
            if not is_part_of(modules[part], modules[whole]):
                successors.setdefault(source, set()).add(target)
        found += strong_components(sorted(successors), successors)
    return joined(found)


def joined(sets):
    """Sets that share a member become one."""
    apart = []
    for members in map(set, sets):
        touching = [other for other in apart if other & members]
        apart = [other for other in apart if not other & members]
        apart.append(members.union(*touching))
    return sorted(map(sorted, apart))


def module_of_file(crate):
    """The path of the outermost module in each file."""
    modules = {}
    for module in crate.walk():
        modules.setdefault(module.file, module.path)
    return modules


def folder_rings(crate, edges):
    """Sets of module paths, side by side, that reach each other, two or more of them folders."""
    modules = module_of_file(crate)
    rings = []
    for parent in crate.walk():
        depth = len(parent.path)
        successors = {}
        for source, target in edges:
            ends = [modules[source], modules[target]]
            if all(is_part_of(end, parent.path) for end in ends):
                of, to = (end[: depth + 1] for end in ends)
                if of != to:
                    successors.setdefault(of, set()).add(to)
        for ring in strong_components(sorted(successors), successors):
            if sum(has_folder(parent.children[path[depth]]) for path in ring) >= 2:
                rings.append(ring)
    return rings


def has_folder(module):
    return any(child.file != module.file for child in module.children.values())


class Crate:
    """A crate's circles, in words."""

    def __init__(self, folder, root_file):
        self.src = root_file.parent
        root = read_module((), root_file, None, self.src)
        self.name = f"{folder.name} ({root_file.name})"
        self.edges = imports_of(root)
        self.modules = module_of_file(root)
        self.circles = file_circles(root, self.edges)
        self.rings = folder_rings(root, self.edges)

    def short(self, file):
        return file.relative_to(self.src).as_posix()

    def ties(self, room_of):
        """Every import between two different rooms; `room_of` gives a file's room, or None."""
        for (source, target), names in sorted(self.edges.items()):
            rooms = room_of(source), room_of(target)
            if None not in rooms and rooms[0] != rooms[1]:
                yield f"      {self.short(source)} -> {self.short(target)}: {', '.join(sorted(names))}"

    def ties_of_circle(self, circle):
        return self.ties(lambda file: file if file in circle else None)

    def ties_of_ring(self, ring):
        depth = len(ring[0])
        return self.ties(lambda file: room if (room := self.modules[file][:depth]) in ring else None)


def crates_of(root):
    for folder in sorted((root / "crates").iterdir()):
        for name in ("lib.rs", "main.rs"):
            if (file := folder / "src" / name).is_file():
                yield Crate(folder, file)


def report(root, with_edges):
    """Prints the circles of every crate; gives the exit status."""
    n_rings, n_circles, met = 0, 0, set()
    for crate in crates_of(root):
        allowed = []
        for circle in crate.circles:
            key = tuple(file.relative_to(root / "crates").as_posix() for file in circle)
            allowed.append(ALLOWED.get(key))
            met.add(key)
        n_rings += len(crate.rings)
        n_circles += sum(reason is None for reason in allowed)
        print(
            f"{crate.name}: files {len(crate.modules)}, imports {len(crate.edges)}, "
            f"circles of files {len(crate.circles)}, rings of folders {len(crate.rings)}"
        )
        for circle, reason in zip(crate.circles, allowed):
            print("   circle:", " <-> ".join(map(crate.short, circle)))
            print(*crate.ties_of_circle(circle), sep="\n")
            if reason is not None:
                print("      allowed:", reason)
        for ring in crate.rings:
            print("   ring:", " <-> ".join("/".join(path) for path in ring))
            print(*crate.ties_of_ring(ring), sep="\n")
        if with_edges:
            print("   all imports:", *crate.ties(lambda file: file), sep="\n")
    print(f"all: circles of files without a reason {n_circles}, rings of folders {n_rings}")
    outlived = [key for key in ALLOWED if key not in met]
    for key in outlived:
        print("allowed, but not there any more:", " <-> ".join(key))
    return 1 if n_rings or n_circles > MAX_FILE_CIRCLES or outlived else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edges", action="store_true", help="print every import, too")
    parser.add_argument(
        "--root",
        type=pathlib.Path,
        default=pathlib.Path(__file__).resolve().parent.parent,
        help="the workspace (default: the one this script belongs to)",
    )
    arguments = parser.parse_args()
    try:
        return report(arguments.root, arguments.edges)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
