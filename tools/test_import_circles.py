"""Tests of import_circles.py on small crates: `python3 -m unittest discover tools`."""

import pathlib
import tempfile
import unittest

from import_circles import Crate


def crate_of(files):
    """The crate that these files, text by path in `src`, make."""
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        for name, text in files.items():
            file = folder / "src" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return Crate(folder, folder / "src" / "lib.rs")


def imports(crate):
    return {(crate.short(source), crate.short(target)) for source, target in crate.edges}


def circles(crate):
    return [[crate.short(file) for file in circle] for circle in crate.circles]


class ImportsTest(unittest.TestCase):
    def test_a_name_is_followed_through_a_nested_tree_and_re_exports_to_its_file(self):
        crate = crate_of(
            {
                "lib.rs": "mod a; mod b;",
                "a.rs": "use crate::{b::{Inner as I, self}}; fn f(_: I) { b::g() }",
                "b/mod.rs": "mod inner; pub use inner::*; mod other; pub use other::g;",
                "b/inner.rs": "pub struct Inner;",
                "b/other.rs": "pub fn g() {}",
            }
        )
        self.assertEqual(imports(crate), {("a.rs", "b/inner.rs"), ("a.rs", "b/other.rs")})

    def test_a_path_without_a_use_is_an_import_and_a_name_handed_on_is_none(self):
        crate = crate_of(
            {
                "lib.rs": "mod a; mod b; pub use a::A;",
                "a.rs": "pub struct A; fn f() { super::b::g() }",
                "b.rs": "pub fn g() {}",
            }
        )
        self.assertEqual(imports(crate), {("a.rs", "b.rs")})

    def test_tests_comments_and_strings_import_nothing(self):
        crate = crate_of(
            {
                "lib.rs": "mod a; mod b;",
                "a.rs": """
                    /// [`crate::b::B`] /* { */
                    fn f() -> &'static str { "crate::b::B" }
                    #[cfg(test)] use crate::b::{B, C};
                    #[cfg(test)]
                    #[expect(clippy::pedantic, reason = "}")]
                    mod tests { use crate::b::B; fn g<T, U>() { let _ = '{'; } }
                """,
                "b.rs": "pub struct B; pub struct C;",
            }
        )
        self.assertEqual(imports(crate), set())


class CirclesTest(unittest.TestCase):
    def test_three_files_that_reach_each_other_are_one_circle(self):
        crate = crate_of(
            {
                "lib.rs": "mod a; mod b; mod c; mod d;",
                "a.rs": "use crate::b::B; pub struct A(B);",
                "b.rs": "use crate::c::C; pub struct B(C);",
                "c.rs": "use crate::{a::A, d::D}; pub struct C(Box<A>, D);",
                "d.rs": "pub struct D;",
            }
        )
        self.assertEqual(circles(crate), [["a.rs", "b.rs", "c.rs"]])
        self.assertEqual(crate.rings, [])

    def test_a_module_file_and_its_parts_are_no_circle(self):
        crate = crate_of(
            {
                "lib.rs": "mod a;",
                "a/mod.rs": "mod part; use part::f; pub struct A; fn g() { f(A) }",
                "a/part.rs": "use super::A; pub fn f(_: A) {}",
            }
        )
        self.assertEqual(circles(crate), [])
        self.assertEqual(len(imports(crate)), 2)

    def test_a_circle_through_a_part_of_a_module_is_found_either_way(self):
        down = crate_of(
            {
                "lib.rs": "mod a; mod b;",
                "a/mod.rs": "mod part; use part::f; pub struct A; fn g() { f() }",
                "a/part.rs": "use crate::b::h; pub fn f() { h() }",
                "b.rs": "use crate::a::A; pub fn h() { let _ = A; }",
            }
        )
        self.assertEqual(circles(down), [["a/mod.rs", "a/part.rs", "b.rs"]])
        up = crate_of(
            {
                "lib.rs": "mod a; mod b;",
                "a/mod.rs": "pub mod part; use crate::b::h; pub struct A; fn g() { h() }",
                "a/part.rs": "use super::A; pub fn f(_: A) {}",
                "b.rs": "use crate::a::part::f; pub fn h() { f() }",
            }
        )
        self.assertEqual(circles(up), [["a/mod.rs", "a/part.rs", "b.rs"]])

    def test_folders_make_a_ring_though_no_file_of_theirs_makes_a_circle(self):
        crate = crate_of(
            {
                "lib.rs": "mod a; mod b;",
                "a/mod.rs": "pub mod x; pub mod y;",
                "a/x.rs": "use crate::b::z::Z; pub struct X(Z);",
                "a/y.rs": "pub struct Y;",
                "b/mod.rs": "pub mod z; pub mod w;",
                "b/z.rs": "pub struct Z;",
                "b/w.rs": "use crate::a::y::Y; pub struct W(Y);",
            }
        )
        self.assertEqual(circles(crate), [])
        self.assertEqual(crate.rings, [[("a",), ("b",)]])


if __name__ == "__main__":
    unittest.main()
