// A metric against a key or another metric, below the importance of keys.

const told_points = 200;

class Scatter {
  constructor() {
    this.controls = make("div", { class: "controls" });
    this.importance = make("div");
    this.said = make("div");
    this.numbers = make("div");
    this.plot = new ScatterPlot();
    this.node = make("div", {}, this.controls, this.importance, this.said, this.plot.node, this.numbers);
  }

  show(results, words) {
    const [target, targets] = target_choice(results, words),
      [metric, metrics] = metric_choice(results, words);
    const groups = metric ? comparable(results, target, metric) : [];
    this.plot.node.hidden = groups.length < 2;
    if (groups.length < 2) {
      renew(this.controls, targets, metrics);
      for (const part of [this.said, this.numbers]) renew(part);
      renew(
        this.importance,
        empty_state(
          "Importance and plots need two configurations of one target that are done, with different values of a key.",
        ),
      );
      return;
    }
    const importance = importance_of(results, groups, metric),
      keys = varying_keys(results, groups);
    const others = has_finals(results)
        .filter((one) => one !== metric)
        .map((one) => [one.name, one.name]),
      names = [...keys.map(({ key }) => [key.key, key.short]), ...others];
    const against = names.some(([name]) => name === words.against)
      ? words.against
      : (importance[0]?.key.key ?? names[0]?.[0]);
    renew(
      this.controls,
      targets,
      metrics,
      select("against", names, against, (value) => change_view({ against: value }), "against"),
      choice("x", scale_names, words.xlog || "", (value) => change_view({ xlog: value }), "xlog"),
      choice("y", scale_names, words.ylog || "", (value) => change_view({ ylog: value }), "ylog"),
    );
    renew(
      this.importance,
      importance_part(
        importance,
        metric,
        groups,
        results.targets.length > 1 ? ` of ${results.targets[target].label}` : "",
      ),
    );
    this.show_plot(
      results,
      groups,
      metric,
      keys.find(({ key }) => key.key === against),
      against,
      words,
    );
  }

  show_plot(results, groups, metric, key, against, words) {
    const points = points_of(results, groups, metric, key, against),
      x_title = key ? key.key.key : against;
    const y_title = `${metric.name}${metric.unit ? ` [${metric.unit}]` : ""}`,
      trend = trend_of(points, key);
    const scales = { x: x_axis_of(points, key, x_title, words.xlog), y: y_axis_of(points, y_title, words.ylog) };
    this.plot.show(
      points,
      scales,
      trend,
      metric,
      `${metric.name} against ${x_title}, ${count(points.length, "configuration")}; the numbers are below`,
    );
    const without = groups.length - points.length;
    renew(
      this.said,
      make("h2", {}, `${metric.name} against ${key ? key.key.short : against}`),
      without > 0 && note(`${count(without, "configuration")} without ${against} left out.`),
    );
    this.tell(results, points, metric, key, x_title, trend.length > 0);
  }

  tell(results, points, metric, key, x_title, has_trend) {
    const columns = [
      { title: "configuration", wrap: true },
      { title: x_title, number: true },
      { title: metric.name, number: true },
      { title: "seeds", number: true },
    ];
    const rows = points
      .slice(0, told_points)
      .map((point) => [
        point.group.label,
        key ? key.texts[point.place] : number_text(point.x),
        { inside: figure_text({ mean: point.y, error: point.error }) },
        figure_of(results, point.group, metric.name).count,
      ]);
    const bars =
      points.length > most_with_bars
        ? `; bars are left out of more than ${most_with_bars}`
        : points.some((point) => point.error)
          ? " ± standard error"
          : "";
    renew(
      this.numbers,
      folded("numbers", "scatter-numbers", table_of("The points in numbers", columns, rows)),
      note(
        `Each point is a configuration: its mean over seeds${bars}`,
        has_trend && "; the line joins the means of each value",
        ". Press a point to draw its curves.",
      ),
    );
  }
  close() {
    this.plot.close();
  }
}
