// Samples of trials side by side: states as pictures, molecules as drawings, text.

// Two categories as ground and ink, up to twelve as colours, more as a ramp; unknown sites are hatched.
const tones_of = (categories) => {
  if (categories === 2) return [css_colour("zero"), css_colour("one")];
  return Array.from({ length: categories }, (_, k) =>
    categories <= tones.length ? look_of(k).colour : ramp_colour(k / (categories - 1)),
  );
};
const most_cells = 1 << 20;
const draw_state = (canvas, { shape, categories }, state) => {
  const columns = Math.max(1, shape.length > 1 ? shape[shape.length - 1] : state.length),
    rows = Math.ceil(state.length / columns);
  if (columns * rows > most_cells) return;
  const cell = Math.max(1, Math.min(14, Math.floor((rows === 1 ? 420 : 90) / Math.max(columns, rows))));
  const ratio = Math.ceil(window.devicePixelRatio || 1),
    size = cell * ratio,
    tone = tones_of(categories);
  [canvas.width, canvas.height] = [columns * size, rows * size];
  [canvas.style.width, canvas.style.height] = [`${columns * cell}px`, `${rows * cell}px`];
  const context = canvas.getContext("2d");
  state.forEach((symbol, site) => {
    const x = (site % columns) * size,
      y = Math.floor(site / columns) * size;
    context.fillStyle = tone[symbol] || css_colour("line");
    context.fillRect(x, y, size, size);
    if (tone[symbol]) return;
    context.strokeStyle = css_colour("soft");
    context.strokeRect(x + size / 4, y + size / 4, size / 2, size / 2);
  });
};

const state_figure = (sample, state, i) => {
  const canvas = make("canvas", {
    role: "img",
    "data-dark": String(is_dark()),
    "aria-label": `state ${i + 1}${sample.texts?.[i] ? `: ${sample.texts[i].slice(0, 200)}` : ""}`,
    title: sample.texts?.[i],
  });
  draw_state(canvas, sample, state);
  const is_line = sample.shape.length < 2;
  return make("figure", {}, canvas, is_line && sample.texts?.[i] && make("figcaption", {}, sample.texts[i]));
};
const states_at_first = 16;
const sample_of = (sample, all) => {
  if (sample.kind === "svg")
    return make("img", {
      src: sample.data.startsWith("data:image/svg+xml") ? sample.data : "data:,",
      alt: sample.name,
      loading: "lazy",
    });
  if (sample.kind === "text")
    return sample.text.includes("\n") ? make("pre", {}, sample.text) : make("p", { class: "said" }, sample.text);
  const few = all ? sample.states : sample.states.slice(0, states_at_first);
  return make(
    "div",
    { class: "states" },
    few.map((state, i) => state_figure(sample, state, i)),
  );
};

const one_column = (name, samples) => {
  const sample = samples.find((one) => one.name === name);
  return sample
    ? [make("span", { class: "note" }, `step ${sample.step}`), sample_of(sample, false)]
    : make("span", { class: "note" }, "none");
};

// Trials as columns, kinds of samples as rows.
const samples_side_by_side = (trials, samples) => {
  const names = [...new Set(trials.flatMap((trial) => (samples[trial.id] || []).map((sample) => sample.name)))];
  if (!names.length)
    return empty_state("None of these trials has samples yet: they are drawn when a trial is evaluated.");
  const table = make(
    "table",
    { class: "gallery" },
    make("caption", { class: "unseen" }, "Samples of trials side by side"),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("th", { scope: "col" }, make("span", { class: "unseen" }, "sample")),
        trials.map((trial) =>
          make(
            "th",
            { scope: "col" },
            places.has(trial.key) && swatch(places.get(trial.key)),
            make("a", { href: trial_link(trial.id) }, `trial ${trial.id}`),
            make("span", { class: "unit" }, `${trial.of.label}, seed ${trial.seed}`),
          ),
        ),
      ),
    ),
    make(
      "tbody",
      {},
      names.map((name) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, name),
          trials.map((trial) => make("td", {}, one_column(name, samples[trial.id] || []))),
        ),
      ),
    ),
  );
  table.style.minWidth = `${190 + 260 * trials.length}px`;
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Samples", "data-scroll": "samples" },
    table,
  );
};

const most_side_by_side = 8;
const samples_tab = async (results, words) => {
  const { chosen, by_seeds } = rows_of(results, words);
  const best = drawn_rows(results, { chosen, by_seeds }).slice(0, chosen.size ? most_side_by_side : 3);
  const ended = (row) => trials_of(row, chosen).find((trial) => trial.status === "done") || trials_of(row, chosen)[0];
  const trials = chosen.size && !by_seeds ? best : best.map(ended).filter(Boolean);
  if (!trials.length) return [empty_state("No trial has samples yet: they are drawn when a trial is evaluated.")];
  const { samples } = await ask("/api/samples", { trials: trials.map((trial) => trial.id).join(",") });
  return [
    note(
      chosen.size
        ? "The rows chosen, one trial of each configuration."
        : "The best configurations, one trial of each; boxes in the table choose others.",
    ),
    samples_side_by_side(trials, samples),
  ];
};
