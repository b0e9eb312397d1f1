// One trial: figures, curves, samples, configuration, what it printed, and what happened to it.

const trial_facts = (trial, statuses) => {
  const fact = (title, value) =>
    value !== null && value !== "" && value !== undefined && make("span", {}, `${title} `, make("b", {}, value));
  return [
    make("span", {}, status_text(statuses, trial.status)),
    fact("seed", String(trial.seed)),
    fact("on", [trial.device, trial.host].filter(Boolean).join(", ")),
    fact("started", time_text(trial.started)),
    fact("ended", time_text(trial.finished)),
    trial.attempts > 1 && fact("attempts", String(trial.attempts)),
    trial.tags.length > 0 && fact("tags", trial.tags.join(", ")),
    fact("configuration", trial.config_hash.slice(0, 12)),
  ];
};

const cards_of = (trial, results) => {
  const error_of_samples = (name) =>
    is_number(trial.final_metrics[`${name}_stderr`]) ? trial.final_metrics[`${name}_stderr`] : null;
  const metrics = has_finals(results)
    .filter((metric) => metric.goal !== "none" && metric.name in trial.final_metrics)
    .slice(0, most_cards);
  return (
    metrics.length > 0 &&
    make(
      "div",
      { class: "cards" },
      metrics.map((metric) =>
        card_of(metric, { mean: trial.final_metrics[metric.name], error: error_of_samples(metric.name), count: 0 }),
      ),
    )
  );
};

const figures_of = (trial, results) => {
  const rows = Object.entries(trial.final_metrics)
    .map(([name, value]) => {
      const metric = metric_of(results, name),
        error = trial.final_metrics[`${name}_stderr`];
      return {
        name,
        place: results.place.get(name) ?? 999,
        cells: [
          make("b", {}, name),
          { inside: figure_text({ mean: value, error: is_number(error) ? error : null }) },
          metric?.unit || "",
          metric?.about || "",
        ],
      };
    })
    .filter((row) => !row.name.endsWith("_stderr") || !(row.name.slice(0, -7) in trial.final_metrics))
    .sort((a, b) => a.place - b.place);
  if (!rows.length) return empty_state("No final figures: they are computed when the trial is trained.");
  return table_of(
    "Final figures",
    [{ title: "figure" }, { title: "value", number: true }, { title: "unit" }, { title: "what it is", wrap: true }],
    rows.map((row) => row.cells),
  );
};

const recorded_of = (trial) =>
  table_of(
    "Recorded curves",
    [
      { title: "metric" },
      { title: "points", number: true },
      { title: "last", number: true },
      { title: "least", number: true },
      { title: "at step", number: true },
      { title: "greatest", number: true },
      { title: "not finite", number: true },
    ],
    Object.entries(trial.metrics).map(([name, one]) => [
      name,
      one.points.toLocaleString("en"),
      number_text(one.last),
      number_text(one.min),
      one.min_step,
      number_text(one.max),
      one.not_finite || "",
    ]),
  );

const events_of = (trial) =>
  [
    trial.notes.length > 0 && [
      make("h2", {}, "Notes"),
      ...trial.notes.map((one) =>
        make("p", { class: "said" }, make("span", { class: "note" }, `${time_text(one.created)} `), one.text),
      ),
    ],
    trial.rungs.length > 0 && [
      make("h2", {}, "Rungs"),
      table_of(
        "Rungs",
        [
          { title: "rung", number: true },
          { title: "step", number: true },
          { title: "value", number: true },
          { title: "decision" },
        ],
        trial.rungs.map((one) => [one.rung, one.step, number_text(one.value), one.decision]),
      ),
    ],
    trial.checkpoints.length > 0 && [
      make("h2", {}, "Checkpoints"),
      table_of(
        "Checkpoints",
        [{ title: "step", number: true }, { title: "size", number: true }, { title: "written" }],
        trial.checkpoints.map((one) => [one.step, bytes_text(one.bytes), time_text(one.created)]),
      ),
    ],
    trial.evaluations.length > 1 && [
      make("h2", {}, "Evaluations"),
      table_of(
        "Evaluations",
        [{ title: "status" }, { title: "settings", wrap: true }, { title: "figures", wrap: true }],
        trial.evaluations.map((one) => [
          one.status + (one.shown ? ", shown" : ""),
          JSON.stringify(one.config),
          Object.entries(one.figures)
            .slice(0, 12)
            .map(([name, value]) => `${name} ${number_text(value)}`)
            .join(", "),
        ]),
      ),
    ],
  ].flat(2);

