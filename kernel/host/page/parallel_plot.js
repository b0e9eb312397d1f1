// The picture of parallel coordinates: axes, lines, the line below the pointer, and ranges that are drawn along axes.

const axis_width = 130,
  plot_height = 360,
  plot_top = 44,
  plot_bottom = 26;

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

class ParallelPlot {
  // lit: called with the place of the row below the pointer, or null; ranged: with an axis and [low, high] or null.
  constructor({ lit, ranged }) {
    this.say_lit = lit;
    this.ranged = ranged;
    this.lines = make("canvas", { role: "img" });
    this.lit = make("canvas", { class: "over", "aria-hidden": "true" });
    this.axes = draw_in("svg", { class: "axes", "aria-hidden": "true" });
    this.stage = make("div", { class: "stage" }, this.lines, this.lit, this.axes);
    const named = { class: "scroll parallel", tabindex: "0", role: "region", "aria-label": "Parallel coordinates" };
    this.node = make("div", { ...named, "data-scroll": "parallel" }, this.stage);
    this.watch();
    this.resized = new ResizeObserver(() => {
      if (this.shown && this.node.clientWidth !== this.width) this.paint();
    });
    this.resized.observe(this.node);
  }

  // shown: {axes, ranges, rows: how many, share: of each row from 0, the worst, to 1, in words}; null: nothing.
  show(shown) {
    this.node.hidden = shown === null;
    this.shown = shown;
    if (shown === null) return;
    this.lines.setAttribute("aria-label", shown.words);
    this.paint();
  }

  inside(i) {
    return this.shown.axes.every((axis) => {
      const range = this.shown.ranges.get(axis.name);
      return !range || (axis.numbers[i] >= range[0] && axis.numbers[i] <= range[1]);
    });
  }

  // The best lines last, so that they lie above.
  paint() {
    const { axes, rows, share } = this.shown,
      ground = css_colour("line");
    this.width = this.node.clientWidth;
    this.wide = Math.max(this.width - 2, axes.length * axis_width);
    for (const canvas of [this.lines, this.lit]) this.size(canvas);
    const context = this.lines.getContext("2d"),
      order = share.map((_, i) => i).sort((a, b) => share[a] - share[b]);
    const faint = Math.max(0.12, Math.min(0.9, 60 / rows)),
      is_best = (i) => share[i] > 1 - 10 / rows;
    const outside = order.filter((i) => !this.inside(i)),
      inside = order.filter((i) => this.inside(i));
    for (const i of outside) this.line(context, i, ground, 1);
    for (const i of inside) this.line(context, i, ramp_colour(share[i], is_best(i) ? 0.9 : faint), 1.4);
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
    this.axes.setAttribute("width", this.wide);
    this.axes.setAttribute("height", plot_height);
    this.axes.replaceChildren(...this.shown.axes.flatMap((axis, a) => this.axis_parts(axis, this.x_of(a))));
  }
  axis_parts(axis, x) {
    const range = this.shown.ranges.get(axis.name),
      upright = { class: "axis", x1: x, x2: x, y1: this.y_of(1), y2: this.y_of(0) };
    return [
      draw_in("line", upright),
      draw_in("text", { class: "axis-title", x, y: 18, "text-anchor": "middle" }, shortened(axis.title, 20)),
      range && this.range_box(axis, range, x),
      ...axis.ticks.flatMap(([place, text]) => [
        draw_in("line", { class: "axis", x1: x - 4, x2: x + 4, y1: this.y_of(place), y2: this.y_of(place) }),
        draw_in("text", { class: "tick", x: x + 8, y: this.y_of(place) + 4 }, shortened(text, 14)),
      ]),
    ].filter(Boolean);
  }
  range_box(axis, [low, high], x) {
    const top = this.y_of(Math.min(1.02, axis.place_of(high))),
      bottom = this.y_of(Math.max(-0.02, axis.place_of(low)));
    return draw_in("rect", { class: "range", x: x - 8, width: 16, y: top, height: Math.max(3, bottom - top) });
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
      this.ranged(axis, null);
      return;
    }
    const [low, high] = [Math.max(y0, y1), Math.min(y0, y1)].map((y) => axis.value_at(this.place_at(y)));
    this.ranged(axis, [low, high]);
  }
  // The line nearest to the pointer, between the two axes beside it.
  hover(x, y) {
    if (!this.shown) return;
    const { axes, share } = this.shown,
      left = Math.max(0, Math.min(axes.length - 2, Math.floor((x / this.wide) * axes.length - 0.5))),
      part = Math.min(1, Math.max(0, (x - this.x_of(left)) / (this.x_of(left + 1) - this.x_of(left))));
    let nearest = null,
      least = 9;
    share.forEach((_, i) => {
      const away = Math.abs(this.y_of(axes[left].place(i) * (1 - part) + axes[left + 1].place(i) * part) - y);
      if (away < least && this.inside(i)) [nearest, least] = [i, away];
    });
    this.light(nearest);
  }
  light(i) {
    if (!this.shown || this.is_lit === i) return;
    this.is_lit = i;
    const context = this.lit.getContext("2d");
    context.clearRect(0, 0, this.wide, plot_height);
    if (i !== null) this.line(context, i, css_colour("ink"), 3);
    this.say_lit(i);
  }

  close() {
    this.resized.disconnect();
  }
}
