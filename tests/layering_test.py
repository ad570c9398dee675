"""A folder is a layer: what may include what (docs/design.md, "Layers")."""
import os
import pathlib
import re
import unittest

SOURCE = pathlib.Path(os.environ["GORDIAN_SOURCE"])

# layer: what it may include besides itself. A file instead of a folder: that header alone.
MAY_INCLUDE = {
    "libsync/include": set(),
    "libsync/python": set(),
    "libsync/record": {"libsync/trace/layout.h", "libsync/trace/plan.h", "libsync/python/layout.h"},
    "libsync/trace": {"libsync/python"},
    "libsync/inspect": {"libsync/python", "libsync/trace"},
    "libsync/analyze": {"libsync/trace"},
    "libsync/testing": {"libsync/analyze", "libsync/include", "libsync/trace", "reports"},
    "preload": {"libsync/record", "libsync/trace/layout.h", "libsync/include/libsync/annotate.h"},
    "reports": {"libsync/analyze", "libsync/trace"},
    "cli": {"libsync/analyze", "libsync/inspect", "libsync/trace", "reports"},
}

# These run inside somebody else's program: libc, the kernel's interface and the C++ library's headers only.
INJECTED = {"libsync/record", "preload"}
PLAIN_HEADER = re.compile(r"(sys/|linux/|asm/|bits/|gnu/|netinet/)?[a-z0-9_-]+(\.h)?")
THIRD_PARTY_ON_TOP = {"libunwind.h", "libdw.h", "libelf.h", "gelf.h", "dwarf.h", "zlib.h", "zstd.h", "sqlite3.h",
                      "backtrace.h"}

# Google style names these in quotes too.
THIRD_PARTY = ("absl/", "CLI/", "nlohmann/", "elfutils/", "gtest/", "gmock/", "benchmark/")

# A layer's namespace in the text of a layer that must not know it.
NAMESPACES = {"libsync/analyze": "analyze", "libsync/inspect": "inspect", "reports": "report", "cli": "cli"}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def files_of(layer):
    return sorted(path for path in (SOURCE / layer).rglob("*") if path.suffix in (".h", ".cc", ".c", ".S"))


def includes_of(text, bracket):
    return [name for mark, name in INCLUDE.findall(text) if mark == bracket]


def layer_of(header):
    return next((layer for layer in MAY_INCLUDE if header.startswith(layer + "/")), None)


def allowed(layer, header):
    return layer_of(header) == layer or any(header == other or header.startswith(other + "/")
                                            for other in MAY_INCLUDE[layer])


def code_of(layers):
    """(layer, path from the root, text) of every file of these layers."""
    return [(layer, str(path.relative_to(SOURCE)), path.read_text())
            for layer in layers for path in files_of(layer)]


def is_plain(header):
    return PLAIN_HEADER.fullmatch(header) is not None and header not in THIRD_PARTY_ON_TOP


class LayeringTest(unittest.TestCase):
    def test_every_folder_with_code_is_a_layer(self):
        names = [name for _, name, _ in code_of(["libsync", "preload", "reports", "cli"])]
        self.assertGreater(len(names), 50)
        self.assertEqual([name for name in names if layer_of(name) is None], [])

    def test_includes_follow_the_layers(self):
        wrong = [f"{name} includes {header}" for layer, name, text in code_of(MAY_INCLUDE)
                 for header in includes_of(text, '"')
                 if not header.startswith(THIRD_PARTY) and not allowed(layer, header)]
        self.assertEqual(wrong, [])

    def test_includes_are_named_from_the_root(self):
        wrong = [f"{name} includes {header}" for _, name, text in code_of(MAY_INCLUDE)
                 for header in includes_of(text, '"')
                 if not header.startswith(THIRD_PARTY) and not (SOURCE / header).exists()]
        self.assertEqual(wrong, [])

    def test_the_trace_format_stands_alone(self):
        for contract in ("layout.h", "plan.h"):
            self.assertEqual(includes_of((SOURCE / "libsync/trace" / contract).read_text(), '"'), [])

    def test_injected_code_uses_nothing_of_third_parties(self):
        wrong = [f"{name} includes {header}" for _, name, text in code_of(INJECTED)
                 for header in includes_of(text, "<") + includes_of(text, '"')
                 if layer_of(header) is None and not is_plain(header)]
        self.assertEqual(wrong, [])

    def test_no_layer_names_what_it_must_not_know(self):
        wrong = [f"{name} names {other}" for layer, name, text in code_of(MAY_INCLUDE)
                 for other, namespace in NAMESPACES.items()
                 if other != layer and other not in MAY_INCLUDE[layer]
                 and re.search(rf"\b{namespace}::", COMMENT.sub("", text))]
        self.assertEqual(wrong, [])

    def test_the_rules_of_this_test_can_fail(self):
        self.assertFalse(allowed("libsync/trace", "libsync/analyze/finding.h"))
        self.assertFalse(allowed("preload", "libsync/trace/run.h"))
        self.assertTrue(allowed("preload", "libsync/trace/layout.h"))
        self.assertEqual(includes_of('#include <absl/strings/str_cat.h>\n#  include "a/b.h"\n', "<"),
                         ["absl/strings/str_cat.h"])
        self.assertFalse(is_plain("absl/strings/str_cat.h"))
        self.assertFalse(is_plain("libunwind.h"))
        self.assertTrue(is_plain("sys/mman.h"))


if __name__ == "__main__":
    unittest.main()
