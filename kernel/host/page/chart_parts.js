// What Chart.js is given to draw curves: lines with their bands, axes, tooltips; and the same in words and numbers.

// What Chart.js draws of a series: its band, behind it, and its line.
const band_of = (series, band) => {
  const edge = (i, side) =>
    band === "error" ? series.y[i] + side * series.error[i] : side < 0 ? series.low[i] : series.high[i];
  const is_flat = series.x.every((_, i) => edge(i, 1) - edge(i, -1) <= 0 || !is_number(series.y[i]));
  return is_flat ? null : [-1, 1].map((side) => series.x.map((x, i) => ({ x, y: edge(i, side) })));
};
const datasets_of = (series, { band, is_log, is_path, lit }) => {
  const made = [];
  for (const one of series) {
    const faint = lit && lit !== one.row.key,
      { colour, dash } = look_of(one.place, faint ? 0.18 : 1);
    const shown = (point, i) =>
      is_log && !(point.y > 0) ? { x: point.x, y: is_log && one.y[i] > 0 ? one.y[i] : NaN } : point;
    const edges = band === "none" || is_path || faint ? null : band_of(one, band);
    const plain = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0, of: null };
    if (edges) {
      made.push({ ...plain, data: edges[0].map(shown), fill: false });
      made.push({ ...plain, data: edges[1].map(shown), fill: "-1", backgroundColor: look_of(one.place, 0.17).colour });
    }
    made.push({
      data: one.x.map((x, i) => shown({ x, y: one.y[i] }, i)),
      of: one,
      borderColor: colour,
      backgroundColor: colour,
      borderDash: dash,
      borderWidth: lit === one.row.key ? 2.8 : 1.8,
      pointRadius: one.x.length <= 30 ? 2.4 : 0,
      pointHoverRadius: 4,
      fill: false,
      tension: 0,
    });
  }
  return made;
};
const reference_line = (value, [first, last]) => ({
  data: [
    { x: first, y: value },
    { x: last, y: value },
  ],
  of: null,
  borderColor: css_colour("soft"),
  borderWidth: 1.3,
  borderDash: [5, 4],
  pointRadius: 0,
  pointHitRadius: 0,
  pointHoverRadius: 0,
  fill: false,
});

// The least and the greatest of what is in view; a start that flattens all that comes after it is cut off.
const extent_of = (series, band, [first, last], from = 0) => {
  let low = Infinity,
    high = -Infinity;
  for (const one of series) {
    one.x.forEach((x, i) => {
      if (x < first || x > last || i < from * one.x.length || !is_number(one.y[i])) return;
      const [under, over] =
        band === "range"
          ? [one.low[i], one.high[i]]
          : band === "error"
            ? [one.y[i] - one.error[i], one.y[i] + one.error[i]]
            : [one.y[i], one.y[i]];
      low = Math.min(low, under, one.y[i]);
      high = Math.max(high, over, one.y[i]);
    });
  }
  return [low, high];
};
const padded = ([low, high]) => {
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - margin, high + margin];
};

const axis_look = () => ({
  grid: { color: css_colour("line"), borderColor: css_colour("line"), tickColor: css_colour("line") },
  ticks: { color: css_colour("soft"), font: { size: 11 }, maxRotation: 0, maxTicksLimit: 7, callback: tick_text },
});
// Marks of a logarithmic axis: of these digits as many as there is room for.
const digit_sets = [[1], [1, 3], [1, 2, 5], [1, 2, 3, 5, 7], [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9]];
const most_log_marks = 9;
const marks_between = (digits, low, high) => {
  const powers = Array.from(
    { length: Math.ceil(Math.log10(high / low)) + 2 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  );
  return powers
    .flatMap((power) => digits.map((digit) => digit * 10 ** power))
    .filter((value) => value >= low && value <= high);
};
const log_marks = (low, high) => {
  const marks = digit_sets.map((digits) => marks_between(digits, low, high)),
    room = marks.filter((some) => some.length <= most_log_marks);
  const most = room.length
    ? room[room.length - 1]
    : marks[0].filter((_, i) => i % Math.ceil(marks[0].length / most_log_marks) === 0);
  return most.map((value) => ({ value }));
};
const axis_of = (is_log, [min, max], title) => {
  const look = axis_look(),
    ticks = { ...look.ticks, includeBounds: false },
    named = { display: title !== "", text: title, color: css_colour("soft"), font: { size: 11 } };
  const axis = { type: is_log ? "logarithmic" : "linear", min, max, grid: look.grid, ticks, title: named };
  if (!is_log) return axis;
  const own_marks = (built) => {
    built.ticks = log_marks(built.min, built.max);
  };
  return { ...axis, ticks: { ...ticks, autoSkip: false, maxTicksLimit: undefined }, afterBuildTicks: own_marks };
};

const tooltip_of = (x_title) => ({
  filter: (item) => item.dataset.of !== null,
  itemSort: (a, b) => b.parsed.y - a.parsed.y,
  callbacks: {
    title: (items) => (items.length ? `${x_title}: ${number_text(items[0].parsed.x, 6)}` : ""),
    label: ({ dataset: { of }, dataIndex: i, parsed }) => {
      const [mean, error] = estimate_text(parsed.y, of.error[i] || null);
      return ` ${of.label}: ${mean} ${error}${of.seeds[i] > 1 ? ` (${of.seeds[i]} seeds)` : ""}`;
    },
  },
});

// In words, for those who do not see the picture.
const chart_in_words = (metric, x_title, series) => {
  const ends = (one) => {
    const last = one.y.filter(is_number);
    return `${one.label} from ${number_text(last[0])} to ${number_text(last[last.length - 1])}`;
  };
  const more = series.length > 5 ? ` and ${series.length - 5} more` : "";
  const curves = series.slice(0, 5).map(ends).join("; ");
  return `${metric.name} against ${x_title}, ${count(series.length, "curve")}: ${curves}${more}`;
};
const chart_in_numbers = (metric, series) =>
  table_of(
    `${metric.name} in numbers`,
    [
      { title: "curve" },
      { title: "points", number: true },
      { title: "first", number: true },
      { title: "last", number: true },
      { title: "least", number: true },
      { title: "greatest", number: true },
    ],
    series.map((one) => {
      const y = one.y.filter(is_number),
        [low, high] = extent_of([one], "none", [-Infinity, Infinity]);
      return [
        [swatch(one.place), one.label],
        one.points.toLocaleString("en"),
        number_text(y[0]),
        number_text(y[y.length - 1]),
        number_text(low),
        number_text(high),
      ];
    }),
  );
