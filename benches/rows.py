"""Prints ROWS lines of CSV below a header: ten columns, with nulls, empty texts, quotes and line breaks.

    rows.py ROWS
"""

import random, sys
chance = random.Random(20261130)
words = "river stone cloud birch amber north Zürich naïve 日本 harbour violet copper lantern meadow".split()
out = ["id,account,amount,score,category,comment,day,at,active,ratio"]
for number in range(1, int(sys.argv[1]) + 1):
    pick = chance.random
    comment = " ".join(chance.choice(words) for _ in range(chance.randrange(2, 6)))
    kind = pick()
    if kind < 0.05:
        comment = '"%s, said ""%s"""' % (comment, chance.choice(words))
    elif kind < 0.06:
        comment = '"%s\n%s"' % (comment, chance.choice(words))
    elif kind < 0.10:
        comment = ""
    elif kind < 0.11:
        comment = '""'
    day = "%04d-%02d-%02d" % (chance.randrange(1990, 2029), chance.randrange(1, 13), chance.randrange(1, 29))
    out.append(",".join([
        str(number),
        str(chance.randrange(1 << 53)) if pick() > 0.03 else "",
        "%d.%02d" % (chance.randrange(-10**6, 10**6), chance.randrange(100)) if pick() > 0.02 else "",
        repr(pick() * 1000 - 500) if pick() > 0.05 else "",
        chance.choice(["north", "south", "east", "west", "other"]),
        comment,
        day if pick() > 0.01 else "",
        "%s %02d:%02d:%02d.%03d" % (day, chance.randrange(24), chance.randrange(60), chance.randrange(60), chance.randrange(1000)) if pick() > 0.01 else "",
        "true" if pick() < 0.5 else "false",
        "%.6g" % pick(),
    ]))
    if len(out) == 20000:
        print("\n".join(out)); out = []
if out:
    print("\n".join(out))
