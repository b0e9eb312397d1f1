// Parallel coordinates: an axis for each key and metric, a line for each configuration of a target, coloured by a
// metric.

class Parallel {
  constructor() {
    this.plot = new ParallelPlot({ lit: (i) => this.say(i), ranged: (axis, range) => this.set_range(axis, range) });
    this.controls = make("div", { class: "controls" });
    this.status = make("p", { class: "note", role: "status" });
    this.ranges = make("div", { class: "ranges" });
    this.table = make("div");
    this.said = make("div");
    this.node = make("div", {}, this.controls, this.said, this.plot.node, this.status, this.ranges, this.table);
  }

  show(results, words) {
    const [target, targets] = target_choice(results, words),
      [metric, metrics] = metric_choice(results, words);
    const groups = metric ? comparable(results, target, metric) : [];
    this.shown = groups.length < 2 ? null : { results, words, groups, metric, ranges: ranges_of(words.ranges) };
    if (this.shown) {
      this.show_lines(targets, metrics);
      return;
    }
    this.plot.show(null);
    for (const part of [this.ranges, this.table]) renew(part);
    renew(this.controls, targets, metrics);
    this.status.textContent = "";
    renew(
      this.said,
      empty_state(
        "Parallel coordinates need two configurations of one target that are done, with different values of a key.",
      ),
    );
  }

  show_lines(targets, metrics) {
    const { results, words, groups, metric } = this.shown,
      keys = varying_keys(results, groups);
    const names = [...keys.map(({ key }) => key.key), ...has_finals(results).map((one) => one.name)].filter(
      (name) => name !== metric.name,
    );
    const named = list_of(words.axes).filter((name) => names.includes(name)),
      usual = keys.slice(0, 10).map(({ key }) => key.key);
    const drawn = named.length ? names.filter((name) => named.includes(name)) : usual;
    this.axes = [...drawn, metric.name].map((name) => axis_named(results, groups, keys, name));
    renew(this.said);
    renew(
      this.controls,
      targets,
      metrics,
      choose(
        `axes (${this.axes.length})`,
        names.map((name) => [name, name]),
        drawn,
        (some) => change_view({ axes: list_text(some) }),
        "axes",
      ),
      note(`Colour: ${metric.name}, from orange, the worst, to blue, the best.`),
    );
    const titles = this.axes.map((axis) => axis.title).join(", ");
    this.plot.show({
      axes: this.axes,
      ranges: this.shown.ranges,
      rows: groups.length,
      share: shares_of(results, groups, metric),
      words: `${count(groups.length, "configuration")} as lines over ${titles}; the best stand in the table below`,
    });
    this.tell();
  }

  set_range(axis, range) {
    const ranges = new Map(this.shown.ranges);
    if (range) ranges.set(axis.name, range);
    else ranges.delete(axis.name);
    change_view({ ranges: ranges_text(ranges) });
  }

  // What lies below the pointer, or how many lines there are.
  say(i) {
    const { groups, metric, results } = this.shown;
    if (i === null) {
      this.status.textContent = this.counted;
      return;
    }
    const { mean, error } = figure_of(results, groups[i], metric.name);
    this.status.textContent = `${groups[i].label}: ${metric.name} ${estimate_text(mean, error).join(" ")}`;
  }

  // Ranges by numbers, for those without a mouse, and the best lines within them.
  tell() {
    const { ranges, groups } = this.shown,
      inside = groups.filter((_, i) => this.plot.inside(i)),
      all = count(groups.length, "configuration");
    this.counted = ranges.size
      ? `${inside.length.toLocaleString("en")} of ${all} lie within the ranges.`
      : `${all}. Draw along an axis to choose a range of it.`;
    this.say(null);
    const fields = this.axes.map((axis) =>
      range_fields(axis, ranges.get(axis.name), (range) => this.set_range(axis, range)),
    );
    renew(
      this.ranges,
      folded(
        `ranges in numbers${ranges.size ? ` (${ranges.size})` : ""}`,
        "ranges",
        make("div", { class: "boxes" }, fields),
      ),
      ranges.size > 0 && button("remove all ranges", () => change_view({ ranges: null }), { "data-key": "no-ranges" }),
    );
    this.show_best(inside);
  }
  show_best(inside) {
    const { results, metric, ranges, words } = this.shown,
      sort = metric.goal === "high" ? `-${metric.name}` : metric.name;
    const columns = group_columns(results).filter(
      (column) => column.name === "trials" || this.axes.some((axis) => axis.name === column.name),
    );
    const rows = ranked(results, inside, metric),
      chosen = new Set(numbers_of(words.chosen));
    renew(
      this.table,
      make("h2", {}, `The best by ${metric.name}${ranges.size ? " within the ranges" : ""}`),
      inside.length
        ? results_table(results, { rows, columns, sort, chosen, most: 10 })
        : empty_state("No configuration lies within these ranges."),
    );
  }
  close() {
    this.plot.close();
  }
}
