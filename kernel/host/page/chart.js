// One metric's chart: its curves, scales, zoom and numbers.

class LineChart {
  // zoomed: called with [x0, x1, y0, y1] or null when the reader zooms; y0 and y1 may be missing.
  constructor(metric, { zoomed, scaled }) {
    this.metric = metric;
    this.zoomed = zoomed;
    this.canvas = make("canvas", { role: "img" });
    this.box = make("div", { class: "zoom-box", hidden: true });
    this.note = make("p", { class: "about" });
    this.scale = button("log", () => scaled(this.is_log ? "linear" : "log"), {
      class: "small",
      "data-key": `log-${metric.name}`,
    });
    this.numbers = make(
      "details",
      { class: "numbers", ontoggle: () => this.fill_numbers() },
      make("summary", {}, "numbers"),
      make("div"),
    );
    this.plot = make("div", { class: "plot" }, this.canvas, this.box);
    this.node = make(
      "section",
      { class: "chart", "data-metric": metric.name, "aria-label": metric.name },
      make(
        "header",
        {},
        make("h3", {}, metric.name, metric.unit && make("span", { class: "unit" }, ` [${metric.unit}]`)),
        this.buttons(),
      ),
      this.note,
      this.plot,
      this.numbers,
    );
    watch_drag(this);
  }

  buttons() {
    const one = (text, name, act) =>
      button(text, act, { class: "small", "aria-label": `${name}: ${this.metric.name}`, title: name });
    return make(
      "span",
      { class: "zoom", role: "group", "aria-label": `scale and zoom of ${this.metric.name}` },
      this.scale,
      one("+", "zoom in", () => this.move(0.25, 0.75)),
      one("−", "zoom out", () => this.move(-0.5, 1.5)),
      one("‹", "to the left", () => this.move(-0.5, 0.5)),
      one("›", "to the right", () => this.move(0.5, 1.5)),
      (this.reset = one("reset", "reset the zoom", () => this.zoomed(null))),
    );
  }

  // Shows parts of the present width, in the scale's own measure: 0 is the left edge, 1 the right one.
  move(from, to) {
    if (!this.chart || !this.whole) return;
    const { left, right } = this.chart.chartArea,
      at = (part) => this.chart.scales.x.getValueForPixel(left + (right - left) * part);
    const x0 = Math.max(at(from), this.whole[0]),
      x1 = Math.min(at(to), this.whole[1]);
    if (x0 <= this.whole[0] && x1 >= this.whole[1]) this.zoomed(null);
    else if (x1 > x0) this.zoomed([x0, x1]);
  }

  // view: {x_title, is_path, xlog, ylog: "auto", "log" or "linear", band, lit, zoom, full}; whole: all of x there is.
  show(series, view) {
    this.series = series;
    const { zoom } = view,
      seen = zoom ? [zoom[0], zoom[1]] : this.whole_of(series, view.xlog);
    const inner = extent_of(series, view.band, seen),
      lines = extent_of(series, "none", seen);
    const can_log = lines[0] > 0,
      decades = can_log ? Math.log10(lines[1] / lines[0]) : 0;
    this.is_log =
      can_log && (view.ylog === "log" || (view.ylog === "auto" && this.metric.goal === "low" && decades > 1.3));
    const { range, is_cut } = this.y_range(series, view, seen, inner);
    const datasets = datasets_of(series, { ...view, is_log: this.is_log });
    if (this.metric.reference) datasets.push(reference_line(this.metric.reference[1], seen));
    this.tell(view, is_cut, can_log);
    this.draw({ datasets }, this.options(view, seen, range));
    this.canvas.setAttribute("aria-label", chart_in_words(this.metric, view.x_title, series));
    if (this.numbers.open) this.fill_numbers();
  }

  whole_of(series, is_log) {
    const all = series
      .flatMap((one) => [least_of(one.x.filter((x) => !is_log || x > 0)), most_of(one.x)])
      .filter(is_number);
    return all.length ? [least_of(all), most_of(all)] : [0, 1];
  }

  y_range(series, view, seen, inner) {
    if (view.zoom?.length === 4) return { range: view.zoom.slice(2), is_cut: false };
    const with_reference = ([low, high]) => {
      const value = this.metric.reference?.[1];
      return is_number(value) && (!this.is_log || value > 0)
        ? [Math.min(low, value), Math.max(high, value)]
        : [low, high];
    };
    if (!is_number(inner[0])) return { range: [0, 1], is_cut: false };
    if (this.is_log) {
      const [low, high] = with_reference(extent_of(series, "none", seen));
      return { range: [low / 1.15, high * 1.15], is_cut: false };
    }
    const settled = extent_of(series, view.band, seen, view.zoom || this.metric.axis !== "step" ? 0 : 0.2);
    const is_cut =
      !view.full &&
      series.some((one) => one.x.length > 30) &&
      is_number(settled[0]) &&
      inner[1] - inner[0] > 4 * (settled[1] - settled[0]) &&
      settled[1] > settled[0];
    return { range: padded(with_reference(is_cut ? settled : inner)), is_cut };
  }

  options(view, seen, range) {
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      parsing: view.is_path ? undefined : false,
      normalized: !view.is_path,
      interaction: { mode: "nearest", axis: view.is_path ? "xy" : "x", intersect: false },
      scales: { x: axis_of(view.xlog && seen[0] > 0, seen, view.x_title), y: axis_of(this.is_log, range, "") },
      plugins: { legend: { display: false }, tooltip: tooltip_of(view.x_title) },
    };
  }

  tell(view, is_cut, can_log) {
    const { missing } = view;
    const { about, reference } = this.metric,
      parts = [about];
    if (reference) parts.push(`dashed: ${reference[0]} ${number_text(reference[1], 6)}`);
    if (view.ylog === "log" && !can_log) parts.push("linear, as some values are not above 0");
    if (missing > 0)
      parts.push(
        `${missing} of the rows drawn ${missing === 1 ? "has" : "have"} no curve of it${is_live ? "" : " here"}`,
      );
    renew(
      this.note,
      parts.filter(Boolean).join("; "),
      is_cut && [
        ". The start lies outside: ",
        button("show all", view.show_all, { class: "link", "data-key": `all-${this.metric.name}` }),
      ],
    );
    this.scale.textContent = this.is_log ? "linear" : "log";
    this.scale.setAttribute("aria-label", `${this.is_log ? "linear" : "logarithmic"} scale: ${this.metric.name}`);
    this.scale.disabled = !can_log;
    this.reset.disabled = !view.zoom;
  }

  draw(data, options) {
    if (!this.chart) {
      this.chart = new Chart(this.canvas, { type: "line", data, options });
      return;
    }
    this.chart.data = data;
    this.chart.options = options;
    this.chart.update("none");
  }

  fill_numbers() {
    if (this.numbers.open && this.series)
      this.numbers.lastChild.replaceChildren(chart_in_numbers(this.metric, this.series));
  }
  close() {
    this.chart?.destroy();
  }
}
