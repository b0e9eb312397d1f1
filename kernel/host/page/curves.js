// Charts of several metrics with what they share: the curves in them, their legend, axes and bands.

const hidden_rows = new Set(); // keys of rows whose curves are switched off

class Curves {
  constructor(is_titled = false) {
    this.charts = new Map();
    this.controls = make("div", { class: "controls" });
    this.legend = make("div", { class: "legend", role: "group", "aria-label": "Curves: press to hide or show" });
    this.grid = make("div", { class: "charts" });
    this.said = make("div");
    this.node = make(
      "section",
      { class: "curves", "aria-label": "Curves" },
      make("h2", { class: is_titled ? null : "unseen" }, "Curves"),
      this.controls,
      this.legend,
      this.said,
      this.grid,
    );
    this.lit = null;
  }

  // metrics: all there are; rows: what is drawn; chosen: ids of trials; most: charts at most.
  show(metrics, rows, words, { chosen = new Set(), most = 40, is_brief = false, seeds = true } = {}) {
    this.last = [metrics, rows, words, { chosen, most, is_brief, seeds }];
    const view = curve_view(words),
      drawn = chosen_curves(metrics, words, most);
    this.view = view;
    renew(this.controls, is_brief ? [] : curve_controls(metrics, drawn, view, seeds));
    this.show_legend(rows, chosen);
    this.reconcile(drawn);
    const lacking = metrics.some((metric) => metric.curve)
      ? rows.length
        ? null
        : "Nothing to draw yet: curves appear here as soon as a trial has recorded two points."
      : "No metric has a curve yet: one appears here as soon as a trial has recorded two points.";
    renew(this.said, lacking && empty_state(lacking));
    return Promise.all(
      drawn.map((metric) =>
        this.show_one(
          metric,
          metrics,
          rows.filter((row) => !hidden_rows.has(row.key)),
          chosen,
        ),
      ),
    );
  }
  again() {
    if (this.last) this.show(...this.last);
  }

  show_legend(rows, chosen) {
    if (rows.length < 2) {
      renew(this.legend);
      return;
    }
    renew(
      this.legend,
      rows.map((row) =>
        make(
          "span",
          { class: "entry" },
          button(
            [swatch(places.get(row.key)), label_of(row)],
            () => {
              if (!hidden_rows.delete(row.key)) hidden_rows.add(row.key);
              this.again();
            },
            {
              "aria-pressed": String(!hidden_rows.has(row.key)),
              "data-key": `legend-${row.key}`,
              onmouseenter: () => this.light(row.key),
              onmouseleave: () => this.light(null),
              onfocus: () => this.light(row.key),
              onblur: () => this.light(null),
            },
          ),
          chosen.size > 0 &&
            button(
              "×",
              () =>
                choose_trials(
                  trials_of(row, chosen).map((trial) => trial.id),
                  false,
                ),
              { class: "small", "aria-label": `remove ${label_of(row)}` },
            ),
        ),
      ),
    );
  }
  light(key) {
    if (this.lit === key) return;
    this.lit = key;
    clearTimeout(this.lighting);
    this.lighting = setTimeout(() => {
      for (const chart of this.charts.values())
        if (chart.series) chart.show(chart.series, { ...chart.view, lit: this.lit });
    }, 60);
  }

  // Charts that stay are left where they are, so that they keep their focus and do not flicker.
  reconcile(metrics) {
    for (const [name, chart] of this.charts)
      if (!metrics.some((metric) => metric.name === name)) {
        chart.close();
        chart.node.remove();
        this.charts.delete(name);
      }
    metrics.forEach((metric, i) => {
      if (!this.charts.has(metric.name)) this.charts.set(metric.name, this.new_chart(metric));
      const { node } = this.charts.get(metric.name);
      if (this.grid.children[i] !== node) this.grid.insertBefore(node, this.grid.children[i] || null);
    });
  }
  new_chart(metric) {
    const change = (kind, text) => (value) => {
      const all = new Map(this.view[kind]);
      if (value === null) all.delete(metric.name);
      else all.set(metric.name, value);
      change_view({ [kind.slice(0, -1)]: text(all) });
    };
    return new LineChart(metric, {
      zoomed: change("zooms", zooms_text),
      scaled: change("scales", (all) => list_text([...all].map((pair) => pair.join(":")))),
    });
  }

  async show_one(metric, metrics, rows, chosen) {
    const chart = this.charts.get(metric.name),
      turn = (chart.turn = (chart.turn || 0) + 1),
      { view } = this;
    const zoom = view.zooms.get(metric.name) || null,
      x = metric.axis === "step" ? view.x : "step",
      is_path = x !== "step" && x !== "seconds";
    const asked = { chosen, x, smooth: view.smooth };
    chart.metric = metric;
    try {
      let series = await load_series(metric, rows, asked);
      if (chart.turn !== turn) return;
      chart.whole = chart.whole_of(series, view.xlog);
      if (zoom && series.some((one) => one.thinned)) series = await this.closer(metric, rows, asked, series, zoom);
      if (chart.turn !== turn) return;
      chart.view = {
        ...view,
        zoom,
        is_path,
        x_title: x_title_of(metric, metrics, x),
        ylog: view.scales.get(metric.name) || view.ylog,
        xlog: view.xlog && metric.axis === "step",
        lit: this.lit,
        missing: rows.length - series.length,
        show_all: () => change_view({ full: "1" }),
      };
      chart.show(series, chart.view);
    } catch (error) {
      renew(chart.note, error.sentence || String(error));
    }
  }

  // More points of the steps in view, where the store has more than were drawn.
  async closer(metric, rows, asked, series, [x0, x1]) {
    const steps = series.flatMap((one) => one.step.filter((_, i) => one.x[i] >= x0 && one.x[i] <= x1));
    const gap = most_of(
      series.map((one) => (one.step[one.step.length - 1] - one.step[0]) / Math.max(1, one.step.length - 1)),
    );
    const from = Math.floor(Math.min(least_of(steps), asked.x === "step" ? x0 : Infinity) - gap),
      to = Math.ceil(Math.max(most_of(steps), asked.x === "step" ? x1 : -Infinity) + gap);
    return is_live && is_number(from) && is_number(to)
      ? load_series(metric, rows, { ...asked, part: { from: Math.max(0, from), to } })
      : series;
  }

  close() {
    for (const chart of this.charts.values()) chart.close();
    this.charts.clear();
  }
}
