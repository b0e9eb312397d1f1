// Parallel coordinates: an axis for each key and metric, a line for each configuration, coloured by a metric. Ranges drawn on
// axes choose lines.

const axis_width = 130,
  plot_height = 360,
  plot_top = 44,
  plot_bottom = 26;

class Parallel {
  constructor() {
    this.controls = make("div", { class: "controls" });
    this.lines = make("canvas", { role: "img" });
    this.lit = make("canvas", { class: "over", "aria-hidden": "true" });
    this.axes = draw_in("svg", { class: "axes", "aria-hidden": "true" });
    this.stage = make("div", { class: "stage" }, this.lines, this.lit, this.axes);
    this.status = make("p", { class: "note", role: "status" });
    this.ranges = make("div", { class: "ranges" });
    this.table = make("div");
    this.scroll = make(
      "div",
      {
        class: "scroll parallel",
        tabindex: "0",
        role: "region",
        "aria-label": "Parallel coordinates",
        "data-scroll": "parallel",
      },
      this.stage,
    );
    this.said = make("div");
    this.node = make("div", {}, this.controls, this.said, this.scroll, this.status, this.ranges, this.table);
    this.watch();
    this.resized = new ResizeObserver(() => {
      if (this.shown && this.scroll.clientWidth !== this.width) this.paint();
    });
    this.resized.observe(this.scroll);
  }

  show(results, words) {
    const [target, targets] = target_choice(results, words),
      [metric, metrics] = metric_choice(results, words),
      groups = metric ? comparable(results, target, metric) : [];
    this.scroll.hidden = groups.length < 2;
    this.shown = null;
    if (groups.length < 2) {
      for (const part of [this.ranges, this.table]) renew(part);
      renew(this.controls, targets, metrics);
      this.status.textContent = "";
      renew(
        this.said,
        empty_state(
          "Parallel coordinates need two configurations of one target that are done, with different values of a key.",
        ),
      );
      return;
    }
    renew(this.said);
    const keys = varying_keys(results, groups),
      names = [...keys.map(({ key }) => key.key), ...has_finals(results).map((one) => one.name)],
      named = list_of(words.axes).filter((name) => names.includes(name));
    const drawn = (named.length ? named : keys.slice(0, 10).map(({ key }) => key.key)).filter(
      (name) => name !== metric.name,
    );
    const axes = [...names.filter((name) => drawn.includes(name)), metric.name].map((name) =>
      this.axis(
        results,
        groups,
        keys.find(({ key }) => key.key === name),
        name,
      ),
    );
    renew(
      this.controls,
      targets,
      metrics,
      choose(
        `axes (${axes.length})`,
        names.filter((name) => name !== metric.name).map((name) => [name, name]),
        drawn,
        (some) => change_view({ axes: list_text(some) }),
        "axes",
      ),
      note(`Colour: ${metric.name}, from orange, the worst, to blue, the best.`),
    );
    this.shown = {
      results,
      words,
      groups,
      metric,
      axes,
      ranges: ranges_of(words.ranges),
      share: this.shares(results, groups, metric),
    };
    this.paint();
    this.tell();
  }

  axis(results, groups, key, name) {
    if (key && !key.numeric) return named_axis(name, key.key.short, key.texts, key.names);
    return numeric_axis(
      name,
      key ? key.key.short : name,
      key ? key.numbers : groups.map((group) => value_of(results, group, name)),
    );
  }
  // Of each row, from 0 for the worst to 1 for the best, by rank.
  shares(results, groups, metric) {
    const ranks = ranks_of(groups.map((group) => -badness(value_of(results, group, metric.name), metric.goal)));
    return ranks.map((rank) => rank / Math.max(1, groups.length - 1));
  }
  inside(i) {
    return this.shown.axes.every((axis) => {
      const range = this.shown.ranges.get(axis.name);
      return !range || (axis.numbers[i] >= range[0] && axis.numbers[i] <= range[1]);
    });
  }

