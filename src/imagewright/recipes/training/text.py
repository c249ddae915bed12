# SPDX-License-Identifier: Apache-2.0
"""Strings, regular expressions, parsers, templates, formats of files: programs that read and write text."""

import argparse
import ast
import base64
import bisect
import codecs
import configparser
import csv
import datetime
import difflib
import html
import html.parser
import io
import json
import logging
import pathlib
import pickle
import pprint
import re
import shlex
import sqlite3
import string
import struct
import sys
import tempfile
import textwrap
import tokenize
import urllib.parse
import xml.etree.ElementTree as ElementTree
import zlib

if sys.version_info >= (3, 11):
    import tomllib

WORDS = (
    "the quick brown fox jumps over a lazy dog while ümlaute and 漢字 pass by in 1984 with 3.14 e-mails".split()
)
PROSE = "\n".join(" ".join(WORDS[(i * 7 + j) % len(WORDS)] for j in range(11)) for i in range(160))
RECORD = {
    "id": 12345,
    "name": "Grüße",
    "active": True,
    "none": None,
    "tags": ["a", "b", "c" * 20],
    "nested": {"x": 1.5, "y": [1, 2, 3, {"deep": "value"}], "empty": {}},
    "numbers": list(range(40)),
    "floats": [i / 7 for i in range(12)],
}


def expressions(rounds=7):
    patterns = [
        r"\b[a-z]+\b",
        r"(?P<word>\w+)\s+(?P=word)",
        r"(?i)FOX|dog|lazy",
        r"[^\s]*[0-9]+[^\s]*",
        r"^(\S+)\s+(\S+)",
        r"(?:qu|br)\w{2,5}(?=\s)",
        r"\d{4}-\d\d",
        r".*?while",
        r"[\u00fc\u6f22]",
        r"(a|o|e)+?[^aeiou ]",
    ]
    found = 0
    for _ in range(rounds):
        for pattern in patterns:
            found += len(re.findall(pattern, PROSE, re.MULTILINE))
        re.sub(r"(\w)(\w*)", lambda m: m.group(1).upper() + m.group(2), PROSE)
        re.split(r"\s*[,;\n]\s*", PROSE)
        for line in PROSE.splitlines():
            re.match(r"(\w+) (\w+)", line)
            re.search(r"dog$", line)
    genes = "".join("acgt"[(i * i * 7 + i) % 4] for i in range(24000))
    for pattern in ("agggtaaa|tttaccct", "[cgt]gggtaaa|tttaccc[acg]", "a[act]ggtaaa|tttacc[agt]t", "(.)\\1\\1+"):
        found += len(re.findall(pattern, genes))
    purge = re.compile
    for i in range(60):
        purge(rf"(?P<a>x{i})|[a-f{i}]+(?:\s|$)(?!y{{1,{i + 2}}})")
    return found


def strings(rounds=9):
    table = str.maketrans("abcdef", "ghijkl")
    out = []
    for r in range(rounds):
        for number, line in enumerate(PROSE.split("\n")):
            words = line.split()
            out.append("%05d %-10s|%s" % (number, words[0], "-".join(reversed(words))))
            out.append(f"{number:>6} {words[1]!r:<12} {number / 7:.3f} {line[:12].title()}")
            out.append("{0} {name:>8} {1:08.3f}".format(number, r * 1.5, name=words[2]))
            line.translate(table).replace("fox", "cat").upper().lower().strip().encode().decode()
            line.startswith("the"), line.find("dog"), "lazy" in line, line.partition(" "), line.count("a")
            "".join(c for c in line if c.isalpha()).casefold()
            line.encode("utf-16-le").decode("utf-16-le")
            line.encode("latin-1", "replace")
            ord(line[3]), chr(number + 64), line == words[0], line < "zebra", hash(line + "x")
    text = "\n".join(out)
    textwrap.fill(text[:4000], 60)
    html.unescape(html.escape(text[:9000]))
    codecs.encode(text[:500], "rot13")
    return len(text)


