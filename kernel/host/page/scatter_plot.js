// A picture of points with error bars, and the line through their means.

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

// Of configurations, where they stand: against a key's values, or another metric's figures.
const points_of = (results, groups, metric, key, against) =>
  groups
    .map((group, place) => {
      const x = key ? { mean: key.numbers[place], error: null } : figure_of(results, group, against),
        y = figure_of(results, group, metric.name);
      return { group, place, x: x?.mean, side: x?.error, y: y.mean, error: y.error };
    })
    .filter((point) => is_number(point.x));

// `word`: "1" logarithmic, "0" linear, else as the values are.
const is_log_axis = (word, values) => (word === "1" ? least_of(values) > 0 : word !== "0" && spans_decades(values));
const range_of = (values, is_log) =>
  is_log ? [least_of(values) / 1.15, most_of(values) * 1.15] : padded([least_of(values), most_of(values)]);

const most_marks = 12;
const x_axis_of = (points, key, title, word) => {
  const xs = points.map((point) => point.x),
    is_named = key && !key.numeric,
    is_log = !is_named && is_log_axis(word, xs);
  const axis = axis_of(is_log, is_named ? [-0.5, key.names.length - 0.5] : range_of(xs, is_log), title);
  if (!key || (key.numeric && key.names.length > most_marks)) return axis;
  const marks = [...new Set(key.numbers)].sort((a, b) => a - b).map((value) => ({ value }));
  if (key.names.length <= most_marks)
    axis.afterBuildTicks = (built) => {
      built.ticks = marks;
    };
  axis.ticks = {
    ...axis.ticks,
    callback: (value) => (key.numeric ? tick_text(value) : (key.names[value] ?? "")),
    maxTicksLimit: undefined,
  };
  return axis;
};
const y_axis_of = (points, title, word) => {
  const is_log = is_log_axis(
    word,
    points.map((point) => point.y),
  );
  const ends = points.flatMap(({ y, error }) => (is_log && y - error <= 0 ? [y, y + error] : [y - error, y + error]));
  return axis_of(is_log, range_of(ends, is_log), title);
};

// The means of the points of each value, to see the trend through the others.
const trend_of = (points, key) => {
  const line = [...grouped(points, (point) => point.x)]
    .map(([x, some]) => ({ x, y: mean_of(some.map((point) => point.y)) }))
    .sort((a, b) => a.x - b.x);
  if (!key || line.length === points.length) return [];
  return [
    {
      type: "line",
      data: line,
      borderColor: css_colour("soft"),
      borderWidth: 1.2,
      borderDash: [4, 3],
      pointRadius: 0,
      pointHitRadius: 0,
    },
  ];
};

class ScatterPlot {
  constructor() {
    this.canvas = make("canvas", { role: "img" });
    this.node = make("section", { class: "chart" }, make("div", { class: "plot tall" }, this.canvas));
  }

  show(points, scales, trend, metric, words) {
    const look = {
      borderColor: look_of(0).colour,
      backgroundColor: look_of(0, 0.55).colour,
      pointHoverRadius: 6,
      pointRadius: points.length > most_with_bars ? 2 : 4,
    };
    const data = { datasets: [{ data: points, ...look }, ...trend] },
      options = this.options(points, scales, metric);
    this.canvas.setAttribute("aria-label", words);
    if (!this.chart) {
      this.chart = new Chart(this.canvas, { type: "scatter", data, options, plugins: [error_bars] });
      return;
    }
    Object.assign(this.chart, { data, options });
    this.chart.update("none");
  }
  options(points, scales, metric) {
    const said = ({ group, y, error }) => [group.label, `${metric.name} ${estimate_text(y, error).join(" ")}`];
    const pressed = (_, items) => {
      if (items.length)
        choose_trials(
          points[items[0].index].group.trials.map((trial) => trial.id),
          true,
        );
    };
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      scales,
      interaction: { mode: "nearest", axis: "xy", intersect: true },
      onClick: pressed,
      plugins: {
        legend: { display: false },
        tooltip: { filter: (item) => item.datasetIndex === 0, callbacks: { label: (item) => said(item.raw) } },
      },
    };
  }
  close() {
    this.chart?.destroy();
  }
}
