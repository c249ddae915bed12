# SPDX-License-Identifier: Apache-2.0
"""Arithmetic in loops: floats, small and large integers, decimals, fractions, complex numbers, bits, arrays."""

import array
import cmath
import decimal
import fractions
import math
import random
import statistics


class Vector:
    """A point with operators, as ray tracers and physics have them."""

    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x = x
        self.y = y
        self.z = z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    def length(self):
        return math.sqrt(self.dot(self))

    def unit(self):
        return self * (1.0 / self.length())


def springs(count=12, steps=700):
    """Masses that pull at each other; lists of floats, nested loops."""
    places = [[math.sin(i * 1.7), math.cos(i * 2.3), i * 0.1] for i in range(count)]
    speeds = [[0.0, 0.0, 0.0] for _ in range(count)]
    masses = [1.0 + i % 3 for i in range(count)]
    pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
    for _ in range(steps):
        for i, j in pairs:
            ax, ay, az = places[i]
            bx, by, bz = places[j]
            dx, dy, dz = ax - bx, ay - by, az - bz
            force = 0.001 / ((dx * dx + dy * dy + dz * dz + 0.01) ** 1.5)
            pull, push = masses[j] * force, masses[i] * force
            v = speeds[i]
            v[0] -= dx * pull
            v[1] -= dy * pull
            v[2] -= dz * pull
            w = speeds[j]
            w[0] += dx * push
            w[1] += dy * push
            w[2] += dz * push
        for place, (vx, vy, vz) in zip(places, speeds):
            place[0] += vx * 0.01
            place[1] += vy * 0.01
            place[2] += vz * 0.01
    return places


def spheres(width=46):
    """A picture of spheres: objects with operators, attributes, calls of methods."""
    balls = [(Vector(i - 2.0, math.sin(i), 6.0 + i), 1.0 + i * 0.1) for i in range(5)]
    light = Vector(1.0, 2.0, -1.0).unit()
    rows = []
    for row in range(width):
        line = []
        for column in range(width):
            ray = Vector(column / width - 0.5, row / width - 0.5, 1.0).unit()
            nearest, shade = 1e9, 0.0
            for centre, radius in balls:
                b = centre.dot(ray)
                discriminant = b * b - centre.dot(centre) + radius * radius
                if discriminant > 0:
                    distance = b - math.sqrt(discriminant)
                    if 0 < distance < nearest:
                        nearest = distance
                        shade = max(0.0, (ray * distance - centre).unit().dot(light))
            line.append(int(shade * 255))
        rows.append(line)
    return rows


def matrices(size=44, rounds=3):
    """Products, a decomposition and a stencil on lists of lists and on arrays."""
    a = [[(i * j) % 7 + 1.0 for j in range(size)] for i in range(size)]
    b = [[(i + j) % 5 - 2.0 for j in range(size)] for i in range(size)]
    for _ in range(rounds):
        columns = list(zip(*b))
        a = [[sum(x * y for x, y in zip(row, column)) % 11 for column in columns] for row in a]
    for k in range(size):
        pivot = a[k][k] or 1.0
        for i in range(k + 1, size):
            row, factor = a[i], a[i][k] / pivot
            for j in range(k, size):
                row[j] -= factor * a[k][j]
    grid = array.array("d", [float(i % 17) for i in range(size * size)])
    for _ in range(8):
        for y in range(1, size - 1):
            base = y * size
            for x in range(1, size - 1):
                at = base + x
                grid[at] = 0.25 * (grid[at - 1] + grid[at + 1] + grid[at - size] + grid[at + size])
    return a, grid


def transform(size=512):
    """A fast Fourier transform, recursive, with complex numbers."""

    def fft(values):
        n = len(values)
        if n == 1:
            return values
        even, odd = fft(values[0::2]), fft(values[1::2])
        turned = [cmath.exp(-2j * cmath.pi * k / n) * odd[k] for k in range(n // 2)]
        return [e + t for e, t in zip(even, turned)] + [e - t for e, t in zip(even, turned)]

    for _ in range(4):
        fft([complex(i % 9, i % 4) for i in range(size)])


def walk(points=9000):
    """A random game on a plane: random numbers, floats, minima."""
    rng = random.Random(1)
    corners = [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0)]
    x = y = 0.3
    seen = {}
    for _ in range(points):
        cx, cy = rng.choice(corners)
        x, y = (x + cx) / 2 + rng.gauss(0, 0.001), (y + cy) / 2 + rng.random() * 0.001
        cell = int(x * 40), int(y * 40)
        seen[cell] = seen.get(cell, 0) + 1
    return max(seen.values()), statistics.mean(seen.values()), statistics.pstdev(seen.values())


def integers(limit=30000):
    """Sieve, digits of e, powers, greatest common divisors, bits."""
    sieve = bytearray([1]) * (limit + 1)
    for i in range(2, int(limit**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, limit + 1, i)))
    primes = [i for i in range(2, limit) if sieve[i]]
    total, term, scale = 0, 10**1200, 0
    while term:
        total += term
        scale += 1
        term //= scale
    a, b, k = 3, 7, 1
    for _ in range(350):
        a, b, k = a * k + b, b * (2 * k + 1), k + 1
        if a.bit_length() > 4000:
            a //= b
            b %= 1000003
            b += 1
    bits = 0
    for i in range(9000):
        bits ^= (i << (i & 15)) & 0xFFFFFF
        bits = (bits >> 3 | bits << 7) & 0xFFFFFFFF
    tests = [pow(3, p - 1, p) == 1 for p in primes[1:1500]]
    return str(total)[:9], math.gcd(a, b), bits, all(tests)


def money(rows=2600):
    """Prices with taxes in decimals; shares in fractions."""
    decimal.getcontext().prec = 28
    cent, tax, total = decimal.Decimal("0.01"), decimal.Decimal("0.0825"), decimal.Decimal(0)
    for i in range(rows):
        price = decimal.Decimal(i * 37 % 10007) / 100
        gross = (price + price * tax).quantize(cent, decimal.ROUND_HALF_EVEN)
        total += gross.max(price)
        str(total)
    share = fractions.Fraction(0)
    for i in range(1, 120):
        share += fractions.Fraction(1, i) * (-1 if i % 2 else 1)
    return total, float(share)


def cipher(blocks=220):
    """Rounds of substitutions over bytes, lists of words."""
    box = [(i * 167 + 13) & 255 for i in range(256)]
    key = [(i * 0x9E3779B1) & 0xFFFFFFFF for i in range(44)]
    out = []
    for block in range(blocks):
        state = [(block * i + 1) & 0xFFFFFFFF for i in range(1, 5)]
        for r in range(1, 10):
            state = [
                box[(state[i] >> 24) & 255] << 24
                ^ box[(state[(i + 1) % 4] >> 16) & 255] << 16
                ^ box[(state[(i + 2) % 4] >> 8) & 255] << 8
                ^ box[state[(i + 3) % 4] & 255]
                ^ key[r * 4 + i]
                for i in range(4)
            ]
        out.extend(state)
    return out


def main():
    springs()
    spheres()
    matrices()
    transform()
    walk()
    integers()
    money()
    cipher()


if __name__ == "__main__":
    main()
