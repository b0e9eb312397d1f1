"""A store whose every text would run a script if it could."""

import sqlite3

ATTACK = "<img src=x onerror=alert(1)><script>alert(2)</script>'\"&amp;{{script}}</script>"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="alert(3)"><script>alert(4)</script></svg>'
)


def attack(store):
    """Every text that the page shows, as a stranger's store may have it; and a training whose steps take 10 ms."""
    database = sqlite3.connect(store)
    for table, columns in (("metric", "step, 0.01, time"), ("summary", "n, 0, 0.01, last_step, 0.01, 1, 0.01, 1")):
        database.execute(
            f"INSERT OR REPLACE INTO {table} SELECT trial, (SELECT id FROM metric_name WHERE name = 'step_seconds'), {columns} FROM {table} "
            "WHERE metric = (SELECT id FROM metric_name WHERE name = 'loss')"
        )
    database.execute(
        "UPDATE trial SET experiment = ?, error = ?, device = ?, host = ? WHERE experiment = 'single'",
        [f"{ATTACK}%/?#"] + [ATTACK] * 3,
    )
    database.execute(
        "UPDATE sweep SET experiment = ?, description = ?, toml = ? WHERE experiment = 'single'",
        (f"{ATTACK}%/?#", ATTACK, ATTACK),
    )
    database.execute("UPDATE trial SET error = error || ? WHERE status = 'failed'", (ATTACK,))
    database.execute("UPDATE metric_name SET name = ? WHERE name = 'marginal_bias_by_size'", (ATTACK,))
    database.execute("INSERT INTO tag VALUES (1, ?)", (ATTACK,))
    database.execute("INSERT INTO note(trial, created, text) VALUES (1, 0, ?)", (ATTACK,))
    database.execute("INSERT INTO log VALUES (1, 1, 0, ?)", (ATTACK.encode(),))
    database.execute("INSERT INTO sample VALUES (1, ?, 9, 'svg', ?)", (ATTACK, PICTURE))
    database.execute("INSERT INTO sample VALUES (1, 'words', 9, 'text', ?)", (ATTACK,))
    database.commit()
