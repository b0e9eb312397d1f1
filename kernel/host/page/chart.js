// One metric's curves: lines and bands by Chart.js, zooming, and the same in words and numbers.

// What Chart.js draws of a series: its band, behind it, and its line.
const band_of = (series, band) => {
  const edge = (i, side) => (band === "error" ? series.y[i] + side * series.error[i] : side < 0 ? series.low[i] : series.high[i]);
  const is_flat = series.x.every((_, i) => edge(i, 1) - edge(i, -1) <= 0 || !is_number(series.y[i]));
  return is_flat ? null : [-1, 1].map((side) => series.x.map((x, i) => ({ x, y: edge(i, side) })));
};
const datasets_of = (series, { band, is_log, is_path, lit }) => {
  const made = [];
  for (const one of series) {
    const faint = lit && lit !== one.row.key, { colour, dash } = look_of(one.place, faint ? 0.18 : 1);
    const shown = (point, i) => (is_log && !(point.y > 0) ? { x: point.x, y: is_log && one.y[i] > 0 ? one.y[i] : NaN } : point);
    const edges = band === "none" || is_path || faint ? null : band_of(one, band);
    const plain = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0, of: null };
    if (edges) {
      made.push({ ...plain, data: edges[0].map(shown), fill: false });
      made.push({ ...plain, data: edges[1].map(shown), fill: "-1", backgroundColor: look_of(one.place, 0.17).colour });
    }
    made.push({ data: one.x.map((x, i) => shown({ x, y: one.y[i] }, i)), of: one, borderColor: colour, backgroundColor: colour, borderDash: dash,
                borderWidth: lit === one.row.key ? 2.8 : 1.8, pointRadius: one.x.length <= 30 ? 2.4 : 0, pointHoverRadius: 4, fill: false, tension: 0 });
  }
  return made;
};
const reference_line = (value, [first, last]) => ({ data: [{ x: first, y: value }, { x: last, y: value }], of: null, borderColor: css_colour("soft"),
  borderWidth: 1.3, borderDash: [5, 4], pointRadius: 0, pointHitRadius: 0, pointHoverRadius: 0, fill: false });