def data(rounds=28):
    document = json.dumps([RECORD] * 6, indent=None)
    plain = [RECORD, list(RECORD.items()), {i: str(i) for i in range(60)}, [(i, i * 0.5) for i in range(80)]]
    for _ in range(rounds):
        json.loads(document)
        json.dumps([RECORD] * 4, sort_keys=True)
        json.dumps(RECORD, indent=1, ensure_ascii=False)
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            pickle.loads(pickle.dumps(plain, protocol))
    buffer = io.BytesIO()
    pickle._Pickler(buffer).dump(plain)
    buffer.seek(0)
    pickle._Unpickler(buffer).load()
    for i in range(1200):
        packed = struct.pack("<IhQd8s", i, 7, i << 33, i / 3, b"name")
        struct.unpack("<IhQd8s", packed)
        base64.b64decode(base64.b64encode(packed))
        int.from_bytes(packed[:4], "little")
    block = PROSE.encode() * 3
    zlib.decompress(zlib.compress(block, 6))
    pprint.pformat([RECORD] * 3, width=60)
    return len(document)


def markup(rounds=4):
    for _ in range(rounds):
        root = ElementTree.Element("root")
        for i in range(150):
            child = ElementTree.SubElement(root, "item", {"id": str(i), "class": "a b"})
            child.text = WORDS[i % len(WORDS)]
            ElementTree.SubElement(child, "sub").tail = "tail"
        source = ElementTree.tostring(root, encoding="unicode")
        parsed = ElementTree.fromstring(source)
        len(parsed.findall("./item/sub")), parsed.find("item[@id='7']")
        for _event, element in ElementTree.iterparse(io.StringIO(source), events=("start", "end")):
            element.get("id")
        seen = []

        class Reader(html.parser.HTMLParser):
            def handle_starttag(self, tag, attrs):
                seen.append((tag, dict(attrs)))

            def handle_data(self, data):
                seen.append(data.strip())

        Reader().feed(source.replace("<sub />", "<br>&amp;"))


TEMPLATE = (
    "<table>{% for row %}<tr>{% for cell %}<td class='{{ n }}'>{{ cell }}</td>{% end %}</tr>{% end %}</table>"
)


def templates(rows=90, columns=9):
    """A template compiled to nested functions, and one compiled to Python's own bytecode."""

    def nodes(tokens, until_end=False):
        made = []
        for token in tokens:
            if token.startswith("{% for"):
                made.append(("for", token.split()[2], nodes(tokens, True)))
            elif token.startswith("{% end"):
                return made
            elif token.startswith("{{"):
                made.append(("value", token[2:-2].strip()))
            else:
                made.append(("text", token))
        return made

    def render(parts, context, write):
        for part in parts:
            if part[0] == "text":
                write(part[1])
            elif part[0] == "value":
                write(html.escape(str(context.get(part[1], ""))))
            else:
                for n, value in enumerate(context[part[1]]):
                    inner = dict(context)
                    inner.update({part[1]: value, "n": n, "cell": value})
                    render(part[2], inner, write)

    tree = nodes(iter(re.split(r"({[%{].*?[%}]})", TEMPLATE)))
    table = [list(range(columns)) for _ in range(rows)]
    out = []
    render(tree, {"row": table}, out.append)
    source = "def page(rows):\n    out = []\n    for row in rows:\n        out.append('<tr>')\n"
    source += (
        "".join(f"        out.append(f'<td>{{row[{c}]}}</td>')\n" for c in range(columns))
        + "    return ''.join(out)\n"
    )
    scope = {}
    for i in range(12):
        exec(compile(source + f"# {i}\n", "page", "exec"), scope)
        scope["page"](table)
    string.Template("$who likes $what").safe_substitute(who="she", what="tea")
    return len("".join(out))


