# SPDX-License-Identifier: Apache-2.0
"""Structural pattern matching, for releases that have it (3.10 and newer)."""

import collections
import dataclasses


@dataclasses.dataclass
class Node:
    kind: str
    left: object = None
    right: object = None


def simplify(node):
    match node:
        case Node("+", Node("number", int(a)), Node("number", int(b))):
            return Node("number", a + b)
        case Node("*", Node("number", 0), _) | Node("*", _, Node("number", 0)):
            return Node("number", 0)
        case Node("+" | "*" as kind, left, right):
            return Node(kind, simplify(left), simplify(right))
        case _:
            return node


def routed(request):
    match request:
        case {"method": "GET", "path": ["users", name]}:
            return name
        case {"method": "POST", "path": [first, *rest], **more} if rest:
            return f"{first}{len(rest)}{len(more)}"
        case (int(x), int(y)) if x > y:
            return str(x)
        case [] | [_]:
            return "short"
        case str():
            return request
        case _:
            return None


def main():
    tree = Node("number", 1)
    for i in range(60):
        tree = Node("+*"[i % 2], tree, Node("number", i % 7))
    for _ in range(90):
        tree = simplify(tree)
    requests = [
        {"method": "GET", "path": ["users", "me"]},
        {"method": "POST", "path": ["a", "b"], "body": "x"},
        (3, 2),
        [1],
        "text",
        None,
    ]
    counter = collections.Counter(routed(requests[i % len(requests)]) for i in range(9000))
    return counter.most_common(1)


if __name__ == "__main__":
    main()