  paint() {
    const { axes, groups } = this.shown;
    this.width = this.scroll.clientWidth;
    this.wide = Math.max(this.width - 2, axes.length * axis_width);
    for (const canvas of [this.lines, this.lit]) this.size(canvas);
    const context = this.lines.getContext("2d"),
      order = groups.map((_, i) => i).sort((a, b) => this.shown.share[a] - this.shown.share[b]);
    const is_best = (i) => this.shown.share[i] > 1 - 10 / groups.length,
      faint = Math.max(0.12, Math.min(0.9, 60 / groups.length));
    for (const i of order) if (!this.inside(i)) this.line(context, i, (css_colour.line ||= css_colour("line")), 1);
    for (const i of order)
      if (this.inside(i)) this.line(context, i, ramp_colour(this.shown.share[i], is_best(i) ? 0.9 : faint), 1.4);
    css_colour.line = null;
    this.draw_axes();
  }
  size(canvas) {
    const ratio = Math.ceil(window.devicePixelRatio || 1);
    [canvas.width, canvas.height] = [this.wide * ratio, plot_height * ratio];
    [canvas.style.width, canvas.style.height] = [`${this.wide}px`, `${plot_height}px`];
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  x_of(a) {
    return this.wide * ((a + 0.5) / this.shown.axes.length);
  }
  y_of(place) {
    return plot_top + (plot_height - plot_top - plot_bottom) * (1 - place);
  }
  line(context, i, colour, width) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    let is_begun = false;
    this.shown.axes.forEach((axis, a) => {
      const place = axis.place(i);
      if (!is_number(place)) {
        is_begun = false;
        return;
      }
      if (is_begun) context.lineTo(this.x_of(a), this.y_of(place));
      else context.moveTo(this.x_of(a), this.y_of(place));
      is_begun = true;
    });
    context.stroke();
  }

  draw_axes() {
    const { axes, ranges } = this.shown;
    for (const [name, value] of [
      ["width", this.wide],
      ["height", plot_height],
    ])
      this.axes.setAttribute(name, value);
    this.axes.replaceChildren(
      ...axes.flatMap((axis, a) => {
        const x = this.x_of(a),
          range = ranges.get(axis.name),
          title = axis.title.length > 20 ? `${axis.title.slice(0, 19)}…` : axis.title;
        return [
          draw_in("line", { class: "axis", x1: x, x2: x, y1: this.y_of(1), y2: this.y_of(0) }),
          draw_in("text", { class: "axis-title", x, y: 18, "text-anchor": "middle" }, title),
          range &&
            draw_in("rect", {
              class: "range",
              x: x - 8,
              width: 16,
              y: this.y_of(Math.min(1.02, axis.place_of(range[1]))),
              height: Math.max(
                3,
                this.y_of(Math.max(-0.02, axis.place_of(range[0]))) -
                  this.y_of(Math.min(1.02, axis.place_of(range[1]))),
              ),
            }),
          ...axis.ticks.flatMap(([place, text]) => [
            draw_in("line", { class: "axis", x1: x - 4, x2: x + 4, y1: this.y_of(place), y2: this.y_of(place) }),
            draw_in(
              "text",
              { class: "tick", x: x + 8, y: this.y_of(place) + 4 },
              text.length > 14 ? `${text.slice(0, 13)}…` : text,
            ),
          ]),
        ].filter(Boolean);
      }),
    );
  }