// What a report says of a trial of which it has the row alone.
const trial_of_row = (results, row) => ({
  ...row,
  trial: row.id,
  experiment: results.name,
  config_hash: row.of.hash,
  attempts: 1,
  is_row: true,
  final_metrics: Object.fromEntries(
    results.metrics.map((metric, i) => [metric.name, row.finals[i]]).filter(([, value]) => value !== null),
  ),
  metrics: {},
  evaluations: [],
  rungs: [],
  checkpoints: [],
  notes: [],
  flat: [
    ...results.keys.map((key, i) => [key.key, row.of.values[i]]).filter(([, value]) => value !== null),
    ...results.shared,
  ],
});

class TrialPage {
  constructor() {
    this.curves = new Curves(true);
    this.parts = {
      head: make("div"),
      cards: make("div"),
      figures: make("div"),
      samples: make("div"),
      more: make("div"),
      log: make("div"),
    };
    const { head, cards, figures, samples, more, log } = this.parts;
    this.node = make("article", {}, head, cards, this.curves.node, samples, figures, log, more);
  }
  asked({ name }) {
    return name;
  }
  title({ name }) {
    return `Trial ${name}`;
  }

  async load({ name: id }) {
    if (is_live || embedded.details?.[id]) {
      this.trial = await ask("/api/trial", { id });
      const query = { name: this.trial.experiment, where: is_live ? `trial = ${Number(id)}` : "" };
      this.results = read_results(await ask("/api/experiment", query));
    } else {
      this.results = read_results(await ask("/api/experiment"));
      const row = this.results.trial.get(Number(id));
      if (!row) throw unanswered(`this report has no trial ${id}`);
      this.trial = trial_of_row(this.results, row);
    }
    this.samples = (await ask("/api/samples", { trials: id })).samples;
  }

  draw({ words }) {
    const { trial, results } = this,
      { head, figures, samples, log, more } = this.parts,
      row = results.trial.get(trial.trial);
    renew(
      head,
      make("p", { class: "up" }, make("a", { href: experiment_link(trial.experiment) }, trial.experiment)),
      make("h1", {}, `Trial ${trial.trial}`),
      row && results.keys.length > 0 && make("p", { class: "soft" }, row.of.label),
      make("div", { class: "facts" }, trial_facts(trial, results.statuses)),
      trial.error && make("p", { class: "reason", role: "note" }, trial.error),
      trial.is_row && note("This report has curves, log and samples of the best trials only."),
    );
    renew(this.parts.cards, cards_of(trial, results));
    renew(figures, make("h2", {}, "Final figures"), figures_of(trial, results));
    renew(
      samples,
      this.samples[trial.trial]?.length && row
        ? [make("h2", {}, "Samples"), samples_side_by_side([row], this.samples)]
        : [],
    );
    renew(log, trial.log ? [make("h2", {}, "Log"), preformatted(trial.log, "log")] : []);
    renew(
      more,
      events_of(trial),
      make("h2", {}, "Configuration"),
      sections_of(trial.flat),
      Object.keys(trial.metrics).length > 0 && folded("recorded curves in numbers", "recorded", recorded_of(trial)),
      trial.toml && folded("the experiment file as run", "file", preformatted(trial.toml, "file")),
      trial.provenance &&
        folded("versions, commit, host", "provenance", pairs_of("Provenance", provenance_pairs(trial.provenance))),
      is_live &&
        note(
          "In a terminal: ",
          make("code", {}, `marginalia show ${trial.trial}`),
          ", ",
          make("code", {}, `marginalia logs ${trial.trial} --follow`),
        ),
    );
    take_places(row ? [row.key] : []);
    const recorded = results.metrics
      .filter((metric) => trial.metrics[metric.name]?.points > 1)
      .map((metric) => ({ ...metric, curve: true }));
    this.curves.node.hidden = recorded.length === 0;
    return this.curves.show(recorded, row ? [row] : [], words, { seeds: false });
  }
  close() {
    this.curves.close();
  }
}
