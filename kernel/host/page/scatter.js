// A metric against a key or another metric, with error bars over seeds.

// Error bars, which Chart.js does not have: of points that have `error` (up and down) or `side` (left and right).
const most_with_bars = 500;
const error_bars = {
  id: "error_bars",
  afterDatasetsDraw({ ctx, data, scales }) {
    ctx.save();
    for (const { data: points, borderColor } of data.datasets) {
      ctx.strokeStyle = borderColor;
      ctx.lineWidth = 1.3;
      for (const { x, y, error, side } of points.length > most_with_bars ? [] : points) {
        if (error)
          bar_between(
            ctx,
            scales.x.getPixelForValue(x),
            scales.y.getPixelForValue(y - error),
            scales.x.getPixelForValue(x),
            scales.y.getPixelForValue(y + error),
          );
        if (side)
          bar_between(
            ctx,
            scales.x.getPixelForValue(x - side),
            scales.y.getPixelForValue(y),
            scales.x.getPixelForValue(x + side),
            scales.y.getPixelForValue(y),
          );
      }
    }
    ctx.restore();
  },
};
const bar_between = (ctx, x0, y0, x1, y1) => {
  if (![x0, y0, x1, y1].every(is_number)) return;
  const [wide, tall] = x0 === x1 ? [3, 0] : [0, 3];
  ctx.beginPath();
  for (const [ax, ay, bx, by] of [
    [x0, y0, x1, y1],
    [x0 - wide, y0 - tall, x0 + wide, y0 + tall],
    [x1 - wide, y1 - tall, x1 + wide, y1 + tall],
  ]) {
    ctx.moveTo(ax, ay);
    ctx.lineTo(bx, by);
  }
  ctx.stroke();
};

const spans_decades = (values) => least_of(values) > 0 && most_of(values) / least_of(values) >= 10;

class Scatter {
  constructor() {
    this.controls = make("div", { class: "controls" });
    this.importance = make("div");
    this.canvas = make("canvas", { role: "img" });
    this.plot = make("div", { class: "plot tall" }, this.canvas);
    this.said = make("div");
    this.numbers = make("div");
    this.drawing = make("section", { class: "chart" }, this.plot);
    this.node = make("div", {}, this.controls, this.importance, this.said, this.drawing, this.numbers);
  }

  show(results, words) {
    const [target, targets] = target_choice(results, words),
      [metric, metrics] = metric_choice(results, words);
    const groups = metric ? comparable(results, target, metric) : [];
    this.drawing.hidden = groups.length < 2;
    if (groups.length < 2) {
      renew(this.controls, targets, metrics);
      renew(
        this.importance,
        empty_state(
          "Importance and plots need two configurations of one target that are done, with different values of a key.",
        ),
      );
      renew(this.said);
      renew(this.numbers);
      return;
    }
    const importance = importance_of(results, groups, metric),
      keys = varying_keys(results, groups);
    const names = [
      ...keys.map(({ key }) => [key.key, key.short]),
      ...has_finals(results)
        .filter((one) => one !== metric)
        .map((one) => [one.name, one.name]),
    ];
    const against = names.some(([name]) => name === words.against)
      ? words.against
      : (importance[0]?.key.key ?? names[0]?.[0]);
    renew(
      this.controls,
      targets,
      metrics,
      select("against", names, against, (value) => change_view({ against: value }), "against"),
      choice(
        "x",
        [
          ["", "auto"],
          ["0", "linear"],
          ["1", "log"],
        ],
        words.xlog || "",
        (value) => change_view({ xlog: value }),
        "xlog",
      ),
      choice(
        "y",
        [
          ["", "auto"],
          ["0", "linear"],
          ["1", "log"],
        ],
        words.ylog || "",
        (value) => change_view({ ylog: value }),
        "ylog",
      ),
    );
    this.show_importance(importance, metric, groups, results, target);
    this.show_plot(
      results,
      groups,
      metric,
      keys.find(({ key }) => key.key === against),
      against,
      words,
    );
  }

  show_importance(importance, metric, groups, results, target) {
    const where = results.targets.length > 1 ? ` of ${results.targets[target].label}` : "";
    renew(
      this.importance,
      make("h2", {}, `Importance of keys for ${metric.name}`),
      importance.length
        ? importance_table(importance, metric)
        : empty_state("No key varies between these configurations."),
      note(
        `Over ${count(groups.length, "configuration")}${where}: the absolute rank correlation (Spearman) of a numeric key with the metric, the correlation ratio on ranks of one with names. ` +
          "1: the key alone orders the results; 0: no trend. Keys that work only together are not found by it.",
      ),
    );
  }