  watch() {
    let start = null;
    const at = (event) => {
      const box = this.lines.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    this.stage.addEventListener("pointerdown", (event) => {
      const [x, y] = at(event),
        a = this.axis_at(x);
      if (event.button !== 0 || event.pointerType === "touch" || a === null) return;
      start = { a, y };
      this.stage.setPointerCapture(event.pointerId);
    });
    this.stage.addEventListener("pointermove", (event) =>
      start ? this.stage.classList.add("dragged") : this.hover(...at(event)),
    );
    this.stage.addEventListener("pointerup", (event) => {
      if (start) this.take_range(start.a, start.y, at(event)[1]);
      start = null;
      this.stage.classList.remove("dragged");
    });
    this.stage.addEventListener("pointerleave", () => this.light(null));
  }
  axis_at(x) {
    if (!this.shown) return null;
    const a = Math.round((x / this.wide) * this.shown.axes.length - 0.5);
    return a >= 0 && a < this.shown.axes.length && Math.abs(this.x_of(a) - x) < 24 ? a : null;
  }
  place_at(y) {
    return Math.min(1, Math.max(0, 1 - (y - plot_top) / (plot_height - plot_top - plot_bottom)));
  }
  take_range(a, y0, y1) {
    const axis = this.shown.axes[a];
    if (Math.abs(y1 - y0) < 5) {
      this.set_range(axis, null);
      return;
    }
    const [low, high] = [Math.max(y0, y1), Math.min(y0, y1)].map((y) => axis.value_at(this.place_at(y)));
    this.set_range(axis, [low, high]);
  }
  set_range(axis, range) {
    const ranges = new Map(this.shown.ranges);
    if (range) ranges.set(axis.name, range);
    else ranges.delete(axis.name);
    change_view({ ranges: ranges_text(ranges) });
  }

  // The line nearest to the pointer, between the two axes beside it.
  hover(x, y) {
    if (!this.shown) return;
    const { axes, groups } = this.shown,
      left = Math.max(0, Math.min(axes.length - 2, Math.floor((x / this.wide) * axes.length - 0.5))),
      part = Math.min(1, Math.max(0, (x - this.x_of(left)) / (this.x_of(left + 1) - this.x_of(left))));
    let nearest = null,
      least = 9;
    groups.forEach((_, i) => {
      const away = Math.abs(this.y_of(axes[left].place(i) * (1 - part) + axes[left + 1].place(i) * part) - y);
      if (away < least && this.inside(i)) [nearest, least] = [i, away];
    });
    this.light(nearest);
  }
  light(i) {
    if (!this.shown || this.is_lit === i) return;
    this.is_lit = i;
    const context = this.lit.getContext("2d"),
      { groups, metric, results } = this.shown;
    context.clearRect(0, 0, this.wide, plot_height);
    if (i !== null) this.line(context, i, css_colour("ink"), 3);
    this.status.textContent =
      i === null
        ? this.counted
        : `${groups[i].label}: ${metric.name} ${estimate_text(value_of(results, groups[i], metric.name), figure_of(results, groups[i], metric.name).error).join(" ")}`;
  }

  // Ranges by numbers, for those without a mouse, and the best lines within them.
  tell() {
    const { axes, ranges, groups, results, metric, words } = this.shown,
      inside = groups.filter((_, i) => this.inside(i));
    this.lines.setAttribute(
      "aria-label",
      `${count(groups.length, "configuration")} as lines over ${axes.map((axis) => axis.title).join(", ")}; the best stand in the table below`,
    );
    this.counted = ranges.size
      ? `${inside.length.toLocaleString("en")} of ${count(groups.length, "configuration")} lie within the ranges.`
      : `${count(groups.length, "configuration")}. Draw along an axis to choose a range of it.`;
    this.status.textContent = this.counted;
    renew(
      this.ranges,
      folded(
        `ranges in numbers${ranges.size ? ` (${ranges.size})` : ""}`,
        "ranges",
        make(
          "div",
          { class: "boxes" },
          axes.map((axis) => this.range_fields(axis)),
        ),
      ),
      ranges.size > 0 && button("remove all ranges", () => change_view({ ranges: null }), { "data-key": "no-ranges" }),
    );
    const columns = group_columns(results).filter(
      (column) => axes.some((axis) => axis.name === column.name) || column.name === "trials",
    );
    renew(
      this.table,
      make("h2", {}, `The best by ${metric.name}${ranges.size ? " within the ranges" : ""}`),
      inside.length
        ? results_table(results, {
            rows: ranked(results, inside, metric),
            columns,
            sort: metric.goal === "high" ? `-${metric.name}` : metric.name,
            chosen: new Set(numbers_of(words.chosen)),
            most: 10,
          })
        : empty_state("No configuration lies within these ranges."),
    );
  }
  range_fields(axis) {
    const range = this.shown.ranges.get(axis.name),
      field = (side) => {
        const value = range ? range[side] : axis.value_at(side);
        const set = (event) => {
          const pair = [range ? range[0] : axis.value_at(0), range ? range[1] : axis.value_at(1)];
          pair[side] = Number(event.target.value);
          this.set_range(axis, pair);
        };
        const label = `${side ? "most" : "least"} of ${axis.title}`,
          key = `range-${axis.name}-${side}`;
        if (axis.is_numeric)
          return make("input", {
            type: "number",
            step: "any",
            value: +value.toPrecision(4),
            "aria-label": label,
            "data-key": key,
            onchange: set,
          });
        return make(
          "select",
          { "aria-label": label, "data-key": key, onchange: set },
          axis.names.map((name, i) => make("option", { value: i, selected: i === Math.round(value) }, name)),
        );
      };
    return make("div", { class: "range-of" }, make("span", {}, axis.title), field(0), " to ", field(1));
  }
  close() {
    this.resized.disconnect();
  }
}
