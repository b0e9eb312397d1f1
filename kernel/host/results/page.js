// Draws the charts and pictures of a report from the JSON beside it. Works from a file, without a network.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const palette = ["#2f6fde", "#e0732b", "#2a9d74", "#c44b8a", "#8a63d2", "#b8930f", "#3aa6c9", "#d1483f", "#6b8e23", "#7d6b5d",
                   "#5566aa", "#aa7755"];
  const colour = (group) => palette[group % palette.length];
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const short = (value) => {
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size >= 1e6 || size < 1e-4) return value.toExponential(1).replace("e+", "e");
    if (size >= 1e4) return +(value / 1e3).toPrecision(4) + "k";
    return String(+value.toPrecision(4));
  };
  const hidden = new Set();
  const charts = [];
  const view = { band: "error", x: "linear", against: "step" };

  // Seconds of training up to each step, by configuration, from the time a step took.
  const clocks = new Map();
  for (const series of (data.curves.find((curve) => curve.metric === "step_seconds") || { series: [] }).series) {
    let seconds = 0, before = 0;
    const clock = [[0, 0]];
    series.x.forEach((step, i) => {
      seconds += (step - before) * (series.mean[i] ?? 0);
      before = step;
      clock.push([step, seconds]);
    });
    clocks.set(series.group, clock);
  }
  const seconds_at = (clock, step) => {
    const after = clock.findIndex(([x]) => x >= step), last = clock[clock.length - 1];
    if (after < 0) return last[1];
    if (after === 0) return 0;
    const [x0, t0] = clock[after - 1], [x1, t1] = clock[after];
    return t0 + ((t1 - t0) * (step - x0)) / (x1 - x0);
  };
  const in_seconds = (curve) => view.against === "seconds" && !curve.by_size && curve.series.every((series) => clocks.has(series.group));
  const places = (curve, series) => (in_seconds(curve) ? series.x.map((step) => seconds_at(clocks.get(series.group), step)) : series.x);

  // One line and, behind it, a band for each configuration.
  const datasets = (curve, log) => {
    const positive = (value) => value !== null && (!log || value > 0);
    const points = (series, values) => places(curve, series).map((x, i) => ({ x, y: positive(values[i]) ? values[i] : NaN }));
    const made = [];
    for (const series of curve.series) {
      if (hidden.has(series.group)) continue;
      const tone = colour(series.group);
      if (view.band !== "none") {
        const [low, high] = view.band === "error" ? [series.low, series.high] : [series.min, series.max];
        const edge = { borderWidth: 0, pointRadius: 0, pointHitRadius: 0, series: null };
        made.push({ ...edge, data: points(series, low.map((y, i) => (log && !(y > 0) ? series.mean[i] : y))), fill: false });
        made.push({ ...edge, data: points(series, high), fill: "-1", backgroundColor: tone + "2e" });
      }
      const sparse = series.x.length <= 30;
      made.push({ data: points(series, series.mean), series, borderColor: tone, backgroundColor: tone, borderWidth: 1.8,
                  pointRadius: sparse ? 2.6 : 0, pointHoverRadius: 4, fill: false, tension: 0 });
    }
    if (curve.reference !== null && made.length) {
      const { min, max } = steps(curve), ends = [min, max];
      if (!log || curve.reference > 0)
        made.push({ data: ends.map((x) => ({ x, y: curve.reference })), series: null, borderColor: css("--soft"), borderWidth: 1.3,
                    borderDash: [5, 4], pointRadius: 0, pointHitRadius: 0, fill: false });
    }
    return made;
  };

  // The range of what comes after the first fifth, so that a wild start does not flatten the rest.
  const settled = (curve) => {
    let low = Infinity, high = -Infinity;
    for (const series of curve.series) {
      if (hidden.has(series.group)) continue;
      const first = curve.by_size ? 0 : Math.floor(series.x.length * 0.2);
      for (let i = first; i < series.x.length; ++i) {
        for (const y of view.band === "range" ? [series.min[i], series.max[i]] : [series.mean[i]]) {
          if (y === null) continue;
          low = Math.min(low, y);
          high = Math.max(high, y);
        }
      }
    }
    if (curve.reference !== null) { low = Math.min(low, curve.reference); high = Math.max(high, curve.reference); }
    const margin = (high - low || Math.abs(high) || 1) * 0.08;
    return { min: low - margin, max: high + margin };
  };

  // All steps, whatever part of the curves is in view.
  const steps = (curve) => {
    const all = curve.series.map((series) => places(curve, series));
    const first = Math.min(...all.map((x) => x.find((place) => view.x === "linear" || place > 0) ?? 1));
    return { min: first, max: Math.max(...all.map((x) => x[x.length - 1])) };
  };

  const options = (curve, state) => {
    const grid = { color: css("--line"), borderColor: css("--line"), tickColor: css("--line") };
    const ticks = { color: css("--soft"), font: { size: 11 }, callback: short, maxTicksLimit: 7, maxRotation: 0 };
    const log = state.scale === "log";
    const limits = state.scale === "linear" ? settled(curve) : {};
    const powers = (value) => { const digit = value / 10 ** Math.floor(Math.log10(value) + 1e-9); return Math.abs(digit - 1) < 1e-6 ? short(value) : ""; };
    return {
      animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: { type: curve.by_size ? "linear" : view.x, grid, ...steps(curve),
             ticks: { ...ticks, callback: view.x === "logarithmic" && !curve.by_size ? powers : short },
             title: { display: true, text: curve.by_size ? "sites in the subset" : in_seconds(curve) ? "seconds of training" : "training step", color: css("--soft"), font: { size: 11 } } },
        y: { type: log ? "logarithmic" : "linear", grid, ...limits,
             ticks: { ...ticks, callback: log && curve.decades > 1.2 ? powers : short, maxTicksLimit: log ? 12 : 7,
                      includeBounds: false } },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          filter: (item) => item.dataset.series !== null,
          callbacks: {
            title: (items) => (items.length ? (in_seconds(curve) ? short(items[0].parsed.x) + " s" : (curve.by_size ? "size " : "step ") + items[0].parsed.x.toLocaleString("en")) : ""),
            label: (item) => {
              const { series } = item.dataset;
              const half = (series.high[item.dataIndex] - series.low[item.dataIndex]) / 2;
              const name = data.groups.length > 1 ? data.groups[series.group] + ": " : "";
              return name + short(item.parsed.y) + (half > 0 ? " ± " + short(half) : "") + (series.n > 1 ? `  (${series.n} seeds)` : "");
            },
          },
        },
      },
    };
  };

  const redraw = (entry) => {
    entry.chart.data.datasets = datasets(entry.curve, entry.state.scale === "log");
    entry.chart.options = options(entry.curve, entry.state);
    entry.chart.update("none");
  };
  const redraw_all = () => charts.forEach(redraw);

  const choice = (names, current, picked) => {
    const box = element("span", { class: "choice", role: "group" });
    for (const [value, text, title] of names) {
      const button = element("button", { type: "button", "aria-pressed": String(value === current), title: title || "" }, text);
      button.addEventListener("click", () => {
        for (const other of box.children) other.setAttribute("aria-pressed", String(other === button));
        picked(value);
      });
      box.append(button);
    }
    return box;
  };

  const add_chart = (parent, curve) => {
    let least = Infinity, most = 0, negative = false;
    for (const series of curve.series)
      for (const y of series.mean) {
        if (y === null) continue;
        if (y <= 0) negative = true;
        else { least = Math.min(least, y); most = Math.max(most, y); }
      }
    curve.decades = most > 0 ? Math.log10(most / least) : 0;
    const state = { scale: !negative && curve.decades > 1.2 ? "log" : "linear" };
    const scales = [["linear", "linear", curve.by_size ? "linear" : "linear, without the first fifth of the training"]];
    if (!curve.by_size) scales.push(["full", "full", "linear, everything"]);
    if (!negative && most > 0) scales.push(["log", "log", "logarithmic"]);
    const title = element("h3", {}, curve.metric);
    if (curve.unit) title.append(element("span", { class: "unit" }, ` [${curve.unit}]`));
    const canvas = element("canvas", { role: "img", "aria-label": `${curve.metric} against ${curve.by_size ? "subset size" : "training step"}` });
    const about = curve.reference === null ? curve.about : `${curve.about}${curve.about ? "; " : ""}dashed: ${curve.reference_name} ${short6(curve.reference)}`;
    const entry = { curve, state };
    parent.append(element("section", { class: "chart" },
      element("header", {}, title, scales.length > 1 ? choice(scales, state.scale, (value) => { state.scale = value; redraw(entry); }) : ""),
      element("div", { class: "about" }, about), element("div", { class: "plot" }, canvas)));
    entry.chart = new Chart(canvas, { type: "line", data: { datasets: datasets(curve, state.scale === "log") }, options: options(curve, state) });
    charts.push(entry);
  };
  const short6 = (value) => String(+value.toPrecision(6));

  const controls = document.getElementById("controls");
  if (controls) {
    const averaged = data.curves.concat(data.sizes).some((curve) => curve.series.some((series) => series.n > 1));
    const bands = [["error", "± standard error"], ["range", "min to max"], ["none", "none"]];
    if (averaged) controls.append(element("span", {}, "band over seeds", choice(bands, view.band, (value) => { view.band = value; redraw_all(); })));
    if (clocks.size) controls.append(element("span", {}, "against", choice([["step", "steps"], ["seconds", "seconds", "of training, from the time that steps took"]], "step", (value) => { view.against = value; redraw_all(); })));
    controls.append(element("span", {}, "scale", choice([["linear", "linear"], ["logarithmic", "log"]], "linear", (value) => { view.x = value; redraw_all(); })));
  }
  for (const legend of document.querySelectorAll(".legend")) {
    data.groups.forEach((label, group) => {
      if (!data.drawn.includes(group)) return;
      const swatch = element("span", { class: "swatch", style: `background:${colour(group)}` });
      const button = element("button", { type: "button", "aria-pressed": "true", "data-group": group }, swatch, label);
      button.addEventListener("click", () => {
        if (hidden.has(group)) hidden.delete(group); else hidden.add(group);
        for (const same of document.querySelectorAll(`.legend button[data-group="${group}"]`))
          same.setAttribute("aria-pressed", String(!hidden.has(group)));
        redraw_all();
      });
      legend.append(button);
    });
  }
  for (const swatch of document.querySelectorAll(".swatch[data-group]")) swatch.style.background = colour(+swatch.dataset.group);
  const curves = document.getElementById("curves"), more = document.getElementById("more"), sizes = document.getElementById("sizes");
  if (curves) data.curves.forEach((curve) => add_chart(curve.main ? curves : more, curve));
  if (sizes) data.sizes.forEach((curve) => add_chart(sizes, curve));

  // States: two categories as ground and ink, up to twelve as colours, more as a ramp; unknown sites hatched.
  const ramp = (part) => `hsl(${260 - 200 * part} 70% ${25 + 45 * part}%)`;
  const tones = (categories) => {
    if (categories === 2) return [css("--zero"), css("--one")];
    return Array.from({ length: categories }, (_, k) => (categories <= palette.length ? palette[k] : ramp(k / (categories - 1))));
  };
  const draw_state = (canvas, sample, state) => {
    const columns = sample.shape.length > 1 ? sample.shape[sample.shape.length - 1] : state.length;
    const rows = Math.ceil(state.length / columns);
    const cell = Math.max(1, Math.min(14, Math.floor((rows === 1 ? 1000 : 132) / Math.max(columns, rows))));
    const ratio = Math.ceil(window.devicePixelRatio || 1);
    canvas.width = columns * cell * ratio;
    canvas.height = rows * cell * ratio;
    canvas.style.width = columns * cell + "px";
    canvas.style.height = rows * cell + "px";
    const context = canvas.getContext("2d"), size = cell * ratio, tone = tones(sample.categories);
    state.forEach((symbol, site) => {
      const x = (site % columns) * size, y = Math.floor(site / columns) * size;
      context.fillStyle = symbol < sample.categories ? tone[symbol] : css("--line");
      context.fillRect(x, y, size, size);
      if (symbol < sample.categories) return;
      context.strokeStyle = css("--faint");
      context.strokeRect(x + size / 4, y + size / 4, size / 2, size / 2);
    });
  };
  const pictures = [];
  document.querySelectorAll(".states[data-sample]").forEach((box) => {
    const sample = data.samples[+box.dataset.sample];
    sample.states.forEach((state, i) => {
      const canvas = element("canvas", { role: "img", "aria-label": "sampled state" });
      const figure = element("figure", {}, canvas);
      if (sample.shape.length < 2 && sample.texts[i]) figure.append(element("figcaption", { title: sample.texts[i] }, sample.texts[i]));
      else if (sample.texts[i]) canvas.title = sample.texts[i];
      box.append(figure);
      pictures.push(() => draw_state(canvas, sample, state));
    });
  });
  pictures.forEach((draw) => draw());

  // A trial's error stands in a row of its own and moves with it.
  const blocks = (body) => [...body.rows].reduce((made, row) => {
    if (row.classList.contains("why")) made[made.length - 1].push(row); else made.push([row]);
    return made;
  }, []);

  // A click on a column's head sorts its table, numbers by value; a second one the other way round.
  for (const head of document.querySelectorAll("th[data-sort]")) {
    head.addEventListener("click", () => {
      const body = head.closest("table").tBodies[0], column = head.cellIndex;
      const up = head.dataset.sort !== "up";
      head.dataset.sort = up ? "up" : "down";
      const key = ([row]) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const rows = blocks(body).sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", { numeric: true }) : x - y;
        return up ? order : -order;
      });
      body.append(...rows.flat());
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { redraw_all(); pictures.forEach((draw) => draw()); });
})();