def languages():
    """Tokens, trees and bytecode of Python; options, INI, TOML, CSV, shells."""
    source = pathlib.Path(argparse.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source)
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name)]

    class Renamer(ast.NodeTransformer):
        def visit_Name(self, node):
            return ast.copy_location(ast.Name(node.id + "_", node.ctx), node)

    ast.unparse(Renamer().visit(ast.parse(source[:30000].rpartition("\nclass ")[0])))
    compile(source, "argparse", "exec")
    list(tokenize.generate_tokens(io.StringIO(source[:20000].rpartition("\n\n\n")[0] + "\n").readline))
    for _ in range(14):
        parser = argparse.ArgumentParser(prog="p")
        parser.add_argument("--level", type=int, default=1, help="a level")
        parser.add_argument("files", nargs="*")
        commands = parser.add_subparsers(dest="command") if _ % 2 else None
        for i in range(12):
            parser.add_argument(f"--option-{i}", action="store_true")
            if commands:
                commands.add_parser(f"c{i}").add_argument("--x")
        parser.parse_args(["--level", "3", "--option-1"] + (["c1", "--x", "2"] if commands else ["f1", "f2"]))
        parser.format_help()
    toml = "".join(
        f'[table{i}]\nname = "n{i}"\nvalues = [1, 2.5, true, "x"]\nwhen = 2026-01-0{i % 9 + 1}\n'
        for i in range(50)
    )
    for _ in range(4 if sys.version_info >= (3, 11) else 0):
        tomllib.loads(toml)
    ini = configparser.ConfigParser()
    ini.read_string("".join(f"[s{i}]\na = %(b)s x\nb = {i}\n" for i in range(60)))
    [ini[s]["a"] for s in ini.sections()]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([i, f"a,{i}", 'q"', i / 3] for i in range(900))
    list(csv.DictReader(io.StringIO(out.getvalue()), fieldnames=["a", "b", "c", "d"]))
    shlex.split("a 'b c' \"d e\" f\\ g" * 30)
    list(difflib.unified_diff(PROSE.splitlines()[:60], PROSE.upper().splitlines()[10:70]))
    return len(names)


def records(rows=1500):
    """Logging, dates, addresses, paths, a database."""
    stream = io.StringIO()
    logger = logging.getLogger("training")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    logger.addHandler(handler)
    for i in range(rows):
        logger.info("row %d of %s", i, "many")
        logger.debug("not shown %d", i)
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    days = [(start + datetime.timedelta(minutes=i * 37)) for i in range(rows)]
    [datetime.datetime.fromisoformat(d.isoformat()).strftime("%Y-%m-%d") for d in days]
    for i in range(rows // 3):
        parts = urllib.parse.urlsplit(f"https://user@example.invalid:8080/a/{i}?q=1&r=%20x#f")
        (
            urllib.parse.parse_qs(parts.query),
            urllib.parse.quote(parts.path),
            urllib.parse.urljoin("http://h/a/b", "../c"),
        )
    with tempfile.TemporaryDirectory() as directory:
        for i in range(60):
            (pathlib.Path(directory) / f"f{i}.txt").write_text(str(i))
        for _ in range(6):
            [p.stat().st_size for p in sorted(pathlib.Path(directory).iterdir()) if p.suffix == ".txt"]
            list(pathlib.Path(directory).glob("*1*"))
    base = sqlite3.connect(":memory:")
    base.execute("create table t (a integer primary key, b text, c real)")
    base.executemany("insert into t values (?, ?, ?)", ((i, WORDS[i % len(WORDS)], i / 9) for i in range(rows)))
    base.create_function("twice", 1, lambda x: x * 2)
    base.create_aggregate(
        "most",
        1,
        type(
            "M",
            (),
            {
                "__init__": lambda s: setattr(s, "m", 0),
                "step": lambda s, v: setattr(s, "m", max(s.m, v)),
                "finalize": lambda s: s.m,
            },
        ),
    )
    for _ in range(5):
        base.execute("select twice(a), b from t where c > 20 order by b, a").fetchall()
        base.execute("select b, count(*), most(a) from t group by b").fetchall()
    base.close()
    order = []
    for i in range(rows):
        bisect.insort(order, i * 7919 % 1009)
    order.sort(key=lambda v: (v % 10, -v))
    return len(stream.getvalue())


def bits():
    """A bit stream decoded with a prefix code, as inflaters in Python do."""
    packed = bytes((i * 73 + (i >> 3)) & 255 for i in range(5200))
    codes = {(1, 0): "a", (2, 2): "b", (3, 6): "c", (4, 14): "d", (4, 15): "e"}
    position, out, value, length = 0, [], 0, 0
    while position < len(packed) * 8:
        value = value << 1 | (packed[position >> 3] >> (position & 7)) & 1
        length += 1
        position += 1
        letter = codes.get((length, value))
        if letter is not None:
            out.append(letter)
            value = length = 0
    text = "".join(out)
    ranks = sorted(range(len(text[:900])), key=lambda i: text[i : i + 20])
    moved = list("abcde")
    for letter in text[:6000]:
        at = moved.index(letter)
        moved.insert(0, moved.pop(at))
    return len(ranks)


def main():
    expressions()
    strings()
    data()
    markup()
    templates()
    languages()
    records()
    bits()


if __name__ == "__main__":
    main()