// The least and the greatest of what is in view; a start that flattens all that comes after it is cut off.
const extent_of = (series, band, [first, last], from = 0) => {
  let low = Infinity, high = -Infinity;
  for (const one of series) {
    one.x.forEach((x, i) => {
      if (x < first || x > last || i < from * one.x.length || !is_number(one.y[i])) return;
      const [under, over] = band === "range" ? [one.low[i], one.high[i]] : band === "error" ? [one.y[i] - one.error[i], one.y[i] + one.error[i]] : [one.y[i], one.y[i]];
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

const axis_look = () => ({ grid: { color: css_colour("line"), borderColor: css_colour("line"), tickColor: css_colour("line") },
                           ticks: { color: css_colour("soft"), font: { size: 11 }, maxRotation: 0, maxTicksLimit: 7, callback: tick_text } });
const ticks_at_digits = (digits) => (value) => {
  const digit = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
  return digits.some((one) => Math.abs(digit - one) < 1e-6) ? tick_text(value) : "";
};
const axis_of = (is_log, [min, max], title) => {
  const look = axis_look(), decades = is_log && min > 0 ? Math.log10(max / min) : 0;
  return { type: is_log ? "logarithmic" : "linear", min, max, grid: look.grid,
           ticks: { ...look.ticks, ...(is_log ? { callback: ticks_at_digits(decades > 3 ? [1] : decades > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9]), maxTicksLimit: 12 } : {}), includeBounds: false },
           title: { display: title !== "", text: title, color: css_colour("soft"), font: { size: 11 } } };
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
  const ends = (one) => { const last = one.y.filter(is_number); return `${one.label} from ${number_text(last[0])} to ${number_text(last[last.length - 1])}`; };
  const more = series.length > 5 ? ` and ${series.length - 5} more` : "";
  return `${metric.name} against ${x_title}, ${count(series.length, "curve")}: ${series.slice(0, 5).map(ends).join("; ")}${more}`;
};
const chart_in_numbers = (metric, series) =>
  table_of(`${metric.name} in numbers`, [{ title: "curve" }, { title: "points", number: true }, { title: "first", number: true }, { title: "last", number: true },
                                         { title: "least", number: true }, { title: "greatest", number: true }],
    series.map((one) => {
      const y = one.y.filter(is_number), [low, high] = extent_of([one], "none", [-Infinity, Infinity]);
      return [[swatch(one.place), one.label], one.points.toLocaleString("en"), number_text(y[0]), number_text(y[y.length - 1]), number_text(low), number_text(high)];
    }));

class LineChart {
  // zoomed: called with [x0, x1, y0, y1] or null when the reader zooms; y0 and y1 may be missing.
  constructor(metric, { zoomed, scaled }) {
    this.metric = metric;
    this.zoomed = zoomed;
    this.canvas = make("canvas", { role: "img" });
    this.box = make("div", { class: "zoom-box", hidden: true });
    this.note = make("p", { class: "about" });
    this.scale = button("log", () => scaled(this.is_log ? "linear" : "log"), { class: "small", "data-key": `log-${metric.name}` });
    this.numbers = make("details", { class: "numbers", ontoggle: () => this.fill_numbers() }, make("summary", {}, "numbers"), make("div"));
    this.plot = make("div", { class: "plot" }, this.canvas, this.box);
    this.node = make("section", { class: "chart", "data-metric": metric.name, "aria-label": metric.name },
      make("header", {}, make("h3", {}, metric.name, metric.unit && make("span", { class: "unit" }, ` [${metric.unit}]`)), this.buttons()),
      this.note, this.plot, this.numbers);
    this.watch_drag();
  }

  buttons() {
    const one = (text, name, act) => button(text, act, { class: "small", "aria-label": `${name}: ${this.metric.name}`, title: name });
    return make("span", { class: "zoom", role: "group", "aria-label": `scale and zoom of ${this.metric.name}` }, this.scale,
      one("+", "zoom in", () => this.move(0.25, 0.75)), one("−", "zoom out", () => this.move(-0.5, 1.5)), one("‹", "to the left", () => this.move(-0.5, 0.5)),
      one("›", "to the right", () => this.move(0.5, 1.5)), this.reset = one("reset", "reset the zoom", () => this.zoomed(null)));
  }

  // Shows parts of the present width, in the scale's own measure: 0 is the left edge, 1 the right one.
  move(from, to) {
    if (!this.chart || !this.whole) return;
    const { left, right } = this.chart.chartArea, at = (part) => this.chart.scales.x.getValueForPixel(left + (right - left) * part);
    const x0 = Math.max(at(from), this.whole[0]), x1 = Math.min(at(to), this.whole[1]);
    if (x0 <= this.whole[0] && x1 >= this.whole[1]) this.zoomed(null); else if (x1 > x0) this.zoomed([x0, x1]);
  }

  // A rectangle drawn with the mouse; one that is flat leaves the other axis as it is.
  watch_drag() {
    let start = null;
    const place = (event) => { const box = this.canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" || event.button !== 0 || !this.chart) return;
      start = place(event);
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => { if (start) this.draw_box(start, place(event)); });
    this.canvas.addEventListener("pointerup", (event) => {
      if (start) this.take_box(start, place(event));
      start = null;
      this.box.hidden = true;
    });
    this.canvas.addEventListener("dblclick", () => this.zoomed(null));
  }
  spans([x0, y0], [x1, y1]) {
    const { left, right, top, bottom } = this.chart.chartArea, within = (value, low, high) => Math.min(high, Math.max(low, value));
    const wide = Math.abs(x1 - x0) > 8, tall = Math.abs(y1 - y0) > 25;
    const sort = (a, b) => (a < b ? [a, b] : [b, a]);
    return { wide, tall, x: wide ? sort(within(x0, left, right), within(x1, left, right)) : [left, right],
             y: tall ? sort(within(y0, top, bottom), within(y1, top, bottom)) : [top, bottom] };
  }
  draw_box(start, end) {
    const { wide, tall, x, y } = this.spans(start, end);
    this.box.hidden = !wide && !tall;
    Object.assign(this.box.style, { left: `${x[0]}px`, width: `${x[1] - x[0]}px`, top: `${y[0]}px`, height: `${y[1] - y[0]}px` });
  }
  take_box(start, end) {
    const { wide, tall, x, y } = this.spans(start, end), scales = this.chart.scales;
    if (!wide && !tall) return;
    const xs = x.map((pixel) => scales.x.getValueForPixel(pixel)), ys = y.map((pixel) => scales.y.getValueForPixel(pixel)).reverse();
    this.zoomed(tall ? [...xs, ...ys] : xs);
  }

  // view: {x_title, is_path, xlog, ylog: "auto", "log" or "linear", band, lit, zoom, full}; whole: all of x there is.
  show(series, view) {
    this.series = series;
    const { zoom } = view, seen = zoom ? [zoom[0], zoom[1]] : this.whole_of(series, view.xlog);
    const inner = extent_of(series, view.band, seen), lines = extent_of(series, "none", seen);
    const can_log = lines[0] > 0, decades = can_log ? Math.log10(lines[1] / lines[0]) : 0;
    this.is_log = can_log && (view.ylog === "log" || (view.ylog === "auto" && this.metric.goal === "low" && decades > 1.3));
    const { range, is_cut } = this.y_range(series, view, seen, inner);
    const datasets = datasets_of(series, { ...view, is_log: this.is_log });
    if (this.metric.reference) datasets.push(reference_line(this.metric.reference[1], seen));
    this.tell(view, is_cut, can_log);
    this.draw({ datasets }, this.options(view, seen, range));
    this.canvas.setAttribute("aria-label", chart_in_words(this.metric, view.x_title, series));
    if (this.numbers.open) this.fill_numbers();
  }

  whole_of(series, is_log) {
    const all = series.flatMap((one) => [least_of(one.x.filter((x) => !is_log || x > 0)), most_of(one.x)]).filter(is_number);
    return all.length ? [least_of(all), most_of(all)] : [0, 1];
  }

  y_range(series, view, seen, inner) {
    if (view.zoom?.length === 4) return { range: view.zoom.slice(2), is_cut: false };
    const with_reference = ([low, high]) => {
      const value = this.metric.reference?.[1];
      return is_number(value) && (!this.is_log || value > 0) ? [Math.min(low, value), Math.max(high, value)] : [low, high];
    };
    if (!is_number(inner[0])) return { range: [0, 1], is_cut: false };
    if (this.is_log) {
      const [low, high] = with_reference(extent_of(series, "none", seen));
      return { range: [low / 1.15, high * 1.15], is_cut: false };
    }
    const settled = extent_of(series, view.band, seen, view.zoom || this.metric.axis !== "step" ? 0 : 0.2);
    const is_cut = !view.full && series.some((one) => one.x.length > 30) && is_number(settled[0]) && inner[1] - inner[0] > 4 * (settled[1] - settled[0]) && settled[1] > settled[0];
    return { range: padded(with_reference(is_cut ? settled : inner)), is_cut };
  }

  options(view, seen, range) {
    return { animation: false, responsive: true, maintainAspectRatio: false, parsing: view.is_path ? undefined : false, normalized: !view.is_path,
             interaction: { mode: "nearest", axis: view.is_path ? "xy" : "x", intersect: false },
             scales: { x: axis_of(view.xlog && seen[0] > 0, seen, view.x_title), y: axis_of(this.is_log, range, "") },
             plugins: { legend: { display: false }, tooltip: tooltip_of(view.x_title) } };
  }

  tell(view, is_cut, can_log) {
    const { about, reference } = this.metric, parts = [about];
    if (reference) parts.push(`dashed: ${reference[0]} ${number_text(reference[1], 6)}`);
    if (view.ylog === "log" && !can_log) parts.push("linear, as some values are not above 0");
    renew(this.note, parts.filter(Boolean).join("; "), is_cut && [". The start lies outside: ", button("show all", view.show_all, { class: "link", "data-key": `all-${this.metric.name}` })]);
    this.scale.textContent = this.is_log ? "linear" : "log";
    this.scale.setAttribute("aria-label", `${this.is_log ? "linear" : "logarithmic"} scale: ${this.metric.name}`);
    this.scale.disabled = !can_log;
    this.reset.disabled = !view.zoom;
  }

  draw(data, options) {
    if (!this.chart) { this.chart = new Chart(this.canvas, { type: "line", data, options }); return; }
    this.chart.data = data;
    this.chart.options = options;
    this.chart.update("none");
  }

  fill_numbers() { if (this.numbers.open && this.series) this.numbers.lastChild.replaceChildren(chart_in_numbers(this.metric, this.series)); }
  close() { this.chart?.destroy(); }
}