  show_plot(results, groups, metric, key, against, words) {
    const x_of = (group, i) => (key ? { mean: key.numbers[i], error: null } : figure_of(results, group, against));
    const points = groups
      .map((group, i) => ({
        group,
        place: i,
        x: x_of(group, i)?.mean,
        side: x_of(group, i)?.error,
        y: value_of(results, group, metric.name),
        error: figure_of(results, group, metric.name).error,
      }))
      .filter((point) => is_number(point.x));
    const log_of_axis = (word, values) =>
      word === "1" ? least_of(values) > 0 : word === "0" ? false : spans_decades(values);
    const x_log =
        (!key || key.numeric) &&
        log_of_axis(
          words.xlog,
          points.map((point) => point.x),
        ),
      y_log = log_of_axis(
        words.ylog,
        points.map((point) => point.y),
      );
    const x_title = key ? key.key.key : against,
      title = `${metric.name}${metric.unit ? ` [${metric.unit}]` : ""}`;
    const range = (values, is_log) =>
      is_log ? [least_of(values) / 1.15, most_of(values) * 1.15] : padded([least_of(values), most_of(values)]);
    const ys = points.flatMap(({ y, error }) =>
      y_log && y - (error || 0) <= 0 ? [y] : [y - (error || 0), y + (error || 0)],
    );
    const x = axis_of(
      x_log,
      key && !key.numeric
        ? [-0.5, key.names.length - 0.5]
        : range(
            points.map((point) => point.x),
            x_log,
          ),
      x_title,
    );
    if (key && key.names.length <= 12)
      x.afterBuildTicks = (axis) => {
        axis.ticks = [...new Set(key.numbers)].sort((a, b) => a - b).map((value) => ({ value }));
      };
    if (key && (!key.numeric || key.names.length <= 12))
      x.ticks = {
        ...x.ticks,
        callback: (value) => (key.numeric ? tick_text(value) : (key.names[value] ?? "")),
        maxTicksLimit: undefined,
      };
    const scales = { x, y: { ...axis_of(y_log, range(ys, y_log), title) } };
    this.draw(points, scales, key, x_title, metric);
    renew(
      this.said,
      make("h2", {}, `${metric.name} against ${key ? key.key.short : against}`),
      points.length < groups.length && note(`${groups.length - points.length} configurations have no ${against}.`),
    );
    renew(
      this.numbers,
      folded(
        "numbers",
        "scatter-numbers",
        table_of(
          "The points in numbers",
          [
            { title: "configuration", wrap: true },
            { title: x_title, number: true },
            { title: metric.name, number: true },
            { title: "seeds", number: true },
          ],
          points
            .slice(0, 200)
            .map((point) => [
              point.group.label,
              key ? key.texts[point.place] : number_text(point.x),
              { inside: figure_text({ mean: point.y, error: point.error }) },
              figure_of(results, point.group, metric.name).count,
            ]),
        ),
      ),
      note(
        `Each point is a configuration: its mean over seeds${points.some((point) => point.error) ? " ± standard error" : ""}${points.length > most_with_bars ? `; bars are left out of more than ${most_with_bars}` : ""}${key && key.names.length < points.length ? "; the line joins the means of each value" : ""}. Press a point to draw its curves.`,
      ),
    );
  }

  // The mean of the points of each value, to see the trend through the others.
  trend(points, key) {
    const line = [...grouped(points, (point) => point.x)]
      .map(([x, some]) => ({ x, y: mean_of(some.map((point) => point.y)) }))
      .sort((a, b) => a.x - b.x);
    return key && line.length < points.length
      ? [
          {
            type: "line",
            data: line,
            borderColor: css_colour("soft"),
            borderWidth: 1.2,
            borderDash: [4, 3],
            pointRadius: 0,
            pointHitRadius: 0,
          },
        ]
      : [];
  }

  draw(points, scales, key, x_title, metric) {
    const { colour } = look_of(0),
      data = {
        datasets: [
          {
            data: points,
            borderColor: colour,
            backgroundColor: look_of(0, 0.55).colour,
            pointRadius: points.length > 500 ? 2 : 4,
            pointHoverRadius: 6,
          },
          ...this.trend(points, key),
        ],
      };
    const said = (point) => {
      const [mean, error] = estimate_text(point.y, point.error);
      return [point.group.label, `${metric.name} ${mean} ${error}`];
    };
    const options = {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      scales,
      interaction: { mode: "nearest", axis: "xy", intersect: true },
      onClick: (_, items) => {
        const point = items.length && points[items[0].index];
        if (point)
          choose_trials(
            point.group.trials.map((trial) => trial.id),
            true,
          );
      },
      plugins: {
        legend: { display: false },
        tooltip: { filter: (item) => item.datasetIndex === 0, callbacks: { label: (item) => said(item.raw) } },
      },
    };
    this.canvas.setAttribute(
      "aria-label",
      `${metric.name} against ${x_title}, ${count(points.length, "configuration")}; the numbers are below`,
    );
    if (!this.chart) {
      this.chart = new Chart(this.canvas, { type: "scatter", data, options, plugins: [error_bars] });
      return;
    }
    Object.assign(this.chart, { data, options });
    this.chart.update("none");
  }
  close() {
    this.chart?.destroy();
  }
}
