"""The check's figures as Markdown."""

AIM_BUSY = 90  # percent of the time of a step in which the GPU works, for networks large enough for it


def cells(*values):
    return "| " + " | ".join(str(value) for value in values) + " |"


def ms(seconds):
    return "-" if seconds is None else f"{1e3 * seconds:.3g}"


def gib(size):
    return "-" if size is None else f"{size / 2**30:.1f}"


def ratio(a, b):
    return "-" if not a or not b else f"{a / b:.2f}"


def percent(value):
    return "-" if value is None else f"{value:.0f}"


def checks(parts):
    lines = [cells("part", "verdict", "s", "what was found"), cells("---", "---", "---", "---")]
    for name, part in parts.items():
        text = part.get("text", "").strip().replace("\n", "; ").replace("|", "/")
        lines.append(cells(name, part["verdict"], f"{part.get('seconds', 0):.0f}", text))
    return lines


def share_of_limit(row, limits):
    """The products' operations a second of a step, and what part that is of the bare product's rate."""
    operations, rate = row["needed"].get("operations"), (limits or {}).get(row["precision"])
    if not operations:
        return "-", "-"
    reached = operations / row["step"]
    return f"{reached / 1e12:.3g}", percent(100 * reached / rate) if rate else "-"


def networks(rows, limits):
    if not rows:
        return []
    heads = (
        "network",
        "precision",
        "rows",
        "step, ms",
        "passes, ms",
        "in a graph",
        "products",
        "optimiser",
        "step / passes",
        "step / (graph + optimiser)",
        "TFLOP/s",
        "% of the device's",
        "busy, %",
        "GiB",
        "GiB of the passes",
    )
    lines = ["", cells(*heads), cells(*["---"] * len(heads))]
    for row in rows:
        needed = row["needed"]
        graph, optimiser = needed.get("graph"), needed.get("optimiser")
        lines.append(
            cells(
                row["name"],
                row["precision"],
                row["batch"],
                ms(row["step"]),
                ms(needed.get("pass")),
                ms(graph),
                ms(needed.get("products")),
                ms(optimiser),
                ratio(row["step"], needed.get("pass")),
                ratio(row["step"], graph + optimiser if graph and optimiser else None),
                *share_of_limit(row, limits),
                percent(row["busy_percent"]),
                gib(row["peak_bytes"]),
                gib(needed.get("nvml_peak_bytes")),
            )
        )
    return lines


def trainings(parts):
    found = [(name, stage) for name, part in parts.items() for stage in part.get("stages", [])]
    if not found:
        return []
    lines = ["", cells("experiment", "stage", "ms a step", "busy, %", "steps", "hours"), cells(*["---"] * 6)]
    for name, stage in found:
        lines.append(
            cells(
                name,
                stage["objective"],
                ms(stage["step"]),
                percent(stage["busy_percent"]),
                f"{stage['steps']:,}",
                f"{stage['hours']:.1f}",
            )
        )
    return lines


def notes(rows):
    said = [f"- {row['name']}, {row['precision']}: {note}" for row in rows for note in row["needed"].get("notes", [])]
    for row in rows:
        if row["busy_percent"] is not None and row["busy_percent"] < AIM_BUSY and row["aimed"]:
            said.append(f"- {row['name']}, {row['precision']}: busy less than the {AIM_BUSY} % of the time aimed at")
    return ["", *said] if said else []


def markdown(results):
    machine, parts = results["machine"], results["parts"]
    rows = [row for part in parts.values() for row in part.get("rows", [])]
    limits = parts.get("limits")
    lines = [
        f"{machine['device']}; {machine['processor']}, {machine['cores']} cores; {machine['system']}; "
        f"PyTorch {machine['torch']}, driver {machine['driver']}; {results['when']}; {results['seconds']:.0f} s"
    ]
    lines += ["", *checks(parts), *networks(rows, limits), *trainings(parts), *notes(rows)]
    return "\n".join(lines)
